"""``harness report``: reports from run records, today's or last year's."""

from __future__ import annotations

from pathlib import Path

import click

from harness import record
from harness.cli import common, options
from harness.exits import Exit


@click.command("report")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@options.output(options.RESULTS, "Where the reports go.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="NAME",
    help="A report's name, or a folder with one of your own (repeatable).  [default: html]",
)
def command(runs: tuple[Path, ...], output: Path, reports: tuple[str, ...]) -> int:
    """Make reports from run records. RUN is a record (*.jsonl) or a folder of them; several runs share one report.

    The exit code is 7 if a record is incomplete: its reports say so, and are never green."""
    from harness.cli.run_ import check_reports

    wanted = check_reports(reports or ("html",))
    read = [record.read(path) for path in record.find(runs)]
    for file in common.write_reports(wanted, read, output):
        click.echo(f"wrote {file}")
    for run in read:
        if not run.complete:
            click.echo(f"harness: {run.path} is incomplete: {len(run.cases)} of {run.header.cases} cases", err=True)
    return Exit.OK if all(run.complete for run in read) else Exit.INCOMPLETE
