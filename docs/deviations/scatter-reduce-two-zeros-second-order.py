"""The second derivative of scatter_reduce with prod where two zeros go to one place: an error (PyTorch 2.13).

x * a * b has the gradient (x * b, x * a) with respect to a and b, whose derivative along (1, 1) is (x, x)."""

import torch

x = torch.tensor([2.0])
source = torch.tensor([0.0, 0.0], requires_grad=True)
y = torch.scatter_reduce(x, 0, torch.tensor([0, 0]), source, "prod")
first = torch.autograd.grad(y.sum(), [source], create_graph=True)
print(torch.autograd.grad(first, [source], [torch.ones(2)]), "where (2, 2) is due")
