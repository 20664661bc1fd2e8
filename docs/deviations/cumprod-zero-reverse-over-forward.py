"""The derivative, by reverse mode, of the tangent of cumprod at a zero factor: nan instead of a number (PyTorch 2.13)."""

import torch
from torch.func import grad, jvp

x = torch.tensor([0.0, 2.0, 3.0], dtype=torch.float64)
u = torch.tensor([1.0, 1.0, 1.0], dtype=torch.float64)


def cumprod(x):
    return torch.cumprod(x, 0).sum()


def by_hand(x):
    return x[0] + x[0] * x[1] + x[0] * x[1] * x[2]


for f in (cumprod, by_hand):
    print(f.__name__, grad(lambda x, f=f: jvp(f, (x,), (u,))[1])(x))
