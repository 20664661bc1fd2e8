"""The cache makes the second start quick, and is never believed when it is stale, damaged or somebody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness import cache
from harness.language import load
from tests.conftest import Harness, SpecFile

GOOD = "run: x = tensor(1.)\nexpect: {x: 1.}"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "kept"
    monkeypatch.setenv("HARNESS_CACHE", str(folder))
    return folder


def test_a_spec_is_checked_once(kept: Path, spec_file: SpecFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second load of the same text takes what the first worked out, and it is the same."""
    path = spec_file(GOOD)
    (first,) = load.load([path])
    monkeypatch.setattr(load, "check", lambda *_: pytest.fail("was checked again"))
    (second,) = load.load([path])
    assert (second.spec, second.file, second.needs, second.lines) == (first.spec, first.file, first.needs, first.lines)


def test_another_text_is_another_spec(kept: Path, spec_file: SpecFile) -> None:
    """A file that changed, within the same second and of the same size, is read anew."""
    path = spec_file(GOOD)
    load.load([path])
    before = path.stat()
    path.write_text(path.read_text().replace("x: 1.", "x: 2."))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    (spec,) = load.load([path])
    assert spec.spec.steps[0].expect == {"x": 2.0}


def test_another_harness_is_not_believed(kept: Path, spec_file: SpecFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another version of the language worked out means nothing to this one."""
    path = spec_file(GOOD)
    load.load([path])
    checked: list[str] = []
    really = load.check
    monkeypatch.setattr(load, "_stamp", lambda: b"another")
    monkeypatch.setattr(load, "check", lambda *given: checked.append("") or really(*given))  # type: ignore[func-returns-value]
    load.load([path])
    assert checked


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "noise"])
def test_a_damaged_cache_is_never_believed(kept: Path, damage: str, spec_file: SpecFile, harness: Harness) -> None:
    """Whatever happened to the files: the run is what it would be without them, and mends them."""
    path = spec_file(GOOD)
    words = ("run", "-e", "reference", "--report", "none", path)
    assert harness(*words).code == 0
    files = sorted(kept.iterdir())
    assert len(files) == 2, files
    for file in files:
        data = bytearray(file.read_bytes())
        if damage == "flip":
            data[len(data) // 2] ^= 1
        elif damage == "cut":
            del data[len(data) // 2 :]
        else:
            data = bytearray(b"" if damage == "empty" else os.urandom(5000))
        file.write_bytes(data)
    assert harness(*words).code == 0
    assert all(cache.Store(file.name).kept for file in files)


def test_a_cache_that_others_may_write_is_not_believed(kept: Path, spec_file: SpecFile) -> None:
    """What is in the cache is run; so it must be ours alone."""
    load.load([spec_file(GOOD)])
    (kept / "specs").chmod(0o666)
    assert not cache.Store("specs").kept


def test_no_cache_is_no_obstacle(harness: Harness, spec_file: SpecFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched off, or where it cannot be written, runs are the same."""
    path = spec_file(GOOD)
    for folder in ("", "/proc/nowhere"):
        monkeypatch.setenv("HARNESS_CACHE", folder)
        assert harness("run", "-e", "reference", "--report", "none", path).code == 0
