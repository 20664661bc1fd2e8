"""What an engine showed against what a spec says. Cheap exact comparison first; the reasons only when it fails."""

from __future__ import annotations

import cmath
import math
from typing import Any, NamedTuple

from harness.engine import Array, Observed, Opaque
from harness.language.expected import AnyOf, Anything, Exactly, Expected, Form, Items, Numbers, Tolerances, leaves
from harness.text import clean

MAX_WHERE = 1000


class Mismatch(NamedTuple):
    what: str
    """``value``, ``shape``, ``dtype`` or ``type``."""
    where: list[list[int]]
    """Indices of the entries that differ."""
    difference: float | str | None
    detail: str = ""
    closest: Expected | None = None
    """Which of several allowed values this is about."""


_PLAIN = frozenset({int, float, complex})


def compare(expected: Expected, observed: Observed) -> Mismatch | None:
    """None where ``observed`` is as ``expected``."""
    if isinstance(expected, Numbers):
        if isinstance(observed, Array):
            dtype, shape, values = observed
            if values == expected.values and shape == expected.shape and dtype == expected.dtype:
                return None
            return _arrays(expected, observed)
        if type(observed) in _PLAIN and observed == expected.values:
            return None
        return _numbers(expected, observed)
    if isinstance(expected, Exactly):
        if observed == expected.value and type(observed) is type(expected.value):
            return None
        return _exactly(expected, observed)
    if isinstance(expected, Form):
        return _form(expected, observed)
    if isinstance(expected, AnyOf):
        return _any(expected, observed)
    if isinstance(expected, Anything):
        return None
    return _items([*expected.items], observed)


def _exactly(expected: Exactly, observed: Observed) -> Mismatch | None:
    if isinstance(observed, Array) and not observed.shape:
        observed = observed.values
    if isinstance(observed, Opaque):
        return Mismatch("type", [[]], None, f"a plain value is due; `read` gives an object of class {observed.type}")
    if type(observed) is type(expected.value) and observed == expected.value:
        return None
    return Mismatch("value", [[]], None)


def _any(expected: AnyOf, observed: Observed) -> Mismatch | None:
    """The mismatch with the closest of the allowed values, where there is one with each."""
    mismatches: list[Mismatch] = []
    for value in expected.values:
        mismatch = compare(value, observed)
        if mismatch is None:
            return None
        mismatches.append(mismatch._replace(closest=value))
    return min(mismatches, key=_distance)


def _distance(mismatch: Mismatch) -> tuple[bool, int, float]:
    """How far off: another form is farther than other numbers, of which fewer and nearer ones are closer."""
    gap = mismatch.difference
    return mismatch.what != "value", len(mismatch.where), gap if isinstance(gap, float) and gap == gap else math.inf


def _form(expected: Form, observed: Observed) -> Mismatch | None:
    if not isinstance(observed, Array):
        return Mismatch("type", [], None, f"a tensor is due, {_called(observed)} was seen")
    if expected.shape is not None and tuple(observed.shape) != expected.shape:
        return Mismatch("shape", [], None)
    if expected.dtype is not None and observed.dtype != expected.dtype:
        return Mismatch("dtype", [], None)
    return None


class BadObservation(Exception):
    """What an adapter's `read` gave is nothing that it may give: the adapter's fault."""


def check_observed(value: Any, depth: int = 20) -> None:
    """Look that ``value`` is what the engine interface calls `Observed`. Raises `BadObservation`."""
    if depth == 0:
        raise BadObservation("read() gives lists that are nested without end")
    if isinstance(value, Array):
        numbers = leaves(value.values)
        if not isinstance(value.dtype, str) or any(type(n) not in (bool, int, float, complex) for n in numbers):
            raise BadObservation("read() gives a tensor of other things than Python numbers")
        if _shape_of(value.values, len(value.shape)) not in (tuple(value.shape), None):
            raise BadObservation(f"read() says shape {list(value.shape)} of values that are nested otherwise")
    elif type(value) is list:
        for item in value:
            check_observed(item, depth - 1)
    elif not isinstance(value, (Opaque, str, type(None))) and type(value) not in (bool, int, float, complex):
        raise BadObservation(f"read() gives {type(value).__name__}, which is none of the things it may give")


def _shape_of(values: Any, depth: int) -> tuple[int, ...] | None:
    """The sizes of nested lists down to ``depth``; None below an empty list, where nothing can be said."""
    if not isinstance(values, list):
        return ()
    if depth == 0:
        return (-1,)
    if not values:
        return (0,) if depth == 1 else None
    inner = {_shape_of(item, depth - 1) for item in values}
    if len(inner) > 1:
        return (-1,)
    first = inner.pop()
    return None if first is None else (len(values), *first)


def _arrays(expected: Numbers, observed: Array) -> Mismatch | None:
    if observed.shape == expected.shape and observed.dtype == expected.dtype and _near(expected, observed.values):
        return None
    check_observed(observed)
    observed = observed._replace(shape=tuple(observed.shape))  # an adapter may give a list
    if observed.shape != expected.shape:
        return Mismatch("shape", [], None, f"shape {list(expected.shape)} is due, {list(observed.shape)} was seen")
    if observed.dtype != expected.dtype:
        hint = " (whole numbers mean int64: write 1. for a float)" if expected.dtype == "int64" else ""
        return Mismatch("dtype", [], None, f"dtype {expected.dtype} is due, {observed.dtype} was seen{hint}")
    return _entries(leaves(expected.values), leaves(observed.values), expected)


