"""Two runs side by side: what got better, what got worse, what came and went."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from harness.gate import RANK
from harness.record import CaseLine, Run, Status


class Movement(StrEnum):
    WORSE = "worse"
    BETTER = "better"
    CHANGED = "changed"
    """The same verdict for another reason: it fails differently."""
    REMOVED = "removed"
    ADDED = "added"


class Change(NamedTuple):
    movement: Movement
    id: str
    before: CaseLine | None
    after: CaseLine | None


def compare(before: Run, after: Run) -> list[Change]:
    """Every case that differs. Only a case that is in both runs can get worse: a new failing case is no regression."""
    out = []
    for id in sorted(before.cases.keys() | after.cases.keys()):
        old, new = before.cases.get(id), after.cases.get(id)
        if old is None or new is None:
            if not (before if old is None else after).complete:
                continue  # never reached there: neither added nor removed
            out.append(Change(Movement.ADDED if old is None else Movement.REMOVED, id, old, new))
        elif RANK[new.status] != RANK[old.status]:
            out.append(Change(Movement.WORSE if RANK[new.status] < RANK[old.status] else Movement.BETTER, id, old, new))
        elif new.status != old.status or _fingerprint(new) != _fingerprint(old):
            out.append(Change(Movement.CHANGED, id, old, new))
    order = list(Movement)
    return sorted(out, key=lambda change: (order.index(change.movement), change.id))


def _fingerprint(case: CaseLine) -> list[tuple[str, int, str, str]]:
    """How a case fails; numbers may move, the way it fails stays."""
    return [
        (check.what, check.step, check.expression, str(check.observed) if check.what.endswith("error") else "")
        for check in case.failures
    ] + [("recorded", 0, remark, "") for remark in case.remarks if case.status is Status.NOT_APPLICABLE]
