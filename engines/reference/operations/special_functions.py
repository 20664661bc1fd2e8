"""Special functions (torch.special) with their derivatives; how they are computed stands in special.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import special
from ..dtypes import Array, promote_to_floating
from ..errors import AutogradValueError
from ..ops import sigmoid, unary
from ..rules import refuse
from ..special import each, each_pair
from ..tensor import Tensor
from .define import WORDS, Function, define, elementwise, functional

_ROOT_PI = math.sqrt(math.pi)
_ROOT_2PI = math.sqrt(2 * math.pi)

erf = elementwise("erf", each(math.erf), a=lambda g, a: g * ((-a * a).exp() * (2 / _ROOT_PI)))
erfc = elementwise("erfc", each(math.erfc), a=lambda g, a: -g * ((-a * a).exp() * (2 / _ROOT_PI)))
erfinv = elementwise("erfinv", each(special.inverse_erf), a=lambda g, y: g * ((y * y).exp() * (_ROOT_PI / 2)))
_slope_of_erfcx: Function = define(
    "erfcx_slope", each(special.slope_of_erfcx), a=lambda g, a, y: g * (2 * (erfcx(a) + a * y))
)
erfcx: Function = functional("special.erfcx", each(special.erfcx), a=lambda g, a: g * _slope_of_erfcx(a))
ndtr = functional("special.ndtr", each(special.ndtr), a=lambda g, a: g * ((a * a / -2).exp() / _ROOT_2PI))
log_ndtr = functional(
    "special.log_ndtr", each(special.log_ndtr), a=lambda g, a: g / (erfcx(a * -math.sqrt(0.5)) * math.sqrt(math.pi / 2))
)
ndtri = functional("special.ndtri", each(special.ndtri), a=lambda g, y: g * ((y * y / 2).exp() * _ROOT_2PI))

lgamma = elementwise("lgamma", each(special.lgamma), a=lambda g, a: g * a.digamma())
digamma = elementwise("digamma", each(special.digamma), a=lambda g, a: g * polygamma(1, a))
_polygamma = define(
    "polygamma",
    lambda a, *, n: each(special.polygamma(n))(a),
    a=lambda g, a, n: g * polygamma(n + 1, a),
)


def polygamma(n: int, input: Tensor) -> Tensor:
    if not 0 <= n <= 150:
        raise AutogradValueError("invalid-argument", f"polygamma is provided for 0 <= n <= 150, not for {n}")
    return _polygamma(input, n=n)


def _density(a: Any, b: Any) -> Any:
    """Of the gamma distribution: the derivative of gammainc with respect to its second argument."""
    return ((a - 1) * b.log() - b - a.lgamma()).exp()


igamma = elementwise(
    "igamma",
    each_pair(special.gammainc),
    a=lambda g: refuse("igamma: input"),
    b=lambda g, a, b: g * _density(a, b),
)

i0 = elementwise("i0", each(special.i0), a=lambda g, a: g * i1(a))
i0e = functional("special.i0e", each(special.i0e), a=lambda g, a, y: g * (i1e(a) - a.sign() * y))
i1: Function = functional("special.i1", each(special.i1), a=lambda g, a, y: g * _slope_of_odd(i0(a), a, y))
i1e: Function = functional(
    "special.i1e", each(special.i1e), a=lambda g, a, y: g * (_slope_of_odd(i0e(a), a, y) - a.sign() * y)
)


def _slope_of_odd(even: Any, a: Any, odd: Any) -> Any:
    """``I0 - I1 / a`` or ``J0 - J1 / a``, and its limit 1/2 at 0."""
    return (even - odd / a.masked_fill(a == 0, 1.0)).masked_fill(a == 0, 0.5)


bessel_j0 = functional("special.bessel_j0", each(special.bessel_j0), a=lambda g, a: -g * bessel_j1(a))
bessel_j1: Function = functional(
    "special.bessel_j1", each(special.bessel_j1), a=lambda g, a, y: g * _slope_of_odd(bessel_j0(a), a, y)
)


def _entr(a: Array) -> Array:
    return np.where(a == 0, 0, -a * np.log(a))


entr = functional("special.entr", unary(_entr), a=lambda g, a: g * (-a.log() - 1))


def _logit(a: Array, *, eps: float | None = None) -> Array:
    (a,) = promote_to_floating(a)
    if eps is not None:
        a = np.clip(a, eps, 1 - eps)
    return np.log(a) - np.log1p(-a)


def _slope_of_logit(a: Any, eps: float | None) -> Any:
    """0 where ``eps`` has moved the number, NaN where there is none."""
    low, outside = (0.0, math.nan) if eps is None else (eps, 0.0)
    return (1 / (a * (1 - a))).masked_fill((a < low) | (a > 1 - low), outside)


logit = elementwise("logit", _logit, a=lambda g, a, eps: g * _slope_of_logit(a, eps))

for _name in ["erf", "erfc", "erfinv", "i0", "digamma", "logit"]:
    WORDS[f"special.{_name}"] = WORDS[_name]
WORDS["polygamma"] = WORDS["special.polygamma"] = polygamma
WORDS["special.gammaln"] = lgamma
for _name in ["expm1", "exp2", "log1p", "sinc", "round"]:
    if _name in WORDS:
        WORDS[f"special.{_name}"] = WORDS[_name]
WORDS["special.psi"] = digamma
WORDS["special.expit"] = sigmoid
WORDS["special.gammainc"] = igamma
