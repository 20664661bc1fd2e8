"""The gradient of prod does not conjugate the other factors."""

import paddle

x = paddle.to_tensor(1.0, stop_gradient=False)
z = paddle.complex(x, 2 * x)
paddle.stack([z, z]).prod().real().backward()
print(x.grad.item(), "instead of -6: the real part of (x + 2ix) ** 2 is -3 * x ** 2")
