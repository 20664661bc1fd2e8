"""The gradient of the triangle of a QR decomposition, whose other factor is not used, ends the process."""

import paddle

A = paddle.to_tensor([[2.0, 1.0], [0.0, 3.0]], stop_gradient=False)
_, R = paddle.linalg.qr(A)
(R * R).sum().backward()
print(A.grad.numpy(), "is 2 * A")
