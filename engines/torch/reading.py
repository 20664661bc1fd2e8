"""PyTorch's values as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from harness.engine import Array, Observed, Opaque


def read(value: Any) -> Observed:
    """``value`` as the harness sees it; a tensor is copied."""
    reader = _READERS.get(type(value))
    return reader(value) if reader is not None else _other(value)


def _tensor(value: torch.Tensor) -> Array:
    return Array(_DTYPES[value.dtype], tuple(value.shape), value.tolist())


def _same(value: Any) -> Any:
    return value


def _list(value: Iterable[Any]) -> list[Observed]:
    return [_READERS.get(type(item), _other)(item) for item in value]


def _other(value: Any) -> Observed:
    if isinstance(value, torch.Tensor):
        return _tensor(value.detach())
    if isinstance(value, (list, tuple)):
        return _list(value)
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return Array(str(value.dtype), tuple(value.shape), value.tolist())
    return Opaque(type(value).__qualname__)


_DTYPES = {value: name for name, value in vars(torch).items() if isinstance(value, torch.dtype)} | {
    # dtypes with two names, under the one that the language knows
    torch.float16: "float16",
    torch.float32: "float32",
    torch.float64: "float64",
    torch.complex64: "complex64",
    torch.complex128: "complex128",
    torch.int16: "int16",
    torch.int32: "int32",
    torch.int64: "int64",
}
_READERS: dict[type, Callable[[Any], Observed]] = {
    torch.Tensor: _tensor,
    torch.nn.Parameter: _tensor,
    torch.dtype: _DTYPES.__getitem__,
    torch.Size: list,
    list: _list,
    tuple: _list,
    **dict.fromkeys((type(None), bool, int, float, complex, str), _same),
}
