"""Inputs for a row: drawn from what it says of them, the same ones whenever and wherever a table is read.

Numbers have four decimals: short to read, and yet with a full mantissa in every binary format.
"""

from __future__ import annotations

import math
import random
from typing import Any, Final

import numpy as np

Array = Any
DECIMALS: Final = 4
TRIES: Final = 200


def drawn(origin: Any, shape: tuple[int, ...], seed: str, is_complex: bool = False) -> Array:
    """An array of ``shape`` from intervals or of a kind; ``seed`` fixes it."""
    source = random.Random(seed)
    if isinstance(origin, str):
        made = _KINDS[origin](source, shape)
        if made.dtype == bool:
            return made
        if is_complex and origin in _SYMMETRIC:
            upper = np.triu(_normal(source, shape), 1)
            made = made + 0.15j * (upper - np.swapaxes(upper, -1, -2))
        elif is_complex and origin in _TRIANGULAR:
            made = made + 0.5j * _KINDS[origin](source, shape) * (1 - np.eye(shape[-1]))
        elif is_complex:
            made = made + 0.5j * _KINDS[origin](source, shape)
        return np.round(made, DECIMALS)
    intervals = origin if origin and isinstance(origin[0], list) else [origin]
    real = _uniform(intervals, source, shape)
    return real + 1j * _uniform(intervals, source, shape) if is_complex else real


def _uniform(intervals: list[list[float]], source: random.Random, shape: tuple[int, ...]) -> Array:
    lengths = [high - low for low, high in intervals]
    values = [source.uniform(*source.choices(intervals, lengths)[0]) for _ in range(math.prod(shape))]
    return np.round(np.array(values, float), DECIMALS).reshape(shape)


def _normal(source: random.Random, shape: tuple[int, ...]) -> Array:
    return np.array([source.gauss(0, 1) for _ in range(math.prod(shape))], float).reshape(shape)


def _distinct(source: random.Random, shape: tuple[int, ...]) -> Array:
    count = math.prod(shape)
    values = [(i - (count - 1) / 2) * 0.37 + source.uniform(-0.1, 0.1) for i in range(count)]
    source.shuffle(values)
    return np.array(values, float).reshape(shape)


def _spectrum(source: random.Random, shape: tuple[int, ...]) -> list[float]:
    """Numbers from 0.8 up, at least 0.4 apart."""
    return [0.8 + 0.6 * i + source.uniform(-0.1, 0.1) for i in range(min(shape[-2:]))]


def _matrix(source: random.Random, shape: tuple[int, ...]) -> Array:
    out = np.empty(shape)
    for index in np.ndindex(shape[:-2]):
        left, _, right = np.linalg.svd(_normal(source, shape[-2:]), full_matrices=False)
        out[index] = left @ np.diag(_spectrum(source, shape)) @ right
    return out


def _rotated(source: random.Random, shape: tuple[int, ...], signs: bool) -> Array:
    out = np.empty(shape)
    for index in np.ndindex(shape[:-2]):
        basis, _ = np.linalg.qr(_normal(source, shape[-2:]))
        values = [v * (-1) ** (i * signs) for i, v in enumerate(_spectrum(source, shape))]
        half = np.round(basis @ np.diag(values) @ basis.T, DECIMALS)
        out[index] = np.triu(half) + np.triu(half, 1).T
    return out


def _lower(source: random.Random, shape: tuple[int, ...]) -> Array:
    out = np.tril(_normal(source, shape) * 0.6)
    for i in range(shape[-1]):
        out[..., i, i] = source.uniform(0.8, 2.0)
    return out


def _probabilities(source: random.Random, shape: tuple[int, ...]) -> Array:
    weights = np.exp(_normal(source, shape))
    return weights / weights.sum(-1, keepdims=True)


def _booleans(source: random.Random, shape: tuple[int, ...]) -> Array:
    """At least one of each where there is room for both."""
    count = math.prod(shape)
    values = [True, False][:count] + [source.random() < 0.5 for _ in range(count - 2)]
    source.shuffle(values)
    return np.array(values, bool).reshape(shape)


_KINDS: Final = {
    "distinct": _distinct,
    "matrix": _matrix,
    "symmetric": lambda source, shape: _rotated(source, shape, True),
    "positive-definite": lambda source, shape: _rotated(source, shape, False),
    "lower": _lower,
    "upper": lambda source, shape: np.swapaxes(_lower(source, shape), -1, -2),
    "probabilities": _probabilities,
    "log-probabilities": lambda source, shape: np.log(_probabilities(source, shape)),
    "booleans": _booleans,
}

_SYMMETRIC: Final = frozenset({"symmetric", "positive-definite"})
"""Kinds that are Hermitian where they are complex."""
_TRIANGULAR: Final = frozenset({"upper", "lower"})
"""Kinds whose diagonal is real where they are complex, as that of a Cholesky factor is."""

_BITS: Final = {"float16": "float16", "float32": "float32", "complex64": "complex64"}


def held(values: Array, dtype: str) -> Array:
    """``values`` as a tensor of ``dtype`` holds them, in double precision."""
    if dtype == "bfloat16":
        bits = np.asarray(values, np.float32).view(np.uint32)
        even = bits + 0x7FFF + ((bits >> 16) & 1)
        return (even & np.uint32(0xFFFF0000)).astype(np.uint32).view(np.float32).astype(float).reshape(np.shape(values))
    wide = complex if np.iscomplexobj(values) else float
    with np.errstate(all="ignore"):
        return np.asarray(values).astype(_BITS[dtype]).astype(wide) if dtype in _BITS else np.asarray(values, wide)
