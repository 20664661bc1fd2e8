"""paddle.grad and autograd.backward take a cotangent of any shape, and read memory behind a shorter one."""

import paddle

x = paddle.to_tensor([1.0, 2.0, 3.0], stop_gradient=False)
print(paddle.grad(x * x, x, grad_outputs=paddle.to_tensor([1.0]))[0].numpy())  # whatever lies there, and no error
paddle.autograd.backward([x * x], [paddle.to_tensor([1.0])])
print(x.grad.numpy())
try:
    (x * x).backward(paddle.to_tensor([1.0]))
except AssertionError as error:
    print("Tensor.backward says:", error)
