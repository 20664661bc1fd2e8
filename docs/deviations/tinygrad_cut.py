"""Reading clone() before backward() cuts the graph, and so does assigning a number of no axes to several entries for that
number: gradients stay None without an error (tinygrad 0.14.0; DEV=PYTHON runs this where there is no compiler)."""

from tinygrad import Tensor

x = Tensor([1.0, 2.0]).realize()
y = x.clone()
y.tolist()
y.backward(Tensor([1.0, 10.0]))
print("behind a clone that was read:", x.grad if x.grad is None else x.grad.tolist(), "and not [1.0, 10.0]")

y, v = Tensor([1.0, 2.0, 3.0]).clone(), Tensor.full((), 5.0)
y[0:2] = v
y.backward(Tensor([1.0, 1.0, 1.0]))
print("of the number that was assigned:", v.grad if v.grad is None else v.grad.tolist(), "and not 2.0")
