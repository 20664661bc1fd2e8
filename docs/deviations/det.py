"""Forward mode of the determinant of a singular matrix: before 2.15 it is 0 where elimination meets a pivot of 0, since 2.15
it is wrong at other singular matrices too. The gradient is 0 as well, where it is not differentiated again.
"""

import torch
from torch.func import jvp

a = torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 1.0, 1.0]], dtype=torch.float64, requires_grad=True)
t = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
det = torch.linalg.det
print(det(a + t).item() - det(a).item())  # -2: the determinant is linear in one element
print(jvp(det, (a.detach(),), (t,))[1].item())
det(a).backward()
print(a.grad[0, 2].item())

zero, one = torch.tensor([[0.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.0, 0.0]])
print(jvp(det, (zero,), (one,))[1].item())  # 1
