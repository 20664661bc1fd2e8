"""What the tests share: the command line in-process, spec files on disk, an engine from outside of the tree."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from harness import cli, selection
from harness.language import load
from harness.language.load import CheckedSpec
from harness.places import room
from harness.record import Run, read

HERE = Path(__file__).parent
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell has it ignored by what it starts in the background, and so by the runs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
MINIMAL = """\
id: {id}
claim: a promise
source: a document
"""


class Result(NamedTuple):
    code: int
    out: str
    err: str


Harness = Callable[..., Result]


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tests have a cache of their own, which begins empty; processes of pytest-xdist share it, and one of them fills it."""
    own = tmp_path_factory.getbasetemp()
    several = "PYTEST_XDIST_WORKER" in os.environ
    folder = (own.parent if several else own) / "cache"
    before = os.environ.get("HARNESS_CACHE")
    os.environ["HARNESS_CACHE"] = str(folder)
    if several and sys.platform != "win32":
        import fcntl

        with (own.parent / "cache.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                selection.suite()
    yield folder
    os.environ.pop("HARNESS_CACHE")
    if before is not None:
        os.environ["HARNESS_CACHE"] = before


@pytest.fixture(scope="session", autouse=True)
def suite_once(cache: Path) -> Iterator[None]:
    """The suite's own files are loaded once by a process: no test changes them, and many ask for all of them."""
    really, suite = load._load, room("specs")
    known: dict[tuple[Path, ...], list[CheckedSpec]] = {}

    def loaded(files: Iterable[Path], root: Path | None) -> list[CheckedSpec]:
        asked = tuple(files)
        if root != suite or not all(path.is_relative_to(suite) for path in asked):
            return really(asked, root)
        if asked not in known:
            known[asked] = really(asked, root)
            gc.freeze()
        return list(known[asked])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "_load", loaded)
        yield


ROWS_ONCE = ("-k", "not ops/ or /gradient or /value")
"""Selects the specs written one by one, and one of every row of a table: together they have every word."""


def sample() -> list[CheckedSpec]:
    """What `ROWS_ONCE` selects, and every other aspect of rows once."""
    chosen = selection.keyword_filter(ROWS_ONCE[1])
    aspects: set[str] = set()
    found = []
    for spec in selection.suite():
        if chosen(spec.spec.id) or (spec.row is not None and spec.row.aspect not in aspects):
            found.append(spec)
            aspects |= {spec.row.aspect} if spec.row is not None else set()
    return found


@pytest.fixture
def harness(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    """Run the command line in an empty folder: harness("run", "--engine", "reference") -> exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "HARNESS_DEBUG"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str | Path) -> Result:
        capsys.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


SpecFile = Callable[..., Path]


@pytest.fixture
def spec_file(tmp_path: Path) -> SpecFile:
    """Write a spec: spec_file("run: ...") gives it an id, a claim and a source; whole=True takes the text as it is."""
    count = 0

    def write(text: str, *, id: str = "", whole: bool = False) -> Path:
        nonlocal count
        count += 1
        path = tmp_path / f"spec{count}.yaml"
        path.write_text(text if whole else MINIMAL.format(id=id or f"test/spec-{count}") + text, encoding="utf-8")
        return path

    return write


Judge = Callable[..., Run]


@pytest.fixture
def judge(harness: Harness, tmp_path: Path) -> Judge:
    """Run spec files on an engine and read the record back."""

    def run(*specs: Path, engine: str | Path = "reference", isolate: str = "none") -> Run:
        result = harness(
            *("run", "--engine", engine, "--report", "none", "--isolate", isolate, "-o", tmp_path / "judged", *specs)
        )
        assert result.code in (0, 1, 5), result.err
        (path,) = (tmp_path / "judged").glob("*.jsonl")
        run = read(path)
        path.unlink()
        return run

    return run


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder outside of the tree with an engine that has one known fault: gradients overwrite instead of accumulating."""
    return Path(shutil.copytree(HERE / "outside" / "tiny", tmp_path / "tiny"))
