"""``harness protocol --check``: a worker walked through the conversation, one question at a time, up to the first wrong answer."""

from __future__ import annotations

import select
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from harness import protocol
from harness.capabilities import Capabilities
from harness.cases import Case, ready
from harness.engine import EngineUnusable
from harness.execution import Job, Target, Work
from harness.execution.process import Garbage, Process
from harness.language import advised, load
from harness.language.advised import Advised
from harness.plugins import EngineFile, in_range
from harness.protocol import CapabilitiesAnswer, Showed, Unusable
from harness.record import CaseLine, Status
from harness.seen import Seen
from harness.text import printable
from harness.verdict import verdict

QUESTIONS = Path(__file__).with_suffix(".yaml")
START = 6
LAST_WORDS = 2.0
"""Seconds that a worker has to end; `Local` grants as much."""


class Stage(NamedTuple):
    """One part of the conversation, as it went."""

    claim: str
    wrong: str = ""
    """What is wrong in the answer; empty where nothing is."""
    left_out: str = ""
    """Why the question was not asked, or proved nothing."""
    advice: str = ""
    case: CaseLine | None = None
    """The verdict on the question's program, where that says more."""
    note: str = ""


class _Wrong(Exception):
    """The conversation cannot go on; the text says why."""


class _Talk:
    """One worker, spoken to one question at a time. The limits are seconds."""

    def __init__(self, target: Target, start: float, answer: float) -> None:
        self.limits = start, answer
        try:
            self.process = Process(0, target, 0)
        except OSError as error:
            where = target.command[0] if target.command else target.python
            told = f"its worker cannot be started: {error.strerror or error} ({where})"
            raise EngineUnusable(f"engine {target.adapter.name} cannot be used: {told}") from None
        self.answers: deque[CapabilitiesAnswer | Unusable | Showed] = deque()

    def heard(self) -> CapabilitiesAnswer | Unusable | Showed:
        """The next message. Raises `_Wrong`."""
        process = self.process
        limit = self.limits[process.ready]
        ends = time.monotonic() + limit
        while not self.answers:
            left = ends - time.monotonic()
            if left <= 0:
                process.kill(ask_where=True)
                raise _Wrong(self.told(f"nothing was answered within {limit:g} s"))
            process.flush()
            select.select([process.answers, process.output], [], [], min(left, 0.05))
            process.listen()
            is_dead = process.popen.poll() is not None  # looked at first: what it wrote before counts
            try:
                self.answers.extend(process.read())
            except Garbage as garbage:
                raise _Wrong(self.told(f"it {garbage}")) from None
            if not self.answers and is_dead:
                raise _Wrong(self.told(process.epitaph()))
            if not self.answers and process.silent and not self.is_dying():
                raise _Wrong(self.told("it closed its stdout and still runs"))
        return self.answers.popleft()

    def is_dying(self) -> bool:
        """Whether it ends within a second."""
        try:
            self.process.popen.wait(1.0)
        except subprocess.TimeoutExpired:
            return False
        return True

    def told(self, text: str) -> str:
        """``text``, and the last that the worker wrote to stderr."""
        while self.process.death is not None and self.process.listen():
            pass
        said = printable(self.process.said)
        return printable(text) + (f"; the last that it wrote to stderr:\n{said}" if said else "")

    def asked(self, jobs: list[Job], *, fork: bool = False) -> list[Seen]:
        """What runs showed. Raises `_Wrong`."""
        self.process.ask(jobs, fork=fork)
        out = []
        while self.process.asked:
            number, _, _ = self.process.asked.popleft()
            message = self.heard()
            if not isinstance(message, Showed):
                raise _Wrong(f"{_name(message)!r} was answered where the result of run {number} is due")
            if message.run != number:
                raise _Wrong(
                    f"run {message.run} was answered where {number} is due: answers come in the order of the runs"
                )
            out.append(message.seen)
        return out

    def ended(self) -> None:
        """Wait until the worker is gone. Raises `_Wrong`."""
        ends = time.monotonic() + LAST_WORDS
        while self.process.popen.poll() is None:
            self.process.listen()
            if time.monotonic() > ends:
                raise _Wrong(self.told(f"it still runs after {LAST_WORDS:g} s"))
            time.sleep(0.005)
        if self.process.popen.returncode:
            raise _Wrong(self.told(f"exit code 0 is due; {self.process.epitaph()}"))


