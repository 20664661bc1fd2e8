"""What a spec needs of an engine and the engine does not have."""

from __future__ import annotations

from typing import NamedTuple

from harness.engine import Engine
from harness.language.load import CheckedSpec
from harness.plugins import Loaded


class Missing(NamedTuple):
    """A word that a spec needs and the engine does not have."""

    word: str
    reason: str
    """Why, where the engine declares to lack it by design."""

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}" if self.reason else self.word


def missing(checked: CheckedSpec, loaded: Loaded) -> list[Missing]:
    """What the spec needs and the engine does not have."""
    engine, lacks = loaded.engine, loaded.file.lacks
    out = []
    for need in sorted(checked.needs):
        declared = next((word for word in (need, need.partition("(")[0]) if word in lacks), None)
        if declared is not None:
            out.append(Missing(declared, lacks[declared]))
        elif "(" not in need and not _has(engine, need):
            out.append(Missing(need, ""))
    return out


def _has(engine: Engine, need: str) -> bool:
    if need.startswith("."):
        name, _, store = need[1:].partition(" ")
        return name in engine.attributes and (
            not store or name in engine.setters or not callable(engine.attributes[name])
        )
    return not need[0].isalpha() or need == "abs" or need in engine.names
