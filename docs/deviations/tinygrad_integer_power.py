"""A power of two integer tensors cannot be read (tinygrad 0.14.0; DEV=PYTHON runs this where there is no compiler)."""

from tinygrad import Tensor

power = Tensor([1, 2]) ** Tensor([2, 3])
print(power.dtype)
print(power.tolist())  # raises
