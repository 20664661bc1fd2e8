"""What a checked program may still do too much of: the bounds that hold while it runs.

The compiler puts these in place of the few operations through which a program of bounded text could grow without bound:
loops and calls, arithmetic on plain Python values, lists that hold lists, sizes of tensors. All of them draw on one fuel.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sized
from typing import Any, Final

MAX_TURNS: Final = 10_000
"""Turns of one loop, items of one list."""
FUEL: Final = 100_000
"""Turns of all loops, calls of own functions, items of lists and `PER_UNIT` elements of large tensors, together."""
PER_UNIT: Final = 256
MAX_CALLS: Final = 20
"""Calls inside calls: the program's functions cannot recurse, but a hook may run a backward that runs the hook."""
MAX_ORDERS: Final = 10
"""Reverse passes that are recorded: each may be several times as long as the one that it differentiates."""
MAX_BITS: Final = 256
MAX_ELEMENTS: Final = 2**22
"""Elements of any tensor."""

_SEQUENCES: Final[frozenset[Any]] = frozenset({list, tuple, dict})
_NUMBERS: Final = (bool, int, float, complex)  # no set: torch.compile stumbles over sets of classes


class OutOfBounds(Exception):
    """The program asked for more than a spec may: the spec's fault, never the engine's."""


class Guards:
    """The bounds of one running case; `reset` before each."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.fuel = FUEL
        self.depth = 0
        self.orders = 0

    def burn(self, amount: int) -> None:
        self.fuel -= amount
        if self.fuel < 0:
            raise OutOfBounds(f"more than {FUEL:,} turns of loops, calls and items of lists in all")

    # ---- loops and calls

    def enter(self) -> None:
        """A program's own function begins."""
        self.burn(1)
        self.depth += 1
        if self.depth > MAX_CALLS:
            raise OutOfBounds(f"the program's functions call each other more than {MAX_CALLS} deep")

    def leave(self) -> None:
        """It ends, in whatever way."""
        self.depth -= 1

    def function(self, body: Callable[..., Any]) -> Callable[..., Any]:
        """A lambda of the program."""

        def called(*operands: Any, **keywords: Any) -> Any:
            self.enter()
            try:
                return body(*operands, **keywords)
            finally:
                self.leave()

        return called

    def range(self, *bounds: int) -> range:
        turns = range(*bounds)
        if abs(turns.stop) > 2**31 or len(turns) > MAX_TURNS:
            raise OutOfBounds(f"range of more than {MAX_TURNS:,} turns")
        return turns

    def each(self, items: Iterable[Any]) -> Iterable[Any]:
        """What a loop runs over, as it is now: what the loop itself adds is not run over. Pays for all turns."""
        found = items if isinstance(items, range) else self.items(items)
        self.burn(len(found))
        return found

    def items(self, items: Iterable[Any]) -> list[Any]:
        """The items of anything that can be looped over."""
        if isinstance(items, Sized) and len(items) > MAX_TURNS:
            raise OutOfBounds(f"a loop of more than {MAX_TURNS:,} turns")
        return list(items)

    def higher(self, call: Callable[..., Any], *operands: Any, **keywords: Any) -> Any:
        """A reverse pass that is recorded."""
        self.orders += 1
        if self.orders > MAX_ORDERS:
            raise OutOfBounds(f"more than {MAX_ORDERS} reverse passes that are recorded")
        return call(*operands, **keywords)

    # ---- lists

    def listed(self, items: Any) -> Any:
        """A new list or dictionary: pays for all that it holds, lists in lists included."""
        self.burn(_leaves(items))
        return items

    def append(self, items: Any, item: Any) -> None:
        if type(items) is not list:
            raise OutOfBounds("append is for lists")
        self.hold(items, item)
        items.append(item)

    def hold(self, items: list[Any] | dict[Any, Any], item: Any) -> None:
        """``item`` is about to be held by ``items``."""
        self.burn(_leaves(item))
        if _holds(item, items):
            raise OutOfBounds("a list cannot hold itself")

    def store(self, value: Any, items: Any, key: Any) -> None:
        """``items[key] = value``"""
        if type(items) is list or type(items) is dict:
            self.hold(items, value)
            if isinstance(key, slice):
                value = self.items(value)
        items[key] = value

    # ---- tensors

    def sized(self, make: Callable[..., Any], *operands: Any, **keywords: Any) -> Any:
        """``zeros(...)`` and its like, where the sizes are not small literals."""
        self.elements(_product([*operands, *keywords.values()]))
        return make(*operands, **keywords)

    def expanded(self, receiver: Any, name: str, *sizes: Any, **keywords: Any) -> Any:
        """The same for a method that repeats what its receiver holds."""
        self.elements(_product([receiver, *sizes, *keywords.values()]))
        return getattr(receiver, name)(*sizes, **keywords)

    def joined(self, call: Callable[..., Any], *operands: Any, **keywords: Any) -> Any:
        """A call that puts tensors beside each other."""
        given = [*operands, *keywords.values()][:1]
        self.elements(sum(_product([item]) for items in given for item in self.items(items) if shape_of(item)))
        return call(*operands, **keywords)

    def squared(self, call: Callable[..., Any], *operands: Any, **keywords: Any) -> Any:
        """A call whose result may have an entry for every pair of entries of its operands."""
        given = [*operands, *keywords.values()]
        items = [item for some in given for item in (some if isinstance(some, (list, tuple)) else [some])]
        sizes = [_product([item]) for item in items if type(item) not in _NUMBERS]
        offsets = [abs(item) for item in items if type(item) is int]
        self.elements((sum(sizes) + sum(offsets) * max(sizes, default=1)) ** 2)
        return call(*operands, **keywords)

    def spatial(self, call: Callable[..., Any], *operands: Any, **keywords: Any) -> Any:
        """A call whose sizes, strides and margins hold for each of the last dimensions, where one number is given."""
        given = [*operands, *keywords.values()]
        dimensions = max((len(shape_of(operand)) for operand in given), default=0)
        count = _product(operand for operand in given if shape_of(operand))
        for operand in given:
            if not shape_of(operand):
                alone = not isinstance(operand, (list, tuple)) or len(operand) == 1
                count *= _product([operand]) ** (max(dimensions - 1, 1) if alone else 1)
        self.elements(count)
        return call(*operands, **keywords)

    def counted(self, call: Callable[..., Any], *operands: Any, **keywords: Any) -> Any:
        """A call whose second argument is a count; entries of a tensor, which may be any number, do not serve as one."""
        given = [*operands[1:2], *(value for name, value in keywords.items() if name in ("repeats", "num_classes"))]
        if len(given) != 1 or type(given[0]) is not int or given[0] < 0:
            raise OutOfBounds("a count is written as a number here")
        return self.sized(call, *operands, **keywords)

    def of(self, guard: str, receiver: Any, name: str, *operands: Any, **keywords: Any) -> Any:
        """A method of the engine's own tensor, under the guard of the word that it is."""
        watched: Callable[..., Any] = getattr(self, guard)
        return watched(
            lambda owner, *others, **named: getattr(owner, name)(*others, **named), receiver, *operands, **keywords
        )

    def elements(self, count: int) -> None:
        """A tensor of ``count`` elements is about to be made."""
        if count > MAX_ELEMENTS:
            raise OutOfBounds(f"a tensor of {count:,} elements; at most {MAX_ELEMENTS:,}")
        self.burn(count // PER_UNIT)

    def fit(self, *operands: Any) -> None:
        """The operands are about to be combined: whatever they broadcast to must fit."""
        shapes = [shape_of(operand) for operand in operands]
        sizes = [math.prod(shape) for shape in shapes]
        if math.prod(sizes) > MAX_ELEMENTS:
            length = max(map(len, shapes))
            padded = [(1,) * (length - len(shape)) + shape for shape in shapes]
            sizes.append(math.prod(max(axis) for axis in zip(*padded, strict=True)))
        self.elements(max(sizes, default=0))

    def fitted(self, call: Callable[..., Any], *operands: Any, **keywords: Any) -> Any:
        """A call whose result may be larger than its operands."""
        self.fit(*operands, *keywords.values())
        return call(*operands, **keywords)

    def method(self, receiver: Any, name: str, *operands: Any, **keywords: Any) -> Any:
        """The same for a method of the engine's own tensor."""
        self.fit(receiver, *operands, *keywords.values())
        return getattr(receiver, name)(*operands, **keywords)

    def called(self, layer: Callable[..., Any], *operands: Any, **keywords: Any) -> Any:
        """A call of something that the engine made (a layer): its weight and its input make a result."""
        weight = shape_of(getattr(layer, "weight", None))
        given = shape_of(operands[0]) if operands else ()
        if len(weight) == 2:
            self.elements(math.prod(given) // max(weight[1], 1) * weight[0])
        return layer(*operands, **keywords)

    def taken(self, owner: Any, key: Any) -> Any:
        """``owner[key]``, where a list of positions may repeat what is there."""
        if type(owner) not in _SEQUENCES:
            parts = [part for part in (key if type(key) is tuple else (key,)) if not _is_mask(part)]
            picked = math.prod(len(part) for part in parts if isinstance(part, list))
            picked *= math.prod(math.prod(shape_of(part)) for part in parts)
            self.elements(math.prod(shape_of(owner)) * picked)
        return owner[key]


def shape_of(value: Any) -> tuple[int, ...]:
    """The sizes of a tensor whose ``shape`` says them; () for anything else."""
    shape: Any = getattr(value, "shape", ())
    if isinstance(shape, (tuple, list)):  # an engine's own `shape` may be anything, a method for instance
        return tuple(size for size in shape if isinstance(size, int))
    return ()


def _is_mask(value: Any) -> bool:
    """Whether an index picks entries by truth values: it never yields more than there is."""
    return "bool" in str(getattr(value, "dtype", ""))


def _product(operands: Iterable[Any]) -> int:
    """No result has more elements whose sizes are these numbers, or these tensors that many times."""
    count = 1.0
    for operand in operands:
        if isinstance(operand, (list, tuple)):
            count *= _product(operand)
        elif shape := shape_of(operand):
            count *= max(math.prod(shape), 1)
        else:
            count *= _times(operand)
    return int(min(count, 2.0**63))


def _times(size: Any) -> float:
    """How many times larger a number makes something at most, as a size, a scale or a step."""
    number = size if isinstance(size, float) else float(min(abs(_integer(size)), 2**63))
    if not math.isfinite(number):
        return 2.0**63
    return max(abs(number), 1 / abs(number) if number else 1.0)


def _integer(size: Any) -> int:
    try:
        return operator.index(size)
    except (TypeError, AttributeError):  # TensorFlow asks the NumPy number within, which has no __index__
        return 1  # the engine's to refuse


def _leaves(value: Any) -> int:
    """How many values a list holds, those of its lists included; no more than `FUEL` are counted."""
    count, todo = 0, [value]
    while todo and count <= FUEL:
        item = todo.pop()
        count += 1
        if isinstance(item, dict):
            todo.extend(item.values())
        elif isinstance(item, (list, tuple)):
            todo.extend(item[: FUEL + 1])
    return count


def _holds(value: Any, wanted: Any) -> bool:
    todo = [value]
    while todo:
        item = todo.pop()
        if item is wanted:
            return True
        if type(item) in _SEQUENCES:
            todo.extend(item.values() if type(item) is dict else item)
    return False


def arithmetic(
    guards: Guards, sign: str, apply: Callable[[Any, Any], Any], watch: bool
) -> Callable[[Any, Any], Any]:  # fmt: skip
    """The guarded form of a binary operator; ``watch``: also look at what tensors would broadcast to."""

    def guarded(left: Any, right: Any) -> Any:
        kinds: tuple[Any, Any] = left.__class__, right.__class__
        if kinds[0] is int and kinds[1] is int:
            _integers(sign, left, right)
        elif kinds[0] is str or kinds[1] is str:
            if sign not in ("==", "!="):
                raise OutOfBounds(f"texts are not combined with {sign!r} here")
        elif isinstance(left, (list, tuple)) or isinstance(right, (list, tuple)):
            _lists(guards, sign, left, right)
        elif watch and kinds[0] not in _NUMBERS and kinds[1] not in _NUMBERS:
            guards.fit(left, right)
        return apply(left, right)

    return guarded


def _integers(sign: str, left: int, right: int) -> None:
    if sign == "**":
        bits = 0 if abs(left) <= 1 or right < 0 else left.bit_length() * right
    else:
        bits = left.bit_length() + right.bit_length() if sign == "*" else max(left.bit_length(), right.bit_length())
    if bits > MAX_BITS:
        raise OutOfBounds(f"an integer of more than {MAX_BITS} bits")


def _lists(guards: Guards, sign: str, left: Any, right: Any) -> None:
    """Pay for what a list becomes; whether the operation has a meaning is Python's and the engine's affair."""
    count = 1
    for value in (left, right):
        if isinstance(value, (list, tuple)):
            guards.burn(_leaves(value))
        elif sign == "*":
            count = max(_integer(value), 0)  # a tensor of one element may serve as an integer
        elif isinstance(value, Sized):
            guards.burn(len(value) if shape_of(value) or not hasattr(value, "shape") else 1)
    if sign == "*":
        items = left if isinstance(left, (list, tuple)) else right
        guards.burn(_leaves(items) * count)
