"""Saved-tensor hooks: the user decides in which form saved values are kept.

Keeps torch.autograd.graph.saved_tensors_hooks, save_on_cpu, disable_saved_tensors_hooks and
notes/autograd#hooks-for-saved-tensors. A pair of hooks: ``pack(tensor)`` is called once, when the value is saved, and may
return anything; ``unpack(packed)`` is called at every use and gives a tensor back. The graph keeps what ``pack`` returned
and the *place* that the tensor had in the graph. The tensor that comes out of ``unpack`` is put at this place, so it
may be detached, and higher derivatives are right nevertheless.

Of nested contexts the innermost pair counts. A pair can be put on a single saved value, too (`SavedTensor`). With hooks
there is no check of versions: whether the packed form is affected by later writes is up to ``pack``.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .errors import AutogradError, AutogradTypeError
from .graph import Edge, Node
from .modes import mode, no_grad
from .saved import Saved, SavedResult
from .tensor import Tensor


class Pair(NamedTuple):
    pack: Callable[[Tensor], Any]
    unpack: Callable[[Any], Tensor]


class Packed:
    """What a node keeps in place of a `saved.Saved` or `saved.SavedResult`."""

    __slots__ = ("_edge", "_output", "_unpack", "_value")

    def __init__(self, saved: Saved | SavedResult, node: Node, pair: Pair) -> None:
        tensor = saved.unpack(node)
        is_result = isinstance(saved, SavedResult)
        self._output: int | None = tensor._output if is_result else None
        self._edge: Edge | None = tensor.edge() if tensor.requires_grad and not is_result else None
        self._unpack = pair.unpack
        version = tensor._writes[0]
        with no_grad():
            self._value = pair.pack(tensor)
        if tensor._writes[0] != version:
            raise AutogradError(
                "pack-hook-inplace",
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook can "
                "not be modified by in-place operations as this can lead to unexpected side-effects.",
            )

    def unpack(self, node: Node) -> Tensor:
        value = self._unpack(self._value)
        if not isinstance(value, Tensor):
            raise AutogradTypeError(
                "unpack-return-type",
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(value).__name__}",
            )
        edge = self._edge if self._output is None else (node, self._output)
        return value.detach() if edge is None else value.detach().placed_at(edge)


class SavedTensor:
    """One saved value of a node, to put a pair of hooks on it."""

    def __init__(self, node: Node, kept: Callable[[], Any], key: Any) -> None:
        self._node = node
        self._kept = kept
        """The container of the node's saved values, None once they are released; `key` is the value's place in it."""
        self._key = key

    def register_hooks(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        """Pack the value now, and unpack it at every use."""
        kept = self._kept()
        if kept is None:
            raise AutogradError(
                "saved-hooks-after-free",
                "Calling register_hooks on a saved tensor after it has been freed. Saved intermediate values of the "
                "graph are freed when you call .backward() or autograd.grad().",
            )
        if isinstance(kept[self._key], Packed):
            raise AutogradError(
                "saved-hooks-already-set",
                "Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only one pair of "
                "hooks is allowed at a time.",
            )
        kept[self._key] = Packed(kept[self._key], self._node, Pair(pack_hook, unpack_hook))


class saved_tensors_hooks:
    """Context: what operations save is packed by ``pack_hook`` and given back by ``unpack_hook``."""

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self._pair = Pair(pack_hook, unpack_hook)

    def __enter__(self) -> None:
        if mode.packing_refused is not None:
            raise AutogradError("saved-hooks-disabled", mode.packing_refused)
        self._outer, mode.packing = mode.packing, self._pair

    def __exit__(self, *exception: object) -> None:
        mode.packing = self._outer


@contextlib.contextmanager
def nothing_packed() -> Iterator[None]:
    """For what is recorded in here the hooks are not asked."""
    outer, mode.packing = mode.packing, None
    try:
        yield
    finally:
        mode.packing = outer


class save_on_cpu(saved_tensors_hooks):
    """Keep saved values in host memory. All memory of this engine is: the context changes nothing."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda tensor: tensor.detach(), lambda tensor: tensor)


class disable_saved_tensors_hooks:
    """Context or decorator: to use saved-tensor hooks in here is an error with this message."""

    def __init__(self, error_message: str) -> None:
        self._message = error_message

    def __enter__(self) -> None:
        if mode.packing is not None:
            raise AutogradError("saved-hooks-disabled", self._message)
        self._outer, mode.packing_refused = mode.packing_refused, self._message

    def __exit__(self, *exception: object) -> None:
        mode.packing_refused = self._outer

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def within(*arguments: Any, **keywords: Any) -> Any:
            with disable_saved_tensors_hooks(self._message):
                return function(*arguments, **keywords)

        return within
