"""The verdict on one case: what its program saw, step by step, against what the spec says."""

from __future__ import annotations

import ast
import traceback
from collections.abc import Iterator
from typing import Any, NamedTuple

from harness.cases import Case
from harness.engine import Engine, Unsupported
from harness.judge import check_observed, compare, shown
from harness.language.compile import Raised, Unreadable
from harness.language.expected import Expected
from harness.language.guards import OutOfBounds
from harness.language.load import CheckedSpec
from harness.record import Check, Status
from harness.values import clean

UNCLASSIFIED = "unclassified"
"""An exception that the adapter maps to no kind."""

SPEC_FAULTS = {
    "bounds": "the spec's program goes beyond the bounds of the language",
    "unbound": "the spec's program uses a name that it has not bound",
}
"""What a program does wrong by itself: nothing is said about the engine."""


class Judge:
    """The verdict on one case from what its program saw."""

    def __init__(self, engine: Engine, wording: bool, checked: CheckedSpec, case: Case) -> None:
        self.engine = engine
        self.wording = wording
        self.checked = checked
        self.case = case
        self.failures: list[Check] = []
        self.remarks: list[str] = []

    def verdict(self, out: list[Any], aborted: BaseException | None) -> tuple[Status, list[Check], str]:
        position = 0
        for number, (step, wanted, entries) in enumerate(
            zip(self.checked.spec.steps, self.case.steps, self.checked.observations, strict=True)
        ):
            due = bool(step.raises) + len(wanted) + 1
            seen = out[position : position + due]
            position += due
            if len(seen) < due:
                assert aborted is not None
                self.unexpected(number, aborted)
                break
            if step.raises:
                self.error(number, seen[0])
            for entry, value, shows in zip(entries, wanted, seen[bool(step.raises) :], strict=False):
                self.observation(number, entry.text, entry.line, value, shows)
            self.warned(number, seen[-1])
        for what, reason in SPEC_FAULTS.items():
            # Behind a failure, a name may be unbound because the engine led the program astray.
            if any(failure.what == what for failure in self.failures[: 1 if what == "unbound" else None]):
                return Status.ERROR, self.failures, reason
        return (Status.FAIL if self.failures else Status.PASS), self.failures, ""

    def fail(self, what: str, number: int, line: int, **more: Any) -> None:
        self.failures.append(Check(what=what, step=number + 1, line=line, **more))

    def last_line(self, number: int) -> int:
        return self.checked.trees[number].body[-1].lineno

    def text(self, number: int, line: int) -> str:
        lines = self.checked.spec.steps[number].run.splitlines()
        at = line - self.checked.lines[number]
        return lines[at].strip() if 0 <= at < len(lines) else ""

    def kind(self, error: BaseException) -> str:
        return self.engine.error_kind(error) or UNCLASSIFIED

    def is_own(self, error: BaseException) -> bool:
        """Whether the program itself raised, and not the engine below it."""
        places = list(_places(error))
        return bool(places) and places[-1].file == self.checked.file

    def line_of(self, error: BaseException) -> int | None:
        """The line of the program's top level in which an exception came up."""
        return next((p.line for p in _places(error) if p.file == self.checked.file and p.function == "_case"), None)

    def unexpected(self, number: int, error: BaseException, expression: str = "", line: int = 0) -> None:
        """An exception where none is due."""
        if isinstance(error, (Unsupported, Unreadable)):
            raise error
        if not line:
            lines = [place.line for place in _places(error) if place.file == self.checked.file]
            line = lines[-1] if lines else self.checked.lines[number]
        what = "unexpected-error"
        if isinstance(error, OutOfBounds):
            what = "bounds"
        elif isinstance(error, NameError) and self.is_own(error):
            what = "unbound"
        self.fail(
            what,
            number,
            line,
            expression=expression or self.text(number, line),
            expected="no error",
            observed=self.kind(error) if what == "unexpected-error" else what,
            detail=one_line(error) + _advice(error),
        )

    def error(self, number: int, shows: Raised | None) -> None:
        step, line = self.checked.spec.steps[number], self.last_line(number)
        text = self.text(number, line)
        if shows is None:
            self.fail("no-error", number, line, expression=text, expected=step.raises, observed="no error")
            return
        raised_at = self.line_of(shows.error)
        early = raised_at is not None and not _in_last_line(self.checked.trees[number].body[-1], raised_at)
        if isinstance(shows.error, (OutOfBounds, Unsupported)) or early:
            self.unexpected(number, shows.error)
            return
        kind = self.kind(shows.error)
        if kind != step.raises:
            self.fail(
                "wrong-error",
                number,
                line,
                expression=text,
                expected=step.raises,
                observed=kind,
                detail=one_line(shows.error),
            )
        elif self.wording and step.message is not None and step.message not in str(shows.error):
            self.fail("message", number, line, expression=text, expected=step.message, observed=one_line(shows.error))

    def observation(self, number: int, text: str, line: int, value: Expected, shows: Any) -> None:
        if isinstance(shows, Raised):
            self.unexpected(number, shows.error, text, line)
            return
        mismatch = compare(value, shows)
        if mismatch is not None:
            check_observed(shows)
            self.fail(
                mismatch.what,
                number,
                line,
                expression=text,
                expected=shown(value),
                observed=shown(shows),
                difference=mismatch.difference,
                where=mismatch.where,
                detail=mismatch.detail,
            )

    def warned(self, number: int, shows: list[Warning | str]) -> None:
        step = self.checked.spec.steps[number]
        if not shows and not step.warns:
            return
        line = self.last_line(number)
        text = self.text(number, line)
        texts: dict[str, str] = {}
        for warning in shows:
            kind = self.engine.warning_kind(warning) if isinstance(warning, Warning) else None
            wording = clean(" ".join(str(warning).split())[:500])
            if kind is not None:
                texts.setdefault(kind, wording)
            elif wording not in self.remarks:
                self.remarks.append(wording)
        for kind in step.warns:
            if kind not in texts:
                self.fail(
                    "missing-warning",
                    number,
                    line,
                    expression=text,
                    expected=kind,
                    observed=sorted(texts) or "no warning",
                    detail="; ".join(self.remarks),  # perhaps it is there, in words that the adapter does not know
                )
            elif self.wording and step.message is not None and not step.raises and step.message not in texts[kind]:
                self.fail("message", number, line, expression=text, expected=step.message, observed=texts[kind])
        for kind, wording in texts.items():
            if kind not in (*step.warns, *step.allows):
                self.fail(
                    "extra-warning",
                    number,
                    line,
                    expression=text,
                    expected=list(step.warns) or "no warning",
                    observed=kind,
                    detail=wording,
                )


