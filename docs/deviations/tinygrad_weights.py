"""backward(gradient) keeps the tensor it was given as .grad and later adds to it in place; one of another shape is refused
only after gradients were written (tinygrad 0.14.0; DEV=PYTHON runs this where there is no compiler)."""

from tinygrad import Tensor

x, weight = Tensor([1.0, 2.0]), Tensor([5.0, 6.0])
(x + 1).backward(weight)
x.grad.tolist()
(x + 1).backward(weight)
x.grad.tolist()
print("the weight, which was [5.0, 6.0]:", weight.tolist())

x = Tensor([1.0, 2.0])
try:
    (x * 2).backward(Tensor([[1.0, 1.0]]))
except AssertionError as error:
    print("refused:", error)
print("a gradient all the same:", x.grad if x.grad is None else x.grad.tolist())
