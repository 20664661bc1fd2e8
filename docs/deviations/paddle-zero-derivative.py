"""A derivative that does not depend on the variable is a tensor of zeros, where allow_unused would give None."""

import paddle

x, w = (paddle.to_tensor(number, stop_gradient=False) for number in (2.0, 5.0))
(g,) = paddle.grad(x * w * w, x, create_graph=True)
print(paddle.grad(g, [x, w], allow_unused=True))
