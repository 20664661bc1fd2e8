"""PaddlePaddle's dynamic graph, through its public API, as its users type it. `operations` says what its words are called."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any

from harness.engine import NATIVE, Array, EngineUnusable, Observed, Opaque
from harness.engine import Engine as Base

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it misses a compiler's cache
    import paddle

from . import operations

if not hasattr(paddle, "to_tensor"):
    raise EngineUnusable("the package paddle that is installed is not PaddlePaddle; pip install paddlepaddle")

_DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128", "int32", "int64")
LACKING = re.compile(
    r"doesn't have any grad op|\(NotFound\) The kernel|grad grad only supports|[Ii]nput [Vv]ariable must be|dtype must be"
    r"|data type of input must be one of|The Scalar only supports Tensor with 1 element|must be evenly divisible by"
    r"|Type promotion only support|(Excepted|Expected) [Ii]nput X is .-D|[Ii]nput x should be .D|target tensor expected"
    r"|Expected 2 or more dimensions|The dimension of input should be 2 or 1|input's batch size|must be in the range of \[-0, 0\)"
    r"|range of \[-0, -1\]|should be 4-D or 5-D|should be a 4-D tensor|format of \[N, C, H, W\]|op registered"
    r"|format of \[N, C, L\]|'paddings' should >= 0|only support reduce = 'add' yet|in Op\(LayerNorm\) should be"
    r"|dimensions of Input\(Scale\) must be 1|dtype should be one of|'shape' of Input\(X\) should be equal to the 'shape'"
)
"""What Paddle says of what it does not have: kernels, ranks, operands of two dtypes."""


class Engine(Base):
    """Tensors that record unless they stop gradients."""

    names = {
        "tensor": paddle.tensor,
        "Tensor": paddle.Tensor,
        "grad": paddle.grad,
        "no_grad": paddle.no_grad,
        "enable_grad": paddle.enable_grad,
        "set_grad_enabled": paddle.set_grad_enabled,
        "is_grad_enabled": paddle.is_grad_enabled,
        "backward": paddle.autograd.backward,
        **{name: getattr(paddle, name) for name in _DTYPES},
        **operations.names(),
    }
    attributes = {
        **dict.fromkeys(
            ("grad", "is_leaf", "requires_grad", "detach", "register_hook", "remove", "item", "tolist"), NATIVE
        ),
        **dict.fromkeys(("T", "shape", "dim", "data", "clone"), NATIVE),
        "real": lambda x: x.real(),
        "imag": lambda x: x.imag(),
        "retain_grad": lambda x: x.retain_grads(),
        "numel": lambda x: x.size,
        "dtype": lambda x: x.dtype,
        "to": lambda x, dtype: x.astype(dtype),
        "float": lambda x: x.astype("float32"),
        "double": lambda x: x.astype("float64"),
        "long": lambda x: x.astype("int64"),
        "bool": lambda x: x.astype("bool"),
        "backward": lambda x, gradient=None, retain_graph=False: x.backward(gradient, retain_graph),
        "view": lambda x, *shape: x.view(_list(shape)),
        "expand": lambda x, *shape: x.expand(_list(shape)),
        "repeat": lambda x, *times: x.tile(_list(times)),
        **operations.attributes(),
    }

    error_kinds = [
        ("graph-freed", "SystemError", "The TensorWrappers of"),
        ("grad-shape-mismatch", "AssertionError", "Tensor shape not match"),
        ("grad-count-mismatch", "AssertionError", "must be equal to tensors"),
        ("grad-count-mismatch", "AssertionError", "must be equal to outputs"),
        ("unused-input", "ValueError", "does not appear in the backward graph"),
        ("item-multi-element", "ValueError", "only one element tensors can be converted"),
        ("leaf-inplace", "ValueError", "that doesn't stop gradient can't use inplace strategy"),
        ("none-attribute", "AttributeError", "'NoneType' object has no attribute"),
    ]

    lacking = LACKING

    def __init__(self, device: str | None = None) -> None:
        super().__init__(device)
        paddle.set_device("cpu")

    @property
    def version(self) -> str:
        return str(paddle.__version__)

    def read(self, value: Any) -> Observed:
        if value is None or isinstance(value, (bool, int, float, complex, str)):
            return value
        if isinstance(value, (list, tuple)):
            return [self.read(item) for item in value]
        if isinstance(value, paddle.dtype):
            return _name(value)
        if isinstance(value, paddle.Tensor):
            wide = value.detach().astype("float32") if value.dtype == paddle.bfloat16 else value.detach()
            return Array(_name(value.dtype), tuple(value.shape), wide.numpy().tolist())
        return Opaque(type(value).__name__)

    def reset(self) -> None:
        if not paddle.is_grad_enabled():
            paddle.set_grad_enabled(True)

    def state(self) -> Mapping[str, Any]:
        return {
            "paddle.is_grad_enabled": paddle.is_grad_enabled(),
            "paddle.get_default_dtype": paddle.get_default_dtype(),
        }


def _name(dtype: Any) -> str:
    return str(dtype).rpartition(".")[2]


def _list(given: tuple[Any, ...]) -> Any:
    return given[0] if len(given) == 1 and isinstance(given[0], (list, tuple)) else list(given)
