"""``harness export``: the suite as JSON lines, for any language."""

from __future__ import annotations

from pathlib import Path

import click

from harness import profiles, selection
from harness.cli import common, options
from harness.exits import Exit


@click.command("export")
@options.selection
@options.profile("the whole suite")
@click.option(
    "--default-dtype",
    type=click.Choice(["float16", "bfloat16", "float32", "float64"]),
    default="float32",
    show_default=True,
    help="Of tensors made from numbers with a decimal point, in the engine that the export is for.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Not to stdout.")
def command(
    specs: tuple[str, ...],
    expression: str | None,
    areas: tuple[str, ...],
    profile: str | None,
    default_dtype: str,
    output: Path | None,
) -> int:
    """Print specs as JSON lines that need no harness to read: programs as data, expected values evaluated.

    SPEC is an id, an area, a pattern with *, a spec file or a folder of spec files; without any, the whole suite.
    """
    from harness import suite

    chosen = profiles.narrow(selection.select(specs, expression, areas), profile or "")
    if not chosen:
        click.echo("harness: the selection matches no spec; nothing was exported", err=True)
        return Exit.EMPTY
    lines = suite.lines(chosen, default_dtype)
    if output is None:
        for line in lines:
            click.echo(line.decode(), nl=False)
        return Exit.OK
    output.parent.mkdir(parents=True, exist_ok=True)
    common.write_whole(output, b"".join(lines).decode())
    click.echo(f"wrote {output}")
    return Exit.OK
