"""The tangent of a gradient of masked_scatter: an error, where the source has another shape than the operand (PyTorch 2.13)."""

import torch
from torch.func import grad, jvp

x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
source = torch.tensor([7.0, 8.0])
mask = torch.tensor([[True, False, False], [False, True, False]])


def masked_scatter(source):
    return (torch.masked_scatter(x, mask, source) ** 2).sum()


def index_put(source):
    return (torch.index_put(x, (mask,), source) ** 2).sum()


for f in (index_put, masked_scatter):
    print(f.__name__, jvp(grad(f), (source,), (torch.ones_like(source),))[1])
