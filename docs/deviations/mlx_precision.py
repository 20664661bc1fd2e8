"""Relative errors of MLX in float64 which are those of float32."""

import math
from collections.abc import Callable, Iterable

import mlx.core as mx
from mlx import nn

mx.set_default_device(mx.cpu)

points = mx.array([0.1 + n / 1000 for n in range(900)], dtype=mx.float64)
ones = mx.ones_like(points)


def worst(seen: mx.array, due: Iterable[float]) -> float:
    return max(abs(a - b) / abs(b) for a, b in zip(seen.tolist(), due, strict=True))


def slope(function: Callable[[mx.array], mx.array]) -> mx.array:
    return mx.vjp(function, [points], [ones])[1][0]


numbers = points.tolist()
print("exp", worst(mx.exp(points), map(math.exp, numbers)))
print("sin", worst(mx.sin(points), map(math.sin, numbers)))
print("cos", worst(mx.cos(points), map(math.cos, numbers)))
print("erf", worst(mx.erf(points), map(math.erf, numbers)))
print("sigmoid", worst(mx.sigmoid(points), [1 / (1 + math.exp(-x)) for x in numbers]))
print("derivative of log2", worst(slope(mx.log2), [1 / (x * math.log(2)) for x in numbers]))
print("derivative of log10", worst(slope(mx.log10), [1 / (x * math.log(10)) for x in numbers]))
print("derivative of tan", worst(slope(mx.tan), [1 + math.tan(x) ** 2 for x in numbers]))
tangent = mx.jvp(mx.expm1, [points], [ones])[1][0]
print("tangent of expm1", worst(tangent, map(math.exp, numbers)))
print("selu", worst(nn.selu(points), [1.0507009873554805 * x for x in numbers]))

row = mx.array([[1.0, 2.0, 4.0]], dtype=mx.float64)
deviation = math.sqrt(14 / 9)
print("layer_norm", worst(mx.fast.layer_norm(row, None, None, 0.0)[0], [(x - 7 / 3) / deviation for x in (1, 2, 4)]))
print("rms_norm", worst(mx.fast.rms_norm(row, None, 0.0)[0], [x / math.sqrt(7) for x in (1, 2, 4)]))
big = mx.array([1e200], dtype=mx.float64)
print("x / y by y at 1e200", mx.vjp(lambda y: big / y, [big], [mx.ones_like(big)])[1][0].item(), "due is -1e-200")
