"""What a spec needs of an engine and the engine does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from harness.capabilities import Words
from harness.language.load import CheckedSpec
from harness.language.words import SYNTAX


class Missing(NamedTuple):
    """A word that a spec needs and the engine does not have."""

    word: str
    reason: str
    """Why, where the engine declares to lack it by design."""

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}" if self.reason else self.word


def missing(checked: CheckedSpec, lacks: Mapping[str, str], words: Words) -> list[Missing]:
    """What the spec needs and the engine does not have; ``lacks``: what it declares to lack by design."""
    out = []
    for need in sorted(checked.needs):
        declared = next((word for word in (need, need.partition("(")[0]) if word in lacks), None)
        if declared is not None:
            out.append(Missing(declared, lacks[declared]))
        elif "(" not in need and not _has(words, need):
            out.append(Missing(need, ""))
    return out


def _has(words: Words, need: str) -> bool:
    if need.startswith("."):
        name, _, store = need[1:].partition(" ")
        return words.attributes.issuperset(name.split(".")) and (not store or name in words.settable)
    return not need[0].isalpha() or need in SYNTAX or need in words.names
