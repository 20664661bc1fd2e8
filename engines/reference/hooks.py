"""Hooks: functions of the user that see a gradient at the moment it is computed.

Keeps notes/autograd#backward-hooks-execution and torch.Tensor.register_hook. Hooks belong to the *node* that a tensor's
gradient arrives at, not to the tensor object: an in-place operation gives the tensor a new node, and hooks registered
before it stay with the old one and see the gradient of the old value. (Retained gradients move along, see
`Hooks.move_retained`.) A leaf's node is its accumulation node; as that one lives only as long as some graph uses it, the
leaf keeps the hooks for it.

When all contributions to a gradient have arrived, in this order:

1. the hooks of the tensor, in order of registration, each seeing what the one before returned;
2. the gradient is stored if the tensor retains it (torch.Tensor.retain_grad), so what is stored is what hooks made of it;
3. the node runs.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

from .errors import AutogradError, AutogradTypeError
from .graph import Node
from .tensor import Tensor, method

Hook = Callable[[Any], Any]


class Hooks:
    """The hooks of one node. Keys of the outer dicts are output numbers."""

    __slots__ = ("retained", "tensor")

    def __init__(self) -> None:
        self.tensor: dict[int, dict[int, Hook]] = {}
        self.retained: dict[int, weakref.ref[Tensor]] = {}

    def on_arrival(self, gradients: list[Any]) -> None:
        """Run steps 1 and 2 of the order above; hooks may replace entries of ``gradients``."""
        for output, hooks in self.tensor.items():
            for hook in list(hooks.values()):
                gradient = gradients[output]
                if gradient is not None:
                    replacement = hook(gradient)
                    if replacement is not None:
                        gradients[output] = _checked(replacement, gradient, hook)
        for output, reference in self.retained.items():
            tensor = reference()
            if tensor is not None and gradients[output] is not None:
                tensor.accumulate(gradients[output])

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


def _checked(replacement: Any, gradient: Tensor, hook: Hook) -> Tensor:
    name = getattr(hook, "__name__", type(hook).__name__)
    if not isinstance(replacement, Tensor):
        raise AutogradTypeError(
            "hook-return-type", f"expected Variable, but hook returned '{type(replacement).__name__}'"
        )
    if replacement.shape != gradient.shape:
        raise AutogradError("hook-return-size", f"hook '{name}' has changed the size of value")
    if replacement.dtype != gradient.dtype:
        raise AutogradError(
            "hook-return-dtype",
            f"hook '{name}' has changed the type of value (was {gradient.dtype} got {replacement.dtype})",
        )
    return replacement


class RemovableHandle:
    """What registering a hook returns: removes it again, once or more, or at the end of a ``with`` block."""

    __slots__ = ("_hooks", "_key")
    _keys = itertools.count()

    def __init__(self, hooks: dict[int, Hook], hook: Hook) -> None:
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
    if not self.requires_grad:
        raise AutogradError("hook-no-grad", "cannot register a hook on a tensor that doesn't require gradient")
    edge = self.edge()
    assert edge is not None
    node, output = edge
    hooks = of_node(node)
    if self.is_leaf:
        self._hooks = hooks
    return RemovableHandle(hooks.tensor.setdefault(output, {}), hook)


@method
def retain_grad(self: Tensor) -> None:
    """Store the gradient of a computed tensor in ``.grad``, as is done for leaves anyway."""
    if not self.requires_grad:
        raise AutogradError("retain-grad-no-grad", "can't retain_grad on Tensor that has requires_grad=False")
    if self.grad_fn is not None:
        of_node(self.grad_fn).retained[self._output] = weakref.ref(self)
