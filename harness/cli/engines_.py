"""``harness engines``: who can be asked."""

from __future__ import annotations

import click

from harness import plugins


@click.command("engines")
def command() -> int:
    """List the engines that are at hand. Nothing of them is imported."""
    for candidate in plugins.builtin():
        file = candidate.file
        click.echo(click.style(f"{file.name:<12}", bold=True) + f"{file.title}. {file.summary}")
        if file.install:
            click.echo(f"{'':<12}{file.install}")
        for word, reason in file.lacks.items():
            click.echo(f"{'':<12}lacks {word}: {reason}")
        for deviation in file.deviations:
            click.echo(
                f"{'':<12}known: {', '.join(deviation.cases)} {deviation.verdict.value}: {deviation.reason} ({deviation.link})"
            )
    click.echo("A folder with an engine.yaml, or package.module:Class, will do as well: --engine ./my-engine")
    return 0
