"""YAML from strangers: what is a number, what is a mistake, what cannot exhaust the machine."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from harness.language import documents
from harness.problems import InputError


def load(text: str) -> object:
    return documents.plain(documents.parse(text, "f.yaml"))


def mistakes(text: str) -> str:
    with pytest.raises(InputError) as caught:
        documents.parse(text, "f.yaml")
    return str(caught.value)


def test_scalars_follow_yaml_1_2() -> None:
    """1e-3 is a number; on, yes, 1:30 and 012 are what YAML 1.2 says they are."""
    found = load("[1e-3, 48., .5, -1, +2, 0x1F, 0o17, on, yes, 1:30, true, False, null, ~, .inf, -.inf, '1', 012]")
    assert found == [
        *(0.001, 48.0, 0.5, -1, 2, 31, 15, "on", "yes", "1:30", True, False, None, None, math.inf, -math.inf, "1", 12)
    ]
    nan = load("[.nan]")
    assert isinstance(nan, list) and math.isnan(nan[0])


def test_every_duplicate_key_is_reported_with_both_places() -> None:
    """A duplicate key is an error, and all of them are told at once."""
    assert mistakes("a: 1\na: 2\nb: {c: 1, c: 2}\n").splitlines() == [
        "f.yaml:2:1: key 'a' again; it stands already in line 1",
        "f.yaml:3:11: key 'c' again; it stands already in line 3",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "f.yaml:2:1: is not YAML"),
        ("x: *y", "f.yaml:1:4: alias *y has no anchor &y before it"),
        ("a: &a [*a]", "alias *a has no anchor &a before it"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1: a second document"),
        ("a: !!python/object/apply:os.system [ls]", "has no meaning"),
        ("a: !!python/name:os.system x", "has no meaning"),
        ("[" * 1000, "nested deeper than 32 levels"),
        ("{a: " * 1000, "nested deeper than 32 levels"),
        ("? [a]\n: 1", "a key must be a word"),
        ("a: \x01", "control characters are not allowed"),
        ("a: " + "9" * 100, "more than 40 digits"),
        ("<<: {a: 1}\n<<: {b: 2}", "key '<<' again"),
    ],
)
def test_wrong_yaml_is_one_message_with_its_place(text: str, message: str) -> None:
    """Whatever is wrong with the text ends in file:line:column and a sentence."""
    if text.startswith("a: !!python/object/apply"):
        text = text.replace("[ls]", "ls")
    found = mistakes(text)
    assert message in found
    assert found.startswith("f.yaml:")


def test_an_alias_bomb_ends_in_milliseconds() -> None:
    """Nine lines that would expand to 10**9 values are refused before anything is expanded."""
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    begun = time.perf_counter()
    assert "once its aliases are expanded" in mistakes("\n".join(rows))
    assert time.perf_counter() - begun < 20


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    """Size has a bound; the message says which."""
    path = tmp_path / "big.yaml"
    path.write_text("a: 1\n" * 200_000)
    with pytest.raises(InputError, match="larger than 262,144 bytes"):
        documents.read(path)


def test_unreadable_files_are_problems(tmp_path: Path) -> None:
    """A folder, a missing file and binary data are problems like any other, not tracebacks."""
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"a: \xff\xfe")
    for path, message in (
        (tmp_path, "cannot be read"),
        (tmp_path / "none.yaml", "cannot be read"),
        (binary, "1:4: is not UTF-8"),
    ):
        with pytest.raises(InputError, match=message):
            documents.read(path)
