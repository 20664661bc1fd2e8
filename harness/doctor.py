"""The ladder: from importing an engine to its first gradients, one rung at a time, stopping at the first broken one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness import execute
from harness.capabilities import words_of
from harness.language import documents, load
from harness.needs import missing
from harness.plugins import Loaded
from harness.record import CaseLine, Status

LADDER = Path(__file__).with_name("ladder.yaml")


class Rung(NamedTuple):
    checked: load.CheckedSpec
    advice: str

    def is_left_out(self, case: CaseLine, loaded: Loaded) -> bool:
        """Whether the engine lacks by design what the rung asks for: that breaks nothing."""
        undeclared = [
            word for word in missing(self.checked, loaded.file.lacks, words_of(loaded.engine)) if not word.reason
        ]
        return case.status is Status.NOT_APPLICABLE or (case.status is Status.UNSUPPORTED and not undeclared)


def rungs() -> Iterator[Rung]:
    """Lowest first."""
    ladder = documents.read(LADDER, LADDER.name)
    assert isinstance(ladder, documents.Sequence)
    for node in ladder.items:
        assert isinstance(node, documents.Mapping)
        _, advice = node.items["advice"]
        spec = documents.Mapping(node.place, {key: entry for key, entry in node.items.items() if key != "advice"})
        yield Rung(load.check(spec, LADDER, LADDER.name), " ".join(str(documents.plain(advice)).split()))


def climb(loaded: Loaded) -> Iterator[tuple[Rung, CaseLine]]:
    """The verdict on every rung, in order; whoever iterates stops at the first that breaks."""
    with execute.listening() as collected:
        session = execute.Session(loaded, collected)
        for rung in rungs():
            yield from ((rung, case) for case in session.run_spec(rung.checked))
