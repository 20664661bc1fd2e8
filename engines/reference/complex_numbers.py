"""Complex tensors as pairs of real ones.

Keeps notes/autograd#complex-autograd-doc, torch.real, torch.imag, torch.view_as_real and torch.view_as_complex. The
gradient of a real loss ``L`` with respect to ``z = x + iy`` is ``dL/dx + i dL/dy``, the direction of steepest ascent; for a
holomorphic function that is the cotangent times the *conjugate* of the derivative. The table of derivatives (rules.py)
is written for real numbers; record.py conjugates around it where the result is complex, which makes this convention of
it. A real operand of a complex computation receives the real part, because its gradient is cast to its dtype (graph.py).

``real``, ``imag`` and the two functions here are views: writes go through.
"""

from __future__ import annotations

import numpy as np

from .dtypes import Array
from .errors import AutogradError
from .record import Operation
from .rules import RULES
from .tensor import Tensor, method
from .views import SELECT, view_of


def _as_real(a: Array) -> Array:
    return a[..., None].view(a.real.dtype)


def _as_complex(a: Array) -> Array:
    return a.view(np.result_type(a.dtype, np.complex64))[..., 0]


VIEW_AS_REAL = Operation("view_as_real", _as_real, ("a",), RULES["view_as_real"])
VIEW_AS_COMPLEX = Operation("view_as_complex", _as_complex, ("a",), RULES["view_as_complex"])


@method
def view_as_real(input: Tensor) -> Tensor:
    """Real and imaginary part along a new last axis."""
    if input.dtype.kind != "c":
        raise AutogradError("invalid-argument", "view_as_real is only supported for complex tensors")
    return view_of(VIEW_AS_REAL, input)


@method
def view_as_complex(input: Tensor) -> Tensor:
    """The inverse of `view_as_real`."""
    if input.dtype.kind != "f" or input.dim() == 0 or input.shape[-1] != 2:
        raise AutogradError("invalid-argument", "Tensor must have a last dimension of size 2")
    return view_of(VIEW_AS_COMPLEX, input)


def real(input: Tensor) -> Tensor:
    return view_of(SELECT, view_as_real(input), index=(..., 0)) if input.dtype.kind == "c" else input


def imag(input: Tensor) -> Tensor:
    if input.dtype.kind != "c":
        raise AutogradError("invalid-argument", "imag is not implemented for tensors with non-complex dtypes.")
    return view_of(SELECT, view_as_real(input), index=(..., 1))


setattr(Tensor, "real", property(real))  # noqa: B010 (for the type checker)
setattr(Tensor, "imag", property(imag))  # noqa: B010