def walk(target: Target, file: EngineFile, *, answer: float = 10.0) -> Iterator[Stage]:
    """The conversation with a worker of ``target``, stage by stage. The last one is wrong, or all of it went well.

    ``answer``: seconds that one answer may take; the first, for which an engine is imported, may take `START` times as long.
    Raises `EngineUnusable` where the worker cannot be started, or says itself that its engine cannot be used."""
    for part in (_first(target, file, answer), _second(target, answer), _elsewhere(target, answer)):
        for stage in part:
            yield stage
            if stage.wrong:
                return


@contextmanager
def _talking(target: Target, answer: float) -> Iterator[_Talk]:
    talk = _Talk(target, answer * START, answer)
    try:
        yield talk
    finally:
        talk.process.kill()


def _first(target: Target, file: EngineFile, answer: float) -> Iterator[Stage]:
    """A worker from its start to its stop."""
    with _talking(target, answer) as talk:
        opening = _opened(talk, target, file)
        yield opening.stage
        assert opening.capabilities is not None  # or nobody would have asked for more
        for number, question in enumerate(advised.read(QUESTIONS)):
            yield _asked(talk, number, question, file, opening.capabilities)
        talk.process.stop()
        advice = "Leave the loop over stdin at `stop`; nothing may hold it."
        yield _ended(talk, "`stop` ends it with exit code 0.", advice)


def _second(target: Target, answer: float) -> Iterator[Stage]:
    """Another one, whose supervisor dies."""
    with _talking(target, answer) as talk:
        try:
            talk.heard()
        except _Wrong as wrong:
            yield Stage("A second worker starts like the first.", str(wrong))
        talk.process.popen.stdin.close()  # type: ignore[union-attr]
        advice = "The harness may die: a worker whose stdin has ended has nobody left."
        yield _ended(talk, "So does the end of its stdin.", advice)


def _elsewhere(target: Target, answer: float) -> Iterator[Stage]:
    """One that is asked for what it cannot have."""
    claim = "A device that the engine has not got is answered by `unusable`."
    advice = "Look at `device` of `start`: verdicts on a device that was never used would be lies."
    with _talking(target._replace(device="no-such-device"), answer) as talk:
        try:
            message = talk.heard()
        except _Wrong as wrong:
            yield Stage(claim, str(wrong), advice=advice)
            return
        wrong_answer = f"{_name(message)!r} was answered to device 'no-such-device'"
        yield Stage(claim, "" if isinstance(message, Unusable) else wrong_answer, advice=advice)


class _Opening(NamedTuple):
    stage: Stage
    capabilities: Capabilities | None = None


def _opened(talk: _Talk, target: Target, file: EngineFile) -> _Opening:
    claim = "`start` is answered by `capabilities`."
    advice = "Answer the first line with one `capabilities`; write nothing else to stdout, and flush it."
    try:
        message = talk.heard()
        if isinstance(message, Unusable):
            raise EngineUnusable(printable(message.reason))
        if not isinstance(message, CapabilitiesAnswer):
            raise _Wrong(f"{_name(message)!r} was answered")
        _check_words(message)
    except _Wrong as wrong:
        return _Opening(Stage(claim, str(wrong), advice=advice))
    if not in_range(message.version, file.versions):
        name = target.adapter.name
        raise EngineUnusable(f"engine {name} is version {message.version}; engine.yaml supports {file.versions}")
    talk.process.ready = True
    bare = message.runtime[:1].isdigit()
    runtime = f", in {'Python ' * bare}{printable(message.runtime)}" if message.runtime else ""
    words = f"{len(message.names)} names and {len(message.attributes)} attributes"
    note = f"version {printable(message.version)}{runtime}; {words}" + ("; forks" if message.forks else "")
    return _Opening(Stage(claim, note=note), protocol.capabilities(message))


