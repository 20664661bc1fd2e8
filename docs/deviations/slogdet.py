"""The second derivative of slogdet (and logdet) through forward mode drops a term.

The rule of forward mode uses the LU decomposition, which it takes for a constant when it is differentiated.
"""

import torch
from torch.func import grad, jvp


def f(a):
    return torch.linalg.slogdet(a).logabsdet


a = torch.tensor([[2.0, 0.5], [1.0, 3.0]], dtype=torch.float64)
t = torch.tensor([[1.0, 2.0], [0.0, 1.0]], dtype=torch.float64)
inverse = torch.linalg.inv(a)
print(grad(lambda a: jvp(f, (a,), (t,))[1])(a))
print(jvp(grad(f), (a,), (t,))[1])
print(-(inverse @ t @ inverse).mT)  # what both should be
