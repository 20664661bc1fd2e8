"""One case, ready to run: its parameters, and what each observation must show on an engine."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from harness.language import expected, load
from harness.language.expected import Expected
from harness.language.load import CheckedSpec, Observation
from harness.language.words import DTYPES


class Case(NamedTuple):
    """One case, ready to run: parameters in order, and what each observation of each step must show."""

    id: str
    parameters: dict[str, Any]
    values: tuple[Any, ...]
    steps: tuple[tuple[Expected, ...], ...]


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
    return Case(id, parameters, tuple(parameters.values()), steps)


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
