"""Operations that read memory of another layout than that of their operand."""

import paddle

x = paddle.arange(16, dtype="float64").reshape([4, 4])
every_second = x.t()[::2].t()
positions = paddle.to_tensor([1, 0])
print(
    "columns 2 and 0 of",
    x.tolist(),
    "are",
    every_second[:, positions].tolist(),
    "instead of",
    x[:, ::2].tolist(),
    "turned",
)

x.stop_gradient = False
paddle.narrow(x.t(), 1, 1, 2).sum().backward()
print(
    "the gradient of rows 1 and 2 is", x.grad.tolist(), "instead of ones in these rows; memory behind it may be written"
)
