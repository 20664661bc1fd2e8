"""Starting a reverse pass: ``backward`` accumulates into leaves, ``grad`` returns gradients.

Keeps torch.autograd.backward, torch.autograd.grad and torch.Tensor.backward. Both compute a vector-Jacobian product: the
*cotangent* (``gradient``, ``grad_tensors``, ``grad_outputs``) weights the elements of the root and has exactly the root's
shape. A root with one element needs none; it counts as 1.

``retain_graph`` keeps saved values for another pass (it defaults to ``create_graph``), ``create_graph`` records the pass
itself so that its results can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import record
from .errors import AutogradError, AutogradTypeError, warn
from .graph import Edge, reverse_pass
from .mapped import each, innermost
from .modes import mode
from .tensor import Tensor, method


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradients of ``tensors`` to ``.grad`` of the leaves they depend on, or of ``inputs`` only."""
    _accumulate(tensors, grad_tensors, retain_graph, create_graph, inputs)


def _tensor_backward(
    self: Tensor,
    gradient: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    _accumulate(self, gradient, retain_graph, create_graph, inputs)


method(_tensor_backward, "backward")


def _accumulate(roots: Any, cotangents: Any, retain_graph: bool | None, create_graph: bool, inputs: Any) -> None:
    if mode.transforming:
        raise AutogradError(
            "inside-transform",
            "backward() called inside a functorch transform. This is not supported, please use functorch.grad or "
            "functorch.vjp instead or call backward() outside of functorch transforms.",
        )
    if create_graph:
        warn(
            "create-graph-cycle",
            "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient "
            "which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If "
            "you have to use this function, make sure to reset the .grad fields of your parameters to None after use to "
            "break the cycle and avoid the leak.",
            depth=2,
        )
    reverse_pass(
        _starts(roots, cotangents, create_graph),
        retain_graph=_retain(retain_graph, create_graph),
        create_graph=create_graph,
        targets=None if inputs is None else _accumulating_edges(inputs),
    )


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the sum of ``outputs`` with respect to each of ``inputs``; nothing is stored."""
    outputs, inputs = _listed(outputs), _listed(inputs)
    if record.interpreter is not None:
        cotangents = grad_outputs if grad_outputs is None else _listed(grad_outputs)
        mapping = innermost((outputs, inputs, cotangents))
        if mapping is not None:  # a reverse pass for every entry; all of them may go through one graph

            def one(outputs: Any, inputs: Any, cotangents: Any) -> Any:
                return grad(outputs, inputs, cotangents, True, create_graph, allow_unused)

            return each(mapping, one, outputs, inputs, cotangents)  # type: ignore[no-any-return]
    edges: list[Edge] = []
    for tensor in _listed(inputs):
        edge = tensor.edge() if tensor.requires_grad else None
        if edge is None:
            raise AutogradError("differentiated-no-grad", "One of the differentiated Tensors does not require grad")
        edges.append(edge)
    captured = reverse_pass(
        _starts(outputs, grad_outputs, create_graph),
        retain_graph=_retain(retain_graph, create_graph),
        create_graph=create_graph,
        targets=set(edges),
        capture=True,
    )
    if not allow_unused and any(edge not in captured for edge in edges):
        raise AutogradError(
            "unused-input",
            "One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if this "
            "is the desired behavior.",
        )
    return tuple(captured.get(edge) for edge in edges)


def _retain(retain_graph: bool | None, create_graph: bool) -> bool:
    return create_graph if retain_graph is None else bool(retain_graph)


def _listed(tensors: Any) -> Sequence[Any]:
    if isinstance(tensors, Tensor):
        return (tensors,)
    return tuple(tensors.values() if isinstance(tensors, Mapping) else tensors)


def _accumulating_edges(inputs: Any) -> set[Edge]:
    listed = _listed(inputs)
    if not listed:
        raise AutogradError("inputs-empty", "'inputs' argument to backward() cannot be empty.")
    edges = set()
    for tensor in listed:
        edge = tensor.edge() if tensor.requires_grad else None
        if edge is None:
            raise AutogradError(
                "inputs-no-grad", "One of the inputs of backward() is a Tensor that has requires_grad=False"
            )
        tensor.retain_grad()  # a computed tensor is asked for its gradient, so it keeps it
        edges.add(edge)
    return edges


def _starts(roots: Any, cotangents: Any, create_graph: bool) -> list[tuple[Edge, Tensor]]:
    """The edges that the pass starts from, each with its first gradient."""
    roots = _listed(roots)
    if cotangents is None:
        cotangents = (None,) * len(roots)
    elif isinstance(cotangents, Tensor):
        cotangents = (cotangents,)
    else:
        cotangents = tuple(cotangents) if np.iterable(cotangents) else _not_iterable(cotangents)

    complete = [
        _default_cotangent(root) if cotangent is None else _checked_cotangent(i, root, cotangent, create_graph)
        for i, (root, cotangent) in enumerate(zip(roots, cotangents, strict=False))
    ]
    if len(cotangents) != len(roots):
        raise AutogradError("grad-count-mismatch", f"got {len(roots)} tensors and {len(cotangents)} gradients")
    starts = []
    for i, (root, cotangent) in enumerate(zip(roots, complete, strict=True)):
        edge = root.edge() if root.requires_grad else None
        if edge is None or cotangent is None:
            raise AutogradError(
                "no-grad-fn", f"element {i} of tensors does not require grad and does not have a grad_fn"
            )
        starts.append((edge, cotangent))
    return starts


def _not_iterable(cotangents: Any) -> Any:
    raise AutogradTypeError("grad-arg-not-iterable", f"'{type(cotangents).__name__}' object is not iterable")


def _default_cotangent(root: Tensor) -> Tensor | None:
    if not root.requires_grad:
        return None
    if root.numel() != 1:
        raise AutogradError("implicit-grad-non-scalar", "grad can be implicitly created only for scalar outputs")
    if root.dtype.kind != "f":
        raise AutogradError("implicit-grad-non-real", "grad can be implicitly created only for real scalar outputs")
    return Tensor(np.ones(root.shape, root.dtype))


def _checked_cotangent(i: int, root: Tensor, cotangent: Any, create_graph: bool) -> Tensor:
    if not isinstance(cotangent, Tensor):
        raise AutogradTypeError(
            "grad-arg-type", f"gradients can be either Tensors or None, but got {type(cotangent).__name__}"
        )
    if cotangent.shape != root.shape:
        raise AutogradError(
            "grad-shape-mismatch",
            f"Mismatch in shape: grad_output[{i}] has a shape of torch.Size({list(cotangent.shape)}) and output[{i}] has a "
            f"shape of torch.Size({list(root.shape)}).",
        )
    if (cotangent.dtype.kind == "c") != (root.dtype.kind == "c"):
        raise AutogradError(
            "grad-complex-mismatch",
            "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
            f"grad_output[{i}] has a dtype of {cotangent.dtype} and output[{i}] has a dtype of {root.dtype}.",
        )
    if not create_graph:
        cotangent = cotangent.detach()
    cast: Tensor = cotangent.to(root.dtype)
    return cast
