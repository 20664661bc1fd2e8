"""Second derivatives that fail, are nan, or 0."""

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
zero = paddle.to_tensor([0.0], dtype="float64", stop_gradient=False)
(slope,) = paddle.grad(paddle.sinc(zero).sum(), zero, create_graph=True)
print("sinc at 0:", paddle.grad(slope.sum(), zero)[0].numpy(), "instead of -pi**2 / 3")
