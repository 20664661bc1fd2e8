"""The ladder: from importing an engine to its first gradients, one rung at a time, stopping at the first broken one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.capabilities import Words
from harness.cases import asked, ready
from harness.execution import Executor, Job, Work
from harness.execution.sources import Queue
from harness.language import advised
from harness.language.advised import Advised
from harness.language.functional import asks_for_a_tape
from harness.needs import missing
from harness.plugins import EngineFile, Follows, Style
from harness.record import CaseLine, Status
from harness.run import judged

LADDER = Path(__file__).with_name("ladder.yaml")
FUNCTIONAL = Path(__file__).with_name("ladder-functional.yaml")


def rungs(file: EngineFile) -> Iterator[Advised]:
    """Those of engines of this style, each as it is asked."""
    functional = file.style is Style.FUNCTIONAL
    for rung in advised.read(LADDER):
        if not functional or not asks_for_a_tape(rung.checked):
            yield rung
    for rung in advised.read(FUNCTIONAL) if functional else ():
        yield rung._replace(checked=asked(rung.checked, file))


def is_left_out(rung: Advised, case: CaseLine, file: EngineFile, words: Words) -> bool:
    """Whether the engine lacks by design what the rung asks for: that breaks nothing."""
    undeclared = [word for word in missing(rung.checked, file.lacks, words) if not word.reason]
    return case.status is Status.NOT_APPLICABLE or (case.status is Status.UNSUPPORTED and not undeclared)


def climb(executor: Executor, file: EngineFile, words: Words) -> Iterator[tuple[Advised, CaseLine]]:
    """The verdict on every rung, in order, of the engine that ``executor`` opened first; whoever iterates stops at the
    first rung that breaks."""
    for number, rung in enumerate(rungs(file)):
        for case in ready(rung.checked, file, words):
            if isinstance(case, CaseLine):
                yield rung, case
                continue
            job = Job(0, Work(number, rung.checked.program), case)
            for done in executor.run({0: Queue([job])}):
                yield rung, judged(done, rung.checked, file.follows is Follows.PYTORCH)
