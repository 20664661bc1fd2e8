"""Files -> checked specs. Every mistake of every file is reported at once, each with its place and how to mend it."""

from __future__ import annotations

import ast
import builtins
import functools
import gc
import hashlib
import keyword
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from harness.cache import Store, stamp
from harness.language import apart, documents, expected, kinds, program, sources
from harness.language import compile as compiler
from harness.language.decode import Decoder
from harness.language.documents import Node, Place, Scalar
from harness.language.expected import Words, words_at
from harness.language.export import Program, StepTree
from harness.language.inputs import inputs
from harness.language.records import Expectation, Origin, Outcome, Spec, Standing, Step, Tolerance
from harness.language.sizes import largest
from harness.language.words import ATTRIBUTES, BUILTINS, DTYPES, NAMES
from harness.problems import InputError, Problem, nearest, shortened
from harness.tables import expand

DUE_DTYPES = DTYPES | {"int8", "int16", "uint8", "bool"}
"""What an expectation may say; operations yield some dtypes that no program asks for."""
_SPEC_KEYS = tuple(field.name for field in msgspec.structs.fields(Spec))
_STEP_KEYS = tuple(field.name for field in msgspec.structs.fields(Step))


class Observation(NamedTuple):
    """One entry of a step's ``expect``."""

    text: str
    expectation: Expectation | None
    """None where only outcomes of the step speak of it."""
    words: Words
    line: int


Judged = tuple[tuple[int, Observation], ...]
"""What one outcome of a step says of its observations, each with its position among them."""


@dataclass(frozen=True, slots=True)
class CheckedSpec:
    """A spec that passed every check, ready to be compiled for any engine."""

    spec: Spec
    path: Path
    file: str
    """As it is shown: relative to the suite, or as the user named it."""
    line: int
    digest: str
    """SHA-256 of what the spec says, however it is laid out."""
    trees: tuple[StepTree, ...]
    observations: tuple[tuple[Observation, ...], ...]
    """Per step: those of its ``expect``, in order, then those that only outcomes have. Each is read once."""
    outcomes: tuple[tuple[Judged, ...], ...]
    """Per step, per outcome of its ``either``."""
    lines: tuple[int, ...]
    """Where each step's program begins."""
    arguments: tuple[str, ...]
    """Parameters that the program reads; others are for what it must show."""
    needs: frozenset[str]
    inputs: Mapping[str, tuple[ast.expr, str | None]]
    """Names bound once, to a tensor of literals or a parameter: (the literal's tree, the dtype's name where given)."""
    watch: bool
    """Whether sizes of tensors are watched while the program runs."""
    outside: bool = False
    """Whether the file is none of the suite's own."""
    chosen: frozenset[str] | None = None
    """Ids of the cases to run; None for all."""
    row: Origin | None = None
    """Of a derivative table, where it is from one."""
    tape: str = ""
    """Why it asks for a tape, where engines of functions cannot be asked it (see `functional`)."""
    conjugate: bool = False
    """Whether what it shows is the conjugate of what the engine's documents promise (see `functional`)."""

    @property
    def program(self) -> Program:
        """What an engine is asked to do."""
        return Program(self.spec.id, self.file, self.arguments, self.trees, self.watch)

    @property
    def cases(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(case id, parameters) of every chosen case"""
        several = len(self.spec.cases) > 1
        for number, case in enumerate(self.spec.cases or ({},), 1):
            id = f"{self.spec.id}[{number}]" if several else self.spec.id
            if self.chosen is None or id in self.chosen:
                yield id, dict(case)

    def joined(self, other: CheckedSpec) -> CheckedSpec:
        """The same spec with the cases that either of the two means."""
        if self.chosen is None or other.chosen is None:
            return replace(self, chosen=None)
        return replace(self, chosen=self.chosen | other.chosen)


def find(paths: Iterable[Path]) -> list[Path]:
    """The files behind ``paths``: a file is itself, a folder is every ``*.yaml`` below it but ``_*.yaml``."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*.yaml")):
                if not file.name.startswith("_"):
                    found[file] = None
        else:
            found[path] = None
    return list(found)


