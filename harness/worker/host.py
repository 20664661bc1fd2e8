"""One engine and the programs that run on it: compile, run, and say what was seen. Whatever happens stays in here."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from time import perf_counter
from types import CodeType
from typing import Any, NamedTuple

from harness import interrupts
from harness.engine import Engine, Graph, Node, Unsupported, UserError
from harness.language import compile as compiler
from harness.language.compile import Raised as Caught
from harness.language.compile import Runner, Unreadable
from harness.language.export import Program
from harness.language.guards import OutOfBounds
from harness.seen import Raised, Seen, StepSeen, Warned
from harness.text import clean
from harness.worker.state import Watch

MESSAGE = 10_000
"""Characters of an engine's message that are kept."""


class Heard:
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
def listening() -> Iterator[Heard]:
    """Every warning goes to the harness while this is open."""
    heard = Heard()
    with warnings.catch_warnings():
        heard.ready()
        yield heard


class Loaded(NamedTuple):
    """A program, compiled for the engine."""

    file: str
    plan: tuple[tuple[bool, int], ...]
    """Per step: whether its last line raises, and how many expressions are observed."""
    runner: Runner


class Host:
    """One engine, many programs. ``graphs``: also tell the graph that the engine built."""

    def __init__(self, engine: Engine, heard: Heard, graphs: bool = False) -> None:
        self.engine = engine
        self.heard = heard
        self.graphs = graphs
        self.wrong = ""
        self._reset()
        self.watch = Watch(engine)

    def _reset(self) -> None:
        try:
            self.engine.reset()
        except interrupts.users:
            raise
        except BaseException as error:
            self.wrong = _told(error)

    def load(self, program: Program, trace: Callable[[int, dict[str, Any]], None] | None = None) -> Loaded:
        """Compile ``program``; ``trace`` is told of every statement of its top level."""
        plan = tuple((step.raises, len(step.observed)) for step in program.steps)
        runner = compiler.build(program, self.engine, self.heard.take, trace)
        return Loaded(program.file, plan, runner)

    def bind(self, id: str, file: str, plan: Sequence[tuple[bool, int]], watch: bool, code: CodeType) -> Loaded:
        """The same for a program that was compiled before."""
        return Loaded(file, tuple(plan), compiler.bind(code, id, watch, self.engine, self.heard.take))

    def run(self, loaded: Loaded, values: Sequence[Any]) -> Seen:
        """Run a program on its parameters. Whatever happens in the engine or in its adapter ends here."""
        if self.wrong:
            wrong, self.wrong = self.wrong, ""
            self._reset()
            return Seen([], broken=wrong)
        out: list[Any] = []
        names: dict[str, Any] = {}
        aborted: BaseException | None = None
        loaded.runner.guards.reset()
        self.heard.ready()
        sys.modules[compiler.PROGRAM] = loaded.runner.module
        begun = perf_counter()
        try:
            names = loaded.runner.call(out.append, *values)
        except interrupts.users:
            raise
        except BaseException as error:
            aborted = error
        seconds = perf_counter() - begun
        try:
            steps = self._steps(loaded, out)
            ended = None if aborted is None else self._described(aborted, compiler.source_name(loaded.file))
            graph = self._graph(names) if self.graphs else None
            seen = Seen(steps, ended, round(seconds, 6), graph)
        except Unsupported as lacks:
            seen = Seen([], Raised(None, clean(str(lacks)), fault="unsupported"), round(seconds, 6))
        except interrupts.users:
            raise
        except BaseException as error:  # an adapter's fault must not stop the other cases
            seen = Seen([], seconds=round(seconds, 6), broken=_told(error))
        del out, names, aborted
        self._reset()
        try:
            leaks = self.watch.leaks()
        except Exception as error:
            return seen if seen.broken else Seen([], seconds=seen.seconds, broken=_told(error))
        return seen._replace(leaks=tuple(leaks)) if leaks else seen

    def _steps(self, loaded: Loaded, out: list[Any]) -> list[StepSeen]:
        steps: list[StepSeen] = []
        position = 0
        file = compiler.source_name(loaded.file)
        for raises, count in loaded.plan:
            begun = position
            position += raises + count + 1
            if len(out) < position:
                break
            raised = self._described(out[begun].error, file) if raises and out[begun] is not None else None
            observed = out[begun + 1 : position - 1] if raises else out[begun : position - 1]
            for index, value in enumerate(observed):
                if type(value) is Caught:
                    observed[index] = self._described(value.error, file)
            warned = out[position - 1]
            steps.append(StepSeen(raised, observed, self._kinds(warned) if warned else []))
        return steps

    def _kinds(self, warned: list[Warning | str]) -> list[Warned]:
        return [
            Warned(
                self.engine.warning_kind(warning) if isinstance(warning, Warning) else None,
                _flat(str(warning), 500),
            )
            for warning in warned
        ]

    def _described(self, error: BaseException, file: str) -> Raised:
        """Raises `TypeError` where the engine's own message cannot be read."""
        line = top = 0
        name = ""
        place = error.__traceback__
        while place is not None:
            code = place.tb_frame.f_code
            name = code.co_filename
            if name == file:
                line = place.tb_lineno
                top = top or (line if code.co_name == "_case" else 0)
            place = place.tb_next
        fault = ""
        if isinstance(error, OutOfBounds):
            fault = "bounds"
        elif isinstance(error, Unsupported) or (not isinstance(error, UserError) and self.engine.lacks(error)):
            fault = "unsupported"
        elif isinstance(error, Unreadable):
            fault = "unreadable"
        elif isinstance(error, NameError) and name == file:
            fault = "unbound"
        elif self.engine.exhausted(error):
            fault = "memory"
        text = one_line(error)
        return Raised(
            kind=self._kind(error) if fault in ("", "unbound") else None,
            text=clean(str(error)) if fault == "unsupported" else text,
            message=clean(str(error)[:MESSAGE]),
            line=line,
            top=top,
            fault=fault,
            advice=_advice(error),
        )

    def _kind(self, error: BaseException) -> str | None:
        return "user-error" if isinstance(error, UserError) else self.engine.error_kind(error)

    def _graph(self, names: Mapping[str, Any]) -> Graph | None:
        """The graph as the adapter tells it. Raises `TypeError` where that is something else."""
        graph = self.engine.graph({name: value for name, value in names.items() if not name.startswith("_")})
        if graph is None or not graph.nodes:
            return None
        nodes = tuple(Node(_word(n.label), _word(n.role), tuple(map(_word, n.names))) for n in graph.nodes)
        edges = tuple((consumer, producer) for consumer, producer in graph.edges)
        if not all(type(end) is int and 0 <= end < len(nodes) for edge in edges for end in edge):
            raise TypeError("the adapter's graph has an edge to no node")
        return Graph(nodes, edges)


def one_line(error: BaseException) -> str:
    """An exception's class and message. Raises `TypeError` where the message cannot be read."""
    try:
        text = str(error)
    except Exception as broken:
        raise TypeError(f"the message of {type(error).__name__} cannot be read") from broken
    return _flat(f"{type(error).__name__}: {text}", 1000)


@lru_cache(1000)
def _flat(text: str, longest: int) -> str:
    """``text`` on one line. An engine says the same few things again and again."""
    return clean(" ".join(text.split())[:longest])


def _told(error: BaseException) -> str:
    """What broke in the adapter, in one line."""
    try:
        return one_line(error)
    except TypeError as unreadable:
        return str(unreadable)


def _advice(error: BaseException) -> str:
    """What to do about Python's own complaint that there is no such operator or keyword."""
    if isinstance(error, TypeError):
        text = str(error)
        if "NoneType" not in text:
            if text.startswith("unsupported operand type"):
                return " (an engine without this operator lists it under 'lacks' in its engine.yaml)"
            if "unexpected keyword argument" in text:
                return " (an engine without this keyword lists WORD(KEYWORD) under 'lacks' in its engine.yaml)"
    return ""


def _word(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"the adapter's graph holds {type(value).__name__} where a text is due")
    return clean(value)
