"""summary.md (`reports/markdown`)."""

from __future__ import annotations

import re
from types import ModuleType

from harness.record import Run


def test_verdict_then_unexpected_then_areas(build: ModuleType, everything: Run) -> None:
    """Promise: the verdict first, then failures with all that is needed, then passed / all by area and engine."""
    text = build.rendered("markdown", everything)
    assert text.index("4 of 20 cases pass") < text.index("## Unexpected: 3") < text.index("| Area |")
    assert "- observed `[[1.0, 2.0], [3.5, 40.5]] float64`" in text
    assert "See it again: `harness explain 'backward/gradient-weights[2]' --engine torch`" in text
    assert "(`specs/backward/gradient-weights.yaml:19`)" in text
    assert "| Operations | ✗ 0/13, 1 unexpected, 12 unsupported |" in text


def test_the_listing_is_capped_and_says_so(build: ModuleType) -> None:
    """Promise: a summary fits a CI page, and says how many failures it leaves out."""
    ids = [f"a/{n}" for n in range(400)]
    cases = [build.case(id, "fail", "unexpected", failures=[build.check(detail="x" * 9999)]) for id in ids]
    text = build.rendered("markdown", build.run([build.spec(id) for id in ids], cases))
    assert "… and 375 more unexpected cases, not listed here." in text
    assert len(text) < 100_000


def test_hostile_text_means_itself(build: ModuleType, hostile: Run) -> None:
    """Promise: outside code spans every character that Markdown or GitHub would act on is escaped."""
    text = build.rendered("markdown", hostile)
    outside = re.sub(r"(?<!`)(`+)(?!`) .*? (?<!`)\1(?!`)", "CODE", re.sub(r"\\.", "", text))
    assert "<" not in outside
    assert "](" not in outside
    assert not re.search(r"@\w", outside)
    tables = [line for line in outside.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {3}
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", text)


def test_words_at_the_start_of_a_line_make_no_list(build: ModuleType) -> None:
    """Promise: a claim that begins like a list or a heading is a claim."""
    words = build.load("markdown").words
    assert words("- a\n# b") == "\\- a \\# b"
    assert words("1. a-b (c): d") == "1\\. a-b (c): d"


def test_incomplete_is_in_the_first_words(build: ModuleType, cut: Run) -> None:
    """Promise: nobody reads numbers of a cut run as a verdict."""
    assert "**torch 2.4.1** (incomplete): Incomplete: no verdict for 17" in build.rendered("markdown", cut)
