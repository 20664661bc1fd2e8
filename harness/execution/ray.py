"""Workers on the nodes of a Ray cluster: a head that gives out batches of jobs, slots that run them (`harness.execution.slot`).

A job is in one place at any time: waiting here, in one batch that is out, or answered. A batch is answered as a whole or,
when its slot or its node is lost, not at all; then its jobs wait here again. So none is lost, and none is answered twice.
"""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from harness import __version__
from harness.capabilities import Capabilities
from harness.engine import EngineUnusable
from harness.execution import Done, Job, Limits, Lost, Source, Target
from harness.execution.slot import Answers, Batch, Hello, Opened, Slot, away, ordered
from harness.execution.sources import Side
from harness.text import printable

GOAL = 0.5
"""Seconds of work in a batch: verdicts come as often, and a node takes little with it when it is lost."""
LONGEST = 1.0
"""Seconds after which a slot begins no further job of a batch."""
FIRST = 16
"""Jobs of a batch before anybody knows how long they take."""
MOST = 2000
DEEP = 2
"""Batches that a slot has at once: while one is on its way back, the other runs."""
LOOK = 0.25
STARTS = 5
"""Slots that may fail to start, one after the other, before no more are tried."""
LOSSES = 5
"""Times that the slot may be lost with which a job was; each time it is in a batch an eighth of the size, at last by itself."""
CONNECT = 30.0
"""Seconds until a cluster must have answered."""
FETCH = 60.0
"""Seconds for the way of one batch's answers."""
STORE = 256 * 2**20
"""Bytes of the object store of a Ray of our own; what passes through it is small."""
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
PROBE = "import ray, sys; ray.init(sys.argv[1], log_to_driver=False, logging_level='ERROR')"


class NoCluster(Exception):
    """There is no Ray to work with; the text says why in one line."""


class _Side(Side):
    """An engine as the head sees it."""

    def __init__(self, number: int, told: Target) -> None:
        super().__init__(number, told)
        self.losses: Counter[Job] = Counter()
        """How often jobs were at hand when a slot was lost."""
        self.refused: dict[str, str] = {}
        """Why nodes do not serve it."""
        self.served = time.monotonic()
        """When somebody last could."""
        self.broken_starts: Counter[str] = Counter()
        """Slots that were lost while its engine was starting, by node."""
        self.pace = {False: 0.0, True: 0.0}
        """Seconds of a job among others, and of one alone: running means."""

    def left(self) -> int:
        return len(self.alone) + super().left()


