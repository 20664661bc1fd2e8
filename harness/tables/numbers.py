"""What a row's formulas say at one input: outputs, gradients, tangents, second derivatives, and how far an engine may be off.

Everything is float64 (or complex128) on the host. The bound on an engine's errors is not chosen by hand: a result may be
off by a fixed number of roundings of its dtype, of its own size and of what the roundings of its inputs, and on the way from
them, make of it. The latter is found by moving each of these a little and looking how far the result moves.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from harness.language.formulas import BadFormula, Block, Error, block, formula, inexact
from harness.tables.rows import PLAIN, Input, Row

Array = Any
Arrays = dict[str, Array]

EPSILON: Final = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
EPSILON_OF: Final = EPSILON | {"complex128": EPSILON["float64"], "complex64": EPSILON["float32"]}
ROUNDINGS: Final = {"float64": 2048, "complex128": 2048, "float32": 64, "complex64": 64, "float16": 16, "bfloat16": 16}
"""How many roundings a result may be off: library functions of double precision are good to some hundred of them in the
worst case; halves may be computed in single precision and rounded once, or be rounded after each of several steps."""
SMALLEST: Final = {"float16": 2.0**-24, "bfloat16": 1e-38, "float32": 1e-37, "complex64": 1e-37}
"""Below, a dtype flushes to zero or loses digits."""
LARGEST: Final = 2.0
"""Of cotangents and tangents."""
MOVES: Final = 2
SHIFT: Final = 1e-6
STEPS: Final = (2.0**-7, 2.0**-9, 2.0**-11, 2.0**-13)
"""Of the differences that give second derivatives."""
GOOD: Final = 1e-10
"""An error of theirs that is good enough."""


class Near(NamedTuple):
    """``|observed - expected| <= atol + rtol * |expected|``"""

    rtol: float
    atol: float


class BadNumbers(Exception):
    """A formula that gives no usable number at the inputs that a row draws."""


class Rule:
    """The formulas of a row, ready to be evaluated. Raises `BadFormula`, with the key that holds it as ``key``."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.inputs = {name: as_input(given) for name, given in row.inputs.items()}
        self.outputs = tuple(name.removeprefix("#") for name in row.outputs)
        self.smooth = tuple(name for name in row.outputs if not name.startswith("#"))
        """Outputs that have a derivative."""
        self.rules = row.derivative or row.gradient
        self.active = tuple(name for name in self.inputs if name in self.rules)
        """Operands that have a derivative."""
        self.where: Block = self.made(block, row.where, "where")
        values = row.value if isinstance(row.value, dict) else {self.outputs[0]: row.value}
        self.value = {name: self.made(formula, text, "value") for name, text in values.items()}
        key = "derivative" if row.derivative else "gradient"
        self.derivative = {name: self.made(formula, text, key) for name, text in self.rules.items()}
        self.avoid = self.made(formula, row.avoid, "avoid") if row.avoid else None

    @staticmethod
    def made(make: Callable[[str], Any], text: str, key: str) -> Any:
        try:
            return make(text)
        except BadFormula as error:
            error.key = key  # type: ignore[attr-defined]
            raise

    def forward(self, names: Mapping[str, Any]) -> Arrays:
        """The outputs. ``names``: inputs and parameters."""
        scope = self.where(names, partly=True)
        out: Arrays = {}
        for name, value in self.value.items():
            out[name] = np.asarray(value({**scope, **out}))
        return out

    def forward_smooth(self, names: Mapping[str, Any]) -> Arrays:
        """The outputs that have a derivative."""
        outputs = self.forward(names)
        return {name: outputs[name] for name in self.smooth}

    def scope(self, names: Mapping[str, Any], cotangents: Mapping[str, Array]) -> dict[str, Any]:
        """What the formulas of gradients see: inputs, parameters, outputs, cotangents, and what the lines of `where` bind."""
        scope = {**names, **{f"g_{name}": value for name, value in cotangents.items()}}
        if len(self.smooth) == 1:
            scope["g"] = cotangents[self.smooth[0]]
        return self.where(scope)

    def vjp(self, names: Mapping[str, Any], cotangents: Mapping[str, Array], outputs: Arrays | None = None) -> Arrays:
        """The gradient of every operand that has one. ``outputs``: what `forward` gives, where that is known."""
        scope = self.scope({**names, **(self.forward(names) if outputs is None else outputs)}, cotangents)
        found: Arrays = {}
        for name, rule in self.derivative.items():
            x = names[name]
            if self.row.derivative:
                partial = rule(scope)
                if np.iscomplexobj(partial) and self.row.complex is True:
                    partial = np.conj(partial)
                product = np.multiply(scope["g"], partial)
                gradient = _unbroadcast(
                    np.broadcast_to(product, np.broadcast_shapes(product.shape, np.shape(scope["g"]))), x
                )
            else:
                gradient = rule(scope)
            gradient = np.asarray(gradient)
            if not np.iscomplexobj(x):
                gradient = np.real(gradient)
            if gradient.shape != np.shape(x):
                raise BadNumbers(f"the gradient of {name} has shape {gradient.shape}, {name} has {np.shape(x)}")
            found[name] = gradient
        return found

    def jvp(self, names: Mapping[str, Any], tangents: Mapping[str, Array]) -> Arrays:
        """The tangent of every output, as the adjoint of `vjp`: one reverse evaluation for every element."""
        outputs = self.forward(names)
        if self.row.derivative and self.row.complex != "real":
            scope = self.where({**names, **outputs})
            several = [rule(scope) * tangents[x] for x, rule in self.derivative.items()]
            return {self.smooth[0]: np.broadcast_to(sum(several), outputs[self.smooth[0]].shape)}
        found: Arrays = {}
        for name in self.smooth:
            out = np.zeros(outputs[name].shape, complex if np.iscomplexobj(outputs[name]) else float)
            for index in np.ndindex(out.shape):
                for unit in (1.0, 1j) if np.iscomplexobj(out) else (1.0,):
                    cotangents = {other: np.zeros(outputs[other].shape, out.dtype) for other in self.smooth}
                    cotangents[name][index] = unit
                    gradients = self.vjp(names, cotangents, outputs)
                    out[index] += unit * sum(np.sum(np.real(np.conj(gradients[x]) * tangents[x])) for x in tangents)
            found[name] = out
        return found

    def squared(self, names: Mapping[str, Any], weights: Mapping[str, Array]) -> Arrays:
        """The gradient of the loss ``real(w * (out * out + out)).sum()``."""
        outputs = self.forward(names)
        pulled = {name: np.conj(weights[name] * (2 * outputs[name] + 1)) for name in self.smooth}
        return self.vjp(names, pulled, outputs)

    def curved(
        self, names: Mapping[str, Any], weights: Mapping[str, Array], tangents: Mapping[str, Array]
    ) -> tuple[Arrays, float, float]:
        """The Hessian of that loss times ``tangents``, how far that may be off, and the step size that gave it.

        From differences of the gradient's formula at several step sizes; of the two that are nearest to each other the
        smaller is taken, and their distance is the error."""
        steps = [2.0**-7, 2.0**-9]
        found = [self.difference(names, tangents, weights, step) for step in steps]
        best, error = 1, distance(*found)
        while error > GOOD and len(steps) < len(STEPS):
            steps.append(STEPS[len(steps)])
            found.append(self.difference(names, tangents, weights, steps[-1]))
            if (gap := distance(*found[-2:])) < error:
                best, error = len(steps) - 1, gap
        return found[best], max(error, EPSILON["float64"]), steps[best]

    def difference(
        self, names: Mapping[str, Any], tangents: Mapping[str, Array], weights: Mapping[str, Array], step: float
    ) -> Arrays:
        """The change of `squared` along ``tangents``, by central differences of order eight."""
        total: Arrays = dict.fromkeys(tangents, 0.0)
        for count, weight in _STENCIL:
            for move in (count * step, -count * step):
                moved = {x: names[x] + move * tangents[x] for x in tangents}
                gradients = self.squared({**names, **moved}, weights)
                for x in total:
                    total[x] = total[x] + weight * np.sign(move) / step * gradients[x]
        return total

    def loose(self, dtype: str) -> float:
        """How many times wider than usual the bound is."""
        loose = self.row.loose
        return loose.get(dtype, 1.0) if isinstance(loose, dict) else loose

    def near(
        self,
        dtype: str,
        seed: str,
        names: Mapping[str, Any],
        exact: Arrays,
        result: Callable[..., Arrays],
        tangents: Mapping[str, Array] | None = None,
    ) -> dict[str, Near]:
        """How far an engine that computes in ``dtype`` may be off each array of ``exact``, which is ``result(names)``, or
        ``result(names, tangents)``. Cotangents move as well where ``result`` is partial and names them: their sums cancel."""
        source = random.Random(seed)
        whole = np.broadcast_shapes(*(np.shape(names[x]) for x in self.inputs)) if self.row.derivative else None
        # a sum of cotangents may cancel; what an elementwise operation gives has no such sum where it does not broadcast
        moved = {name: 0.0 if np.shape(value) == whole else _largest(value) for name, value in exact.items()}
        floats = [name for name in self.inputs if np.asarray(names[name]).dtype.kind in "fc" and np.size(names[name])]
        given = {
            key: value for key, value in getattr(result, "keywords", {}).items() if key in ("cotangents", "weights")
        }
        for turn in range(MOVES if floats or given else 0):
            other = [{**names, **{name: shaken(names[name], source) for name in floats}}]
            if tangents is not None:
                other.append({name: shaken(value, source) for name, value in tangents.items()})
            again = {key: {x: shaken(g, source) for x, g in several.items()} for key, several in given.items()}
            # the formula of any other operation compares what it computed, which must not move
            with inexact(partial(errors, f"{seed}/{turn}")) if self.row.derivative else nullcontext():
                found = result(*other, **again)
            for name, value in found.items():
                gaps = np.abs(value - exact[name])
                moved[name] = max([moved[name], *(gaps[np.isfinite(gaps)] / SHIFT).tolist()])
        if whole is None:  # a softmax of one element: every input gives 0, and roundings of what cancels do not
            size = LARGEST * max([1.0, *(_largest(names[name]) for name in floats)])
            moved |= {name: size for name, value in exact.items() if not np.any(value)}
        unit = ROUNDINGS[dtype] * EPSILON_OF[dtype] * self.loose(dtype)
        return {name: Near(unit, unit * moved[name] + SMALLEST.get(dtype, 1e-300)) for name in exact}


