"""The verdict on one case: what its program showed, step by step, against what the spec says."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from typing import Any

import msgspec

from harness import values
from harness.cases import Branch, Case, recorded_parameters
from harness.engine import Graph
from harness.judge import check_observed, compare, shown
from harness.language.expected import AnyOf, Anything, Expected
from harness.language.load import CheckedSpec, Observation
from harness.language.records import Outcome, Standing, Step, plain
from harness.record import CaseLine, Check, GraphLine, Status
from harness.seen import Raised, Seen, StepSeen, Warned

MOST_RECORDED = 3
"""Differences that a remark names."""

UNCLASSIFIED = "unclassified"
"""An exception that the adapter maps to no kind."""

SPEC_FAULTS = {
    "bounds": "the spec's program goes beyond the bounds of the language",
    "unbound": "the spec's program uses a name that it has not bound",
}
"""What a program does wrong by itself: nothing is said about the engine."""


WHOSE = {
    Standing.RULE: "no derivative exists there, and the engine does not declare to follow PyTorch's rules",
    Standing.CONVENTION: "it is PyTorch's choice among several, and the engine does not declare to follow PyTorch",
    Standing.STRETCH: "PyTorch itself is not accurate there, and no document asks for it",
}
"""Why it is only recorded what an engine does."""


class _Lacks(Exception):
    """The engine says that it has no such thing."""


class _Broken(Exception):
    """The adapter could not do its part."""


class _Exhausted(Exception):
    """There was no more memory."""


def verdict(checked: CheckedSpec, case: Case, seen: Seen, wording: bool) -> CaseLine:
    """The verdict on what a case's program showed; ``wording``: documented wording is judged as well."""
    line = _judged(checked, case, seen, wording)
    if case.lacking:
        return _refusal(line, case)
    return _recorded(line, checked.spec.standing) if case.recorded else line


def _refusal(line: CaseLine, case: Case) -> CaseLine:
    """What an engine does that is asked for what it declares to lack. To refuse it is to be unsupported, and so is to do it after
    all; a wrong number without a word is the worst that an engine can do."""
    if line.status in (Status.CRASH, Status.TIMEOUT, Status.ERROR):
        return line
    first = line.failures[0] if line.failures else None
    wrong = first is not None and first.what == "value" and _is_number(first.observed) and not case.recorded
    if first is not None and wrong and first.step >= case.lacking_from:
        return msgspec.structs.replace(line, status=Status.SILENT_WRONG, reason=case.lacking)
    remark = "it does it all the same" if line.status is Status.PASS else ""
    return msgspec.structs.replace(
        line, status=Status.UNSUPPORTED, reason=case.lacking, failures=[], remarks=[remark] if remark else []
    )


def _is_number(observed: Any) -> bool:
    """Whether an observation, as a record holds it, is a number or numbers."""
    if isinstance(observed, dict):
        return "values" in observed and str(observed.get("dtype")) != "bool"
    return isinstance(observed, (int, float)) and not isinstance(observed, bool)


def _recorded(line: CaseLine, standing: Standing) -> CaseLine:
    """What an engine does where it may follow rules of its own: said, and never failed. One that crashes or hangs does neither."""
    if line.status is Status.PASS:
        remark = "it is accurate there" if standing is Standing.STRETCH else "it does what PyTorch does"
    elif line.status is Status.FAIL:
        where = "is exact" if standing is Standing.STRETCH else "in PyTorch"
        sides = [(check, *values.one_line(check)) for check in line.failures[:MOST_RECORDED]]
        remark = "it does something else: " + "; ".join(
            f"{check.expression}: {observed} ({expected} {where})" for check, expected, observed in sides
        )
    else:
        return line
    return msgspec.structs.replace(
        line, status=Status.NOT_APPLICABLE, reason=WHOSE[standing], failures=[], remarks=[remark, *line.remarks]
    )


