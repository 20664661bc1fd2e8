"""The gradient of prod divides by the factors: it is nan where one is 0."""

import paddle

x = paddle.to_tensor([2.0, 0.0, 3.0], stop_gradient=False)
x.prod().backward()
print(x.grad.numpy(), "instead of [0, 6, 0]")
