"""mutation.html: the record of `harness mutate`, what is left over first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.mutation.record import (
    MEANING,
    AreaCount,
    Count,
    MutantLine,
    MutationRecord,
    Verdict,
    by_area,
    counted,
    grouped,
)

TITLES = {
    Verdict.SURVIVED: "Survived",
    Verdict.NOT_REACHED: "Not reached",
    Verdict.EQUIVALENT: "Equivalent",
}


@dataclass(frozen=True)
class Mutation:
    """What the page shows."""

    record: MutationRecord

    @property
    def whole(self) -> Count:
        return counted(self.record.mutants)

    @property
    def left(self) -> Sequence[tuple[str, str, list[MutantLine]]]:
        """Title, meaning and mutants of those that are not killed."""
        return [
            (title, MEANING[verdict], [mutant for mutant in self.record.mutants if mutant.verdict is verdict])
            for verdict, title in TITLES.items()
        ]

    @property
    def tables(self) -> Sequence[tuple[str, Mapping[str, Count]]]:
        mutants = self.record.mutants
        return [
            ("operation", grouped(mutants, lambda mutant: mutant.op)),
            ("file", grouped(mutants, lambda mutant: mutant.file)),
            ("operator", grouped(mutants, lambda mutant: mutant.operator)),
        ]

    @property
    def areas(self) -> Mapping[str, AreaCount]:
        return by_area(self.record)