def load(files: Iterable[Path], root: Path | None = None) -> list[CheckedSpec]:
    """Load spec files; below ``root`` a spec's id must be its path. Raises `InputError` with all problems of all files."""
    with _uncollected():
        return _load(files, root)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nothing of what is loaded is garbage: looking for it takes longer than loading."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()  # into the oldest generation: as the youngest it would be looked through at once
        if enabled:
            gc.enable()


def _load(files: Iterable[Path], root: Path | None) -> list[CheckedSpec]:
    specs: list[CheckedSpec] = []
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    store = Store("specs")
    try:
        known = _known_sources(root)
    except InputError as error:
        problems += error.problems
        known = None
    files = list(files)
    made = apart.work_out(
        [path for path in files if _is_new_table(path, root, known, store)],
        functools.partial(_pickled, root=root, known=known),
    )
    for path in files:
        try:
            found = load_file(path, root, store, known, made.get)
        except InputError as error:
            problems += error.problems
            continue
        for spec in found:
            if spec.spec.id in seen:
                taken = f"id {spec.spec.id!r} is already taken by {seen[spec.spec.id]}"
                problems.append(Problem(spec.file, spec.line, 1, taken))
            seen[spec.spec.id] = spec.file
        specs += found
    store.save()
    if problems:
        raise InputError(problems)
    return specs


def _known_sources(root: Path | None) -> Mapping[str, sources.Document] | None:
    """What specs below ``root`` may cite; None where nothing says so."""
    return sources.read(root) if root is not None and (root / sources.FILE).is_file() else None


def load_file(
    path: Path,
    root: Path | None = None,
    store: Store | None = None,
    known: Mapping[str, sources.Document] | None = None,
    elsewhere: Callable[[Path], bytes | None] = lambda path: None,
) -> list[CheckedSpec]:
    """Load one file, which is a spec or a table of many; one that was checked before, by this very harness, is taken from
    ``store``, or from ``elsewhere``. Raises `InputError`.

    ``known``: what it may cite where it lies below ``root``."""
    text = _text(path, root, known)
    kept = store.get(text.key) if store is not None else None
    made = kept or elsewhere(path)
    if made is not None:
        before: list[CheckedSpec] = pickle.loads(made)  # our own, from a folder that only this user can write to
        if kept is None and store is not None:
            store.put(text.key, made)
        return before
    node = documents.decode(text.data, text.shown)
    make = table if expand.is_table(node) else _single
    checked = make(node, path, text.shown, text.id, known)
    if store is not None:
        store.put(text.key, pickle.dumps(checked, protocol=5))
    return checked


SMALL: Final = 2048
"""A table with fewer bytes than this is worked out where it is read."""


def _is_new_table(path: Path, root: Path | None, known: Mapping[str, sources.Document] | None, store: Store) -> bool:
    """Whether a file looks like a table that takes long and is not in ``store``."""
    try:
        if path.stat().st_size < SMALL:
            return False
        text = _text(path, root, known)
    except (OSError, InputError):
        return False
    return b"\nrows:" in text.data and store.get(text.key) is None


def _pickled(path: Path, root: Path | None, known: Mapping[str, sources.Document] | None) -> bytes | None:
    """The specs of one file; None where it has a mistake, which is then told by whoever loads it."""
    with _uncollected():
        try:
            return pickle.dumps(load_file(path, root, None, known), protocol=5)
        except InputError:
            return None


class _Text(NamedTuple):
    data: bytes
    shown: str
    """The file's name in messages."""
    id: str | None
    """What the id of a spec in it must be, where it lies below the root."""
    key: bytes
    """Of what is worked out from it."""


def _text(path: Path, root: Path | None, known: Mapping[str, sources.Document] | None) -> _Text:
    place, top = path.resolve(), root.resolve() if root is not None else None
    shown, id = str(path), None
    if root is not None and top is not None and place.is_relative_to(top):
        below = place.relative_to(top)
        shown, id = str(Path(root.name) / below), below.with_suffix("").as_posix()
    data = documents.content(path, shown)
    cited = b"" if root is None or id is None or known is None else sources.digest(root)
    key = hashlib.sha256(b"\0".join([_stamp(), str(path).encode(), shown.encode(), data, cited])).digest()
    return _Text(data, shown, id, key)


