"""``harness init-engine``: the skeleton of an adapter."""

from __future__ import annotations

import re
from pathlib import Path

import click

from harness.cli import options
from harness.plugins import Style, builtin

SKELETON = Path(__file__).parent.parent / "skeleton"


@click.command("init-engine")
@click.argument("name")
@click.option(
    "--style",
    type=click.Choice([style.value for style in Style]),
    default=Style.TAPE.value,
    show_default=True,
    help="tape: backward() runs from a tensor. functional: functions are differentiated.",
)
@options.output(".", "Where the folder NAME is made.")
def command(name: str, style: str, output: Path) -> int:
    """Write the folder NAME with an engine.yaml and an adapter to fill in. Nothing that exists is overwritten."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise click.UsageError(f"{name!r}: a name is made of lower-case letters, digits and hyphens, such as my-engine")
    if name in [candidate.file.name for candidate in builtin()]:
        raise click.UsageError(f"the suite has an engine {name!r} of its own; choose another name")
    folder = output / name
    if folder.exists():
        raise click.UsageError(f"{folder} exists already; choose another name or another --output")
    folder.mkdir(parents=True)
    schema = Path(__file__).parent.parent / "schemas" / "engine.json"
    title = name.replace("-", " ").capitalize()
    for source, target in (("engine.yaml", "engine.yaml"), (f"{style}.py.txt", "__init__.py")):
        text = (SKELETON / source).read_text(encoding="utf-8")
        for word, value in (
            ("NAME", name),
            ("TITLE", title),
            ("STYLE", style),
            ("ENGINE", name.replace("-", "_")),
            ("SCHEMA", schema.as_uri()),
        ):
            text = re.sub(rf"\b{word}\b", lambda _, value=value: value, text)  # type: ignore[misc]
        (folder / target).write_text(text, encoding="utf-8")
    click.echo(f"wrote {folder}/engine.yaml and {folder}/__init__.py")
    click.echo(f"next: harness doctor --engine {folder if folder.is_absolute() else f'./{folder}'}")
    return 0
