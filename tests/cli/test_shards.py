"""One run in several parts, and in another order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.exits import Exit
from harness.record import Status, read
from tests.conftest import Harness, SpecFile

QUIET = ("--report", "none", "--quiet")
CORE = ("--profile", "core", *QUIET)
SOME = ("leaf", "grad", "hook")
"""Areas with enough cases for five parts, and for two orders that differ."""


def lines(path: Path) -> list[dict[str, Any]]:
    """A record without what differs between any two runs."""
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [{k: v for k, v in line.items() if k not in ("seconds", "started", "command")} for line in found]


def shards(harness: Harness, count: int, *more: str | Path, engine: str | Path = "reference") -> None:
    for number in range(1, count + 1):
        harness("run", "--engine", engine, "--shard", f"{number}/{count}", "-o", "parts", *CORE, *more)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_merged_shards_equal_the_undivided_run(harness: Harness, tmp_path: Path, count: int) -> None:
    """Line by line, in the same order, but for times; however many parts there were."""
    harness("run", "--engine", "reference", *SOME, "-o", "whole", *CORE)
    shards(harness, count, *SOME)
    assert harness("merge", "parts", "-o", "merged", *QUIET).code == Exit.OK
    assert lines(tmp_path / "merged" / "reference.jsonl") == lines(tmp_path / "whole" / "reference.jsonl")


def test_a_missing_or_cut_shard_is_never_green(harness: Harness, tmp_path: Path) -> None:
    """Completeness is proven by what each part says of the whole; the merged record is incomplete, and says what lacks."""
    shards(harness, 3, *SOME)
    (tmp_path / "parts" / "reference-2-of-3.jsonl").rename(tmp_path / "kept.jsonl")
    result = harness("merge", "parts", "-o", "merged", *QUIET)
    assert result.code == Exit.INCOMPLETE
    assert "shard 2/3 is missing" in result.out
    assert not read(tmp_path / "merged" / "reference.jsonl").complete
    text = (tmp_path / "kept.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "parts" / "reference-2-of-3.jsonl").write_text("".join(text[:-4]))
    result = harness("merge", "parts", "-o", "merged", *QUIET)
    assert result.code == Exit.INCOMPLETE
    assert "is incomplete" in result.out


def test_one_red_shard_makes_the_whole_red(harness: Harness, tiny: Path, tmp_path: Path) -> None:
    """Unexpected verdicts survive the merge, with their failures."""
    harness("run", "--engine", tiny, "grad", "-o", "whole", *CORE)
    shards(harness, 4, "grad", engine=tiny)
    result = harness("merge", "parts", "-o", "merged", "--report", "html", "--report", "junit")
    assert result.code == Exit.NONCONFORMING
    assert lines(tmp_path / "merged" / "tiny.jsonl") == lines(tmp_path / "whole" / "tiny.jsonl")
    assert (tmp_path / "merged" / "report.html").is_file()


def test_a_shard_without_anything_to_judge_is_no_failure_of_its_own(
    harness: Harness, tiny: Path, tmp_path: Path
) -> None:
    """A part may hold unsupported cases only; the merged run may not."""
    mixed = ("grad/one-tracked-factor", "detach/cuts-gradient[1]")  # the engine has no detach()
    part = harness("run", "--engine", tiny, *mixed, "--shard", "2/2", "-o", "p", *CORE)
    assert part.code == Exit.OK
    (case,) = read(tmp_path / "p" / "tiny-2-of-2.jsonl").cases.values()
    assert case.status is Status.UNSUPPORTED
    shards(harness, 2, "detach", engine=tiny)
    assert harness("merge", "parts", "-o", "merged", *QUIET).code == Exit.EMPTY


def test_what_is_no_part_of_one_run_is_not_merged(harness: Harness, tmp_path: Path) -> None:
    """Another selection, another division, the same part twice, a whole run: one message that says which."""
    shards(harness, 2, *SOME)
    parts = tmp_path / "parts"
    harness("run", "--engine", "reference", "leaf", "--shard", "1/2", "-o", "other", *CORE)
    harness("run", "--engine", "reference", *SOME, "--shard", "1/3", "-o", "third", *CORE)
    harness("run", "--engine", "reference", *SOME, "-o", "whole", *CORE)
    second = parts / "reference-2-of-2.jsonl"
    for runs, message in (
        ((second, tmp_path / "other"), "another suite"),
        ((second, tmp_path / "third"), "another number of shards"),
        ((parts, second), "is there twice"),
        ((tmp_path / "whole",), "is no shard"),
    ):
        result = harness("merge", *runs, "-o", "merged", *QUIET)
        assert result.code == Exit.USAGE and message in result.err, result
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "a/b", "1/0", "-1/3", "1/3/5", "9" * 40 + "/3", ""])
def test_a_wrong_shard_is_one_message(harness: Harness, shard: str) -> None:
    """Parts are counted from one."""
    result = harness("run", "--engine", "reference", "--shard", shard)
    assert result.code == Exit.USAGE
    assert "is no shard" in result.err and "Traceback" not in result.err


def test_shuffled_verdicts_are_the_same(harness: Harness, tmp_path: Path) -> None:
    """Another order, fixed by the seed, and not one verdict differs; the record holds the seed."""

    def run(folder: str, *more: str) -> list[tuple[str, str]]:
        assert harness("run", "--engine", "reference", *SOME, "-o", folder, *CORE, *more).code == Exit.OK
        return [(case.id, case.status.value) for case in read(tmp_path / folder / "reference.jsonl").cases.values()]

    plain, first, again, other = (
        run("a"),
        run("b", "--shuffle", "7"),
        run("c", "--shuffle", "7"),
        run("d", "--shuffle", "8"),
    )
    assert first == again != other
    assert sorted(plain) == sorted(first) == sorted(other) and plain != first
    assert read(tmp_path / "b" / "reference.jsonl").header.shuffle == 7


def test_a_case_that_leaks_is_found_by_another_order(harness: Harness, tiny: Path, spec_file: SpecFile) -> None:
    """What depends on its company shows itself when the company changes: a seed is found that turns the run red."""
    leak = (
        "    Value.seen = getattr(Value, 'seen', 0) + (data == 5)\n"
        "    return Value(data + 0.0 if not Value.seen or data == 5 else -1.0, requires_grad)"
    )
    init = tiny / "__init__.py"
    init.write_text(init.read_text().replace("    return Value(data, requires_grad)", leak))
    quiet, leaking = (
        spec_file("run: x = tensor(1.)\nexpect: {x: 1.}"),
        spec_file("run: x = tensor(5.)\nexpect: {x: 5.}"),
    )
    codes = {harness("run", "--engine", tiny, quiet, leaking, "--shuffle", str(seed), *QUIET).code for seed in range(6)}
    assert codes == {Exit.OK, Exit.NONCONFORMING}
