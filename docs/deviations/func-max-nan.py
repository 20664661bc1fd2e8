"""Under torch.func, the rule of max multiplies the cotangent by a mask: a nan goes to what is not the maximum, too."""

import torch
from torch.func import vjp

x, nan = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor(float("nan"))
print(torch.autograd.grad(x.max(), x, nan)[0])  # [0, nan]
print(vjp(torch.max, x.detach())[1](nan)[0])  # [nan, nan]
