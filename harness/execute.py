"""Running cases on an engine: compile, run, observe, judge. Yields one result per case, in the order of the specs."""

from __future__ import annotations

import ast
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import msgspec

from harness.engine import Engine, Graph, Unsupported
from harness.judge import check_observed, compare, shown
from harness.language import expected, load
from harness.language.compile import Raised, Runner, Unreadable, build
from harness.language.expected import Expected
from harness.language.guards import OutOfBounds
from harness.language.load import CheckedSpec, Observation
from harness.language.records import Standing
from harness.language.words import DTYPES
from harness.plugins import Follows, Judges, Loaded
from harness.record import CaseLine, Check, GraphLine, Status

UNCLASSIFIED = "unclassified"


class _Warnings:
    """Collects what an engine warns about; installed once, so that it costs a case nothing."""

    def __init__(self) -> None:
        self.seen: list[Warning | str] = []
        self.filter: Any = None

    def take(self) -> list[Warning | str]:
        """What was warned since the last call."""
        if not self.seen:
            return _NONE
        taken, self.seen = self.seen, []
        return taken

    def show(self, message: Warning | str, *rest: Any, **more: Any) -> None:
        if not isinstance(message, (ResourceWarning, ImportWarning)):  # Python's own, at no moment that a program chose
            self.seen.append(message)

    def ready(self) -> None:
        """Before a case: forget what the last one left, and undo what it did to Python's filters."""
        self.seen = []
        warnings.showwarning = self.show
        if not warnings.filters or warnings.filters[0] is not self.filter:
            warnings.simplefilter("always")
            self.filter = warnings.filters[0]


_NONE: list[Warning | str] = []


@contextmanager
def listening() -> Iterator[_Warnings]:
    """Every warning goes to the harness while this is open."""
    collected = _Warnings()
    with warnings.catch_warnings():
        collected.ready()
        yield collected


class Wanted(NamedTuple):
    """One case, ready to run: parameters in order, and what each observation of each step must show."""

    id: str
    parameters: dict[str, Any]
    values: tuple[Any, ...]
    steps: tuple[tuple[Expected, ...], ...]


class Program(NamedTuple):
    """A spec compiled for one engine."""

    checked: CheckedSpec
    runner: Runner
    cases: tuple[Wanted, ...]


class Missing(NamedTuple):
    """A word that a spec needs and the engine does not have."""

    word: str
    reason: str
    """Why, where the engine declares to lack it by design."""

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}" if self.reason else self.word


def missing(checked: CheckedSpec, loaded: Loaded) -> list[Missing]:
    """What the spec needs and the engine does not have."""
    engine, lacks = loaded.engine, loaded.file.lacks
    out = []
    for need in sorted(checked.needs):
        declared = next((word for word in (need, need.partition("(")[0]) if word in lacks), None)
        if declared is not None:
            out.append(Missing(declared, lacks[declared]))
        elif "(" not in need and not _has(engine, need):
            out.append(Missing(need, ""))
    return out


def _has(engine: Engine, need: str) -> bool:
    if need.startswith("."):
        name, _, store = need[1:].partition(" ")
        return name in engine.attributes and (
            not store or name in engine.setters or not callable(engine.attributes[name])
        )
    return not need[0].isalpha() or need == "abs" or need in engine.names


def compile_spec(
    checked: CheckedSpec,
    loaded: Loaded,
    take: Callable[[], Any],
    trace: Callable[[int, dict[str, Any]], None] | None = None,
) -> Program:
    """Compile a spec for an engine and prepare the expected values of its cases.

    Raises `expected.BadValue` where an expected value cannot be evaluated."""
    runner = build(
        checked.spec.id,
        checked.file,
        checked.parameters,
        list(checked.trees),
        loaded.engine,
        take,
        largest=checked.largest,
        trace=trace,
    )
    return Program(checked, runner, prepare(checked, loaded.file.default_dtype))


def prepare(checked: CheckedSpec, default: str) -> tuple[Wanted, ...]:
    """The chosen cases with their expected values, for an engine whose default float dtype is ``default``.

    Raises `expected.BadValue`, with the line of the expectation."""
    return tuple(_wanted(checked, id, parameters, default) for id, parameters in checked.cases)


