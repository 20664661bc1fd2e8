"""``equivalent.yaml``, beside an engine.yaml: mutants that change nothing that any program can see, each with the reason.

An entry names a mutant by what does not move when lines are added above it: file, operation, operator and the text of the
expression. ``*`` stands for anything in the first three, and ``...`` in the expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from harness.language import documents
from harness.language.decode import Decoder
from harness.language.records import Record, Text
from harness.mutation.hunt import Found
from harness.mutation.sites import Mutant
from harness.problems import InputError

FILE: Final = "equivalent.yaml"


class Equivalent(Record, frozen=True, kw_only=True):
    """Mutants, and why no program can tell them from the engine."""

    file: Annotated[Text, Meta(description="as in the mutants' ids; * as in a shell")] = "*"
    op: Annotated[Text, Meta(description="the operation, as `harness mutate` names it; * as in a shell")]
    operator: Annotated[Text, Meta(description="what was done: drop the left, only float16; * as in a shell")]
    expression: Annotated[Text, Meta(description="what is changed, in Python's own spelling; ... stands for anything")]
    reason: Annotated[Text, Meta(description="why that changes nothing that can be seen")]

    def fits(self, mutant: Mutant) -> bool:
        return (
            fnmatchcase(mutant.source.shown, self.file)
            and fnmatchcase(mutant.site.op, self.op)
            and fnmatchcase(mutant.operator, self.operator)
            and _fits(self.expression, mutant.expression)  # last: it takes longest
        )

    def __str__(self) -> str:
        return f"{self.op}: {self.operator}: {self.expression}"


def _fits(pattern: str, expression: str) -> bool:
    if "..." not in pattern:
        return pattern == expression
    return re.fullmatch(".*".join(map(re.escape, pattern.split("..."))), expression, re.DOTALL) is not None


class _File(Record, frozen=True, kw_only=True):
    equivalents: tuple[Equivalent, ...]


def read(home: Path, shown: str) -> tuple[Equivalent, ...]:
    """The entries of the file in ``home``; none where there is no such file. Raises `InputError`."""
    path = home / FILE
    if not path.is_file():
        return ()
    node = documents.read(path, f"{shown}/{FILE}")
    decoder = Decoder(f"{shown}/{FILE}")
    file = decoder.record(documents.Mapping(node.place, {"equivalents": (node.place, node)}), _File)
    if file is None or decoder.problems:
        raise InputError(decoder.problems)
    return file.equivalents


def reasons(entries: Iterable[Equivalent], mutants: Iterable[Mutant]) -> Mapping[str, str]:
    """Mutant -> why it is equivalent, for those that an entry fits."""
    known = list(entries)
    found: dict[str, str] = {}
    for mutant in mutants:
        entry = next((entry for entry in known if entry.fits(mutant)), None)
        if entry is not None:
            found[mutant.id] = entry.reason
    return found


def stale(
    entries: Iterable[Equivalent], all_mutants: Iterable[Mutant], found: Mapping[str, Found], *, whole: bool
) -> list[str]:
    """Entries that fit no mutant any more, or (where all cases ran, ``whole``) only mutants that are killed."""
    everything = list(all_mutants)
    out = []
    for entry in entries:
        fitting = [mutant for mutant in everything if entry.fits(mutant)]
        ran = [found[mutant.id] for mutant in fitting if mutant.id in found]
        if not fitting:
            out.append(f"{entry} (fits no mutant)")
        elif whole and len(ran) == len(fitting) and all(result.how is not None for result in ran):
            out.append(f"{entry} (is killed)")
    return out
