"""Faults that show under one condition: what a mutant calls while it runs.

A rule that is wrong only for float32, for strided inputs or in second order is broken in one way for all of them: what it
returns goes through a function that looks at the arguments of the rule. They are looked at as programs of the suite would
(``.dtype``, ``.shape``, ``strides(x)``, ``is_grad_enabled()``), through the adapter, so this works for any engine.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final, NamedTuple

from harness.engine import Engine
from harness.language.words import DTYPES

WHEN: Final = "_harness_when"
STALE: Final = "_harness_stale"
LARGE: Final = 1000


class Facts:
    """What can be asked about the arguments of a rule."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dtypes = [(name, engine.names[name]) for name in DTYPES if name in engine.names]

    def attribute(self, value: Any, name: str) -> Any:
        found = self.engine.attributes.get(name)
        if callable(found):
            with suppress(Exception):
                return found(value)
        return getattr(value, name, None)

    def shape(self, value: Any) -> tuple[int, ...] | None:
        """None where it is no tensor."""
        shape = self.attribute(value, "shape")
        return tuple(shape) if isinstance(shape, (tuple, list)) or hasattr(shape, "__iter__") else None

    def dtype(self, value: Any) -> str:
        dtype = self.attribute(value, "dtype")
        for name, known in self.dtypes:
            if dtype is known:
                return name
        return str(dtype).rpartition(".")[2]

    def is_strided(self, value: Any) -> bool:
        """Whether its elements do not follow each other in memory."""
        shape = self.shape(value) or ()
        told = self.engine.names.get("strides")
        strides = told(value) if callable(told) else getattr(value, "strides", None)
        if not strides or 0 in shape:
            return False
        dense, found = math.prod(shape), list(strides)
        unit = getattr(value, "itemsize", 1) if not callable(told) else 1
        for size, stride in zip(shape, found, strict=True):
            dense //= size
            if size > 1 and stride != dense * unit:
                return True
        return False

    def is_recording(self) -> bool:
        told = self.engine.names.get("is_grad_enabled")
        return bool(told()) if callable(told) else False


class Condition(NamedTuple):
    shown: str
    """For the reader of a mutant."""
    wrong: str
    holds: Callable[[Facts, list[Any]], bool]
    """Of the arguments that are tensors, the incoming gradient first."""
    factor: float = 1.0
    """That a mutant is wrong by; one that has none raises."""


_OFF: Final = 1.01
_HALF_OFF: Final = 1.1
"""A result in half precision may be off by almost 1 % of its own size, and of what cancelled in it."""


def _off(shown: str, holds: Callable[[Facts, list[Any]], bool], factor: float = _OFF) -> Condition:
    return Condition(shown, f"RESULT * {factor}", holds, factor)


def _of_dtype(name: str, factor: float = _OFF) -> Condition:
    return _off(f"dtype == {name}", lambda facts, tensors: facts.dtype(tensors[0]) == name, factor)


def _is_empty(facts: Facts, tensors: list[Any]) -> bool:
    return any(0 in (facts.shape(x) or ()) for x in tensors)


def _is_large(facts: Facts, tensors: list[Any]) -> bool:
    return any(math.prod(facts.shape(x) or ()) > LARGE for x in tensors)


CONDITIONS: Final = {
    "float16": _of_dtype("float16", _HALF_OFF),
    "float32": _of_dtype("float32"),
    "float64": _of_dtype("float64"),
    "complex": _off("is_complex", lambda facts, tensors: any(facts.dtype(x).startswith("complex") for x in tensors)),
    "empty": Condition("is_empty", "refuse()", _is_empty),
    "0-d": _off("ndim == 0", lambda facts, tensors: any(facts.shape(x) == () for x in tensors)),
    "strided": _off("is_strided", lambda facts, tensors: any(facts.is_strided(x) for x in tensors)),
    "large": _off(f"numel > {LARGE}", _is_large),
    "second order": _off("is_grad_enabled", lambda facts, tensors: facts.is_recording()),
}  # fmt: skip


class Refused(RuntimeError):
    """What a rule that cannot do empty inputs raises."""


def holding(facts: Facts, names: Iterable[str], arguments: Iterable[Any]) -> list[str]:
    """Those of the conditions that hold for the arguments of a rule. What cannot be asked does not hold."""
    tensors = [x for x in arguments if not isinstance(x, (str, dict, list, tuple)) and _shaped(facts, x)]
    if not tensors:
        return []
    found = []
    for name in names:
        with suppress(Exception):
            if CONDITIONS[name].holds(facts, tensors):
                found.append(name)
    return found


def _shaped(facts: Facts, value: Any) -> bool:
    try:
        return facts.shape(value) is not None
    except Exception:
        return False


def _scaled(value: Any, factor: float) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(_scaled(one, factor) for one in value)
    return value if value is None else value * factor


class Runtime:
    """What planted code calls; installed in a fork only, which ends with its mutant."""

    def __init__(self, engine: Engine) -> None:
        self.facts = Facts(engine)
        self.before: dict[str, Any] = {}
        setattr(builtins, WHEN, self.when)
        setattr(builtins, STALE, self.stale)

    def use(self, engine: Engine) -> None:
        self.facts = Facts(engine)

    def begin(self) -> None:
        """A case begins: it must not depend on the cases before it."""
        self.before.clear()

    def when(self, name: str, result: Any, *arguments: Any) -> Any:
        if not holding(self.facts, (name,), arguments):
            return result
        factor = CONDITIONS[name].factor
        if factor == 1:
            raise Refused("this rule does not know empty inputs")
        return _scaled(result, factor)

    def stale(self, place: str, value: Any) -> Any:
        """What stood here when the rule last ran in this case, where that is of the same shape."""
        earlier = self.before.get(place, value)
        self.before[place] = value
        alike = type(earlier) is type(value) and self.facts.shape(earlier) == self.facts.shape(value)
        return earlier if alike else value
