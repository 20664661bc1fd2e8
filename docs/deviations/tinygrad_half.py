"""The gradient of a product does not compile for the interpreter in float16, nor does that of some entries picked by integer
tensors (tinygrad 0.14.0, DEV=PYTHON)."""

from tinygrad import Tensor, dtypes
from tinygrad.helpers import DEV

DEV.value = "PYTHON"
for dtype in (dtypes.float32, dtypes.float16):
    x = Tensor([2.0, 3.0, 4.0], dtype=dtype)
    (gradient,) = x.prod().gradient(x)
    print(dtype, gradient.tolist())  # raises in float16
