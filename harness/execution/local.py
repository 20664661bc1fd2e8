"""Workers on this machine: as many at once as asked, restarted when they die, ended when they hang or grow.

A case is blamed for what happened while it was at hand; the others that were asked for go to another worker. What a worker
was asked for and has not begun is given to one that has nothing to do (and the second answer dropped), so that no case
waits for another. A worker in which half of the memory it may hold is left behind by cases (compiled programs, caches) is
replaced between two cases, before a case is blamed for all of them.
"""

from __future__ import annotations

import selectors
import signal
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness import protocol
from harness.capabilities import Capabilities
from harness.engine import EngineUnusable
from harness.execution import GIB, Done, Job, Limits, Lost, Source, Target, machine
from harness.execution.process import Garbage, Process
from harness.execution.sources import Side
from harness.protocol import CapabilitiesAnswer, Showed, Unusable
from harness.record import Status
from harness.text import printable

AHEAD = 0.02
"""Seconds of work that a worker is asked for in advance: enough to keep it busy, too little to matter when it dies."""
MOST_AHEAD = 64
FIRST = 4
"""Cases that the first worker is asked for, before anybody knows how long they take."""
LOOK = 0.25
"""Seconds between two looks at what workers hold."""
STOPPED = 0.5
"""Seconds that the supervisor may be late before it grants them to its workers."""
PROCESSES = 256
"""Descendants that a worker may have."""
KEPT = 4
"""Workers that may be there without anything to do."""
STARTS = 3
"""Times in a row that a worker of an engine may die before it is ready."""
REPLACED = 5
"""Workers of one engine that are replaced because a case left state behind; after so many it is only told."""


class _Side(Side):
    """An engine as the pool sees it."""

    def __init__(self, number: int, told: Target) -> None:
        super().__init__(number, told)
        self.case_seconds = 0.0
        """Of one case, as the supervisor sees it: a running mean."""
        self.failed_starts = 0
        self.replaced = 0
        self.gone = ""
        """Why no worker can be started any more."""


