"""Gradient clipping: gradients made smaller, in place, before a step.

Keeps torch.nn.utils.clip_grad_norm_ and its relatives. All gradients count as one long vector; if it is longer than
allowed, all are multiplied by the same factor.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .errors import AutogradError, warn
from .modes import no_grad
from .operations.reductions import vector_norm
from .operations.shapes import stack
from .tensor import Tensor


def _listed(tensors: Any) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: Iterable[Tensor]) -> list[Tensor]:
    return [p._grad for p in parameters if p._grad is not None]


def _norm_of(gradients: Iterable[Tensor], norm_type: Any, error_if_nonfinite: bool) -> Tensor:
    order = float(norm_type)
    with no_grad():
        lengths = [vector_norm(g.detach(), order) for g in gradients]
        total = vector_norm(stack(lengths), order) if lengths else Tensor(np.zeros((), np.float32))
    if error_if_nonfinite and not np.isfinite(total._array):
        raise AutogradError(
            "nonfinite-norm",
            f"The total norm of order {order} for gradients from `parameters` is non-finite, so it cannot be clipped. To "
            "disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`",
        )
    return total


def _scale(gradients: Iterable[Tensor], max_norm: float, total_norm: Tensor) -> None:
    with no_grad():
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(factor)


def get_total_norm(tensors: Any, norm_type: Any = 2.0, error_if_nonfinite: bool = False) -> Tensor:
    """The norm of all tensors as one vector."""
    return _norm_of(_listed(tensors), norm_type, error_if_nonfinite)


def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Tensor) -> None:
    _scale(_gradients(_listed(parameters)), max_norm, total_norm)


def clip_grad_norm_(parameters: Any, max_norm: float, norm_type: Any = 2.0, error_if_nonfinite: bool = False) -> Tensor:
    """Returns the norm that the gradients had."""
    listed = _listed(parameters)
    if not listed and not isinstance(parameters, (list, tuple)):
        warn("empty-parameters", "`parameters` is an empty generator, no gradient clipping will occur.")
    gradients = _gradients(listed)
    total = _norm_of(gradients, norm_type, error_if_nonfinite)
    _scale(gradients, max_norm, total)
    return total


def clip_grad_norm(parameters: Any, max_norm: float, norm_type: Any = 2.0, error_if_nonfinite: bool = False) -> Tensor:
    warn(
        "deprecated-argument",
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite)


def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Every element between ``-clip_value`` and ``clip_value``."""
    with no_grad():
        for gradient in _gradients(_listed(parameters)):
            gradient.clamp_(-float(clip_value), float(clip_value))
