"""asinh of a large negative number is -inf: x + sqrt(x * x + 1) is 0 there (tinygrad 0.14.0; DEV=PYTHON runs this where there
is no compiler)."""

import math

from tinygrad import Tensor, dtypes

x = Tensor([-1e9], dtype=dtypes.float64)
print("asinh:", x.asinh().tolist(), "and not", math.asinh(-1e9))
