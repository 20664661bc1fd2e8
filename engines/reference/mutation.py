"""Writing to saved tensors: a context in which the old values are copied instead of lost.

Keeps torch.autograd.graph.allow_mutation_on_saved_tensors. Ordinarily a saved value that is written in place makes the
reverse pass fail (saved.py). In this context everything that is saved is noted by the memory it lies in, and right before
memory is written, what was saved there is copied. It is done with saved-tensor hooks (packing.py).
"""

from __future__ import annotations

import weakref

from .errors import AutogradError
from .modes import mode
from .packing import saved_tensors_hooks
from .tensor import Tensor


class _Kept:
    """A saved tensor, or after a write the copy of it."""

    __slots__ = ("__weakref__", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class allow_mutation_on_saved_tensors:
    """Context: saved tensors may be written; the reverse pass, which has to be in here as well, uses the old values."""

    def __init__(self) -> None:
        self._by_memory: dict[int, weakref.WeakSet[_Kept]] = {}
        self._hooks = saved_tensors_hooks(self._pack, self._unpack)

    def __enter__(self) -> allow_mutation_on_saved_tensors:
        if mode.keeper is not None:
            raise AutogradError("invalid-argument", "allow_mutation_on_saved_tensors contexts cannot be nested")
        self._hooks.__enter__()
        mode.keeper = self
        return self

    def __exit__(self, *exception: object) -> None:
        mode.keeper = None
        self._hooks.__exit__()
        self._by_memory.clear()

    def _pack(self, tensor: Tensor) -> _Kept:
        kept = _Kept(tensor.detach())
        self._by_memory.setdefault(id(tensor._writes), weakref.WeakSet()).add(kept)
        return kept

    def _unpack(self, kept: _Kept) -> Tensor:
        if mode.keeper is not self:
            raise AutogradError(
                "invalid-argument",
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in which the graph was "
                "originally recorded.",
            )
        return kept.tensor

    def before_write(self, tensor: Tensor) -> None:
        for kept in self._by_memory.pop(id(tensor._writes), ()):
            if kept.tensor._writes is tensor._writes:  # and not a memory of the past at the same address
                kept.tensor = Tensor(kept.tensor._array.copy())
