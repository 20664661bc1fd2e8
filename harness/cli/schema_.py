"""``harness schema``: JSON Schemas for editors and other readers."""

from __future__ import annotations

from pathlib import Path

import click

SCHEMAS = (
    "spec",
    "table",
    "engine",
    "area",
    "documents",
    "profiles",
    "record",
    "protocol",
    "program",
    "export",
    "mutation",
    "equivalent",
)


@click.command("schema")
@click.argument("which", type=click.Choice(SCHEMAS), default="spec")
@click.option(
    "--write", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write all of them into a folder."
)
def command(which: str, write: Path | None) -> int:
    """Print the JSON Schema of spec files, engine.yaml and the suite's _area.yaml, _documents.yaml and _profiles.yaml; of a
    line of a run record, of the worker protocol or of an export; or of a program in these two; of the record of `harness
    mutate` and the equivalent.yaml beside an engine.yaml."""
    from harness import schema

    schemas = schema.all_schemas()
    if write is None:
        click.echo(schema.text(schemas[which]), nl=False)
        return 0
    write.mkdir(parents=True, exist_ok=True)
    for name, found in schemas.items():
        (write / f"{name}.json").write_text(schema.text(found), encoding="utf-8")
        click.echo(f"wrote {write / f'{name}.json'}")
    return 0
