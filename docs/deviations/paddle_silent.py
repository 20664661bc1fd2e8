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

large = tracked([0.0, -800.0])
show("log_softmax of 0 and -800", F.log_softmax(large), [0, -800])
show("hypot of 3e200 and 4e200", paddle.hypot(tracked(3e200), tracked(4e200)), 5e200)
quantile = paddle.quantile(tracked([[1.0, 2.0], [3.0, 5.0]]), paddle.to_tensor([0.5], "float64"), axis=0)
show("shape of the quantiles of one probability", list(quantile.shape), [1, 2])
signal, kernel = tracked([[[1.0, 2.0, 4.0, 8.0, 16.0]]]), tracked([[[1.0, 0.0, 1.0]]])
show("conv1d, padding 'same', dilation 2", F.conv1d(signal, kernel, padding="same", dilation=2), [4, 8, 17, 2, 4])
