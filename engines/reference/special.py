"""Special functions of one real number, to the last few digits, without a dependency.

Each is evaluated in float64 by a method that can be checked by reading it: a power series with positive terms, an
asymptotic series where it has converged, a continued fraction, or Newton's method on a function that is known already.
`each` lifts them to arrays. Sources of the expansions: Abramowitz and Stegun, chapters 6, 7 and 9; DLMF.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .dtypes import Array, promote_to_floating

_ROOT_PI = math.sqrt(math.pi)
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
"""B2, B4 ... B16."""


def each(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """``function`` of numbers as one of arrays."""
    lifted = np.frompyfunc(lambda x: function(float(x)), 1, 1)
    return lambda a: _lifted(lifted, a)


def each_pair(function: Callable[[float, float], float]) -> Callable[[Array, Array], Array]:
    lifted = np.frompyfunc(lambda x, y: function(float(x), float(y)), 2, 1)
    return lambda a, b: _lifted(lifted, a, b)


def _lifted(lifted: np.ufunc, *operands: Array) -> Array:
    arrays = promote_to_floating(*operands)
    return np.asarray(lifted(*arrays)).astype(arrays[0].dtype)


# -- the error function ------------------------------------------------------------------------------------------------


def erfcx(x: float) -> float:
    """``exp(x^2) erfc(x)``."""
    if math.isnan(x):
        return x
    if x < 2:
        return math.exp(x * x) * math.erfc(x) if x > -26.7 else math.inf
    return 1 / (_ROOT_PI * (x + _erfc_tail(x)))


def _erfc_tail(x: float) -> float:
    """A&S 7.1.14, from the inside out: ``1 / (sqrt(pi) erfcx(x)) - x``."""
    tail = 0.0
    for k in range(200, 0, -1):
        tail = k / 2 / (x + tail)
    return tail


def slope_of_erfcx(x: float) -> float:
    """``2 x erfcx(x) - 2 / sqrt(pi)``, which cancels for large x if it is computed so."""
    if x < 2:
        return 2 * x * erfcx(x) - 2 / _ROOT_PI
    tail = _erfc_tail(x)
    return 0.0 if math.isinf(x) else -2 * tail / (_ROOT_PI * (x + tail))


def inverse_erfc(r: float) -> float:
    """The x with ``erfc(x) == r``: Halley's method, on the tail that does not cancel."""
    if not 0 <= r <= 2:
        return math.nan
    if r in (0, 2):
        return math.inf if r == 0 else -math.inf
    if r > 1:
        return -inverse_erfc(2 - r)
    t = math.sqrt(-2 * math.log(r / 2)) if r < 1 else 0.0
    x = (t - (2.30753 + 0.27061 * t) / (1 + t * (0.99229 + t * 0.04481))) / math.sqrt(2) if r < 1 else 0.0
    for _ in range(6):
        step = (erfcx(x) - r * math.exp(x * x)) * _ROOT_PI / 2
        x += step / (1 + x * step)
    return x


def inverse_erf(y: float) -> float:
    if not -1 <= y <= 1:
        return math.nan
    if abs(y) < 0.5:
        x = y * _ROOT_PI / 2
        for _ in range(6):
            step = (y - math.erf(x)) * _ROOT_PI / 2 * math.exp(x * x)
            x += step / (1 - x * step)
        return x
    return math.copysign(inverse_erfc(1 - abs(y)), y)


def ndtr(x: float) -> float:
    """The probability that a standard normal number is below x."""
    return math.erfc(-x / math.sqrt(2)) / 2


def log_ndtr(x: float) -> float:
    if x < -1:
        return math.log(erfcx(-x / math.sqrt(2)) / 2) - x * x / 2
    return math.log1p(-math.erfc(x / math.sqrt(2)) / 2)


def ndtri(p: float) -> float:
    return -math.sqrt(2) * inverse_erfc(2 * p)


# -- the gamma function ------------------------------------------------------------------------------------------------


def lgamma(x: float) -> float:
    """``log |gamma(x)|``; infinite at the poles."""
    if x <= 0 and x == math.floor(x):
        return math.inf
    return math.lgamma(x)


def digamma(x: float) -> float:
    if math.isnan(x) or x == -math.inf:
        return math.nan
    if x == 0:
        return -math.copysign(math.inf, x)
    if x < 0:
        if x == math.floor(x):
            return math.nan
        return digamma(1 - x) - math.pi / math.tan(math.pi * math.fmod(x, 1))
    shifted = 0.0
    while x < 10:
        shifted -= 1 / x
        x += 1
    series = sum(b / (2 * k * x ** (2 * k)) for k, b in enumerate(_BERNOULLI, start=1))
    return shifted + math.log(x) - 0.5 / x - series


def _power(x: float, y: float) -> float:
    try:
        return math.pow(x, y)
    except OverflowError:
        return math.inf


