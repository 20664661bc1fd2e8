"""Reverse mode over forward mode of eigenvectors gives NaN, although all eigenvalues differ.

The rule of forward mode divides by differences of eigenvalues; those on the diagonal are 0, and their quotients, which no
result uses, have a derivative that is NaN. linalg.eig has the same rule.
"""

import torch
from torch.func import grad, jvp


def square(a):
    values, vectors = torch.linalg.eigh(a)
    return ((vectors * values) @ vectors.mT).square().sum()  # the sum of a * a, whatever the vectors' signs


a = torch.tensor([[2.0, 1.0], [1.0, 5.0]], dtype=torch.float64)
t = torch.eye(2, dtype=torch.float64)
print(grad(lambda a: jvp(square, (a,), (t,))[1])(a))  # nan; right is 2 * t
print(jvp(grad(square), (a,), (t,))[1])  # 2 * t
