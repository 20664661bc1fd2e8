"""Mapped tensors: what a function sees of its argument inside of ``vmap``.

`vmap` runs a function once, on all entries of its arguments at the same time. What the function gets is a `Mapped` tensor:
it has the shape and dtype of one entry, and stands for a list of them, which are ordinary tensors with histories (and
tangents) of their own. An operation on mapped operands is the operation on every entry (`each`), and that is all there
is to it: derivatives, in-place writes and other transformations happen to entries, and know nothing of maps.

One thing has no meaning for a list of values: to be a single Python value. A mapped tensor is no condition and no number.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from . import record
from .errors import AutogradError
from .tensor import Tensor
from .trees import sequence

Lifted = TypeVar("Lifted", bound=Callable[..., Any])


class Map(Protocol):
    """What a mapped tensor knows of the map that it belongs to."""

    size: int
    depth: int
    """How many transformations are around the map."""

    def call(self, custom: Any, arguments: Sequence[Any]) -> Any:
        """A call of a custom function with mapped arguments."""


class _NoNumbers(np.ndarray[Any, Any]):
    """The array of a mapped tensor: shape, dtype and strides are an entry's, numbers it has none."""

    def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
        raise _looked_at()

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in _ABOUT_SHAPE:
            raise _looked_at()
        return function(*(np.asarray(x) if isinstance(x, _NoNumbers) else x for x in args), **kwargs)

    def __getitem__(self, index: Any) -> Any:
        raise _looked_at()

    def astype(self, *_: Any, **__: Any) -> Any:
        raise _looked_at()

    def tolist(self) -> Any:
        raise _looked_at()


_ABOUT_SHAPE = {
    np.zeros_like,
    np.ones_like,
    np.empty_like,
    np.full_like,
    np.may_share_memory,
    np.shape,
    np.ndim,
    np.size,
}


class Mapped(Tensor):
    """``entries``, one for each turn of the map ``level``; they come from along ``axis`` of the mapped argument."""

    __slots__ = ("axis", "entries", "level")

    def __init__(self, level: Map, entries: Sequence[Tensor], axis: int = 0) -> None:
        first = entries[0]
        if any(entry.shape != first.shape for entry in entries):
            raise _unsupported(
                "an operation that has an output dynamic shape (it depends on the values) cannot be mapped: the entries of "
                "the result have different shapes"
            )
        super().__init__(np.zeros_like(first._array).view(_NoNumbers))
        self.level = level
        self.entries = list(entries)
        self.axis = axis
        self.take_note()

    def take_note(self) -> None:
        """Of the history that the entries have by now."""
        self._flag = any(entry.requires_grad for entry in self.entries)
        self._node = self.entries[0].grad_fn

    def detach(self) -> Tensor:
        return each(self.level, Tensor.detach, self)  # type: ignore[no-any-return]

    @property  # type: ignore[misc]
    def data(self) -> Tensor:
        return each(self.level, lambda entry: entry.data, self)  # type: ignore[no-any-return]

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        each(self.level, lambda entry: entry.requires_grad_(requires_grad), self)
        self._flag = requires_grad
        return self

    def __repr__(self) -> str:
        return f"Mapped({self.level.size} entries of shape {list(self.shape)}, {self.dtype})"

    def item(self) -> Any:
        raise _unsupported("It looks like you're calling .item() on a Tensor. We don't support that on mapped values.")

    def __bool__(self) -> bool:
        raise _unsupported(
            "It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support that "
            "yet, please shout over at the issue tracker."
        )

    def tolist(self) -> Any:
        raise _unsupported(
            "It looks like you're calling .tolist() on a Tensor. We don't support that on mapped values."
        )

    def numpy(self) -> Any:
        raise _unsupported("It looks like you're calling .numpy() on a Tensor. We don't support that on mapped values.")


def _looked_at() -> AutogradError:
    return _unsupported(
        "an operation looks at the numbers of a mapped tensor, which has many of each. Functions with data-dependent control "
        "flow or an output dynamic shape cannot be mapped."
    )


def _unsupported(text: str) -> AutogradError:
    return AutogradError("vmap-unsupported", f"vmap: {text}")


def innermost(values: Iterable[Any]) -> Map | None:
    """The innermost map that one of ``values`` (or a member of one that is a list) is mapped by."""
    found: Map | None = None
    for value in values:
        if isinstance(value, Mapped):
            level = value.level
        elif isinstance(value, (tuple, list)):
            inner = innermost(value)
            if inner is None:
                continue
            level = inner
        else:
            continue
        if found is None or level.depth > found.depth:
            found = level
    return found


def entry_of(value: Any, level: Map, turn: int) -> Any:
    """What ``value`` is in one turn of the map."""
    if isinstance(value, Mapped):
        return value.entries[turn] if value.level is level else value
    if isinstance(value, (tuple, list)):
        return sequence(type(value), [entry_of(part, level, turn) for part in value])
    return value


def each(level: Map, function: Callable[..., Any], *arguments: Any) -> Any:
    """``function`` of the entries of ``arguments``, for every turn; what it returns, mapped again."""
    return gathered(level, [function(*entry_of(arguments, level, turn)) for turn in range(level.size)])


def write_each(level: Map, function: Callable[..., Any], target: Tensor, *arguments: Any) -> Tensor:
    """``function(entry, ...)`` writes every entry of ``target``, which must be mapped if an argument is."""
    if not isinstance(target, Mapped) or target.level is not level:
        raise _unsupported(
            "in-place arithmetic on a tensor that is not mapped is not possible with a mapped operand, whose entries give "
            "different results: there is one place for all of them. Please use an out-of-place operation."
        )
    each(level, function, target, *arguments)
    target.take_note()
    return target


def per_entry(function: Lifted) -> Lifted:
    """For a function that does more with tensors than to apply operations: for mapped arguments, it is called for each
    entry."""

    @functools.wraps(function)
    def lifted(*arguments: Any, **keywords: Any) -> Any:
        mapping = None if record.interpreter is None else innermost((*arguments, *keywords.values()))
        if mapping is None:
            return function(*arguments, **keywords)

        def one(arguments: Any, values: Any) -> Any:
            return lifted(*arguments, **dict(zip(keywords, values, strict=True)))

        return each(mapping, one, arguments, tuple(keywords.values()))

    return lifted  # type: ignore[return-value]


def gathered(level: Map, results: Sequence[Any]) -> Any:
    """The results of all turns as one, member by member."""
    first = results[0]
    if isinstance(first, Tensor):
        return Mapped(level, results)
    if isinstance(first, (tuple, list)):
        return sequence(type(first), [gathered(level, column) for column in zip(*results, strict=True)])
    return first