class _Place:
    """A slot as the head sees it."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        self.node = ""
        """Empty while the slot is starting, or waits for a node that has room."""
        self.host = ""
        self.side: _Side | None = None
        self.open = False
        """Whether the engine of its side is ready."""
        self.known: set[int] = set()
        self.calls: deque[_Call] = deque()
        self.histories: dict[int, list[Job]] = {}
        self.heard = time.monotonic()


class _Call:
    """Something that a slot was asked."""

    def __init__(self, reference: Any, place: _Place, jobs: Sequence[Job], asked: int) -> None:
        self.reference = reference
        self.place = place
        self.side = place.side
        self.jobs = jobs
        """By number; the first ``asked`` are due, the others are their company."""
        self.asked = asked


class Ray:
    """``workers``: slots, each with a CPU of its own (None: as many as the cluster has), and with a GPU where targets are on
    cuda; where there is no room for all of them, some come when nodes do. ``address``: of a cluster that this machine
    belongs to (``host:port``, or ``auto``); empty for a Ray of this machine that lasts as long as the executor.
    ``patience``: seconds without a slot that can serve, after which jobs have no verdict.

    A node needs this version of the harness and the engines in the Python that its Ray runs in, adapters and interpreters
    that are named by path at the same paths, and the same version of every engine: a node that differs is not asked.

    Raises `NoCluster`."""

    isolates = True

    def __init__(
        self,
        workers: int | None,
        limits: Limits,
        address: str = "",
        *,
        each_alone: bool = False,
        patience: float = 120.0,
    ) -> None:
        self.wanted = workers
        self.limits = limits
        self.each_alone = each_alone
        self.patience = patience
        self.silence = limits.start + 20 * limits.timeout + FETCH
        """Seconds after which a slot that owes an answer is taken for lost."""
        self.sides: list[_Side] = []
        self.places: list[_Place] = []
        self.calls: dict[Any, _Call] = {}
        self.done: deque[Done] = deque()
        self.failed = 0
        """Slots in a row that were lost before they said hello."""
        self.lost = 0
        """Slots that were lost since one last answered."""
        self.answered = time.monotonic()
        self.failure = ""
        """How the last one was lost."""
        self.next_start = 0.0
        self.most = 0
        os.environ.update(QUIET)
        self.ray: Any = importlib.import_module("ray")
        self._connect(address)

    def _connect(self, address: str) -> None:
        if address:
            _probe(address)
        own = {"num_cpus": self.wanted, "include_dashboard": False, "object_store_memory": STORE}
        terminated = signal.getsignal(signal.SIGTERM)
        try:
            self.ray.init(address or "local", log_to_driver=False, logging_level="ERROR", **({} if address else own))
        except (self.ray.exceptions.RayError, OSError, ValueError, RuntimeError) as error:
            raise NoCluster(_line(error)) from None
        finally:
            with suppress(ValueError, TypeError):  # not in the main thread, so Ray has not touched it
                signal.signal(signal.SIGTERM, terminated)  # Ray would have it tell a stack and raise SystemExit

    # ---- what the caller asks

    def open(self, targets: Sequence[Target]) -> list[Capabilities | EngineUnusable]:
        self.sides = [_Side(number, told) for number, told in enumerate(targets)]
        gpu = any((told.device or "").startswith("cuda") for told in targets)
        there = self.ray.cluster_resources()
        if gpu and not there.get("GPU"):
            return [EngineUnusable("the Ray cluster has no node with a GPU") for _ in targets]
        self.most = self.wanted or max(1, int(there.get("GPU" if gpu else "CPU", 0)))
        needs = {"num_cpus": 1, "num_gpus": int(gpu), "max_restarts": 0, "scheduling_strategy": "SPREAD"}
        self.actor = self.ray.remote(Slot).options(**needs)
        while unknown := [side for side in self.sides if side.capabilities is None and side.unusable is None]:
            self._replenish()
            for side in unknown:
                if told := self._hopeless(side):
                    side.unusable = EngineUnusable(told)
                elif not any(place.side is side for place in self.places):
                    self._begin(side)
            self._wait()
        return [side.capabilities or side.unusable for side in self.sides]  # type: ignore[misc]

    def run(self, sources: Mapping[int, Source]) -> Iterator[Done]:
        for number, source in sources.items():
            self.sides[number].source = source
            self.sides[number].served = time.monotonic()
        while True:
            while self.done:
                yield self.done.popleft()
            self._feed()
            if self.done:
                continue
            if not any(call.asked for call in self.calls.values()) and not any(side.left() for side in self.sides):
                return
            self._wait()

    def again(self, job: Job) -> None:
        (self.sides[job.target].alone if job.alone else self.sides[job.target].returned).append(job)

    def close(self) -> None:
        with suppress(self.ray.exceptions.RayError):
            idle = [place.actor.close.remote() for place in self.places if place.node and not place.calls]
            if idle:
                self.ray.wait(idle, num_returns=len(idle), timeout=3)
        for place in self.places:
            self._end(place)
        self.places.clear()
        self.calls.clear()
        self.ray.shutdown()

    # ---- slots

    def _replenish(self) -> None:
        """As many slots as are wanted; those that fail to start are replaced ever more slowly, and at last no more."""
        now = time.monotonic()
        while len(self.places) < self.most and self.failed < STARTS and now >= self.next_start:
            place = _Place(self.actor.remote(self.limits, os.getcwd()))
            self.places.append(place)
            self._call(place, place.actor.hello.remote())

    def _begin(self, side: _Side) -> bool:
        """Have a slot that has nothing to do get the engine of ``side`` ready; False where there is none."""
        for place in self.places:
            free = place.node and not place.calls and place.node not in side.refused
            if free and (place.side is None or not self._needed(place.side)):
                place.side, place.open, place.known, place.histories = side, False, set(), {}
                self._call(place, place.actor.open.remote(away(side.told)))
                return True
        return False

    def _needed(self, side: _Side) -> bool:
        return bool(side.left()) or (side.capabilities is None and side.unusable is None)

    def _hopeless(self, side: _Side) -> str:
        """Why no slot will ever serve a side; empty while one might."""
        now = time.monotonic()
        if self.lost >= 3 * LOSSES and now - self.answered > self.patience:
            return f"the last {self.lost} workers of the Ray cluster were lost: {self.failure}"
        if any(place.node and place.node not in side.refused for place in self.places):
            side.served = now
            return ""
        tries = self.failed < STARTS and len(self.places) < self.most
        coming = tries or any(not place.node for place in self.places)
        if coming and now - side.served < self.patience:
            return ""
        if side.refused:
            return next(iter(side.refused.values()))
        waited = f"within {self.patience:g} s" if coming else f"in {STARTS} attempts"
        return f"no node of the Ray cluster could start a worker {waited}" + (self.failure and f": {self.failure}")

    def _lose(self, place: _Place, reason: str) -> None:
        """A slot is gone; the jobs that it had wait again. What it had at hand may have been what killed it."""
        self.places.remove(place)
        self._end(place)
        self.lost += 1
        self.failure = reason
        if not place.node:
            self.failed += 1
            self.next_start = time.monotonic() + 0.1 * 4 ** min(self.failed, STARTS)
        elif place.side is not None and not place.open:
            place.side.broken_starts[place.node] += 1
            if place.side.broken_starts[place.node] >= STARTS:
                place.side.refused[place.node] = f"workers on {place.host} are lost while the engine starts: {reason}"
        for call in reversed(place.calls):
            del self.calls[call.reference]
            if call.side is not None:
                self._return(call.side, call.jobs[: call.asked])
                if call is place.calls[0]:
                    call.side.losses.update(call.jobs[: call.asked])

    def _return(self, side: _Side, jobs: Sequence[Job]) -> None:
        for job in reversed(jobs):
            (side.alone if job.alone else side.returned).appendleft(job)

    def _end(self, place: _Place) -> None:
        with suppress(self.ray.exceptions.RayError):
            self.ray.kill(place.actor)

    # ---- giving out work

    def _feed(self) -> None:
        self._replenish()
        for side in self.sides:
            if side.unusable is None and side.left():
                if told := self._hopeless(side):
                    self._give_up(side, told)
                while self._worth(side) and self._begin(side):
                    pass
        for depth in range(DEEP):  # one for each before a second for any
            for place in self.places:
                if place.side is not None and place.open and len(place.calls) == depth:
                    self._send(place, place.side)

    def _worth(self, side: _Side) -> bool:
        """Whether another slot would be ready before those that serve a side are through."""
        own = sum(1 for place in self.places if place.side is side)
        return bool(side.left()) and (
            not own or self._rest(side) * side.pace[self.each_alone] / own > side.start_seconds
        )

    def _rest(self, side: _Side) -> int:
        """About how many jobs are neither out nor answered."""
        out = sum(call.asked for place in self.places if place.side is side for call in place.calls)
        return max(len(side.returned) + len(side.alone), side.left() - out)

    def _send(self, place: _Place, side: _Side) -> None:
        jobs = self._batch(side)
        if not jobs:
            return
        orders, numbered = ordered(jobs)
        new = {job.work.number: job.work for job in numbered if job.work.number not in place.known}
        place.known.update(new)
        batch = Batch(orders, tuple(new.values()), jobs[0].alone, LONGEST)
        self._call(place, place.actor.run.remote(batch), numbered, len(jobs))

    def _batch(self, side: _Side) -> list[Job]:
        """Jobs of one kind, and with one history of losses."""
        take = _drained(side.alone) if side.alone else iter(side.next, None)
        jobs: list[Job] = []
        size = 1
        while len(jobs) < size and (job := next(take, None)) is not None:
            job.alone = job.alone or self.each_alone
            if side.losses[job] >= LOSSES:
                told = f"{LOSSES} workers were lost, or their nodes, while it was at hand; it was not tried again"
                self.done.append(Done(job, Lost(None, told)))
            elif jobs and side.losses[job] != side.losses[jobs[0]]:
                self._return(side, [job])
                break
            else:
                size = size if jobs else self._size(side, job)
                jobs.append(job)
        return jobs

    def _size(self, side: _Side, first: Job) -> int:
        """Jobs of a batch that begins with ``first``: for `GOAL` seconds, and so that at the end all slots have some."""
        pace = side.pace[first.alone]
        size = min(MOST, int(GOAL / pace)) if pace else 1 if first.alone else FIRST
        serving = sum(1 for place in self.places if place.side is side)
        size = min(size, -(-self._rest(side) // (DEEP * max(1, serving))))
        return max(1, size >> 3 * side.losses[first])

    def _give_up(self, side: _Side, reason: str) -> None:
        """No slot serves this side any more: what waits has no verdict."""
        for job in [*side.alone, *iter(side.next, None)]:
            self.done.append(Done(job, Lost(None, reason)))
        side.alone.clear()

    # ---- taking answers

    def _call(self, place: _Place, reference: Any, jobs: Sequence[Job] = (), asked: int = 0) -> None:
        if not place.calls:
            place.heard = time.monotonic()
        call = self.calls[reference] = _Call(reference, place, jobs, asked)
        place.calls.append(call)

    def _wait(self) -> None:
        """Until something is answered, or it is time to look whether something should have been."""
        if not self.calls:
            time.sleep(LOOK)
            return
        if self.ray.wait(list(self.calls), num_returns=1, timeout=LOOK)[0]:
            ready = set(self.ray.wait(list(self.calls), num_returns=len(self.calls), timeout=0)[0])
            for call in [call for reference, call in self.calls.items() if reference in ready]:
                if call.reference in self.calls:  # else its slot was lost while we were at another
                    self._take(call)
        now = time.monotonic()
        for place in list(self.places):
            if place.node and place.calls and now - place.heard > self.silence:
                self._lose(place, f"it was silent for {self.silence:g} s")

    def _take(self, call: _Call) -> None:
        place = call.place
        try:
            answer = self.ray.get(call.reference, timeout=FETCH)
        except self.ray.exceptions.RayError as error:
            self._lose(place, _line(error))
            return
        self.lost, self.answered = (0, time.monotonic()) if call.asked else (self.lost, self.answered)
        match answer:
            case Hello(harness=other) if other != __version__:
                self._lose(place, f"{answer.host} has version {other} of the harness; this is {__version__}")
                return
            case Hello():
                place.node, place.host = answer.node, answer.host
                self.failed = 0
            case Opened():
                self._opened(place, answer)
            case Answers():
                self._answered(place, call, answer)
        place.heard = time.monotonic()
        place.calls.remove(call)
        del self.calls[call.reference]

    def _opened(self, place: _Place, opened: Opened) -> None:
        side, found = place.side, opened.answer
        assert side is not None
        if isinstance(found, EngineUnusable):
            side.refused[place.node] = str(found)
        elif side.capabilities is not None and side.capabilities != found:
            name = side.told.adapter.name
            side.refused[place.node] = (
                f"{place.host} has {name} {found.version} in {found.runtime}, not the {side.capabilities.version} in "
                f"{side.capabilities.runtime} of this run, or with other words"
            )
        else:
            side.capabilities, side.start_seconds, place.open = found, opened.seconds, True
        if not place.open:
            place.side = None

    def _answered(self, place: _Place, call: _Call, answers: Answers) -> None:
        side = call.side
        assert side is not None
        for process, ran in answers.ran.items():
            place.histories.setdefault(process, []).extend(call.jobs[number] for number in ran)
        waiting = dict(enumerate(call.jobs[: call.asked]))
        for number, outcome, process, position in answers.answers:
            if isinstance(outcome, Lost) and outcome.status is None:
                side.refused[place.node] = outcome.reason
                continue
            job = waiting.pop(number)
            side.losses.pop(job, None)
            self.done.append(Done(job, outcome, place.histories.get(process, []), position))
        if over := call.asked - len(waiting):
            alone = call.jobs[0].alone
            side.pace[alone] += (answers.seconds / over - side.pace[alone]) / (4 if side.pace[alone] else 1)
        self._return(side, list(waiting.values()))
        if place.node in side.refused and place.side is side:
            place.side, place.open = None, False


def _drained(jobs: deque[Job]) -> Iterator[Job]:
    while jobs:
        yield jobs.popleft()


def _probe(address: str) -> None:
    """Whether a Ray cluster answers. In a process of its own: Ray waits for minutes, and cannot be interrupted."""
    host, colon, port = address.rpartition(":")
    try:
        if colon and "/" not in host and port.isdecimal():
            socket.create_connection((host, int(port)), timeout=CONNECT).close()
        command = [sys.executable, "-c", PROBE, address]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CONNECT, check=True)
    except subprocess.TimeoutExpired:
        raise NoCluster(f"no Ray cluster answers at {address} within {CONNECT:g} s") from None
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().splitlines()[-1:] or [f"exit code {error.returncode}"]
        raise NoCluster(f"no Ray cluster at {address}: {printable(last[0])[:500]}") from None
    except (OSError, OverflowError) as error:
        raise NoCluster(f"no Ray cluster at {address}: {error}") from None


def _line(error: BaseException) -> str:
    """An error of Ray in one line; its texts go on for pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return printable(" ".join(lines[:1] + lines[1:][-1:])[:500]) or type(error).__name__
