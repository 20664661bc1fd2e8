"""One case, ready to run: its parameters, and what each observation must show on an engine; or why it is not run there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from harness.capabilities import Words
from harness.engine import Array
from harness.language import expected, load
from harness.language.expected import Expected
from harness.language.load import CheckedSpec, Observation
from harness.language.records import Standing
from harness.language.words import DTYPES
from harness.needs import missing
from harness.plugins import EngineFile, Follows, Judges
from harness.record import CaseLine, Status


class Case(NamedTuple):
    """One case, ready to run: parameters in order, and what each observation of each step must show."""

    id: str
    parameters: dict[str, Any]
    values: tuple[Any, ...]
    steps: tuple[tuple[Expected, ...], ...]
    usual: tuple[list[Any], ...] | None = None
    """What the steps show where every value is exactly as expected, each followed by the types of what it shows: most cases
    are judged by one comparison. None where an error or a warning is due."""


def ready(checked: CheckedSpec, file: EngineFile, words: Words) -> Iterator[Case | CaseLine]:
    """Every chosen case of a spec: ready to run, or its verdict where there is nothing to run on this engine."""
    status, reason = refused(checked, file, words)
    cases: tuple[Case, ...] = ()
    if status is None:
        try:
            cases = prepare(checked, file.default_dtype)
        except expected.BadValue as error:
            status, reason = Status.ERROR, f"{checked.file}:{error.line}: {error}"
    if status is not None:
        for id, parameters in checked.cases:
            yield CaseLine(id=id, spec=checked.spec.id, status=status, parameters=parameters, reason=reason)
    for case in cases:
        lacking = [value for value in case.values if is_dtype(value) and value not in words.names]
        if lacking:
            yield CaseLine(
                id=case.id,
                spec=checked.spec.id,
                status=Status.UNSUPPORTED,
                parameters=case.parameters,
                reason="needs " + "; ".join(lacking),
            )
        else:
            yield case


def refused(checked: CheckedSpec, file: EngineFile, words: Words) -> tuple[Status | None, str]:
    """Why a spec is not judged on an engine, if it is not."""
    if checked.spec.standing in (Standing.PYTORCH, Standing.OBSERVED) and file.follows is not Follows.PYTORCH:
        return Status.NOT_APPLICABLE, "it is PyTorch's own way, and the engine does not declare to follow PyTorch"
    if file.judges is Judges.VALUES and any(step.raises or step.warns for step in checked.spec.steps):
        return Status.NOT_APPLICABLE, "it expects an error or a warning, and only values are judged on this engine"
    if lacking := missing(checked, file.lacks, words):
        return Status.UNSUPPORTED, "needs " + "; ".join(map(str, lacking))
    return None, ""


def prepare(checked: CheckedSpec, default: str) -> tuple[Case, ...]:
    """The chosen cases with their expected values, for an engine whose default float dtype is ``default``.

    Raises `expected.BadValue`, with the line of the expectation."""
    return tuple(_case(checked, id, parameters, default) for id, parameters in checked.cases)


def _case(checked: CheckedSpec, id: str, parameters: dict[str, Any], default: str) -> Case:
    names = dict(parameters)
    for name, (tree, dtype) in checked.inputs.items():
        data = load.literal_value(tree, parameters)
        kind = parameters.get(dtype or "", dtype) or expected.dtype_of(data, default)
        # Data that makes no tensor is the engine's to refuse; an expectation that uses it is told that there is no value.
        with suppress(expected.BadValue):
            names[name] = expected.rounded(data, str(kind))
    steps = tuple(tuple(_expected(entry, names, default) for entry in entries) for entries in checked.observations)
    loud = any(step.raises or step.warns for step in checked.spec.steps)
    return Case(id, parameters, tuple(parameters.values()), steps, None if loud else tuple(map(_usual, steps)))


def _usual(wanted: tuple[Expected, ...]) -> list[Any]:
    values = [
        Array(value.dtype, value.shape, value.values)
        if isinstance(value, expected.Numbers)
        else value.value
        if isinstance(value, expected.Exactly)
        else value
        for value in wanted
    ]
    return [values, [*map(type, values)]]


def _expected(entry: Observation, names: dict[str, Any], default: str) -> Expected:
    expectation = entry.expectation
    dtype = names.get(expectation.dtype or "", expectation.dtype)
    if expectation.value is msgspec.UNSET:
        return expected.Form(expectation.shape, dtype)
    given = load.tolerance(expectation.tolerance)
    try:
        return expected.prepare(
            expectation.value, entry.words, names, default, shape=expectation.shape, dtype=dtype, tolerance=given
        )
    except expected.BadValue as error:
        raise expected.BadValue(f"expected value of {entry.text}: {error}", line=entry.line) from None


def is_dtype(value: Any) -> bool:
    """Whether a parameter names a dtype: the program sees the engine's dtype object."""
    return isinstance(value, str) and value in DTYPES


def fresh(value: Any) -> Any:
    """A copy of a parameter that the program may change."""
    return [fresh(item) for item in value] if isinstance(value, list) else value
