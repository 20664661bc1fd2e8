"""Numbers that do not round: fractions where arithmetic is rational, 50 digits where it is not.

Infinities and nan are `mpmath` numbers; zero has no sign here, so a quotient by zero is that by +0.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import mpmath
from mpmath.libmp import to_rational  # type: ignore[import-untyped]

from harness.engine import Unsupported

DIGITS: Final = 50
LARGEST: Final = 512
"""Bits of a numerator or denominator; a fraction that outgrows them (in a long loop) goes on with `DIGITS` digits."""
LARGEST_POWER: Final = 64
"""Exponent up to which a power is multiplied out."""

mp: Final = mpmath.MPContext()
mp.dps = DIGITS

Number = Fraction | Any
"""A `Fraction` or an ``mp.mpf``. They can be added and multiplied with each other, but not subtracted or divided."""


def number(value: float) -> Number:
    """A Python number, exactly."""
    if value != value or value in (mp.inf, -mp.inf):
        return mp.mpf(value)
    if isinstance(value, complex):
        raise Unsupported("numbers are real")
    return Fraction(value)


def real(value: Number) -> Any:
    """``value`` to `DIGITS` digits."""
    return mp.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def rational(value: Number) -> Fraction:
    """A finite ``value`` as a fraction."""
    return value if isinstance(value, Fraction) else Fraction(*to_rational(value._mpf_))


def settled(value: Number) -> Number:
    """``value``, with `DIGITS` digits where the exact fraction has become too long."""
    if isinstance(value, Fraction) and max(value.numerator.bit_length(), value.denominator.bit_length()) > LARGEST:
        return real(value)
    return value


def quotient(left: Number, right: Number) -> Number:
    if right == 0:
        return mp.nan if left == 0 or left != left else mp.inf if left > 0 else -mp.inf
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left / right
    return real(left) / real(right)


def power(base: Number, exponent: Number) -> Number:
    if isinstance(exponent, Fraction) and exponent.denominator == 1 and abs(exponent) <= LARGEST_POWER:
        whole = exponent.numerator
        return base**whole if whole >= 0 else quotient(Fraction(1), base**-whole)
    if base == 0 and exponent < 0:
        return mp.inf
    return _real_part(mp.power(real(base), real(exponent)))


def of(function: Callable[[Any], Any], value: Number) -> Number:
    """A function of `mp` at ``value``; nan outside of its real domain."""
    return _real_part(function(real(value)))


def compare(holds: Callable[[Any, Any], bool], left: Number, right: Number) -> bool:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return holds(left, right)
    return holds(real(left), real(right))


def _real_part(value: Any) -> Any:
    return mp.nan if isinstance(value, mp.mpc) else value
