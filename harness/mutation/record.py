"""The record of a hunt: one JSON document, which reports read, and what is counted from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import msgspec

from harness.record import RecordError

FORMAT: Final = "1.0"


class Verdict(StrEnum):
    KILLED = "killed"
    SURVIVED = "survived"
    EQUIVALENT = "equivalent"
    NOT_REACHED = "not-reached"


MEANING: Final = {
    Verdict.KILLED: "a case goes red, or the engine crashes, hangs or does not load",
    Verdict.SURVIVED: "cases come to it and all stay green",
    Verdict.EQUIVALENT: "nothing that a program can see is different; equivalent.yaml says why",
    Verdict.NOT_REACHED: "no case comes to it (or none under its condition)",
}


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    pass


class MutantLine(_Line, frozen=True, kw_only=True):
    id: str
    """``file:line:column operator``"""
    file: str
    line: int
    column: int
    op: str
    """The operation whose rule or function it is, as the source names it."""
    operator: str
    expression: str
    """What was changed, in Python's own spelling."""
    before: str
    """The line of the source."""
    after: str
    verdict: Verdict
    cases: int = 0
    """How many come to it."""
    areas: list[str] = []
    """Of these cases."""
    how: str = ""
    """``red``, ``timeout``, ``crash`` or ``load``, where it was killed."""
    kills: list[str] = []
    """The case that killed it; with ``all_cases`` every one that does."""
    reason: str = ""
    """Why it is equivalent."""


class OperatorLine(_Line, frozen=True, kw_only=True):
    name: str
    does: str
    why: str


class EngineLine(_Line, frozen=True, kw_only=True):
    name: str
    title: str
    version: str
    source: str = ""


class MutationRecord(_Line, frozen=True, kw_only=True):
    kind: Literal["mutation"]
    format: str
    harness: str
    suite: str
    """SHA-256 over the specs' text."""
    engine: EngineLine
    started: str
    seconds: float
    cases: int
    """That pass on the engine as it is: the others cannot kill anything."""
    all_cases: bool = False
    """Whether every case ran on every mutant, or only until one killed it."""
    only: list[str] = []
    areas: list[str] = []
    seed: int | None = None
    """Of the sample, where not all mutants were tried."""
    seeded: int
    """How many mutants there are; fewer were tried where a sample was taken."""
    operators: list[OperatorLine]
    mutants: list[MutantLine]
    stale: list[str] = []
    """Entries of equivalent.yaml that are needed no more."""
    redundant: list[str] = []
    """With ``all_cases``: specs that could all go, and every mutant would still be killed."""


class Count(NamedTuple):
    """Mutants by their verdict."""

    killed: int = 0
    survived: int = 0
    equivalent: int = 0
    not_reached: int = 0

    @property
    def due(self) -> int:
        """Those that ought to be killed."""
        return self.killed + self.survived + self.not_reached

    @property
    def score(self) -> float:
        """Percent of the mutants that are not equivalent."""
        return 100.0 * self.killed / self.due if self.due else 100.0


def counted(mutants: Iterable[MutantLine]) -> Count:
    tally = dict.fromkeys(Verdict, 0)
    for mutant in mutants:
        tally[mutant.verdict] += 1
    return Count(*(tally[verdict] for verdict in Verdict))


def grouped(mutants: Iterable[MutantLine], key: Callable[[MutantLine], str]) -> dict[str, Count]:
    groups: dict[str, list[MutantLine]] = {}
    for mutant in mutants:
        groups.setdefault(key(mutant), []).append(mutant)
    return {name: counted(group) for name, group in groups.items()}


class AreaCount(NamedTuple):
    reached: int
    killed: int


def by_area(record: MutationRecord) -> dict[str, AreaCount]:
    """Area -> how many mutants its cases come to, and how many of these they kill (or were the first to kill)."""
    reached: dict[str, int] = {}
    killed: dict[str, int] = {}
    for mutant in record.mutants:
        for area in mutant.areas:
            reached[area] = reached.get(area, 0) + 1
        for area in {case.partition("/")[0] for case in mutant.kills}:
            killed[area] = killed.get(area, 0) + 1
    return {area: AreaCount(reached[area], killed.get(area, 0)) for area in sorted(reached)}


def redundant(specs: Iterable[str], kills: Mapping[str, Sequence[str]]) -> list[str]:
    """Specs that could all go, and every mutant would still be killed: those that kill least are given up first.

    ``kills``: mutant -> the cases that kill it."""
    killed = {spec: set[str]() for spec in specs}
    killers = dict.fromkeys(kills, 0)
    for mutant, cases in kills.items():
        for spec in {case.partition("[")[0] for case in cases}:
            killed[spec].add(mutant)
            killers[mutant] += 1
    gone = []
    for spec in sorted(killed, key=lambda spec: len(killed[spec])):
        if all(killers[mutant] > 1 for mutant in killed[spec]):
            gone.append(spec)
            for mutant in killed[spec]:
                killers[mutant] -= 1
    return [spec for spec in killed if spec in set(gone)]


def write(record: MutationRecord) -> str:
    return msgspec.json.format(msgspec.json.encode(record), indent=1).decode() + "\n"


def read(path: Path) -> MutationRecord:
    """Raises `RecordError`."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=MutationRecord)
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RecordError(f"{path}: is no record of `harness mutate --json`: {error}") from None
    if found.format.partition(".")[0] != FORMAT.partition(".")[0]:
        raise RecordError(f"{path}: has format {found.format}; this harness reads {FORMAT}")
    return found


def schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Record of mutants, format {FORMAT}",
    } | msgspec.json.schema(MutationRecord)
