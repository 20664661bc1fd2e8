"""Who runs cases, and what comes back.

An `Executor` opens engines, takes jobs from one source per engine, and gives back what each job showed, in any order. It
knows nothing of what a spec expects. Three of them: `inline` (this process), `local` (processes of this machine), `ray`
(those of a cluster).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from harness.capabilities import Capabilities
from harness.cases import Case
from harness.engine import EngineUnusable
from harness.language.export import Program
from harness.record import Status
from harness.seen import Seen
from harness.worker.loading import Adapter

GIB = 2**30


class Target(NamedTuple):
    """An engine that is to be asked, and where."""

    adapter: Adapter
    device: str | None = None
    imports: tuple[str, ...] = ()
    graphs: bool = True
    python: str = ""
    """The interpreter of its workers; empty for this one."""
    command: tuple[str, ...] = ()
    """What starts a worker that is not ours; it speaks the protocol itself."""
    home: str = ""
    """The folder in which the command runs."""


class Limits(NamedTuple):
    """What a worker may take."""

    timeout: float = 10.0
    """Seconds of one case."""
    memory: int = 0
    """Bytes of one worker; 0 for what the machine can spare."""
    start: float = 300.0
    """Seconds until an engine is ready."""


class Work(NamedTuple):
    """A program as an executor knows it: ``number`` tells it from others of the same target."""

    number: int
    program: Program


@dataclass(eq=False, slots=True)
class Job:
    """One run of one case."""

    target: int
    work: Work
    case: Case
    alone: bool = False
    """In a process in which nothing has run before but ``company``."""
    company: tuple[Job, ...] = ()
    """Runs whose results nobody asks for, in the same process before this one."""


class Lost(NamedTuple):
    """A run that gave no result."""

    status: Status | None
    """`Status.CRASH` or `Status.TIMEOUT`; None where the engine could not be started any more, so that nothing ran."""
    reason: str
    output: str = ""
    """The last that the engine wrote."""
    killed: bool = False
    """Whether it was SIGKILL, and not ours: somebody else may have sent it (the system, for lack of memory; a user)."""


@dataclass(slots=True)
class Done:
    """A job that is over."""

    job: Job
    outcome: Seen | Lost
    history: list[Job] = field(default_factory=list)
    position: int = 0

    @property
    def before(self) -> tuple[Job, ...]:
        """What ran in the same process before, oldest first."""
        return tuple(self.history[: self.position])


class Source(Protocol):
    """Where the jobs of one target come from."""

    def next(self) -> Job | None:
        """One more; None where there is none (now, or ever)."""

    def left(self) -> int:
        """About how many will still come."""


class Executor(Protocol):
    """Runs jobs."""

    isolates: bool
    """Whether a run cannot take the harness with it, and can be had alone."""

    def open(self, targets: Sequence[Target]) -> list[Capabilities | EngineUnusable]:
        """Get every target ready."""

    def run(self, sources: Mapping[int, Source]) -> Iterator[Done]:
        """Run what the sources (by the target's number) and `again` give, until nothing is left."""

    def again(self, job: Job) -> None:
        """One more job, while `run` is under way."""

    def close(self) -> None:
        """Stop everything."""
