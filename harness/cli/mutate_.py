"""``harness mutate``: break the engine's derivative rules one by one, and see whether the suite notices."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from time import monotonic
from typing import Any

import click

from harness import __version__, plugins, selection
from harness.cli import common, options
from harness.engine import EngineUnusable
from harness.exits import Exit, first
from harness.text import plural


@click.command("mutate")
@options.engine
@options.selection
@options.profile("the whole suite")
@click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Only mutants whose id, file, operation or operator fits; * as in a shell (repeatable).",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 4096),
    metavar="N",
    help="Processes at once.  [default: the cores of this machine]",
)
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Only N mutants, chosen by chance.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the sample.")
@click.option(
    "--all-cases",
    is_flag=True,
    help="Run every case that comes to a mutant, also after the first kill; name redundant specs.",
)
@click.option(
    "--at-least",
    type=click.FloatRange(0, 100),
    default=99.0,
    show_default=True,
    metavar="PERCENT",
    help="Fail below this score.",
)
@click.option("--list", "listing", is_flag=True, help="Only list the mutants.")
@click.option(
    "--checks", is_flag=True, help="Spoil every check of every spec instead of the engine: the judge must say no."
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write the record."
)
@click.option(
    "--report",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write mutation.html there.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only the score.")
def command(
    engine: str,
    specs: tuple[str, ...],
    expression: str | None,
    areas: tuple[str, ...],
    profile: str | None,
    only: tuple[str, ...],
    jobs: int | None,
    sample: int | None,
    seed: int,
    all_cases: bool,
    at_least: float,
    listing: bool,
    checks: bool,
    json_file: Path | None,
    folder: Path | None,
    quiet: bool,
) -> int:
    """Break an engine's derivative rules one by one, as real ones have been wrong, and see whether the suite notices.

    The engine's engine.yaml names the source files (mutate: files). SPEC narrows which cases may notice. The exit code is 1
    if less than --at-least percent of the mutants are killed (of those that equivalent.yaml does not explain), or, with
    --checks, if a check cannot fail; 3 if equivalent.yaml has entries that are needed no more.
    """
    from harness import profiles

    if not hasattr(os, "fork"):
        raise click.UsageError("mutants run in forks of this process, which need a POSIX system")
    candidate = _usable(engine)
    chosen = [] if listing else profiles.narrow(selection.select(specs, expression, areas), profile or "")
    if checks:
        return _checks(candidate, chosen, quiet)
    mutants, everything = _mutants(candidate, only, sample, seed)
    if listing:
        for mutant in mutants:
            click.echo(mutant.id)
            _diff(*mutant.diff)
        return Exit.OK
    if not mutants or not chosen:
        click.echo(f"harness: {'no mutant fits' if chosen else 'no case is left'}", err=True)
        return Exit.EMPTY
    begun, started = monotonic(), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    from harness.execution import machine
    from harness.mutation import record as records

    narrowed = bool(specs or expression or areas or profile)
    made = _hunted(candidate, chosen, mutants, everything, jobs or machine.cores(), all_cases, narrowed, quiet)
    record = records.MutationRecord(
        kind="mutation",
        format=records.FORMAT,
        harness=__version__,
        suite=selection.digest(chosen),
        started=started,
        seconds=round(monotonic() - begun, 3),
        all_cases=all_cases,
        only=list(only),
        areas=list(areas),
        seed=seed if sample else None,
        seeded=len(everything),
        **made,
    )
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        common.write_whole(json_file, records.write(record))
    if folder is not None:
        for file in common.write_mutation(record, folder):
            click.echo(f"wrote {file}")
    return _told(record, at_least, quiet)


def _usable(name: str) -> plugins.Candidate:
    """An engine that can be loaded into this process. Raises `EngineUnusable`."""
    found = common.candidate(name)
    if found.file.command or found.file.python:
        raise EngineUnusable(
            f"engine {name} does not run in the harness's own Python: its source cannot be changed here"
        )
    return found


def _mutants(
    candidate: plugins.Candidate, only: Sequence[str], sample: int | None, seed: int
) -> tuple[list[Any], list[Any]]:
    """Those to try, and all that there are."""
    from harness.mutation.sites import mutants
    from harness.mutation.source import sources

    of = candidate.file.mutate
    everything = [m for source in sources(candidate) for m in mutants(source, of.cotangents if of else ())]
    chosen = [m for m in everything if not only or any(_fits(m, pattern) for pattern in only)]
    if sample is not None and sample < len(chosen):
        picked = set(random.Random(seed).sample(range(len(chosen)), sample))
        chosen = [m for number, m in enumerate(chosen) if number in picked]
    return chosen, everything


def _fits(mutant: Any, pattern: str) -> bool:
    file = mutant.source.shown
    names = (
        mutant.id,
        file,
        file.rpartition("/")[2],
        mutant.site.op,
        mutant.operator,
        mutant.operator.partition(" ")[0],
    )
    return pattern in names or any(fnmatchcase(name, pattern) for name in names)


def _hunted(
    candidate: plugins.Candidate,
    specs: Sequence[Any],
    mutants: list[Any],
    everything: list[Any],
    jobs: int,
    all_cases: bool,
    narrowed: bool,
    quiet: bool,
) -> dict[str, Any]:
    """Plant all mutants; what the record says of them."""
    from harness.mutation import equivalent, reach, told
    from harness.mutation.bench import Bench
    from harness.mutation.hunt import hunt
    from harness.worker.host import listening

    home = candidate.home or Path()
    entries = equivalent.read(home, home.name)
    with common.steady(), listening() as heard:
        bench = Bench(candidate, specs, heard)
        bench.keep()
        known = reach.learn(bench, mutants, jobs)
        progress = _Progress(len(mutants), quiet)
        found = hunt(bench, mutants, known, jobs, all_cases=all_cases, heard=progress.one_more)
        progress.done()
    reasons = equivalent.reasons(entries, mutants)
    lines = told.lines(bench, mutants, known, found, reasons)
    return told.facts(bench, lines, known, specs, all_cases) | {
        "stale": equivalent.stale(entries, everything, found, whole=not narrowed)
    }


class _Progress:
    """How far it is, where somebody looks on."""

    def __init__(self, number: int, quiet: bool) -> None:
        self.number, self.seen, self.alive = number, 0, 0
        self.shown = not quiet and sys.__stderr__ is not None and sys.__stderr__.isatty()

    def one_more(self, mutant: Any, found: Any) -> None:
        self.seen += 1
        self.alive += found.how is None
        if self.shown and (self.seen % 25 == 0 or self.seen == self.number):
            click.echo(
                f"\r{self.seen} of {self.number} mutants, {self.alive} not killed", file=sys.__stderr__, nl=False
            )

    def done(self) -> None:
        if self.shown:
            click.echo("", file=sys.__stderr__)


def _told(record: Any, at_least: float, quiet: bool) -> int:
    from harness.mutation.record import Verdict, by_area, counted, grouped

    whole = counted(record.mutants)
    if not quiet:
        for verdict, title in ((Verdict.SURVIVED, "survived"), (Verdict.NOT_REACHED, "not reached")):
            left = [mutant for mutant in record.mutants if mutant.verdict is verdict]
            if left:
                click.echo(click.style(f"{title}: {len(left)}", bold=True))
            for mutant in left:
                cases = f" ({plural(mutant.cases, 'case')})" if mutant.cases else ""
                click.echo(f"{mutant.id}{cases} in {mutant.op}")
                _diff(mutant.before, mutant.after)
        _table("operation", grouped(record.mutants, lambda m: m.op))
        _table("file", grouped(record.mutants, lambda m: m.file))
        _table("operator", grouped(record.mutants, lambda m: m.operator))
        click.echo(click.style(f"{'area':<44}{'reached':>8}{'killed':>8}", bold=True))
        for area, count in by_area(record).items():
            click.echo(f"{area:<44}{count.reached:>8}{count.killed:>8}")
        if record.all_cases:
            click.echo(
                click.style(
                    f"specs that could go, and every mutant would still be killed: {len(record.redundant)}", bold=True
                )
            )
            for spec in record.redundant:
                click.echo(f"  {spec}")
    for entry in record.stale:
        click.echo(f"harness: needed no more in equivalent.yaml: {entry}", err=True)
    click.echo(
        f"{record.engine.name} {record.engine.version}: {whole.killed} of {plural(whole.due, 'mutant')} killed "
        f"({whole.score:.2f} %), {whole.survived} survived, {whole.not_reached} not reached, {whole.equivalent} equivalent; "
        f"{plural(record.cases, 'case')}, {record.seconds:.0f} s"
    )
    held = [Exit.NONCONFORMING] if whole.score < at_least else []
    return first([*held, *([Exit.STALE] if record.stale else [])])


def _table(title: str, counts: dict[str, Any]) -> None:
    click.echo(
        click.style(
            f"{title:<44}{'killed':>8}{'survived':>10}{'not reached':>13}{'equivalent':>12}{'score':>9}", bold=True
        )
    )
    for name, count in counts.items():
        numbers = (
            f"{count.killed:>8}{count.survived:>10}{count.not_reached:>13}{count.equivalent:>12}{count.score:>8.1f}%"
        )
        click.echo(f"{name:<44}{numbers}")


def _diff(before: str, after: str) -> None:
    click.echo(click.style(f"  - {before}", fg="red"))
    click.echo(click.style(f"  + {after}", fg="green"))


def _checks(candidate: plugins.Candidate, specs: Sequence[Any], quiet: bool) -> int:
    from harness.mutation.bench import Bench
    from harness.mutation.checks import check
    from harness.worker.host import listening

    with common.steady(), listening() as heard:
        told = check(Bench(candidate, specs, heard))
    if not told.checks:
        click.echo("harness: no case passes, so nothing can be spoilt", err=True)
        return Exit.EMPTY
    for deaf in told.deaf if not quiet else ():
        click.echo(f"{deaf.case}: step {deaf.step}, line {deaf.line}: {deaf.check}: passes with {deaf.spoilt}")
    able = told.checks - len({(deaf.case, deaf.step, deaf.check) for deaf in told.deaf})
    click.echo(
        f"{candidate.file.name}: {able} of {plural(told.checks, 'check')} can fail (spoilt in {told.spoilt} ways)"
    )
    return Exit.NONCONFORMING if told.deaf else Exit.OK
