"""A place for one worker on a node of a Ray cluster, and the messages between it and the head (`harness.execution.ray`).

All of it is plain data that pickles; jobs have numbers that hold within their batch."""

from __future__ import annotations

import importlib
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from harness import __version__, places
from harness.capabilities import Capabilities
from harness.cases import Case
from harness.engine import EngineUnusable
from harness.execution import Done, Job, Limits, Lost, Target, Work, machine
from harness.execution.local import Local
from harness.execution.sources import Queue
from harness.seen import Seen


class Order(NamedTuple):
    """A job as a slot is told of it: what it must show is the head's concern."""

    number: int
    program: int
    values: tuple[Any, ...]
    company: tuple[Order, ...] = ()


class Batch(NamedTuple):
    """Jobs that are sent together."""

    orders: tuple[Order, ...]
    works: tuple[Work, ...]
    """The programs among theirs that the slot does not know."""
    alone: bool
    """Whether each has a process of its own."""
    seconds: float
    """After so long no further job is begun."""


class Answer(NamedTuple):
    """A job that is over."""

    number: int
    outcome: Seen | Lost
    process: int
    position: int
    """How many had run before it in its process."""


class Answers(NamedTuple):
    """What came of a batch. A job without an answer was not begun."""

    answers: list[Answer]
    ran: dict[int, list[int]]
    """The jobs that each process ran to their ends, in order."""
    seconds: float


class Hello(NamedTuple):
    """A slot is there."""

    node: str
    """Ray's name of it: two may be on one host."""
    host: str
    harness: str


class Opened(NamedTuple):
    """An engine is ready on a node, or cannot be used there."""

    answer: Capabilities | EngineUnusable
    seconds: float


class Slot:
    """One worker under the eyes of a `Local` on its own machine: what crashes, hangs or grows is seen where it happens."""

    def __init__(self, limits: Limits, folder: str) -> None:
        with suppress(OSError):
            os.chdir(folder)  # where package.module:Class is looked for, as on the head
        self.limits = limits._replace(timeout=limits.timeout * machine.factor())
        self.local: Local | None = None

    def hello(self) -> Hello:
        ray: Any = importlib.import_module("ray")
        return Hello(ray.get_runtime_context().get_node_id(), socket.gethostname(), __version__)

    def open(self, told: Target) -> Opened:
        """Get an engine ready; the one before it, if any, is let go."""
        begun = time.monotonic()
        self.close()
        self.local = Local(1, self.limits, beside=machine.cores())
        self.works: dict[int, Work] = {}
        self.processes: dict[int, tuple[int, list[Job]]] = {}
        self.count = 0
        (answer,) = self.local.open([here(told)])
        return Opened(answer, time.monotonic() - begun)

    def run(self, batch: Batch) -> Answers:
        """As much of a batch as there is time for."""
        begun = time.monotonic()
        self.works.update((work.number, work) for work in batch.works)
        jobs = _Jobs(map(self._job, batch.orders), begun + batch.seconds)
        told = {process: len(history) for process, history in self.processes.values()}
        answers = [self._answer(done) for done in (self._alone(jobs) if batch.alone else self._shared(jobs))]
        ran = {
            process: [int(job.case.id) for job in history[told.get(process, 0) :]]
            for process, history in self.processes.values()
            if len(history) > told.get(process, 0)
        }
        if batch.alone:  # nothing runs any more where they ran
            self.processes = {key: kept for key, kept in self.processes.items() if kept[0] in told}
        return Answers(answers, ran, time.monotonic() - begun)

    def close(self) -> None:
        if self.local is not None:
            self.local.close()
            self.local = None

    def _job(self, order: Order) -> Job:
        case = Case(str(order.number), {}, order.values, ())  # here its number is name enough
        return Job(0, self.works[order.program], case, company=tuple(map(self._job, order.company)))

    def _shared(self, jobs: _Jobs) -> Iterator[Done]:
        assert self.local is not None
        return self.local.run({0: jobs})

    def _alone(self, jobs: _Jobs) -> Iterator[Done]:
        assert self.local is not None
        while (job := jobs.next()) is not None:
            job.alone = True
            self.local.again(job)
            yield from self.local.run({})

    def _answer(self, done: Done) -> Answer:
        if id(done.history) not in self.processes:
            self.count += 1
            self.processes[id(done.history)] = self.count, done.history  # held, so that its id stays its own
        return Answer(int(done.job.case.id), done.outcome, self.processes[id(done.history)][0], done.position)


class _Jobs(Queue):
    """Dries up when time is over."""

    def __init__(self, jobs: Iterator[Job], ends: float) -> None:
        super().__init__(jobs)
        self.ends = ends

    def next(self) -> Job | None:
        return super().next() if self.left() else None

    def left(self) -> int:
        return super().left() if time.monotonic() < self.ends else 0


def away(told: Target) -> Target:
    """A target as another machine can find it: the project's own engines by name, wherever they are installed there."""
    room = f"{places.room('engines')}{os.sep}"
    return told._replace(adapter=told.adapter._replace(folder=(told.adapter.folder or "").removeprefix(room) or None))


def here(told: Target) -> Target:
    """What `away` made, on this machine."""
    folder = told.adapter.folder and str(places.room("engines") / told.adapter.folder)
    return told._replace(adapter=told.adapter._replace(folder=folder))


def ordered(jobs: Sequence[Job]) -> tuple[tuple[Order, ...], list[Job]]:
    """Jobs as orders, and by their numbers: the company of each follows them all."""
    numbered = list(jobs)

    def order(number: int, job: Job) -> Order:
        company = []
        for one in job.company:
            numbered.append(one)
            company.append(Order(len(numbered) - 1, one.work.number, one.case.values))
        return Order(number, job.work.number, job.case.values, tuple(company))

    return tuple(order(number, job) for number, job in enumerate(jobs)), numbered
