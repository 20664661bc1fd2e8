"""Dual numbers: a value together with its derivatives by every input that it depends on.

This is forward mode: each operation applies the chain rule at once, element by element. Nothing is recorded for later.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from .scalars import Number, compare, mp, number, of, power, quotient, settled

Partials = dict[int, Number]
"""Number of an input -> the derivative by it; an input that is absent has derivative zero."""

_ZERO = Fraction(0)
_ONE = Fraction(1)


class Dual:
    """One element of a tensor."""

    __slots__ = ("partials", "value")

    def __init__(self, value: Number, partials: Partials | None = None) -> None:
        self.value = value
        self.partials = partials or {}

    def __add__(self, other: Dual) -> Dual:
        return _chain(self.value + other.value, (self, _ONE), (other, _ONE))

    def __sub__(self, other: Dual) -> Dual:
        return self + -other

    def __mul__(self, other: Dual) -> Dual:
        return _chain(self.value * other.value, (self, other.value), (other, self.value))

    def __truediv__(self, other: Dual) -> Dual:
        value = quotient(self.value, other.value)
        return _chain(value, (self, quotient(_ONE, other.value)), (other, quotient(-value, other.value)))

    def __pow__(self, other: Dual) -> Dual:
        base, exponent = self.value, other.value
        value = power(base, exponent)
        by_base = exponent * power(base, exponent - 1) if exponent != 0 else _ZERO
        if not other.partials:
            return _chain(value, (self, by_base))
        by_exponent = _ZERO if base == 0 and exponent >= 0 else value * of(mp.log, base)
        return _chain(value, (self, by_base), (other, by_exponent))

    def __neg__(self) -> Dual:
        return _chain(-self.value, (self, -_ONE))

    def __abs__(self) -> Dual:
        """The derivative at zero is zero, by convention."""
        return -self if self.value < 0 else self if self.value != 0 else Dual(self.value)

    def relu(self) -> Dual:
        """The derivative at zero is zero, by convention."""
        return Dual(_ZERO) if self.value <= 0 else self

    def exp(self) -> Dual:
        value = of(mp.exp, self.value)
        return _chain(value, (self, value))

    def log(self) -> Dual:
        return _chain(of(mp.log, self.value), (self, quotient(_ONE, self.value)))

    def sqrt(self) -> Dual:
        value = of(mp.sqrt, self.value)
        return _chain(value, (self, quotient(_ONE, 2 * value)))

    def sin(self) -> Dual:
        return _chain(of(mp.sin, self.value), (self, of(mp.cos, self.value)))

    def cos(self) -> Dual:
        return _chain(of(mp.cos, self.value), (self, -of(mp.sin, self.value)))

    def tanh(self) -> Dual:
        return _chain(of(mp.tanh, self.value), (self, of(mp.sech, self.value) ** 2))

    def sigmoid(self) -> Dual:
        return _chain(_logistic(self.value), (self, _logistic(self.value) * _logistic(-self.value)))

    def holds(self, comparison: Callable[[Number, Number], bool], other: Dual) -> Dual:
        """1 where ``comparison`` is true of the values, 0 elsewhere: no derivative."""
        return Dual(number(compare(comparison, self.value, other.value)))


def _chain(value: Number, *terms: tuple[Dual, Number]) -> Dual:
    """The chain rule: ``terms`` are the operands, each with the derivative of ``value`` by it."""
    partials: Partials = {}
    for operand, slope in terms:
        for key, partial in operand.partials.items():
            term = slope * partial
            partials[key] = settled(partials[key] + term if key in partials else term)
    return Dual(settled(value), partials)


def _logistic(value: Number) -> Number:
    return quotient(_ONE, 1 + of(mp.exp, -value))
