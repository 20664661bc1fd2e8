"""JAX: transforms of functions of arrays, run operation by operation.

`operations` says which of its functions a word means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from harness.engine import NATIVE, Array, Attribute, EngineUnusable, Observed, Opaque
from harness.engine import Engine as Base

from .operations import METHODS, OPERATIONS

DTYPES = {
    jnp.dtype(kind).name: kind
    for kind in (
        *(jnp.float16, jnp.bfloat16, jnp.float32, jnp.float64),
        *(jnp.complex64, jnp.complex128, jnp.int32, jnp.int64),
    )
}
_COTANGENT = re.compile(r"argument to VJP function: got \w+\[([\d,]*)\], but expected \w+\[([\d,]*)\]")
LACKING = re.compile(
    "is out of bounds for array of dimension 0|meshgrid must be 1D|arrays must have the same number of dimensions"
    "|is not supported, see docstring"
)
"""What JAX says of ranks and dtypes that its operations do not take."""


def grad_and_value(function: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    both = jax.value_and_grad(function, argnums, has_aux)

    def reordered(*args: Any) -> tuple[Any, Any]:
        value, gradient = both(*args)
        return gradient, value

    return reordered


class Engine(Base):
    names: Mapping[str, Any] = {
        **DTYPES,
        **OPERATIONS,
        "func.vjp": jax.vjp,
        "func.jvp": jax.jvp,
        "func.grad": jax.grad,
        "func.grad_and_value": grad_and_value,
        "func.linearize": jax.linearize,
        "func.jacrev": jax.jacrev,
        "func.jacfwd": jax.jacfwd,
        "func.hessian": jax.hessian,
        "vmap": lambda function, in_dims=0, out_dims=0: jax.vmap(function, in_dims, out_dims),
    }
    attributes: Mapping[str, Attribute] = {
        **METHODS,
        **dict.fromkeys(("T", "shape", "dtype", "item", "tolist", "real", "imag"), NATIVE),
        "dim": lambda x: x.ndim,
        "numel": lambda x: x.size,
    }
    error_kinds = (("scalar-function-required", "TypeError", "Gradient only defined for scalar-output functions"),)

    lacking = LACKING

    def __init__(self, device: str | None = None) -> None:
        try:
            self.device = jax.devices(device or "cpu")[0]
        except RuntimeError as error:
            raise EngineUnusable(f"JAX has no device {device!r} here: {error}") from None
        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_default_device", self.device)

    @property
    def version(self) -> str:
        return str(jax.__version__)

    def error_kind(self, error: BaseException) -> str | None:
        shapes = _COTANGENT.search(str(error))
        return "grad-shape-mismatch" if shapes and shapes[1] != shapes[2] else super().error_kind(error)

    def lacks(self, error: BaseException) -> bool:
        # a traced value has no number that Python could read
        return isinstance(error, (NotImplementedError, jax.errors.ConcretizationTypeError)) or super().lacks(error)

    def read(self, value: Any) -> Observed:
        if isinstance(value, jax.Array):
            return Array(value.dtype.name, value.shape, value.tolist())
        if isinstance(value, (list, tuple)):
            return [self.read(item) for item in value]
        if value is None or isinstance(value, (bool, int, float, complex, str)):
            return value
        if value in DTYPES.values() or isinstance(value, jnp.dtype):
            return str(jnp.dtype(value).name)
        return Opaque(type(value).__qualname__)
