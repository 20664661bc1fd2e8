"""summary.md: verdict, areas and what is unexpected in Markdown, short enough for a CI job summary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from harness.matrix import Column, Matrix, Place
from harness.record import CaseLine, Check, Run
from harness.summary import (
    SYMBOLS,
    Counts,
    area_counts,
    explain_command,
    labels,
    level,
    stale_notes,
    totals,
    unexpected,
    verdict,
)
from harness.values import MEANING, one_line, plural, printable

MOST_CASES = 25
MOST_OUTPUT = 22
"""Unexpected cases written out, over all engines."""
MOST_NOTES = 25


def render(runs: Sequence[Run]) -> dict[str, str]:
    named = list(zip(labels(runs), runs, strict=True))
    parts = ["# Autograd conformance", *_verdicts(named), *_unexpected(named), *_stale(named), *_matrix(named)]
    return {"summary.md": "\n\n".join(parts) + "\n"}


Named = Sequence[tuple[str, Run]]


def _verdicts(named: Named) -> Iterable[str]:
    for label, run in named:
        yield f"**{words(label)}** ({level(run)}): {words(verdict(run))}"


def _unexpected(named: Named) -> Iterable[str]:
    found = [(label, run, case) for label, run in named for case in unexpected(run)]
    if found:
        yield f"## Unexpected: {len(found)}"
    for label, run, case in found[:MOST_CASES]:
        yield _case(label, run, case)
    if len(found) > MOST_CASES:
        yield f"… and {plural(len(found) - MOST_CASES, 'more unexpected case')}, not listed here."


def _case(label: str, run: Run, case: CaseLine) -> str:
    spec = run.specs.get(case.spec)
    line = case.failures[0].line if case.failures else spec.lineno if spec else 0
    lines = [f"### ✗ {code(case.id)} {case.status}, {words(label)}"]
    if spec:
        lines.append(f"{words(spec.claim)} ({code(f'{spec.file}:{line}')})")
    if case.reason:
        lines.append(words(case.reason))
    if case.output:
        lines.append("\n".join(f"    {printable(line)}" for line in case.output.splitlines()[-MOST_OUTPUT:]))
    if case.failures:
        lines.append(_check(case.failures[0]))
    if len(case.failures) > 1:
        lines.append(f"… and {plural(len(case.failures) - 1, 'more failed check')} in this case.")
    return "\n\n".join([*lines, f"See it again: {code(explain_command(run, case))}"])


def _check(check: Check) -> str:
    expected, observed = one_line(check)
    items = [
        f"{MEANING.get(check.what, words(check.what))}: {code(check.expression)}, step {check.step}",
        f"expected {code(expected)}",
        f"observed {code(observed)}",
    ]
    if check.difference is not None:
        items.append(f"largest difference {words(str(check.difference))}")
    if check.allowed:
        items.append(f"allowed: {'; or '.join(map(code, check.allowed))}")
    if check.detail:
        items.append(f"message {code(check.detail[:300])}")
    return "\n".join(f"- {item}" for item in items)


def _stale(named: Named) -> Iterable[str]:
    notes = [(label, note) for label, run in named for note in stale_notes(run)]
    if notes:
        lines = [f"- {words(label)}: {words(note.text)}" for label, note in notes[:MOST_NOTES]]
        if len(notes) > MOST_NOTES:
            lines.append(f"- … and {len(notes) - MOST_NOTES} more")
        yield "\n".join([f"## Stale deviations: {len(notes)}", "", *lines])


def _matrix(named: Named) -> Iterable[str]:
    titles = {area: title for _, run in named for area, title in run.header.areas.items()}
    counts = [area_counts(run) for _, run in named]
    areas = list(dict.fromkeys([*(a for a in titles if any(a in c for c in counts)), *(a for c in counts for a in c)]))
    rows = [(words(titles.get(area, area)), [found.get(area) for found in counts]) for area in areas]
    rows.append(("**All areas**", [totals(run) for _, run in named]))
    yield "## Passed of all, by area"
    yield "\n".join(
        [
            _row("Area", [words(label) for label, _ in named]),
            _row("---", ["---"] * len(named)),
            *(_row(title, [_cell(found) for found in cells]) for title, cells in rows),
        ]
    )


def render_matrix(found: Matrix, places: Mapping[str, Place]) -> dict[str, str]:
    """matrix.md: one line for every engine, for a page of documents; the names are those of matrix.html."""
    days = sorted({column.started.partition("T")[0] for column in found.columns})
    head = ("Version", "Style", "Platform", "Run", "Passed / all", "Bug", "Design", "Precision", "Unsupported", "N/A")
    rows = [
        _row("Engine", [*head, "Unexpected", "Passes whole"]),
        _row("---", ["---"] * 4 + ["---:"] * 7 + ["---"]),
        *(_row(words(column.title), _engine(column)) for column in found.columns),
    ]
    return {
        "matrix.md": f"Runs of {words(' to '.join(dict.fromkeys([days[0], days[-1]])))}.\n\n" + "\n".join(rows) + "\n"
    }


def _engine(column: Column) -> list[str]:
    total = column.total
    numbers = [total.bug, total.design, total.precision, total.unsupported, total.not_applicable, total.unexpected]
    loose = [f"{total.other} known without a cause"] if total.other else []
    loose += [column.level] if not column.complete else []
    return [
        words(column.version),
        words(column.style),
        words(column.where),
        words(column.started.partition("T")[0]),
        ", ".join([f"{total.passed}/{total.all}", *loose]),
        *map(str, numbers),
        words(", ".join(column.reached) or ("none" if column.reach else "not asked whole")),
    ]


def _row(head: str, cells: Iterable[str]) -> str:
    return f"| {' | '.join([head, *cells])} |"


def _cell(counts: Counts | None) -> str:
    if counts is None:
        return "–"
    return ", ".join([f"{SYMBOLS[counts.worst]} {counts.ratio}", *counts.notes])


def words(plain: str) -> str:
    """Text that means itself: on one line, with nothing in it that Markdown or GitHub would act on."""
    line = " ".join(printable(plain).split())
    escaped = re.sub(r"[\\`*_{}\[\]<>#!|~$&]|^[-+=]|(?<=^\d)[.)]", r"\\\g<0>", line)
    return re.sub(r"@(?=\w)", "@\u200b", escaped)  # so that nobody is notified


def code(plain: str) -> str:
    """A code span on one line, fenced with more backticks than it holds. Not for tables: a bar would end the cell."""
    line = " ".join(printable(plain).split()) or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}"
