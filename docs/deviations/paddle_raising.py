"""Operations of Paddle that raise an error, or whose backward does, where the mathematics has a derivative."""

from collections.abc import Callable
from typing import Any

import paddle


def show(what: str, function: Callable[..., Any], *shapes: list[int], tracked: int | None = None) -> None:
    operands = [paddle.rand(shape) for shape in shapes]
    for n, operand in enumerate(operands):
        operand.stop_gradient = tracked not in (None, n)
    try:
        value = function(*operands)
    except Exception as error:
        print(what, "raises", str(error).strip().splitlines()[-1][:200])
        return
    try:
        value.sum().backward()
    except Exception as error:
        print("the backward of", what, "raises", str(error).strip().splitlines()[-1][:200])
    else:
        print(what, "raises nothing")


show("matmul with two batch dimensions and one", paddle.matmul, [2, 1, 3, 4], [3, 4, 2])
show("einsum that repeats an axis of one", lambda A, B: paddle.einsum("ij,jk->ik", A, B), [2, 1], [3, 2])
show("einsum of a diagonal and a free axis", lambda A: paddle.einsum("iij->ji", A), [2, 2, 3])
show(
    "multi_dot of one tracked matrix", lambda *given: paddle.linalg.multi_dot(given), [2, 3], [3, 4], [4, 2], tracked=0
)
show("cummax of a number", lambda x: paddle.cummax(x, 0)[0], [])
show("cummin of a number", lambda x: paddle.cummin(x, 0)[0], [])
show("mode of a number, with keepdim", lambda x: paddle.mode(x, 0, keepdim=True)[0], [])
show("householder_product", paddle.linalg.householder_product, [3, 2], [2])
show("the real and the imaginary part, exchanged", lambda z: paddle.view_as_real(paddle.complex(z, z)).t() * z, [2])


def second_derivative(A: Any) -> Any:
    (slope,) = paddle.grad(paddle.block_diag([A, A * 2]).square().sum(), A, create_graph=True)
    return slope


show("the gradient of block_diag", second_derivative, [2, 2])
