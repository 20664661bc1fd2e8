"""From verdicts to an exit code: known deviations, baselines, required areas."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from harness.deviations import Deviation, Known, explains, fingerprint, fits, is_expired
from harness.exits import Exit, first
from harness.plugins import EngineFile, holds
from harness.record import JUDGED, CaseLine, Footer, Run, Standing, Status, Totals
from harness.text import plural

RANK: dict[Status, int] = {
    Status.CRASH: 0,
    Status.TIMEOUT: 1,
    Status.SILENT_WRONG: 2,
    Status.ERROR: 3,
    Status.SPEC_SUSPECT: 3,
    Status.FLAKY: 4,
    Status.FAIL: 5,
    Status.UNSUPPORTED: 6,
    Status.NOT_APPLICABLE: 6,
    Status.PASS: 7,
}
"""Better is higher: `diff` and `--baseline` speak of movement along this line."""

WELL = (Status.PASS, Status.UNSUPPORTED, Status.NOT_APPLICABLE)
"""Verdicts that need no explanation."""


class Outcome(NamedTuple):
    """What a gate says of a whole run."""

    totals: Totals
    conditions: list[tuple[Exit, str]]
    """Every condition that held, with a sentence."""
    stale: list[str]

    @property
    def exit(self) -> Exit:
        return first(code for code, _ in self.conditions)

    def footer(self, seconds: float, left_out: list[str]) -> Footer:
        """The last line of a complete record."""
        return Footer(
            totals=self.totals,
            seconds=round(seconds, 3),
            exit=int(self.exit),
            conditions=[code.name for code, _ in self.conditions],
            stale=self.stale,
            left_out=left_out,
        )


class Gate:
    """Judges the verdicts of one engine, case by case, then as a whole."""

    def __init__(
        self,
        file: EngineFile,
        version: str,
        *,
        baseline: Run | None = None,
        required: Sequence[str] = (),
        strict: bool = False,
        whole_suite: bool = False,
        passed_over: Sequence[str] = (),
        is_part: bool = False,
        today: datetime.date | None = None,
    ) -> None:
        self.known = Known(deviation for deviation in file.deviations if holds(deviation, version))
        self.today = today or datetime.datetime.now(datetime.UTC).date()
        self.baseline = baseline
        self.required = required
        self.strict = strict
        self.whole_suite = whole_suite
        self.passed_over = passed_over
        """Cases of the suite that the run's profile does not hold: nobody can say whether their deviations still happen."""
        self.is_part = is_part
        self.cases: list[CaseLine] = []
        self.matched: dict[int, list[CaseLine]] = {index: [] for index in range(len(self.known.singles))}

    def is_known(self, case: CaseLine) -> bool:
        """Whether the verdict is the one that a known deviation explains."""
        return self.known.explains(case)

    def standing(self, case: CaseLine) -> CaseLine:
        """``case`` with its standing (and the reason of a known deviation), taken into account from now on."""
        index = self.known.find(case.id)
        if index is not None:
            self.matched[index].append(case)
        judged = self._against(case, None if index is None else self.known.singles[index].deviation)
        self.cases.append(judged)
        return judged

    def _against(self, case: CaseLine, deviation: Deviation | None) -> CaseLine:
        if deviation is not None and (explains(deviation, case) or _better(case, deviation)):
            standing = Standing.STALE if _better(case, deviation) else Standing.EXPECTED
            reason = case.reason or deviation.reason
            return msgspec.structs.replace(
                case, standing=standing, reason=reason, link=deviation.link, cause=deviation.cause.value
            )
        if deviation is not None and case.status is deviation.verdict:
            other = f"it fails in another way than is known: {fingerprint(case)!r}, not {deviation.seen!r}"
            case = msgspec.structs.replace(case, remarks=[*case.remarks, other])
        before = self.baseline.cases.get(case.id) if self.baseline else None
        if self.baseline is not None:
            worse = before is not None and RANK[case.status] < RANK[before.status]
        else:
            worse = case.status not in WELL
        return msgspec.structs.replace(case, standing=Standing.UNEXPECTED if worse else Standing.EXPECTED)

    def outcome(self, selected: int) -> Outcome:
        """The whole run; ``selected``: how many cases there were to judge."""
        return conclude(
            self.cases,
            selected,
            self._stale(),
            required=self.required,
            strict=self.strict,
            against="worse than in the baseline" if self.baseline else "that no known deviation explains",
            is_part=self.is_part,
        )

    def _stale(self) -> list[str]:
        """Deviations of which some case now does better, that match nothing although the whole suite ran, or whose day is
        past."""
        out = []
        for index, (pattern, deviation) in enumerate(self.known.singles):
            cases = self.matched[index]
            unmatched = not cases and self.whole_suite and not self._is_elsewhere(pattern)
            expired = is_expired(deviation, self.today)
            if any(_better(case, deviation) for case in cases) or unmatched or (expired and cases):
                out.append(pattern)
        return out

    def _is_elsewhere(self, pattern: str) -> bool:
        """Whether it speaks of a rung of `harness doctor`, or of a case that the profile does not hold."""
        return pattern.startswith("doctor/") or any(fits(pattern, id) for id in self.passed_over)


def conclude(
    cases: Sequence[CaseLine],
    selected: int,
    stale: list[str],
    *,
    required: Sequence[str] = (),
    strict: bool = False,
    against: str = "that no known deviation explains",
    is_part: bool = False,
) -> Outcome:
    """What the verdicts of a run amount to.

    ``is_part``: one shard of several, which may hold nothing that could be judged; the merged run may not."""
    counted = Counter(case.status for case in cases)
    statuses = {status.value: counted[status] for status in Status if counted[status]}
    unexpected = sum(case.standing is Standing.UNEXPECTED for case in cases)
    conditions: list[tuple[Exit, str]] = []
    if unexpected:
        conditions.append((Exit.NONCONFORMING, f"{plural(unexpected, 'verdict')} {against}"))
    for area in required:
        there = [case for case in cases if case.spec.partition("/")[0] == area]
        lacking = [case for case in there if case.status not in JUDGED]
        if lacking:
            sentence = f"{len(lacking)} of its cases were not judged, such as {lacking[0].id}"
            conditions.append((Exit.NONCONFORMING, f"--require {area}: {sentence}"))
        elif not there and not is_part:
            conditions.append((Exit.NONCONFORMING, f"--require {area}: none of its cases was selected"))
    if len(cases) < selected:
        sentence = f"{selected - len(cases)} of {selected} selected cases have no verdict"
        conditions.append((Exit.INCOMPLETE, sentence))
    if not unexpected and not is_part and not any(case.status in JUDGED for case in cases):
        conditions.append((Exit.EMPTY, "no case could be judged"))
    if stale and strict:
        conditions.append((Exit.STALE, f"{plural(len(stale), 'known deviation')} not as listed any more"))
    totals = Totals(cases=len(cases), statuses=statuses, unexpected=unexpected, stale=len(stale))
    return Outcome(totals, conditions, stale)


def _better(case: CaseLine, deviation: Deviation) -> bool:
    """Whether a known deviation did not happen: a verdict on the engine, and a better one."""
    return case.status in JUDGED and RANK[case.status] > RANK[deviation.verdict]