def table(
    node: Node, path: Path, shown: str, id: str | None = None, known: Mapping[str, sources.Document] | None = None
) -> list[CheckedSpec]:
    """A table's specs. Raises `InputError`."""
    area = id.partition("/")[0] if id is not None else "ops"

    def checked(spec: Spec, decoder: Decoder, row: Origin) -> CheckedSpec:
        return replace(_SpecChecker(spec, decoder, shown).checked(path, outside=id is None), row=row)

    return expand.expand(node, shown, area, checked, known if id is not None else None)


_stamp = functools.cache(stamp)


def _single(
    node: Node, path: Path, shown: str, id: str | None = None, known: Mapping[str, sources.Document] | None = None
) -> list[CheckedSpec]:
    return [check(node, path, shown, id, known)]


def check(
    node: Node, path: Path, shown: str, id: str | None = None, known: Mapping[str, sources.Document] | None = None
) -> CheckedSpec:
    """A document's nodes as a checked spec; ``id`` is what its id must be, and then ``known`` what it may cite.

    Raises `InputError`."""
    decoder = Decoder(shown)
    spec = decoder.record(_long_form(node, decoder), Spec)
    if spec is None or (decoder.problems and ("cases",) in decoder.places and not spec.cases):
        raise InputError(decoder.problems)  # without its parameters, nothing sensible can be said of a program
    if id is not None and spec.id != id:
        decoder.problem(decoder.places["id",], f"id {spec.id!r} must be the file's path below the suite: {id!r}")
    for index, source in enumerate(spec.source if id is not None and known is not None else ()):
        if text := sources.wrong(source, known or {}):
            decoder.problem(decoder.places["source", index], text)
    return _SpecChecker(spec, decoder, shown).checked(path, outside=id is None)


def _long_form(node: Node, decoder: Decoder) -> Node:
    """A spec with one step may write the step's keys at the top."""
    if not isinstance(node, documents.Mapping):
        return node
    for key, (place, _) in list(node.items.items()):
        if key not in _SPEC_KEYS and key not in _STEP_KEYS:
            known = [*_SPEC_KEYS, *_STEP_KEYS]
            hint = nearest(key, known) or "; known are " + ", ".join(known)
            decoder.problem(place, f"unknown key {shortened(key)}{hint}")
            del node.items[key]
    short = {key: entry for key, entry in node.items.items() if key in _STEP_KEYS}
    if not short or "steps" in node.items:
        for key in short:
            decoder.problem(node.items[key][0], f"{key!r} stands beside 'steps'; move it into a step")
        return documents.Mapping(node.place, {k: v for k, v in node.items.items() if k not in short})
    first = next(iter(short.values()))[0]
    steps = documents.Sequence(first, [documents.Mapping(first, short)])
    items = {k: v for k, v in node.items.items() if k not in short}
    return documents.Mapping(node.place, items | {"steps": (first, steps)})


