"""Known deviations: verdicts of an engine that are looked into and explained, and how each of them looks."""

from __future__ import annotations

import datetime
import platform
import sys
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Final

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

    cases: Annotated[Text, Meta(description="case ids, with * and ? as in a shell")]
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


def speaks_of(deviation: Deviation, id: str) -> bool:
    """Whether a case is among those of a deviation; ``[2]`` in its pattern is the second case, not a set of characters."""
    return fnmatchcase(id, deviation.cases.replace("[", "[[]"))


def is_here(deviation: Deviation, where: str = HERE) -> bool:
    """Whether a deviation is one of this platform."""
    return not deviation.platform or fnmatchcase(where, deviation.platform.lower())


def is_expired(deviation: Deviation, today: datetime.date) -> bool:
    return deviation.expires is not None and deviation.expires < today.isoformat()


def explains(deviation: Deviation, case: CaseLine) -> bool:
    """Whether a verdict is the one that is known, and looks as it is known to look."""
    if case.status is not deviation.verdict:
        return False
    return not deviation.seen or fnmatchcase(fingerprint(case), deviation.seen.replace("[", "[[]"))


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
