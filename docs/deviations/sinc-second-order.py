"""The second derivative of sinc at 0: nan instead of -pi**2 / 3 (PyTorch 2.13)."""

import math

import torch

x = torch.tensor([0.0, 1e-3], dtype=torch.float64, requires_grad=True)
(slope,) = torch.autograd.grad(torch.sinc(x).sum(), x, create_graph=True)
print(torch.autograd.grad(slope.sum(), x)[0].tolist(), -(math.pi**2) / 3)
