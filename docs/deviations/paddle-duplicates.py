"""paddle.grad and autograd.backward refuse a tensor that is given twice."""

import paddle

x = paddle.to_tensor([1.0, 2.0], stop_gradient=False)
y = (x * x).sum()
for call in (
    lambda: paddle.grad(y, [x, x]),
    lambda: paddle.grad([y, y], x),
    lambda: paddle.autograd.backward([y, y]),
):
    try:
        call()
    except (RuntimeError, AssertionError) as error:
        print(str(error).strip()[:100])
