"""Runs of several engines side by side, as data: counts by area and engine, votes, silently wrong numbers, versions.

Reports and the command line show what is in here; `harness.votes` and `harness.compare` say how it is found.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import msgspec

from harness.compare import Movement, compare
from harness.record import CaseLine, Run, SpecLine, Standing, Status
from harness.summary import Counts, Group, area_counts, area_of, group, labels, level, spec_counts, together, totals
from harness.values import one_line, shorten
from harness.votes import QUORUM, Voice, age, alone, ballots, family, follows_pytorch, votes, witnesses

FORMAT: Final = "1.0"
CAUSES: Final = ("bug", "design", "precision")


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    pass


class Tally(_Line, frozen=True, kw_only=True):
    """Where the cases of a cell end up. All but ``silent_wrong``, which says how many of the failures look like numbers,
    add up to ``all``."""

    all: int
    passed: int = 0
    bug: int = 0
    """Known deviations, by cause."""
    design: int = 0
    precision: int = 0
    other: int = 0
    """Known without a cause: a baseline has them, or the record is older than causes."""
    unsupported: int = 0
    not_applicable: int = 0
    suspect: int = 0
    """The oracles disagree about the spec."""
    unexpected: int = 0
    missing: int = 0
    """No verdict."""
    left_out: int = 0
    silent_wrong: int = 0

    @property
    def known(self) -> int:
        return self.bug + self.design + self.precision + self.other


class Reach(_Line, frozen=True, kw_only=True):
    """How far an engine gets in a profile that was judged completely."""

    profile: str
    passed: int
    all: int

    @property
    def whole(self) -> bool:
        return self.passed == self.all > 0


class Column(_Line, frozen=True, kw_only=True):
    """One run."""

    label: str
    name: str
    title: str
    version: str
    family: str
    style: str
    follows: str
    releases: str
    device: str
    platform: str
    python: str
    started: str
    profile: str
    suite: str
    complete: bool
    level: str
    """The verdict in a word, as `harness.summary.Level` has it."""
    reach: list[Reach]
    total: Tally
    areas: dict[str, Tally]

    @property
    def where(self) -> str:
        """The platform without what only its machine's owner knows: ``Linux x86_64``."""
        machine = re.search(r"x86_64|amd64|aarch64|arm64|i\d86|riscv64|ppc64le|s390x", self.platform, re.IGNORECASE)
        return " ".join([self.platform.partition("-")[0], *([machine[0]] if machine else [])])

    @property
    def reached(self) -> list[str]:
        """Profiles all of whose cases pass."""
        return [reach.profile for reach in self.reach if reach.whole and self.complete]


class Place(NamedTuple):
    """Where the pages of a run's own report are, as seen from the comparison, and what they can be asked for."""

    folder: str
    pages: Mapping[str, Container[str]]
    """Page -> its anchors."""


class Behaviour(_Line, frozen=True, kw_only=True):
    """A spec that the lists speak of."""

    id: str
    area: str
    claim: str
    row: str = ""
    """The row of a derivative table that it is from."""


class Finding(_Line, frozen=True, kw_only=True):
    """What one engine showed in one case."""

    engine: str
    """A column's label."""
    status: Status
    standing: Standing = Standing.EXPECTED
    cause: str = ""
    expected: str = ""
    observed: str = ""
    reason: str = ""


class VoteLine(_Line, frozen=True, kw_only=True):
    """A case in which one engine stands against all others."""

    case: str
    spec: str
    lonely: Finding
    others: list[Finding]

    documents: bool = False
    """Whether all who pass follow PyTorch's documents: then these are all that stands behind the spec."""

    @property
    def passes(self) -> bool:
        """Whether the lonely one is the one that passes: then the spec is to be doubted, too."""
        return self.lonely.status is Status.PASS


class AloneLine(_Line, frozen=True, kw_only=True):
    """A spec that only engines pass which follow PyTorch's documents."""

    spec: str
    passing: list[str]
    failing: list[str]


class SilentLine(_Line, frozen=True, kw_only=True):
    case: str
    spec: str
    finding: Finding


