"""What the page shows, computed from the records: engines side by side, behaviours by area, findings by behaviour.

The template only lays out; every decision about what is said where is made here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from harness.record import CaseLine, Check, GraphLine, Run, SpecLine, Standing, Status
from harness.summary import (
    SYMBOLS,
    Counts,
    Group,
    Level,
    area_counts,
    area_of,
    case_ids,
    explain_command,
    group,
    labels,
    leaks,
    level,
    spec_counts,
    stale_notes,
    totals,
    unexpected,
    verdict,
)
from harness.values import MEANING, Block, inline, one_line, shorten, sides, worst

from .drawing import Picture, picture

MOST_CHECKS = 20
"""Failed checks shown per case; the rest is counted."""
MOST_FINDINGS = 12
"""Findings written out per behaviour; the table of cases has them all."""


@dataclass(frozen=True)
class Engine:
    """One run: a column of the matrix."""

    index: int
    label: str
    run: Run

    @cached_property
    def counts(self) -> Counts:
        return totals(self.run)

    @cached_property
    def level(self) -> Level:
        return level(self.run)

    @cached_property
    def verdict(self) -> str:
        return verdict(self.run)

    @cached_property
    def areas(self) -> dict[str, Counts]:
        return area_counts(self.run)

    @cached_property
    def specs(self) -> dict[str, Counts]:
        return spec_counts(self.run)

    @cached_property
    def cases(self) -> dict[str, list[CaseLine]]:
        """The judged cases by spec."""
        found: dict[str, list[CaseLine]] = {}
        for case in self.run.cases.values():
            found.setdefault(case.spec, []).append(case)
        return found

    @property
    def absent(self) -> str:
        """What to say where this run has no verdict."""
        return "not selected" if self.run.complete else "no verdict"


@dataclass(frozen=True)
class Tally:
    """Counts in the words and the shape of one cell."""

    engine: Engine
    counts: Counts | None

    @property
    def style(self) -> str:
        return style(self.counts.worst) if self.counts else "absent"

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.counts.worst] if self.counts else "–"

    @property
    def words(self) -> str:
        """What is beside the passed ones, for a cell; empty where all passed."""
        return self.engine.absent if self.counts is None else ", ".join(self.counts.notes)

    @property
    def bar(self) -> list[tuple[str, str]]:
        """Segments of the bar: style and per cent of all."""
        if self.counts is None or not self.counts.all:
            return []
        order = (Group.PASSED, Group.KNOWN, Group.OUTSIDE, Group.LEFT_OUT, Group.MISSING, Group.UNEXPECTED)
        shares = [(style(g), 100 * self.counts.groups[g] / self.counts.all) for g in order]
        return [(name, f"{share:.4g}") for name, share in shares if share]


@dataclass(frozen=True)
class CheckView:
    """A failed check, expected and observed side by side."""

    check: Check
    expected: Block
    observed: Block

    @property
    def meaning(self) -> str:
        return MEANING.get(self.check.what, self.check.what)

    @property
    def worst(self) -> str:
        """How many entries differ, and how much the one that is farthest off."""
        found = worst(self.check)
        return "" if found is None or found.entries == 1 else found.words

    @property
    def indices(self) -> str:
        """The differing entries in words, for those who do not see the marks."""
        where = [tuple(index) for index in self.check.where if index]
        if not where:
            return ""
        shown = ", ".join(inline(list(index)) for index in where[:12])
        return f"{shown} and {len(where) - 12} more" if len(where) > 12 else shown


@dataclass(frozen=True)
class Finding:
    """Cases of one behaviour that did not simply pass on one engine, for one reason."""

    engine: Engine
    cases: list[CaseLine]

    @property
    def case(self) -> CaseLine:
        return self.cases[0]

    @property
    def style(self) -> str:
        return style_of(self.case)

    @property
    def symbol(self) -> str:
        return symbol_of(self.case)

    @property
    def standing(self) -> str:
        return standing_words(self.case)

    @property
    def title(self) -> str:
        names = [number(case) for case in self.cases if number(case)]
        if not names:
            return ""
        return f"case {names[0]}" if len(names) == 1 else f"{len(names)} cases: {shorten(', '.join(names), 60)}"

    @property
    def checks(self) -> list[CheckView]:
        return [CheckView(check, *sides(check)) for check in self.case.failures[:MOST_CHECKS]]

    @property
    def hidden(self) -> int:
        return max(0, len(self.case.failures) - MOST_CHECKS)

    @property
    def command(self) -> str:
        return explain_command(self.engine.run, self.case)


@dataclass(frozen=True)
class CaseRow:
    id: str
    number: str
    parameters: dict[str, Any]
    verdicts: list[tuple[Engine, CaseLine | None]]


@dataclass(frozen=True)
class GraphView:
    """A graph, and who built it; the same graph of several cases and engines is drawn once."""

    owners: str
    picture: Picture


@dataclass(frozen=True)
class Spec:
    """A behaviour, as every run that has it saw it."""

    line: SpecLine
    engines: list[Engine]

    @property
    def anchor(self) -> str:
        return anchor("spec", self.line.id)

    @property
    def href(self) -> str:
        return href(self.line.id, self.line, "report.html")

    @cached_property
    def cases(self) -> list[tuple[Engine, CaseLine]]:
        return [(engine, case) for engine in self.engines for case in engine.cases.get(self.line.id, [])]

    @property
    def tallies(self) -> list[Tally]:
        return [Tally(engine, engine.specs.get(self.line.id)) for engine in self.engines]

    @property
    def rows(self) -> list[CaseRow]:
        """One row per case that any run has a verdict for, or owes one."""
        found = {(engine.index, case.id): case for engine, case in self.cases}
        ids = {case.id: case.parameters for _, case in self.cases}
        if any(not e.run.complete and self.line.id in e.run.specs for e in self.engines):
            ids |= {id: ids.get(id, {}) for id in case_ids(self.line)}
        return [
            CaseRow(id, _number(id, self.line.id), ids[id], [(e, found.get((e.index, id))) for e in self.engines])
            for id in sorted(ids, key=_natural)
        ]

    @cached_property
    def findings(self) -> list[Finding]:
        """Unexpected ones first. Cases without failed checks that share their reason are one finding."""
        findings: dict[object, Finding] = {}
        for engine, case in self.cases:
            if group(case) is Group.PASSED and case.standing is Standing.EXPECTED:
                continue
            same = (engine.index, case.status, case.standing, case.reason, case.link, *case.remarks)
            key = case.id if case.failures else same
            findings.setdefault((engine.index, key), Finding(engine, [])).cases.append(case)
        return sorted(findings.values(), key=lambda f: list(Group).index(group(f.case)))

    @property
    def graphs(self) -> list[GraphView]:
        owners: dict[str, tuple[GraphLine, dict[str, list[str]]]] = {}
        for engine, case in self.cases:
            if case.graph and case.graph.nodes:
                _, by_engine = owners.setdefault(repr(case.graph), (case.graph, {}))
                by_engine.setdefault(engine.label, []).append(number(case))
        return [
            GraphView("; ".join(_owner(label, names) for label, names in by_engine.items()), picture(graph))
            for graph, by_engine in owners.values()
        ]

    @property
    def open(self) -> bool:
        return any(group(case) is Group.UNEXPECTED for _, case in self.cases)

    @property
    def failed_steps(self) -> set[int]:
        """The steps (from 1) in which an unexpected verdict has its cause."""
        return {check.step for _, case in self.cases if group(case) is Group.UNEXPECTED for check in case.failures}

    @property
    def other_wording(self) -> list[str]:
        """The engines whose run judged another text under the same id."""
        return [e.label for e in self.engines if e.run.specs.get(self.line.id, self.line) != self.line]

    @property
    def tokens(self) -> str:
        """Every verdict as ``engine/status/standing``, for the filters."""
        return " ".join(sorted({f"{engine.index}/{case.status}/{case.standing}" for engine, case in self.cases}))


@dataclass(frozen=True)
class Area:
    name: str
    title: str
    tallies: list[Tally]
    specs: list[Spec]

    @property
    def anchor(self) -> str:
        return anchor("area", self.name)

    @property
    def written(self) -> list[Spec]:
        """Those that an author wrote one by one."""
        return [spec for spec in self.specs if spec.line.row is None]

    @property
    def rows(self) -> list[Spec]:
        """Those of derivative tables, which are on a page of their own."""
        return [spec for spec in self.specs if spec.line.row is not None]


@dataclass(frozen=True)
class Surprise:
    """An unexpected case on one line: what was expected, what was observed, how to see it again."""

    engine: Engine
    case: CaseLine
    spec: SpecLine | None

    @property
    def symbol(self) -> str:
        return symbol_of(self.case)

    @property
    def href(self) -> str:
        return href(self.case.spec, self.spec)

    @property
    def place(self) -> str:
        """File and line of the first failed check."""
        if self.spec is None:
            return ""
        return f"{self.spec.file}:{self.case.failures[0].line if self.case.failures else self.spec.lineno}"

    @property
    def expected_observed(self) -> tuple[str, str] | None:
        return one_line(self.case.failures[0]) if self.case.failures else None

    @property
    def command(self) -> str:
        return explain_command(self.engine.run, self.case)


@dataclass(frozen=True)
class Page:
    engines: list[Engine]
    areas: list[Area]

    @property
    def title(self) -> str:
        names = [engine.label for engine in self.engines]
        return f"Autograd conformance: {', '.join(names[:3])}{' …' if len(names) > 3 else ''}"

    @property
    def behaviours(self) -> int:
        return sum(len(area.written) for area in self.areas)

    @cached_property
    def surprises(self) -> list[Surprise]:
        return [
            Surprise(engine, case, engine.run.specs.get(case.spec))
            for engine in self.engines
            for case in unexpected(engine.run)
        ]

    @cached_property
    def stale(self) -> list[tuple[Engine, str, str]]:
        """Engine, what is stale, and where the behaviour is where one is known."""
        return [
            (engine, note.text, href(note.case.spec, engine.run.specs.get(note.case.spec)) if note.case else "")
            for engine in self.engines
            for note in stale_notes(engine.run)
        ]

    @cached_property
    def leaks(self) -> list[tuple[Engine, str, str]]:
        """Engine, which case left what changed, and where its behaviour is."""
        return [
            (engine, text, href(case.spec, engine.run.specs.get(case.spec)))
            for engine in self.engines
            for case, text in leaks(engine.run)
        ]

    @property
    def suites(self) -> int:
        """How many different texts of the suite these runs judged."""
        return len({engine.run.header.suite for engine in self.engines})

    @property
    def statuses(self) -> list[Status]:
        return [status for status in Status if any(engine.counts.statuses[status] for engine in self.engines)]

    @property
    def standings(self) -> list[str]:
        return sorted({spec.line.standing for area in self.areas for spec in area.specs})


def page(runs: Sequence[Run]) -> Page:
    engines = [Engine(i, label, run) for i, (label, run) in enumerate(zip(labels(runs), runs, strict=True))]
    titles = {area: title for run in reversed(runs) for area, title in run.header.areas.items()}
    lines: dict[str, SpecLine] = {}
    for run in runs:
        for id in [*run.specs, *(case.spec for case in run.cases.values())]:
            lines.setdefault(id, run.specs.get(id) or _lost(run, id))
    specs: dict[str, list[Spec]] = {}
    for line in lines.values():
        specs.setdefault(line.area, []).append(Spec(line, engines))
    return Page(
        engines,
        [
            Area(name, titles.get(name, name), [Tally(e, e.areas.get(name)) for e in engines], found)
            for name, found in _in_order(specs, titles)
        ],
    )


def _lost(run: Run, id: str) -> SpecLine:
    """Stands for a spec whose line is not in the record (it was cut), so that its verdicts are not lost too."""
    return SpecLine(
        id=id, area=area_of(run, id), claim="", source=[], standing="", file="", lineno=0, steps=[],
        note="This record holds no text of this behaviour.",
    )  # fmt: skip


def _in_order(specs: dict[str, list[Spec]], titles: dict[str, str]) -> Iterable[tuple[str, list[Spec]]]:
    """Areas in the order of the headers, then those that no header names."""
    names = [name for name in titles if name in specs] + [name for name in specs if name not in titles]
    return [(name, specs[name]) for name in names]


def anchor(kind: str, id: str) -> str:
    return f"{kind}-{quote(id, safe='/').replace('%', '.')}"


def href(id: str, line: SpecLine | None, main: str = "") -> str:
    """Where a behaviour is: on the page ``main`` (empty: this one), or its row on the page of derivative tables."""
    if line is not None and line.row is not None:
        return f"derivatives.html#{anchor('row', f'{line.area}/{line.row.name}')}"
    return f"{main}#{anchor('spec', id)}"


def style(which: Group) -> str:
    return which.name.lower()


def style_of(case: CaseLine) -> str:
    return "stale" if case.standing is Standing.STALE else style(group(case))


def symbol_of(case: CaseLine) -> str:
    return "↻" if case.standing is Standing.STALE else SYMBOLS[group(case)]


def standing_words(case: CaseLine) -> str:
    if case.standing is Standing.EXPECTED:
        return "known failure" if group(case) is Group.KNOWN else ""
    return "stale deviation" if case.standing is Standing.STALE else "unexpected"


def number(case: CaseLine) -> str:
    return _number(case.id, case.spec)


def _number(id: str, spec: str) -> str:
    return id.removeprefix(spec).strip("[]")


def _owner(label: str, names: list[str]) -> str:
    numbers = [name for name in names if name]
    return f"{label}, case {shorten(', '.join(numbers), 40)}" if numbers else label


def _natural(id: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() and len(part) < 10 else (0, part) for part in re.split(r"(\d+)", id)]