def _near(expected: Numbers, values: Any) -> bool:
    """Whether all entries are plainly as close as they must be; False also where that is not plain (nan, inf, no numbers)."""
    rtol, atol = expected.tolerance
    wanted, seen = _flat(expected.values, expected.shape), _flat(values, expected.shape)
    if wanted is None or seen is None:
        return False
    try:
        # Less than infinite: near an infinite number is no number, not even itself with another sign.
        return all(e == o or abs(o - e) <= atol + rtol * abs(e) < math.inf for e, o in zip(wanted, seen, strict=True))
    except TypeError:
        return False


def _flat(values: Any, shape: tuple[int, ...]) -> list[Any] | None:
    """The entries of nested lists of this shape, in order; None where they are nested otherwise."""
    if not shape:
        return [values]
    if type(values) is not list or len(values) != shape[0]:
        return None
    if len(shape) == 1:
        return values
    out: list[Any] = []
    for row in values:
        flat = _flat(row, shape[1:])
        if flat is None:
            return None
        out += flat
    return out


def _entries(wanted: list[Any], seen: list[Any], expected: Numbers) -> Mismatch | None:
    wrong = [i for i, (e, o) in enumerate(zip(wanted, seen, strict=True)) if not is_close(o, e, expected.tolerance)]
    if not wrong:
        return None
    gaps = [abs(seen[i] - wanted[i]) for i in wrong]
    finite = [gap for gap in gaps if math.isfinite(gap)]
    largest = max(finite) if finite and len(finite) == len(gaps) else str(max(gaps, key=lambda g: (math.isnan(g), g)))
    return Mismatch("value", [_index(i, expected.shape) for i in wrong[:MAX_WHERE]], largest)


def _index(position: int, shape: tuple[int, ...]) -> list[int]:
    out: list[int] = []
    for size in reversed(shape):
        position, inner = divmod(position, size)
        out.append(inner)
    return out[::-1]


def _numbers(expected: Numbers, observed: Observed) -> Mismatch | None:
    """Plain Python numbers, alone or in lists, where numbers are due: their dtype is not judged."""
    if isinstance(observed, (int, float, complex)) and not isinstance(observed, bool):
        if expected.shape != ():
            return Mismatch("shape", [], None, f"shape {list(expected.shape)} is due, one number was seen")
        return _entries([expected.values], [observed], expected)
    if isinstance(observed, list) and expected.shape:
        rows = [Numbers(values, expected.shape[1:], expected.dtype, expected.tolerance) for values in expected.values]
        return _items(rows, observed)
    return Mismatch("type", [], None, f"numbers are due, {_called(observed)} was seen")


def _items(expected: list[Any], observed: Observed) -> Mismatch | None:
    if isinstance(observed, Array) and observed.shape:
        observed = observed.values
    if not isinstance(observed, list):
        return Mismatch("type", [], None, f"a list is due, {_called(observed)} was seen")
    if len(observed) != len(expected):
        return Mismatch("shape", [], None, f"{len(expected)} items are due, {len(observed)} were seen")
    found = [
        (i, m) for i, (e, o) in enumerate(zip(expected, observed, strict=True)) if (m := compare(e, o)) is not None
    ]
    if not found:
        return None
    where = [[i, *index] for i, m in found for index in (m.where or [[]])]
    gaps = [m.difference for _, m in found if isinstance(m.difference, float)]
    first = found[0][1]
    return Mismatch(first.what, where[:MAX_WHERE], max(gaps) if gaps else None, first.detail)


def _called(observed: Observed) -> str:
    match observed:
        case None:
            return "null"
        case Opaque(type=name):
            return f"an object of class {name}"
        case Array(shape=shape):
            return f"a tensor of shape {list(shape)}"
        case list():
            return "a list"
    return f"{type(observed).__name__} {observed!r}"[:80]


def is_close(observed: complex, expected: complex, tolerance: Tolerances) -> bool:
    """Whether a number is as expected: nan is like nan, inf only like itself."""
    if observed == expected:
        return True
    if cmath.isnan(expected) or cmath.isnan(observed):
        return _nan_alike(observed, expected)
    if cmath.isinf(expected) or cmath.isinf(observed):
        return False
    return abs(observed - expected) <= tolerance.atol + tolerance.rtol * abs(expected)


def _nan_alike(observed: complex, expected: complex) -> bool:
    a, b = complex(observed), complex(expected)
    return all(x == y or (math.isnan(x) and math.isnan(y)) for x, y in ((a.real, b.real), (a.imag, b.imag)))


def shown(value: Expected | Observed) -> Any:
    """Expected or observed as JSON data for the record: tensors as mappings; nan, inf and complex numbers as text."""
    match value:
        case Numbers(values=values, shape=shape, dtype=dtype) | Array(values=values, shape=shape, dtype=dtype):
            return {"dtype": dtype, "shape": list(shape), "values": plain(values)}
        case Items(items=items):
            return [shown(item) for item in items]
        case Exactly(value=exact):
            return exact
        case Form(shape=shape, dtype=dtype):
            return {"dtype": dtype, "shape": None if shape is None else list(shape)}
        case AnyOf(values=values):
            return {"any": [shown(item) for item in values]}
        case Anything():
            return {}
        case Opaque(type=name):
            return f"<{name}>"
        case list():
            return [shown(item) for item in value]
    return plain(value)


def plain(value: Any) -> Any:
    """JSON data of numbers, text and lists: nan, inf and complex numbers as text."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return clean(value) if isinstance(value, str) else value
