"""``harness report``: reports from run records, today's or last year's."""

from __future__ import annotations

from pathlib import Path

import click

from harness import record
from harness.cli import common, options
from harness.exits import Exit
from harness.mutation import record as mutation


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
    A record of `harness mutate` (*.json) becomes a page of its own, mutation.html.

    The exit code is 7 if a record is incomplete: its reports say so, and are never green."""
    from harness.cli.run_ import check_reports

    wanted = check_reports(reports or ("html",))
    mutations = [path for path in runs if path.suffix == ".json"]
    if len(mutations) > 1:
        raise click.UsageError("one record of mutants makes one page: name only one *.json")
    found = [mutation.read(path) for path in mutations]
    read = [record.read(path) for path in record.find(path for path in runs if path not in mutations)]
    written = common.write_reports(wanted, read, output) if read else []
    for file in [*written, *(page for one in found for page in common.write_mutation(one, output))]:
        click.echo(f"wrote {file}")
    for run in read:
        if not run.complete:
            click.echo(f"harness: {run.path} is incomplete: {len(run.cases)} of {run.header.cases} cases", err=True)
    return Exit.OK if all(run.complete for run in read) else Exit.INCOMPLETE
