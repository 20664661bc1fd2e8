"""The backward of clamp raises where a bound is a tensor of more rows than the operand, although the forward works."""

import torch

x = torch.tensor([0.0, 2.0, -3.0], requires_grad=True)
low = torch.full((4, 3), -1.0, requires_grad=True)
high = torch.ones(3, requires_grad=True)
torch.clamp(x, low, high).sum().backward()  # before 2.14 raises: output with shape [3] doesn't match ...
print(x.grad)
