"""The ``out=`` argument: results written into a tensor that is there already.

Keeps notes/autograd#in-place-operations and torch's note on ``out=``: such a call is not differentiable, so it is refused
if it would be recorded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .errors import AutogradError
from .modes import mode, no_grad
from .tensor import Tensor


def with_out(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """``function`` with one more keyword: ``out``."""

    @functools.wraps(function)
    def call(*arguments: Any, out: Tensor | None = None, **keywords: Any) -> Tensor:
        if out is None:
            return function(*arguments, **keywords)
        tensors = [x for x in (*arguments, *keywords.values(), out) if isinstance(x, Tensor)]
        if mode.recording and any(x.requires_grad for x in tensors):
            raise AutogradError(
                "out-requires-grad",
                f"{function.__name__}(): functions with out=... arguments don't support automatic differentiation, but "
                "one of the arguments requires grad.",
            )
        with no_grad():
            out.copy_(function(*arguments, **keywords))
        return out

    return call
