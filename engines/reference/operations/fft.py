"""Discrete Fourier transforms along one axis (torch.fft).

The transforms are linear and their matrices symmetric, so the rule of a complex transform is the transform itself
(record.py conjugates). The real ones leave out what conjugation would repeat, and their rules put it back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import Array, promote_to_floating
from ..errors import AutogradError
from ..ops import axis
from ..tensor import Tensor
from .define import Function, define, word

_INVERSE = {"backward": "forward", "forward": "backward", "ortho": "ortho"}
"""The norm with which the transform in the other direction scales like this one."""


def _along(g: Any, dim: int, n: int) -> Any:
    """Cut or filled with zeros to length ``n``."""
    if g.shape[dim] >= n:
        return g.narrow(dim, 0, n)
    shape = (*g.shape[:dim], n, *g.shape[dim + 1 :])
    return g.place((slice(None),) * dim + (slice(0, g.shape[dim]),), shape)


def _folded(g: Any, shape: tuple[int, ...], dim: int) -> Any:
    return _along(g, dim, shape[dim])


def _weights(n: int, count: int) -> Any:
    """How often each of the first ``count`` frequencies of a real signal of length ``n`` occurs."""
    frequencies = np.arange(count)
    return np.where((frequencies == 0) | (2 * frequencies == n), 1.0, 2.0)


def _irfft_rule(g: Any, shape: tuple[int, ...], n: int, dim: int, norm: str) -> Any:
    spectrum = _rfft(g, n=n, dim=dim, norm=_INVERSE[norm])
    weights = _weights(n, spectrum.shape[dim]).reshape((-1,) + (1,) * (len(shape) - dim - 1))
    return _folded(spectrum * Tensor(weights.astype(g.dtype)), shape, dim)


def _transform(name: str, rule: Any) -> Any:
    primal = getattr(np.fft, name)

    def transform(a: Array, *, n: int, dim: int, norm: str) -> Array:
        [a] = promote_to_floating(a)
        if name == "rfft" and a.dtype.kind == "c":
            raise AutogradError("invalid-argument", f"rfft expects a real input tensor, but got {a.dtype}")
        return _narrow(primal(a, n, dim, norm), a)

    return define(f"fft.{name}", transform, a=rule)


def _narrow(result: Any, a: Any) -> Any:
    """In the precision of the operand."""
    single = a.dtype.name in ("float32", "complex64")
    return result.astype(("complex64" if result.dtype.kind == "c" else "float32") if single else result.dtype)


_fft: Function = _transform("fft", lambda g, shape, n, dim, norm: _folded(_fft(g, n=n, dim=dim, norm=norm), shape, dim))
_ifft: Function = _transform(
    "ifft", lambda g, shape, n, dim, norm: _folded(_ifft(g, n=n, dim=dim, norm=norm), shape, dim)
)
_rfft = _transform(
    "rfft", lambda g, shape, n, dim, norm: _folded(_fft(_along(g, dim, n), n=n, dim=dim, norm=norm), shape, dim)
)
_irfft = _transform("irfft", _irfft_rule)


def _call(transform: Any, input: Tensor, n: int | None, dim: int, norm: str | None) -> Tensor:
    along = axis(dim, input.dim())
    length = input.shape[along] if n is None else n
    return transform(input, n=length, dim=along, norm=norm or "backward")


@word("fft.fft")
def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    return _call(_fft, input, n, dim, norm)


@word("fft.ifft")
def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    return _call(_ifft, input, n, dim, norm)


@word("fft.rfft")
def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    return _call(_rfft, input, n, dim, norm)


@word("fft.irfft")
def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """A real signal of length ``n`` from the first half of its spectrum; what must be real is taken as real."""
    return _call(_irfft, input, 2 * (input.shape[dim] - 1) if n is None else n, dim, norm)
