"""``harness show``: one spec, as a person reads it."""

from __future__ import annotations

import textwrap

import click

from harness import selection
from harness.values import inline


@click.command("show")
@click.argument("spec")
@click.option("--yaml", "as_yaml", is_flag=True, help="The file as it is.")
def command(spec: str, as_yaml: bool) -> int:
    """Print a spec: claim, source, program, what must be seen, what it needs of an engine."""
    for found in selection.select([spec]):
        if as_yaml:
            click.echo(found.path.read_text(encoding="utf-8"), nl=False)
            continue
        click.echo(click.style(found.spec.id, bold=True) + f"  ({found.file}, {found.spec.standing.value})")
        click.echo(textwrap.fill(" ".join(found.spec.claim.split()), 100, initial_indent="  ", subsequent_indent="  "))
        click.echo(f"  source: {', '.join(found.spec.source)}")
        if found.spec.note:
            click.echo(
                textwrap.fill(" ".join(found.spec.note.split()), 100, initial_indent="  ", subsequent_indent="  ")
            )
        for id, case in found.cases:
            if case:
                click.echo(f"  {id}: " + ", ".join(f"{name} = {inline(value)}" for name, value in case.items()))
        for step, entries in zip(found.spec.steps, found.observations, strict=True):
            click.echo("\n" + textwrap.indent(step.run.rstrip(), "    "))
            for entry in entries:
                click.echo(f"      {entry.text}  ->  {_wanted(entry.expectation)}")
            if step.raises:
                click.echo(f"      raises {step.raises}" + (f": ... {step.message} ..." if step.message else ""))
            for kind in step.warns:
                click.echo(f"      warns {kind}" + (f": ... {step.message} ..." if step.message else ""))
            for kind in step.allows:
                click.echo(f"      may warn {kind}")
        click.echo(f"\n  needs: {', '.join(sorted(found.needs))}\n")
    return 0


def _wanted(expectation: object) -> str:
    import msgspec

    found = msgspec.to_builtins(expectation)
    value = found["value"] if set(found) == {"value"} else found
    return value if isinstance(value, str) else inline(value)
