"""Derivatives of HIPS autograd that are other numbers than the mathematics, without an error."""

import warnings

import autograd.numpy as np
from autograd import grad, make_jvp, make_vjp

warnings.simplefilter("ignore")


def show(what: str, seen: object, due: object) -> None:
    print(f"{what}: {seen}, due is {due}")


x = np.array([[1.0, 2.0], [3.0, 4.0]])
weights = np.arange(8.0).reshape(2, 4)
show("repeat along -1", grad(lambda x: np.sum(np.repeat(x, 2, axis=-1) * weights))(x).tolist(), [[1, 5], [9, 13]])
cube = np.ones((2, 2, 2))
axes = (-1, 0, 1)
picked = np.eye(8)[1].reshape(2, 2, 2)
show(
    "transpose by (-1, 0, 1)",
    np.argwhere(grad(lambda x: np.sum(np.transpose(x, axes) * picked))(cube)).tolist(),
    np.argwhere(np.transpose(picked, (1, 2, 0))).tolist(),
)
show("rfft, norm='forward'", grad(lambda x: np.real(np.fft.rfft(x, norm="forward")[0]))(np.ones(4))[0], 1 / 4)
column, rows = np.ones((2, 1)), np.ones((3, 2))
show("einsum that repeats a column", grad(lambda b: np.sum(np.einsum("ij,jk->ik", column, b)))(rows).shape, (3, 2))
wide = np.ones((2, 3))
show("where that broadcasts", grad(lambda y: np.sum(np.where(wide > 5, wide, y)))(np.ones((2, 1))).shape, (2, 1))
show("cross that broadcasts", grad(lambda v: np.sum(np.cross(wide, v)))(np.ones((1, 3))).shape, (1, 3))
show("diag of 2 x 3", grad(lambda a: np.sum(np.diag(a)))(wide).shape, (2, 3))
show("broadcast_to no columns", grad(lambda a: np.sum(np.broadcast_to(a, (2, 0))))(np.ones((2, 1))).shape, (2, 1))
matrix = np.array([[1.0 + 1j, 0.5], [0.25, 2.0]])
sign = lambda z: np.real(np.linalg.slogdet(z * matrix)[0])  # noqa: E731
step = 1e-6
show(
    "slogdet's sign along i",
    -np.imag(grad(sign)(1 + 0j)),
    np.real(sign(1 + step * 1j) - sign(1 - step * 1j)) / 2 / step,
)
show("sinc at 0", grad(np.sinc)(0.0), 0.0)
show("1e200 / y at 1e200", grad(lambda y: 1e200 / y)(np.float64(1e200)), -1e-200)
pull, _ = make_vjp(lambda x: x * 2)(np.ones(3))
show("a cotangent of two entries for three", pull(np.ones(2)).shape, "an error")
_, tangent = make_jvp(np.exp2)(np.float32(1))(np.float32(1))
show("dtype of a tangent of float32", tangent.dtype, "float32")
show("prod of [0, 2, 3]", grad(np.prod)(np.array([0.0, 2.0, 3.0])).tolist(), [6, 0, 0])
