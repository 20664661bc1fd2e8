"""``harness show``: one spec, as a person reads it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import click

from harness import selection
from harness.language.records import Outcome, Step, plain
from harness.values import bare, inline


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
        click.echo(_paragraph(found.spec.claim))
        click.echo(f"  source: {', '.join(found.spec.source)}")
        if found.spec.since or found.spec.until:
            click.echo(
                f"  PyTorch: since {found.spec.since or 'ever'}" + (f", before {u}" if (u := found.spec.until) else "")
            )
        if found.spec.defect:
            click.echo(_paragraph(f"defect: {found.spec.defect}"))
        if found.spec.note:
            click.echo(_paragraph(found.spec.note))
        for id, case in found.cases:
            if case:
                click.echo(f"  {id}: " + ", ".join(f"{name} = {inline(value)}" for name, value in case.items()))
        for step, entries in zip(found.spec.steps, found.observations, strict=True):
            click.echo("\n" + textwrap.indent(step.run.rstrip(), "    "))
            _due({entry.text: entry.expectation for entry in entries if entry.expectation is not None}, step, "      ")
            for number, outcome in enumerate(step.either):
                of = f" (PyTorch {outcome.versions})" if outcome.versions else ""
                click.echo(
                    f"      {'or' if number else 'either'}{of}: {' '.join(outcome.because.split())}".rstrip(": ")
                )
                _due(outcome.expect, outcome, "        ")
        click.echo(f"\n  needs: {', '.join(sorted(found.needs))}\n")
    return 0


def _paragraph(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 100, initial_indent="  ", subsequent_indent="  ")


def _due(expect: Mapping[str, object], due: Step | Outcome, indent: str) -> None:
    for text, expectation in expect.items():
        click.echo(f"{indent}{text}  ->  {bare(plain(expectation))}")
    said = f": ... {due.message} ..." if due.message else ""
    if due.raises:
        click.echo(f"{indent}raises {due.raises}{said}")
    for kind in due.warns:
        click.echo(f"{indent}warns {kind}{said}")
    for kind in due.allows:
        click.echo(f"{indent}may warn {kind}")