class ChangeLine(_Line, frozen=True, kw_only=True):
    case: str
    movement: Movement
    before: str
    after: str


class VersionsLine(_Line, frozen=True, kw_only=True):
    """From one run of an engine to the next."""

    before: str
    after: str
    same_suite: bool
    changes: list[ChangeLine]

    def count(self, movement: Movement) -> int:
        return sum(change.movement is movement for change in self.changes)


class WitnessLine(_Line, frozen=True, kw_only=True):
    family: str
    speaks: list[str]
    """Columns, the first that was judged speaks."""


class Matrix(_Line, frozen=True, kw_only=True):
    format: str
    areas: dict[str, str]
    """Area -> title."""
    columns: list[Column]
    behaviours: dict[str, Behaviour]
    witnesses: list[WitnessLine]
    heard: int
    """Cases on which a quorum of witnesses was heard."""
    agreed: int
    """Those of them on which all witnesses pass."""
    votes: list[VoteLine]
    alone: list[AloneLine]
    silent: list[SilentLine]
    versions: list[VersionsLine]

    def lonely(self, label: str, passes: bool) -> int:
        """How often a column stands alone."""
        return sum(vote.lonely.engine == label and vote.passes is passes for vote in self.votes)

    @property
    def enough(self) -> bool:
        """Whether there are witnesses enough for any vote."""
        return len(self.witnesses) >= QUORUM

    @property
    def has_others(self) -> bool:
        """Whether any engine is there that does not follow PyTorch's documents."""
        return any(column.follows != "pytorch" for column in self.columns)


def in_order(runs: Sequence[Run]) -> list[Run]:
    """The engines as they come, and the runs of each from its oldest version to its newest."""
    places: dict[str, int] = {}
    for run in runs:
        places.setdefault(run.header.engine.name, len(places))
    return sorted(runs, key=lambda run: (places[run.header.engine.name], age(run)))


def matrix(runs: Sequence[Run]) -> Matrix:
    """All that a comparison of ``runs`` has to say."""
    names = {id(run): label for run, label in zip(runs, labels(runs), strict=True)}
    chosen = witnesses(runs)
    cast = list(ballots(chosen))
    told = [_vote(lonely, others, names) for lonely, others in votes(cast)]
    alone_lines = [
        AloneLine(spec=a.spec.id, passing=[names[id(r)] for r in a.passing], failing=[names[id(r)] for r in a.failing])
        for a in (alone(chosen) if not all(map(follows_pytorch, runs)) else [])
    ]
    silent = [
        SilentLine(case=case.id, spec=case.spec, finding=_finding(Voice(run, case), names))
        for run in runs
        for case in run.cases.values()
        if case.status is Status.SILENT_WRONG
    ]
    spoken_of = {line.spec for line in told} | {line.spec for line in alone_lines} | {line.spec for line in silent}
    return Matrix(
        format=FORMAT,
        areas=_areas(runs),
        columns=[_column(run, names[id(run)]) for run in runs],
        behaviours={spec: _behaviour(runs, spec) for spec in sorted(spoken_of)},
        witnesses=[WitnessLine(family=w.family, speaks=[names[id(run)] for run in w.runs]) for w in chosen],
        heard=len(cast),
        agreed=sum(all(voice.passes for voice in voices) for voices in cast),
        votes=told,
        alone=alone_lines,
        silent=silent,
        versions=_versions(runs, names),
    )


def encoded(found: Matrix) -> str:
    return msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n"


def schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Comparison of runs, format {FORMAT}",
    } | msgspec.json.schema(Matrix)


def _areas(runs: Sequence[Run]) -> dict[str, str]:
    """Every area that some run has, in the order of the headers."""
    titles = {area: title for run in reversed(runs) for area, title in run.header.areas.items()}
    met = dict.fromkeys(area for run in runs for area in area_counts(run))
    return {area: titles.get(area, area) for area in [*(a for a in titles if a in met), *(a for a in met)]}


