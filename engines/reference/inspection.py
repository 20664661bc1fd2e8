"""What a spec may ask of a tensor beyond what PyTorch has a word for: its creator, what that keeps, its memory."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from . import creation, packing
from .function import FunctionNode
from .record import OperationNode
from .tensor import Tensor


def op_name(tensor: Tensor) -> str | None:
    """The engine-neutral name of the operation that made ``tensor``; None for a leaf."""
    return None if tensor.grad_fn is None else tensor.grad_fn.label


def next_ops(tensor: Tensor) -> list[str | None]:
    node = tensor.grad_fn
    return [] if node is None else [None if operand is None else operand.label for operand, _ in node.next_functions]


def raw_saved(tensor: Tensor) -> list[packing.SavedTensor]:
    """What the creator of ``tensor`` keeps, in the form in which it is kept."""
    node = tensor.grad_fn
    if isinstance(node, OperationNode):
        names = [name for name in node.saved_names if node.saved is None or not _is_number(node.saved[name])]
        return [packing.SavedTensor(node, lambda: node.saved, name) for name in names]
    if isinstance(node, FunctionNode):
        return [packing.SavedTensor(node, lambda: node._saved, i) for i in range(len(node._saved or ()))]
    return []


def saved(tensor: Tensor) -> list[Tensor]:
    """What the creator of ``tensor`` keeps for the reverse pass."""
    node = tensor.grad_fn
    if isinstance(node, FunctionNode):
        return [kept for kept in node.saved_tensors if kept is not None]
    if isinstance(node, OperationNode):
        kept = [node.unpack(name) for name in node.saved_names]
        return [value if isinstance(value, Tensor) else creation.tensor(value) for value in kept if _is_value(value)]
    return []


def _is_number(kept: Any) -> bool:
    return isinstance(kept, numbers.Number)


def _is_value(kept: Any) -> bool:
    return isinstance(kept, Tensor) or _is_number(kept)


def same_storage(one: Tensor, other: Tensor) -> bool:
    return np.may_share_memory(_whole(one._array), _whole(other._array))


def _whole(array: Any) -> Any:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
