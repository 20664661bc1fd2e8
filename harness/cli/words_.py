"""``harness words``: the dictionary of the spec language."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

import click

from harness.language.words import ATTRIBUTES, BUILTINS, LISTS, NAMES, Word

_TABLE = re.compile(r"<!-- words: (?P<topic>.+) -->\n(\n\|.*(\n\|.*)*\n)?")


@click.command("words")
@click.option(
    "--write",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Bring the tables of words on the pages of this folder up to date instead (docs/language).",
)
def command(write: Path | None) -> int:
    """List the words of the spec language: names, what follows a dot, what Python lends."""
    topics = _topics()
    if write is not None:
        for page in sorted(write.glob("*.md")):
            before = page.read_text(encoding="utf-8")
            after = _TABLE.sub(
                lambda found: f"{found[0].splitlines()[0]}\n\n{_table(topics[found['topic']])}\n", before
            )
            if after != before:
                page.write_text(after, encoding="utf-8")
                click.echo(f"wrote {page}")
        return 0
    for topic, words in topics.items():
        click.echo(click.style(topic, bold=True))
        for spelt, word in words:
            click.echo(f"  {spelt + _call(word):<40} {word.meaning}")
    return 0


def _topics() -> dict[str, list[tuple[str, Word]]]:
    """The words of every topic, as they are spelt."""
    words = [(name, word) for table in (NAMES, BUILTINS) for name, word in table.items()]
    words += [(f".{name}", word) for table in (ATTRIBUTES, LISTS) for name, word in table.items()]
    order = {topic: position for position, topic in enumerate(dict.fromkeys(word.topic for _, word in words))}
    words.sort(key=lambda entry: order[entry[1].topic])
    return {topic: list(found) for topic, found in groupby(words, key=lambda entry: entry[1].topic)}


def _table(words: list[tuple[str, Word]]) -> str:
    """A table of Markdown; a word that also follows a dot has one row."""
    said = {(spelt, word.meaning) for spelt, word in words}
    rows = ["| word | meaning |", "|---|---|"]
    for spelt, word in words:
        if (spelt.removeprefix("."), word.meaning) in said and spelt.startswith("."):
            continue
        both = f", `.{spelt}`" if (f".{spelt}", word.meaning) in said else ""
        rows.append(f"| `{spelt}{_call(word)}`{both} | {word.meaning.replace('|', chr(92) + '|')} |")
    return "\n".join(rows)


def _call(word: Word) -> str:
    given = [f"{name}=" if name in word.optional else name for name in word.parameters]
    return f"({', '.join(given)})" if word.called else ""
