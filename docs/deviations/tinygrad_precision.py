"""Inverse trigonometric functions and erf are polynomials with seven digits in float64 too, and log(1 + exp(x)) forgets the
exponential beside the 1 (tinygrad 0.14.0; DEV=PYTHON runs this where there is no compiler)."""

import math

from tinygrad import Tensor, dtypes

for name in ("asin", "acos", "atan", "erf"):
    seen = getattr(Tensor([0.3], dtype=dtypes.float64), name)().tolist()[0]
    print(f"{name}(0.3): {seen} and not {getattr(math, name)(0.3)}")

seen = Tensor([40.0], dtype=dtypes.float64).logsigmoid().tolist()[0]
print(f"logsigmoid(40): {seen} and not {-math.log1p(math.exp(-40.0))}")
