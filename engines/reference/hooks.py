"""Hooks: functions of the user that see a gradient at the moment it is computed.

Keeps notes/autograd#backward-hooks-execution, torch.Tensor.register_hook, torch.Tensor.register_post_accumulate_grad_hook
and torch.autograd.graph.Node.register_hook. Hooks belong to the *node* that a tensor's gradient arrives at, not to the
tensor object: an in-place operation gives the tensor a new node, and hooks registered before it stay with the old one and
see the gradient of the old value. (Retained gradients move along, see `Hooks.move_retained`.) A leaf's node is its
accumulation node; as that one lives only as long as some graph uses it, the leaf keeps the hooks for it.

When all contributions to a gradient have arrived, in this order, hooks of one kind in order of registration:

1. the hooks of the tensor, each seeing what the one before returned;
2. the gradient is stored if the tensor retains it (torch.Tensor.retain_grad), so what is stored is what hooks made of it;
3. `autograd.grad` takes it, if it was asked for; if nothing else needs the node, it is not run and 4 to 7 do not happen;
4. the pre-hooks of the node, which may replace what the node gets;
5. the node runs; that of a leaf accumulates;
6. the post-accumulate hooks of a leaf, which see the leaf with its new ``.grad``;
7. the post-hooks of the node, which see what it got and may replace what it made.

A hook that returns None only looks on. Hooks run recorded if the pass is, with ``create_graph``.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from .errors import AutogradError, AutogradTypeError
from .graph import Node
from .tensor import Tensor, method

Hook = Callable[..., Any]
Registered = dict[int, Hook]
"""Hooks by the number of their registration."""


class Hooks:
    """What users attached to one node. Keys of ``tensor`` and ``retained`` are output numbers."""

    __slots__ = ("accumulated", "after", "before", "metadata", "retained", "tensor")

    def __init__(self) -> None:
        self.tensor: dict[int, Registered] = {}
        self.retained: dict[int, weakref.ref[Tensor]] = {}
        self.before: Registered = {}
        self.accumulated: Registered = {}
        self.after: Registered = {}
        self.metadata: dict[Any, Any] = {}

    def on_arrival(self, gradients: list[Any]) -> None:
        """Steps 1 and 2 of the order above; hooks may replace entries of ``gradients``."""
        for output, hooks in self.tensor.items():
            for hook in list(hooks.values()):
                gradient = gradients[output]
                if gradient is not None:
                    gradients[output] = _replaced(gradient, hook(gradient), hook)
        for output, reference in self.retained.items():
            tensor = reference()
            if tensor is not None and gradients[output] is not None:
                tensor.accumulate(gradients[output])

    def before_node(self, gradients: list[Any]) -> None:
        """Step 4."""
        for hook in list(self.before.values()):
            gradients[:] = _all_replaced(gradients, hook(tuple(gradients)), hook)

    def after_accumulation(self, leaf: Tensor) -> None:
        """Step 6."""
        for hook in list(self.accumulated.values()):
            if (returned := hook(leaf)) is not None and returned is not leaf:
                raise AutogradTypeError(
                    "hook-return-type", f"expected None, but hook returned '{type(returned).__name__}'"
                )

    def after_node(self, produced: Sequence[Any], gradients: Sequence[Any]) -> Sequence[Any]:
        """Step 7: what the node made, and what it got."""
        for hook in list(self.after.values()):
            produced = _all_replaced(produced, hook(tuple(produced), tuple(gradients)), hook)
        return produced

    def move_retained(self, output: int, node: Node, new_output: int) -> None:
        """The tensor that retains ``output`` now comes from ``node``: its stored gradient is that of the new value."""
        reference = self.retained.pop(output, None)
        if reference is not None:
            of_node(node).retained[new_output] = reference


def of_node(node: Node) -> Hooks:
    """The hooks of a node, made on first use (most nodes never have any)."""
    if node.hooks is None:
        node.hooks = Hooks()
    return node.hooks


def of_leaf(leaf: Tensor) -> Hooks:
    if leaf._hooks is None:
        edge = leaf.edge()
        leaf._hooks = Hooks() if edge is None else of_node(edge[0])
    return leaf._hooks


# -- what hooks may return ---------------------------------------------------------------------------------------------


def _all_replaced(gradients: Sequence[Any], returned: Any, hook: Hook) -> Sequence[Any]:
    if returned is None:
        return gradients
    if not isinstance(returned, tuple):
        raise AutogradTypeError("hook-result", f"expected tuple, but hook returned '{type(returned).__name__}'")
    if len(returned) != len(gradients):
        raise AutogradError(
            "hook-result",
            f"hook '{_name(hook)}' has returned an incorrect number of values (got {len(returned)}, but expected "
            f"{len(gradients)})",
        )
    return [
        new if old is None or new is None else _replaced(old, new, hook)
        for old, new in zip(gradients, returned, strict=True)
    ]


def _replaced(gradient: Tensor, replacement: Any, hook: Hook) -> Tensor:
    _expect_tensor_or_none(replacement)
    if replacement is None:
        return gradient
    if replacement.shape != gradient.shape:
        raise AutogradError("hook-return-size", f"hook '{_name(hook)}' has changed the size of value")
    if replacement.dtype != gradient.dtype:
        raise AutogradError(
            "hook-return-dtype",
            f"hook '{_name(hook)}' has changed the type of value (was {gradient.dtype} got {replacement.dtype})",
        )
    return replacement  # type: ignore[no-any-return]


def _expect_tensor_or_none(returned: Any) -> None:
    if returned is not None and not isinstance(returned, Tensor):
        raise AutogradTypeError("hook-return-type", f"expected Variable, but hook returned '{type(returned).__name__}'")


def _name(hook: Hook) -> str:
    return getattr(hook, "__name__", type(hook).__name__)


# -- registration ------------------------------------------------------------------------------------------------------


class RemovableHandle:
    """What registering a hook returns: removes it again, once or more, or at the end of a ``with`` block."""

    __slots__ = ("_hooks", "_key")
    _keys = itertools.count()

    def __init__(self, hooks: Registered, hook: Hook) -> None:
        self._key = next(self._keys)
        self._hooks = hooks
        hooks[self._key] = hook

    def remove(self) -> None:
        self._hooks.pop(self._key, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


@method
def register_hook(self: Tensor, hook: Hook) -> RemovableHandle:
    """Call ``hook(gradient)`` whenever this tensor's gradient is computed; what it returns replaces the gradient."""
    _refuse_untracked(self)
    if self.is_leaf:
        return RemovableHandle(of_leaf(self).tensor.setdefault(0, {}), hook)
    edge = self.edge()
    assert edge is not None
    return RemovableHandle(of_node(edge[0]).tensor.setdefault(edge[1], {}), hook)


