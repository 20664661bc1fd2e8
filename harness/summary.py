"""What a run record says, in numbers and words: counts and the verdict sentence.

Pure functions over `harness.record.Run`. The reports and the command line all count and speak through this module, so
that no two of them can disagree about what passed.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import NamedTuple

from harness.record import CaseLine, Run, SpecLine, Standing, Status
from harness.text import plural

# --- counts -----------------------------------------------------------------------------------------------------------


class Group(StrEnum):
    """Where a selected case ends up; every case is in exactly one group, so the groups add up to all."""

    UNEXPECTED = "unexpected"
    MISSING = "no verdict"
    LEFT_OUT = "left out"
    """``--budget`` left no time for it."""
    KNOWN = "known failure"
    """By the engine's list of known deviations, or because the baseline has it too."""
    OUTSIDE = "outside"
    PASSED = "passed"


SYMBOLS = {
    Group.UNEXPECTED: "✗",
    Group.MISSING: "?",
    Group.LEFT_OUT: "…",
    Group.KNOWN: "△",
    Group.OUTSIDE: "○",
    Group.PASSED: "✓",
}
"""One shape per group, so that colour is never the only carrier."""

OUTSIDE = (Status.UNSUPPORTED, Status.NOT_APPLICABLE, Status.SPEC_SUSPECT)
"""Statuses that say nothing for or against the engine. They stay in the denominator, and are named beside it."""


def group(case: CaseLine) -> Group:
    if case.standing is Standing.UNEXPECTED:
        return Group.UNEXPECTED
    if case.status is Status.PASS:
        return Group.PASSED
    return Group.OUTSIDE if case.status in OUTSIDE else Group.KNOWN


@dataclass(frozen=True)
class Counts:
    """Cases by group and by status; `all` are the selected ones, also those that were never reached."""

    all: int
    groups: Counter[Group]
    statuses: Counter[Status]
    stale: int

    @property
    def passed(self) -> int:
        return self.groups[Group.PASSED]

    @property
    def ratio(self) -> str:
        return f"{self.passed}/{self.all}"

    @property
    def worst(self) -> Group:
        """The group that a reader must know of first; no case at all is `OUTSIDE`, for nothing is never green."""
        return next((g for g in Group if self.groups[g]), Group.OUTSIDE)

    @property
    def besides(self) -> list[str]:
        """What did not pass, as expected: ``["2 known failures", "1 unsupported"]``."""
        parts = [plural(self.groups[Group.KNOWN], Group.KNOWN)] if self.groups[Group.KNOWN] else []
        return parts + [f"{self.statuses[s]} {s.replace('-', ' ')}" for s in OUTSIDE if self.statuses[s]]

    @property
    def notes(self) -> list[str]:
        """All that a cell of a table has to say beside passed / all, the worst first."""
        loud = [f"{self.groups[g]} {g}" for g in (Group.UNEXPECTED, Group.MISSING, Group.LEFT_OUT) if self.groups[g]]
        return [*loud, *self.besides, *([f"{self.stale} stale"] if self.stale else [])]


def count(cases: Iterable[CaseLine], selected: int = 0, left_out: int = 0) -> Counts:
    """``selected`` cases were asked for; those without a verdict are counted as missing, but for those ``left_out``."""
    cases = list(cases)
    selected = max(selected, len(cases) + left_out)
    groups = Counter(group(case) for case in cases)
    groups[Group.LEFT_OUT] = left_out
    groups[Group.MISSING] = selected - left_out - len(cases)
    stale = sum(case.standing is Standing.STALE for case in cases)
    return Counts(selected, groups, Counter(case.status for case in cases), stale)


def left_out(run: Run) -> list[str]:
    """Cases for which ``--budget`` left no time."""
    return run.footer.left_out if run.footer else []


def totals(run: Run) -> Counts:
    return count(run.cases.values(), run.header.cases, len(left_out(run)))


def case_ids(spec: SpecLine) -> list[str]:
    """The ids that the cases of ``spec`` have when all of them are selected."""
    return [f"{spec.id}[{n + 1}]" for n in range(len(spec.cases))] if len(spec.cases) > 1 else [spec.id]


def spec_counts(run: Run) -> dict[str, Counts]:
    """Counts per spec. A complete run judged all it selected; an incomplete one misses what its specs declare."""
    cases: dict[str, list[CaseLine]] = {id: [] for id in run.specs}
    for case in run.cases.values():
        cases.setdefault(case.spec, []).append(case)
    skipped = Counter(id.partition("[")[0] for id in left_out(run))
    return {
        id: count(found, 0 if run.complete or id not in run.specs else len(case_ids(run.specs[id])), skipped[id])
        for id, found in cases.items()
    }


def area_of(run: Run, spec: str) -> str:
    """The area of a spec; a record that was cut may hold a case whose spec line is lost."""
    return run.specs[spec].area if spec in run.specs else spec.partition("/")[0]


def area_counts(run: Run) -> dict[str, Counts]:
    areas: dict[str, list[Counts]] = {}
    for id, counts in spec_counts(run).items():
        areas.setdefault(area_of(run, id), []).append(counts)
    return {area: together(parts) for area, parts in areas.items()}


