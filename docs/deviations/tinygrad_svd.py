"""The gradient behind an svd is another one once its value was read, and a 1 x 1 matrix has no svd (tinygrad 0.14.0; DEV=PYTHON
runs this where there is no compiler)."""

from tinygrad import Tensor, dtypes

ROWS = [[-0.5, 0.25], [1.0, -0.125], [-0.5, -0.75]]
STEP = 1e-5


def value(a: Tensor) -> Tensor:
    u, s, v = a.svd(full_matrices=False)
    return (u * s.tanh() @ v)[0, 0]


def slope(is_read: bool) -> float:
    """By the first entry."""
    a = Tensor(ROWS, dtype=dtypes.float64)
    y = value(a)
    if is_read:
        y.tolist()
    (gradient,) = y.gradient(a)
    return float(gradient[0, 0].item())


def moved(by: float) -> float:
    (first, *others), *rest = ROWS
    return float(value(Tensor([[first + by, *others], *rest], dtype=dtypes.float64)).item())


print("not read:   ", slope(is_read=False))
print("read:       ", slope(is_read=True))
print("differences:", (moved(STEP) - moved(-STEP)) / (2 * STEP))
Tensor([[-0.9]]).svd()  # raises
