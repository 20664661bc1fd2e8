"""Counting and speaking about a record (`harness.summary`), which every report shares."""

from __future__ import annotations

from types import ModuleType

import pytest

from harness import summary, values
from harness.record import Run
from harness.summary import Group, Level


def test_every_case_is_counted_once(everything: Run) -> None:
    """Promise: the groups add up to all selected cases, so nothing is hidden."""
    counts = summary.totals(everything)
    assert sum(counts.groups.values()) == counts.all == 20
    assert (counts.passed, counts.groups[Group.UNEXPECTED], counts.groups[Group.KNOWN]) == (4, 3, 1)
    assert counts.groups[Group.OUTSIDE] == 12


def test_areas_add_up_to_the_totals(everything: Run) -> None:
    """Promise: the rows of the matrix and its last line are the same numbers."""
    areas = summary.area_counts(everything)
    assert {area: counts.ratio for area, counts in areas.items()} == {
        "leaf": "2/2",
        "backward": "1/3",
        "hooks": "1/2",
        "ops": "0/13",
    }
    assert sum(counts.passed for counts in areas.values()) == summary.totals(everything).passed


def test_verdict_says_passed_of_all_and_what_is_beside(everything: Run) -> None:
    """Promise: passed / all, never passed / attempted, with the rest named in the same breath."""
    assert summary.verdict(everything) == (
        "4 of 20 cases pass; 3 are unexpected. Not passed besides: 1 known failure, 12 unsupported. "
        "2 known deviations no longer happen."
    )


def test_levels(build: ModuleType) -> None:
    """Promise: green needs a complete run, nothing unexpected, one pass at least, and an open gate."""
    ok = [build.case("a/b")]
    specs = [build.spec("a/b")]
    unsupported = [build.case("a/b", "unsupported")]
    assert summary.level(build.run(specs, ok)) is Level.EXPECTED
    assert summary.level(build.run(specs, [build.case("a/b", "fail", "unexpected")])) is Level.UNEXPECTED
    assert summary.level(build.run(specs, ok, exit=3)) is Level.GATE
    assert summary.level(build.run(specs, unsupported)) is Level.EMPTY
    assert summary.level(build.run()) is Level.EMPTY
    assert summary.level(build.run(specs, ok, complete=False)) is Level.INCOMPLETE
    assert summary.level(build.run(specs, ok, selected=2)) is Level.INCOMPLETE


def test_incomplete_run_counts_what_it_misses(cut: Run) -> None:
    """Promise: cases that were never reached stay in the total, also by area."""
    assert summary.totals(cut).groups[Group.MISSING] == 17
    assert summary.area_counts(cut)["backward"].ratio == "1/3"
    assert summary.verdict(cut).startswith("Incomplete: no verdict for 17 of 20 selected cases. 3 of 20 cases pass")


def test_labels_are_unique(build: ModuleType) -> None:
    """Promise: two runs of one engine can be told apart."""
    assert summary.labels([build.run(), build.run(version="2.4")]) == ["torch 2.13.0", "torch 2.4"]
    assert summary.labels([build.run(), build.run(device="cuda")]) == ["torch 2.13.0 cpu", "torch 2.13.0 cuda"]
    assert summary.labels([build.run(), build.run()]) == ["torch 2.13.0 cpu #1", "torch 2.13.0 cpu #2"]


def test_explain_command_is_safe_to_paste(build: ModuleType) -> None:
    """Promise: the command reproduces just that case, whatever its id or the engine is called."""
    case = build.case("a/b[2]")
    assert summary.explain_command(build.run(), case) == "harness explain 'a/b[2]' --engine torch"
    odd = build.run(source="./my engine; rm -rf", device="cuda")
    assert summary.explain_command(odd, case) == "harness explain 'a/b[2]' --engine './my engine; rm -rf' --device cuda"