class _SpecChecker:
    """Checks one decoded spec: its programs, kinds, parameters and expected values."""

    def __init__(self, spec: Spec, decoder: Decoder, file: str) -> None:
        self.spec = spec
        self.decoder = decoder
        self.file = file
        self.problems = decoder.problems
        self.parameters = tuple(spec.cases[0]) if spec.cases else ()
        self.scope = program.Scope(self.parameters)
        self.trees: list[StepTree] = []
        self.observations: list[tuple[Observation, ...]] = []
        self.outcomes: list[tuple[Judged, ...]] = []
        self.inputs: dict[str, tuple[ast.expr, str | None]] = {}
        self.used: set[str] = set()
        self.read: set[str] = set()
        self.unparsed = False

    def checked(self, path: Path, outside: bool) -> CheckedSpec:
        """Check all there is, however much was wrong already. Raises `InputError`."""
        self.check_cases()
        self.check_standing()
        for number, step in enumerate(self.spec.steps):
            self.check_step(number, step)
        if len(self.trees) == len(self.spec.steps):
            self.inputs = inputs([tree for step in self.trees for tree in step.body], set(self.parameters))
            for number in range(len(self.spec.steps)):
                self.check_values(number)
        if not self.problems:
            self.check_use()
            self.check_compiles()
        if self.problems:
            raise InputError(self.problems)
        place = self.decoder.places
        return CheckedSpec(
            spec=self.spec,
            path=path,
            file=self.file,
            line=place["id",].line,
            digest=hashlib.sha256(_digested(self.spec)).hexdigest(),
            trees=tuple(self.trees),
            observations=tuple(self.observations),
            outcomes=tuple(self.outcomes),
            lines=tuple(self.program_place(("steps", n, "run")).line for n in range(len(self.spec.steps))),
            arguments=tuple(name for name in self.parameters if name in self.read),
            needs=frozenset(self.scope.needs),
            inputs=self.inputs,
            watch=compiler.is_watched(self.trees, largest(self.spec, self.trees)),
            outside=outside,
        )

    def problem(self, place: Place, text: str) -> None:
        self.decoder.problem(place, text)

    def check_standing(self) -> None:
        """What a standing asks for, and the releases that the spec speaks of."""
        from packaging.version import InvalidVersion, Version

        spec, releases = self.spec, {}
        if spec.standing is Standing.CONTRADICTS_DOC and not spec.defect:
            self.problem(
                self.decoder.places["standing",], "contradicts-doc needs 'defect': how PyTorch departs, and where"
            )
        for name, text in (("since", spec.since), ("until", spec.until)):
            try:
                releases[name] = Version(text) if text else None
            except InvalidVersion:
                self.problem(self.decoder.places[name,], f"{shortened(text)} is no release; write it as '2.5'")
        since, until = releases.get("since"), releases.get("until")
        if since is not None and until is not None and not since < until:
            self.problem(self.decoder.places["until",], f"ends with {spec.until}, before it begins with {spec.since}")

    # ---- parameters

    def check_cases(self) -> None:
        for index, case in enumerate(self.spec.cases):
            place = self.decoder.places["cases", index]
            if set(case) != set(self.parameters):
                names = sorted(set(case) ^ set(self.parameters))
                self.problem(
                    place, f"every case has the same parameters; {', '.join(map(repr, names))} is not in all of them"
                )
        for name in self.parameters:
            place = self.decoder.places["cases", 0, name]
            if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
                self.problem(place, f"parameter {name!r} is not a name")
            elif name in BUILTINS or name == "tensor" or (hasattr(builtins, name) and name not in NAMES):
                # Other words of the language (grad) may name a parameter; the spec cannot use the word then.
                self.problem(place, f"parameter {name!r} is a word of the language; choose another name")

    # ---- programs

    def program_place(self, path: tuple[str | int, ...]) -> Place:
        """Where the text of a scalar begins in the file."""
        node = self.decoder.nodes[path]
        assert isinstance(node, Scalar)
        return node.text

    def check_step(self, number: int, step: Step) -> None:
        path = ("steps", number)
        node = self.decoder.nodes[*path, "run"]
        if isinstance(node, Scalar) and (node.style == ">" or (node.style != "|" and "\n" in node.value)):
            self.problem(node.place, "a program of several lines begins with 'run: |'")
            return
        place = self.program_place((*path, "run"))
        tree = program.parse(program.Source(step.run, self.file, place), self.scope, self.problems)
        self.unparsed = self.unparsed or any(problem.text.startswith("is not a program") for problem in self.problems)
        observed: dict[str, ast.expr] = {}
        observations = self.check_expect((*path, "expect"), step.expect, observed)
        self.check_kinds(path, step)
        outcomes: list[Judged] = []
        for index, outcome in enumerate(step.either):
            entries = self.check_expect((*path, "either", index, "expect"), outcome.expect, observed)
            self.check_kinds((*path, "either", index), outcome)
            self.check_outcome((*path, "either", index), outcome)
            observations += [
                e._replace(expectation=None) for e in entries if e.text not in {o.text for o in observations}
            ]
            place_of = {entry.text: position for position, entry in enumerate(observations)}
            outcomes.append(tuple((place_of[entry.text], entry) for entry in entries))
        for field, given in (("raises", step.raises), ("warns", step.warns), ("message", step.message)):
            if step.either and given:
                self.problem(
                    self.decoder.places[*path, field], f"{field!r} stands beside 'either'; move it into the outcomes"
                )
        if isinstance(tree, ast.Module):
            self.trees.append(StepTree(tree.body, list(observed.values()), step.may_raise))
            self.observations.append(tuple(observations))
            self.outcomes.append(tuple(outcomes))

    def check_expect(
        self, path: tuple[str | int, ...], expect: Mapping[str, Any], observed: dict[str, ast.expr]
    ) -> list[Observation]:
        """The entries of one ``expect``; their trees go into ``observed``, each text once."""
        entries: list[Observation] = []
        for text, value in expect.items() if not self.unparsed else ():  # its names are not known
            key = self.decoder.places[*path, text]
            expression = program.parse(program.Source(text, self.file, key), self.scope, self.problems, expression=True)
            if isinstance(expression, ast.Expression):
                observed.setdefault(text, expression.body)
                expectation = value if isinstance(value, Expectation) else Expectation(value=value)
                entries.append(Observation(text, expectation, _words(expression.body), key.line))
        return entries

    def check_kinds(self, path: tuple[str | int, ...], due: Step | Outcome) -> None:
        if due.raises is not None:
            self.check_kind((*path, "raises"), due.raises, kinds.errors(), "error")
        for field, given in (("warns", due.warns), ("allows", due.allows)):
            for index, kind in enumerate(given):
                self.check_kind((*path, field, index), kind, kinds.warnings(), "warning")
        if due.message is not None and due.raises is None and not due.warns and not getattr(due, "either", ()):
            self.problem(self.decoder.places[*path, "message"], "'message' goes with 'raises' or 'warns'")

    def check_outcome(self, path: tuple[str | int, ...], outcome: Outcome) -> None:
        if not outcome.because and not outcome.versions:
            self.problem(self.decoder.places[path], "an outcome says 'because' (what leaves the choice) or 'versions'")
        if outcome.versions:
            from packaging.specifiers import InvalidSpecifier, SpecifierSet

            try:
                SpecifierSet(outcome.versions)
            except InvalidSpecifier:
                text = f"{shortened(outcome.versions)} is no range of releases; write it as pip does: '>=2.5,<2.14'"
                self.problem(self.decoder.places[*path, "versions"], text)

    def check_kind(self, path: tuple[str | int, ...], kind: str, known: Mapping[str, str], what: str) -> None:
        if kind not in known:
            hint = nearest(kind, known) or "; `harness kinds` lists them"
            self.problem(self.decoder.places[path], f"unknown kind of {what} {kind!r}{hint}")

    # ---- expected values

    def check_values(self, number: int) -> None:
        path: tuple[str | int, ...] = ("steps", number)
        for entry in self.observations[number]:
            if entry.expectation is not None:
                self.check_entry((*path, "expect", entry.text), entry, entry.expectation)
        for index, judged in enumerate(self.outcomes[number]):
            for _, entry in judged:
                assert entry.expectation is not None
                self.check_entry((*path, "either", index, "expect", entry.text), entry, entry.expectation)

    def check_entry(self, path: tuple[str | int, ...], entry: Observation, expectation: Expectation) -> None:
        node = self.decoder.nodes[path]
        if (
            expectation.dtype is not None
            and expectation.dtype not in DUE_DTYPES
            and expectation.dtype not in self.parameters
        ):
            where = self.decoder.places.get((*path, "dtype"), node.place)
            self.problem(where, f"unknown dtype {expectation.dtype!r}{nearest(expectation.dtype, DUE_DTYPES)}")
        for index, case in enumerate(self.spec.cases if expectation.dtype in self.parameters else ()):
            given = case.get(expectation.dtype or "")
            if not isinstance(given, str) or given not in DUE_DTYPES:
                where = self.decoder.places["cases", index, expectation.dtype or ""]
                self.problem(where, f"parameter {expectation.dtype!r} stands for a dtype; {shortened(given)} is none")
        if isinstance(expectation.tolerance, str) and expectation.tolerance not in self.parameters:
            self.problem(node.place, f"tolerance {expectation.tolerance!r} is no parameter that holds [rtol, atol]")
        values: list[Node] = [node]
        if isinstance(node, documents.Mapping):
            said = {key: value for key, (_, value) in node.items.items()}
            values = [said[key] for key in ("value",) if key in said]
            several = said.get("any")
            if isinstance(several, documents.Sequence):
                values += several.items
            if not values and expectation.shape is None and expectation.dtype is None:
                self.problem(node.place, "says nothing; give 'value', 'any', 'shape' or 'dtype'")
            if "any" in said and "value" in said:
                self.problem(node.items["any"][0], "'any' stands beside 'value'; give one of them")
            if ("any" in said) != bool(expectation.because):
                self.problem(node.place, "'any' and 'because' go together: what leaves the choice?")
        for value in values:
            self.check_value(value, entry.words, entry.text.endswith(".dtype"))

    def check_value(self, node: Node, words: Words, of_dtype: bool = False) -> None:
        if isinstance(node, documents.Sequence):
            for index, item in enumerate(node.items):
                self.check_value(item, words_at(words, index))
        elif isinstance(node, Scalar) and isinstance(node.value, str) and words is True:
            self.used.add(node.value)
            if of_dtype and node.value not in DUE_DTYPES and node.value not in self.parameters:
                self.problem(node.place, f"unknown dtype {shortened(node.value)}{nearest(node.value, DUE_DTYPES)}")
        elif isinstance(node, Scalar) and isinstance(node.value, str):
            try:
                tree = expected.parse(node.value)
            except expected.BadValue as error:
                self.problem(Place(node.text.line, node.text.column + error.column), str(error))
                return
            known = {*self.parameters, *self.inputs}
            for name in expected.names_in(tree):
                self.used.add(name.id)
                if name.id not in known and name.id not in expected.CONSTANTS:
                    place = Place(node.text.line, node.text.column + name.col_offset)
                    hint = nearest(name.id, known)
                    if name.id.lower() in ("yes", "no", "on", "off", "none"):
                        hint = "; truth values are true and false, nothing is null"
                    elif name.id in self.scope.names:
                        hint = ": an input is bound once, to a tensor of literals; write the value out"
                    self.problem(place, f"name {name.id!r} is neither a parameter nor an input of the program{hint}")

    def check_compiles(self) -> None:
        """Python parses some programs that it then refuses: two parameters of one name, too many blocks in each other."""
        try:
            compiler.check(self.trees, self.file)
        except (SyntaxError, RecursionError, ValueError) as error:
            line = getattr(error, "lineno", None) or self.decoder.places["id",].line
            column = getattr(error, "offset", None) or 1
            self.problem(Place(line, column), f"is not a program: {getattr(error, 'msg', error)}")

    def check_use(self) -> None:
        for step in self.trees:
            for tree in (*step.body, *step.observed):
                self.read |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        self.used |= self.read
        for expectation in (entry.expectation for entries in self.observations for entry in entries):
            if expectation is not None:
                self.used.add(expectation.dtype or "")
                self.used |= {expectation.tolerance} if isinstance(expectation.tolerance, str) else set()
        for judged in (entry for step in self.outcomes for outcome in step for _, entry in outcome):
            self.used |= {judged.expectation.dtype or ""} if judged.expectation is not None else set()
        for name in self.parameters:
            if name not in self.used:
                self.problem(self.decoder.places["cases", 0, name], f"parameter {name!r} is never used")
        if not any(step.expect or step.raises or step.warns or step.either for step in self.spec.steps):
            self.problem(self.decoder.places["id",], "expects nothing: give a step 'expect', 'raises' or 'warns'")


def _words(node: ast.expr) -> Words:
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return (NAMES.get(name) or BUILTINS.get(name) or NAMES["grad"]).result in ("word", "words")
        case ast.Call(func=ast.Attribute(attr=name)) | ast.Attribute(attr=name):
            return name in ATTRIBUTES and ATTRIBUTES[name].result in ("word", "words")
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [_words(element) for element in elements]
        case ast.ListComp(elt=element):
            return _words(element)
        case ast.Subscript(value=value):
            return _words(value) is True
        case ast.IfExp(body=body, orelse=orelse):
            return _words(body) is True or _words(orelse) is True
    return False


def _digested(spec: Spec) -> bytes:
    return msgspec.json.encode(spec, enc_hook=str)  # complex numbers, which JSON has not


def tolerance(given: Tolerance | str | None, parameters: Mapping[str, Any]) -> expected.Tolerances | None:
    if isinstance(given, str):
        return expected.Tolerances(*parameters[given])
    return None if given is None else expected.Tolerances(given.rtol, given.atol)
