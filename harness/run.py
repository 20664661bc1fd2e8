"""Engines against a selection of specs: from jobs through an executor and the judge, the gate and the record."""

from __future__ import annotations

import gc
import platform
import shlex
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness import __version__, budget, doubt, profiles, record, selection, shards
from harness.capabilities import Capabilities
from harness.cases import asked, ready, recorded_parameters
from harness.engine import EngineUnusable
from harness.execution import Done, Executor, Job, Lost, Target, Work
from harness.gate import Gate, Outcome
from harness.language import sources
from harness.language.load import CheckedSpec
from harness.language.records import plain
from harness.places import room
from harness.plugins import Candidate, Follows, adapter
from harness.record import CaseLine, Status
from harness.shards import Shard
from harness.verdict import verdict

DOUBTED = (Status.FAIL, Status.CRASH, Status.TIMEOUT)
"""Verdicts that are given a second time, alone."""
PATIENCE = 5
"""Cases that may run into their time limit twice; after so many, once is enough."""
KILLS = 2
"""Times that the second opinion on a case is asked for again where its process was killed: three kills are no accident."""
SEARCH = 200
"""Runs that all searches for the company in which a case fails may take together."""
FRESH = 50
"""The same for failures of an engine of which every second opinion costs a new process (it cannot fork)."""


class Stopped(Enum):
    """How a run ended."""

    NOT = "not"
    FAIL_FAST = "at the first unexpected verdict"
    INTERRUPTED = "by the user"


class Settings(NamedTuple):
    imports: Sequence[str] = ()
    graphs: bool = True
    fail_fast: bool = False
    shard: Shard | None = None
    shuffle: int | None = None
    repeat: int = 1
    budget: float | None = None
    """Seconds after which no further case begins."""
    resume: bool = False
    device: str | None = None


class Selection(NamedTuple):
    """What a run judges."""

    specs: Sequence[CheckedSpec]
    """In the order in which they run; a spec may stand several times, each time with other cases."""
    digest: str
    """Of the whole selection, whatever part of it this run judges."""
    total: int
    """Cases of the whole selection."""
    profile: str = ""
    whole: bool = False
    """Whether nothing but the profile narrows it: then the record says which clauses of which documents it could cover."""

    @property
    def cases(self) -> int:
        return sum(1 for spec in self.specs for _ in spec.cases)


def arrange(specs: Sequence[CheckedSpec], settings: Settings) -> Selection:
    """The part of ``specs`` that a run judges, in its order."""
    digest, total = selection.digest(specs), sum(1 for spec in specs for _ in spec.cases)
    if settings.shard is not None:
        specs = shards.part(specs, settings.shard)
    if settings.shuffle is not None:
        specs = shards.shuffled(specs, settings.shuffle)
    if settings.budget is not None:
        specs = budget.ordered(specs)
    return Selection(specs, digest, total)


def target(candidate: Candidate, device: str | None, imports: Iterable[str], graphs: bool) -> Target:
    """The candidate as an executor is told of it. Raises `EngineUnusable` where its interpreter is not there."""
    file, home = candidate.file, candidate.home
    python = candidate.python
    if not python and file.python:
        python = file.python
        if "/" in python and home is not None:
            python = str(home / Path(python).expanduser())
    if python and shutil.which(python) is None:
        raise EngineUnusable(f"engine {candidate.source or file.name}: there is no interpreter {python}")
    return Target(adapter(candidate), device, tuple(imports), graphs, python, file.command, str(home or ""))


class Enough(Exception):
    """The first unexpected verdict was all that the user wanted to know."""