def _check_words(message: CapabilitiesAnswer) -> None:
    if message.protocol.partition(".")[0] != protocol.VERSION.partition(".")[0]:
        raise _Wrong(f"protocol {message.protocol} is answered; this harness speaks {protocol.VERSION}")
    if not message.version.isprintable():
        raise _Wrong(f"version {message.version!a} is no text on one line")
    for field, word, hint in protocol.strange_words(message):
        hint = hint or "; `harness words` lists them"
        raise _Wrong(f"{printable(word)!r} in {field} is no word of the language{hint}")
    if loose := set(message.settable) - set(message.attributes):
        raise _Wrong(f"{min(loose)!r} is in settable and not in attributes")


def _asked(talk: _Talk, number: int, question: Advised, file: EngineFile, knows: Capabilities) -> Stage:
    checked, advice = question
    claim = checked.spec.claim
    cases = []
    for case in ready(checked, file, knows.words):
        if isinstance(case, CaseLine):
            return Stage(claim, left_out=case.reason)
        cases.append(case)
    jobs = [Job(0, Work(number, checked.program), case) for case in cases]
    try:
        showed = talk.asked(jobs)
        if knows.forks:
            showed += talk.asked(jobs, fork=True)
            cases *= 2
    except _Wrong as wrong:
        return Stage(claim, str(wrong), advice=advice)
    for case, seen in zip(cases, showed, strict=True):
        stage = _judged(checked, case, seen)
        if stage.wrong or stage.left_out:
            return stage._replace(advice=advice)
    return Stage(claim)


def _judged(checked: load.CheckedSpec, case: Case, seen: Seen) -> Stage:
    """What a question's program showed, against what is due."""
    claim = checked.spec.claim
    if seen.broken:
        return Stage(claim, f"the result says `broken`: {printable(seen.broken)}")
    lacking = [raised for raised in (seen.aborted, *(step.raised for step in seen.steps)) if raised is not None]
    if lacking and lacking[0].fault == "unsupported":
        return Stage(claim, left_out=printable(lacking[0].text))
    match checked.spec.id:
        case "conversation/breaks-off":
            return Stage(claim, _breaks_off(checked, seen))
        case "conversation/bad-parameter":
            is_raised = bool(seen.steps) and seen.steps[0].raised is not None
            return Stage(claim, "" if is_raised else "no `raised` in the step, although a text is no tensor")
        case "conversation/warning" if seen.aborted is None and not any(step.warned for step in seen.steps):
            return Stage(claim, left_out="no warning was told; right for an engine that gives none")
    line = verdict(checked, case, seen, wording=False)
    if line.status is Status.PASS:
        return Stage(claim)
    return Stage(claim, line.reason or "the answer is well-formed, and is not what is due", case=line)


def _breaks_off(checked: load.CheckedSpec, seen: Seen) -> str:
    due = checked.lines[0] + 1
    if seen.aborted is None:
        return "no `aborted` in the result, although item 5 of two must fail"
    if seen.steps:
        return "a step is told that did not end"
    if seen.aborted.line != due:
        return f"`aborted` says line {seen.aborted.line}; line {due} is due"
    return ""


def _ended(talk: _Talk, claim: str, advice: str) -> Stage:
    try:
        talk.ended()
    except _Wrong as wrong:
        return Stage(claim, str(wrong), advice=advice)
    return Stage(claim)


def _name(message: CapabilitiesAnswer | Unusable | Showed) -> str:
    return "result" if isinstance(message, Showed) else str(message.__struct_config__.tag)
