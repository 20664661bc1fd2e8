"""--budget: what catches most comes first, what is left out is said, and the run is whole all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import budget, selection
from harness.exits import Exit
from harness.record import Status, read
from tests.conftest import Harness, SpecFile

SLOW = "def tensor(data: Any, requires_grad: bool = False) -> Value:\n    __import__('time').sleep(0.05)\n"


@pytest.fixture
def slow(tiny: Path) -> Path:
    init = tiny / "__init__.py"
    head = "def tensor(data: Any, requires_grad: bool = False) -> Value:\n"
    text = init.read_text()
    assert head in text
    init.write_text(text.replace(head, SLOW))
    return tiny


def test_what_is_left_out_is_said(slow: Path, spec_file: SpecFile, harness: Harness, tmp_path: Path) -> None:
    """Cases for which there was no time are counted in the verdict and listed in the record, which is complete and green."""
    cases = ", ".join(f"{{v: {n}.}}" for n in range(100))
    path = spec_file(f"cases: [{cases}]\nrun: x = tensor(v)\nexpect: {{x: {{value: v, dtype: float64}}}}")
    result = harness("run", "-e", slow, path, "--budget", "1", "-j", "1", "-o", "out")
    run = read(tmp_path / "out" / "tiny.jsonl")
    assert result.code == Exit.OK, result
    assert run.complete
    assert run.footer is not None
    left = run.footer.left_out
    assert left
    assert run.cases
    assert len(left) + len(run.cases) == 100
    assert not set(left) & set(run.cases)
    assert {case.status for case in run.cases.values()} == {Status.PASS}
    assert f"{len(left)} left out for lack of time (--budget)" in result.out
    report = (tmp_path / "out" / "report.html").read_text()
    assert f"{len(left)} left out" in report


def test_a_budget_that_suffices_leaves_nothing_out(harness: Harness, tmp_path: Path) -> None:
    """With time enough, every case is judged."""
    assert harness("run", "-e", "reference", "leaf", "--budget", "100", "--report", "none", "-o", "out").code == 0
    run = read(tmp_path / "out" / "reference.jsonl")
    assert run.complete
    assert run.footer is not None
    assert not run.footer.left_out
    assert len(run.cases) == run.header.cases


def test_the_order_is_one_of_all_cases_and_always_the_same() -> None:
    """No case is lost or doubled, and chance has no part in it."""
    specs = selection.written()
    orders = [[id for spec in budget.ordered(specs) for id, _ in spec.cases] for _ in range(2)]
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == sorted(id for spec in specs for id, _ in spec.cases)


def test_what_was_not_looked_at_comes_before_more_of_the_same() -> None:
    """The first cases ask for more different words than as many from the suite's own beginning or end."""
    specs = selection.written()
    order = budget.ordered(specs)

    def words(cases: list[str]) -> int:
        needs = {spec.spec.id: spec.needs for spec in specs}
        return len(set().union(*(needs[id.partition("[")[0]] for id in cases)))

    ids = [id for spec in specs for id, _ in spec.cases]
    first = [id for spec in order for id, _ in spec.cases][:25]
    assert words(first) > words(ids[:25])
    assert words(first) > words(ids[-25:])


def test_a_budget_is_a_time(harness: Harness) -> None:
    """Nonsense is one message."""
    for given in ("0", "-1", "soon"):
        result = harness("run", "-e", "reference", "--budget", given)
        assert (result.code, result.err.count("\n")) == (Exit.USAGE, 1), result
