"""In-place operations: writing to memory that a graph may depend on.

Keeps notes/autograd#in-place-operations-with-autograd and #in-place-correctness-checks. An in-place operation is the
out-of-place one followed by a change of identity: the numbers go into the old memory, and the tensor takes the history of
the result. Nobody else is disturbed: whoever used the old value has edges to the *old* creator, and whoever saved it
finds at the reverse pass that the memory has seen a write since (saved.py).

    y = x * 2          y: mul(x)
    z = y + 1          z: add(mul(x))
    y.mul_(10)         y: mul(mul(x)), the memory holds 20 x and counts one write; z keeps its history

For a view the memory belongs to the base, so the base takes a new history as well: ``copy_slices(old base, new part)``,
whose rules are "the gradient outside of the part goes on to the old base, the part's goes to what was written". The view
itself is then a view of the new base, and so is every other view of it (views.py).

A leaf that requires a gradient cannot be written while recording is on: it would stop being a leaf, and its gradient
would have nowhere to go. Under `no_grad` it can (that is what optimizers do), and only the count of writes moves.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from . import ops, views
from . import record as recording
from .dtypes import Array, cast
from .errors import AutogradError
from .layout import is_expanded
from .mapped import innermost, write_each
from .modes import mode
from .record import NO_OPTIONS, Operation, OperationNode, Options, apply, record
from .rules import RULES
from .tensor import Tensor, method
from .versions import announce_write


def write(target: Tensor, operation: Operation, others: tuple[Any, ...], options: Options = NO_OPTIONS) -> Tensor:
    """``target`` becomes the result of ``operation`` on it and ``others``."""
    if recording.interpreter is not None:
        return recording.interpreter.write(target, operation, others, options)
    return overwrite(target, operation, others, options)


def overwrite(target: Tensor, operation: Operation, others: tuple[Any, ...], options: Options) -> Tensor:
    operands = (target, *others)
    if not mode.recording or not any(isinstance(x, Tensor) and x.requires_grad for x in operands):
        values = [x._array if isinstance(x, Tensor) else x for x in operands]
        _overwrite(target, operation.forward(*values, **options))
        return target

    _refuse_leaf(target)
    before = snapshot(target, copy=operation.may_save(0))
    result = recording.execute(operation, (before, *others), options)
    _overwrite(target, result._array)
    if isinstance(result._node, OperationNode):
        result._node.move_result(target)
    take_over(target, result)
    return target


def take_over(target: Tensor, result: Tensor) -> None:
    """The numbers of ``result`` are in the memory of ``target``, which takes its history."""
    view = target._view
    if view is None:
        target.rebase(result)
    else:
        base = view.base
        base_before = snapshot(base, copy=False)
        base.rebase(record(COPY_SLICES, (base_before, result), base._array, {"steps": view.steps}))
        view.outdate()


def _overwrite(target: Tensor, values: Array) -> None:
    _refuse_overlap(target)
    present = target._array
    if np.shape(values) != present.shape:
        raise AutogradError(
            "inplace-shape",
            f"output with shape {list(present.shape)} doesn't match the broadcast shape {list(np.shape(values))}",
        )
    if not np.can_cast(values.dtype, present.dtype, "same_kind"):
        raise AutogradError(
            "inplace-dtype", f"result type {values.dtype} can't be cast to the desired output type {present.dtype}"
        )
    announce_write(target)
    if not present.flags.writeable:  # a part of what `expand` made, which NumPy is careful with
        present.flags.writeable = True
    np.copyto(present, values, casting="same_kind")


def _refuse_overlap(target: Tensor) -> None:
    if is_expanded(target._array):
        raise AutogradError(
            "overlap-write",
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation.",
        )


def _refuse_leaf(target: Tensor) -> None:
    view = target._view
    if view is not None:
        view.refuse_unless_recorded(target, "is being")
        if target.requires_grad and view.base.is_leaf:
            raise AutogradError(
                "leaf-view-inplace",
                "a view of a leaf Variable that requires grad is being used in an in-place operation.",
            )
    if target.requires_grad and target.is_leaf:
        raise AutogradError(
            "leaf-inplace", "a leaf Variable that requires grad is being used in an in-place operation."
        )


def snapshot(tensor: Tensor, *, copy: bool) -> Tensor:
    """The tensor as it is now, for the graph; ``copy`` where its numbers will be needed after the write."""
    before = Tensor(tensor._array.copy() if copy else tensor._array)
    before._node, before._output, before._flag = tensor.grad_fn, tensor._output, tensor._flag
    if copy and recording.interpreter is not None:
        recording.interpreter.copied(tensor, before)
    return before


# -- writing to a part -------------------------------------------------------------------------------------------------


def _copy_slices(a: Array, b: Array, *, steps: views.Steps) -> Array:
    result = np.array(a, order="C")
    part = views.look(steps, result)
    if np.may_share_memory(part, result):
        part[...] = b
    else:  # a view of the base need not be one of this copy, which may have other strides: go by positions
        positions = views.look(steps, np.arange(result.size).reshape(result.shape))
        result.reshape(-1)[positions] = b
    return result


def _index_put(a: Array, b: Any, index: tuple[Any, ...]) -> Array:
    result = np.array(a)
    result[index] = b
    return result


COPY_SLICES = Operation("copy_slices", _copy_slices, ("a", "b"), RULES["copy_slices"])
INDEX_PUT = Operation("index_put", _index_put, ("a", "b", "index"), RULES["index_put"])


@method
def copy_slices(self: Tensor, part: Any, steps: views.Steps) -> Tensor:
    """A copy with the part that ``steps`` lead to replaced."""
    return apply(COPY_SLICES, (self, part), {"steps": steps})


@method
def look(self: Tensor, steps: views.Steps) -> Tensor:
    """The part that ``steps`` lead to."""
    return views.repeat(steps, self)


@method
def index_put(self: Tensor, index: tuple[Any, ...], values: Any) -> Tensor:
    """A copy with the elements at ``index`` replaced."""
    return apply(INDEX_PUT, (self, values, index))


@method
def __setitem__(self: Tensor, index: Any, values: Any) -> None:
    mapping = None if recording.interpreter is None else innermost((index,))
    if mapping is not None:
        write_each(mapping, operator.setitem, self, index, values)
        return
    index = views.normal_index(index)
    if views.is_basic(index):
        part = self[index]
        extra = values.dim() - part.dim() if isinstance(values, Tensor) else 0
        if extra > 0 and all(n == 1 for n in values.shape[:extra]):
            values = values.reshape(values.shape[extra:])  # leading axes of length 1 may be dropped
        part.copy_(values)
    else:
        write(self, INDEX_PUT, (values, index))


# -- the in-place methods ----------------------------------------------------------------------------------------------


def _copy(a: Array, b: Any) -> Array:
    b = cast(np.asarray(b), a.dtype)
    return np.broadcast_to(b, a.shape if b.shape in ((), a.shape) else np.broadcast_shapes(a.shape, b.shape))


COPY = Operation("copy", _copy, ("a", "b"), RULES["copy"])
FILL = Operation("fill", _copy, ("a", "b"), RULES["fill"])
ZERO = Operation("zero", np.zeros_like, ("a",), RULES["zero"])


@method
def copy_(self: Tensor, other: Any) -> Tensor:
    return write(self, COPY, (other,))


@method
def fill_(self: Tensor, value: Any) -> Tensor:
    return write(self, FILL, (value,))


@method
def zero_(self: Tensor) -> Tensor:
    return write(self, ZERO, ())


def add_(self: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    return write(self, ops.ADD, (other,), {"alpha": alpha})


def sub_(self: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    return write(self, ops.SUB, (other,), {"alpha": alpha})


def mul_(self: Tensor, other: Any) -> Tensor:
    return write(self, ops.MUL, (other,))


def div_(self: Tensor, other: Any) -> Tensor:
    return write(self, ops.DIV, (other,))


def remainder_(self: Tensor, other: Any) -> Tensor:
    return write(self, ops.REMAINDER, (other,))


def floor_divide_(self: Tensor, other: Any) -> Tensor:
    return write(self, ops.FLOOR_DIVIDE, (other,))


def pow_(self: Tensor, exponent: Any) -> Tensor:
    if isinstance(exponent, Tensor):
        return write(self, ops.POW_TENSOR, (exponent,))
    return write(self, ops.POW, (), {"exponent": exponent})


method(add_, "add_", "__iadd__")
method(sub_, "sub_", "__isub__")
method(mul_, "mul_", "__imul__")
method(div_, "div_", "__itruediv__")
method(remainder_, "remainder_", "__imod__")
method(floor_divide_, "floor_divide_", "__ifloordiv__")
method(pow_, "pow_", "__ipow__")


def _in_place(operation: Operation) -> None:
    def function(self: Tensor) -> Tensor:
        return write(self, operation, ())

    method(function, f"{operation.name}_")


for _operation in ops.FUNCTIONS:  # exp_, sin_, relu_ ...
    _in_place(_operation)
