"""Finding and loading engines: by name, by folder, by ``module:Class``; all three work exactly alike.

A folder is a Python package loaded by path under a private name, so that an adapter called ``torch`` does not stand in
the way of ``import torch``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Annotated, NamedTuple

from msgspec import Meta, field

from harness.deviations import Deviation, is_here
from harness.engine import Engine, EngineUnusable
from harness.language import documents
from harness.language.decode import Decoder
from harness.language.records import Record, Text
from harness.language.words import ATTRIBUTES, COMPARISONS, NAMES, OF_A_NODE, OPERATORS, SYNTAX
from harness.places import room
from harness.problems import InputError, nearest, shortened
from harness.worker import loading
from harness.worker.loading import Adapter


class Follows(StrEnum):
    PYTORCH = "pytorch"
    """Its documents promise PyTorch's behaviour and wording: every standing and `message` are judged."""
    NONE = "none"


class Judges(StrEnum):
    ALL = "all"
    VALUES = "values"
    """Only what expressions show: specs that expect an error or a warning are not applicable."""


class Style(StrEnum):
    TAPE = "tape"
    """Operations are recorded as they run, and the reverse pass runs from a tensor."""
    FUNCTIONAL = "functional"
    """Functions are differentiated: programs reach the engine as one function and its ``func.vjp``, where they can."""


class ComplexGradient(StrEnum):
    """What the gradient of a real function of complex numbers is, where ``a + ib`` is the steepest ascent."""

    ASCENT = "ascent"
    """The ascent itself, as in PyTorch."""
    CONJUGATE = "conjugate"
    """``a - ib``: cotangents and gradients are the conjugates of PyTorch's."""


class Releases(StrEnum):
    PYTORCH = "pytorch"
    """Its versions are PyTorch's: what specs say of releases holds for it."""
    NONE = "none"


class FloatDtype(StrEnum):
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"
    FLOAT64 = "float64"


class Mutate(Record, frozen=True, kw_only=True):
    """What `harness mutate` breaks: the engine's own source, where that is Python."""

    files: Annotated[
        tuple[Text, ...],
        Meta(
            min_length=1,
            description="the files that hold derivative rules, relative to this one; * and ** as in a shell",
        ),
    ]
    cotangents: Annotated[
        tuple[Text, ...],
        Meta(description="what rules call the incoming gradient; a function is a rule if that is its first parameter"),
    ] = ("g", "grad", "grad_output")


class EngineFile(Record, frozen=True, kw_only=True, rename="kebab"):
    """``engine.yaml``: who an engine is, what it lacks by design, where it is known to deviate."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
    title: Text
    summary: str = ""
    homepage: str = ""
    install: Annotated[str, Meta(description="what a user types to install the engine")] = ""
    family: Annotated[
        str,
        Meta(
            pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$",
            max_length=40,
            description="the engine whose code it shares; both are one vote in `harness matrix`. Empty where it stands alone",
        ),
    ] = ""
    style: Style = Style.TAPE
    follows: Follows = Follows.NONE
    judges: Judges = Judges.ALL
    releases: Annotated[Releases, Meta(description="whose releases the engine's versions are")] = Releases.NONE
    complex_gradient: Annotated[
        ComplexGradient, Meta(description="of functions of complex numbers; only with style: functional")
    ] = ComplexGradient.ASCENT
    default_dtype: Annotated[FloatDtype, Meta(description="of tensors made from numbers with a decimal point")] = (
        FloatDtype.FLOAT32
    )
    versions: Annotated[str, Meta(description="of the engine that the adapter supports, as pip writes them")] = ""
    adapter: Annotated[
        str,
        Meta(
            description="where another engine's adapter serves: its folder, relative to this file, and :Class or :module.Class"
        ),
    ] = ""
    python: Annotated[
        str, Meta(description="the interpreter of its workers, relative to this file; empty for that of the harness")
    ] = ""
    command: Annotated[
        tuple[Text, ...],
        Meta(
            description="what starts a worker that speaks the protocol itself, run in this folder; then there is no adapter"
        ),
    ] = ()
    lacks: Annotated[
        dict[Text, Text],
        Meta(description="a word (no_grad, .retain_grad, .backward(retain_graph), []=): why it is absent by design"),
    ] = field(default_factory=dict)
    deviations: tuple[Deviation, ...] = ()
    mutate: Annotated[Mutate | None, Meta(description="the source files that `harness mutate` seeds faults into")] = (
        None
    )


class Candidate(NamedTuple):
    """An engine that was found and not yet loaded: nothing of it was imported."""

    file: EngineFile
    source: str
    """How it was named, where it is not one of the suite's own."""
    folder: Path | None
    module: str = ""
    class_name: str = "Engine"
    python: str = ""
    """The interpreter of its workers, where it is not the harness's own."""
    home: Path | None = None
    """Where the engine.yaml lies."""


class Loaded(NamedTuple):
    file: EngineFile
    source: str
    engine: Engine
    device: str


def builtin() -> Iterator[Candidate]:
    """The suite's own engines."""
    for path in sorted(room("engines").glob("*/engine.yaml")):
        yield _of_folder(path.parent, "")


