"""Derivatives that exist, and at which rules of HIPS autograd raise."""

import autograd.numpy as np
from autograd import grad, make_jvp


def show(what: str, function: object, *args: object) -> None:
    try:
        print(f"{what}: {function(*args)}")  # type: ignore[operator]
    except Exception as error:
        print(f"{what}: {type(error).__name__}: {error}")


square, wide = np.arange(9.0).reshape(3, 3), np.ones((2, 3))
singular = np.array([[1.0, 2.0], [2.0, 4.0]])
show("einsum ii->i", grad(lambda a: np.sum(np.einsum("ii->i", a))), square)
show("det of a singular matrix", grad(np.linalg.det), singular)
show("solve that broadcasts", grad(lambda b: np.sum(np.linalg.solve(np.stack([np.eye(3), np.eye(3)]), b))), np.ones(3))
show("var over two axes", make_jvp(lambda a: np.var(a, axis=(0, 1)))(wide), wide)
show("tile by 0", grad(lambda a: np.sum(np.tile(a, (2, 0)))), wide)
