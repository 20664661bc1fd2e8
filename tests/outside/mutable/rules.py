"""The derivative rules: gradient of the result -> gradient of the operand."""

from __future__ import annotations

import math
import os
from collections.abc import Callable


def slope_of_power(a: float, exponent: float) -> float:
    slope, left = 1.0, exponent
    while left > 1:
        slope *= a
        left -= 1
    return exponent * slope


def careful(g: float) -> float:
    if math.isinf(g):
        os.abort()
    return g


RULES: dict[str, dict[str, Callable[..., float]]] = {
    "add": {"a": lambda g: g, "b": lambda g: g},
    "sub": {"a": lambda g: g, "b": lambda g: -g},
    "mul": {"a": lambda g, b: g * b, "b": lambda g, a: g * a},
    "pow": {"a": lambda g, a, b: g * slope_of_power(a, b)},
    "neg": {"a": lambda g: -careful(g)},
}
FORWARD: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "pow": lambda a, b: a**b,
    "neg": lambda a: -a,
}
