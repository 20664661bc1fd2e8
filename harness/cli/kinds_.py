"""``harness kinds``: the vocabulary of errors and warnings."""

from __future__ import annotations

import click

from harness.language import kinds


@click.command("kinds")
def command() -> int:
    """List the kinds of errors and warnings that a spec may name."""
    for title, words in (("errors (raises)", kinds.errors()), ("warnings (warns)", kinds.warnings())):
        click.echo(click.style(title, bold=True))
        for kind, meaning in words.items():
            click.echo(f"  {kind:<30} {meaning}")
    return 0
