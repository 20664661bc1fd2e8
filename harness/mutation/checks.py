"""Every check of every spec, spoilt: what an engine showed stays, what is expected changes, and the judge must say no.

A check that passes whatever is expected checks nothing. Each number in turn is moved, truth values are turned round, kinds
of errors and warnings exchanged, dtypes and shapes replaced.
"""

from __future__ import annotations

import cmath
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from harness.cases import Branch, Case, usual_of
from harness.engine import Array
from harness.judge import compare
from harness.language import kinds
from harness.language.expected import BY_DTYPE, AnyOf, Anything, Exactly, Expected, Form, Items, Numbers, leaves
from harness.language.load import CheckedSpec
from harness.language.records import Outcome, Step
from harness.mutation.bench import Bench, Trial
from harness.record import Status
from harness.seen import Raised, Seen, Warned
from harness.verdict import verdict

MOVED: Final = {
    "float16": 1e-2, "bfloat16": 1e-1, "float32": 1e-3, "complex64": 1e-3, "float64": 1e-8, "complex128": 1e-8,
}  # fmt: skip
"""By how much a number is moved, relative to itself, or to where the absolute tolerance takes over."""
MOST: Final = 200
"""Numbers of one value that are moved one by one; of more, as many are picked evenly."""


class Deaf(NamedTuple):
    """A check that nothing can fail."""

    case: str
    step: int
    line: int
    check: str
    spoilt: str
    """How it was spoilt and passed all the same."""


class Told(NamedTuple):
    checks: int
    """How many were spoilt, each in all its ways."""
    spoilt: int
    deaf: list[Deaf]


def check(bench: Bench) -> Told:
    """Spoil everything that the specs expect of the bench's engine."""
    checks, spoilt, deaf = set[tuple[str, int, str]](), 0, list[Deaf]()
    for trial in bench.trials:
        seen = bench.seen(trial)
        if not _passes(trial.checked, trial.case, seen, bench.wording):
            continue
        for step, line, name, how, checked, case, shows in _spoilt(trial, seen, bench.wording):
            checks.add((trial.case.id, step, name))
            spoilt += 1
            if _passes(checked, case, shows, bench.wording):
                deaf.append(Deaf(trial.case.id, step + 1, line, name, how))
    return Told(len(checks), spoilt, deaf)


def _passes(checked: CheckedSpec, case: Case, seen: Seen, wording: bool) -> bool:
    return verdict(checked, case, seen, wording).status is Status.PASS


Spoilt = tuple[int, int, str, str, CheckedSpec, Case, Seen]
"""Step, line, check, how it is spoilt, and what is judged."""


def _spoilt(trial: Trial, seen: Seen, wording: bool) -> Iterator[Spoilt]:
    checked, case = trial.checked, trial.case
    ended = seen._replace(aborted=Raised(None, "an error", line=checked.lines[0]), steps=[])
    yield 0, checked.lines[0], "no error ends the program", "an error", checked, case, ended
    for number, step in enumerate(checked.spec.steps):
        shows = seen.steps[number]
        line = checked.lines[number]
        for position, (entry, wanted) in enumerate(zip(checked.observations[number], case.steps[number], strict=True)):
            for how, other in _values(wanted, shows.observed[position]):
                changed = _with(case, number, position, other)
                yield number, entry.line, entry.text, how, checked, changed, seen
            raised = _observed(seen, number, position, Raised(None, "an error"))
            if not isinstance(wanted, Anything):
                yield number, entry.line, entry.text, "an error instead", checked, case, raised
        for name, how, other_step in _dues(step, wording):
            yield number, line, name, how, _stepped(checked, number, other_step), case._replace(usual=None), seen
        if step.either:
            for name, how, other_checked, other_case in _outcomes(checked, case, number, seen, wording):
                yield number, line, name, how, other_checked, other_case, seen
        allowed = {*step.warns, *step.allows, *(k for o in step.either for k in (*o.warns, *o.allows))}
        strange = next(kind for kind in sorted(kinds.warnings()) if kind not in allowed)
        warned = shows._replace(warned=[*shows.warned, Warned(strange, strange)])
        steps = [*seen.steps[:number], warned, *seen.steps[number + 1 :]]
        yield number, line, "its warnings", "one more warning", checked, case, seen._replace(steps=steps)


