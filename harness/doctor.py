"""The ladder: from importing an engine to its first gradients, one rung at a time, stopping at the first broken one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.capabilities import Words
from harness.cases import ready
from harness.execution import Executor, Job, Work
from harness.execution.sources import Queue
from harness.language import advised
from harness.language.advised import Advised
from harness.needs import missing
from harness.plugins import EngineFile, Follows
from harness.record import CaseLine, Status
from harness.run import judged

LADDER = Path(__file__).with_name("ladder.yaml")


def is_left_out(rung: Advised, case: CaseLine, file: EngineFile, words: Words) -> bool:
    """Whether the engine lacks by design what the rung asks for: that breaks nothing."""
    undeclared = [word for word in missing(rung.checked, file.lacks, words) if not word.reason]
    return case.status is Status.NOT_APPLICABLE or (case.status is Status.UNSUPPORTED and not undeclared)


def climb(executor: Executor, file: EngineFile, words: Words) -> Iterator[tuple[Advised, CaseLine]]:
    """The verdict on every rung, in order, of the engine that ``executor`` opened first; whoever iterates stops at the
    first rung that breaks."""
    for number, rung in enumerate(advised.read(LADDER)):
        for case in ready(rung.checked, file, words):
            if isinstance(case, CaseLine):
                yield rung, case
                continue
            job = Job(0, Work(number, rung.checked.program), case)
            for done in executor.run({0: Queue([job])}):
                yield rung, judged(done, rung.checked, file.follows is Follows.PYTORCH)
