"""What is cast to integers says that it is recorded."""

import paddle

x = paddle.to_tensor([1.5], stop_gradient=False)
print(x.astype("int64").stop_gradient, "should be True: there is no derivative")
