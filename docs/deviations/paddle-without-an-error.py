"""What is asked in vain and passes without a word."""

import paddle

constant, x = paddle.to_tensor([2.0]), paddle.to_tensor([1.0], stop_gradient=False)
(constant * constant).backward()  # nothing is recorded here
constant.retain_grads()
print("of a computed tensor:", (x * x).grad)
print("an integer that wants a gradient:", paddle.to_tensor([1, 2], stop_gradient=False).stop_gradient)
(x * 2).backward(paddle.to_tensor([1 + 0j]))
print("a complex cotangent for a real result:", x.grad.numpy())
y = (x * x).sum()
print("grad frees nothing:", paddle.grad(y, x), paddle.grad(y, x))
out = paddle.zeros([1])
paddle.multiply(x, x, out=out)
print("out= is recorded:", out.stop_gradient)
paddle.set_grad_enabled(False)  # as in a decorator: it takes effect at once, and for good
print(paddle.is_grad_enabled())
