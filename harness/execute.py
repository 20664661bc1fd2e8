"""Running cases on an engine: compile, run, observe, judge. Yields one result per case, in the order of the specs."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from harness.engine import Engine, Graph, Unsupported
from harness.judge import compare, shown
from harness.language import expected, load
from harness.language.compile import Raised, Runner, build
from harness.language.expected import Expected, Words
from harness.language.guards import OutOfBounds
from harness.language.load import CheckedSpec
from harness.language.records import Expectation, Standing
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
        self.seen.append(message)

    def ready(self) -> None:
        """Before a case: forget what the last one left, and undo what it did to Python's filters."""
        self.seen = []
        if not warnings.filters or warnings.filters[0] is not self.filter:
            warnings.simplefilter("always")
            self.filter = warnings.filters[0]


_NONE: list[Warning | str] = []


@contextmanager
def listening() -> Iterator[_Warnings]:
    """Every warning goes to the harness while this is open."""
    collected = _Warnings()
    with warnings.catch_warnings():
        warnings.showwarning = collected.show
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


def missing(checked: CheckedSpec, loaded: Loaded) -> list[str]:
    """What the spec needs and the engine does not have, with the reason where one is declared."""
    engine, lacks = loaded.engine, loaded.file.lacks
    out = []
    for need in sorted(checked.needs):
        base = need.partition("(")[0]
        for word in dict.fromkeys((need, base)):
            if word in lacks:
                out.append(f"{word}: {lacks[word]}")
                break
        else:
            if "(" not in need and not _has(engine, need):
                out.append(need)
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
    default = loaded.file.default_dtype
    cases = tuple(_wanted(checked, id, parameters, default) for id, parameters in checked.cases)
    return Program(checked, runner, cases)


def _wanted(checked: CheckedSpec, id: str, parameters: dict[str, Any], default: str) -> Wanted:
    names = dict(parameters)
    for name, (tree, dtype) in checked.inputs.items():
        data = load.literal_value(tree, parameters)
        kind = parameters.get(dtype or "", dtype) or expected.dtype_of(data, default)
        names[name] = expected.rounded(data, kind)
    steps = tuple(
        tuple(_expected(entry.expectation, entry.words, names, default) for entry in entries)
        for entries in checked.observations
    )
    return Wanted(id, parameters, tuple(parameters.values()), steps)


def _expected(expectation: Expectation, words: Words, names: dict[str, Any], default: str) -> Expected:
    import msgspec

    dtype = names.get(expectation.dtype or "", expectation.dtype)
    if expectation.value is msgspec.UNSET:
        return expected.Form(expectation.shape, dtype)
    given = load.tolerance(expectation.tolerance)
    return expected.prepare(
        expectation.value, words, names, default, shape=expectation.shape, dtype=dtype, tolerance=given
    )


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
                    reason=f"expected value: {error}",
                )
            return
        for case in program.cases:
            lacking = [value for value in case.values if is_dtype(value) and value not in self.engine.names]
            if lacking:
                yield CaseLine(
                    id=case.id,
                    spec=checked.spec.id,
                    status=Status.UNSUPPORTED,
                    parameters=case.parameters,
                    reason="needs " + "; ".join(lacking),
                )
            else:
                yield self.run_case(program, case)

    def refused(self, checked: CheckedSpec) -> tuple[Status | None, str]:
        """Why a spec is not judged on this engine, if it is not."""
        if checked.spec.standing is Standing.OBSERVED and not self.follows_pytorch:
            return Status.NOT_APPLICABLE, "no document promises it, and the engine does not declare to follow PyTorch"
        if self.loaded.file.judges is Judges.VALUES and any(step.raises or step.warns for step in checked.spec.steps):
            return Status.NOT_APPLICABLE, "it expects an error or a warning, and only values are judged on this engine"
        if lacking := missing(checked, self.loaded):
            return Status.UNSUPPORTED, "needs " + "; ".join(lacking)
        return None, ""

    def run_case(self, program: Program, case: Wanted) -> CaseLine:
        out: list[Any] = []
        names: dict[str, Any] = {}
        aborted: BaseException | None = None
        self.warnings.ready()
        program.runner.guards.reset()
        begun = time.perf_counter()
        try:
            self.engine.reset()
        except Exception as error:
            return _broken(program.checked, case, error)
        try:
            values = [self.engine.names[v] if is_dtype(v) else fresh(v) for v in case.values]
            names = program.runner.call(out.append, *values)
        except (Exception, SystemExit) as error:
            aborted = error
        seconds = time.perf_counter() - begun
        try:
            status, failures, reason = Judge(self.engine, self.follows_pytorch, program.checked, case).verdict(
                out, aborted
            )
            graph = self.draw(names) if self.graphs else None
        except Unsupported as lacking:
            status, failures, reason, graph = Status.UNSUPPORTED, [], str(lacking), None
        except Exception as error:  # an adapter's fault must not stop the other cases
            return _broken(program.checked, case, error)
        return CaseLine(
            id=case.id,
            spec=program.checked.spec.id,
            status=status,
            parameters=case.parameters,
            seconds=round(seconds, 6),
            failures=failures,
            reason=reason,
            graph=graph,
        )

    def draw(self, names: dict[str, Any]) -> GraphLine | None:
        named = {name: value for name, value in names.items() if not name.startswith("_")}
        graph: Graph | None = self.engine.graph(named)
        if graph is None or not graph.nodes:
            return None
        return GraphLine(nodes=[(n.label, n.role, list(n.names)) for n in graph.nodes], edges=list(graph.edges))


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
        beyond = [f for f in self.failures if f.what == "bounds"]
        if beyond:
            return Status.ERROR, self.failures, f"the spec's program goes beyond the bounds: {beyond[0].detail}"
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

    def unexpected(self, number: int, error: BaseException, expression: str = "", line: int = 0) -> None:
        """An exception where none is due."""
        if isinstance(error, Unsupported):
            raise error
        if not line:
            frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == self.checked.file]
            line = (frames[-1].lineno if frames else None) or self.checked.lines[number]
        what = "bounds" if isinstance(error, OutOfBounds) else "unexpected-error"
        self.fail(
            what,
            number,
            line,
            expression=expression or self.text(number, line),
            expected="no error",
            observed=self.kind(error),
            detail=_one_line(error) + _advice(error),
        )

    def error(self, number: int, shows: Raised | None) -> None:
        step, line = self.checked.spec.steps[number], self.last_line(number)
        text = self.text(number, line)
        if shows is None:
            self.fail("no-error", number, line, expression=text, expected=step.raises, observed="no error")
            return
        if isinstance(shows.error, OutOfBounds):
            self.unexpected(number, shows.error)
            return
        if isinstance(shows.error, Unsupported):
            raise shows.error
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
            texts.setdefault(kind, " ".join(str(warning).split())[:500])
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


def _broken(checked: CheckedSpec, case: Wanted, error: Exception) -> CaseLine:
    """The adapter (or the harness) broke around a case: nothing is said about the engine."""
    return CaseLine(
        id=case.id,
        spec=checked.spec.id,
        status=Status.ERROR,
        parameters=case.parameters,
        reason=f"in the adapter or the harness: {_one_line(error)}",
    )


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
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:1000]