class Trial:
    """One engine on its way through the selection: where its jobs come from and where their verdicts go."""

    def __init__(
        self,
        number: int,
        candidate: Candidate,
        capabilities: Capabilities,
        chosen: Selection,
        gate: Gate,
        path: Path,
        settings: Settings,
    ) -> None:
        self.number = number
        self.candidate = candidate
        self.capabilities = capabilities
        self.chosen = chosen
        self.gate = gate
        self.path = path
        self.settings = settings
        self.wording = candidate.file.follows is Follows.PYTORCH
        self.advance: Callable[[CaseLine], None] = lambda case: None
        self.isolates = False
        self.again: Callable[[Job], None] = lambda job: None
        self.checked: dict[int, CheckedSpec] = {}
        self.rounds: dict[str, list[CaseLine]] = {}
        self.doubts: dict[str, tuple[CaseLine, Done]] = {}
        self.searches: dict[str, Generator[tuple[Job, ...], bool | None, tuple[Job, ...] | None]] = {}
        self.alone: dict[str, CaseLine] = {}
        """Second opinions that contradict the first and are not settled."""
        self.kills: Counter[str] = Counter()
        self.notes: list[str] = []
        """What the user should know of the run that is no verdict."""
        self.culprits: list[tuple[Job, ...]] = []
        """Companies that searches found, the last one first."""
        self.searched = 0
        self.second_opinions: Counter[Status] = Counter()
        self.gone = ""
        """Why some cases have no verdict."""
        self.left_out: list[str] = []
        self.begun = time.perf_counter()
        self.ends: float | None = None
        self.coming = chosen.cases
        self.jobs = self._jobs()
        self.known: dict[str, CaseLine] = {}
        self.writer, self.before = self._open()
        self.outcome: Outcome | None = None

    # ---- the record

    def _open(self) -> tuple[record.Writer, float]:
        """The record, with what an interrupted run left in it; and how long that one took."""
        described = {spec.spec.id: spec_line(spec) for spec in self.chosen.specs}
        header = _header(self)
        if self.settings.resume and self.path.exists():
            kept = record.resume(self.path, header, described)
            if kept is not None:
                self.known = kept.cases
                for line in kept.cases.values():
                    self.gate.standing(line)
                return record.Writer(self.path, append=True), kept.footer.seconds if kept.footer else 0.0
        writer = record.Writer(self.path)
        writer.write(header, *described.values())
        return writer, 0.0

    def settle(self, line: CaseLine) -> None:
        """A verdict is final: through the gate into the record. Raises `Enough`, and `OSError` where it cannot be written."""
        case = self.gate.standing(line)
        self.writer.write(case)
        self.coming -= 1
        self.advance(case)
        if self.settings.fail_fast and case.standing is record.Standing.UNEXPECTED and self.coming:
            raise Enough

    def finish(self, stopped: Stopped) -> Outcome:
        """Close the record; a footer says that it is whole, in the order of the selection."""
        selected = self.chosen.cases
        judged = len(self.gate.cases)
        outcome = self.gate.outcome(judged if stopped is Stopped.FAIL_FAST else selected - len(self.left_out))
        if stopped is Stopped.NOT and judged + len(self.left_out) == selected:
            seconds = self.before + time.perf_counter() - self.begun
            order = [id for spec in self.chosen.specs for id, _ in spec.cases]
            self.writer.finish(self.gate.cases, order, outcome.footer(seconds, self.left_out))
        self.writer.close()
        self.outcome = outcome
        return outcome

    # ---- jobs

    def next(self) -> Job | None:
        """One more job. Cases on which there is nothing to run are settled on the way."""
        return next(self.jobs, None)

    def left(self) -> int:
        return self.coming

    def _jobs(self) -> Generator[Job, None, None]:
        for number, spec in enumerate(self.chosen.specs):
            checked = asked(spec, self.candidate.file)
            work = Work(number, checked.program)
            self.checked[number] = checked
            for case in ready(checked, self.candidate.file, self.capabilities.words, self.capabilities.version):
                if case.id in self.known:
                    self.coming -= 1
                elif self.ends is not None and time.monotonic() >= self.ends:
                    self.left_out.append(case.id)
                elif isinstance(case, CaseLine):
                    self.settle(case)
                else:
                    for _ in range(self.settings.repeat):
                        yield Job(self.number, work, case)

    # ---- verdicts

    def take(self, done: Done) -> None:
        """What a job showed: judge it, and settle, doubt or wait for what is still to come."""
        id = done.job.case.id
        if isinstance(done.outcome, Lost) and done.outcome.status is None:
            self.gone = done.outcome.reason
            self.unconfirmed(id)
            return
        if isinstance(done.outcome, Lost) and done.outcome.killed and self.again_after_a_kill(done.job):
            return
        line = judged(done, self.checked[done.job.work.number], self.wording)
        if id in self.searches:
            self.search(id, line.status is self.doubts[id][0].status)
        elif id in self.doubts:
            self.second_opinion(line)
        elif self.settings.repeat > 1:
            lines = self.rounds.setdefault(id, [])
            lines.append(line)
            if len(lines) == self.settings.repeat:
                del self.rounds[id]
                self.agreed(lines, done)
        else:
            self.first_opinion(line, done)

    def agreed(self, lines: list[CaseLine], done: Done) -> None:
        """All repetitions of a case are there: one verdict, or none that can be relied on."""
        counted = Counter(line.status.value for line in lines)
        if len(counted) == 1:
            self.first_opinion(lines[0], done)
            return
        worst = next(line for line in lines if line.status is not Status.PASS)
        told = ", ".join(f"{status} {count} times" for status, count in counted.most_common())
        said = f"of {len(lines)} runs: {told}" + (f"; {worst.reason}" if worst.reason else "")
        self.settle(msgspec.structs.replace(worst, status=Status.FLAKY, reason=said))

    def first_opinion(self, line: CaseLine, done: Done) -> None:
        if line.status not in DOUBTED or not self.isolates or done.job.alone or self.gate.is_known(line):
            self.settle(line)
            return
        self.second_opinions[line.status] += 1
        costs_a_process = not self.capabilities.forks and sum(self.second_opinions.values()) > FRESH
        if costs_a_process or self.second_opinions[Status.TIMEOUT] > PATIENCE:
            self.settle(line)
            return
        self.doubts[line.id] = line, done
        self.again(_alone(done.job))

    def again_after_a_kill(self, job: Job) -> bool:
        """Whether a run that somebody killed is tried once more. The first one among other cases is doubted like any crash."""
        if (not job.alone and self.settings.repeat == 1) or self.kills[job.case.id] >= KILLS:
            self.kills[job.case.id] = 0
            return False
        self.kills[job.case.id] += 1
        self.again(Job(job.target, job.work, job.case, job.alone, job.company))
        return True

    def second_opinion(self, alone: CaseLine) -> None:
        first, done = self.doubts[alone.id]
        if alone.status in DOUBTED or first.status is Status.TIMEOUT:
            del self.doubts[alone.id]
            note = [] if alone.status in DOUBTED else [f"among other cases: {first.reason or first.status.value}"]
            self.settle(msgspec.structs.replace(alone, remarks=[*alone.remarks, *note]))
            return
        self.alone[alone.id] = alone
        if self.searched >= SEARCH:
            self.unconfirmed(alone.id)
            return
        self.searches[alone.id] = doubt.smallest(done.before, self.culprits)
        self.search(alone.id, None)

    def unconfirmed(self, id: str) -> None:
        """Nobody can look a second time: what was seen once is the verdict."""
        if id in self.doubts:
            first, _ = self.doubts.pop(id)
            self.searches.pop(id, None)
            if self.alone.pop(id, None) is not None:
                reason = f"it passes alone, and did not among other cases; {first.reason}".removesuffix("; ")
                first = msgspec.structs.replace(first, status=Status.FLAKY, reason=reason)
            self.settle(first)

    def search(self, id: str, failed: bool | None) -> None:
        """Go on with a search, having heard whether the case ``failed`` in the company that was tried last."""
        first, done = self.doubts[id]
        self.searched += 1
        try:
            self.again(_alone(done.job, self.searches[id].send(failed)))
        except StopIteration as found:
            del self.searches[id], self.doubts[id]
            alone = self.alone.pop(id)
            if found.value is None and isinstance(done.outcome, Lost) and done.outcome.killed:
                self.notes.append(f"a worker was killed from outside while {id} was at hand; the case was judged anew")
                self.settle(alone)
                return
            does = "the process dies" if first.status is Status.CRASH else "it fails"
            if found.value is None:
                said = f"{does} once, and not again: neither alone nor after the {len(done.before)} cases before it"
            else:
                self.culprits.insert(0, found.value)
                company = ", ".join(job.case.id for job in found.value)
                said = f"it passes alone; {does} when {company} ran before it in the same process"
            reason = f"{said}; {first.reason}" if first.reason else said
            self.settle(msgspec.structs.replace(first, status=Status.FLAKY, reason=reason))


