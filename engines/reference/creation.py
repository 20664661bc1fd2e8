"""New tensors from numbers. All of them are leaves (torch.tensor, torch.zeros, torch.ones and their relatives)."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import record
from .dtypes import as_dtype, complex64, complex128, float32, float64, of_number
from .errors import AutogradError, AutogradTypeError, warn
from .tensor import Tensor, method, untracked
from .views import sizes


def tensor(data: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor from a number, nested lists of numbers and one-element tensors, or an array; always a copy.

    Python floats make float32, the default dtype; arrays keep their dtype."""
    if isinstance(data, Tensor):
        warn(
            "tensor-copy-construct",
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
        )
        data = data._array
    if isinstance(data, np.ndarray):
        array = np.array(data, dtype=None if dtype is None else as_dtype(dtype))
        as_dtype(array.dtype)
        return _leaf(array, requires_grad)
    if _holds_tracked(data):
        warn(
            "scalar-conversion",
            "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior. Consider using "
            "tensor.detach() first.",
        )
    numbers = _numbers(data)
    array = np.array(numbers, dtype=None if dtype is None else as_dtype(dtype))
    if dtype is None and not isinstance(data, np.generic):
        array = array.astype({float64: float32, complex128: complex64}.get(array.dtype, array.dtype), copy=False)
        if array.size == 0:
            array = array.astype(float32)
    as_dtype(array.dtype)
    return _leaf(array, requires_grad)


def _holds_tracked(data: Any) -> bool:
    if isinstance(data, (list, tuple)):
        return any(map(_holds_tracked, data))
    return isinstance(data, Tensor) and data.requires_grad


def _numbers(data: Any) -> Any:
    if isinstance(data, (list, tuple)):
        return [_numbers(entry) for entry in data]
    return data.item() if isinstance(data, Tensor) else data


def _leaf(array: Any, requires_grad: bool) -> Tensor:
    leaf = untracked(array)
    if requires_grad:
        if array.dtype.kind not in "fc":
            raise AutogradError(
                "non-float-requires-grad", "Only Tensors of floating point and complex dtype can require gradients"
            )
        leaf._flag = True
    if record.interpreter is not None:
        record.interpreter.created(leaf)
    return leaf


def zeros(*size: Any, dtype: Any = float32, requires_grad: bool = False) -> Tensor:
    return _leaf(np.zeros(sizes(size), as_dtype(dtype)), requires_grad)


def ones(*size: Any, dtype: Any = float32, requires_grad: bool = False) -> Tensor:
    return _leaf(np.ones(sizes(size), as_dtype(dtype)), requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    return _leaf(np.zeros_like(input._array, dtype=None if dtype is None else as_dtype(dtype)), requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    return _leaf(np.ones_like(input._array, dtype=None if dtype is None else as_dtype(dtype)), requires_grad)


class _IsTensor(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_IsTensor):
    """The old constructor: returns a tensor on the same memory. Every tensor counts as a Variable."""

    def __new__(cls, data: Tensor, requires_grad: bool = False) -> Any:
        if not isinstance(data, Tensor):
            raise AutogradTypeError("not-a-tensor", f"Variable data has to be a tensor, but got {type(data).__name__}")
        return data.detach().requires_grad_(requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    dtype = of_number(fill_value) if dtype is None else as_dtype(dtype)
    return _leaf(np.full(sizes((size,)) if isinstance(size, int) else tuple(size), fill_value, dtype), requires_grad)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    return _leaf(np.full_like(input._array, fill_value, None if dtype is None else as_dtype(dtype)), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = float32, requires_grad: bool = False) -> Tensor:
    return _leaf(np.eye(n, m, dtype=as_dtype(dtype)), requires_grad)


def arange(start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    start, end = (0, start) if end is None else (start, end)
    kind = max(map(of_number, (start, end, step)), key=lambda d: d.kind == "f")
    return _leaf(np.arange(start, end, step).astype(kind if dtype is None else as_dtype(dtype)), requires_grad)


def linspace(start: float, end: float, steps: int, *, dtype: Any = float32, requires_grad: bool = False) -> Tensor:
    return _leaf(np.linspace(start, end, steps).astype(as_dtype(dtype)), requires_grad)


@method
def new_zeros(self: Tensor, *size: Any) -> Tensor:
    """Zeros of the dtype of this tensor."""
    return Tensor(np.zeros(sizes(size), self.dtype))
