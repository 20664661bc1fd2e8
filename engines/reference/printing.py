"""The printed form of tensors: ``tensor([1., 2.], requires_grad=True)``."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import DIFFERENTIABLE, Array, boolean, float32, int64

_WITHOUT_SUFFIX = (float32, int64, boolean)
_SUMMARIZED_FROM = 1000


def text_of(array: Array, state: str) -> str:
    """``state``: what to say about the place in the graph; may be empty."""
    if array.size:
        values = np.array2string(
            array,
            separator=", ",
            prefix="tensor(",
            threshold=_SUMMARIZED_FROM,
            formatter={"all": _formatter(array)},
        )
    else:
        values = "[]"
    parts = [values]
    if array.size == 0 and array.ndim != 1:
        parts.append(f"size={array.shape}")
    if array.dtype not in _WITHOUT_SUFFIX:
        parts.append(f"dtype=torch.{array.dtype.name}")
    if state:
        parts.append(state)
    return f"tensor({', '.join(parts)})"


def _formatter(array: Array) -> Any:
    """Whole numbers as ``3.``, others with four digits after the point, very large or small ones with an exponent; all
    padded to the width of the widest."""
    if array.dtype.kind not in DIFFERENTIABLE:
        width = max(len(str(v)) for v in array.flat)
        return lambda value: str(value).rjust(width)
    if array.dtype.kind == "c":
        real, imaginary = _formatter(array.real), _formatter(np.abs(array.imag))
        return lambda value: f"{real(value.real)}{'-' if value.imag < 0 else '+'}{imaginary(abs(value.imag))}j"
    sizes = np.abs(array[np.isfinite(array) & (array != 0)].astype(np.float64))
    if sizes.size and (sizes.max() > 1e8 or sizes.max() / sizes.min() > 1000 or sizes.min() < 1e-4):
        pattern = "{:.4e}"
        if np.all(sizes == np.rint(sizes)) and sizes.max() <= 1e8:
            pattern = "{:.0f}."
    elif np.all(sizes == np.rint(sizes)):
        pattern = "{:.0f}."
    else:
        pattern = "{:.4f}"

    def text(value: Any) -> str:
        return pattern.format(float(value)) if np.isfinite(value) else str(float(value))

    width = max(len(text(v)) for v in array.flat) if array.ndim else 0
    return lambda value: text(value).rjust(width)
