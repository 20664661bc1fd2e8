"""``harness diff``: what changed between two runs."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from harness import compare as comparing
from harness import record
from harness.exits import Exit
from harness.text import printable

_COLOURS = {"worse": "red", "better": "green", "changed": "yellow"}


@click.command("diff")
@click.argument("before", type=click.Path(path_type=Path), metavar="RUN")
@click.argument("after", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--json", "as_json", is_flag=True, help="One JSON array: movement, id, before, after.")
def command(before: Path, after: Path, as_json: bool) -> int:
    """Compare two runs, case by case. RUN is a record (*.jsonl), or a folder that holds exactly one.

    The exit code is 1 if a case that is in both runs got worse, 7 if none did but a record is incomplete, else 0. A new case
    that fails is no regression."""
    old, new = _only(before), _only(after)
    changes = comparing.compare(old, new)
    code = Exit.OK if old.complete and new.complete else Exit.INCOMPLETE
    if any(change.movement is comparing.Movement.WORSE for change in changes):
        code = Exit.NONCONFORMING
    if as_json:
        rows = [
            {
                "movement": c.movement,
                "id": c.id,
                "before": c.before and c.before.status,
                "after": c.after and c.after.status,
            }
            for c in changes
        ]
        click.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())
        return code
    for run in (old, new):
        if not run.complete:
            click.echo(f"{run.path} is incomplete: {len(run.cases)} of {run.header.cases} cases", err=True)
    if old.header.suite != new.header.suite:
        click.echo("the two runs judged different texts of the suite; cases are matched by id")
    for change in changes:
        states = " -> ".join(case.status.value if case else "none" for case in (change.before, change.after))
        click.echo(
            click.style(f"{change.movement.value:<8}", fg=_COLOURS.get(change.movement.value))
            + f" {change.id}  {states}"
        )
    counts = {m: sum(c.movement is m for c in changes) for m in comparing.Movement}
    click.echo(
        f"{printable(old.label)} -> {printable(new.label)}: "
        + ", ".join(f"{counts[m]} {m.value}" for m in comparing.Movement)
    )
    return code


def _only(path: Path) -> record.Run:
    found = list(record.find([path]))
    if len(found) > 1:
        raise click.UsageError(f"{path} holds {len(found)} records ({', '.join(f.name for f in found)}); name one")
    return record.read(found[0])
