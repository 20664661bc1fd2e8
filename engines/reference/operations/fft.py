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


def _fitted(a: Any, dim: int, n: int) -> Any:
    """Cut or filled with zeros to length ``n``."""
    if a.shape[dim] > n:
        return a.narrow(dim, 0, n)
    shape = (*a.shape[:dim], n, *a.shape[dim + 1 :])
    return a.place((slice(None),) * dim + (slice(0, a.shape[dim]),), shape)


def _weights(n: int, count: int) -> Any:
    """How often each of the first ``count`` frequencies of a real signal of length ``n`` occurs."""
    frequencies = np.arange(count)
    return np.where((frequencies == 0) | (2 * frequencies == n), 1.0, 2.0)


def _irfft_rule(g: Any, shape: tuple[int, ...], n: int, dim: int, norm: str) -> Any:
    spectrum = _rfft(g, n=n, dim=dim, norm=_INVERSE[norm])
    count = spectrum.shape[dim]
    weights = _weights(n, count).reshape((count,) + (1,) * (len(shape) - dim - 1))
    return _fitted(spectrum * Tensor(weights.astype(g.dtype)), dim, shape[dim])


def _transform(name: str, primal: Any, rule: Any) -> Any:
    def transform(a: Array, *, n: int, dim: int, norm: str) -> Array:
        [a] = promote_to_floating(a)
        if name == "rfft" and a.dtype.kind == "c":
            raise AutogradError("invalid-argument", f"rfft expects a real input tensor, but got {a.dtype}")
        return primal(a, n, dim, norm)

    return define(f"fft.{name}", transform, a=rule)


_fft: Function = _transform(
    "fft", np.fft.fft, lambda g, shape, n, dim, norm: _fitted(_fft(g, n=n, dim=dim, norm=norm), dim, shape[dim])
)
_ifft: Function = _transform(
    "ifft", np.fft.ifft, lambda g, shape, n, dim, norm: _fitted(_ifft(g, n=n, dim=dim, norm=norm), dim, shape[dim])
)
_rfft = _transform(
    "rfft",
    np.fft.rfft,
    lambda g, shape, n, dim, norm: _fitted(_fft(_fitted(g, dim, n), n=n, dim=dim, norm=norm), dim, shape[dim]),
)
_irfft = _transform("irfft", np.fft.irfft, _irfft_rule)


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
