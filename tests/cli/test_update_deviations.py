"""harness update-deviations: the smallest edit of an engine.yaml after which a run is as known."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.exits import Exit
from harness.record import Standing, read
from tests.conftest import Harness

TINY = Path(__file__).parent.parent / "outside" / "tiny"
AREAS = ("--area", "grad", "--area", "backward", "--report", "none")
SAY = ("--reason", "looked into", "--link", "https://example.org/1")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The engine of the tests, which deviates in a few cases, without its list of known deviations."""
    folder = tmp_path / "tiny"
    shutil.copytree(TINY, folder)
    text = (folder / "engine.yaml").read_text()
    (folder / "engine.yaml").write_text(text.partition("deviations:")[0] + "# the end\n")
    return folder


@pytest.fixture
def run(harness: Harness, tiny: Path, tmp_path: Path) -> Path:
    assert harness("run", "--engine", tiny, *AREAS, "-o", "out").code == Exit.NONCONFORMING
    return tmp_path / "out"


def unexpected(folder: Path) -> set[str]:
    [path] = folder.glob("*.jsonl")
    return {case.id for case in read(path).cases.values() if case.standing is Standing.UNEXPECTED}


def test_what_deviates_is_known_from_now_on(harness: Harness, tiny: Path, run: Path) -> None:
    assert unexpected(run)
    before = (tiny / "engine.yaml").read_text()
    assert harness("update-deviations", run, *SAY).code == Exit.OK
    after = (tiny / "engine.yaml").read_text()
    assert after.startswith(before) and "reason: looked into" in after and "seen: " in after
    assert harness("run", "--engine", tiny, *AREAS, "--strict", "-o", "again").code == Exit.OK
    assert harness("update-deviations", "again").out.endswith("nothing to change\n")
    assert (tiny / "engine.yaml").read_text() == after


def test_nothing_is_explained_without_a_reason(harness: Harness, tiny: Path, run: Path) -> None:
    before = (tiny / "engine.yaml").read_text()
    result = harness("update-deviations", run)
    assert result.code == Exit.NONCONFORMING and "--reason and --link" in result.err
    assert (tiny / "engine.yaml").read_text() == before
    assert harness("update-deviations", run, "--reason", "alone").code == Exit.USAGE


def test_a_dry_run_changes_nothing(harness: Harness, tiny: Path, run: Path) -> None:
    before = (tiny / "engine.yaml").read_text()
    result = harness("update-deviations", run, *SAY, "--dry-run")
    assert "+deviations:" in result.out and result.code == Exit.OK
    assert (tiny / "engine.yaml").read_text() == before


def test_what_happens_no_more_goes_and_the_rest_stays(harness: Harness, tiny: Path, run: Path) -> None:
    deviating = sorted(unexpected(run))[0]
    spec = deviating.partition("[")[0]
    with (tiny / "engine.yaml").open("a") as file:
        file.write("deviations:\n")
        file.write("  - cases: leaf/*  # of another area\n    reason: r\n    link: https://example.org/2\n")
        file.write(
            "  # the second\n  - cases: grad/one-tracked-factor\n    reason: r\n    link: https://example.org/2\n"
        )
        file.write("  - {cases: '*', reason: the rest, link: https://example.org/3}\n")
        file.write("versions: ''\n")
    harness("run", "--engine", tiny, *AREAS, "-o", "second")
    result = harness("update-deviations", "second")
    assert result.code == Exit.OK, result.err
    after = (tiny / "engine.yaml").read_text()
    assert "grad/one-tracked-factor" not in after, "it passes"
    assert "- cases: leaf/*  # of another area" in after, "nobody ran it"
    assert spec in after and "reason: the rest" in after and "cases: '*'" not in after
    assert after.endswith("versions: ''\n")
    assert harness("run", "--engine", tiny, *AREAS, "--strict").code == Exit.OK


def test_failing_in_another_way_is_a_regression(harness: Harness, tiny: Path, run: Path) -> None:
    harness("update-deviations", run, *SAY)
    path = tiny / "engine.yaml"
    path.write_text(path.read_text().replace("seen: ", "seen: other ", 1))
    result = harness("run", "--engine", tiny, *AREAS, "-o", "other")
    assert result.code == Exit.NONCONFORMING
    [line] = [c for c in read(next(Path("other").glob("*.jsonl"))).cases.values() if c.standing is Standing.UNEXPECTED][
        :1
    ]
    assert "in another way than is known" in line.remarks[-1]


def test_an_expired_deviation_is_stale(harness: Harness, tiny: Path, run: Path) -> None:
    harness("update-deviations", run, *SAY)
    path = tiny / "engine.yaml"
    path.write_text(path.read_text().replace("reason: ", "expires: 2020-02-29\n    reason: "))
    assert harness("run", "--engine", tiny, *AREAS).code == Exit.OK
    assert harness("run", "--engine", tiny, *AREAS, "--strict").code == Exit.STALE


def test_a_deviation_of_another_platform_explains_nothing(harness: Harness, tiny: Path, run: Path) -> None:
    harness("update-deviations", run, *SAY)
    path = tiny / "engine.yaml"
    path.write_text(path.read_text().replace("reason: ", "platform: plan9-*\n    reason: "))
    assert harness("run", "--engine", tiny, *AREAS).code == Exit.NONCONFORMING


def test_some_cases_are_added_alone(harness: Harness, tiny: Path, run: Path) -> None:
    """Each cause has a reason of its own: what is known of one says nothing of the others."""
    spec = sorted(unexpected(run))[0].partition("[")[0]
    harness("update-deviations", run, *SAY, "--only", f"{spec}*")
    harness("run", "--engine", tiny, *AREAS, "-o", "other")
    assert unexpected(Path("other")) == {id for id in unexpected(run) if id.partition("[")[0] != spec}


def test_what_was_added_before_is_not_added_again(harness: Harness, tiny: Path, run: Path) -> None:
    """One record serves several calls, each with a reason of its own."""
    harness("update-deviations", run, *SAY)
    before = (tiny / "engine.yaml").read_text()
    assert harness("update-deviations", run, *SAY).out.endswith("nothing to change\n")
    assert (tiny / "engine.yaml").read_text() == before