def _column(run: Run, label: str) -> Column:
    header, engine = run.header, run.header.engine
    by_area: dict[str, list[CaseLine]] = {}
    for case in run.cases.values():
        by_area.setdefault(area_of(run, case.spec), []).append(case)
    return Column(
        label=label,
        name=engine.name,
        title=engine.title,
        version=engine.version,
        family=family(run),
        style=engine.style,
        follows=engine.follows,
        releases=engine.releases,
        device=engine.device,
        platform=header.platform,
        python=header.python,
        started=header.started,
        profile=header.profile,
        suite=header.suite,
        complete=run.complete,
        level=level(run).value,
        reach=_reach(run),
        total=_tally(totals(run), run.cases.values()),
        areas={area: _tally(counts, by_area.get(area, [])) for area, counts in area_counts(run).items()},
    )


def _tally(counts: Counts, cases: Iterable[CaseLine]) -> Tally:
    cases = list(cases)
    causes = Counter(case.cause if case.cause in CAUSES else "" for case in cases if group(case) is Group.KNOWN)
    outside = Counter(case.status for case in cases if group(case) is Group.OUTSIDE)
    return Tally(
        all=counts.all,
        passed=counts.passed,
        bug=causes["bug"],
        design=causes["design"],
        precision=causes["precision"],
        other=causes[""],
        unsupported=outside[Status.UNSUPPORTED],
        not_applicable=outside[Status.NOT_APPLICABLE],
        suspect=outside[Status.SPEC_SUSPECT],
        unexpected=counts.groups[Group.UNEXPECTED],
        missing=counts.groups[Group.MISSING],
        left_out=counts.groups[Group.LEFT_OUT],
        silent_wrong=counts.statuses[Status.SILENT_WRONG],
    )


def _reach(run: Run) -> list[Reach]:
    by_spec = spec_counts(run)
    found = []
    for profile in run.header.profiles:
        held = together(by_spec[id] for id, spec in run.specs.items() if profile in spec.profiles and id in by_spec)
        found.append(Reach(profile=profile, passed=held.passed, all=held.all))
    return found


def _vote(lonely: Voice, others: Sequence[Voice], names: Mapping[int, str]) -> VoteLine:
    return VoteLine(
        case=lonely.case.id,
        spec=lonely.case.spec,
        lonely=_finding(lonely, names),
        others=[_finding(voice, names) for voice in others],
        documents=all(follows_pytorch(voice.run) for voice in (lonely, *others) if voice.passes),
    )


def _finding(voice: Voice, names: Mapping[int, str]) -> Finding:
    run, case = voice
    expected = observed = ""
    if case.failures:
        check = case.failures[0]
        expected, observed = one_line(check)
        expected = f"{shorten(check.expression)} {expected}" if check.expression else expected
    return Finding(
        engine=names[id(run)],
        status=case.status,
        standing=case.standing,
        cause=case.cause,
        expected=expected,
        observed=observed,
        reason=shorten(case.reason),
    )


def _behaviour(runs: Sequence[Run], spec: str) -> Behaviour:
    line: SpecLine | None = next((run.specs[spec] for run in runs if spec in run.specs), None)
    if line is None:
        return Behaviour(id=spec, area=spec.partition("/")[0], claim="")
    return Behaviour(id=spec, area=line.area, claim=line.claim, row=line.row.name if line.row is not None else "")


def _versions(runs: Sequence[Run], names: Mapping[int, str]) -> list[VersionsLine]:
    """Every engine of which there are several runs, from each to the next."""
    by_engine: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        by_engine.setdefault((run.header.engine.name, run.header.engine.device), []).append(run)
    return [
        VersionsLine(
            before=names[id(before)],
            after=names[id(after)],
            same_suite=before.header.suite == after.header.suite,
            changes=[
                ChangeLine(
                    case=change.id,
                    movement=change.movement,
                    before=change.before.status.value if change.before else "",
                    after=change.after.status.value if change.after else "",
                )
                for change in compare(before, after)
            ],
        )
        for found in by_engine.values()
        for before, after in pairwise(sorted(found, key=age))
    ]
