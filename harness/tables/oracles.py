"""Is a table right? Its formulas against differences of the value's formula, the reference engine and mpmath.

Three sources that share nothing: what an author wrote for the derivative, what numbers say of what was written for the
value, and an engine that was written without the table. Where they disagree the table is wrong (or the reference), and no
engine is asked by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from harness.language.formulas import BadFormula, Formula, formula
from harness.language.records import Standing
from harness.tables.aspects import Asked, Sample, like, point_sample
from harness.tables.numbers import Array, Arrays, Rule
from harness.tables.rows import Hard, Row, Table

TOLERANCE: Final = 1e-7
"""Relative to the largest entry of a gradient: differences of order eight are much better at points where a table's
functions are smooth, and a wrong formula is much worse."""
STEPS: Final = (2.0**-7, 2.0**-10, 2.0**-13, 2.0**-17, 2.0**-24)
"""The last is for points where the second derivative jumps: there the error goes with the step itself."""
DIGITS: Final = 60
EXACT: Final = 1e-14
"""How near a stated number of 17 digits is to the exact one."""
_STENCIL: Final = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))


class Finding(NamedTuple):
    """One gradient, and whether it was confirmed."""

    row: str
    what: str
    error: float
    """Relative; infinite where the other source gives no number at all."""
    text: str = ""
    """What disagrees; empty where nothing does."""


def differences(table: Table) -> Iterator[Finding]:
    """Every gradient formula of a table against differences of the formula of the value, at all inputs of its rows."""
    for name, row in table.rows.items():
        if not (row.derivative or row.gradient):
            continue
        asked = Asked(name, Rule(row))
        for sample in asked.samples:
            yield from _confirmed(asked, f"at inputs {sample.label}", sample, None)
        for number, point in enumerate(row.points):
            if point.standing is Standing.EXACT:
                sample = point_sample(asked, f"point {number}", point.at)
                stated = point.gradient if isinstance(point.gradient, dict) else None
                yield from _confirmed(asked, f"at point {number}", sample, stated)


def _confirmed(asked: Asked, what: str, sample: Sample, stated: Mapping[str, Any] | None) -> Iterator[Finding]:
    rule, names = asked.rule, asked.at("float64", sample)
    if any(np.iscomplexobj(names[x]) for x in rule.active):
        names = {**names, **{x: names[x].astype(complex) for x in rule.active}}
    outputs = rule.forward_smooth(names)
    cotangents = {x: asked.random(f"{what}/oracle/{x}", v.shape, like(v, "float64")) for x, v in outputs.items()}
    if stated is None:
        gradients = rule.vjp(names, cotangents)
    else:
        cotangents = {x: np.ones(value.shape) for x, value in outputs.items()}
        gradients = {x: np.asarray(value, float) for x, value in stated.items()}
    for x, gradient in gradients.items():
        if not np.size(gradient):
            continue
        if not np.all(np.isfinite(gradient)):
            continue  # a limit: differences say nothing of it
        found, error = difference(rule, names, cotangents, x, gradient)
        size = max(float(np.max(np.abs(gradient))), 1e-3)
        text = "" if error / size < TOLERANCE else f"the formula gives {_short(gradient)}, differences {_short(found)}"
        yield Finding(asked.name, f"gradient of {x} {what}", error / size, text)


def difference(
    rule: Rule, names: Mapping[str, Any], cotangents: Arrays, x: str, gradient: Array
) -> tuple[Array, float]:
    """The gradient of ``x`` by central differences of order eight, and its largest distance from ``gradient``.

    Of several step sizes the one counts that comes nearest: a wrong formula is near at none of them."""

    def loss(moved: Array) -> float:
        values = rule.forward({**names, x: moved})
        return float(sum(np.sum(np.real(np.conj(g) * values[out])) for out, g in cotangents.items()))

    best, error = np.full(np.shape(gradient), np.nan), np.inf
    directions = (1.0, 1j) if np.iscomplexobj(names[x]) else (1.0,)
    for step in STEPS:
        out = np.zeros(np.shape(gradient), complex if len(directions) == 2 else float)
        for index in np.ndindex(out.shape):
            for direction in directions:
                total = 0.0
                for count, weight in _STENCIL:
                    for sign in (1, -1):
                        moved = np.array(names[x], complex if len(directions) == 2 else float)
                        moved[index] += sign * count * step * direction
                        total += sign * weight * loss(moved)
                out[index] += direction * total / step
        gap = float(np.max(np.abs(out - gradient)))
        if gap < error:
            best, error = out, gap
        if error < TOLERANCE * 1e-2:
            break
    return best, error


def _short(value: Array) -> str:
    text = np.array2string(np.asarray(value), precision=8, separator=", ", threshold=8).replace("\n", " ")
    return text if len(text) < 120 else text[:117] + "..."


# ---- hard points


def exact(table: Table) -> Iterator[Finding]:
    """Every hard point of a table against mpmath, in sixty digits."""
    for name, row in table.rows.items():
        for number, point in enumerate(row.hard):
            if point.exactly:
                yield from _exact(name, row, number, point)


def _exact(name: str, row: Row, number: int, point: Hard) -> Iterator[Finding]:
    import mpmath

    with mpmath.workdps(DIGITS):
        try:
            function = formula(point.exactly, precise())
        except BadFormula as error:
            yield Finding(name, f"hard point {number}", np.inf, f"{point.exactly}: {error}")
            return
        names = {key: _lifted(value) for key, value in point.at.items()}
        if len(row.outputs) == 1 and not isinstance(point.value.get(row.outputs[0], []), list) and not point.cotangent:
            stated = point.value[row.outputs[0]]
            yield _near(name, f"value at hard point {number}", stated, function(names))
        for x, stated in point.gradient.items():
            for index, wanted in np.ndenumerate(np.asarray(stated, object)):
                along = _along(function, names, x, index)
                at = _at(names[x], index)
                yield _near(
                    name, f"gradient of {x} at hard point {number}", wanted, mpmath.diff(along, at, h=_step(at))
                )


def _step(at: Any) -> Any:
    import mpmath

    return mpmath.mpf(10) ** -25 * (abs(at) if at else 1)


def _along(function: Formula, names: Mapping[str, Any], x: str, index: Sequence[int]) -> Callable[[Any], Any]:
    return lambda moved: function({**names, x: _replaced(names[x], index, moved)})


def _replaced(value: Any, index: Sequence[int], new: Any) -> Any:
    """Nested lists with another number at ``index``."""
    if not index:
        return new
    return [_replaced(item, index[1:], new) if n == index[0] else item for n, item in enumerate(value)]


def _at(value: Any, index: Sequence[int]) -> Any:
    for n in index:
        value = value[n]
    return value


def _lifted(value: Any) -> Any:
    import mpmath

    if isinstance(value, list):
        return [_lifted(item) for item in value]
    return mpmath.mpf(value) if isinstance(value, float) else value


def _near(name: str, what: str, stated: Any, found: Any) -> Finding:
    import mpmath

    error = float(abs(mpmath.mpf(stated) - found) / max(abs(found), mpmath.mpf(10) ** -320))
    text = (
        ""
        if error < EXACT or abs(found) < mpmath.mpf(10) ** -320
        else f"{stated} is stated, {mpmath.nstr(found, 17)} is exact"
    )
    return Finding(name, what, error, text)


def precise() -> Mapping[str, Callable[..., Any]]:
    """What the exact form of a function may call."""
    import mpmath

    same = (
        "exp",
        "expm1",
        "log",
        "log1p",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "acosh",
        "atanh",
    )
    more = ("asin", "acos", "atan", "atan2", "erf", "erfc", "erfinv", "loggamma", "digamma", "besseli")
    return {name: getattr(mpmath, name) for name in (*same, *more)} | {
        "abs": abs,
        "log_ndtr": lambda x: mpmath.log(mpmath.erfc(-x / mpmath.sqrt(2)) / 2),
        "erfcx": lambda x: mpmath.exp(x * x) * mpmath.erfc(x),
        "number": mpmath.mpf,
    }
