"""Element types, and which one an operation on mixed operands has.

Keeps tensor_attributes#type-promotion-doc: bool < integer < floating < complex are the *categories*. Operands with
dimensions decide; a 0-d tensor counts only if it is of a higher category than all of those, and a Python number only
if it is of a higher category than all tensors (it then has the default dtype of its category).
"""

from __future__ import annotations

import functools
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .errors import AutogradTypeError

Array = npt.NDArray[Any]
DType = np.dtype[Any]

float16: Final[DType] = np.dtype("float16")
float32: Final[DType] = np.dtype("float32")
float64: Final[DType] = np.dtype("float64")
complex64: Final[DType] = np.dtype("complex64")
complex128: Final[DType] = np.dtype("complex128")
int32: Final[DType] = np.dtype("int32")
int64: Final[DType] = np.dtype("int64")
boolean: Final[DType] = np.dtype("bool")

BY_NAME: Final = {d.name: d for d in (float16, float32, float64, complex64, complex128, int32, int64, boolean)}

_OWN: Final = {dtype: dtype for dtype in BY_NAME.values()}

DIFFERENTIABLE: Final = "fc"
"""The NumPy kinds of dtype that can carry gradients (floating, complex)."""

_CATEGORY: Final = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}
_DEFAULT: Final = (boolean, int64, float32, complex64)


def as_dtype(dtype: Any) -> DType:
    """``dtype`` as one of ours, given as such, as text or as a Python type (``float`` is float64, as in NumPy)."""
    if isinstance(dtype, np.dtype) and dtype in _OWN:
        return _OWN[dtype]
    try:
        return BY_NAME[np.dtype(dtype).name]
    except (TypeError, KeyError):
        raise AutogradTypeError(
            "invalid-argument", f"unknown dtype {dtype!r}; there are {', '.join(BY_NAME)}"
        ) from None


def of_number(number: complex) -> DType:
    """The default dtype of a Python number."""
    return _DEFAULT[_category_of_number(number)]


def _category_of_number(number: Any) -> int:
    if isinstance(number, (bool, np.bool_)):
        return 0
    if isinstance(number, (int, np.integer)):
        return 1
    if isinstance(number, (float, np.floating)):
        return 2
    if isinstance(number, (complex, np.complexfloating)):
        return 3
    raise AutogradTypeError("not-a-tensor", f"expected a tensor or a number, got {type(number).__name__}")


def result_type(*values: Any) -> DType:
    """The dtype of an elementwise operation on arrays and Python numbers."""
    with_dimensions: list[DType] = []
    without: list[DType] = []
    numbers: list[DType] = []
    for value in values:
        if isinstance(value, np.ndarray):
            (with_dimensions if value.ndim else without).append(value.dtype)
        else:
            numbers.append(of_number(value))
    result: DType | None = None
    for tier in (with_dimensions, without, numbers):
        if tier:
            dtype = functools.reduce(_larger, tier)
            if result is None or _CATEGORY[dtype.kind] > _CATEGORY[result.kind]:
                result = dtype if result is None else _larger(result, dtype)
    assert result is not None
    return result


def _larger(one: DType, other: DType) -> DType:
    """The smallest dtype for both; integers and booleans adapt to a floating dtype without making it wider."""
    if one.kind in DIFFERENTIABLE and other.kind in "biu":
        return one
    if other.kind in DIFFERENTIABLE and one.kind in "biu":
        return other
    return np.promote_types(one, other)


def promote(*values: Any) -> list[Array]:
    """Arrays and Python numbers, all as arrays of the dtype that the result has."""
    dtype = result_type(*values)
    return [np.asarray(value, dtype) for value in values]


def promote_to_floating(*values: Any) -> list[Array]:
    """Like `promote`, for functions that leave the integers: these count as the default floating dtype."""
    dtype = result_type(*values)
    if dtype.kind not in DIFFERENTIABLE:
        dtype = float32
    return [np.asarray(value, dtype) for value in values]


def cast(array: Array, dtype: DType) -> Array:
    """``array`` in another dtype (the same array if it has it); of a complex number a real dtype keeps the real part."""
    if array.dtype.kind == "c" and dtype.kind != "c":
        array = array.real
    return array.astype(dtype, copy=False)
