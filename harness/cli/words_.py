"""``harness words``: the dictionary of the spec language."""

from __future__ import annotations

import click

from harness.language.words import ATTRIBUTES, BUILTINS, LISTS, NAMES


@click.command("words")
def command() -> int:
    """List the words of the spec language: names, what follows a dot, what Python lends."""
    for title, table, dot in (
        ("names", NAMES, ""),
        ("after a dot", ATTRIBUTES, "."),
        ("plain Python", BUILTINS | LISTS, ""),
    ):
        click.echo(click.style(title, bold=True))
        for word in table.values():
            head = dot + word.name + (f"({', '.join(f'{k}=' for k in word.keywords)})" if word.keywords else "")
            click.echo(f"  {head:<40} {word.meaning}")
    return 0