def zeta(s: float, x: float) -> float:
    """The sum of ``(x + k) ** -s`` over k = 0, 1, 2 ... for s > 1 and x > 0: Euler's summation formula."""
    head = 0.0
    while x < 12:
        head += _power(x, -s)
        x += 1
    total = head + math.pow(x, 1 - s) / (s - 1) + math.pow(x, -s) / 2
    factor = s * math.pow(x, -s - 1)
    for k, b in enumerate(_BERNOULLI, start=1):
        total += b / math.factorial(2 * k) * factor
        factor *= (s + 2 * k - 1) * (s + 2 * k) / (x * x)
    return total


def polygamma(n: int) -> Callable[[float], float]:
    """The n-th derivative of `digamma`."""
    if n == 0:
        return digamma

    sign = 1 if n % 2 else -1
    reflection = _slopes_of_cot(n)

    def nth(x: float) -> float:
        if x > 0:
            return sign * math.factorial(n) * zeta(n + 1, x)
        if x == math.floor(x):
            return math.inf
        cot = 1 / math.tan(math.pi * math.fmod(x, 1))  # A&S 6.4.7
        return -sign * nth(1 - x) - math.pi ** (n + 1) * sum(c * cot**k for k, c in enumerate(reflection))

    return nth


def _slopes_of_cot(n: int) -> list[int]:
    """The n-th derivative of cot, as a polynomial in cot: its first is ``-1 - cot^2``."""
    polynomial = [0, 1]
    for _ in range(n):
        slope = [k * c for k, c in enumerate(polynomial)][1:]
        polynomial = [-a - b for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    return polynomial


def gammainc(a: float, x: float) -> float:
    """The regularized lower incomplete gamma function."""
    return 1 - _upper(a, x) if x > a + 1 else _lower(a, x)


def _lower(a: float, x: float) -> float:
    """A&S 6.5.29: a series of positive terms."""
    if x == 0:
        return 0.0
    term = total = 1 / a
    k = a
    for _ in range(100_000):  # about six times the root of a are enough
        if abs(term) <= abs(total) * 1e-17:
            break
        k += 1
        term *= x / k
        total += term
    return total * math.exp(a * math.log(x) - x - math.lgamma(a))


def _upper(a: float, x: float) -> float:
    """A&S 6.5.31: the continued fraction, from the inside out."""
    if x == math.inf:
        return 0.0
    tail = x
    for k in range(300, 0, -1):
        tail = x + (k - a) / (1 + k / tail)
    return math.exp(a * math.log(x) - x - math.lgamma(a)) / tail


# -- Bessel functions --------------------------------------------------------------------------------------------------


def _scaled_i(order: int, x: float) -> float:
    """``exp(-|x|) I(order, |x|)``."""
    x = abs(x)
    if x < 30:
        term = total = (x / 2) ** order / math.factorial(order)
        k = 0
        while term > total * 1e-17:
            k += 1
            term *= (x / 2) ** 2 / (k * (k + order))
            total += term
        return total * math.exp(-x)
    term = total = 1.0  # A&S 9.7.1
    for k in range(1, 20):
        term *= -(4 * order**2 - (2 * k - 1) ** 2) / (k * 8 * x)
        total += term
    return total / math.sqrt(2 * math.pi * x)


def i0e(x: float) -> float:
    return _scaled_i(0, x)


def i1e(x: float) -> float:
    return math.copysign(_scaled_i(1, x), x)


def i0(x: float) -> float:
    return _grown(i0e(x), x)


def i1(x: float) -> float:
    return _grown(i1e(x), x)


def _grown(scaled: float, x: float) -> float:
    try:
        return scaled * math.exp(abs(x))
    except OverflowError:
        return math.copysign(math.inf, scaled)


def bessel_j(order: int, x: float) -> float:
    """A&S 9.1.21. The integrand is periodic, so the trapezoidal rule converges faster than any power."""
    if math.isinf(x):
        return 0.0
    if abs(x) > 40:
        return _far_bessel_j(order, abs(x)) * (math.copysign(1.0, x) if order % 2 else 1.0)
    count = 2 * (int(abs(x)) + 30)
    angles = np.arange(count) * (2 * math.pi / count)
    return float(np.cos(order * angles - x * np.sin(angles)).mean())


def _far_bessel_j(order: int, x: float) -> float:
    """A&S 9.2.5, for order 0 and 1."""
    term, parts = 1.0, [1.0, 0.0]
    for k in range(1, 30):
        term *= (4 * order**2 - (2 * k - 1) ** 2) / (k * 8 * x)
        parts[k % 2] += term * (1 if k % 4 < 2 else -1)
    cos, sin = math.cos(x), math.sin(x)
    turned = (cos + sin, sin - cos) if order == 0 else (sin - cos, -sin - cos)
    return (parts[0] * turned[0] - parts[1] * turned[1]) / math.sqrt(math.pi * x)


def bessel_j0(x: float) -> float:
    return bessel_j(0, x)


def bessel_j1(x: float) -> float:
    return bessel_j(1, x)
