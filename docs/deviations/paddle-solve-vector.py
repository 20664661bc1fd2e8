"""linalg.solve of a vector has a gradient that is not initialised where the vector stands."""

import paddle

c = paddle.to_tensor([[2.0, 0.0], [0.0, 1.0]], stop_gradient=False)
v = paddle.to_tensor([1.0, 0.0])
(v @ paddle.linalg.solve(c, v)).backward()
print(c.grad.numpy(), "instead of [[-0.25, 0], [0, 0]]")
