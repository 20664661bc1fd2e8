"""Relative errors of Paddle in float64 and complex128 that are larger than those of its numbers."""

import math

import numpy as np
import paddle

F = paddle.nn.functional


def show(what: str, seen: paddle.Tensor, due: complex) -> None:
    print(what, abs(seen.item() / due - 1))


def gradient(value: paddle.Tensor, x: paddle.Tensor) -> paddle.Tensor:
    return paddle.grad(value.sum(), x)[0]


one, three = (paddle.to_tensor([[[1.0] * n]], dtype="float64", stop_gradient=False) for n in (1, 3))
show("gradient of avg_pool1d of 3", gradient(F.avg_pool1d(three, 3), three)[0, 0, 0], 1 / 3)
show("gradient of adaptive_avg_pool1d of 3", gradient(F.adaptive_avg_pool1d(three, 1), three)[0, 0, 0], 1 / 3)
show("lp_pool1d of order 3", F.lp_pool1d(three, 3.0, 3), 3 ** (1 / 3))
show("vector_norm of order 3", paddle.linalg.vector_norm(three, 3), 3 ** (1 / 3))
show("gradient of vector_norm of order 1", gradient(paddle.linalg.vector_norm(one, 1.0), one), 1)
show("elu(-1), alpha 0.7", F.elu(-one, 0.7), 0.7 * math.expm1(-1))
show("selu(1)", F.selu(one), 1.0507009873554805)
show("trapezoid, dx 0.3", paddle.trapezoid(three[0, 0], dx=0.3), 0.6)
show("renorm of order 2 to 0.3", paddle.renorm(one[0], 2.0, 0, 0.3), 0.3)
z = paddle.to_tensor(0.3 + 0.7j)
show("exp of a complex number", paddle.exp(z), np.exp(0.3 + 0.7j))
show("sigmoid of a complex number", F.sigmoid(z), 1 / (1 + np.exp(-0.3 - 0.7j)))
show("erfinv(0.999999999999)", paddle.erfinv(paddle.to_tensor(0.999999999999, "float64")), 5.042031898572696)
minus = paddle.to_tensor(-40.0, "float64")
print("softplus(-40)", F.softplus(minus).item(), "due is", math.exp(-40))
print("mish(-40)", F.mish(minus).item(), "due is", -40 * math.exp(-40))
