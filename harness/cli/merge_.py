"""``harness merge``: the records of shards as one."""

from __future__ import annotations

from pathlib import Path

import click

from harness import record
from harness.cli import common, options, telling
from harness.cli.run_ import check_areas, check_reports
from harness.exits import Exit, first
from harness.gate import Outcome, conclude
from harness.shards import Merged, Unmergeable, merge


@click.command("merge")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@options.output(options.RESULTS, "Where the merged records and the reports go.")
@click.option("--report", "reports", multiple=True, metavar="NAME", help="As for run.")
@click.option("--strict", is_flag=True, help="As for run.")
@click.option("--require", "required", multiple=True, metavar="AREA", help="As for run.")
@click.option("-q", "--quiet", is_flag=True, help="Only the verdict and what is unexpected.")
def command(
    runs: tuple[Path, ...], output: Path, reports: tuple[str, ...], strict: bool, required: tuple[str, ...], quiet: bool
) -> int:
    """Make one record of the records of shards (`harness run --shard I/N`), engine by engine, and gate it.

    RUN is a record (*.jsonl) or a folder of them. A missing or incomplete shard is exit code 7, never green."""
    wanted = check_reports(reports)
    check_areas(required)
    by_engine: dict[str, list[record.Run]] = {}
    for path in record.find(runs):
        run = record.read(path)
        by_engine.setdefault(run.header.engine.name, []).append(run)
    try:
        merged = {name: merge(found) for name, found in by_engine.items()}
    except Unmergeable as error:
        raise click.UsageError(str(error)) from None
    codes: list[Exit] = []
    whole: list[record.Run] = []
    for name, found in merged.items():
        outcome = conclude(
            found.cases, found.header.cases - len(found.left_out), found.stale, required=required, strict=strict
        )
        path = output / f"{name}.jsonl"
        _write(path, found, outcome)
        whole.append(record.read(path))
        telling.tell(whole[-1], outcome, quiet)
        for text in found.missing:
            click.echo(f"  {text}")
        codes += [code for code, _ in outcome.conditions] + ([Exit.INCOMPLETE] if found.missing else [])
    for file in common.write_reports(wanted, whole, output):
        click.echo(f"wrote {file}")
    common.annotate(whole)
    return first(codes)


def _write(path: Path, merged: Merged, outcome: Outcome) -> None:
    writer = record.Writer(path)
    writer.write(merged.header, *merged.specs, *merged.cases)
    if not merged.missing:
        writer.write(outcome.footer(merged.seconds, merged.left_out))
    writer.close()