def together(parts: Iterable[Counts]) -> Counts:
    """Several counts as one."""
    selected, stale = 0, 0
    groups, statuses = Counter[Group](), Counter[Status]()
    for part in parts:
        selected += part.all
        stale += part.stale
        groups.update(part.groups)
        statuses.update(part.statuses)
    return Counts(selected, groups, statuses, stale)


# --- the verdict ------------------------------------------------------------------------------------------------------


class Level(StrEnum):
    """The verdict in a word; only `EXPECTED` may be shown green."""

    EXPECTED = "as expected"
    UNEXPECTED = "unexpected"
    GATE = "gate closed"
    """Nothing unexpected, and yet the run's exit code was not 0 (``--strict``, ``--require`` ...)."""
    EMPTY = "nothing passed"
    """Not one case passed: that is no proof of anything."""
    INCOMPLETE = "incomplete"


def level(run: Run) -> Level:
    counts = totals(run)
    if not run.complete or run.footer is None:
        return Level.INCOMPLETE
    if counts.groups[Group.UNEXPECTED]:
        return Level.UNEXPECTED
    if not counts.passed:
        return Level.EMPTY
    return Level.GATE if run.footer.exit else Level.EXPECTED


def verdict(run: Run) -> str:
    """The verdict in words: always passed of *all*, and in the open what is beside that."""
    counts = totals(run)
    unexpected = counts.groups[Group.UNEXPECTED]
    kind = level(run)
    parts = []
    if kind is Level.INCOMPLETE:
        missing = counts.groups[Group.MISSING]
        parts.append(
            f"Incomplete: no verdict for {missing} of {plural(counts.all, 'selected case')}."
            if missing
            else "Incomplete: the run did not end properly (the record has no matching footer)."
        )
    if not counts.all:
        return " ".join([*parts, "No case was selected, so nothing was judged."])
    surprise = (
        f"{unexpected} {'is' if unexpected == 1 else 'are'} unexpected" if unexpected else "nothing is unexpected"
    )
    passes = "passes" if 1 in (counts.passed, counts.all) else "pass"
    of = f" of profile {run.header.profile}" if run.header.profile else ""
    parts.append(f"{counts.passed} of {plural(counts.all, 'case')}{of} {passes}; {surprise}.")
    if counts.besides:
        parts.append(f"Not passed{' besides' if unexpected else ''}: {', '.join(counts.besides)}.")
    if skipped := counts.groups[Group.LEFT_OUT]:
        parts.append(f"{skipped} left out for lack of time (--budget).")
    if stale := len(run.footer.stale if run.footer else []) or counts.stale:
        parts.append(f"{plural(stale, 'known deviation')} no longer {'happens' if stale == 1 else 'happen'}.")
    if kind is Level.GATE and run.footer:
        parts.append(
            f"The gate is closed all the same: {', '.join(run.footer.conditions) or f'exit {run.footer.exit}'}."
        )
    return " ".join(parts)


class StaleNote(NamedTuple):
    """A known deviation that did not happen: the case that passed instead, or a pattern that no verdict fitted."""

    text: str
    case: CaseLine | None


def stale_notes(run: Run) -> list[StaleNote]:
    """Stale deviations by case where the record names the case, and else by the pattern in the footer."""
    cases = [case for case in run.cases.values() if case.standing is Standing.STALE]
    notes = [
        StaleNote(f"{case.id} is listed as a known deviation, but its verdict is {case.status}", case) for case in cases
    ]
    patterns = run.footer.stale if run.footer else []
    return notes + [
        StaleNote(f"the known deviation {p} did not happen", None) for p in patterns if not _covers(p, cases)
    ]


def _covers(pattern: str, cases: Sequence[CaseLine]) -> bool:
    """Whether a pattern (``*`` stands for anything) is spoken for by one of these cases already."""
    glob = pattern.replace("[", "[[]")  # brackets belong to case ids, they are no character class here
    return any(fnmatchcase(name, glob) for case in cases for name in (case.id, case.spec))


def unexpected(run: Run) -> list[CaseLine]:
    return [case for case in run.cases.values() if group(case) is Group.UNEXPECTED]


def leaks(run: Run) -> list[tuple[CaseLine, str]]:
    """Cases that left global state changed, and a sentence of what they changed."""
    return [
        (case, f"{case.id} leaves global state changed: {'; '.join(case.leaks)}")
        for case in run.cases.values()
        if case.leaks
    ]


def labels(runs: Sequence[Run]) -> list[str]:
    """A name per run that no other run of the report has: engine and version, and the device where it takes that."""
    names = [run.label for run in runs]
    if len(set(names)) < len(names):
        names = [f"{run.label} {run.header.engine.device}" for run in runs]
    return [n if names.count(n) == 1 else f"{n} #{names[:i].count(n) + 1}" for i, n in enumerate(names)]


def explain_command(run: Run, case: CaseLine) -> str:
    """What to type to see this one case again."""
    engine = run.header.engine
    spec = run.specs.get(case.spec)
    dies = case.status in (Status.CRASH, Status.TIMEOUT)  # it would take `explain` with it
    words = [
        "harness",
        "run" if dies else "explain",
        spec.file if spec and spec.outside else case.id,
        "--engine",
        engine.source or engine.name,
    ]
    words += [word for module in engine.imports for word in ("--import", module)]
    return shlex.join(words if engine.device == "cpu" else [*words, "--device", engine.device])
