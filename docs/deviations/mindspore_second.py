"""Second derivatives of MindSpore on the CPU: terms that are lost without an error, nan, and errors."""

from collections.abc import Callable
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import ops

Function = Callable[[Any], Any]
X = ms.Tensor([[0.5, 0.75], [0.25, 1.5]], ms.float64)
ALONG = np.array([[1.0, -0.5], [0.25, 2.0]])
LABELS, WEIGHTS = ms.Tensor([1, 0], ms.int32), ms.Tensor([1.0, 2.0], ms.float64)


def loss(function: Function) -> Function:
    def called(x: Any) -> Any:
        y = function(x)
        return (y * y * y).sum()

    return called


def seen(function: Function, x: Any = X) -> Any:
    """The Hessian of the sum of the cubes, times a vector."""
    _, pull = ms.vjp(ms.grad(loss(function)), x)
    return pull(ms.Tensor(np.resize(ALONG, x.shape)))[0].asnumpy()


def due(function: Function, x: Any = X) -> Any:
    """The difference quotient of the gradient, which is right."""
    step = 1e-6 * np.resize(ALONG, x.shape)
    after, before = (ms.grad(loss(function))(ms.Tensor(x.asnumpy() + by)).asnumpy() for by in (step, -step))
    return (after - before) / 2e-6


LOST: dict[str, Function] = {
    "sum": lambda x: ops.sum(x, 0),
    "nansum": lambda x: ops.nansum(x, 0),
    "mean": lambda x: ops.mean(x, 0),
    "prod": lambda x: ops.prod(x, 0),
    "amax": lambda x: ops.amax(x, 0),
    "amin": lambda x: ops.amin(x, 0),
    "logsumexp": lambda x: ops.logsumexp(x, 0),
    "matmul": lambda x: ops.matmul(x, X + 1),
    "bmm": lambda x: ops.bmm(ops.reshape(x, (1, 2, 2)), ops.reshape(X + 1, (1, 2, 2))),
    "baddbmm": lambda x: ops.baddbmm(ops.zeros((1, 2, 2), ms.float64), ops.reshape(x, (1, 2, 2)), X.reshape(1, 2, 2)),
    "tensor_dot": lambda x: ops.tensor_dot(x, X + 1, 1),
    "dense": lambda x: ops.dense(x, X + 1),
    "kron": lambda x: ops.kron(x, X + 1),
    "det": ops.det,
    "diff": lambda x: ops.diff(x),
    "tile": lambda x: ops.tile(x, (2, 1)),
    "repeat_interleave": lambda x: ops.repeat_interleave(x, 2, 0),
    "rot90": lambda x: ops.rot90(x, 1, (0, 1)),
    "sort": lambda x: ops.sort(x, 0)[0],
    "topk": lambda x: ops.topk(x, 2, 0, largest=False)[0],
    "unbind": lambda x: ops.unbind(x)[0],
    "cat": lambda x: ops.cat([x, x * x]),
    "l1_loss": lambda x: ops.l1_loss(x * x, X + 1),
    "mse_loss": lambda x: ops.mse_loss(x, X + 1),
    "nll_loss with weights": lambda x: ops.nll_loss(x, LABELS, WEIGHTS),
    "cross_entropy with weights": lambda x: ops.cross_entropy(x, LABELS, WEIGHTS),
    "huber_loss": lambda x: ops.huber_loss(x, X + 1),
}
for name, function in LOST.items():
    print(f"{name}: {seen(function).round(4).tolist()}, due is {due(function).round(4).tolist()}")

_, pull = ms.vjp(ms.grad(ops.prod), ms.Tensor([2.0, 0.0, 3.0]))
print("prod at a zero:", pull(ms.Tensor([0.0, 1.0, 0.0]))[0].tolist(), "due is [3, 0, 2]")

zero = ms.Tensor([0.0], ms.float64)
for name, function, at_zero in (
    ("sinc", ops.sinc, -(np.pi**2) / 3),
    ("bessel_i1", ops.bessel_i1, 0),
):
    second = ms.grad(lambda x, f=function: ms.grad(f)(x).sum())
    print(f"second derivative of {name} at 0: {second(zero)}, due is {at_zero}")
third = ms.grad(lambda x: ms.grad(lambda x: ms.grad(ops.bessel_j0)(x).sum())(x).sum())
print(f"third derivative of bessel_j0 at 0: {third(zero)}, due is 0")

RAISING: dict[str, Function] = {
    "softmax": lambda x: ops.softmax(x, 0),
    "softmin": lambda x: ops.softmin(x, 0),
    "gather_elements": lambda x: ops.gather_elements(x, 0, ms.Tensor([[0, 1]])),
    "nll_loss": lambda x: ops.nll_loss(x, LABELS),
    "cross_entropy": lambda x: ops.cross_entropy(x, LABELS),
    "trapz": lambda x: ops.trapz(x, dx=0.5),
    "erfinv": lambda x: ops.erfinv(x / 2),
    "mv": lambda x: ops.mv(X, x[:, 1]),
    "x[0]": lambda x: x[0],
}
for name, function in RAISING.items():
    try:
        print(f"second derivative through {name}: {seen(function)}")
    except (RuntimeError, TypeError) as error:
        print(f"second derivative through {name}: {type(error).__name__}: {str(error).strip().splitlines()[0]}")
try:
    print("after it, X[0] is", X[0])
except TypeError as error:
    print(f"after it, X[0] raises {type(error).__name__}: {str(error).splitlines()[0]}")