def judged(done: Done, checked: CheckedSpec, wording: bool) -> CaseLine:
    """The verdict on what a job showed, or on how it was lost."""
    if not isinstance(done.outcome, Lost):
        return verdict(checked, done.job.case, done.outcome, wording)
    return CaseLine(
        id=done.job.case.id,
        spec=checked.spec.id,
        status=done.outcome.status or Status.ERROR,
        parameters=recorded_parameters(done.job.case.parameters, checked, whole=True),
        reason=done.outcome.reason,
        output=done.outcome.output,
    )


def _alone(job: Job, company: tuple[Job, ...] = ()) -> Job:
    return Job(job.target, job.work, job.case, alone=True, company=company)


def judge(executor: Executor, trials: Sequence[Trial], settings: Settings) -> Stopped:
    """Judge every case of every trial. Records are written as verdicts come; `Trial.finish` closes them.

    Raises `OSError` where a record cannot be written."""
    import numpy  # noqa: F401 - expected values need it: now, and not on the first case's time

    by_number = {trial.number: trial for trial in trials}
    for trial in trials:
        trial.isolates, trial.again = executor.isolates, executor.again
        trial.ends = None if settings.budget is None else time.monotonic() + settings.budget
    gc.freeze()  # specs and modules are no garbage; the collector need not look through them again and again
    try:
        for done in executor.run(by_number):
            by_number[done.job.target].take(done)
    except KeyboardInterrupt:
        return Stopped.INTERRUPTED
    except Enough:
        return Stopped.FAIL_FAST
    finally:
        gc.unfreeze()
    return Stopped.NOT


