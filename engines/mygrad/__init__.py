"""MyGrad: a tape over NumPy arrays, through its public API, as its users type it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

import mygrad as mg
from harness.engine import NATIVE, Array, Attribute, Observed, Opaque, Unsupported
from harness.engine import Engine as Base
from harness.language.words import ATTRIBUTES, NAMES

from .operations import OPERATIONS

_DTYPES = ("float16", "float32", "float64", "int32", "int64")


def _made(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a leaf is constant or not by: MyGrad's word for requires_grad=False is constant=True."""

    def make(*arguments: Any, requires_grad: bool = False, **keywords: Any) -> Any:
        return function(*arguments, constant=not requires_grad, **keywords)

    return make


def _of_sizes(function: Callable[..., Any]) -> Callable[..., Any]:
    def make(*sizes: Any, **keywords: Any) -> Any:
        return function(sizes[0] if isinstance(sizes[0], (list, tuple)) else sizes, **keywords)

    return make


def _backward(root: Any, gradient: Any = None) -> None:
    root.backward(gradient)


def _requires_grad(x: Any) -> bool:
    """Comparisons return plain arrays, which are on no tape."""
    return isinstance(x, mg.Tensor) and not x.constant


def _data(x: Any) -> Any:
    """Gradients are plain arrays already."""
    return x if isinstance(x, np.ndarray) else x.data


def _set_grad(x: Any, grad: Any) -> None:
    if grad is not None:
        raise Unsupported("a gradient can be forgotten and not assigned")
    x.null_grad()


class Engine(Base):
    names: Mapping[str, Any] = {
        **{word: function for word, function in OPERATIONS.items() if word in NAMES},
        **{dtype: np.dtype(dtype) for dtype in _DTYPES},
        "tensor": _made(mg.tensor),
        "zeros": _made(_of_sizes(mg.zeros)),
        "ones": _made(_of_sizes(mg.ones)),
        "full": _made(mg.full),
        "eye": _made(mg.eye),
        "arange": _made(mg.arange),
        "zeros_like": _made(mg.zeros_like),
        "ones_like": _made(mg.ones_like),
        "Tensor": mg.Tensor,
        "no_grad": lambda: mg.no_autodiff,
        "same_storage": mg.shares_memory,
    }
    attributes: Mapping[str, Attribute] = {
        **{word: function for word, function in OPERATIONS.items() if word in ATTRIBUTES},
        **dict.fromkeys(("T", "dtype", "item"), NATIVE),
        "data": _data,
        "grad": lambda x: x.grad,
        "backward": _backward,
        "requires_grad": _requires_grad,
        "detach": lambda x: mg.astensor(x, constant=True),
        "shape": lambda x: list(x.shape),
        "dim": lambda x: x.ndim,
        "numel": lambda x: x.size,
        "tolist": lambda x: x.data.tolist(),
    }
    setters: ClassVar[Mapping[str, Callable[[Any, Any], None]]] = {
        "grad": _set_grad,
        "data": lambda x, data: setattr(x, "data", data),
    }
    error_kinds = (
        ("graph-freed", "InvalidBackprop", "was 'cleared' prior to backprop"),
        ("grad-shape-mismatch", "ValueError", "was passed a gradient with an incompatible shape"),
        ("non-float-requires-grad", "ValueError", "Integer-valued tensors must be treated as constants"),
        ("item-multi-element", "ValueError", "of size 1 to a Python scalar"),
        ("none-attribute", "AttributeError", "'NoneType' object has no attribute"),
    )

    @property
    def version(self) -> str:
        return str(mg.__version__)

    def read(self, value: Any) -> Observed:
        if isinstance(value, (mg.Tensor, np.ndarray, np.generic)):
            array = np.asarray(value.data if isinstance(value, mg.Tensor) else value)
            return Array(str(array.dtype), array.shape, array.tolist())
        if isinstance(value, np.dtype):
            return str(value)
        if isinstance(value, (list, tuple)):
            return [self.read(item) for item in value]
        if value is None or isinstance(value, (bool, int, float, complex, str)):
            return value
        return Opaque(type(value).__qualname__)