def _observed(seen: Seen, number: int, position: int, value: Any) -> Seen:
    step = seen.steps[number]
    observed = [*step.observed[:position], value, *step.observed[position + 1 :]]
    return seen._replace(steps=[*seen.steps[:number], step._replace(observed=observed), *seen.steps[number + 1 :]])


def _with(case: Case, number: int, position: int, wanted: Expected) -> Case:
    step = case.steps[number]
    changed = (*step[:position], wanted, *step[position + 1 :])
    steps = (*case.steps[:number], changed, *case.steps[number + 1 :])
    return case._replace(steps=steps, usual=None if case.usual is None else tuple(map(usual_of, steps)))


def _stepped(checked: CheckedSpec, number: int, step: Step) -> CheckedSpec:
    steps = (*checked.spec.steps[:number], step, *checked.spec.steps[number + 1 :])
    return dataclasses.replace(checked, spec=msgspec.structs.replace(checked.spec, steps=steps))


def _another(kind: str, known: Sequence[str]) -> str:
    return next(name for name in known if name != kind)


def _dues(step: Step, wording: bool) -> Iterator[tuple[str, str, Step]]:
    """What a step says of errors, warnings and wording, spoilt. Of a step with outcomes, each says it for itself."""
    if step.either:
        return
    replace = msgspec.structs.replace
    errors, warnings = sorted(kinds.errors()), sorted(kinds.warnings())
    if step.raises is None:
        if not step.warns:
            yield "no error is raised", "an error is due", replace(step, raises=errors[0])
    else:
        yield "the error's kind", "another kind", replace(step, raises=_another(step.raises, errors))
        yield "that an error is raised", "no error is due", replace(step, raises=None)
    for at, kind in enumerate(step.warns):
        others = [name for name in warnings if name not in step.warns]
        fewer = (*step.warns[:at], *step.warns[at + 1 :])
        yield f"the warning {kind}", "another kind", replace(step, warns=(*fewer, others[0]))
        yield f"the warning {kind}", "no such warning is due", replace(step, warns=fewer)
    spare = next(name for name in warnings if name not in (*step.warns, *step.allows))
    yield "its warnings", "one more is due", replace(step, warns=(*step.warns, spare))
    if step.message is not None and wording:
        yield "the wording", "another wording", replace(step, message=step.message + " \N{BULLET}")


def _outcomes(
    checked: CheckedSpec, case: Case, number: int, seen: Seen, wording: bool
) -> Iterator[tuple[str, str, CheckedSpec, Case]]:
    """The outcomes that match, spoilt in one thing at a time. The same thing is spoilt in all of them."""
    step = checked.spec.steps[number]
    matching = [
        branch for branch in case.branches[number] if _passes(checked, _branched(case, number, [branch]), seen, wording)
    ]
    observed = seen.steps[number].observed
    texts = [entry.text for entry in checked.observations[number]]
    positions = sorted({position for branch in matching for position, _ in branch.wanted})
    for position in positions:
        changed = list(case.branches[number])
        for branch in matching:
            for at, (where, wanted) in enumerate(branch.wanted):
                if where == position:
                    how, other = next(_values(wanted, observed[position]))
                    spoilt = (*branch.wanted[:at], (where, other), *branch.wanted[at + 1 :])
                    changed[changed.index(branch)] = branch._replace(wanted=spoilt)
        if all(any(where == position for where, _ in branch.wanted) for branch in matching):
            yield texts[position], how, checked, _branched(case, number, changed)
    replace = msgspec.structs.replace
    errors = sorted(kinds.errors())
    outcomes: list[Outcome] = list(step.either)
    for branch in matching:
        outcome = outcomes[branch.number]
        if outcome.raises is not None:
            outcomes[branch.number] = replace(outcome, raises=_another(outcome.raises, errors))
        else:
            spare = next(
                k for k in sorted(kinds.warnings()) if k not in (*outcome.warns, *outcome.allows, *step.allows)
            )
            outcomes[branch.number] = replace(outcome, warns=(*outcome.warns, spare))
    yield (
        "its outcomes",
        "other errors or warnings in all",
        _stepped(checked, number, replace(step, either=tuple(outcomes))),
        case,
    )


