"""Derivatives of the determinant of a singular matrix, which is a polynomial like that of any other.

The gradient is 0 where elimination meets a pivot of 0, unless it is differentiated again. Forward mode is 0 there as well;
since 2.15 it raises, and is wrong at other singular matrices too.
"""

import torch
from torch.func import jvp

a = torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 1.0, 1.0]], dtype=torch.float64, requires_grad=True)
t = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
det = torch.linalg.det
print(det(a + t).item() - det(a).item())  # -2: the determinant is linear in one element
det(a).backward()
print(a.grad[0, 2].item())
print(jvp(det, (a.detach(),), (t,))[1].item())
