"""Under torch.func, ctc_loss with reduction "mean" cannot make a tensor of the lengths of its targets, given as numbers."""

import torch
from torch.func import vjp
from torch.nn.functional import ctc_loss, log_softmax

targets = torch.tensor([[1, 2], [2, 1]])


def loss(x):
    return ctc_loss(log_softmax(x, 2), targets, [3, 3], [2, 2], reduction="mean")


x = torch.zeros(3, 2, 4, requires_grad=True)
print(torch.autograd.grad(loss(x), x)[0].shape)
vjp(loss, x.detach())  # raises: Cannot access data pointer of Tensor that doesn't have storage
