"""MindSpore: derivatives of functions of tensors, run operation by operation (PyNative mode) on the CPU.

`operations` says which of its functions a word means. mindspore.jvp, jacrev, jacfwd and vmap compile the source text of a
function, which the functions of a spec do not have; mindspore.grad, value_and_grad and vjp run it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

os.environ.setdefault("GLOG_v", "3")

import numpy as np

import mindspore as ms
from harness.engine import NATIVE, Array, Attribute, EngineUnusable, Observed, Opaque, Unsupported
from harness.engine import Engine as Base
from mindspore.graph.api import _pynative_executor as executor

from .operations import METHODS, OPERATIONS

DTYPES = ("float16", "bfloat16", "float32", "float64", "int32", "int64")
KINDS = tuple(type(getattr(ms, dtype)) for dtype in (*DTYPES, "bool_"))
LACKING = re.compile(
    "unregistered|Unsupported data type|bprop not defined|must be a type of|not support|Kernel select failed|KernelMod Init Failed"
    "|input dtype should be|should be one of|the dtype of 'input' must|alpha must be 1|'n' must be 1|must be integers"
    "|row size must be greater|rank of .* must be|axis must be in \\[0,0\\)|range of \\[-?0, |cannot broadcast"
    "|check range left must be smaller"
)
"""What MindSpore says of what it does not have."""


def tensors(values: Sequence[Any]) -> tuple[Any, ...]:
    if not all(isinstance(value, ms.Tensor) for value in values):
        raise Unsupported("MindSpore differentiates by tensors alone")
    return tuple(values)


def running(function: Callable[..., Any]) -> Callable[..., Any]:
    """MindSpore asks a function for the module that it stands in, which those of a spec do not have."""

    def run(*args: Any, **keywords: Any) -> Any:
        return function(*args, **keywords)

    return run


def vjp(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    outputs, pull, *aux = ms.vjp(running(function), *tensors(primals), has_aux=has_aux)
    tensors(outputs if isinstance(outputs, (list, tuple)) else (outputs,))

    def pulled(cotangents: Any) -> tuple[Any, ...]:
        gradients = pull(cotangents)
        return tuple(gradients) if isinstance(gradients, (list, tuple)) else (gradients,)

    return outputs, pulled, *aux


def checked(args: tuple[Any, ...], argnums: Any) -> tuple[Any, ...]:
    positions = argnums if isinstance(argnums, tuple) else (argnums,)
    tensors([args[n] for n in positions if -len(args) <= n < len(args)])
    return args


def packed(gradient: Any, argnums: Any) -> Any:
    """Of a tuple of one position MindSpore gives the bare gradient."""
    return (gradient,) if isinstance(argnums, tuple) and len(argnums) == 1 else gradient


def grad(function: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    differentiated = ms.grad(running(function), argnums, has_aux=has_aux)

    def called(*args: Any, **keywords: Any) -> Any:
        result = differentiated(*checked(args, argnums), **keywords)
        return (packed(result[0], argnums), *result[1]) if has_aux else packed(result, argnums)

    return called


def grad_and_value(function: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    both = ms.value_and_grad(running(function), argnums, has_aux=has_aux)

    def called(*args: Any, **keywords: Any) -> tuple[Any, Any]:
        value, gradient = both(*checked(args, argnums), **keywords)
        return packed(gradient, argnums), value

    return called


class Engine(Base):
    names: Mapping[str, Any] = {
        **{dtype: getattr(ms, dtype) for dtype in DTYPES},
        **OPERATIONS,
        "func.vjp": vjp,
        "func.grad": grad,
        "func.grad_and_value": grad_and_value,
    }
    attributes: Mapping[str, Attribute] = {
        **METHODS,
        **dict.fromkeys(("T", "shape", "dtype", "dim", "numel", "item", "tolist"), NATIVE),
    }

    # what is no tensor does not count among the outputs
    error_kinds = (("not-a-tensor", "RuntimeError", "that forward function should be multi output"),)

    lacking = LACKING

    def __init__(self, device: str | None = None) -> None:
        super().__init__(device)
        if not hasattr(ms, "value_and_grad"):
            raise EngineUnusable("the package mindspore that is installed is not Huawei's: pip install mindspore")
        if int(np.__version__.partition(".")[0]) >= 2:
            raise EngineUnusable("MindSpore does not run with NumPy 2: pip install 'numpy<2'")
        ms.set_context(mode=ms.PYNATIVE_MODE)
        ms.set_device("CPU")
        # else an error is raised by a later line than the one that made it
        ms.runtime.launch_blocking()

    @property
    def version(self) -> str:
        return str(ms.__version__)

    def reset(self) -> None:
        # an error within a derivative of a derivative makes the operations that follow fail
        executor.clear_res()

    def read(self, value: Any) -> Observed:
        if isinstance(value, ms.Tensor):
            return Array(_name(value.dtype), value.shape, value.tolist())
        if isinstance(value, (list, tuple)):
            return [self.read(item) for item in value]
        if value is None or isinstance(value, (bool, int, float, complex, str)):
            return value
        return _name(value) if isinstance(value, KINDS) else Opaque(type(value).__qualname__)


def _name(dtype: Any) -> str:
    return str(dtype).lower().removesuffix("_")
