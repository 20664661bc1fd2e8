"""Steps that several commands take: getting an engine ready, writing reports, formatting for the terminal."""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness import plugins
from harness.engine import EngineUnusable
from harness.problems import InputError
from harness.record import Run

if TYPE_CHECKING:
    from harness.mutation.record import MutationRecord


def candidate(name: str) -> plugins.Candidate:
    """Find an engine; a wrong engine.yaml makes it unusable. Raises `EngineUnusable`."""
    try:
        return plugins.find(name)
    except InputError as error:
        raise EngineUnusable(f"engine {name} cannot be used; its engine.yaml is wrong:\n{error}") from None


def engine(name: str, device: str | None, imports: Iterable[str]) -> plugins.Loaded:
    """Find an engine and load it into this process. Raises `EngineUnusable`."""
    found = candidate(name)
    if found.file.command:
        raise EngineUnusable(
            f"engine {name} is not Python: its engine.yaml has a command, and this needs an adapter. "
            f"`harness protocol --check {name}` walks its worker through the protocol, `harness run --engine {name}` judges it"
        )
    if found.file.python:
        raise EngineUnusable(
            f"engine {name} has an interpreter of its own (python: {found.file.python}), and this runs in the harness's. "
            f"`harness doctor --engine {name}` and `harness run --engine {name}` ask it there"
        )
    with steady():
        return plugins.load(found, device, imports)


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


def write_mutation(found: MutationRecord, folder: Path) -> list[Path]:
    """Render the record of `harness mutate` into ``folder``."""
    from harness import reporters

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for file, text in reporters.render_mutation(found).items():
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


@contextmanager
def steady() -> Iterator[None]:
    """The engine's code runs in here: it may move, print and close what it likes, and we go on where we were.

    What it prints goes to stderr: stdout is for verdicts."""
    try:
        here: str | None = os.getcwd()
    except FileNotFoundError:
        here = None
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_lent(number) for number in range(2))
    try:
        yield
    finally:
        for stream in _LENT:
            with suppress(OSError, ValueError):  # whatever was done to them
                stream.flush()
        sys.stdout, sys.stderr = streams
        if here is not None:
            os.chdir(here)


_LENT: list[TextIO] = []


def _lent(number: int) -> TextIO:
    """What an engine prints on, twice stderr; the same each time, since loggers that it makes when it is loaded keep it."""
    if number == len(_LENT):
        _LENT.append(_opened())
    elif _LENT[number].closed:
        _LENT[number] = _opened()
    return _LENT[number]


def _opened() -> TextIO:
    stream = os.fdopen(os.dup(2), "w", errors="backslashreplace")
    atexit.register(_closed, stream)
    return stream


def _closed(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        stream.close()


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