def shaken(x: Array, source: random.Random) -> Array:
    """Every element a little larger or smaller."""
    size = np.size(x)
    bits = source.getrandbits(size) if size else 0
    signs = np.array([1.0 if bits >> n & 1 else -1.0 for n in range(size)]).reshape(np.shape(x))
    return x * (1 + SHIFT * signs)


def errors(seed: str) -> Error:
    """What moves the result of an operation as `shaken` moves an operand."""
    source = random.Random(seed)

    def moved(value: Any) -> Any:
        return shaken(value, source) if np.asarray(value).dtype.kind in "fc" and np.size(value) else value

    return moved


def as_input(given: Any) -> Input:
    return given if isinstance(given, Input) else Input(origin=given)


def is_plain(given: Input) -> bool:
    """Whether it has no dtype of its own to be asked in: whole numbers and truth values."""
    return given.origin in PLAIN if isinstance(given.origin, str) else False


def size_of(arrays: Arrays) -> float:
    """The largest element, but not so small that the rounding of what was subtracted to get it is large beside it."""
    return max([1e-3, *(float(np.max(np.abs(v), initial=0.0)) for v in arrays.values())])


def distance(left: Arrays, right: Arrays) -> float:
    """The largest difference of two results, relative to the size of the second."""
    return max([0.0, *(float(np.max(np.abs(right[x] - left[x]), initial=0.0)) for x in right)]) / size_of(right)


def _largest(value: Array) -> float:
    value = np.asarray(value)
    return float(np.max(np.abs(value[np.isfinite(value)]), initial=0.0))


_STENCIL: Final = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))
"""Central differences of order eight."""


def _unbroadcast(g: Array, x: Array) -> Array:
    from harness.language.mathematics import unbroadcast

    return np.reshape(unbroadcast(g, np.asarray(x)), np.shape(x))