def _header(trial: Trial) -> record.Header:
    candidate, settings, chosen = trial.candidate, trial.settings, trial.chosen
    return record.Header(
        format=record.FORMAT,
        harness=__version__,
        suite=chosen.digest,
        engine=record.EngineInfo(
            name=candidate.file.name,
            title=candidate.file.title,
            version=trial.capabilities.version,
            device=settings.device or "cpu",
            homepage=candidate.file.homepage,
            source=candidate.source,
            imports=list(settings.imports),
            interpreter=candidate.python,
            family=candidate.file.family,
            style=candidate.file.style.value,
            follows=candidate.file.follows.value,
            releases=candidate.file.releases.value,
        ),
        python=trial.capabilities.runtime,
        platform=platform.platform(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=shlex.join(["harness", *(word for word in sys.argv[1:] if word != "--resume")]),
        cases=chosen.cases,
        shard=str(settings.shard or ""),
        total=chosen.total if settings.shard else 0,
        shuffle=settings.shuffle,
        profile=chosen.profile,
        profiles=profiles.within(chosen.profile) if chosen.whole else [],
        documents=cited_documents() if chosen.whole else {},
        areas={area: about.title for area, about in selection.areas().items()},
    )


def cited_documents() -> dict[str, record.DocumentInfo]:
    """What the suite's specs may cite, as the record carries it. Raises `InputError`."""
    return {
        key: record.DocumentInfo(title=document.title or key, link=document.link, clauses=dict(document.clauses))
        for key, document in sources.read(room("specs")).items()
    }


def spec_line(checked: CheckedSpec) -> record.SpecLine:
    """A spec as the record carries it."""
    spec = checked.spec
    steps = [
        record.StepLine(
            run=step.run,
            line=checked.lines[number],
            raises=step.raises,
            warns=list(step.warns),
            allows=list(step.allows),
            message=step.message,
            expect=_plain(step.expect),
            either=[
                record.OutcomeLine(
                    expect=_plain(outcome.expect),
                    raises=outcome.raises,
                    warns=list(outcome.warns),
                    allows=list(outcome.allows),
                    message=outcome.message,
                    versions=outcome.versions,
                    because=" ".join(outcome.because.split()),
                )
                for outcome in step.either
            ],
        )
        for number, step in enumerate(spec.steps)
    ]
    return record.SpecLine(
        id=spec.id,
        area=spec.area,
        claim=" ".join(spec.claim.split()),
        source=list(spec.source),
        standing=spec.standing.value,
        file=checked.file,
        lineno=checked.line,
        outside=checked.outside,
        steps=steps,
        cases=[recorded_parameters(case, checked) if checked.row is None else {} for case in spec.cases],
        since=spec.since,
        until=spec.until,
        defect=" ".join(spec.defect.split()),
        note=" ".join(spec.note.split()),
        row=checked.row,
        profiles=[name for name, profile in profiles.profiles().items() if profile.holds(checked)],
    )


def _plain(expect: Mapping[str, Any]) -> dict[str, Any]:
    return {text: plain(value) for text, value in expect.items()}
