"""HIPS autograd: NumPy's functions, traced while they run, and transforms of functions.

Tensors are NumPy's arrays and numbers; `operations` says which of its functions a word means.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import autograd
from harness.engine import NATIVE, Array, Attribute, Observed, Opaque
from harness.engine import Engine as Base

from .operations import METHODS, OPERATIONS

DTYPES = {
    np.dtype(kind).name: kind
    for kind in (np.float16, np.float32, np.float64, np.complex64, np.complex128, np.int32, np.int64)
}


LACKING = (
    "not supported for the input types",  # NumPy's functions
    "'ArrayBox' object has no attribute",
    "Can't handle extra leading dims",  # broadcast_to
)
CONTAINERS: dict[type, Callable[[Any], Any]] = {
    tuple: autograd.builtins.tuple,
    list: autograd.builtins.list,
    dict: autograd.builtins.dict,
}


def spelled(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` as autograd's users write it: several results are in its own containers."""

    def traced(*args: Any) -> Any:
        result = function(*args)
        return CONTAINERS.get(type(result), lambda same: same)(result)

    return traced


def vjp(function: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], Any]]:
    pull, value = autograd.make_vjp(spelled(function), tuple(range(len(primals))))(*primals)
    return value, pull


def jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    push = autograd.make_jvp(spelled(function), tuple(range(len(primals))))(*primals)
    value, tangent = push(tuple(tangents))
    return value, tangent


def grad(function: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    made: Callable[..., Any] = (autograd.grad_and_aux if has_aux else autograd.grad)(function, argnums)
    return made


def grad_and_value(function: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    both = autograd.value_and_grad(function, argnums)

    def reordered(*args: Any) -> tuple[Any, Any]:
        value, gradient = both(*args)
        return gradient, value

    return reordered


class Engine(Base):
    names: Mapping[str, Any] = {
        **DTYPES,
        **OPERATIONS,
        "func.vjp": vjp,
        "func.jvp": jvp,
        "func.grad": grad,
        "func.grad_and_value": grad_and_value,
        "func.jacrev": lambda function, argnums=0: autograd.jacobian(function, argnums),
        "func.hessian": lambda function, argnums=0: autograd.hessian(function, argnums),
    }
    attributes: Mapping[str, Attribute] = {
        **METHODS,
        **dict.fromkeys(("T", "shape", "dtype", "item", "tolist"), NATIVE),
        "dim": lambda x: x.ndim,
        "numel": lambda x: x.size,
    }

    error_kinds = (
        ("scalar-function-required", "TypeError", "only applies to real scalar-output functions"),
        ("not-a-tensor", "TypeError", "Can't find vector space for value"),
    )

    @property
    def version(self) -> str:
        return importlib.metadata.version("autograd")

    def lacks(self, error: BaseException) -> bool:
        # NotImplementedError: "VJP of cumprod wrt argnums (0,) not defined"
        said = any(words in str(error) for words in LACKING)
        return said or isinstance(error, NotImplementedError) or super().lacks(error)

    def read(self, value: Any) -> Observed:
        if isinstance(value, (np.ndarray, np.generic)):
            return Array(value.dtype.name, value.shape, value.tolist())
        if isinstance(value, (list, tuple)):
            return [self.read(item) for item in value]
        if value is None or isinstance(value, (bool, int, float, complex, str)):
            return value
        if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
            return np.dtype(value).name
        return Opaque(type(value).__qualname__)
