"""Starting a reverse pass: ``backward`` accumulates into leaves, ``grad`` returns gradients.

Keeps torch.autograd.backward, torch.autograd.grad and torch.Tensor.backward. Both compute a vector-Jacobian product: the
*cotangent* (``gradient``, ``grad_tensors``, ``grad_outputs``) weights the elements of the root and has exactly the root's
shape. A root with one element needs none; it counts as 1. Roots and inputs may be tensors or gradient edges (edges.py).

``retain_graph`` keeps saved values for another pass (it defaults to ``create_graph``), ``create_graph`` records the pass
itself so that its results can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from . import record
from .cotangents import checked
from .edges import GradientEdge
from .errors import AutogradError, AutogradTypeError, AutogradValueError, warn
from .graph import Edge, reverse_pass
from .mapped import each, innermost
from .modes import mode
from .several import stack
from .tensor import Tensor, method

Gradients = tuple[Tensor | None, ...]


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of ``tensors`` to ``.grad`` of the leaves they depend on, or of ``inputs`` only."""
    if grad_variables is not None:
        warn("grad-variables-deprecated", "`grad_variables` is deprecated. Use `grad_tensors` instead.")
        if grad_tensors is not None:
            raise AutogradError(
                "invalid-argument",
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only use "
                "`grad_tensors`.",
            )
        grad_tensors = grad_variables
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
    roots = _listed(roots, "roots", "backward")
    reverse_pass(
        _starts(roots, checked(roots, cotangents), create_graph),
        retain_graph=_retain(retain_graph, create_graph),
        create_graph=create_graph,
        targets=None if inputs is None else set(map(_accumulating_edge, _listed(inputs, "inputs", "backward"))),
    )