def _wanted(checked: CheckedSpec, id: str, parameters: dict[str, Any], default: str) -> Wanted:
    names = dict(parameters)
    for name, (tree, dtype) in checked.inputs.items():
        data = load.literal_value(tree, parameters)
        kind = parameters.get(dtype or "", dtype) or expected.dtype_of(data, default)
        # Data that makes no tensor is the engine's to refuse; an expectation that uses it is told that there is no value.
        with suppress(expected.BadValue):
            names[name] = expected.rounded(data, str(kind))
    steps = tuple(tuple(_expected(entry, names, default) for entry in entries) for entries in checked.observations)
    return Wanted(id, parameters, tuple(parameters.values()), steps)


def _expected(entry: Observation, names: dict[str, Any], default: str) -> Expected:
    expectation = entry.expectation
    dtype = names.get(expectation.dtype or "", expectation.dtype)
    if expectation.value is msgspec.UNSET:
        return expected.Form(expectation.shape, dtype)
    given = load.tolerance(expectation.tolerance)
    try:
        return expected.prepare(
            expectation.value, entry.words, names, default, shape=expectation.shape, dtype=dtype, tolerance=given
        )
    except expected.BadValue as error:
        raise expected.BadValue(f"expected value of {entry.text}: {error}", line=entry.line) from None


def is_dtype(value: Any) -> bool:
    """Whether a parameter names a dtype: the program sees the engine's dtype object."""
    return isinstance(value, str) and value in DTYPES


def fresh(value: Any) -> Any:
    """A copy of a parameter that the program may change."""
    return [fresh(item) for item in value] if isinstance(value, list) else value


