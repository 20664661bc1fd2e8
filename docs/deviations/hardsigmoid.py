"""hardsigmoid multiplies by 1/6 as float32 holds it, in float64 too; and its derivative has no derivative, which is 0."""

import torch

x = torch.tensor([0.5], dtype=torch.float64, requires_grad=True)
(g,) = torch.autograd.grad(torch.nn.functional.hardsigmoid(x), x, create_graph=True)
print(g.item(), "instead of", 1 / 6)
torch.autograd.grad((g * x).sum(), x)  # raises: derivative for aten::hardsigmoid_backward is not implemented
