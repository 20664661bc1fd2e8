"""Operations whose gradient has no derivative."""

import paddle

A = paddle.to_tensor([[2.0, 1.0], [1.0, 3.0]], stop_gradient=False)
for f in (paddle.linalg.det, paddle.prod, paddle.linalg.vector_norm, lambda x: paddle.atan2(x, x + 1).sum()):
    try:
        paddle.grad(f(A), A, create_graph=True)
    except RuntimeError as error:
        print(str(error).strip().splitlines()[-1][:100])
x = paddle.to_tensor([1.0, 2.0], stop_gradient=False)
y = (x**4).sum()
try:
    for _ in range(4):
        (y,) = paddle.grad(y.sum(), x, create_graph=True)
except RuntimeError as error:
    print("x ** 4, for the third time:", str(error).strip().splitlines()[-1][:100])
