"""Under torch.func, eigh of complex matrices has no second derivative: a complex gradient arrives at real eigenvalues."""

import torch
from torch.func import vjp

A = torch.tensor([[2.0, 1j], [-1j, 1.0]], dtype=torch.complex128)


def f(A):
    L, V = torch.linalg.eigh(A)
    return (V * L.tanh().unsqueeze(-2) @ V.mH).real.square().sum()


leaf = A.clone().requires_grad_()
(g,) = torch.autograd.grad(f(leaf), leaf, create_graph=True)
print(torch.autograd.grad(g, leaf, A)[0])
first = lambda A: vjp(f, A)[1](torch.tensor(1.0, dtype=torch.float64))[0]  # noqa: E731
vjp(first, A)[1](A)  # raises: Expected isFloatingType(grad.scalar_type()) || (input_is_complex == grad_is_complex)
