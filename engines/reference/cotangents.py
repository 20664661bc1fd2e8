"""Cotangents: the gradients that a reverse pass starts with, checked against its roots.

Keeps torch.autograd.backward (``grad_tensors``) and torch.autograd.grad (``grad_outputs``): one per root, of exactly the
root's shape and real or complex as the root is (other dtypes are cast, see autograd.py). None is
1 for a real root with one element.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .dtypes import DType
from .edges import GradientEdge
from .errors import AutogradError, AutogradTypeError
from .graph import Shape
from .tensor import Tensor


def checked(roots: Sequence[Any], given: Any, *, batched: bool = False) -> list[Tensor | None]:
    """One cotangent for each root; None only for a root that requires no gradient. ``batched``: with one more axis."""
    if given is None:
        cotangents: Sequence[Any] = (None,) * len(roots)
    elif isinstance(given, Tensor):
        cotangents = (given,)
    elif np.iterable(given):
        cotangents = tuple(given)
    else:
        raise AutogradTypeError("grad-arg-not-iterable", f"'{type(given).__name__}' object is not iterable")

    complete = [
        _one(root) if cotangent is None else _fitting(i, root, cotangent, batched)
        for i, (root, cotangent) in enumerate(zip(roots, cotangents, strict=False))
    ]
    if len(cotangents) < len(roots):
        raise AutogradError("grad-count-mismatch", f"got {len(roots)} tensors and {len(cotangents)} gradients")
    return complete


def _described(root: Tensor | GradientEdge) -> tuple[Shape, DType]:
    shape, dtype = root.node.results[root.output_nr] if isinstance(root, GradientEdge) else (root.shape, root.dtype)
    return shape, np.dtype("float32") if dtype is None else dtype


def _one(root: Tensor | GradientEdge) -> Tensor | None:
    if isinstance(root, Tensor) and not root.requires_grad:
        return None
    shape, dtype = _described(root)
    if shape and any(n != 1 for n in shape):
        raise AutogradError("implicit-grad-non-scalar", "grad can be implicitly created only for scalar outputs")
    if dtype.kind != "f":
        raise AutogradError(
            "implicit-grad-non-real", f"grad can be implicitly created only for real scalar outputs but got {dtype}"
        )
    return Tensor(np.ones(shape, dtype))


def _fitting(i: int, root: Tensor | GradientEdge, cotangent: Any, batched: bool) -> Tensor:
    if not isinstance(cotangent, Tensor):
        raise AutogradTypeError(
            "grad-arg-type", f"gradients can be either Tensors or None, but got {type(cotangent).__name__}"
        )
    shape, dtype = _described(root)
    if cotangent.shape[batched:] != shape:
        raise AutogradError(
            "grad-shape-mismatch",
            ("" if not batched else _BATCHED)
            + f"Mismatch in shape: grad_output[{i}] has a shape of torch.Size({list(cotangent.shape)}) and output[{i}] "
            f"has a shape of torch.Size({list(shape)}).",
        )
    if (cotangent.dtype.kind == "c") != (dtype.kind == "c"):
        raise AutogradError(
            "grad-complex-mismatch",
            "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
            f"grad_output[{i}] has a dtype of {cotangent.dtype} and output[{i}] has a dtype of {dtype}.",
        )
    return cotangent


_BATCHED = (
    "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch dimension. The sizes of "
    "the remaining dimensions are expected to match the shape of corresponding output. "
)