def find(name: str) -> Candidate:
    """The engine that ``name`` means. Raises `EngineUnusable`, or `InputError` for a wrong engine.yaml."""
    if len(name) > 1000:
        raise EngineUnusable(f"no engine {shortened(name)}")
    folder, path = room("engines") / name, Path(name)
    if name and "/" not in name and (folder / "engine.yaml").is_file():
        return _of_folder(folder, "")
    if name and path.is_dir():
        if not (path / "engine.yaml").is_file():
            raise EngineUnusable(f"{name}: the folder holds no engine.yaml; `harness init-engine NAME` writes one")
        return _of_folder(path.resolve(), name)
    module, colon, class_name = name.partition(":")
    if colon and module and class_name.isidentifier() and all(part.isidentifier() for part in module.split(".")):
        file, home = _beside(module)
        return Candidate(file, name, None, module, class_name, home=home)
    known = [candidate.file.name for candidate in builtin()]
    also = f"; known are {', '.join(known)}; a folder with an engine.yaml or package.module:Class will do as well"
    raise EngineUnusable(f"no engine {shortened(name)}{nearest(name, known) or also}")


def _of_folder(home: Path, source: str) -> Candidate:
    """The engine whose engine.yaml lies in ``home``. Raises `InputError`, or `EngineUnusable`."""
    file = read_engine_file(home / "engine.yaml")
    if not file.adapter:
        return Candidate(file, source, home, home=home)
    folder, _, class_name = file.adapter.partition(":")
    there = (home / folder).resolve()
    if not (there / "__init__.py").is_file():
        raise EngineUnusable(f"{_short(home / 'engine.yaml')}: adapter {file.adapter!r}: {folder} holds no adapter")
    return Candidate(file, source, there, "", class_name or "Engine", home=home)


def _beside(module: str) -> tuple[EngineFile, Path]:
    """The engine.yaml beside a module, or the least that can be said without one; and the module's folder."""
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # last, so that no folder here stands in the way of an installed package
    found = _located(module)
    if found is None or found.origin is None:
        raise EngineUnusable(f"module {module!r} cannot be found; is it installed in this environment ({sys.prefix})?")
    home = Path(found.origin).parent
    if (home / "engine.yaml").is_file():
        return read_engine_file(home / "engine.yaml"), home
    name = module.rpartition(".")[2].lower().replace("_", "-").strip("-")
    return EngineFile(name=name, title=module), home


def _located(module: str) -> ModuleSpec | None:
    """Where a module is, without importing the packages above it: what they do is the worker's affair."""
    path, found = None, None
    for end in range(1, module.count(".") + 2):
        found = PathFinder.find_spec(".".join(module.split(".")[:end]), path)
        if found is None:
            return None
        path = found.submodule_search_locations
    return found


def read_engine_file(path: Path) -> EngineFile:
    """Read an engine.yaml. Raises `InputError` with everything that is wrong in it."""
    decoder = Decoder(_short(path))
    file = decoder.record(documents.read(path, _short(path)), EngineFile)
    if file is not None:
        for word in file.lacks:
            if not _is_need(word):
                place = decoder.places["lacks", word]
                known = [*NAMES, *(f".{a}" for a in ATTRIBUTES)]
                decoder.problem(place, f"{word!r} is no word of the language{nearest(word, known)}")
        for index, deviation in enumerate(file.deviations):
            _versions(decoder, ("deviations", index, "versions"), deviation.versions)
        _versions(decoder, ("versions",), file.versions)
    if file is None or decoder.problems:
        raise InputError(decoder.problems)
    return file


def _versions(decoder: Decoder, path: tuple[str | int, ...], text: str) -> None:
    if not text:
        return
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        decoder.problem(decoder.places[path], f"{text!r} is no range of versions; write it as pip does: '>=2.4,<2.15'")


def in_range(version: str, versions: str) -> bool:
    """Whether an engine's version is in a range that `read_engine_file` accepted; an unreadable version is in none but ''."""
    if not versions:
        return True
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet(versions).contains(version.partition("+")[0], prereleases=True)
    except InvalidVersion:
        return False


def holds(deviation: Deviation, version: str) -> bool:
    """Whether a deviation is one of this version of the engine, on this platform."""
    return in_range(version, deviation.versions) and is_here(deviation)


def _is_need(word: str) -> bool:
    base, _, keyword = word.rstrip(")").partition("(")
    entry = ATTRIBUTES.get(base[1:]) if base.startswith(".") else NAMES.get(base)
    if entry is not None:
        return not keyword or keyword in entry.optional
    signs = {*OPERATORS.values(), *(f"{sign}=" for sign in OPERATORS.values()), "[]", "[]="}
    signs |= {"-x", OF_A_NODE, *SYNTAX, *COMPARISONS.values()}
    return word in signs or (base.startswith(".") and base.endswith(" =") and base[1:-2] in ATTRIBUTES)


def adapter(candidate: Candidate) -> Adapter:
    """Where the candidate's adapter is, as a worker is told."""
    return Adapter(
        candidate.source or candidate.file.name,
        None if candidate.folder is None else str(candidate.folder),
        candidate.module,
        candidate.class_name,
        candidate.file.install,
    )


def load(candidate: Candidate, device: str | None, imports: Iterable[str] = ()) -> Loaded:
    """Import the adapter and its engine into this process. Raises `EngineUnusable` with what to do."""
    engine, version = loading.load(adapter(candidate), device, imports)
    check_version(candidate, version)
    return Loaded(candidate.file, candidate.source, engine, device or "cpu")


def check_version(candidate: Candidate, version: str) -> None:
    """Whether the adapter supports this version of the engine. Raises `EngineUnusable`."""
    if not in_range(version, candidate.file.versions):
        name = candidate.source or candidate.file.name
        raise EngineUnusable(f"engine {name} is version {version}; the adapter supports {candidate.file.versions}")


def _short(path: Path) -> str:
    rooms = room("engines")
    return str(Path("engines") / path.relative_to(rooms)) if path.is_relative_to(rooms) else str(path)
