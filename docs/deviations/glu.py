"""The rule of forward mode of glu cannot be differentiated, neither in reverse nor in forward mode."""

import torch
from torch.func import grad, jvp


def along(x):
    return jvp(lambda t: torch.nn.functional.glu(t).sum(), (x,), (torch.ones_like(x),))[1]


grad(along)(torch.tensor([0.5, 2.0]))  # raises: derivative for aten::glu_jvp is not implemented
