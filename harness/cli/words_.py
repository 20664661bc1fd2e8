"""``harness words``: the dictionary of the spec language."""

from __future__ import annotations

import click

from harness.language.words import ATTRIBUTES, BUILTINS, LISTS, NAMES, Word


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
            head = dot + word.name + _call(word)
            click.echo(f"  {head:<40} {word.meaning}")
    return 0


def _call(word: Word) -> str:
    given = [f"{name}=" if name in word.optional else name for name in word.parameters]
    return f"({', '.join(given)})" if given else ""
