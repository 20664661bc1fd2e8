"""MLX: transforms of functions of lazy arrays, on the CPU; `operations` says which of its functions a word means."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mlx.core as mx
from harness.engine import NATIVE, Array, Attribute, EngineUnusable, Observed, Opaque, Unsupported
from harness.engine import Engine as Base

from .operations import METHODS, OPERATIONS

LACKING = re.compile(
    "not (yet )?(implemented|supported)|cannot calculate [vj][vj]p with respect to indices|array with 0 dimensions"
    "|must (have type|promote to) float32 or float64|with size 0|received empty array|weights with shape|does not match vars shape",
    re.IGNORECASE,
)
"""What MLX says of what it does not have."""
DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64", "int32", "int64")


def arrays(values: Sequence[Any]) -> list[mx.array]:
    if not all(isinstance(value, mx.array) for value in values):
        raise Unsupported("mx.vjp and mx.jvp take arrays alone")
    return list(values)


def listed(function: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[[list[Any]], Any]]:
    """``function`` with its results in a list, and what puts such a list in the form of its results."""
    single: list[bool] = []

    def of_list(*args: Any) -> list[Any]:
        result = function(*args)
        single[:] = [not isinstance(result, (list, tuple))]
        return arrays([result] if single[0] else result)

    return of_list, lambda results: results[0] if single[0] else tuple(results)


def vjp(function: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], Any]]:
    """mx.vjp takes the cotangents together with the function, and runs it for each of them."""
    inputs = arrays(primals)
    of_list, formed = listed(function)

    def pull(cotangents: Any) -> tuple[Any, ...]:
        given = list(cotangents) if isinstance(cotangents, (list, tuple)) else [cotangents]
        return tuple(mx.vjp(of_list, inputs, given)[1])

    return formed(of_list(*inputs)), pull


def jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    of_list, formed = listed(function)
    results, pushed = mx.jvp(of_list, arrays(primals), list(tangents))
    return formed(results), formed(pushed)


class NotScalar(ValueError):
    """mx.grad says so in the words of mx.vjp."""


def of_loss(transform: Callable[..., Any], function: Callable[..., Any], argnums: Any) -> Callable[..., Any]:
    """``transform`` gives the gradients in the order of the arguments, and a bare one by a single argument."""
    if isinstance(argnums, tuple) and list(argnums) != sorted(set(argnums)):
        raise Unsupported("gradients come in the order of the arguments")
    differentiated = transform(function, list(argnums) if isinstance(argnums, tuple) else argnums)

    def called(*args: Any, **keywords: Any) -> Any:
        try:
            return differentiated(*args, **keywords)
        except ValueError as error:
            raise NotScalar(str(error)) if "cotangent shape ()" in str(error) else error from error

    return called


def packed(gradient: Any, argnums: Any) -> Any:
    return (gradient,) if isinstance(argnums, tuple) and len(argnums) == 1 else gradient


def grad(function: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    differentiated = of_loss(mx.grad, function, argnums)
    return lambda *args, **keywords: packed(differentiated(*args, **keywords), argnums)


def grad_and_value(function: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    both = of_loss(mx.value_and_grad, function, argnums)

    def reordered(*args: Any, **keywords: Any) -> tuple[Any, Any]:
        value, gradient = both(*args, **keywords)
        return packed(gradient, argnums), value

    return reordered


def vmap(function: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0) -> Callable[..., Any]:
    mapped: Callable[..., Any] = mx.vmap(function, in_dims, out_dims)
    return mapped


class Engine(Base):
    names: Mapping[str, Any] = {
        **{dtype: getattr(mx, dtype) for dtype in DTYPES},
        **OPERATIONS,
        "func.vjp": vjp,
        "func.jvp": jvp,
        "func.grad": grad,
        "func.grad_and_value": grad_and_value,
        "vmap": vmap,
    }
    attributes: Mapping[str, Attribute] = {
        **METHODS,
        **dict.fromkeys(("T", "shape", "dtype", "item", "tolist", "real", "imag", "abs"), NATIVE),
        "dim": lambda x: x.ndim,
        "numel": lambda x: x.size,
        "to": lambda x, dtype: x.astype(dtype),
        "detach": mx.stop_gradient,
    }
    error_kinds = (
        ("scalar-function-required", "NotScalar", ""),
        ("grad-shape-mismatch", "ValueError", "does not match cotangent shape"),
        ("grad-count-mismatch", "ValueError", "does not match number of cotangents"),
        ("cotangent-structure", "ValueError", "Number of inputs does not match number of tangents"),
    )

    lacking = LACKING

    def __init__(self, device: str | None = None) -> None:
        super().__init__(device)
        if not hasattr(mx, "value_and_grad"):
            raise EngineUnusable("the package mlx that is installed is not Apple's: pip install mlx[cpu]")
        # float64 exists on the CPU alone.
        mx.set_default_device(mx.cpu)

    @property
    def version(self) -> str:
        return importlib.metadata.version("mlx")

    def read(self, value: Any) -> Observed:
        if isinstance(value, mx.array):
            return Array(_name(value.dtype), value.shape, value.tolist())
        if isinstance(value, (list, tuple)):
            return [self.read(item) for item in value]
        if value is None or isinstance(value, (bool, int, float, complex, str)):
            return value
        return _name(value) if isinstance(value, mx.Dtype) else Opaque(type(value).__qualname__)


def _name(dtype: mx.Dtype) -> str:
    return str(dtype).rpartition(".")[2]
