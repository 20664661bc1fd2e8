"""A verdict that speaks against an engine is given twice: once among others, once alone in a fresh process.

Where the two agree, that is the verdict. Where a case fails only in company, the smallest company in which it fails is
looked for, and told.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

T = TypeVar("T")
SUSPECTS = 3
TRIALS = 100
"""Runs that one search may take."""


def smallest(
    before: Sequence[T], suspects: Sequence[tuple[T, ...]] = ()
) -> Generator[tuple[T, ...], bool | None, tuple[T, ...] | None]:
    """Search for the smallest company: yields one to try, is sent whether the case failed in it.

    ``suspects``: companies that made other cases fail; one case often spoils many. Returns what is left; None where not even
    all of ``before`` makes the case fail again. Delta debugging (Zeller and Hildebrandt, 2002): halves, then what is left
    without each part, ever finer; order kept."""
    company = tuple(before)
    for suspect in suspects[:SUSPECTS]:
        if all(any(one is other for other in company) for one in suspect) and (yield suspect):
            return suspect
    if not company or not (yield company):
        return None
    parts, trials = 2, 1
    while len(company) > 1 and trials < TRIALS:
        size = -(-len(company) // parts)
        chunks = [company[at : at + size] for at in range(0, len(company), size)]
        rests = [company[:at] + company[at + size :] for at in range(0, len(company), size)] if parts > 2 else []
        for candidate in (*chunks, *rests):
            trials += 1
            if (yield candidate):
                parts = 2 if candidate in chunks else max(parts - 1, 2)
                company = candidate
                break
            if trials >= TRIALS:
                break
        else:
            if parts >= len(company):
                break
            parts = min(2 * parts, len(company))
    return company
