"""annotations.txt (`reports/github`)."""

from __future__ import annotations

import re
from types import ModuleType

from harness.record import Run


def test_annotations_point_at_the_spec_s_line(build: ModuleType, everything: Run) -> None:
    """Promise: an error per unexpected case, a warning per stale one, at the line of the check or of the spec."""
    lines = build.rendered("github", everything).splitlines()
    heads = [line.split(",title")[0] for line in lines]
    assert heads[:4] == [
        "::error file=specs/backward/gradient-weights.yaml,line=19",
        "::error file=specs/backward/second-backward.yaml,line=9",
        "::error file=specs/ops/solve.yaml,line=1",
        "::warning file=specs/hooks/post-accumulate.yaml,line=1",
    ]
    assert lines[4].startswith("::warning title=torch 2.13.0%3A stale deviation::the known deviation old/*")
    assert len(lines) == 5


def test_properties_and_data_are_escaped_as_the_runner_reads_them(build: ModuleType) -> None:
    """Promise: the escapes of GitHub's toolkit: %, CR and LF in data, and : and , as well in properties."""
    command = build.load("github").command
    assert command("error", "50%: a,b\nc", file="C:\\a,b", title="1%") == (
        "::error file=C%3A\\a%2Cb,title=1%25::50%25: a,b%0Ac"
    )


def test_hostile_text_starts_no_command(build: ModuleType, hostile: Run) -> None:
    """Promise: every line is one command of ours; none begins inside a message."""
    lines = build.rendered("github", hostile).split("\n")
    assert lines.pop() == ""
    assert all(re.match("::(error|warning) (file|title)=[^:]*::", line) for line in lines)
    assert len(lines) == 3
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", "\n".join(lines))


def test_a_run_that_is_no_verdict_is_an_error(build: ModuleType, cut: Run) -> None:
    """Promise: a cut run is not silent."""
    assert build.rendered("github", cut).startswith("::error title=torch 2.4.1%3A incomplete::Incomplete: no verdict")


def test_a_good_run_says_nothing(build: ModuleType) -> None:
    """Promise: no noise."""
    assert build.rendered("github", build.run([build.spec("a/b")], [build.case("a/b")])) == ""
