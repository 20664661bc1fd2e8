"""cdist has no rule of forward mode, and before 2.14 its gradient has no derivative."""

import torch
from torch.func import jvp

x, y = torch.tensor([[0.0, 0.0]], requires_grad=True), torch.tensor([[3.0, 4.0]])
(g,) = torch.autograd.grad(torch.cdist(x, y).sum(), [x], create_graph=True)
try:
    g.sum().backward()
except RuntimeError as error:
    print(error)  # before 2.14: the derivative for '_cdist_backward' is not implemented
jvp(lambda x: torch.cdist(x, y), (x.detach(),), (torch.ones(1, 2),))  # raises: forward AD is not supported
