"""The run record: readable at any moment, self-contained, versioned."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness import record
from tests.conftest import Harness


@pytest.fixture
def path(harness: Harness, tmp_path: Path) -> Path:
    assert harness("run", "--engine", "reference", "leaf", "flag", "--report", "none", "-o", "out").code == 0
    return tmp_path / "out" / "reference.jsonl"


def test_a_record_killed_at_any_byte_is_readable(path: Path) -> None:
    """Cut anywhere behind the header, the record reads back what was judged and never claims to be complete."""
    data = path.read_bytes()
    begin = data.index(b"\n") + 1
    full = record.read(path)
    assert full.complete
    for cut in range(begin, len(data) - 1, 97):
        path.write_bytes(data[:cut])
        run = record.read(path)
        assert not run.complete
        assert set(run.cases) <= set(full.cases)


def test_damage_in_the_middle_is_refused(path: Path) -> None:
    """Only a last line may be cut: anything else that cannot be read is named with its line."""
    lines = path.read_bytes().splitlines(keepends=True)
    lines[5] = lines[5][:20] + b"\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(record.RecordError, match=":6: not a line of a run record"):
        record.read(path)


def test_the_record_describes_itself(path: Path) -> None:
    """Header, specs with claim, source and program, cases: a report needs nothing else."""
    run = record.read(path)
    header = json.loads(path.read_text().splitlines()[0])
    assert header["line"] == "header"
    for key in ("format", "harness", "suite", "engine", "python", "platform", "started", "command", "cases"):
        assert header[key]
    spec = run.specs["leaf/created-with-flag"]
    assert spec.claim and spec.source and spec.steps[0].run and spec.file == "specs/leaf/created-with-flag.yaml"
    assert all(case.spec in run.specs for case in run.cases.values())
    assert sum(run.footer.totals.statuses.values()) == run.header.cases if run.footer else False


def test_the_same_specs_have_the_same_hash(harness: Harness, tmp_path: Path) -> None:
    """Two runs of the same selection judged the same text; another selection did not."""

    def suite(*arguments: str) -> str:
        harness("run", "--engine", "reference", *arguments, "--report", "none", "-o", "out")
        return record.read(tmp_path / "out" / "reference.jsonl").header.suite

    assert suite("leaf") == suite("--area", "leaf") != suite("flag")


def test_the_header_says_what_kind_of_engine_it_is(harness: Harness, tmp_path: Path) -> None:
    """Whose code it shares, how it differentiates, whose documents it follows: as its engine.yaml says."""
    shutil.copytree(Path(__file__).parent / "outside" / "tiny", tmp_path / "tiny")
    with (tmp_path / "tiny" / "engine.yaml").open("a", encoding="utf-8") as file:
        file.write("family: large\nstyle: functional\n")
    harness("run", "--engine", "./tiny", "leaf", "--isolate", "none", "--report", "none", "-o", "out")
    (path,) = (tmp_path / "out").glob("*.jsonl")
    engine = record.read(path).header.engine
    assert (engine.family, engine.style, engine.follows, engine.releases) == ("large", "functional", "none", "none")
