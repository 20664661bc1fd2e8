"""The graph and its traversal. Nothing in here knows what any operation computes.

Keeps notes/autograd#how-autograd-encodes-the-history. Every recorded operation makes one `Node`. Its *edges* tell where
gradients go next: one per operand, ``(node that made the operand, number of that node's output)``, or None where the
operand is not tracked. A leaf has no operation behind it, so its edge leads to an `AccumulateGrad`, the node in which
gradients become ``.grad``. The graph is a plain linked structure held by its results: when the last tensor that needs a
node is gone, the node is too.

The traversal (`reverse_pass`) rests on one observation: a node is younger than all nodes that its edges lead to. So
*creation order read backwards* is an order in which every node runs after all its consumers have delivered, exactly
once, with the complete sum. No recursion, and no counting of consumers: a heap of the nodes that have received a gradient
hands out the youngest. A chain of a million operations is a loop of a million steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from . import sharing
from .errors import AutogradError
from .modes import mode

if TYPE_CHECKING:
    from .dtypes import DType
    from .hooks import Hooks
    from .tensor import Tensor

Shape = tuple[int, ...]
Edge = tuple["Node", int]

_clock = itertools.count()

watch: Callable[[Node, list[Tensor | None], Collection[Node] | None], Sequence[Tensor | None]] | None = None
"""Runs the nodes of a reverse pass in their stead, while somebody wants to see what they do (anomaly.py)."""


class Node:
    """A recorded operation: what has to run when the gradients of its results are known."""

    __slots__ = ("__weakref__", "edges", "hooks", "order", "results")

    label: str
    """The operation in the engine-neutral spelling: ``mul``, ``copy_slices``; ``leaf`` for an accumulation node."""

    def __init__(self, edges: Sequence[Edge | None], results: Sequence[tuple[Shape, DType | None]]) -> None:
        self.order = next(_clock)
        self.edges = edges
        self.results = results
        """Shape and dtype (None: any) of every result: what a gradient that arrives here has to be like."""
        self.hooks: Hooks | None = None

    def backward(self, gradients: list[Tensor | None], wanted: Collection[Node] | None) -> Sequence[Tensor | None]:
        """The gradients of the operands (one per edge) from those of the results (not all None).

        ``wanted``: the nodes that gradients are needed for; None means all. Others may be left out (None)."""
        raise NotImplementedError

    def release(self) -> None:
        """Forget what was saved for `backward`; the edges stay."""

    def name(self) -> str:
        """The name that users know: ``MulBackward0`` for ``mul``."""
        raise NotImplementedError

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        return tuple((None, 0) if edge is None else edge for edge in self.edges)


class AccumulateGrad(Node):
    """Where the gradient of a leaf arrives. It exists while a graph leads to it; the leaf refers to it weakly."""

    __slots__ = ("variable",)
    label = "leaf"

    def __init__(self, variable: Tensor, hooks: Hooks | None) -> None:
        super().__init__((), ())
        self.variable = variable
        self.hooks = hooks
        self.expect(getattr(variable, "_grad_dtype", variable._array.dtype))

    def expect(self, dtype: DType | None) -> None:
        self.results = ((self.variable._array.shape, dtype),)

    def backward(self, gradients: list[Tensor | None], wanted: Collection[Node] | None) -> Sequence[Tensor | None]:
        sole = sharing.is_sole(gradients, 0)
        gradient = gradients[0]
        if gradient is not None and self.variable.requires_grad:
            self.variable.accumulate(gradient, sole=sole)
            if self.hooks is not None:
                self.hooks.after_accumulation(self.variable)
        return ()

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"


class Pass:
    """A reverse pass that is under way: recorded or not, and what it will do, for hooks that ask (multi_grad.py)."""

    def __init__(self, starts: Sequence[Node], receiving: Collection[Node] | None, *, recorded: bool) -> None:
        self._starts = starts
        self._receiving = receiving
        self._recorded = recorded
        self._behind: set[Node] | None = None

    def __enter__(self) -> None:
        self._outer, self._enabled = mode.reverse_pass, mode.enabled
        mode.reverse_pass = self
        mode.switch(self._recorded, mode.inference)

    def __exit__(self, *exception: object) -> None:
        mode.reverse_pass = self._outer
        mode.switch(self._enabled, mode.inference)

    @property
    def is_restricted(self) -> bool:
        """Whether it was asked for some gradients only."""
        return self._receiving is not None

    def comes_to(self, node: Node) -> bool:
        """Whether this pass computes the gradient that arrives at ``node``."""
        if self._behind is None:
            self._behind = _behind(self._starts)
        return node in self._behind and (self._receiving is None or node in self._receiving)


def reverse_pass(
    starts: Iterable[tuple[Edge, Tensor]],
    *,
    retain_graph: bool,
    create_graph: bool,
    targets: Collection[Edge] | None = None,
    capture: bool = False,
) -> dict[Edge, Tensor]:
    """Carry gradients from ``starts`` through the graph.

    ``targets`` restricts the pass to what these edges need. With ``capture`` their gradients are returned and their own
    nodes do not run (unless on the way to another target); without, they run like all others. What runs in here is
    recorded with ``create_graph`` and is not otherwise, whatever the mode of the caller."""
    starts = list(starts)
    running, receiving = None, None
    if targets is not None:
        ends = {node for node, _ in targets}
        on_the_way = _on_the_way(_behind(edge[0] for edge, _ in starts), ends)
        receiving = on_the_way | ends
        running = on_the_way if capture else receiving

    captured: dict[Edge, Tensor] = {}
    arrived: dict[Node, list[Tensor | None]] = {}
    queue: list[tuple[int, Node]] = []

    def deliver(edge: Edge, gradient: Tensor) -> None:
        node, output = edge
        gradients = arrived.get(node)
        if gradients is None:
            gradients = arrived[node] = [None] * len(node.results)
            heappush(queue, (-node.order, node))
        elif not create_graph and gradients[output] is not None and sharing.added_in_place(gradients, output, gradient):
            return
        present = gradients[output]
        gradients[output] = gradient if present is None else present + gradient

    with Pass([edge[0] for edge, _ in starts], receiving, recorded=create_graph):
        for edge, gradient in starts:
            deliver(edge, gradient)
        while queue:
            node = heappop(queue)[1]
            gradients = arrived.pop(node)
            if node.hooks is not None:
                node.hooks.on_arrival(gradients)
            if capture and targets is not None:
                for output, present in enumerate(gradients):
                    if present is not None and (node, output) in targets:
                        captured[node, output] = present
            if running is not None and node not in running:
                continue
            if node.hooks is not None:
                node.hooks.before_node(gradients)
            produced = node.backward(gradients, receiving) if watch is None else watch(node, gradients, receiving)
            if node.hooks is not None:
                produced = node.hooks.after_node(_all_fitted(produced, node), gradients)
            produced = list(produced)
            for position, edge_or_none in enumerate(node.edges):
                if edge_or_none is None or (receiving is not None and edge_or_none[0] not in receiving):
                    continue
                partial, produced[position] = produced[position], None  # what was delivered is held there only
                if partial is not None:
                    deliver(edge_or_none, fitted(partial, edge_or_none, node, position))
            partial = None
            if not retain_graph:
                node.release()
    return captured


def fitted(gradient: Tensor, edge: Edge, node: Node, position: int) -> Tensor:
    """The gradient in the shape and dtype of the tensor it belongs to.

    This is where broadcasting is undone (notes/broadcasting): an operand that was repeated along an axis receives the
    sum along that axis. Hence no rule has to think of it, and every leaf gets its own shape and dtype back."""
    shape, dtype = edge[0].results[edge[1]]
    if gradient._array.shape != shape:
        if not _repeats(shape, gradient.shape):
            raise AutogradError(
                "wrong-gradient-shape",
                f"Function {node.name()} returned an invalid gradient at index {position} - got {list(gradient.shape)} "
                f"but expected shape compatible with {list(shape)}",
            )
        gradient = gradient.sum_to_size(shape)
    if dtype is not None and gradient.dtype != dtype:
        gradient = gradient.to(dtype)
    return gradient


def _repeats(shape: Shape, wide: Shape) -> bool:
    """Whether ``shape`` can be broadcast to ``wide``."""
    tail = wide[len(wide) - len(shape) :]
    return len(shape) <= len(wide) and all(n in (1, m) for n, m in zip(shape, tail, strict=True))


def _all_fitted(produced: Sequence[Tensor | None], node: Node) -> list[Tensor | None]:
    return [
        None if partial is None or edge is None else fitted(partial, edge, node, position)
        for position, (partial, edge) in enumerate(zip(produced, node.edges, strict=False))
    ]


def _behind(starts: Iterable[Node]) -> set[Node]:
    """``starts`` and all nodes that edges lead to from there."""
    found = set(starts)
    stack = list(found)
    while stack:
        for edge in stack.pop().edges:
            if edge is not None and edge[0] not in found:
                found.add(edge[0])
                stack.append(edge[0])
    return found


def _on_the_way(found: Iterable[Node], ends: Collection[Node]) -> set[Node]:
    """Those of ``found`` from which an edge leads, at once or over others, to one of ``ends``."""
    leading: set[Node] = set()
    for node in sorted(found, key=lambda node: node.order):  # oldest first: edges are decided before their node is
        if any(edge is not None and (edge[0] in ends or edge[0] in leading) for edge in node.edges):
            leading.add(node)
    return leading
