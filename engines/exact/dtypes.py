"""Element types by name, which one an operation on mixed operands has, and rounding to it."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Final, NamedTuple

from .scalars import Number, mp, rational


class Format(NamedTuple):
    """A binary floating point format, as IEEE 754 describes it."""

    precision: int
    lowest: int
    """The exponent of the smallest normal number."""
    highest: int


FLOATS: Final = {
    "float16": Format(11, -14, 15),
    "bfloat16": Format(8, -126, 127),
    "float32": Format(24, -126, 127),
    "float64": Format(53, -1022, 1023),
}
DEFAULTS: Final = ("bool", "int64", "float32")
"""The dtype of Python numbers by category."""
_CATEGORY: Final = {"bool": 0, "int32": 1, "int64": 1, **dict.fromkeys(FLOATS, 2)}
DTYPES: Final = tuple(_CATEGORY)


def of_numbers(values: Iterable[float]) -> str:
    """The dtype of a tensor that is made from Python numbers."""
    categories = [0 if isinstance(v, bool) else 1 if isinstance(v, int) else 2 for v in values]
    return DEFAULTS[max(categories, default=2)]


def promoted(arrays: Iterable[str], scalars: Iterable[str], plain: Iterable[str]) -> str:
    """The dtype of an operation on tensors with dimensions, tensors without, and Python numbers.

    Those later in this order count only where they are of a higher category (truth values, integers, floats)."""
    result = ""
    for group in (arrays, scalars, plain):
        widest = _widest(group)
        if widest and (not result or _CATEGORY[widest] > _CATEGORY[result]):
            result = widest
    return result


def _widest(dtypes: Iterable[str]) -> str:
    found = set(dtypes)
    if {"float16", "bfloat16"} <= found:
        found.add("float32")
    return max(found, key=DTYPES.index, default="")


def floating(dtype: str) -> str:
    """The dtype of a quotient or a transcendental function of ``dtype``."""
    return dtype if dtype in FLOATS else "float32"


def summed(dtype: str) -> str:
    return dtype if dtype in FLOATS else "int64"


def stored(value: Number, dtype: str) -> Number:
    """What an element of ``dtype`` holds: floats stay exact, integers lose what stands behind the point."""
    if dtype in FLOATS:
        return value
    return Fraction(value != 0 if dtype == "bool" else int(value))


def rounded(value: Number, dtype: str) -> Number:
    """``value`` as the nearest number that ``dtype`` can hold, ties to even."""
    if dtype not in FLOATS:
        return stored(value, dtype)
    if value == 0 or not mp.isfinite(value):
        return value
    exact, form = rational(value), FLOATS[dtype]
    exponent = abs(exact.numerator).bit_length() - exact.denominator.bit_length()
    if abs(exact) < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (max(exponent, form.lowest) - form.precision + 1)
    nearest = round(exact / unit) * unit
    if abs(nearest) >= Fraction(2) ** (form.highest + 1):
        return mp.inf if nearest > 0 else -mp.inf
    return nearest


def plain(value: Number, dtype: str) -> float:
    """``value`` as the Python number that an engine with this dtype would show."""
    kind = float if dtype in FLOATS else bool if dtype == "bool" else int
    return kind(rounded(value, dtype))
