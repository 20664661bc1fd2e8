"""What a run says on the terminal: progress while it lasts, then the verdict in one screen, failures first."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from harness import summary, values
from harness.gate import Outcome
from harness.record import CaseLine, Check, Run, SpecLine, Standing
from harness.run import Trial

if TYPE_CHECKING:
    from rich.progress import Progress

MAX_SHOWN = 5
MAX_CHECKS = 3
MAX_OUTPUT = 22
"""What one screen has room for; the record and the reports hold all."""


@contextmanager
def progress(trials: Sequence[Trial]) -> Iterator[None]:
    """A bar for every engine on a terminal; in a log nothing per case, the summary says it all."""
    if not sys.stderr.isatty() or os.environ.get("CI"):
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    title, bad = TextColumn("{task.description}"), TextColumn("{task.fields[bad]}")
    columns = (title, BarColumn(), MofNCompleteColumn(), bad, TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        for trial in trials:
            trial.advance = _bar(shown, trial)
        yield


def _bar(shown: Progress, trial: Trial) -> Callable[[CaseLine], None]:
    title = f"{trial.candidate.file.name} {trial.capabilities.version}"
    task = shown.add_task(title, total=trial.chosen.cases, completed=len(trial.known), bad="")
    unexpected = 0

    def advance(case: CaseLine) -> None:
        nonlocal unexpected
        unexpected += case.standing is Standing.UNEXPECTED
        shown.update(task, advance=1, bad=f"[red]{unexpected} unexpected" if unexpected else "")

    return advance


def tell(run: Run, outcome: Outcome, quiet: bool) -> None:
    """Print the verdict."""
    for text in _lines(run, outcome, quiet):
        for line in text.split("\n"):
            # A CI runner takes any line that begins with :: for a command, whoever wrote it.
            click.echo(f"| {line.lstrip()}" if line.lstrip().startswith("::") else line)


def _lines(run: Run, outcome: Outcome, quiet: bool) -> Iterator[str]:
    bad = summary.unexpected(run)
    for case in bad[:MAX_SHOWN]:
        yield from _failure(run, case, None if len(bad) == 1 else MAX_CHECKS)
    if len(bad) > MAX_SHOWN:
        others = ", ".join(values.shorten(case.id) for case in bad[MAX_SHOWN : MAX_SHOWN + 10])
        yield f"... and {len(bad) - MAX_SHOWN} more: {others}"
        yield "    report.html and the record hold all of them\n"
    for pattern in outcome.stale:
        yield click.style(
            values.printable(f"stale: the known deviation {pattern} does not happen any more"), fg="yellow"
        )
    leaking = summary.leaks(run)
    for _, text in leaking[:MAX_SHOWN]:
        yield click.style(values.printable(text), fg="yellow")
    if len(leaking) > MAX_SHOWN:
        yield click.style(f"... and {len(leaking) - MAX_SHOWN} more cases that leave global state changed", fg="yellow")
    if not quiet:
        yield from _table(run)
    verdict = values.printable(f"{run.label}: {summary.verdict(run)}")
    yield click.style(verdict, fg="red" if outcome.conditions else "green", bold=True)
    for _, sentence in outcome.conditions:
        yield f"  {sentence}"


def _failure(run: Run, case: CaseLine, most: int | None) -> Iterator[str]:
    """One failure: what is promised, where, what was expected and seen, how to see it again."""
    spec = run.specs[case.spec]
    named = values.given(case.parameters, [step.run for step in spec.steps])
    yield click.style(f"{case.status.value.upper()} {case.id}", fg="red", bold=True) + (f"  ({named})" if named else "")
    for line in (spec.claim, case.reason, *(line for check in case.failures[:most] for line in _check(spec, check))):
        if line:
            yield "  " + values.printable(line)
    if case.output:
        yield "  the last that it wrote:"
        yield from (f"    {values.printable(line)}" for line in case.output.splitlines()[-MAX_OUTPUT:])
    if most is not None and len(case.failures) > most:
        yield f"  ... and {len(case.failures) - most} more checks of this case"
    yield f"  see it again: {summary.explain_command(run, case)}"
    yield ""


def _check(spec: SpecLine, check: Check) -> Iterator[str]:
    expected, observed = values.one_line(check)
    most = values.worst(check)
    off = f"off by {check.difference:.3g}" if isinstance(check.difference, float) else ""
    off = "; ".join(filter(None, [off, most.words if most is not None and most.entries > 1 else ""]))
    off = f" ({off})" if off else ""
    yield f"{spec.file}:{check.line}: step {check.step}: {check.expression}"
    yield f"  {values.MEANING.get(check.what, check.what)}: expected {expected}, observed {observed}{off}"
    if check.allowed:
        yield f"  allowed: {'; or '.join(check.allowed)}"
    if check.detail:
        yield f"  {check.detail}"


def _table(run: Run) -> Iterator[str]:
    counts = summary.area_counts(run)
    width = max(map(len, counts), default=0)
    for area, found in counts.items():
        notes = ", ".join(found.notes)
        yield f"  {summary.SYMBOLS[found.worst]} {area:<{width}} {found.ratio:>7}" + (f"  {notes}" if notes else "")