class Session:
    """One engine, many cases."""

    def __init__(self, loaded: Loaded, collected: _Warnings, graphs: bool = False) -> None:
        self.loaded = loaded
        self.engine = loaded.engine
        self.warnings = collected
        self.graphs = graphs
        self.follows_pytorch = loaded.file.follows is Follows.PYTORCH

    def run(self, specs: Iterable[CheckedSpec]) -> Iterator[CaseLine]:
        for checked in specs:
            yield from self.run_spec(checked)

    def run_spec(self, checked: CheckedSpec) -> Iterator[CaseLine]:
        """The verdict on every case of a spec."""
        status, reason = self.refused(checked)
        if status is not None:
            for id, parameters in checked.cases:
                yield CaseLine(id=id, spec=checked.spec.id, status=status, parameters=parameters, reason=reason)
            return
        try:
            program = compile_spec(checked, self.loaded, self.warnings.take)
        except expected.BadValue as error:
            for id, parameters in checked.cases:
                yield CaseLine(
                    id=id,
                    spec=checked.spec.id,
                    status=Status.ERROR,
                    parameters=parameters,
                    reason=f"{checked.file}:{error.line}: {error}",
                )
            return
        for case in program.cases:
            yield self.run_case(program, case)

    def refused(self, checked: CheckedSpec) -> tuple[Status | None, str]:
        """Why a spec is not judged on this engine, if it is not."""
        if checked.spec.standing is Standing.OBSERVED and not self.follows_pytorch:
            return Status.NOT_APPLICABLE, "no document promises it, and the engine does not declare to follow PyTorch"
        if self.loaded.file.judges is Judges.VALUES and any(step.raises or step.warns for step in checked.spec.steps):
            return Status.NOT_APPLICABLE, "it expects an error or a warning, and only values are judged on this engine"
        if lacking := missing(checked, self.loaded):
            return Status.UNSUPPORTED, "needs " + "; ".join(map(str, lacking))
        return None, ""

    def run_case(self, program: Program, case: Wanted) -> CaseLine:
        """The verdict on one case. Whatever happens in the engine or in its adapter ends here."""
        lacking = [value for value in case.values if is_dtype(value) and value not in self.engine.names]
        if lacking:
            return _line(program.checked, case, Status.UNSUPPORTED, reason="needs " + "; ".join(lacking))
        out: list[Any] = []
        names: dict[str, Any] = {}
        aborted: BaseException | None = None
        program.runner.guards.reset()
        try:
            self.engine.reset()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return _broken(program.checked, case, error)
        self.warnings.ready()
        begun = time.perf_counter()
        try:
            values = [self.engine.names[v] if is_dtype(v) else fresh(v) for v in case.values]
            names = program.runner.call(out.append, *values)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            aborted = error
        seconds = round(time.perf_counter() - begun, 6)
        try:
            status, failures, reason = Judge(self.engine, self.follows_pytorch, program.checked, case).verdict(
                out, aborted
            )
            graph = self.draw(names) if self.graphs else None
        except Unsupported as lacks:
            return _line(program.checked, case, Status.UNSUPPORTED, seconds=seconds, reason=_clean(str(lacks)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # an adapter's fault must not stop the other cases
            return _broken(program.checked, case, error)
        return _line(program.checked, case, status, seconds=seconds, failures=failures, reason=reason, graph=graph)

    def draw(self, names: dict[str, Any]) -> GraphLine | None:
        """The graph as the record carries it. Raises `TypeError` where the adapter gives something else."""
        graph: Graph | None = self.engine.graph(
            {name: value for name, value in names.items() if not name.startswith("_")}
        )
        if graph is None or not graph.nodes:
            return None
        nodes = [(_word(n.label), _word(n.role), [_word(name) for name in n.names]) for n in graph.nodes]
        edges = [(consumer, producer) for consumer, producer in graph.edges]
        if not all(type(end) is int and 0 <= end < len(nodes) for edge in edges for end in edge):
            raise TypeError("the adapter's graph has an edge to no node")
        return GraphLine(nodes=nodes, edges=edges)


SPEC_FAULTS = {
    "bounds": "the spec's program goes beyond the bounds of the language",
    "unbound": "the spec's program uses a name that it has not bound",
}
"""What a program does wrong by itself: nothing is said about the engine."""


class Judge:
    """The verdict on one case from what its program saw."""

    def __init__(self, engine: Engine, wording: bool, checked: CheckedSpec, case: Wanted) -> None:
        self.engine = engine
        self.wording = wording
        self.checked = checked
        self.case = case
        self.failures: list[Check] = []

    def verdict(self, out: list[Any], aborted: BaseException | None) -> tuple[Status, list[Check], str]:
        position = 0
        for number, (step, wanted, entries) in enumerate(
            zip(self.checked.spec.steps, self.case.steps, self.checked.observations, strict=True)
        ):
            due = bool(step.raises) + len(wanted) + 1
            seen = out[position : position + due]
            position += due
            if len(seen) < due:
                assert aborted is not None
                self.unexpected(number, aborted)
                break
            if step.raises:
                self.error(number, seen[0])
            for entry, value, shows in zip(entries, wanted, seen[bool(step.raises) :], strict=False):
                self.observation(number, entry.text, entry.line, value, shows)
            self.warned(number, seen[-1])
        for what, reason in SPEC_FAULTS.items():
            if any(failure.what == what for failure in self.failures):
                return Status.ERROR, self.failures, reason
        return (Status.FAIL if self.failures else Status.PASS), self.failures, ""

    def fail(self, what: str, number: int, line: int, **more: Any) -> None:
        self.failures.append(Check(what=what, step=number + 1, line=line, **more))

    def last_line(self, number: int) -> int:
        return self.checked.trees[number].body[-1].lineno

    def text(self, number: int, line: int) -> str:
        lines = self.checked.spec.steps[number].run.splitlines()
        at = line - self.checked.lines[number]
        return lines[at].strip() if 0 <= at < len(lines) else ""

    def kind(self, error: BaseException) -> str:
        return self.engine.error_kind(error) or UNCLASSIFIED

    def is_own(self, error: BaseException) -> bool:
        """Whether the program itself raised, and not the engine below it."""
        places = list(_places(error))
        return bool(places) and places[-1].file == self.checked.file

    def line_of(self, error: BaseException) -> int | None:
        """The line of the program's top level in which an exception came up."""
        return next((p.line for p in _places(error) if p.file == self.checked.file and p.function == "_case"), None)

    def unexpected(self, number: int, error: BaseException, expression: str = "", line: int = 0) -> None:
        """An exception where none is due."""
        if isinstance(error, (Unsupported, Unreadable)):
            raise error
        if not line:
            lines = [place.line for place in _places(error) if place.file == self.checked.file]
            line = lines[-1] if lines else self.checked.lines[number]
        what = "unexpected-error"
        if isinstance(error, OutOfBounds):
            what = "bounds"
        elif isinstance(error, NameError) and self.is_own(error):
            what = "unbound"
        self.fail(
            what,
            number,
            line,
            expression=expression or self.text(number, line),
            expected="no error",
            observed=self.kind(error) if what == "unexpected-error" else what,
            detail=_one_line(error) + _advice(error),
        )

    def error(self, number: int, shows: Raised | None) -> None:
        step, line = self.checked.spec.steps[number], self.last_line(number)
        text = self.text(number, line)
        if shows is None:
            self.fail("no-error", number, line, expression=text, expected=step.raises, observed="no error")
            return
        raised_at = self.line_of(shows.error)
        early = raised_at is not None and not _in_last_line(self.checked.trees[number].body[-1], raised_at)
        if isinstance(shows.error, (OutOfBounds, Unsupported)) or early:
            self.unexpected(number, shows.error)
            return
        kind = self.kind(shows.error)
        if kind != step.raises:
            self.fail(
                "wrong-error",
                number,
                line,
                expression=text,
                expected=step.raises,
                observed=kind,
                detail=_one_line(shows.error),
            )
        elif self.wording and step.message is not None and step.message not in str(shows.error):
            self.fail("message", number, line, expression=text, expected=step.message, observed=_one_line(shows.error))

    def observation(self, number: int, text: str, line: int, value: Expected, shows: Any) -> None:
        if isinstance(shows, Raised):
            self.unexpected(number, shows.error, text, line)
            return
        mismatch = compare(value, shows)
        if mismatch is not None:
            check_observed(shows)
            self.fail(
                mismatch.what,
                number,
                line,
                expression=text,
                expected=shown(value),
                observed=shown(shows),
                difference=mismatch.difference,
                where=mismatch.where,
                detail=mismatch.detail,
            )

    def warned(self, number: int, shows: list[Warning | str]) -> None:
        step = self.checked.spec.steps[number]
        if not shows and not step.warns:
            return
        line = self.last_line(number)
        text = self.text(number, line)
        texts: dict[str, str] = {}
        for warning in shows:
            kind = (self.engine.warning_kind(warning) if isinstance(warning, Warning) else None) or UNCLASSIFIED
            texts.setdefault(kind, _clean(" ".join(str(warning).split())[:500]))
        for kind in step.warns:
            if kind not in texts:
                self.fail(
                    "missing-warning",
                    number,
                    line,
                    expression=text,
                    expected=kind,
                    observed=sorted(texts) or "no warning",
                )
            elif self.wording and step.message is not None and not step.raises and step.message not in texts[kind]:
                self.fail("message", number, line, expression=text, expected=step.message, observed=texts[kind])
        for kind, wording in texts.items():
            # A warning that no document of the suite knows says nothing about an engine that does not follow PyTorch.
            if kind not in (*step.warns, *step.allows) and (kind != UNCLASSIFIED or self.wording):
                self.fail(
                    "extra-warning",
                    number,
                    line,
                    expression=text,
                    expected=list(step.warns) or "no warning",
                    observed=kind,
                    detail=wording,
                )


class _Place(NamedTuple):
    file: str
    function: str
    line: int


def _places(error: BaseException) -> Iterator[_Place]:
    """Where an exception passed, outermost first; unlike `traceback`, this reads no source files."""
    for frame, line in traceback.walk_tb(error.__traceback__):
        yield _Place(frame.f_code.co_filename, frame.f_code.co_name, line)


def _in_last_line(statement: ast.stmt, line: int) -> bool:
    """Whether ``line`` belongs to the last simple statement in ``statement``: no earlier one may raise."""
    match statement:
        case ast.With(body=[*_, last]) | ast.For(body=[*_, last]):
            return _in_last_line(last, line) or (isinstance(statement, ast.With) and line == statement.lineno)
        case ast.If(body=[*_, last], orelse=orelse):
            return _in_last_line(last, line) or (bool(orelse) and _in_last_line(orelse[-1], line))
    return statement.lineno <= line <= (statement.end_lineno or statement.lineno)


def _line(checked: CheckedSpec, case: Wanted, status: Status, **more: Any) -> CaseLine:
    return CaseLine(id=case.id, spec=checked.spec.id, status=status, parameters=case.parameters, **more)


def _broken(checked: CheckedSpec, case: Wanted, error: BaseException) -> CaseLine:
    """The adapter (or the harness) broke around a case: nothing is said about the engine."""
    return _line(checked, case, Status.ERROR, reason=f"in the adapter or the harness: {_one_line(error)}")


def _word(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"the adapter's graph holds {type(value).__name__} where a text is due")
    return _clean(value)


def _advice(error: BaseException) -> str:
    """What to do about Python's own complaint that there is no such operator or keyword."""
    text = str(error)
    if isinstance(error, TypeError) and "NoneType" not in text:
        if text.startswith("unsupported operand type"):
            return " (an engine without this operator lists it under 'lacks' in its engine.yaml)"
        if "unexpected keyword argument" in text:
            return " (an engine without this keyword lists WORD(KEYWORD) under 'lacks' in its engine.yaml)"
    return ""


def _one_line(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as broken:
        raise TypeError(f"the message of {type(error).__name__} cannot be read") from broken
    return _clean(f"{type(error).__name__}: {' '.join(text.split())}"[:1000])


def _clean(text: str) -> str:
    """``text`` as UTF-8 can hold it: half characters (lone surrogates) are replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")