class Local:
    """``workers``: how many may be busy at once; ``each_alone``: every case in a process of its own; ``beside``: how many
    workers share the machine, where others of them have a pool of their own."""

    isolates = True

    def __init__(self, workers: int, limits: Limits, *, each_alone: bool = False, beside: int = 0) -> None:
        self.most = workers
        self.limits = limits
        self.each_alone = each_alone
        self.sides: list[_Side] = []
        self.workers: list[Process] = []
        self.done: deque[Done] = deque()
        self.selector = selectors.DefaultSelector()
        self.looked = 0.0
        self.awake = time.monotonic()
        self.memory = limits.memory or machine.share(beside or workers)

    # ---- what the caller asks

    def open(self, targets: Sequence[Target]) -> list[Capabilities | EngineUnusable]:
        self.sides = [_Side(number, told) for number, told in enumerate(targets)]
        waiting = deque(self.sides)
        while any(side.capabilities is None and side.unusable is None for side in self.sides):
            while waiting and self._busy() < self.most:
                self._start(waiting.popleft())
            self._wait()
            self._thin()
        return [side.capabilities or side.unusable for side in self.sides]  # type: ignore[misc]

    def run(self, sources: Mapping[int, Source]) -> Iterator[Done]:
        for number, source in sources.items():
            self.sides[number].source = source
        while True:
            while self.done:
                yield self.done.popleft()
            self._feed()
            if self.done:
                continue
            if not any(worker.asked for worker in self.workers) and not any(map(self._waits, self.sides)):
                return
            self._thin()
            self._wait()

    def again(self, job: Job) -> None:
        (self.sides[job.target].alone if job.alone else self.sides[job.target].returned).append(job)

    def close(self) -> None:
        for worker in self.workers:
            if worker.asked or not worker.ready:
                worker.kill()
            else:
                worker.stop()
        patience = time.monotonic() + 2
        for worker in self.workers:
            while worker.popen.poll() is None and time.monotonic() < patience:
                worker.listen()
                time.sleep(0.002)
            worker.kill()
        self.workers.clear()
        self.selector.close()

    # ---- giving out work

    def _waits(self, side: _Side) -> bool:
        """Whether jobs of a side wait for a worker."""
        if side.unusable is not None:
            return False
        return bool(side.alone or side.left())

    def _feed(self) -> None:
        for side in self.sides:
            if side.capabilities is None:
                continue
            if side.gone:
                self._give_up(side)
            elif self.each_alone:
                while len(side.alone) < self.most and (job := side.next()) is not None:
                    job.alone = True
                    side.alone.append(job)
        for side in self.sides:
            self._feed_alone(side)
        if not self.each_alone:
            for side in self.sides:
                self._feed_shared(side)

    def _busy(self) -> int:
        return sum(1 for worker in self.workers if worker.asked or not worker.ready)

    def _feed_alone(self, side: _Side) -> None:
        """Jobs that must not share a process, one at a time to each worker that can fork; else a process for each."""
        forks = side.capabilities is not None and side.capabilities.forks
        for worker in self.workers:
            if not side.alone:
                return
            fresh = worker.target == side.number and worker.ready and not worker.asked and not worker.history
            if fresh and self._busy() < self.most:
                worker.nursery, worker.single = forks, not forks
                job = side.alone.popleft()
                worker.ask([*job.company, job], fork=forks)
        starting = sum(1 for w in self.workers if w.target == side.number and not w.ready and (w.nursery or w.single))
        if len(side.alone) > starting and self._busy() < self.most:
            self._start(side, single=not forks, nursery=forks)

    def _feed_shared(self, side: _Side) -> None:
        own = [w for w in self.workers if w.target == side.number and not (w.nursery or w.single)]
        for worker in [w for w in own if w.worn and not w.asked]:
            self._retire(worker)
            own.remove(worker)
        for worker in own:
            if not worker.ready or worker.worn or (not worker.asked and self._busy() >= self.most):
                continue
            ahead = int(AHEAD / max(side.case_seconds, 1e-5)) if side.case_seconds else FIRST
            room = min(MOST_AHEAD, max(2, ahead)) - len(worker.asked)
            if room <= 0 or (worker.asked and room * 2 < len(worker.asked)):
                continue
            jobs: list[Job] = []
            while len(jobs) < room and (job := side.next()) is not None:
                jobs.append(job)
            if jobs:
                worker.ask(jobs)
            elif not worker.asked:
                self._steal(worker, own)
        if self._busy() < self.most and side.left() and self._worth(side, own):
            self._start(side)

    def _worth(self, side: _Side, own: list[Process]) -> bool:
        """Whether another worker would be ready before the others are through."""
        return not own or side.left() * side.case_seconds / len(own) > side.start_seconds

    def _steal(self, idle: Process, own: list[Process]) -> None:
        """Give a worker that has nothing to do half of what another was asked for and has not begun for a while."""
        now = time.monotonic()
        for worker in own:
            if len(worker.asked) > 1 and now - worker.begun > AHEAD:
                waiting = [entry for entry in list(worker.asked)[1:] if entry[0] not in worker.dropped]
                taken = waiting[len(waiting) // 2 :]
                if taken:
                    worker.dropped |= {number for number, _, _ in taken}
                    idle.ask([job for _, job, _ in taken])
                    return

    def _thin(self) -> None:
        """Of many engines, those for which there is nothing to do need not wait in memory."""
        idle = [w for w in self.workers if w.ready and not w.asked and not self._waits(self.sides[w.target])]
        for worker in idle[: max(0, len(self.workers) - max(self.most, KEPT))]:
            self._retire(worker)

    def _give_up(self, side: _Side) -> None:
        """No worker of this side can be started any more: what waits has no verdict."""
        for job in [*side.alone, *iter(side.next, None)]:
            self.done.append(Done(job, Lost(None, side.gone)))
        side.alone.clear()

    def _start(self, side: _Side, *, single: bool = False, nursery: bool = False) -> None:
        try:
            worker = Process(side.number, side.told, self.limits.memory, single=single, nursery=nursery)
        except OSError as error:
            where = side.told.command[0] if side.told.command else side.told.python
            self._unusable(side, f"its worker cannot be started: {error.strerror or error} ({where})")
            return
        self.workers.append(worker)
        self.selector.register(worker.answers, selectors.EVENT_READ, worker)
        self.selector.register(worker.output, selectors.EVENT_READ, worker)
        if worker.death is not None:
            self.selector.register(worker.death, selectors.EVENT_READ, worker)

    # ---- taking answers

    def _wait(self) -> None:
        """Until something happens, or it is time to look whether something should have."""
        self._pardon()
        now = self.awake
        ends = [self._deadline(worker) for worker in self.workers if worker.asked or not worker.ready]
        soonest = min([LOOK, *(end - now for end in ends)])
        if any(worker.unsent for worker in self.workers):
            soonest = min(soonest, 0.01)
        events = self.selector.select(max(soonest, 0.0))
        self._pardon()
        for key, _ in events:
            worker: Process = key.data
            if worker not in self.workers:
                continue  # it went while we were at another
            if key.fileobj == worker.output:
                if not worker.listen():
                    self.selector.unregister(worker.output)
            elif key.fileobj == worker.death or not self._answers(worker):
                self._died(worker)
        for worker in list(self.workers):
            worker.flush()
        self._look()

    def _pardon(self) -> None:
        """Where we were stopped, or whoever judges took long, the time that it took is nobody's fault."""
        now = time.monotonic()
        if (lost := now - self.awake - LOOK) > STOPPED:
            for worker in self.workers:
                worker.begun += lost
                worker.started += lost
        self.awake = now

    def _answers(self, worker: Process) -> bool:
        """Take what a worker wrote; False where it is dead."""
        try:
            for message in worker.read():
                self._answered(worker, message)
        except Garbage as garbage:
            if worker in self.workers:
                self._lose(worker, Status.CRASH, f"the engine's process {garbage}")
        if not worker.silent or worker not in self.workers:
            return True
        self.selector.unregister(worker.answers)  # nothing more will come; if it is not dead, time will tell
        return worker.popen.poll() is None

    def _answered(self, worker: Process, message: Any) -> None:
        if worker not in self.workers:
            return
        side = self.sides[worker.target]
        if isinstance(message, Showed) and worker.ready and worker.asked:
            number, job, wanted = worker.asked[0]
            seen = message.seen
            if message.run != number:
                raise Garbage(f"answered run {message.run} where {number} is due")
            worker.asked.popleft()
            now = time.monotonic()
            side.case_seconds += (now - worker.begun - side.case_seconds) / (20 if side.case_seconds else 1)
            worker.begun = now
            worker.history.append(job)
            if wanted and number not in worker.dropped:
                self.done.append(Done(job, seen, worker.history, len(worker.history) - 1))
            worker.dropped.discard(number)
            if worker.nursery and not worker.asked:
                worker.history = []  # they were in a fork
            elif worker.single and not worker.asked:
                self._retire(worker)
            elif seen.leaks and not worker.nursery and not worker.single and side.replaced < REPLACED:
                side.replaced += 1
                self._return(worker)
                self._retire(worker)
        elif isinstance(message, CapabilitiesAnswer) and not worker.ready:
            if message.protocol.partition(".")[0] != protocol.VERSION.partition(".")[0]:
                self._unusable(side, f"its worker speaks protocol {message.protocol}, the harness {protocol.VERSION}")
                self._retire(worker)
                return
            worker.ready = True
            side.failed_starts = 0
            side.start_seconds = time.monotonic() - worker.started
            if side.capabilities is None:
                try:
                    side.capabilities = protocol.capabilities(message)
                except protocol.BadAnswer as error:
                    self._unusable(side, f"its worker says what it cannot: {printable(str(error))}")
                    self._retire(worker)
        elif isinstance(message, Unusable) and not worker.ready:
            self._retire(worker)
            if side.capabilities is None:
                side.unusable = EngineUnusable(printable(message.reason[:4000]))
            else:
                self._failed(side, message.reason)
        else:
            raise Garbage("answered what it was not asked")

    def _died(self, worker: Process) -> None:
        try:
            for message in worker.read():  # what it wrote before
                self._answered(worker, message)
        except Garbage as garbage:
            if worker in self.workers:
                self._lose(worker, Status.CRASH, f"the engine's process {garbage}")
            return
        if worker in self.workers:
            self._lose(worker, Status.CRASH, "")

    def _lose(self, worker: Process, status: Status, reason: str) -> None:
        """End a worker; the case at hand is lost, the others go back."""
        side = self.sides[worker.target]
        self._forget(worker)
        worker.kill(ask_where=status is Status.TIMEOUT)
        killed = not reason and worker.popen.returncode == -signal.SIGKILL
        reason = reason or worker.epitaph()
        if not worker.ready:
            self._failed(side, f"{reason} while it was starting", worker.said)
            return
        if worker.asked:
            number, job, wanted = worker.asked[0]
            if not wanted:
                job = next(job for _, job, wanted in worker.asked if wanted)  # its company died before it
            if number not in worker.dropped:
                output = printable(worker.said)
                self.done.append(Done(job, Lost(status, reason, output, killed), worker.history, len(worker.history)))
            worker.asked.popleft()
            if not worker.nursery and not worker.single:
                self._return(worker)

    def _return(self, worker: Process) -> None:
        side = self.sides[worker.target]
        side.returned.extendleft(job for number, job, _ in reversed(worker.asked) if number not in worker.dropped)
        worker.asked.clear()

    def _forget(self, worker: Process) -> None:
        self.workers.remove(worker)
        for pipe in (worker.answers, worker.output, worker.death):
            if pipe is not None and pipe in self.selector.get_map():
                self.selector.unregister(pipe)

    def _retire(self, worker: Process) -> None:
        self._forget(worker)
        worker.kill()

    def _failed(self, side: _Side, reason: str, said: str = "") -> None:
        """A worker died before it was ready."""
        side.failed_starts += 1
        told = printable(reason) + (f"; the last that it wrote:\n{printable(said)}" if said else "")
        if side.capabilities is None:
            self._unusable(side, told)
        elif side.failed_starts >= STARTS:
            side.gone = f"no worker of the engine could be started any more: {told}"

    def _unusable(self, side: _Side, reason: str) -> None:
        if side.capabilities is None:
            side.unusable = EngineUnusable(f"engine {side.told.adapter.name} cannot be used: {reason}")
        else:
            side.gone = side.gone or f"no worker of the engine could be started any more: {reason}"

    # ---- looking after workers

    def _deadline(self, worker: Process) -> float:
        if not worker.ready:
            return worker.started + self.limits.start
        return worker.begun + self.limits.timeout * (2 if worker.nursery or worker.single else 1)

    def _look(self) -> None:
        """End what takes too long, too much or too many."""
        now = time.monotonic()
        for worker in [w for w in self.workers if w.asked or not w.ready]:
            if now >= self._deadline(worker):
                allowed = self._deadline(worker) - (worker.begun if worker.ready else worker.started)
                self._lose(worker, Status.TIMEOUT, f"it did not end within {allowed:g} s")
        if now - self.looked < LOOK:
            return
        self.looked = now
        for worker in list(self.workers):
            busy = bool(worker.asked) and now - worker.begun > LOOK
            family = machine.family(worker.popen.pid) if busy or not worker.ready else [worker.popen.pid]
            if len(family) > PROCESSES:
                self._lose(worker, Status.CRASH, f"it ran more than {PROCESSES} processes at once")
            elif (used := machine.used(family)) > self.memory and (held := machine.held(family)) > self.memory:
                told = f"it held {held / GIB:.1f} GiB of memory, more than the {self.memory / GIB:.1f} GiB of --memory"
                self._lose(worker, Status.CRASH, told)
            elif worker.death is None and worker.popen.poll() is not None:
                self._died(worker)
            elif worker.ready:
                worker.base = worker.base or used
                worker.worn = used - worker.base > (self.memory - worker.base) / 2
