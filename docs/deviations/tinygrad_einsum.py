"""einsum of an operand with a repeated letter leaves its output in the order of the operand (tinygrad 0.14.0; DEV=PYTHON runs
this where there is no compiler)."""

from tinygrad import Tensor

x = Tensor([[[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [4.0, 5.0, 6.0]]])
print("iij->ji:", Tensor.einsum("iij->ji", x).tolist(), "and not [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]")
