"""Steps that several commands take: getting an engine ready, writing reports, formatting for the terminal."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness import plugins
from harness.engine import EngineUnusable
from harness.problems import InputError
from harness.record import Run


def candidate(name: str) -> plugins.Candidate:
    """Find an engine; a wrong engine.yaml makes it unusable. Raises `EngineUnusable`."""
    try:
        return plugins.find(name)
    except InputError as error:
        raise EngineUnusable(f"engine {name} cannot be used; its engine.yaml is wrong:\n{error}") from None


def engine(name: str, device: str | None, imports: Iterable[str]) -> plugins.Loaded:
    """Find and load an engine. Raises `EngineUnusable`."""
    found = candidate(name)
    import_first(imports)
    return plugins.load(found, device)


def import_first(modules: Iterable[str]) -> None:
    """``--import``: modules that register an out-of-tree device. Raises `EngineUnusable`."""
    for module in modules:
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:
            raise EngineUnusable(f"--import {module}: {plugins.where(error)}") from None


def write_reports(names: Sequence[str], runs: Sequence[Run], folder: Path) -> list[Path]:
    """Render reports into ``folder``; each file appears whole or not at all."""
    from harness import reporters

    written = []
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        for file, text in reporters.render(name, runs).items():
            write_whole(folder / file, text)
            written.append(folder / file)
    return written


def write_whole(path: Path, text: str) -> None:
    """Write a file through a temporary one beside it, so that no reader ever sees half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def is_live() -> bool:
    """Whether somebody watches: a terminal, not a CI job's log."""
    return sys.stderr.isatty() and not os.environ.get("CI")


def annotate(runs: Sequence[Run]) -> None:
    """In a GitHub job: annotations on the spec's lines, and the summary page. Elsewhere nothing."""
    import click

    from harness import reporters

    if os.environ.get("GITHUB_ACTIONS") == "true":
        for text in reporters.render("github", runs).values():
            click.echo(text, nl=False)
        if page := os.environ.get("GITHUB_STEP_SUMMARY"):
            with open(page, "a", encoding="utf-8") as file:
                file.writelines(reporters.render("markdown", runs).values())
