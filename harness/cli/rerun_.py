"""``harness rerun``: what a record holds, once more."""

from __future__ import annotations

from pathlib import Path

import click

from harness import record
from harness.cli import common, options
from harness.cli.run_ import command as run_command
from harness.cli.run_ import free_path
from harness.exits import Exit, first
from harness.gate import WELL
from harness.text import printable


@click.command("rerun")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--failed", is_flag=True, help="Only the specs of which a case did not pass (unsupported ones aside).")
@options.profile("that of the record")
@options.output(f"{options.RESULTS}/rerun", "Where the records and the report go.")
@click.pass_context
def command(ctx: click.Context, run: Path, failed: bool, profile: str | None, output: Path) -> int:
    """Run again what a record holds: the same engine, the same device, the same specs. RUN is a record or a folder of them."""
    codes: list[Exit] = []
    written: list[str] = []
    for path in record.find([run]):
        old = record.read(path)
        lost = [case.spec for case in old.cases.values() if case.spec not in old.specs]
        if lost:
            raise record.RecordError(f"{path}: does not say what the spec {lost[0]} is; run it by its id")
        ids = dict.fromkeys(case.spec for case in old.cases.values() if not failed or case.status not in WELL)
        if not failed:
            ids |= dict.fromkeys(old.specs)
        if not ids:
            click.echo(f"{printable(old.label)}: nothing failed")
            continue
        engine = old.header.engine
        target = free_path(output.absolute(), engine.name, written)
        code = ctx.invoke(
            run_command,
            engines=(engine.source or engine.name,),
            # A spec from outside of the suite is found again by its file.
            specs=tuple(old.specs[id].file if old.specs[id].outside else id for id in ids),
            profile=profile if profile is not None else old.header.profile or None,
            device=None if engine.device == "cpu" else engine.device,
            imports=tuple(engine.imports),
            pythons=(engine.interpreter,) if engine.interpreter else (),
            output=output,
            reports=("none",),
            taken=written,
        )
        codes.append(Exit(code))
        if code == Exit.INTERRUPTED:
            break
        if code != Exit.ENGINE_UNUSABLE:
            written.append(str(target))
    again = [record.read(Path(path)) for path in written]
    for file in common.write_reports(("html",), again, output) if again else ():
        click.echo(f"wrote {file}")
    return first(codes)