def _judged(checked: CheckedSpec, case: Case, seen: Seen, wording: bool) -> CaseLine:
    if case.usual is not None and _is_plain_pass(case.usual, case, seen):
        graph = None if seen.graph is None else _drawn(seen.graph)
        return CaseLine(
            id=case.id,
            spec=checked.spec.id,
            status=Status.PASS,
            parameters=recorded_parameters(case.parameters, checked),
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
        parameters=recorded_parameters(case.parameters, checked, whole=status is not Status.PASS),
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
        for number, wanted in enumerate(self.case.steps):
            if number >= len(seen.steps):
                if seen.aborted is None:
                    raise _Broken(f"{len(seen.steps)} of {len(steps)} steps were reported, and no error")
                self.unexpected(number, seen.aborted)
                break
            showed = seen.steps[number]
            if len(showed.observed) != len(wanted):
                raise _Broken(f"step {number + 1}: {len(showed.observed)} of {len(wanted)} observations were reported")
            step = steps[number]
            if showed.raised is not None and not step.may_raise:
                raise _Broken(
                    f"step {number + 1}: an error was reported where none is due, and not as what ended the program"
                )
            if step.raises:
                self.error(number, step, step.raises, showed.raised)
            entries = self.checked.observations[number]
            for entry, value, shows in zip(entries, wanted, showed.observed, strict=True):
                if not isinstance(value, Anything):
                    self.observation(number, entry, value, shows)
            if step.either:
                self.either(number, step, showed)
            elif showed.warned or step.warns:
                self.warned(number, step, step.allows, showed.warned)
        for what, reason in SPEC_FAULTS.items():
            # Behind a failure, a name may be unbound because the engine led the program astray.
            if any(failure.what == what for failure in self.failures[: 1 if what == "unbound" else None]):
                return Status.ERROR, self.failures, reason
        return (Status.FAIL if self.failures else Status.PASS), self.failures, ""

    def either(self, number: int, step: Step, showed: StepSeen) -> None:
        """Whether some outcome matches in full; where none does, the checks of the closest one have failed."""
        before, tried = self.failures, list[tuple[Outcome, list[Check]]]()
        lacks: Exception | None = None
        for branch in self.case.branches[number]:
            self.failures = []
            try:
                self.outcome(number, step, branch, showed)
            except (_Lacks, _Broken, _Exhausted) as error:  # another outcome may need nothing of this
                lacks = lacks or error
                continue
            if not self.failures:
                break
            tried.append((step.either[branch.number], self.failures))
        else:
            if lacks is not None:
                raise lacks
            tried.sort(key=lambda outcome: _distance(outcome[1]))
            first, *rest = tried[0][1]
            allowed = [_told(outcome) for outcome, _ in tried]
            self.failures = [msgspec.structs.replace(first, allowed=allowed), *rest]
        self.failures = before + self.failures

    def outcome(self, number: int, step: Step, branch: Branch, showed: StepSeen) -> None:
        outcome = step.either[branch.number]
        if outcome.raises:
            self.error(number, outcome, outcome.raises, showed.raised)
        elif showed.raised is not None:
            self.unexpected(number, showed.raised)
        entries = self.checked.outcomes[number][branch.number]
        for (_, entry), (position, value) in zip(entries, branch.wanted, strict=True):
            self.observation(number, entry, value, showed.observed[position])
        self.warned(number, outcome, (*step.allows, *outcome.allows), showed.warned)

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

    def error(self, number: int, due: Step | Outcome, raises: str, shows: Raised | None) -> None:
        line = self.last_line(number)
        text = self.text(number, line)
        if shows is None:
            self.fail("no-error", number, line, expression=text, expected=raises, observed="no error")
            return
        early = bool(shows.top) and not _in_last_line(self.checked.trees[number].body[-1], shows.top)
        if shows.fault in ("bounds", "unsupported", "memory") or early:
            self.unexpected(number, shows)
            return
        kind = shows.kind or UNCLASSIFIED
        if kind != raises:
            self.fail("wrong-error", number, line, expression=text, expected=raises, observed=kind, detail=shows.text)
        elif self.wording and due.message is not None and due.message not in shows.message:
            self.fail("message", number, line, expression=text, expected=due.message, observed=shows.text)

    def observation(self, number: int, entry: Observation, value: Expected, shows: Any) -> None:
        if isinstance(shows, Raised):
            self.unexpected(number, shows, entry.text, entry.line)
            return
        mismatch = compare(value, shows)
        if mismatch is not None:
            check_observed(shows)
            self.fail(
                mismatch.what,
                number,
                entry.line,
                expression=entry.text,
                expected=shown(mismatch.closest or value),
                observed=shown(shows),
                difference=mismatch.difference,
                where=mismatch.where,
                detail=mismatch.detail,
                allowed=_values(value, mismatch.closest, entry) if isinstance(value, AnyOf) else [],
            )

    def warned(self, number: int, due: Step | Outcome, allows: Sequence[str], shows: list[Warned]) -> None:
        line = self.last_line(number)
        text = self.text(number, line)
        texts: dict[str, str] = {}
        for warning in shows:
            if warning.kind is not None:
                texts.setdefault(warning.kind, warning.text)
            elif warning.text not in self.remarks:
                self.remarks.append(warning.text)
        for kind in due.warns:
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
            elif self.wording and due.message is not None and not due.raises and due.message not in texts[kind]:
                self.fail("message", number, line, expression=text, expected=due.message, observed=texts[kind])
        for kind, wording in texts.items():
            if kind not in (*due.warns, *allows):
                self.fail(
                    "extra-warning",
                    number,
                    line,
                    expression=text,
                    expected=list(due.warns) or "no warning",
                    observed=kind,
                    detail=wording,
                )


def _distance(failures: list[Check]) -> tuple[bool, int, float]:
    """How far an outcome is from what was seen: whether there was an error comes first, then how much differs."""
    other = any(failure.what in ("no-error", "wrong-error", "unexpected-error") for failure in failures)
    gaps = [failure.difference for failure in failures]
    return other, len(failures), sum(gap if isinstance(gap, float) and gap == gap else math.inf for gap in gaps)


def _told(outcome: Outcome) -> str:
    """An outcome in words."""
    parts = [f"raises {outcome.raises}" if outcome.raises else "", *(f"warns {kind}" for kind in outcome.warns)]
    for text, value in outcome.expect.items():
        parts.append(f"{text} is {values.bare(plain(value))}")
    said = ", ".join(filter(None, parts)) or "nothing is raised"
    return said + (f" (PyTorch {outcome.versions})" if outcome.versions else "")


def _values(allowed: AnyOf, closest: Expected | None, entry: Observation) -> list[str]:
    """The values of which one is allowed, in words, the closest first."""
    ordered = sorted(allowed.values, key=lambda value: value is not closest)
    return [f"{entry.text} is {values.inline(shown(value))}" for value in ordered]


def _in_last_line(statement: ast.stmt, line: int) -> bool:
    """Whether ``line`` belongs to the last simple statement in ``statement``: no earlier one may raise."""
    match statement:
        case ast.With(body=[*_, last]) | ast.For(body=[*_, last]):
            return _in_last_line(last, line) or (isinstance(statement, ast.With) and line == statement.lineno)
        case ast.If(body=[*_, last], orelse=orelse):
            return _in_last_line(last, line) or (bool(orelse) and _in_last_line(orelse[-1], line))
    return statement.lineno <= line <= (statement.end_lineno or statement.lineno)
