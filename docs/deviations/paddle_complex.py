"""Gradients by complex operands that are other numbers than differences of the values say."""

from collections.abc import Callable
from typing import Any

import numpy as np
import paddle

F = paddle.nn.functional
STEP = 1e-6


def value(function: Callable[[Any], Any], z: Any) -> Any:
    """The real part of a sum with complex weights."""
    out = function(z)
    weights = np.linspace(1.0, 2.0, out.size).reshape(out.shape) * (1 - 0.5j)
    return (out * paddle.to_tensor(weights)).sum().real()


def show(what: str, function: Callable[[Any], Any], shape: tuple[int, ...] = (3, 3)) -> None:
    generator = np.random.default_rng(1)
    at = generator.normal(size=shape) + 1j * generator.normal(size=shape)
    z = paddle.to_tensor(at, stop_gradient=False)
    value(function, z).backward()
    first = np.zeros(shape, complex)
    first.flat[0] = STEP
    slopes = [
        (value(function, paddle.to_tensor(at + way)) - value(function, paddle.to_tensor(at - way))).item() / (2 * STEP)
        for way in (first, 1j * first)
    ]
    print(f"{what}: {z.grad.numpy().flat[0]:.5f}, by differences {complex(*slopes):.5f}")


def small(A: Any) -> Any:
    U, S, VH = paddle.linalg.svd(A, full_matrices=False)
    return (U * paddle.tanh(S).unsqueeze(-2).astype("complex128")) @ VH


show("product, which is right", lambda z: z[0] * z[1])
show("prod", lambda z: paddle.prod(z).reshape([1]))
show("pow", lambda z: paddle.pow(z, paddle.to_tensor(2.5 + 0.5j)))
show("a number to a power", lambda z: 2.5**z)
show("softsign", F.softsign)
show("diagonal by einsum", lambda z: paddle.einsum("ii->i", z))
show("a function of singular values", small)
show("sign and logarithm of slogdet", lambda z: sum(part.reshape([1]) for part in paddle.compat.slogdet(z)))