@method
def register_post_accumulate_grad_hook(self: Tensor, hook: Hook) -> RemovableHandle:
    """Call ``hook(leaf)`` whenever something was added to its ``.grad``."""
    _refuse_untracked(self)
    if not self.is_leaf:
        raise AutogradError("post-hook-nonleaf", "post accumulate grad hooks cannot be registered on non-leaf tensors")
    return RemovableHandle(of_leaf(self).accumulated, hook)


def _refuse_untracked(tensor: Tensor) -> None:
    if not tensor.requires_grad:
        raise AutogradError("hook-no-grad", "cannot register a hook on a tensor that doesn't require gradient")


@method
def retain_grad(self: Tensor) -> None:
    """Store the gradient of a computed tensor in ``.grad``, as is done for leaves anyway."""
    if not self.requires_grad:
        raise AutogradError("retain-grad-no-grad", "can't retain_grad on Tensor that has requires_grad=False")
    if self.grad_fn is not None:
        of_node(self.grad_fn).retained[self._output] = weakref.ref(self)


def _on_node(function: Hook) -> None:
    setattr(Node, function.__name__.lstrip("_"), function)


@_on_node
def _register_hook(self: Node, hook: Hook) -> RemovableHandle:
    """Call ``hook(grad_inputs, grad_outputs)`` after the node ran."""
    return RemovableHandle(of_node(self).after, hook)


@_on_node
def register_prehook(self: Node, hook: Hook) -> RemovableHandle:
    """Call ``hook(grad_outputs)`` before the node runs."""
    return RemovableHandle(of_node(self).before, hook)


setattr(Node, "metadata", property(lambda node: of_node(node).metadata))  # noqa: B010 (for the type checker)
