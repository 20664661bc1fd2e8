"""paddle.grad says of every operand or root that is not recorded that the input does not appear in the backward graph."""

import paddle

x, c = paddle.to_tensor([1.0], stop_gradient=False), paddle.to_tensor([2.0])
for outputs, inputs in (([x * c], [x, c]), ([c * c], [x]), (paddle.grad(x * x, x), [x])):
    try:
        paddle.grad(outputs, inputs)
    except ValueError as error:
        print(str(error).strip()[:90])
