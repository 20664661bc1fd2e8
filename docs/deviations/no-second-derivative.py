"""PyTorch has no second derivative of embedding_bag and multi_margin_loss: each of these raises, up to 2.15 at least."""

import torch
from torch.nn import functional as F


def second(out: torch.Tensor, x: torch.Tensor) -> None:
    try:
        (first,) = torch.autograd.grad((out * out).sum(), x, create_graph=True)
        first.sum().backward()
    except RuntimeError as error:
        print(f"{type(error).__name__}: {error}")
    else:
        print("a second derivative:", x.grad)


table = torch.randn(5, 3, requires_grad=True)
second(F.embedding_bag(torch.tensor([[1, 4], [0, 1]]), table), table)
second(F.embedding_bag(torch.tensor([[1, 4], [0, 1]]), table, mode="max"), table)
scores = torch.randn(3, 4, requires_grad=True)
second(F.multi_margin_loss(scores, torch.tensor([0, 3, 1])), scores)
