"""Known deviations: verdicts of an engine that are looked into and explained, and how each of them looks."""

from __future__ import annotations

import datetime
import platform
import re
import sys
from collections.abc import Iterable
from enum import StrEnum
from fnmatch import fnmatchcase, translate
from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from harness.language.records import Record, Text
from harness.record import CaseLine, Status

HERE: Final = f"{sys.platform}-{platform.machine()}".lower()
"""This platform: ``linux-x86_64``, ``darwin-arm64``, ``win32-amd64``."""


class Cause(StrEnum):
    """Why a known deviation is one."""

    BUG = "bug"
    """The engine is wrong; the link shows it."""
    DESIGN = "design"
    """The engine's own documents say that it does otherwise."""
    PRECISION = "precision"
    """The engine is right within a bound that the reason states."""


class Deviation(Record, frozen=True, kw_only=True):
    """A verdict that is known and explained."""

    cases: Annotated[tuple[Text, ...], Meta(min_length=1, description="case ids, with * and ? as in a shell")]
    verdict: Annotated[Status, Meta(description="the verdict it explains; any other is a regression")] = Status.FAIL
    seen: Annotated[
        str,
        Meta(description="how it fails, with * and ? as in a shell; failing in another way is a regression"),
    ] = ""
    cause: Cause = Cause.BUG
    reason: Text
    link: Annotated[Text, Meta(description="an issue, a document, a script: where the reason can be checked")]
    versions: Annotated[str, Meta(description="of the engine, as pip writes them (>=2.4,<2.15); empty for all")] = ""
    platform: Annotated[str, Meta(description="where it happens: linux-*, darwin-arm64; empty for everywhere")] = ""
    expires: (
        Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", description="the last day on which it counts, YYYY-MM-DD")]
        | None
    ) = None


class Single(NamedTuple):
    """One pattern of a deviation."""

    pattern: str
    deviation: Deviation


class Known:
    """Deviations, pattern by pattern; of several that speak of a case, the first counts."""

    def __init__(self, deviations: Iterable[Deviation]) -> None:
        self.singles = [Single(pattern, deviation) for deviation in deviations for pattern in deviation.cases]
        self._exact: dict[str, int] = {}
        wild = []
        for index, (pattern, _) in enumerate(self.singles):
            if "*" in pattern or "?" in pattern:
                wild.append((index, pattern))
            else:
                self._exact.setdefault(pattern, index)
        self._numbers = [index for index, _ in wild]
        self._wild = re.compile("|".join(f"({translate(literal(pattern))})" for _, pattern in wild)) if wild else None

    def find(self, id: str) -> int | None:
        """The position among `singles` of the one that speaks of a case."""
        found = [self._exact[id]] if id in self._exact else []
        match = self._wild.match(id) if self._wild is not None else None
        if match is not None and match.lastindex is not None:
            found.append(self._numbers[match.lastindex - 1])
        return min(found, default=None)

    def explains(self, case: CaseLine) -> bool:
        """Whether a verdict is the one that is known, and looks as it is known to look."""
        index = self.find(case.id)
        return index is not None and explains(self.singles[index].deviation, case)


def literal(pattern: str) -> str:
    """``[2]`` in a pattern is the second case, not a set of characters."""
    return pattern.replace("[", "[[]")


def fits(pattern: str, id: str) -> bool:
    return fnmatchcase(id, literal(pattern))


def is_here(deviation: Deviation, where: str = HERE) -> bool:
    """Whether a deviation is one of this platform."""
    return not deviation.platform or fnmatchcase(where, deviation.platform.lower())


def is_expired(deviation: Deviation, today: datetime.date) -> bool:
    return deviation.expires is not None and deviation.expires < today.isoformat()


def explains(deviation: Deviation, case: CaseLine) -> bool:
    """Whether a verdict is the one that is known, and looks as it is known to look."""
    if case.status is not deviation.verdict:
        return False
    return not deviation.seen or fits(deviation.seen, fingerprint(case))


def fingerprint(case: CaseLine) -> str:
    """How a case fails, in a line that is the same in every run: what was wrong first, and where.

    No number is in it, since numbers differ between machines; of an error, its class and the beginning of its message."""
    if not case.failures:
        return case.status.value
    first = case.failures[0]
    said = " ".join(first.detail.split())[:MESSAGE] if "error" in first.what else ""
    return f"{first.what} {said or first.expression}".strip()


MESSAGE: Final = 60
"""Characters of an engine's message that are part of a fingerprint: what follows names sizes and addresses."""