def _branched(case: Case, number: int, branches: Sequence[Branch]) -> Case:
    return case._replace(branches=(*case.branches[:number], tuple(branches), *case.branches[number + 1 :]))


def _values(wanted: Expected, observed: Any) -> Iterator[tuple[str, Expected]]:
    """``wanted``, spoilt in every way, of which ``observed`` must match none."""
    match wanted:
        case Numbers():
            yield from _numbers(wanted, observed)
        case Form(shape=shape, dtype=dtype):
            if shape is not None:
                yield "another shape", Form((1, *shape), dtype)
            if dtype is not None:
                yield "another dtype", Form(shape, "int16" if dtype != "int16" else "float64")
        case Exactly(value=bool() as value):
            yield "the other truth value", Exactly(not value)
            yield "null", Exactly(None)
        case Exactly(value=str() as value):
            yield "another text", Exactly(value + "'")
        case Exactly():
            yield "false instead of null", Exactly(False)
        case Items(items=items):
            seen = observed.values if isinstance(observed, Array) else observed
            for at, item in enumerate(items):
                for how, other in _values(item, seen[at]):
                    yield f"item {at}: {how}", Items((*items[:at], other, *items[at + 1 :]))
            yield "one item more", Items((*items, Exactly(None)))
        case AnyOf(values=values):
            fits = [value for value in values if compare(value, observed) is None]
            rest = tuple(value for value in values if value not in fits)
            for how, other in _values(fits[0], observed):
                yield how, AnyOf((other, *rest))


def _numbers(wanted: Numbers, observed: Any) -> Iterator[tuple[str, Expected]]:
    entries = leaves(wanted.values)
    numbers = range(len(entries))
    for at in numbers if len(entries) <= MOST else numbers[:: -(-len(entries) // MOST)]:
        if isinstance(entries[at], (int, float, complex)):
            moved = [*entries[:at], _moved(entries[at], wanted), *entries[at + 1 :]]
            yield f"number {at}", wanted._replace(values=_nested(iter(moved), wanted.shape))
    if isinstance(observed, Array):
        yield "another dtype", wanted._replace(dtype="float64" if wanted.dtype != "float64" else "float32")
        yield "another shape", wanted._replace(values=[wanted.values], shape=(1, *wanted.shape))
    yield "null", Exactly(None)


def _moved(number: Any, wanted: Numbers) -> Any:
    if isinstance(number, bool):
        return not number
    if isinstance(number, int):
        return number + 1
    if cmath.isnan(number):
        return 0.0
    if cmath.isinf(number):
        return -number
    usual_one = BY_DTYPE.get(wanted.dtype)
    rtol, atol = wanted.tolerance
    if usual_one is None:
        return number + 1
    usually = MOVED[wanted.dtype] * max(abs(number), usual_one.atol / usual_one.rtol)
    # A spec with a tolerance of its own has a reason for it.
    return number + (usually if wanted.tolerance == usual_one else max(10 * (atol + rtol * abs(number)), usually))


def _nested(numbers: Iterator[Any], shape: tuple[int, ...]) -> Any:
    if not shape:
        return next(numbers)
    return [_nested(numbers, shape[1:]) for _ in range(shape[0])]
