"""inductor's code for forward mode over forward mode of cumprod ends the process by a segmentation fault."""

import torch
from torch.func import jacfwd


def f(t):
    return torch.stack([t, t + 1, t * 0 + 2, t - 1]).cumprod(0).sum()


x = torch.tensor(1.0)
print("eagerly:", jacfwd(jacfwd(f))(x))  # another number than 18, by pytorch/pytorch#196701
print(torch.compile(jacfwd(jacfwd(f)))(x))
