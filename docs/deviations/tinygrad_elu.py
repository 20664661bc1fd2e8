"""elu has the derivative 0 at 0, where both of its sides have 1, and nan where the exponential of the side that is not taken
overflows (tinygrad 0.14.0; DEV=PYTHON runs this where there is no compiler)."""

from tinygrad import Tensor

x = Tensor([0.0, 1000.0])
(slope,) = x.elu().sum().gradient(x)
print("slope at 0:", slope.tolist()[0], "and not 1.0")
print("slope at 1000:", slope.tolist()[1], "and not 1.0")
