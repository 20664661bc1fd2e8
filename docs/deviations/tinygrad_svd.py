"""The gradient behind an svd is another one once its value was read, and a 1 x 1 matrix has no svd (tinygrad 0.14.0; DEV=PYTHON
runs this where there is no compiler)."""

from tinygrad import Tensor, dtypes


def slope(is_read: bool) -> list[list[float]]:
    a = Tensor([[-0.5, 0.25], [1.0, -0.125], [-0.5, -0.75]], dtype=dtypes.float64)
    u, s, v = a.svd(full_matrices=False)
    y = (u * s.tanh() @ v)[0, 0]
    if is_read:
        y.tolist()
    (gradient,) = y.gradient(a)
    return gradient.tolist()


print("not read:", slope(is_read=False))
print("read:    ", slope(is_read=True))
Tensor([[-0.9]]).svd()  # raises
