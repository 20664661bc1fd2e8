"""Views: tensors that look at the memory of another tensor, and the history they share with it.

Keeps tensor_view#tensor-views and notes/autograd#in-place-operations-with-autograd. A view is an ordinary result: it has
a creator, and its gradient flows to the tensor it was taken of. What is special comes from writing. If ``v`` is a view of
``b`` and either is written in place, the *values* of both change, so their *histories* have to change too:

- A write to ``v`` gives ``b`` a new creator, ``copy_slices``: "the old ``b`` with a part replaced" (see inplace.py).
- A write to ``b`` makes the creator that ``v`` remembers outdated: ``v`` is now a view of something newer. As the number of
  views is unknown, nothing is done at the time of the write. Instead a view remembers the steps that lead from its base
  to it, and repeats them on the base as it is now when somebody asks for its creator (`View.refresh`).

A view of a view has the same base with longer steps; chains do not form. Whether something was written is told by the
counter of writes that all tensors on one memory share (versions.py).

Some views have no history that could be rewritten: those made while nothing was recorded, and those that an operation
made several of at once (several.py). To write them with recording on is refused, and so is to ask for their creator
after their base was written.
"""

from __future__ import annotations

import operator
from enum import Enum
from types import EllipsisType
from typing import Any

import numpy as np

from . import record
from .dtypes import Array
from .errors import AutogradError, warn
from .mapped import innermost, per_entry
from .modes import mode, recorded
from .record import Operation, Options, apply
from .rules import RULES
from .tensor import Tensor, method
from .versions import UNCOUNTED

Steps = tuple[tuple[Operation, Options], ...]


class Origin(Enum):
    """How a view came to be; if it may not be written, the kind of error that says so."""

    RECORDED = ""
    NO_GRAD = "no-grad-view-inplace"
    INFERENCE = "inference-view-inplace"
    SEVERAL = "multi-view-inplace"


_WHERE = {
    Origin.NO_GRAD: ("no_grad", "with grad mode enabled"),
    Origin.INFERENCE: ("inference", "in normal mode"),
}


class View:
    """What a tensor is a view of."""

    __slots__ = ("base", "origin", "seen", "steps")

    def __init__(self, of: Tensor, operation: Operation, options: Options) -> None:
        outer = of._view
        step = (operation, options)
        self.base: Tensor = of if outer is None else outer.base
        self.steps: Steps = (step,) if outer is None else (*outer.steps, step)
        self.origin: Origin = (
            Origin.INFERENCE if mode.inference else Origin.RECORDED if mode.recording else Origin.NO_GRAD
        )
        if outer is not None and self.origin is Origin.RECORDED:
            self.origin = outer.origin
        self.seen = of._writes[0]
        """The number of writes when the creator of the view was last up to date."""

    def refresh(self, view: Tensor) -> None:
        """Give ``view`` the creator that it has as a view of its base as the base is now."""
        if self.seen == view._writes[0] or not self.base.requires_grad:
            return
        self.refuse_unless_recorded(view, "its base or another view of its base has been")
        self.seen = view._writes[0]
        with recorded():
            renewed = repeat(self.steps, self.base)
        view.rebase(renewed)

    def refuse_unless_recorded(self, view: Tensor, event: str) -> None:
        if self.origin is Origin.SEVERAL:
            creator = "a function" if view._node is None else view._node.name().partition("Backward")[0]
            raise AutogradError(
                self.origin.value,
                f"Output {view._output} of {creator} is a view and {event} modified inplace. This view is the output of a "
                "function that returns multiple views. Such functions do not allow the output views to be modified "
                "inplace. You should replace the inplace operation by an out-of-place one.",
            )
        if self.origin is not Origin.RECORDED:
            block, when = _WHERE[self.origin]
            raise AutogradError(
                self.origin.value,
                f"A view was created in {block} mode and {event} modified inplace {when}. Given that this use case is "
                "ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the "
                f"inplace either both inside the {block}{'_mode' * (block == 'inference')} block (if you don't want the "
                "inplace to be tracked) or both outside (if you want the inplace to be tracked).",
            )

    def outdate(self) -> None:
        """The base has a new history: the next question for the creator of the view looks it up."""
        self.seen = -1


def repeat(steps: Steps, tensor: Tensor) -> Tensor:
    """The part of ``tensor`` that ``steps`` lead to, with its history."""
    for operation, options in steps:
        tensor = apply(operation, (tensor,), options)
    return tensor


def look(steps: Steps, array: Array) -> Array:
    """The part of ``array`` that ``steps`` lead to."""
    for operation, options in steps:
        array = operation.forward(array, **options)
    return array


def view_of(operation: Operation, operand: Tensor, **options: Any) -> Tensor:
    """The result of a view operation: same memory, same count of writes."""
    if record.interpreter is not None:
        return record.interpreter.view(operation, operand, options)
    return make_view(operation, operand, options)


def make_view(operation: Operation, operand: Tensor, options: Options) -> Tensor:
    result = record.execute(operation, (operand,), options)
    result._writes = operand._writes
    if operand._writes is not UNCOUNTED:  # nothing that could be recorded is ever written to an inference tensor
        result._view = View(operand, operation, options)
    return result


def _operation(name: str, forward: Any) -> Operation:
    return Operation(name, forward, ("a",), RULES[name])


# -- shapes ------------------------------------------------------------------------------------------------------------


