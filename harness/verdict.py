"""The verdict on one case: what its program showed, step by step, against what the spec says."""

from __future__ import annotations

import ast
from typing import Any

from harness.cases import Case
from harness.engine import Graph
from harness.judge import check_observed, compare, shown
from harness.language.expected import Expected
from harness.language.load import CheckedSpec
from harness.record import CaseLine, Check, GraphLine, Status
from harness.seen import Raised, Seen, Warned

UNCLASSIFIED = "unclassified"
"""An exception that the adapter maps to no kind."""

SPEC_FAULTS = {
    "bounds": "the spec's program goes beyond the bounds of the language",
    "unbound": "the spec's program uses a name that it has not bound",
}
"""What a program does wrong by itself: nothing is said about the engine."""


class _Lacks(Exception):
    """The engine says that it has no such thing."""


class _Broken(Exception):
    """The adapter could not do its part."""


class _Exhausted(Exception):
    """There was no more memory."""


def verdict(checked: CheckedSpec, case: Case, seen: Seen, wording: bool) -> CaseLine:
    """The verdict on what a case's program showed; ``wording``: documented wording is judged as well."""
    if case.usual is not None and _is_plain_pass(case.usual, case, seen):
        graph = None if seen.graph is None else _drawn(seen.graph)
        return CaseLine(
            id=case.id,
            spec=checked.spec.id,
            status=Status.PASS,
            parameters=case.parameters,
            seconds=seen.seconds,
            leaks=list(seen.leaks),
            graph=graph,
        )
    judge = _Judge(wording, checked, case)
    status, reason = Status.ERROR, f"in the adapter or the harness: {seen.broken}"
    failures: list[Check] = []
    if not seen.broken:
        try:
            status, failures, reason = judge.verdict(seen)
        except _Lacks as lacks:
            status, reason = Status.UNSUPPORTED, str(lacks)
        except _Exhausted as exhausted:
            status, reason = Status.CRASH, f"there was no more memory: {exhausted}"
        except Exception as error:  # what an adapter reads may be nothing that can be judged
            reason = f"in the adapter or the harness: {type(error).__name__}: {error}"
            if isinstance(error, _Broken):
                reason = f"in the adapter or the harness: {error}"
            failures = []
    judged = status in (Status.PASS, Status.FAIL) or bool(failures)
    return CaseLine(
        id=case.id,
        spec=checked.spec.id,
        status=status,
        parameters=case.parameters,
        seconds=seen.seconds,
        failures=failures,
        reason=reason,
        remarks=judge.remarks if judged else [],
        leaks=list(seen.leaks),
        graph=_drawn(seen.graph) if judged and seen.graph is not None else None,
    )


def _is_plain_pass(usual: tuple[list[Any], ...], case: Case, seen: Seen) -> bool:
    """Whether every value is as expected and nothing else happened, which is what most cases come to."""
    if seen.broken or seen.aborted is not None or len(seen.steps) != len(usual):
        return False
    try:
        for (values, types), wanted, (raised, observed, warned) in zip(usual, case.steps, seen.steps):  # noqa: B905
            if raised is not None or warned:
                return False
            if observed == values and [*map(type, observed)] == types:
                continue
            if len(observed) != len(wanted):
                return False
            for value, shows in zip(wanted, observed):  # noqa: B905 - equally long, as the others
                if isinstance(shows, Raised) or compare(value, shows) is not None:
                    return False
    except Exception:  # an adapter may read anything; the long way says what is wrong with it
        return False
    return True


def _drawn(graph: Graph) -> GraphLine:
    nodes = [(node.label, node.role, list(node.names)) for node in graph.nodes]
    return GraphLine(nodes=nodes, edges=list(graph.edges))


