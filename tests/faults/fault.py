"""What a fault is, and where all of them are."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness.places import room

REFERENCE = room("engines") / "reference"
_NO_TABLES = ("__main__", "bench", "fault")


class Fault(NamedTuple):
    name: str
    """What the engine does wrong."""
    file: str
    rule: str
    """The text that keeps the rule; it stands once in the file."""
    broken: str
    """What stands there instead."""
    areas: str
    """Of the specs that must catch it; each must go red. Separated by spaces."""
    survives: str = ""
    """Why no spec can catch it, where none does: nothing that a document promises depends on it, or it changes nothing."""

    def planted_in(self, text: str) -> str:
        """The text of the file with the rule broken. Raises `ValueError` where it does not hold the rule once."""
        if (count := text.count(self.rule)) != 1:
            raise ValueError(f"{self.file} holds {self.rule!r} {count} times, not once: mend the fault")
        return text.replace(self.rule, self.broken)


class Concept(NamedTuple):
    title: str
    faults: list[Fault]


def concepts() -> Iterator[Concept]:
    """Every table, under the first line of its module."""
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name not in _NO_TABLES:
            table = importlib.import_module(f"{package}.{module.name}")
            yield Concept((table.__doc__ or module.name).splitlines()[0].rstrip("."), table.FAULTS)
