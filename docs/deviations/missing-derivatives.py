"""Derivatives that PyTorch does not have: every line that this prints is an error, up to 2.15 at least.

embedding_bag and multi_margin_loss have no forward mode and no second derivative, huber_loss and soft_margin_loss no
forward mode through reverse mode.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Function = Callable[[Tensor], Tensor]


def squared(f: Function) -> Function:
    return lambda x: (f(x) ** 2).sum()


def forward(f: Function, x: Tensor) -> Tensor:
    return torch.func.jvp(f, (x,), (torch.ones_like(x),))[1]


def second(f: Function, x: Tensor) -> Tensor:
    return torch.autograd.functional.hvp(squared(f), x, torch.ones_like(x))[1]


def forward_over_reverse(f: Function, x: Tensor) -> Tensor:
    return forward(torch.func.grad(squared(f)), x)


bags, labels, signs = torch.tensor([[1, 4], [0, 1]]), torch.tensor([0, 3, 1]), torch.ones(3, 4)
for name, f, x, missing in (
    ("embedding_bag", lambda x: F.embedding_bag(bags, x), torch.randn(5, 3), (forward, second)),
    ("embedding_bag, max", lambda x: F.embedding_bag(bags, x, mode="max"), torch.randn(5, 3), (forward, second)),
    ("multi_margin_loss", lambda x: F.multi_margin_loss(x, labels), torch.randn(3, 4), (forward, second)),
    ("huber_loss", lambda x: F.huber_loss(x, signs), torch.randn(3, 4), (forward_over_reverse,)),
    ("soft_margin_loss", lambda x: F.soft_margin_loss(x, signs), torch.randn(3, 4), (forward_over_reverse,)),
):
    for mode in missing:
        try:
            found = mode(f, x)
        except RuntimeError as error:
            print(f"{name}, {mode.__name__}: {type(error).__name__}: {str(error).splitlines()[0]}")
        else:
            print(f"{name}, {mode.__name__}: {found}")
