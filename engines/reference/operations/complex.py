"""Complex numbers: direction, angle, and the step between real pairs and complex values.

Keeps notes/autograd#autograd-for-complex-numbers: the gradient of a real function of ``z = x + iy`` is
``dL/dx + i dL/dy``. Rules of operations with a complex result are the textbook's (record.py conjugates for them); those
with a real result give that gradient themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..complex_numbers import imag, real
from ..dtypes import promote_to_floating
from ..ops import conj
from ..tensor import Tensor
from .define import WORDS, define, elementwise, word


def _turned(g: Any, a: Any, y: Any) -> Any:
    """What changes the direction of ``a`` is the part of ``g`` across it. (``g`` comes conjugated, see record.py.)"""
    if a.dtype.kind != "c":
        return g.zeros()
    return ((g - (g * y).real * y.conj()) / abs(a)).masked_fill(a == 0, 0.0)


sgn = elementwise("sgn", np.sign, a=_turned)


def _angle_rule(g: Any, a: Any) -> Any:
    if a.dtype.kind != "c":
        return g.zeros()
    return (g * (a * 1j) / (abs(a) * abs(a))).masked_fill(a == 0, 0.0)


angle = elementwise("angle", lambda a: np.angle(promote_to_floating(a)[0]), a=_angle_rule)

_pair = define(
    "complex",
    lambda a, b: (a + 1j * b).astype(np.result_type(a.dtype, np.complex64)),
    a=lambda g: g,
    b=lambda g: g * 1j,
)


@word("complex")
def complex_(real: Tensor, imag: Tensor) -> Tensor:
    return _pair(real, imag)


@word()
def polar(abs: Tensor, angle: Tensor) -> Tensor:
    return complex_(abs * angle.cos(), abs * angle.sin())


WORDS.update({"real": real, "imag": imag, "conj": conj})