class _Place(NamedTuple):
    file: str
    function: str
    line: int


def _places(error: BaseException) -> Iterator[_Place]:
    """Where an exception passed, outermost first; unlike `traceback`, this reads no source files."""
    for frame, line in traceback.walk_tb(error.__traceback__):
        yield _Place(frame.f_code.co_filename, frame.f_code.co_name, line)


def _in_last_line(statement: ast.stmt, line: int) -> bool:
    """Whether ``line`` belongs to the last simple statement in ``statement``: no earlier one may raise."""
    match statement:
        case ast.With(body=[*_, last]) | ast.For(body=[*_, last]):
            return _in_last_line(last, line) or (isinstance(statement, ast.With) and line == statement.lineno)
        case ast.If(body=[*_, last], orelse=orelse):
            return _in_last_line(last, line) or (bool(orelse) and _in_last_line(orelse[-1], line))
    return statement.lineno <= line <= (statement.end_lineno or statement.lineno)


def _advice(error: BaseException) -> str:
    """What to do about Python's own complaint that there is no such operator or keyword."""
    text = str(error)
    if isinstance(error, TypeError) and "NoneType" not in text:
        if text.startswith("unsupported operand type"):
            return " (an engine without this operator lists it under 'lacks' in its engine.yaml)"
        if "unexpected keyword argument" in text:
            return " (an engine without this keyword lists WORD(KEYWORD) under 'lacks' in its engine.yaml)"
    return ""


def one_line(error: BaseException) -> str:
    """An exception's class and message. Raises `TypeError` where the message cannot be read."""
    try:
        text = str(error)
    except Exception as broken:
        raise TypeError(f"the message of {type(error).__name__} cannot be read") from broken
    return clean(f"{type(error).__name__}: {' '.join(text.split())}"[:1000])
