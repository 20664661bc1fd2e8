"""Exit codes: one table, documented, tested, never combined. The first condition that holds, from the top, decides."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    INTERRUPTED = 130
    INTERNAL = 70
    USAGE = 2
    SPEC_INVALID = 4
    ENGINE_UNUSABLE = 6
    EMPTY = 5
    INCOMPLETE = 7
    NONCONFORMING = 1
    STALE = 3
    OK = 0


MEANING: dict[Exit, str] = {
    Exit.OK: "everything as expected, known deviations and unsupported features included",
    Exit.NONCONFORMING: "at least one unexpected verdict, or something worse than the baseline, or a required area not "
    "covered; too many mutants alive, or a check that cannot fail",
    Exit.USAGE: "a wrong option or argument, an unreadable run record",
    Exit.STALE: "nothing unexpected, but a known deviation no longer happens (only with --strict), or a mutant is no "
    "longer equivalent",
    Exit.SPEC_INVALID: "a spec does not load; every mistake is listed with file, line and column",
    Exit.EMPTY: "`-k` or a shard leaves no case, or nothing could be judged: zero verdicts are never green",
    Exit.ENGINE_UNUSABLE: "an engine could not be loaded; nothing was judged with it",
    Exit.INCOMPLETE: "some selected cases have no verdict: a run (or a record) that ended early, a missing shard",
    Exit.INTERNAL: "a fault in the harness",
    Exit.INTERRUPTED: "stopped by the user; what was judged so far is on disk",
}


def first(conditions: Iterable[Exit]) -> Exit:
    """The exit code of a run in which ``conditions`` held."""
    held = set(conditions)
    return next((code for code in Exit if code in held), Exit.OK)
