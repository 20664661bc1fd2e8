"""Derivatives of Paddle that are other numbers than the mathematics, or none at all, without a word."""

from collections.abc import Callable
from typing import Any

import numpy as np
import paddle

F = paddle.nn.functional


def tracked(numbers: Any) -> Any:
    return paddle.to_tensor(numbers, dtype="float64", stop_gradient=False)


def show(what: str, seen: Any, due: Any) -> None:
    print(f"{what}: {seen.numpy() if isinstance(seen, paddle.Tensor) else seen}, due is {due}")


def of_operand(function: Callable[[Any, Any], Any]) -> Any:
    """The gradient of the second operand, 0.5, beside a first one of 0.25."""
    first, second = tracked([0.25]), tracked([0.5])
    function(first, second).sum().backward()
    return second.grad


show("label of binary_cross_entropy", of_operand(F.binary_cross_entropy), np.log(3))
show("label of kl_div", of_operand(F.kl_div), np.log(0.5) + 1 - 0.25)
show("variance of gaussian_nll_loss", of_operand(lambda x, v: F.gaussian_nll_loss(x, x * 0, v)), 0.875)
show("weight of lerp", of_operand(lambda x, w: paddle.lerp(x, x * 3, w)), 0.5)

value, x = tracked(2.0), tracked([1.0, 1.0, 1.0])
filled = paddle.masked_fill(x, paddle.to_tensor([True, False, True]), value)
(filled * paddle.to_tensor([3.0, 4.0, 5.0], "float64")).sum().backward()
show("value of masked_fill", value.grad, 8)
for name, operation in (("kthvalue", lambda x: paddle.kthvalue(x, 1)[0]), ("mode", lambda x: paddle.mode(x)[0])):
    number = tracked(2.0)
    (3 * operation(number)).backward()
    show(f"{name} of a number", number.grad, 3)
number = tracked(2.0)
paddle.var(number, correction=0).backward()
show("var of a number, by 0 degrees of freedom", number.grad, 0)
show("whether positions (argsort) are tracked", not paddle.argsort(x).stop_gradient, False)

zero = tracked(0.0)
F.binary_cross_entropy_with_logits(zero, zero.detach()).backward()
show("binary_cross_entropy_with_logits of 0 against 0", zero.grad, 0.5)
overlapping = tracked([1.0, 2.0, 3.0])
overlapping.unfold(0, 2, 1).sum().backward()
show("windows that overlap", overlapping.grad, [1, 2, 1])
rows = tracked([[1.0, 2.0, 4.0], [3.0, 1.0, 0.0]])
factors, shift = paddle.to_tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]], dtype="float64")
cotangent = paddle.to_tensor([[1.0, 2.0, 3.0], [-1.0, 0.5, 2.0]], dtype="float64")
gradients = []
for learnt in (True, False):
    factors.stop_gradient = not learnt
    rows.clear_grad()
    (F.layer_norm(rows, [3], factors, shift) * cotangent).sum().backward()
    gradients.append(rows.grad.numpy()[1])
show("layer_norm whose weight is not tracked", gradients[1], f"{gradients[0]}, as of one that is")
L, right = tracked([[2.0, 5.0], [1.0, 3.0]]), tracked([[1.0], [2.0]])
paddle.linalg.cholesky_solve(right, L).sum().backward()
show("cholesky_solve, whose upper triangle is not read", L.grad[1, 1], -2 / 36)
for name, operation in (("diag_embed", paddle.diag_embed), ("eigvals", paddle.linalg.eigvals)):
    show(f"whether the result of {name} is tracked", not operation(L).stop_gradient, True)


def of_eigenvectors(A: Any) -> Any:
    """The gradient of an expression that does not depend on the length and phase of eigenvectors, by the last matrix."""
    A = tracked(A)
    values, vectors = paddle.linalg.eig(A)
    (vectors.abs() ** 2 * values.real().unsqueeze(-2))[..., 0, :].sum().backward()
    return A.grad[-1] if A.ndim == 3 else A.grad


matrices = [[[-1.0, 0.0], [-0.5, 1.0]], [[-0.5, -1.2], [0.6, -0.6]]]
show(
    "eig of the second matrix of a batch",
    of_eigenvectors(matrices),
    f"{of_eigenvectors(matrices[1]).numpy()}, as alone",
)
large = tracked([0.0, -800.0])
show("log_softmax of 0 and -800", F.log_softmax(large), [0, -800])
show("hypot of 3e200 and 4e200", paddle.hypot(tracked(3e200), tracked(4e200)), 5e200)
quantile = paddle.quantile(tracked([[1.0, 2.0], [3.0, 5.0]]), paddle.to_tensor([0.5], "float64"), axis=0)
show("shape of the quantiles of one probability", list(quantile.shape), [1, 2])
signal, kernel = tracked([[[1.0, 2.0, 4.0, 8.0, 16.0]]]), tracked([[[1.0, 0.0, 1.0]]])
show("conv1d, padding 'same', dilation 2", F.conv1d(signal, kernel, padding="same", dilation=2), [4, 8, 17, 2, 4])
