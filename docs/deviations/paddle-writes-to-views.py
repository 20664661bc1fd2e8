"""A value that is written to a view of a computed tensor is seen in that tensor, and not in its gradient."""

import paddle

x = paddle.to_tensor([1.0, 2.0, 3.0, 4.0], stop_gradient=False)
b = x.clone()
b.view([2, 2])[1, 0] = 7.0
(b * paddle.to_tensor([1.0, 10.0, 100.0, 1000.0])).sum().backward()
print(b.numpy(), x.grad.numpy())  # b[2] is 7 whatever x is: x.grad[2] should be 0, and is 100