class _Judge:
    def __init__(self, wording: bool, checked: CheckedSpec, case: Case) -> None:
        self.wording = wording
        self.checked = checked
        self.case = case
        self.failures: list[Check] = []
        self.remarks: list[str] = []

    def verdict(self, seen: Seen) -> tuple[Status, list[Check], str]:
        steps = self.checked.spec.steps
        if len(seen.steps) > len(steps):
            raise _Broken(f"{len(seen.steps)} steps were reported of {len(steps)}")
        for number, (step, wanted) in enumerate(zip(steps, self.case.steps, strict=True)):
            if number >= len(seen.steps):
                if seen.aborted is None:
                    raise _Broken(f"{len(seen.steps)} of {len(steps)} steps were reported, and no error")
                self.unexpected(number, seen.aborted)
                break
            showed = seen.steps[number]
            if len(showed.observed) != len(wanted):
                raise _Broken(f"step {number + 1}: {len(showed.observed)} of {len(wanted)} observations were reported")
            if step.raises:
                self.error(number, showed.raised)
            elif showed.raised is not None:
                raise _Broken(
                    f"step {number + 1}: an error was reported where none is due, and not as what ended the program"
                )
            for position, value in enumerate(wanted):
                self.observation(number, position, value, showed.observed[position])
            if showed.warned or step.warns:
                self.warned(number, showed.warned)
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

    def unexpected(self, number: int, error: Raised, expression: str = "", line: int = 0) -> None:
        """An exception where none is due."""
        if error.fault == "unsupported":
            raise _Lacks(error.text)
        if error.fault == "unreadable":
            raise _Broken(error.text)
        if error.fault == "memory":
            raise _Exhausted(error.text)
        line = line or error.line or self.checked.lines[number]
        self.fail(
            error.fault or "unexpected-error",
            number,
            line,
            expression=expression or self.text(number, line),
            expected="no error",
            observed=error.fault or error.kind or UNCLASSIFIED,
            detail=error.text + error.advice,
        )

    def error(self, number: int, shows: Raised | None) -> None:
        step, line = self.checked.spec.steps[number], self.last_line(number)
        text = self.text(number, line)
        if shows is None:
            self.fail("no-error", number, line, expression=text, expected=step.raises, observed="no error")
            return
        early = bool(shows.top) and not _in_last_line(self.checked.trees[number].body[-1], shows.top)
        if shows.fault in ("bounds", "unsupported", "memory") or early:
            self.unexpected(number, shows)
            return
        kind = shows.kind or UNCLASSIFIED
        if kind != step.raises:
            self.fail(
                "wrong-error", number, line, expression=text, expected=step.raises, observed=kind, detail=shows.text
            )
        elif self.wording and step.message is not None and step.message not in shows.message:
            self.fail("message", number, line, expression=text, expected=step.message, observed=shows.text)

    def observation(self, number: int, position: int, value: Expected, shows: Any) -> None:
        if isinstance(shows, Raised):
            entry = self.checked.observations[number][position]
            self.unexpected(number, shows, entry.text, entry.line)
            return
        mismatch = compare(value, shows)
        if mismatch is not None:
            check_observed(shows)
            entry = self.checked.observations[number][position]
            self.fail(
                mismatch.what,
                number,
                entry.line,
                expression=entry.text,
                expected=shown(value),
                observed=shown(shows),
                difference=mismatch.difference,
                where=mismatch.where,
                detail=mismatch.detail,
            )

    def warned(self, number: int, shows: list[Warned]) -> None:
        step = self.checked.spec.steps[number]
        line = self.last_line(number)
        text = self.text(number, line)
        texts: dict[str, str] = {}
        for warning in shows:
            if warning.kind is not None:
                texts.setdefault(warning.kind, warning.text)
            elif warning.text not in self.remarks:
                self.remarks.append(warning.text)
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


def _in_last_line(statement: ast.stmt, line: int) -> bool:
    """Whether ``line`` belongs to the last simple statement in ``statement``: no earlier one may raise."""
    match statement:
        case ast.With(body=[*_, last]) | ast.For(body=[*_, last]):
            return _in_last_line(last, line) or (isinstance(statement, ast.With) and line == statement.lineno)
        case ast.If(body=[*_, last], orelse=orelse):
            return _in_last_line(last, line) or (bool(orelse) and _in_last_line(orelse[-1], line))
    return statement.lineno <= line <= (statement.end_lineno or statement.lineno)
