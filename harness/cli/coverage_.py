"""``harness coverage``: which clauses of which documents have a spec."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import click

from harness import coverage, profiles, selection
from harness.cli import options
from harness.run import cited_documents


@click.command("coverage")
@options.selection
@options.profile("the whole suite")
@click.option("--json", "as_json", is_flag=True, help="One JSON array: document, title, link, specs, clauses.")
@click.option("--uncovered", is_flag=True, help="Only clauses without a spec, and documents that none cites.")
def command(
    specs: tuple[str, ...],
    expression: str | None,
    areas: tuple[str, ...],
    profile: str | None,
    as_json: bool,
    uncovered: bool,
) -> int:
    """List the documents that the suite rests on, clause by clause, with the specs that cover each.

    SPEC narrows it to what these specs cover; without any, and without --profile, the whole suite counts."""
    chosen = profiles.narrow(selection.select(specs, expression, areas), profile or "")
    found = coverage.coverage(cited_documents(), {spec.spec.id: spec.spec.source for spec in chosen})
    listed = coverage.uncovered(found) if uncovered else found
    if as_json:
        import msgspec

        rows = [
            {
                "document": document.key,
                "title": document.title,
                "link": document.link,
                "specs": document.specs,
                "clauses": [{"clause": c.key, "text": c.text, "specs": c.specs} for c in document.clauses],
            }
            for document in listed
        ]
        click.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())
        return 0
    for document in listed:
        click.echo(click.style(document.key, bold=True) + (f"  {document.link}" if document.link else ""))
        if document.specs:
            _specs("as a whole", document.specs)
        elif not document.clauses:
            click.echo("  ○ not cited")
        for clause in document.clauses:
            click.echo(f"  {'✓' if clause.specs else '○'} #{clause.key}: {clause.text}")
            _specs("", clause.specs)
    click.echo(coverage.summary(found))
    return 0


def _specs(what: str, ids: Sequence[str]) -> None:
    if ids:
        text = (f"✓ {what}: " if what else "") + ", ".join(ids)
        indent = "  " if what else "      "
        click.echo(textwrap.fill(text, 120, initial_indent=indent, subsequent_indent="      ", break_on_hyphens=False))
