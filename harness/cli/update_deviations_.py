"""``harness update-deviations``: an engine.yaml whose known deviations are those of a run."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from harness import record, updating
from harness.cli.common import write_whole
from harness.deviations import Cause
from harness.exits import Exit
from harness.plugins import find, read_engine_file
from harness.record import Status
from harness.text import plural, printable


@click.command("update-deviations")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--engine", default=None, help="The engine to edit: a name or a folder. Default: that of the record.")
@click.option("--reason", default=None, help="Why the new ones deviate. Without it, only what is stale is mended.")
@click.option("--link", default=None, help="Where the reason can be checked: an issue, a document, a script.")
@click.option(
    "--cause", type=click.Choice([cause.value for cause in Cause]), default=Cause.BUG.value, show_default=True
)
@click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Add only cases that fit, with * and ? as in a shell. May be given several times.",
)
@click.option(
    "--also",
    type=click.Choice(sorted(status.value for status in updating.ENDS)),
    multiple=True,
    help="Enter verdicts of this sort too, which nobody should get used to. May be given several times.",
)
@click.option("--dry-run", is_flag=True, help="Print the edit and change nothing.")
def command(
    run: Path,
    engine: str | None,
    reason: str | None,
    link: str | None,
    cause: str,
    only: tuple[str, ...],
    also: tuple[str, ...],
    dry_run: bool,
) -> int:
    """Make the smallest edit of an engine.yaml after which RUN (a record, or a folder that holds exactly one) is as known.

    New deviations are added with the reason and link that you give, one per spec and way of failing; entries that do not
    happen any more are taken away, or narrowed to the cases that still deviate. Crashes, timeouts, flaky cases and errors of
    the adapter are left as they are unless --also names them.

    The exit code is 0 if nothing is left unexplained, else 1."""
    if (reason is None) != (link is None):
        raise click.UsageError("--reason and --link go together: what is known, and where it can be checked")
    paths = list(record.find([run]))
    if len(paths) != 1:
        raise click.UsageError(f"{run}: {len(paths)} records; name one")
    judged = record.read(paths[0])
    info = judged.header.engine
    candidate = find(engine or info.source or info.name)
    if candidate.home is None or not (path := candidate.home / "engine.yaml").is_file():
        raise click.UsageError(f"engine {info.name} has no engine.yaml to edit")
    before = path.read_text("utf-8")
    why = None if reason is None or link is None else updating.Why(reason, link, Cause(cause))
    edit = updating.updated(before, read_engine_file(path), judged, why, map(Status, also), only)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    if edit.text == before:
        click.echo(f"{shown}: nothing to change")
    elif dry_run:
        lines = before.splitlines(keepends=True), edit.text.splitlines(keepends=True)
        for line in difflib.unified_diff(*lines, str(shown), str(shown)):
            click.echo(printable(line.removesuffix("\n")))
    else:
        write_whole(path, edit.text)
        told = (("added", edit.added), ("removed", edit.removed), ("narrowed", edit.narrowed))
        click.echo(f"{shown}: " + ", ".join(f"{len(some)} {word}" for word, some in told))
    unexplained = [c for c in judged.cases.values() if c.standing is record.Standing.UNEXPECTED]
    if why is None and (new := [case for case in unexplained if case not in edit.passed_over]):
        click.echo(f"{plural(len(new), 'unexpected verdict')} not entered; say --reason and --link", err=True)
        return Exit.NONCONFORMING
    for case in edit.passed_over:
        click.echo(f"{case.status.value} of {case.id} not entered; --also {case.status.value} would", err=True)
    return Exit.NONCONFORMING if edit.passed_over else Exit.OK
