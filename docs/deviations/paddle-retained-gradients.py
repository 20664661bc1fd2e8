"""A retained gradient is replaced by each pass, where those of leaves add up; it is kept as hooks that follow do not see it."""

import paddle

x = paddle.to_tensor(2.0, stop_gradient=False)
y = x * x
y.retain_grads()
z = y * 4
z.backward(retain_graph=True)
z.backward()
print(x.grad.item(), "twice 16;", y.grad.item(), "once 4")
y = x * x
y.retain_grads()
y.register_hook(lambda gradient: gradient * 10)
(y * 5).backward()
print(y.grad.item(), "where y receives 50")
