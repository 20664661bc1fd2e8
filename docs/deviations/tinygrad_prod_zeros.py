"""The second derivative of a product with two zeros is 0 for the two: its gradient takes the zeros for constants (tinygrad 0.14.0;
DEV=PYTHON runs this where there is no compiler)."""

from tinygrad import Tensor

x = Tensor([0.0, 0.0, 3.0])
(gradient,) = x.prod().gradient(x)
(row,) = gradient[0].gradient(x)
print("derivatives of x[1] * x[2]:", row.tolist(), "and not [0.0, 3.0, 0.0]")
