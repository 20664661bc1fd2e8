"""Running cases on an engine: compile, run, observe, judge. Yields one result per case, in the order of the specs."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from harness.cases import Case, is_dtype, prepare
from harness.engine import Graph, Unsupported
from harness.language import expected
from harness.language.compile import Runner, build
from harness.language.load import CheckedSpec
from harness.language.records import Standing
from harness.needs import missing
from harness.plugins import Follows, Judges, Loaded
from harness.record import CaseLine, GraphLine, Status
from harness.values import clean
from harness.verdict import Judge, one_line


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


class Program(NamedTuple):
    """A spec compiled for one engine."""

    checked: CheckedSpec
    runner: Runner
    cases: tuple[Case, ...]


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
        if status is None:
            try:
                program = compile_spec(checked, self.loaded, self.warnings.take)
            except expected.BadValue as error:
                status, reason = Status.ERROR, f"{checked.file}:{error.line}: {error}"
        if status is not None:
            for id, parameters in checked.cases:
                yield CaseLine(id=id, spec=checked.spec.id, status=status, parameters=parameters, reason=reason)
            return
        for case in program.cases:
            yield self.run_case(program, case)

    def refused(self, checked: CheckedSpec) -> tuple[Status | None, str]:
        """Why a spec is not judged on this engine, if it is not."""
        if checked.spec.standing in (Standing.PYTORCH, Standing.OBSERVED) and not self.follows_pytorch:
            return Status.NOT_APPLICABLE, "it is PyTorch's own way, and the engine does not declare to follow PyTorch"
        if self.loaded.file.judges is Judges.VALUES and any(step.raises or step.warns for step in checked.spec.steps):
            return Status.NOT_APPLICABLE, "it expects an error or a warning, and only values are judged on this engine"
        if lacking := missing(checked, self.loaded):
            return Status.UNSUPPORTED, "needs " + "; ".join(map(str, lacking))
        return None, ""

    def run_case(self, program: Program, case: Case) -> CaseLine:
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
            judge = Judge(self.engine, self.follows_pytorch, program.checked, case)
            status, failures, reason = judge.verdict(out, aborted)
            graph = self.draw(names) if self.graphs else None
        except Unsupported as lacks:
            return _line(program.checked, case, Status.UNSUPPORTED, seconds=seconds, reason=clean(str(lacks)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # an adapter's fault must not stop the other cases
            return _broken(program.checked, case, error)
        return _line(
            program.checked,
            case,
            status,
            seconds=seconds,
            failures=failures,
            reason=reason,
            remarks=judge.remarks,
            graph=graph,
        )

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


def _line(checked: CheckedSpec, case: Case, status: Status, **more: Any) -> CaseLine:
    return CaseLine(id=case.id, spec=checked.spec.id, status=status, parameters=case.parameters, **more)


def _broken(checked: CheckedSpec, case: Case, error: BaseException) -> CaseLine:
    """The adapter (or the harness) broke around a case: nothing is said about the engine."""
    try:
        told = one_line(error)
    except TypeError as unreadable:
        told = str(unreadable)
    return _line(checked, case, Status.ERROR, reason=f"in the adapter or the harness: {told}")


def _word(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"the adapter's graph holds {type(value).__name__} where a text is due")
    return clean(value)
