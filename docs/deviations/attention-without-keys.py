"""The gradient of a tangent is nan for a query that may attend to nothing, whose output is 0 (PyTorch 2.13)."""

import torch
from torch.func import grad, jvp
from torch.nn.functional import scaled_dot_product_attention

key = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)
mask = torch.tensor([[-torch.inf, -torch.inf]], dtype=torch.float64)


def loss(query: torch.Tensor) -> torch.Tensor:
    return scaled_dot_product_attention(query, key, key, attn_mask=mask).sum()


def along(query: torch.Tensor) -> torch.Tensor:
    return jvp(loss, (query,), (torch.ones_like(query),))[1]


query = torch.tensor([[[1.0, 2.0]]], dtype=torch.float64)
print("the gradient:", grad(loss)(query).tolist())
print("reverse over forward:", grad(along)(query).tolist(), "and not zeros")
