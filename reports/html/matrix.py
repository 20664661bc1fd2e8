"""matrix.html: several engines side by side, as `harness.matrix` found them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from harness.compare import Movement
from harness.matrix import (
    AloneLine,
    ChangeLine,
    Column,
    Finding,
    Matrix,
    Place,
    SilentLine,
    Tally,
    VersionsLine,
    VoteLine,
)
from harness.record import Standing

from .view import anchor

NOTES = {
    "unexpected": ("✗", "unexpected", "a verdict that no known deviation explains"),
    "missing": ("?", "without a verdict", "the run ended before it came to them"),
    "silent_wrong": (
        "≠",
        "silently wrong",
        "a number where the engine lacks the feature; counted among the known or the unexpected ones, too",
    ),
    "bug": ("B", "known: bug", "the engine is wrong, and its list of deviations links to what shows it"),
    "design": ("D", "known: design", "the engine's own documents say that it does otherwise"),
    "precision": ("P", "known: precision", "the engine is right within a bound that its list of deviations states"),
    "other": ("K", "known without a cause", "the baseline failed there, too, or the record is older than causes"),
    "unsupported": ("U", "unsupported", "the engine (or its adapter) does not have what the program needs"),
    "not_applicable": ("N", "not applicable", "the spec states something that this engine never claimed"),
    "suspect": ("S", "suspect", "the oracles disagree: our fault, not the engine's"),
    "left_out": ("…", "left out", "--budget left no time for them"),
}
"""What a cell says beside passed / all, the worst first: sign, words, meaning."""
MOST_CHANGES = 400
"""Cases listed for each kind of change; runs of different parts of the suite would fill the page."""
STYLES = {"silent_wrong": "silent", "bug": "known", "design": "known", "precision": "known", "other": "known"}


@dataclass(frozen=True)
class Note:
    style: str
    sign: str
    number: int
    words: str


@dataclass(frozen=True)
class Cell:
    """A tally in the words and the colour of one cell."""

    tally: Tally

    @property
    def notes(self) -> list[Note]:
        found = [(name, getattr(self.tally, name)) for name in NOTES]
        return [Note(note_style(name), NOTES[name][0], number, NOTES[name][1]) for name, number in found if number]

    @property
    def style(self) -> str:
        """That of the worst, as a reader must know of it first; nothing at all is never green."""
        return next((note.style for note in self.notes), "passed" if self.tally.passed else "outside")

    @property
    def bar(self) -> list[tuple[str, str]]:
        """Segments: style and per cent of all."""
        tally = self.tally
        outside = tally.unsupported + tally.not_applicable + tally.suspect
        parts = {"passed": tally.passed, "known": tally.known, "outside": outside, "left_out": tally.left_out}
        parts |= {"missing": tally.missing, "unexpected": tally.unexpected}
        return [(style, f"{100 * number / tally.all:.4g}") for style, number in parts.items() if number]


@dataclass(frozen=True)
class Engine:
    """A column, with its number among them."""

    number: int
    column: Column
    place: Place

    @property
    def mark(self) -> str:
        """The class of all that is about it, which the choice of engines hides."""
        return f"e{self.number}"

    @property
    def cell(self) -> Cell:
        return Cell(self.column.total)

    @property
    def report(self) -> str:
        return f"{self.place.folder}/report.html" if "report.html" in self.place.pages else ""

    @property
    def day(self) -> str:
        return self.column.started.partition("T")[0]


@dataclass(frozen=True)
class Page:
    """What the page shows."""

    matrix: Matrix
    places: Mapping[str, Place]

    @cached_property
    def engines(self) -> list[Engine]:
        nowhere = Place("", {})
        return [Engine(n, c, self.places.get(c.label, nowhere)) for n, c in enumerate(self.matrix.columns)]

    @cached_property
    def by_label(self) -> dict[str, Engine]:
        return {engine.column.label: engine for engine in self.engines}

    @property
    def styles(self) -> list[str]:
        return sorted({engine.column.style for engine in self.engines})

    @property
    def days(self) -> str:
        days = sorted({engine.day for engine in self.engines})
        return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"

    @property
    def suites(self) -> int:
        return len({engine.column.suite for engine in self.engines})

    def cell(self, engine: Engine, area: str) -> Cell | None:
        tally = engine.column.areas.get(area)
        return Cell(tally) if tally is not None else None

    def claim(self, spec: str) -> str:
        return self.matrix.behaviours[spec].claim

    def area_link(self, engine: Engine, area: str) -> str:
        return self._link(engine, "report.html", anchor("area", area))

    def link(self, label: str, spec: str) -> str:
        """Where an engine's own report has a spec; empty where it has no such page."""
        about = self.matrix.behaviours[spec]
        if about.row:
            return self._link(self.by_label[label], "derivatives.html", anchor("row", f"{about.area}/{about.row}"))
        return self._link(self.by_label[label], "report.html", anchor("spec", spec))

    def _link(self, engine: Engine, page: str, where: str) -> str:
        there = where in engine.place.pages.get(page, ())
        return f"{engine.place.folder}/{page}#{where}" if there else ""

    def name(self, label: str) -> str:
        """A label, with what its engine was built after, where that is another's documents."""
        column = self.by_label[label].column
        is_after = column.follows == "pytorch" != column.releases
        return f"{label} (after PyTorch's documents)" if is_after else label

    def votes(self, passes: bool) -> list[tuple[Engine, list[VoteLine]]]:
        """The lonely failures or passes of every engine that has some."""
        found = [
            (engine, [v for v in self.matrix.votes if v.lonely.engine == engine.column.label and v.passes is passes])
            for engine in self.engines
        ]
        return [(engine, lines) for engine, lines in found if lines]

    def alone(self, judged: bool) -> list[tuple[str, list[AloneLine]]]:
        """By area: specs that others were judged by and did not pass, or that nobody else was judged by."""
        lines = [line for line in self.matrix.alone if bool(line.failing) is judged]
        lines.sort(key=lambda line: (list(self.matrix.areas).index(self._area(line)), line.spec))
        return [(area, list(found)) for area, found in groupby(lines, self._area)]

    def _area(self, line: AloneLine) -> str:
        return self.matrix.behaviours[line.spec].area

    @property
    def silent(self) -> list[tuple[Engine, list[SilentLine]]]:
        found = [
            (engine, [line for line in self.matrix.silent if line.finding.engine == engine.column.label])
            for engine in self.engines
        ]
        return [(engine, lines) for engine, lines in found if lines]


def expected(findings: Iterable[Finding]) -> str:
    """What was due, as far as one of the findings says it."""
    return next((finding.expected for finding in findings if finding.expected), "")


def observed(finding: Finding) -> str:
    return finding.observed or finding.reason or finding.status.value


def standing(finding: Finding) -> str:
    """How a verdict stands, in a word or two."""
    if finding.standing is Standing.UNEXPECTED:
        return "unexpected"
    return f"known: {finding.cause}" if finding.cause else ""


def moved(step: VersionsLine) -> list[tuple[Movement, int]]:
    return [(movement, step.count(movement)) for movement in Movement]


def changes(step: VersionsLine, movement: Movement) -> list[ChangeLine]:
    """The first of its changes of one kind, as many as the page lists."""
    return [change for change in step.changes if change.movement is movement][:MOST_CHANGES]


def note_style(name: str) -> str:
    """The colour of a note."""
    return STYLES.get(name, "outside" if name in ("unsupported", "not_applicable", "suspect") else name)