def test_stale_patterns_are_told_once(build: ModuleType) -> None:
    """Promise: a stale deviation with a case is told as that case, not a second time as its pattern."""
    run = build.run(
        [build.spec("a/b")], [build.case("a/b[1]", standing="stale")], stale=["a/b[1]", "a/*", "old/thing[?]"]
    )
    assert [note.case and note.case.id for note in summary.stale_notes(run)] == ["a/b[1]", None]


def test_matrices_are_aligned(build: ModuleType) -> None:
    """Promise: nested values are readable as matrices."""
    value = build.tensor([[1.0, -200.5], ["nan", 3.0]], [2, 2])
    assert values.text(values.block(value)) == "float64 [2, 2]\n[[   1.0, -200.5],\n [   nan,    3.0]]"


def test_tensors_in_a_list_stand_one_below_the_other(build: ModuleType) -> None:
    """Promise: several gradients returned at once are as readable as one."""
    value = [build.tensor([[1.0], [20.0]], [2, 1]), None]
    assert values.text(values.block(value)) == "[0] float64 [2, 1]\n    [[ 1.0],\n     [20.0]]\n[1] null"
    assert values.inline({"dtype": "float64", "shape": None}) == "float64 any shape"


@pytest.mark.parametrize("value", [[], [[], []], 0.5, None, True, "text", {"a": [1]}, [1, [2, [3]]], [[[1]]]])
def test_any_value_has_a_text(value: object) -> None:
    """Promise: whatever an adapter observed can be shown."""
    assert values.text(values.block(value))
    assert values.inline(value)


def test_deep_and_long_values_are_cut(build: ModuleType) -> None:
    """Promise: no observed value can break the layout or the report."""
    deep: object = 1
    for _ in range(900):
        deep = [build.tensor([deep], [1])]
    assert len(values.inline(deep)) < 200
    assert len(values.text(values.block(deep))) < 500
    assert "… 99990 more" in values.text(values.block([[0.0]] * 99998))


def test_a_differing_entry_is_never_cut() -> None:
    """Promise: of a long value the entries that differ are always among those shown."""
    lines = values.block(list(range(1000)), frozenset({(700,)}))
    assert [piece.text for line in lines for piece in line if piece.marked] == ["700"]


def test_sides_mark_what_differs(build: ModuleType) -> None:
    """Promise: differing entries, shapes and dtypes are marked on both sides, and nothing else is."""

    def marked(**changes: object) -> list[list[str]]:
        both = values.sides(build.check(**changes))
        return [[piece.text for line in side for piece in line if piece.marked] for side in both]

    assert marked() == [["3.0", "-40.5"], ["3.5", "40.5"]]
    shape = {"expected": build.tensor([1.0], [1]), "observed": build.tensor(1.0, [], "float32"), "where": []}
    assert marked(**shape) == [["float64", "[1]"], ["float32", "[]"]]
    assert marked(expected=2, observed=3, where=[[]]) == [["2"], ["3"]]
    assert marked(expected=None, observed=[1], where=[]) == [["null"], ["[1]"]]
    form = {"dtype": None, "shape": [2]}
    assert marked(what="shape", expected=form, observed=build.tensor([1.0], [1]), where=[]) == [["[2]"], ["[1]"]]
    pair = [build.tensor([1.0, 2.0], [2]), "x"]
    assert marked(expected=pair, observed=[build.tensor([1.0, 3.0], [2]), "x"], where=[[0, 1]]) == [["2.0"], ["3.0"]]
    assert marked(what="no-error", expected="graph-freed", observed="no error") == [["graph-freed"], []]
    assert marked(what="wrong-error", expected="graph-freed", observed="leaf-inplace") == [
        ["graph-freed"],
        ["leaf-inplace"],
    ]


def test_printable_leaves_nothing_that_steers() -> None:
    """Promise: control characters and reversed text become visible, ordinary text stays."""
    assert values.printable("a\x1b[31m\x00\u202e\ud800\n\tü") == "a␛[31m␀\ufffd\ufffd\n\tü"
