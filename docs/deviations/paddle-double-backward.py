"""Second derivatives that fail, or are nan."""

import paddle

x, y = (paddle.to_tensor(number, stop_gradient=False) for number in (3.0, 0.5))
gx, gy = paddle.grad(x**2 * y**3, [x, y], create_graph=True)
try:
    paddle.grad(gx, y)
except RuntimeError as error:
    print("of a power, by the cotangent alone:", error)
z = paddle.to_tensor([1000.0], dtype="float64", stop_gradient=False)
(slope,) = paddle.grad(paddle.nn.functional.elu(z).sum(), z, create_graph=True)
print("elu at 1000:", paddle.grad(slope.sum(), z)[0].numpy(), "instead of 0")
