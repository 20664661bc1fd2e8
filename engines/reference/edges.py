"""Gradient edges: a place in the graph, to name a gradient without holding the tensor.

Keeps torch.autograd.graph.get_gradient_edge and GradientEdge. An edge stands for "the gradient that arrives at this node
for its result number ``output_nr``". It can be given to `autograd.grad` and `autograd.backward` in place of a tensor. A
tensor's place changes when the tensor is written in place; an edge stays where it was taken.
"""

from __future__ import annotations

from typing import NamedTuple

from .errors import AutogradError
from .graph import Node
from .tensor import Tensor


class GradientEdge(NamedTuple):
    node: Node
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    edge = tensor.edge() if tensor.requires_grad else None
    if edge is None:
        raise AutogradError(
            "no-gradient-edge",
            "It is not possible to get the gradient edge for a Tensor that does not require gradients",
        )
    return GradientEdge(*edge)