def _reshaped(a: Array, *, size: tuple[int, ...]) -> Array:
    if any(n < -1 for n in size):  # which NumPy takes for -1
        raise AutogradError("invalid-argument", f"invalid shape dimension {min(size)}")
    return a.reshape(size)


VIEW = _operation("view", _reshaped)
EXPAND = _operation("expand", lambda a, *, size: np.broadcast_to(a, size))
CONTIGUOUS = _operation("clone", lambda a: a.copy())
T = _operation("t", lambda a: a.T)
TRANSPOSE = _operation("transpose", lambda a, *, dim0, dim1: a.swapaxes(dim0, dim1))
PERMUTE = _operation("permute", lambda a, *, dims: a.transpose(dims))


def sizes(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """``f(2, 3)`` and ``f((2, 3))`` mean the same."""
    return tuple(arguments[0]) if len(arguments) == 1 and isinstance(arguments[0], (tuple, list)) else arguments


def _can_view(array: Array, size: tuple[int, ...]) -> bool:
    return array.flags.c_contiguous or array.size == 0 or np.may_share_memory(array, array.reshape(size))


@method
def view(self: Tensor, *size: Any) -> Tensor:
    size = sizes(size)
    if not _can_view(self._array, size):
        raise AutogradError(
            "invalid-argument",
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead.",
        )
    return view_of(VIEW, self, size=size)


@method
def reshape(self: Tensor, *size: Any) -> Tensor:
    """A view where the memory allows it, otherwise a copy."""
    size = sizes(size)
    return view_of(VIEW, self, size=size) if _can_view(self._array, size) else apply(VIEW, (self,), {"size": size})


@method
def contiguous(self: Tensor) -> Tensor:
    """This tensor if its elements lie in order of rows already, a copy where they do otherwise."""
    return self if self._array.flags.c_contiguous else apply(CONTIGUOUS, (self,))


@method
def expand(self: Tensor, *size: Any) -> Tensor:
    """Repeat along new axes and axes of length 1, without using memory; -1 keeps a length."""
    size = sizes(size)
    new = len(size) - self._array.ndim
    return view_of(EXPAND, self, size=tuple(self.shape[i - new] if n == -1 else n for i, n in enumerate(size)))


@method
def t(self: Tensor) -> Tensor:
    if self.dim() > 2:
        raise AutogradError("invalid-argument", f"t() expects a tensor with <= 2 dimensions, but self is {self.dim()}D")
    return view_of(T, self)


@method
def transpose(self: Tensor, dim0: int, dim1: int) -> Tensor:
    return view_of(TRANSPOSE, self, dim0=dim0, dim1=dim1) if self.dim() else self.permute(())


@method
def permute(self: Tensor, *dims: Any) -> Tensor:
    return view_of(PERMUTE, self, dims=tuple(d % self.dim() for d in sizes(dims)))


def _reversed(self: Tensor) -> Tensor:
    if self.dim() != 2:
        warn(
            "transpose-attr-not-2d",
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will "
            "throw an error in a future release. Consider `x.mT` to transpose batches of matrices or "
            "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.",
        )
    return view_of(PERMUTE, self, dims=tuple(reversed(range(self.dim()))))


setattr(Tensor, "T", property(_reversed))  # noqa: B010 (for the type checker)


# -- indexing ----------------------------------------------------------------------------------------------------------


def _place(a: Array, *, index: tuple[Any, ...], size: tuple[int, ...]) -> Array:
    result = np.zeros(size, a.dtype)
    if is_basic(index):
        result[index] = a
    else:
        np.add.at(result, index, a)  # what was picked several times is given back to one place: the sum
    return result


SELECT = _operation("select", lambda a, *, index: a[index])
SLICE = _operation("slice", lambda a, *, index: a[index])
INDEX = Operation("index", lambda a, index: a[index], ("a", "index"), RULES["index"])
PLACE = _operation("place", _place)


def normal_index(index: Any) -> tuple[Any, ...]:
    """An index as a tuple of what NumPy understands, with an ellipsis (so that a single element is a view, too)."""
    parts = index if isinstance(index, tuple) else (index,)
    plain = tuple(part._array if isinstance(part, Tensor) else part for part in parts)
    plain = tuple(int(p) if isinstance(p, np.ndarray) and p.ndim == 0 and p.dtype.kind in "iu" else p for p in plain)
    return plain if any(part is ... for part in plain) else (*plain, ...)


def is_basic(index: tuple[Any, ...]) -> bool:
    """Numbers, slices, None and an ellipsis give views; lists and arrays of positions give copies."""
    return all(
        part is None or (isinstance(part, (slice, EllipsisType, int, np.integer)) and not isinstance(part, bool))
        for part in index
    )


@method
def __getitem__(self: Tensor, index: Any) -> Tensor:
    if record.interpreter is not None and innermost((index,)) is not None:
        return per_entry(operator.getitem)(self, index)
    index = normal_index(index)
    if not is_basic(index):
        return apply(INDEX, (self, index))
    last = next((part for part in reversed(index) if part is not ...), ...)
    return view_of(SELECT if isinstance(last, (int, np.integer)) else SLICE, self, index=index)


@method
def place(self: Tensor, index: tuple[Any, ...], size: tuple[int, ...]) -> Tensor:
    """The inverse of indexing: zeros of the given size with this tensor at ``index``."""
    return apply(PLACE, (self,), {"index": index, "size": size})
