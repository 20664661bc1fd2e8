"""``harness words``: the dictionary of the spec language."""

from __future__ import annotations

from itertools import groupby

import click

from harness.language.words import ATTRIBUTES, BUILTINS, LISTS, NAMES, Word


@click.command("words")
def command() -> int:
    """List the words of the spec language: names, what follows a dot, what Python lends."""
    lines = [(word.topic, word.name, word) for word in (*NAMES.values(), *BUILTINS.values())]
    lines += [(word.topic, f".{word.name}", word) for word in (*ATTRIBUTES.values(), *LISTS.values())]
    order = {topic: position for position, topic in enumerate(dict.fromkeys(topic for topic, _, _ in lines))}
    lines.sort(key=lambda line: order[line[0]])
    for topic, words in groupby(lines, key=lambda line: line[0]):
        click.echo(click.style(topic, bold=True))
        for _, spelt, word in words:
            click.echo(f"  {spelt + _call(word):<40} {word.meaning}")
    return 0


def _call(word: Word) -> str:
    given = [f"{name}=" if name in word.optional else name for name in word.parameters]
    return f"({', '.join(given)})" if given else ""
