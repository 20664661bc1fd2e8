"""What is wrong with an input: where it is, what was found, how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple


class Problem(NamedTuple):
    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text}"


class InputError(Exception):
    """Input that cannot be used; carries every problem that was found, in the order of the text."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(map(str, self.problems)))


def nearest(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the known word most like ``word``, or nothing."""
    if len(word) > 40:
        return ""
    found = difflib.get_close_matches(word, [name for name in known if len(name) <= 40], n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


def shortened(text: object, limit: int = 60) -> str:
    """``repr`` cut to ``limit`` characters: what was found, quoted in a message."""
    shown = repr(text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
