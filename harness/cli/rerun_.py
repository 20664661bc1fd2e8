"""``harness rerun``: what a record holds, once more."""

from __future__ import annotations

from pathlib import Path

import click

from harness import record
from harness.cli.run_ import command as run_command
from harness.exits import Exit
from harness.gate import WELL


@click.command("rerun")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--failed", is_flag=True, help="Only the specs of which a case did not pass (unsupported ones aside).")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default="harness-results/rerun",
    show_default=True,
    metavar="DIR",
)
@click.pass_context
def command(ctx: click.Context, run: Path, failed: bool, output: Path) -> int:
    """Run again what a record holds: the same engine, the same device, the same specs. RUN is a record or a folder of them."""
    codes = []
    for path in record.find([run]):
        old = record.read(path)
        ids = dict.fromkeys(case.spec for case in old.cases.values() if not failed or case.status not in WELL)
        if not failed:
            ids |= dict.fromkeys(old.specs)
        if not ids:
            click.echo(f"{old.label}: nothing failed")
            continue
        engine = old.header.engine
        # A spec from outside of the suite is found again by its file.
        specs = tuple(old.specs[id].file if not _in_suite(old, id) else id for id in ids)
        device = None if engine.device == "cpu" else engine.device
        codes.append(
            ctx.invoke(
                run_command,
                engines=(engine.source or engine.name,),
                specs=specs,
                device=device,
                output=output,
                reports=("html",),
            )
        )
    return next((code for code in Exit if code in codes), Exit.OK)


def _in_suite(run: record.Run, id: str) -> bool:
    return id in run.specs and run.specs[id].file == f"specs/{id}.yaml"
