"""Functions of MindSpore that have float32 accuracy in float64 on the CPU."""

import math
from collections.abc import Callable
from typing import Any

import mindspore as ms
from mindspore import ops

X = 0.3
SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
DUE_BY_TANH = math.sqrt(2 / math.pi) * (X + 0.044715 * X**3)
VALUES: dict[str, tuple[Callable[[Any], Any], float]] = {
    "addcdiv": (lambda x: ops.addcdiv(x, x, x + 1, 0.7), X + 0.7 * X / (X + 1)),
    "addcmul": (lambda x: ops.addcmul(x, x, x, 0.7), X + 0.7 * X * X),
    "celu": (lambda x: ops.celu(-x, 1.3), 1.3 * math.expm1(-X / 1.3)),
    "cross_entropy with label_smoothing": (
        lambda x: ops.cross_entropy(ops.cat([x, 2 * x]), ms.Tensor(0, ms.int32), label_smoothing=0.2),
        math.log1p(math.exp(X)) - 0.1 * X,
    ),
    "deg2rad": (ops.deg2rad, math.radians(X)),
    "digamma": (lambda x: ops.digamma(x * 0 + 0.5), -0.5772156649015329 - 2 * math.log(2)),
    "huber_loss": (lambda x: ops.huber_loss(x, 0 * x), X * X / 2),
    "l1_loss": (lambda x: ops.l1_loss(x, -x / 3), X * 4 / 3),
    "leaky_relu": (lambda x: ops.leaky_relu(-x, 0.1), -0.1 * X),
    "log_softmax": (lambda x: ops.log_softmax(ops.cat([x, 2 * x]), -1)[0:1], -math.log1p(math.exp(X))),
    "logit with eps": (lambda x: ops.logit(x, 0.4), math.log(0.4 / 0.6)),
    "masked_fill": (lambda x: ops.masked_fill(x, x > 0, 0.7), 0.7),
    "matrix_power": (lambda x: ops.matrix_power(ops.reshape(x, (1, 1, 1)), 2), X * X),
    "mish": (ops.mish, X * math.tanh(math.log1p(math.exp(X)))),
    "mse_loss": (lambda x: ops.mse_loss(x, 0 * x), X * X),
    "rad2deg": (ops.rad2deg, math.degrees(X)),
    "selu": (lambda x: ops.selu(-x), SCALE * ALPHA * math.expm1(-X)),
    "softplus": (ops.softplus, math.log1p(math.exp(X))),
    "sort": (lambda x: ops.sort(x)[0], X),
}
DERIVATIVES: dict[str, tuple[Callable[[Any], Any], float]] = {
    "fmax": (lambda x: ops.fmax(0.7 * x, 0 * x), 0.7),
    "gelu with tanh": (
        lambda x: ops.gelu(x, "tanh"),
        (1 + math.tanh(DUE_BY_TANH)) / 2
        + X / 2 / math.cosh(DUE_BY_TANH) ** 2 * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * X**2),
    ),
    "hypot": (lambda x: ops.hypot(0.7 * x, 0 * x), 0.7),
    "lgamma": (lambda x: ops.lgamma(x + 0.2), -0.5772156649015329 - 2 * math.log(2)),
}


def show(name: str, seen: Any, due: float) -> None:
    number = seen.asnumpy().ravel()[0]
    print(f"{name}: {number!r}, due is {due!r}, relative error {abs(number - due) / abs(due):.0e}")


x = ms.Tensor([X], ms.float64)
for name, (function, due) in VALUES.items():
    show(name, function(x), due)
for name, (function, due) in DERIVATIVES.items():
    show(f"derivative of {name}", ms.grad(function)(x), due)
small = ms.Tensor([-5.0])
show("mish(-5) in float32", ops.mish(small), -5 * math.tanh(math.log1p(math.exp(-5))))
bent = math.tanh(math.log1p(math.exp(-1)))
due = bent - (1 - bent**2) / (1 + math.e)
show("derivative of mish at -1 in float32", ms.grad(ops.mish)(ms.Tensor([-1.0])), due)
