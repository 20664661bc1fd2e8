"""``harness matrix``: several engines side by side."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import click

from harness import matrix as comparing
from harness import record, reporters
from harness.cli import common, options
from harness.compare import Movement
from harness.exits import Exit, first
from harness.matrix import Column, Matrix, Place
from harness.record import JUDGED, Run
from harness.summary import Level
from harness.text import plural, printable


@click.command("matrix")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@options.output(options.RESULTS, "Where matrix.html goes.")
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Write the table of engines there.")
@click.option(
    "--json", "as_json", type=click.Path(path_type=Path, dir_okay=False), help="Write all of it there, as data."
)
def command(runs: tuple[Path, ...], output: Path, markdown: Path | None, as_json: Path | None) -> int:
    """Compare runs of several engines on one page, matrix.html: areas by engines, where one engine stands alone, silently
    wrong numbers, what changed between versions.

    RUN is a record (*.jsonl), a folder of records, or a folder of such folders. The exit code is 7 if a record is
    incomplete, 5 if one judged nothing, 1 if a verdict is unexpected, else 0."""
    paths = dict.fromkeys(path.resolve() for path in record.find(runs, folders=True))
    read = comparing.in_order([record.read(path) for path in paths])
    for run in read:
        if run.header.shard:
            raise click.UsageError(
                f"{run.path} is shard {run.header.shard}; `harness merge` makes the shards one record"
            )
    found = comparing.matrix(read)
    output.mkdir(parents=True, exist_ok=True)
    places = {column.label: _place(Path(run.path), output) for column, run in zip(found.columns, read, strict=True)}
    written = {output / name: text for name, text in reporters.render_matrix(found, places).items()}
    if markdown is not None:
        (written[markdown],) = reporters.render_matrix(found, {}, "markdown").values()
    if as_json is not None:
        written[as_json] = comparing.encoded(found)
    for line in _told(found):
        click.echo(line)
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        common.write_whole(path, text)
        click.echo(f"wrote {path}")
    return first(_conditions(read))


def _place(path: Path, output: Path) -> Place:
    """The pages beside a record."""
    pages = {
        page.name: frozenset(
            re.findall(r' id="((?:spec|row)-[^"]*)"', page.read_text(encoding="utf-8", errors="replace"))
        )
        for page in (path.with_name("report.html"), path.with_name("derivatives.html"))
        if page.is_file()
    }
    return Place(quote(Path(os.path.relpath(path.parent, output.resolve())).as_posix()), pages)


def _conditions(runs: Sequence[Run]) -> Iterator[Exit]:
    for run in runs:
        if not run.complete:
            click.echo(f"harness: {run.path} is incomplete: {len(run.cases)} of {run.header.cases} cases", err=True)
            yield Exit.INCOMPLETE
        elif not any(case.status in JUDGED for case in run.cases.values()):
            click.echo(f"harness: {run.path}: no case could be judged", err=True)
            yield Exit.EMPTY
        if any(case.standing is record.Standing.UNEXPECTED for case in run.cases.values()):
            yield Exit.NONCONFORMING


def _told(found: Matrix) -> Iterator[str]:
    yield from _table(found.columns)
    if not found.enough:
        yield f"no votes: {plural(len(found.witnesses), 'independent engine')}, and a vote takes three"
    else:
        failures = sum(not vote.passes for vote in found.votes)
        yield (
            f"{plural(found.heard, 'case')} with three or more independent engines: all pass {found.agreed}, "
            f"one alone fails {failures}, one alone passes {len(found.votes) - failures}"
        )
    if found.has_others:
        yield f"{plural(len(found.alone), 'spec')} only engines that follow PyTorch's documents pass"
    for step in found.versions:
        counts = ", ".join(f"{step.count(m)} {m.value}" for m in Movement)
        yield f"{printable(step.before)} -> {printable(step.after)}: {counts}"


def _table(columns: Sequence[Column]) -> Iterator[str]:
    """One line for every run; known deviations without a cause are a column where a run has some."""
    totals = [column.total for column in columns]
    table = {
        "engine": [printable(column.label) for column in columns],
        "passed/all": [f"{total.passed}/{total.all}" for total in totals],
        **{name: [str(getattr(total, name)) for total in totals] for name in (*comparing.CAUSES, "other")},
        "unsupported": [str(total.unsupported) for total in totals],
        "n/a": [str(total.not_applicable) for total in totals],
        "unexpected": [str(total.unexpected) for total in totals],
        "silent": [str(total.silent_wrong) for total in totals],
        "passes whole": [", ".join(column.reached) or "-" for column in columns],
        "": ["" if column.level == Level.EXPECTED else column.level for column in columns],
    }
    if set(table["other"]) == {"0"}:
        del table["other"]
    left = ("engine", "passes whole", "")
    widths = {name: max(map(len, [name, *cells])) for name, cells in table.items()}
    for row in [[*table], *zip(*table.values(), strict=True)]:
        cells = (
            cell.ljust(widths[name]) if name in left else cell.rjust(widths[name])
            for name, cell in zip(table, row, strict=True)
        )
        yield "  ".join(cells).rstrip()
