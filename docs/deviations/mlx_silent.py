"""Derivatives of MLX that are other numbers than the mathematics, without an error."""

import math
from collections.abc import Callable

import mlx.core as mx
from mlx import nn

mx.set_default_device(mx.cpu)


def show(what: str, seen: object, due: object) -> None:
    print(f"{what}: {seen}, due is {due}")


def pulled(function: Callable[[mx.array], mx.array], x: mx.array, cotangent: mx.array) -> mx.array:
    return mx.vjp(function, [x], [cotangent])[1][0]


def pushed(function: Callable[[mx.array], mx.array], x: mx.array, tangent: mx.array) -> mx.array:
    return mx.jvp(function, [x], [tangent])[1][0]


a, b, ones = mx.array([[1.0, 2.0], [3.0, 4.0]]), mx.array([[1.0, 0.0], [2.0, 1.0]]), mx.ones((2, 2))
seen = pushed(lambda c: mx.addmm(c, a, b, alpha=2.0, beta=3.0), ones, ones)
show("tangent of addmm(c, a, b, beta=3) by c", seen.tolist(), [[3, 3], [3, 3]])

zero = mx.array([0.0])
show("celu at 0", pulled(nn.celu, zero, mx.ones(1)).item(), 1)
show("x**0 at 0", pulled(lambda x: x**0, zero, mx.ones(1)).item(), 0)
x, y = mx.array([2.0, 1.0]), mx.array([1.0, 1.5])
gradient = pulled(lambda x: nn.losses.smooth_l1_loss(x, y, beta=0.0, reduction="sum"), x, mx.array(1.0))
show("smooth_l1_loss with beta=0", gradient.tolist(), [1, -1])


def gradient_of_cumprod(x: mx.array) -> mx.array:
    return pulled(mx.cumprod, x, mx.ones(3))


# Products of x by parts: x0 + x0 x1 + x0 x1 x2, whose gradient by x0 is 1 + x1 + x1 x2.
second = pulled(gradient_of_cumprod, mx.array([2.0, 0.0, 3.0]), mx.array([1.0, 0.0, 0.0]))
show("cumprod at a zero, second order", second.tolist(), [0, 4, 0])

z, g = mx.array([1 + 2j, 0.5 - 1j]), mx.array([1 + 0j, 1j])
numbers = list(zip(z.tolist(), g.tolist(), strict=True))
show("z * z, which is right", pulled(lambda z: z * z, z, g).tolist(), [g * (2 * z).conjugate() for z, g in numbers])
show("z**2", pulled(lambda z: z**2, z, g).tolist(), [g * (2 * z).conjugate() for z, g in numbers])
base = math.log(2.5)
show("2.5**z", pulled(lambda z: 2.5**z, z, g).tolist(), [g * (2.5**z * base).conjugate() for z, g in numbers])
(z0, g0), (z1, g1) = numbers
show("cumprod", pulled(mx.cumprod, z, g).tolist(), [g0 + g1 * z1.conjugate(), g1 * z0.conjugate()])
total = pulled(mx.logcumsumexp, z, mx.array([0j, 1j]))
weights = [complex(part) for part in (mx.exp(z) / mx.exp(z).sum()).tolist()]
show("logcumsumexp", total.tolist(), [1j * weight.conjugate() for weight in weights])
# |z + t| has the second derivative (1 - (Re z / |z|)**2) / |z| in t.
bend = pushed(lambda z: mx.real(pulled(mx.abs, z, mx.array([1.0, 1.0]))), z, mx.array([1 + 0j, 1 + 0j]))
show("|z|, second order", bend.tolist(), [(1 - (z.real / abs(z)) ** 2) / abs(z) for z, _ in numbers])
spectrum = mx.array([1 + 0j, 2 + 1j, 3 - 1j])
seen = pushed(lambda z: mx.fft.irfft(z, 5), spectrum, spectrum)
show("tangent of irfft to 5 numbers, a linear function", seen.tolist(), mx.fft.irfft(spectrum, 5).tolist())

show("dtype of the 3-norm of complex numbers", mx.linalg.norm(z, 3).dtype, mx.float32)
show("shape of prelu of (2, 0)", nn.prelu(mx.zeros((2, 0)), mx.array([0.25])).shape, (2, 0))
