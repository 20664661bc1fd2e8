"""What a checked program may still do too much of: the bounds that hold while it runs.

The compiler puts these in place of the few operations through which a program of bounded text could grow without bound:
loops and calls (fuel), arithmetic on plain Python values (digits, lengths), sizes of tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sized
from typing import Any, Final

MAX_TURNS: Final = 10_000
"""Turns of one loop."""
FUEL: Final = 100_000
"""Turns of all loops and calls of the program's own functions, together."""
MAX_CALLS: Final = 20
"""Calls inside calls: the program's functions cannot recurse, but a hook may run a backward that runs the hook."""
MAX_BITS: Final = 256
MAX_LENGTH: Final = 10_000
MAX_ELEMENTS: Final = 2**22
"""Elements of any tensor."""

_PLAIN = frozenset({bool, int, float, complex, str, list, tuple, type(None)})
_NUMBERS = frozenset({bool, int, float, complex})


class OutOfBounds(Exception):
    """The program asked for more than a spec may: the spec's fault, never the engine's."""


class Guards:
    """The bounds of one running case; `reset` before each."""

    def __init__(self) -> None:
        self.fuel = FUEL
        self.depth = 0

    def reset(self) -> None:
        self.fuel = FUEL
        self.depth = 0

    def burn(self, amount: int) -> None:
        self.fuel -= amount
        if self.fuel < 0:
            raise OutOfBounds(f"the program's loops turn more than {FUEL:,} times in all")

    def enter(self) -> None:
        """A program's own function begins."""
        self.burn(1)
        self.depth += 1
        if self.depth > MAX_CALLS:
            raise OutOfBounds(f"the program's functions call each other more than {MAX_CALLS} deep")

    def leave(self) -> None:
        """It ends, in whatever way."""
        self.depth -= 1

    def range(self, *bounds: int) -> range:
        turns = range(*bounds)
        if abs(turns.stop) > 2**31 or len(turns) > MAX_TURNS:
            raise OutOfBounds(f"range of more than {MAX_TURNS:,} turns")
        return turns

    def each(self, items: Iterable[Any]) -> Iterable[Any]:
        """What a loop runs over; pays for all its turns."""
        found = items if isinstance(items, Sized) else list(items)
        if len(found) > MAX_TURNS:
            raise OutOfBounds(f"a loop of more than {MAX_TURNS:,} turns")
        self.burn(len(found))
        return found

    def sized(self, make: Callable[..., Any], *sizes: Any, **keywords: Any) -> Any:
        """``zeros(...)`` and its like, where the sizes are not small literals."""
        wanted = math.prod(
            _number(size) for item in sizes for size in (item if isinstance(item, (list, tuple)) else [item])
        )
        if wanted > MAX_ELEMENTS:
            raise OutOfBounds(f"a tensor of {wanted:,} elements; at most {MAX_ELEMENTS:,}")
        return make(*sizes, **keywords)

    def fitted(self, call: Callable[..., Any], *operands: Any, **keywords: Any) -> Any:
        """A call whose result may be larger than its operands."""
        fit(*operands[:2])
        return call(*operands, **keywords)

    def method(self, receiver: Any, name: str, *operands: Any, **keywords: Any) -> Any:
        """The same for a method of the engine's own tensor."""
        fit(receiver, *operands[:1])
        return getattr(receiver, name)(*operands, **keywords)


def _number(size: Any) -> int:
    return max(int(size), 0) if type(size) in (int, bool) else 1


def fit(*operands: Any) -> None:
    shapes = [tuple(getattr(operand, "shape", ())) for operand in operands]
    if math.prod(map(math.prod, shapes)) <= MAX_ELEMENTS:
        return
    length = max(map(len, shapes))
    padded = [(1,) * (length - len(shape)) + shape for shape in shapes]
    largest = math.prod(max(sizes) for sizes in zip(*padded, strict=True))
    if largest > MAX_ELEMENTS:
        raise OutOfBounds(f"operands that broadcast to {largest:,} elements; at most {MAX_ELEMENTS:,}")


def _bounded(left: Any, right: Any, operator: str) -> None:
    """Refuse arithmetic on plain values whose result could be huge."""
    kinds = type(left), type(right)
    if kinds[0] is str or kinds[1] is str:
        raise OutOfBounds(f"texts are not combined with {operator!r} here")
    if kinds[0] in (list, tuple) or kinds[1] in (list, tuple):
        length = (len(left) if isinstance(left, Sized) else 1) + (len(right) if isinstance(right, Sized) else 1)
        count = next((abs(v) for v in (left, right) if type(v) is int), 1) if operator == "*" else 1
        if length * count > MAX_LENGTH:
            raise OutOfBounds(f"a list of more than {MAX_LENGTH:,} items")
    elif kinds == (int, int):
        bits = left.bit_length() + right.bit_length()
        if operator == "**":
            bits = left.bit_length() * abs(right)
        if bits > MAX_BITS:
            raise OutOfBounds(f"an integer of more than {MAX_BITS} bits")


def arithmetic(operator: str, apply: Callable[[Any, Any], Any], sizes: bool) -> Callable[[Any, Any], Any]:
    """The guarded form of a binary operator; ``sizes``: also look at what tensors would broadcast to."""

    def guarded(left: Any, right: Any) -> Any:
        if left.__class__ in _PLAIN and right.__class__ in _PLAIN:
            _bounded(left, right, operator)
        elif sizes and left.__class__ not in _NUMBERS and right.__class__ not in _NUMBERS:
            fit(left, right)
        return apply(left, right)

    return guarded
