"""tinygrad: a lazy tape, compiled for the device it runs on, through its public API, as its users type it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from harness.engine import NATIVE, Array, Attribute, EngineUnusable, Observed, Opaque, Unsupported
from harness.engine import Engine as Base
from harness.language.words import ATTRIBUTES, NAMES
from tinygrad import Device, Tensor, dtypes
from tinygrad.dtype import DType
from tinygrad.helpers import DEV, PARALLEL

from .operations import OPERATIONS

_DTYPES = {
    name: getattr(dtypes, name) for name in ("float16", "bfloat16", "float32", "float64", "int32", "int64", "bool")
}
_CREATION = ("zeros", "ones", "full", "eye", "arange", "zeros_like", "ones_like")
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def tensor(data: Any, dtype: DType | None = None, requires_grad: bool = False) -> Tensor:
    """Every tensor of floats in memory gets gradients: there is no flag. Tensor(2.0) would be a constant of the compiler."""
    return Tensor(data, dtype=dtype) if isinstance(data, (list, tuple)) else Tensor.full((), data, dtype=dtype)


def _made(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda *arguments, requires_grad=False, **keywords: function(*arguments, **keywords)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> list[Tensor]:
    """Graphs are never freed and gradients can always be differentiated: neither keyword has anything to switch."""
    root, weight = _single(outputs), _single(grad_outputs)
    targets = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    gradients: list[Tensor] = root.gradient(*targets, gradient=weight)
    return gradients


def backward(root: Tensor, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
    root.backward(gradient)


def _single(given: Any) -> Any:
    if not isinstance(given, (list, tuple)):
        return given
    if len(given) != 1:
        raise Unsupported("gradients are of one tensor")
    return given[0]


class Engine(Base):
    names: Mapping[str, Any] = {
        **{word: operation for word, operation in OPERATIONS.items() if word in NAMES and word != "unfold"},
        **{name: dtype for name, dtype in _DTYPES.items() if name in NAMES},
        "tensor": tensor,
        "grad": grad,
        **{word: _made(getattr(Tensor, word)) for word in _CREATION},
        "Tensor": Tensor,
    }
    attributes: Mapping[str, Attribute] = {
        **{word: operation for word, operation in OPERATIONS.items() if word in ATTRIBUTES},
        **dict.fromkeys(("grad", "dtype", "T", "item", "tolist", "numpy", "numel"), NATIVE),
        "backward": backward,
        "shape": lambda x: list(x.shape),
        "dim": lambda x: x.ndim,
        "to": lambda x, dtype: x.cast(dtype),
        "values": lambda results: results[0],
        "indices": lambda results: results[1],
    }
    error_kinds = (
        ("implicit-grad-non-scalar", "AssertionError", "backward must be called on a scalar tensor"),
        ("grad-shape-mismatch", "ValueError", "size mismatch, can't reshape"),
        ("grad-shape-mismatch", "RuntimeError", "cannot broadcast"),
        ("item-multi-element", "AssertionError", "must have one element for item"),
        ("grad-shape-mismatch", "IndexError", "objects cannot be broadcast to a single shape"),
        ("grad-shape-mismatch", "AssertionError", "grad shape must match tensor shape"),
    )

    def __init__(self, device: str | None = None) -> None:
        if device is not None:
            DEV.value = device
        PARALLEL.value = 0  # a pool of compiling processes would start anew in every process that the harness forks
        try:
            (Tensor([1.0]) + 1).tolist()
        except Exception as error:  # of any class: compilers, drivers and loaders of tinygrad fail each in its own way
            raise EngineUnusable(
                f"tinygrad has no {device or 'device'} here ({error}): it compiles for the CPU with clang, which must be on "
                "the PATH (or named by CC); --device PYTHON runs its interpreter, which needs nothing"
            ) from None

    @property
    def version(self) -> str:
        return version("tinygrad")

    def read(self, value: Any) -> Observed:
        if isinstance(value, Tensor):
            held = value if value.device is not None else value.clone(Device.DEFAULT)  # a constant of the compiler
            return Array(_NAMES.get(value.dtype, value.dtype.name), tuple(value.shape), held.tolist())
        if isinstance(value, DType):
            return _NAMES.get(value, str(value.name))
        if isinstance(value, (list, tuple)):
            return [self.read(item) for item in value]
        if value is None or isinstance(value, (bool, int, float, complex, str)):
            return value
        return Opaque(type(value).__qualname__)
