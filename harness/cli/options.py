"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

RESULTS = "harness-results"
"""The folder that commands write to and read from where none is named."""


def several(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


selection = several(
    click.argument("specs", nargs=-1, metavar="[SPEC]..."),
    click.option("-k", "expression", metavar="EXPR", help="Only ids that fit: words with and, or, not, ( )."),
    click.option("--area", "areas", multiple=True, metavar="AREA", help="Only this area (repeatable)."),
)
"""SPEC is an id, an area, a pattern with *, a spec file or a folder of spec files."""


def profile(default: str) -> Callable[[Any], Any]:
    """``--profile NAME``: a named part of the suite."""
    return click.option(
        "--profile",
        metavar="NAME",
        help=f"Only what this profile holds; specs/_profiles.yaml lists them.  [default: {default}]",
    )


profiled = profile("full; none where a SPEC is named")
"""Of commands that judge, or show what would be judged."""

device = several(
    click.option("--device", metavar="D", help="Where the engine computes: cpu, cuda, mps, or a device of its own."),
    click.option(
        "--import",
        "imports",
        multiple=True,
        metavar="MODULE",
        help="Import this first (an out-of-tree device; repeatable).",
    ),
)

engine = click.option(
    "-e",
    "--engine",
    required=True,
    metavar="E",
    help="An engine's name, a folder with an engine.yaml, or package.module:Class.",
)


def output(default: str, help: str) -> Callable[[Any], Any]:
    """``-o DIR``: where a command writes."""
    folder = click.Path(path_type=Path, file_okay=False)
    return click.option("-o", "--output", type=folder, default=default, show_default=True, metavar="DIR", help=help)
