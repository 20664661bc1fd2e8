"""One hook for the gradients of several tensors.

Keeps torch.autograd.graph.register_multi_grad_hook. In the mode ``"all"`` the hook is called once per reverse pass, when
the last of those gradients is there that this pass computes at all; the others count as None. In the mode ``"any"`` it is
called with the first. It only looks on. Built on hooks of the single tensors (hooks.py) and on asking the pass that is
under way which nodes it will come to (`graph.Pass`).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from .edges import get_gradient_edge
from .errors import AutogradValueError
from .graph import Node, Pass
from .hooks import RemovableHandle
from .modes import mode as modes
from .tensor import Tensor


class MultiGradHandle:
    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        self._handles = handles

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> MultiGradHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[[Any], Any], *, mode: str = "all"
) -> MultiGradHandle:
    if mode not in ("all", "any"):
        raise AutogradValueError("invalid-argument", f"Expects mode to be one of ('all', 'any') but got {mode}")
    arrived = _All(tensors, fn).arrived if mode == "all" else _Any(fn).arrived
    return MultiGradHandle([tensor.register_hook(arrived(i)) for i, tensor in enumerate(tensors)])


class _All:
    def __init__(self, tensors: Sequence[Tensor], fn: Callable[[Any], Any]) -> None:
        self._fn = fn
        self._nodes: list[Node] = [get_gradient_edge(tensor).node for tensor in tensors]
        self._gradients: weakref.WeakKeyDictionary[Pass, dict[int, Tensor]] = weakref.WeakKeyDictionary()

    def arrived(self, i: int) -> Callable[[Tensor], None]:
        def hook(gradient: Tensor) -> None:
            running = modes.reverse_pass
            assert running is not None
            gradients = self._gradients.setdefault(running, {})
            gradients[i] = gradient
            if len(gradients) == sum(map(running.comes_to, self._nodes)):
                self._fn([gradients.get(k) for k in range(len(self._nodes))])

        return hook


class _Any:
    def __init__(self, fn: Callable[[Any], Any]) -> None:
        self._fn = fn
        self._called: weakref.WeakSet[Pass] = weakref.WeakSet()

    def arrived(self, i: int) -> Callable[[Tensor], None]:
        def hook(gradient: Tensor) -> None:
            running = modes.reverse_pass
            assert running is not None
            if running not in self._called:
                self._called.add(running)
                self._fn(gradient)

        return hook
