"""The gate: known deviations, staleness, baselines, required areas."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.exits import Exit
from harness.record import Standing, read
from tests.conftest import Harness

SPECS = ("grad", "--report", "none", "-o", "out")


def deviate(tiny: Path, *entries: str) -> None:
    text = (tiny / "engine.yaml").read_text()
    rows = "".join(f"  - {{{entry}, reason: overwrites, link: 'https://example.org/1'}}\n" for entry in entries)
    (tiny / "engine.yaml").write_text(f"{text}deviations:\n{rows}")


def failing(tmp_path: Path) -> set[str]:
    run = read(tmp_path / "out" / "tiny.jsonl")
    return {case.id for case in run.cases.values() if case.standing is Standing.UNEXPECTED}


@pytest.fixture
def known(harness: Harness, tiny: Path, tmp_path: Path) -> set[str]:
    """The cases of area grad that the tiny engine fails."""
    assert harness("run", "--engine", tiny, *SPECS).code == Exit.NONCONFORMING
    found = failing(tmp_path)
    assert found
    return found


def test_a_known_deviation_is_expected(harness: Harness, tiny: Path, tmp_path: Path, known: set[str]) -> None:
    """Listed failures are green, and the record carries reason and link."""
    deviate(tiny, *(f"cases: '{id}'" for id in known))
    assert harness("run", "--engine", tiny, *SPECS, "--strict").code == Exit.OK
    case = read(tmp_path / "out" / "tiny.jsonl").cases[min(known)]
    assert (case.standing, case.reason, case.link) == (Standing.EXPECTED, "overwrites", "https://example.org/1")


def test_another_verdict_than_the_known_one_is_a_regression(harness: Harness, tiny: Path, known: set[str]) -> None:
    """A deviation explains its own verdict only."""
    deviate(tiny, "cases: 'grad/*', verdict: unsupported")
    assert harness("run", "--engine", tiny, *SPECS).code == Exit.NONCONFORMING


def test_a_deviation_that_no_longer_happens_is_stale(harness: Harness, tiny: Path, known: set[str]) -> None:
    """Stale entries are told, and fail under --strict only."""
    deviate(tiny, *(f"cases: '{id}'" for id in known), "cases: grad/one-tracked-factor")
    relaxed = harness("run", "--engine", tiny, *SPECS)
    strict = harness("run", "--engine", tiny, *SPECS, "--strict")
    assert (relaxed.code, strict.code) == (Exit.OK, Exit.STALE)
    assert "grad/one-tracked-factor" in relaxed.out


def test_a_pattern_that_matches_nothing_is_stale_when_everything_ran(harness: Harness, tiny: Path) -> None:
    """A deviation for a spec that does not exist is found by a run of a whole profile, and not by a partial one."""
    deviate(tiny, "cases: 'no-such/spec'", "cases: '*'")
    everything = harness("run", "--engine", tiny, "--profile", "core", "--report", "none", "--strict")
    assert "no-such/spec" in everything.out
    assert "no-such/spec" not in harness("run", "--engine", tiny, *SPECS, "--strict").out


def test_deviations_have_versions(harness: Harness, tiny: Path, known: set[str]) -> None:
    """An entry for other versions of the engine explains nothing."""
    deviate(tiny, "cases: 'grad/*', versions: '>=2'")
    assert harness("run", "--engine", tiny, *SPECS).code == Exit.NONCONFORMING


def test_a_baseline_fails_only_on_what_got_worse(harness: Harness, tiny: Path, tmp_path: Path, known: set[str]) -> None:
    """What failed before may fail; what passed before may not."""
    (tmp_path / "out" / "tiny.jsonl").rename(tmp_path / "before.jsonl")
    assert harness("run", "--engine", tiny, *SPECS, "--baseline", "before.jsonl").code == Exit.OK
    init = tiny / "__init__.py"
    init.write_text(init.read_text().replace("g * o.data, g * self.data", "g, g"))
    result = harness("run", "--engine", tiny, *SPECS, "--baseline", "before.jsonl")
    assert result.code == Exit.NONCONFORMING
    assert not failing(tmp_path) & known
    diff = harness("diff", "before.jsonl", "out/tiny.jsonl")
    assert diff.code == Exit.NONCONFORMING
    assert "worse" in diff.out


def test_required_areas(harness: Harness, tiny: Path) -> None:
    """--require AREA fails where a case of it is unsupported, and where none was selected."""
    assert harness("run", "--engine", "reference", "leaf", "--require", "leaf", "--report", "none").code == Exit.OK
    unsupported = harness("run", "--engine", tiny, "leaf", "--require", "leaf", "--report", "none")
    assert "were not judged" in unsupported.out
    assert harness("run", "--engine", "reference", "leaf", "--require", "grad", "--report", "none").code == 1


def test_unsupported_is_counted_in_the_open(harness: Harness, tiny: Path) -> None:
    """passed / all, never passed / attempted."""
    result = harness(
        "run", "--engine", tiny, "leaf/created-tensor-default", "leaf/created-with-flag", "--report", "none"
    )
    assert "unsupported" in result.out
    assert "of 4 cases" in result.out


def test_a_known_deviation_holds_on_the_ladder(harness: Harness, tiny: Path) -> None:
    """The doctor passes a rung whose fault is listed, and no run calls the entry stale: rungs are in no suite."""
    assert "✗ A second backward adds" in harness("doctor", "--engine", tiny).out
    deviate(tiny, "cases: doctor/accumulation")
    assert "△ A second backward adds to x.grad.  (overwrites)" in harness("doctor", "--engine", tiny).out
    run = harness("run", "--engine", tiny, "--report", "none", "-o", "out", "--strict", "--profile", "core")
    assert "not as listed" not in run.out + run.err
