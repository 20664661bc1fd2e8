"""Everything in this process: nothing between a program and a debugger, and nothing between a crash and the harness."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from harness.capabilities import Capabilities, words_of
from harness.cases import fresh, is_dtype
from harness.engine import Engine, EngineUnusable
from harness.execution import Done, Job, Source, Target
from harness.worker import loading
from harness.worker.host import Host, Loaded, listening


class Inline:
    """``around``: what holds while the engine's code runs."""

    isolates = False

    def __init__(self, around: Callable[[], AbstractContextManager[Any]]) -> None:
        self.around = around
        self.targets: list[Target] = []
        self.engines: list[Engine | None] = []
        self.waiting: deque[Job] = deque()

    def open(self, targets: Sequence[Target]) -> list[Capabilities | EngineUnusable]:
        import platform

        out: list[Capabilities | EngineUnusable] = []
        self.targets = list(targets)
        for target in targets:
            try:
                if target.command or target.python:
                    raise EngineUnusable(
                        f"engine {target.adapter.name} runs in a process of its own: --isolate none is not for it"
                    )
                with self.around():
                    engine, version = loading.load(target.adapter, target.device, target.imports)
            except EngineUnusable as error:
                self.engines.append(None)
                out.append(error)
            else:
                self.engines.append(engine)
                out.append(Capabilities(version, platform.python_version(), words_of(engine)))
        return out

    def run(self, sources: Mapping[int, Source]) -> Iterator[Done]:
        for number, source in sources.items():
            engine = self.engines[number]
            assert engine is not None
            with ExitStack() as stack:
                stack.enter_context(self.around())
                heard = stack.enter_context(listening())
                host = Host(engine, heard, self.targets[number].graphs)
                loaded: dict[int, Loaded] = {}
                while (job := self.waiting.popleft() if self.waiting else source.next()) is not None:
                    program = loaded.get(job.work.number)
                    if program is None:
                        program = loaded[job.work.number] = host.load(job.work.program)
                    values = [engine.names[value] if is_dtype(value) else fresh(value) for value in job.case.values]
                    yield Done(job, host.run(program, values))

    def again(self, job: Job) -> None:
        self.waiting.append(job)

    def close(self) -> None:
        """Nothing is left behind."""
