"""Whether the gradients that the suite states are confirmed, and why not where they are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import yaml

from harness import judge, needs
from harness.engine import Array
from harness.language.expected import AnyOf, Expected, Items, Numbers
from harness.language.load import CheckedSpec
from harness.language.records import RECORDED, Standing
from tests.oracle import differences, exactly
from tests.oracle.replay import Unanswerable
from tests.oracle.stated import Question, Stated, questions

EXACTLY: Final = "exactly"
BY_DIFFERENCES: Final = "by differences"
CONFIRMED: Final = frozenset({EXACTLY, BY_DIFFERENCES})
EXCEPTED: Final = "on the list of exceptions"
CONTRADICTED: Final = "contradicted"
NEARNESS: Final = 1e-6
"""What a difference quotient of float64 keeps, also of the second order."""


class Finding(NamedTuple):
    """What came out for one stated gradient."""

    case: str
    spec: str
    text: str
    outcome: str
    """One of the words above, or why neither oracle can speak of it."""
    stated: Any = None
    found: Any = None


def exceptions() -> dict[str, str]:
    """Spec id -> why its gradients are not the derivatives of what its program computes."""
    listed: dict[str, str] = yaml.safe_load(Path(__file__).with_name("exceptions.yaml").read_text("utf-8")) or {}
    return listed


def findings(suite: Iterable[CheckedSpec], listed: dict[str, str]) -> Iterator[Finding]:
    for question in questions(suite):
        yield from _of_one(question, question.checked.spec.id in listed)


def _of_one(question: Question, is_listed: bool) -> Iterator[Finding]:
    spec = question.checked.spec
    if spec.standing in RECORDED:
        outcomes: list[tuple[str, Any]] = [("there is no derivative: a rule or a convention", None)] * len(
            question.stated
        )
    else:
        outcomes = _outcomes(question, is_listed)
    for stated, (outcome, found) in zip(question.stated, outcomes, strict=True):
        yield Finding(question.case.id, spec.id, stated.text, outcome, judge.shown(stated.expected), found)


def _outcomes(question: Question, is_listed: bool) -> list[tuple[str, Any]]:
    exact = exactly.answers(question)
    sure = [
        not isinstance(seen, BaseException) and judge.compare(stated.expected, seen) is None
        for stated, seen in zip(question.stated, exact, strict=True)
    ]
    if all(sure):
        return [(EXACTLY, None)] * len(sure)
    near = differences.answers(question)
    return [
        (EXACTLY, None) if is_sure else (_outcome(question, stated, seen, is_listed), seen)
        for stated, is_sure, seen in zip(question.stated, sure, near, strict=True)
    ]


def _outcome(question: Question, stated: Stated, seen: Any, is_listed: bool) -> str:
    if not isinstance(seen, BaseException) and agrees(stated.expected, seen):
        return BY_DIFFERENCES
    if not stated.is_finite:
        return "it is not finite"
    if is_listed:
        return EXCEPTED
    if needs.missing(question.checked, {}, differences.WORDS) or _lacks_keyword(seen):
        return "a word that the reference lacks"
    if isinstance(seen, Unanswerable):
        return str(seen)
    if question.checked.spec.standing is Standing.QUIRK:
        return "a quirk"
    return CONTRADICTED


def _lacks_keyword(seen: Any) -> bool:
    return isinstance(seen, TypeError) and "unexpected keyword argument" in str(seen)


def agrees(expected: Expected, seen: Any) -> bool:
    """Whether the numbers that differences show are the expected ones, whatever the dtype."""
    if isinstance(expected, AnyOf):
        return any(agrees(value, seen) for value in expected.values)
    if isinstance(expected, Items):
        return isinstance(seen, list) and len(seen) == len(expected.items) and all(map(agrees, expected.items, seen))
    if not isinstance(expected, Numbers):
        return True
    wanted, found = np.asarray(expected.values), _numbers(seen)
    rtol, atol = (max(given, NEARNESS) for given in expected.tolerance)
    return found is not None and found.shape == wanted.shape and bool(np.allclose(found, wanted, rtol, atol))


def _numbers(seen: Any) -> Any:
    values = seen.values if isinstance(seen, Array) else seen
    if isinstance(values, list):
        parts = [_numbers(value) for value in values]
        same = len({None if part is None else part.shape for part in parts}) <= 1
        return None if not same or any(part is None for part in parts) else np.asarray(parts)
    return np.asarray(values) if isinstance(values, (int, float, complex)) else None
