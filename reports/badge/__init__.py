"""badge-ENGINE.svg: a flat badge per run for a README, green only for a complete run with nothing unexpected."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.record import Run
from harness.summary import Level, labels, level, totals, verdict
from harness.values import printable, shorten

LABEL = "autograd conformance"
COLOURS = {
    Level.EXPECTED: "#2a7d46",
    Level.UNEXPECTED: "#c0343c",
    Level.GATE: "#9a6400",
    Level.EMPTY: "#6b7280",
    Level.INCOMPLETE: "#6b7280",
}
_WIDE, _NARROW = frozenset("mwMW@%"), frozenset("iljtfr.,:;/|!'()[] -")


def render(runs: Sequence[Run]) -> dict[str, str]:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    template = environment.get_template("badge.svg.j2")
    return {
        name: template.render(
            label=LABEL,
            value=(value := _value(run, label)),
            title=printable(f"{LABEL}: {label}: {verdict(run)}"),
            left=_width(LABEL),
            right=_width(value),
            colour=COLOURS[level(run)],
        )
        for name, run, label in zip(_names(runs), runs, labels(runs), strict=True)
    }


def _value(run: Run, label: str) -> str:
    kind = level(run)
    loud = f"{kind}, " if kind in (Level.INCOMPLETE, Level.GATE) else ""
    return f"{shorten(printable(label), 40)}: {loud}{totals(run).ratio}"


def _names(runs: Sequence[Run]) -> list[str]:
    """badge-ENGINE.svg, with the version where one engine has several runs, numbered where that is not enough."""
    engines = [run.header.engine.name for run in runs]
    wanted = [
        _slug(engine if engines.count(engine) == 1 else label)
        for engine, label in zip(engines, labels(runs), strict=True)
    ]
    return [
        f"badge-{name}.svg" if wanted.count(name) == 1 else f"badge-{name}-{wanted[:i].count(name) + 1}.svg"
        for i, name in enumerate(wanted)
    ]


def _slug(words: str) -> str:
    """Letters, digits, dots and dashes only, so that no engine's name leads out of the folder."""
    return re.sub(r"[^A-Za-z0-9.-]+|\.{2,}", "-", words).strip(".-")[:60] or "engine"


def _width(words: str) -> int:
    """About what the words take at 11 px in the fonts of the badge; the SVG stretches the text to it exactly."""
    return round(sum(9.5 if c in _WIDE else 4.2 if c in _NARROW else 6.8 for c in words)) + 12
