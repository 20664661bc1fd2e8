"""The page of derivative tables: an operation a line, as in a handbook, and what engines make of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from harness.language.records import Origin
from harness.record import SpecLine
from harness.summary import SYMBOLS, Group, together

from .view import Area, Engine, Finding, Page, Spec, Tally, anchor, style

FILE: Final = "derivatives.html"
COLUMNS: Final = {
    "gradient": ("gradient", "value"),
    "uses": ("twice", "alone", "same"),
    "layouts": ("promotion", "strided", "expanded", "large"),
    "points": ("points",),
    "accuracy": ("hard", "accuracy"),
    "forward": ("forward",),
    "second": ("second",),
    "f∘r": ("forward-over-reverse",),
    "r∘f": ("reverse-over-forward",),
    "f∘f": ("forward-over-forward",),
}
"""Column: the aspects that it holds; those of ``points`` have their standing behind them."""
MOST_FINDINGS: Final = 1
"""Findings written out per aspect and engine: one wrong rule fails in every dtype and shape."""
_NAME: Final = re.compile(r"[A-Za-z_]\w*")


class Mark(NamedTuple):
    engine: Engine
    group: Group | None
    """The worst of its verdicts; None where the engine was not asked."""
    words: str

    @property
    def style(self) -> str:
        return style(self.group) if self.group else "absent"

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.group] if self.group else "·"


class Cell(NamedTuple):
    column: str
    marks: list[Mark]
    """One per engine; none where nobody asks."""


class Trouble(NamedTuple):
    """An aspect that did not simply pass."""

    spec: Spec
    findings: list[Finding]
    more: int
    """Findings that are not written out."""

    @property
    def row(self) -> Origin:
        return _row(self.spec.line)

    def inputs(self, finding: Finding) -> dict[str, object]:
        """What the program of the failing case was given."""
        read = {name for step in self.spec.line.steps for name in _NAME.findall(step.run)}
        return {name: value for name, value in finding.case.parameters.items() if name in read}


@dataclass(frozen=True)
class Operation:
    """One row: a line of the handbook."""

    name: str
    area: str
    specs: list[Spec]
    engines: list[Engine]

    @property
    def anchor(self) -> str:
        return anchor("row", f"{self.area}/{self.name}")

    @property
    def row(self) -> Origin:
        return _row(self.specs[0].line)

    @property
    def line(self) -> SpecLine:
        return self.specs[0].line

    @property
    def formulas(self) -> list[tuple[str, str]]:
        """What it is differentiated by, and the derivative."""
        row = self.row
        return [
            *((f"∂{x}", text) for x, text in row.derivative.items()),
            *((f"{x}.grad", text) for x, text in row.gradient.items()),
        ]

    @cached_property
    def cells(self) -> list[Cell]:
        return [Cell(column, self._marks(aspects)) for column, aspects in COLUMNS.items()]

    def _marks(self, aspects: Sequence[str]) -> list[Mark]:
        asked = [spec for spec in self.specs if _base(_row(spec.line).aspect) in aspects]
        marks = []
        for engine in self.engines if asked else ():
            counts = [(spec, engine.specs[spec.line.id]) for spec in asked if spec.line.id in engine.specs]
            words = "; ".join(f"{_row(spec.line).aspect} {', '.join([c.ratio, *c.notes])}" for spec, c in counts)
            group = next((g for g in Group if any(c.groups[g] for _, c in counts)), None)
            marks.append(Mark(engine, group, f"{engine.label}: {words or engine.absent}"))
        return marks

    @property
    def tallies(self) -> list[Tally]:
        return [table_tally(engine, self.specs) for engine in self.engines]

    @cached_property
    def troubles(self) -> list[Trouble]:
        found = []
        for spec in self.specs:
            kept: list[Finding] = []
            for finding in spec.findings:
                if sum(other.engine == finding.engine for other in kept) < MOST_FINDINGS:
                    kept.append(finding)
            if kept:
                found.append(Trouble(spec, kept, len(spec.findings) - len(kept)))
        return found

    @property
    def open(self) -> bool:
        return any(spec.open for spec in self.specs)

    @property
    def tokens(self) -> str:
        return " ".join(sorted({token for spec in self.specs for token in spec.tokens.split()}))

    @property
    def standings(self) -> str:
        return " ".join(sorted({spec.line.standing for spec in self.specs}))


@dataclass(frozen=True)
class Table:
    title: str
    area: str
    operations: list[Operation]
    engines: list[Engine]

    @property
    def name(self) -> str:
        """The file's name, which is how people call it."""
        return self.operations[0].line.file.rpartition("/")[2].removesuffix(".yaml")

    @property
    def anchor(self) -> str:
        return anchor("table", f"{self.area}/{self.name}")

    @property
    def tallies(self) -> list[Tally]:
        return [table_tally(engine, [s for o in self.operations for s in o.specs]) for engine in self.engines]

    @property
    def tokens(self) -> str:
        return " ".join(sorted({token for operation in self.operations for token in operation.tokens.split()}))


@dataclass(frozen=True)
class Handbook:
    page: Page

    @cached_property
    def tables(self) -> list[Table]:
        return [table for area in self.page.areas for table in self.of(area)]

    def of(self, area: Area) -> list[Table]:
        """The tables of an area, rows in the order in which their files have them."""
        rows: dict[tuple[str, str], dict[str, list[Spec]]] = {}
        for spec in area.rows:
            row = _row(spec.line)
            rows.setdefault((spec.line.file, row.table), {}).setdefault(row.name, []).append(spec)
        engines = self.page.engines
        return [
            Table(
                title,
                area.name,
                sorted(
                    (Operation(name, area.name, specs, engines) for name, specs in found.items()),
                    key=lambda operation: operation.name,
                ),
                engines,
            )
            for (_, title), found in sorted(rows.items())
        ]

    @property
    def operations(self) -> int:
        return sum(len(table.operations) for table in self.tables)


def table_tally(engine: Engine, specs: Sequence[Spec]) -> Tally:
    """The verdicts of one engine on many specs."""
    counts = [engine.specs[spec.line.id] for spec in specs if spec.line.id in engine.specs]
    return Tally(engine, together(counts) if counts else None)


def _row(line: SpecLine) -> Origin:
    assert line.row is not None
    return line.row


def _base(aspect: str) -> str:
    return "points" if aspect.startswith("points") else aspect
