"""The graph that PyTorch recorded, read through ``grad_fn`` and ``next_functions``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from harness.engine import Graph, Node

from . import inspection

_node_name: Callable[[Any], str] = inspection.node_name


def graph(named: Mapping[str, torch.Tensor]) -> Graph:
    """The nodes behind the named tensors, and the edges between them."""
    names: dict[Any, list[str]] = {}
    leaves: dict[int, list[str]] = {}
    for name, tensor in named.items():
        try:
            creator = tensor.grad_fn
        except RuntimeError:  # a view whose base was written to in a way that is refused
            continue
        if creator is not None:
            names.setdefault(creator, []).append(name)
        elif tensor.requires_grad:
            leaves.setdefault(id(tensor), []).append(name)
    order: dict[Any, int] = {}
    todo = list(names)
    while todo:
        node = todo.pop()
        if node not in order:
            order[node] = len(order)
            todo += [after for after, _ in node.next_functions if after is not None]
    nodes = []
    for node in order:
        variable = getattr(node, "variable", None)
        if variable is not None:
            own = tuple(leaves.get(id(variable), ()))
            nodes.append(Node(own[0] if own else "leaf", "leaf", own))
        else:
            own = tuple(names.get(node, ()))
            nodes.append(Node(_node_name(node), "root" if own else "op", own))
    edges = [(order[node], order[after]) for node in order for after, _ in node.next_functions if after is not None]
    return Graph(tuple(nodes), tuple(edges))