def _accumulating_edge(tensor: Tensor | GradientEdge) -> Edge:
    if isinstance(tensor, GradientEdge):
        return (tensor.node, tensor.output_nr)
    edge = tensor.edge() if tensor.requires_grad else None
    if edge is None:
        raise AutogradError(
            "inputs-no-grad",
            "One of the inputs of backward() is a Tensor that has requires_grad=False: can't retain_grad on it",
        )
    tensor.retain_grad()  # a computed tensor is asked for its gradient, so it keeps it
    return edge


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The gradients of the sum of ``outputs`` with respect to each of ``inputs``; nothing is stored.

    For a dict of inputs a dict of gradients. Inputs that the outputs do not depend on are an error, give None with
    ``allow_unused`` and zeros with ``materialize_grads``. With ``is_grads_batched`` the first axis of every cotangent
    counts several passes, the results of which are stacked."""
    if materialize_grads and allow_unused is False:
        raise AutogradValueError(
            "invalid-argument",
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.",
        )
    if not only_inputs:
        warn(
            "deprecated-argument",
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for other "
            "parts of the graph, please use torch.autograd.backward.",
        )
    roots = _listed(outputs, "outputs", "grad")
    wanted = _listed(inputs, "inputs", "grad")
    if record.interpreter is not None:
        mapping = innermost((roots, wanted, grad_outputs))
        if mapping is not None:  # a reverse pass for every entry; all of them may go through one graph

            def one(outputs: Any, inputs: Any, grad_outputs: Any) -> Any:
                return grad(
                    outputs,
                    inputs,
                    grad_outputs,
                    True,
                    create_graph,
                    True,
                    allow_unused,
                    is_grads_batched,
                    materialize_grads,
                )

            return each(mapping, one, roots, inputs, grad_outputs)
    unused = materialize_grads if allow_unused is None else allow_unused
    retain = _retain(retain_graph, create_graph)
    cotangents = checked(roots, grad_outputs, batched=is_grads_batched)

    def one_pass(cotangents: Sequence[Any], retain_graph: bool) -> Gradients:
        return _gradients(roots, wanted, cotangents, retain_graph, create_graph, unused)

    gradients = _each_and_stacked(one_pass, cotangents, retain) if is_grads_batched else one_pass(cotangents, retain)
    if materialize_grads:
        gradients = tuple(map(_materialized, gradients, wanted, [create_graph] * len(wanted)))
    return dict(zip(inputs, gradients, strict=True)) if isinstance(inputs, dict) else gradients


def _gradients(
    roots: Sequence[Any],
    inputs: Sequence[Any],
    cotangents: Sequence[Any],
    retain_graph: bool,
    create_graph: bool,
    allow_unused: bool,
) -> Gradients:
    edges = [_differentiated_edge(tensor) for tensor in inputs]
    captured = reverse_pass(
        _starts(roots, cotangents, create_graph),
        retain_graph=retain_graph,
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


def _each_and_stacked(
    one_pass: Callable[[Sequence[Any], bool], Gradients], cotangents: Sequence[Any], retain_graph: bool
) -> Gradients:
    """One pass per entry of the first axis of ``cotangents``."""
    count = min(len(cotangent) for cotangent in cotangents if cotangent is not None)
    passes = []
    for i in range(count):
        each = [None if cotangent is None else cotangent[i] for cotangent in cotangents]
        retain = retain_graph or i < count - 1
        passes.append(one_pass(each, retain))
    return tuple(None if of_input[0] is None else stack(of_input) for of_input in zip(*passes, strict=True))


def tracked_gradients(
    outputs: Sequence[Tensor | None],
    inputs: Sequence[Tensor],
    cotangents: Sequence[Tensor | None],
    create_graph: bool,
) -> list[Tensor | None]:
    """`grad` that takes outputs without a graph, which contribute nothing, and as often as one likes."""
    chosen = [(y, v) for y, v in zip(outputs, cotangents, strict=True) if y is not None and y.requires_grad]
    if not chosen:
        return [None] * len(inputs)
    tracked, weights = zip(*chosen, strict=True)
    return list(grad(tracked, inputs, weights, retain_graph=True, create_graph=create_graph, allow_unused=True))


def _differentiated_edge(tensor: Tensor | GradientEdge) -> Edge:
    if isinstance(tensor, GradientEdge):
        return (tensor.node, tensor.output_nr)
    edge = tensor.edge() if tensor.requires_grad else None
    if edge is None:
        raise AutogradError("differentiated-no-grad", "One of the differentiated Tensors does not require grad")
    return edge


def _materialized(gradient: Tensor | None, of: Tensor | GradientEdge, create_graph: bool) -> Tensor:
    if gradient is not None:
        return gradient
    if isinstance(of, GradientEdge):
        raise AutogradError(
            "invalid-argument", "materialize_grads cannot be used when the given input is a GradientEdge"
        )
    return Tensor(np.zeros_like(of._array)).requires_grad_(create_graph)


def _retain(retain_graph: bool | None, create_graph: bool) -> bool:
    return create_graph if retain_graph is None else bool(retain_graph)


def _listed(given: Any, argument: str, function: str) -> Sequence[Any]:
    if isinstance(given, (Tensor, GradientEdge)):
        return (given,)
    if isinstance(given, Mapping) and type(given) is not dict:
        raise AutogradTypeError(
            "invalid-argument",
            f"`{argument}` argument to `{function}()` must be a dict, not {type(given).__name__}. Other Mapping types "
            "are not supported.",
        )
    listed = tuple(given.values() if isinstance(given, dict) else given)
    if argument == "inputs" and not listed:
        raise AutogradError("inputs-empty", f"`inputs` argument to `{function}()` cannot be empty.")
    return listed


def _starts(roots: Sequence[Any], cotangents: Sequence[Tensor | None], create_graph: bool) -> list[tuple[Edge, Tensor]]:
    """The edges that the pass starts from, each with its first gradient."""
    starts = []
    for i, (root, cotangent) in enumerate(zip(roots, cotangents, strict=True)):
        if isinstance(root, GradientEdge):
            edge: Edge | None = (root.node, root.output_nr)
        else:
            edge = root.edge() if root.requires_grad else None
        if edge is None or cotangent is None:
            raise AutogradError(
                "no-grad-fn", f"element {i} of tensors does not require grad and does not have a grad_fn"
            )
        dtype = edge[0].results[edge[1]][1]
        if not create_graph and cotangent.requires_grad:
            cotangent = cotangent.detach()
        starts.append((edge, cotangent if dtype is None else cotangent.to(dtype)))
    return starts
