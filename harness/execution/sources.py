"""Where jobs come from: a plain queue of them, and what an executor takes in turn for one engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from harness.capabilities import Capabilities
from harness.engine import EngineUnusable
from harness.execution import Job, Source, Target


class Queue:
    """A `Source` of jobs that are known."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.jobs = deque(jobs)

    def next(self) -> Job | None:
        return self.jobs.popleft() if self.jobs else None

    def left(self) -> int:
        return len(self.jobs)


class Side:
    """One target: its engine as an executor sees it, and the jobs that wait for it."""

    def __init__(self, number: int, told: Target) -> None:
        self.number = number
        self.told = told
        self.capabilities: Capabilities | None = None
        self.unusable: EngineUnusable | None = None
        self.source: Source | None = None
        self.returned: deque[Job] = deque()
        """Jobs that a worker took with it when it died, or was not allowed to keep."""
        self.alone: deque[Job] = deque()
        self.start_seconds = 0.0

    def next(self) -> Job | None:
        if self.returned:
            return self.returned.popleft()
        job = None if self.source is None else self.source.next()
        if job is None:
            self.source = None
        return job

    def left(self) -> int:
        """About how many jobs wait, but for those that run alone."""
        return len(self.returned) + (self.source.left() if self.source is not None else 0)
