"""Version counters: how the engine knows that memory was written.

Keeps notes/autograd#in-place-correctness-checks and torch.autograd.graph.increment_version. Every memory counts the
in-place writes it has seen, in one cell that all tensors on this memory share: the tensor, its views and its detached
aliases. ``.data`` has the memory and a cell of its own, so what is written through it goes unnoticed; so does what is
written through a NumPy array. Who needs a value later notes the count now and compares then (saved.py); a view compares
to learn that its base has a new history (views.py).

Inference tensors (inference.py) have no count. They share one cell that refuses to be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from .errors import AutogradError
from .modes import mode

if TYPE_CHECKING:
    from .tensor import Tensor

Count = list[int]
"""A cell: a list of one number."""


class _Uncounted(Count):
    def __getitem__(self, index: Any) -> Any:
        raise AutogradError("inference-version", "Inference tensors do not track version counter.")


UNCOUNTED: Final[Count] = _Uncounted()


def announce_write(tensor: Tensor) -> None:
    """``tensor`` is about to be written: refuse it, or count it."""
    if mode.keeper is not None:
        mode.keeper.before_write(tensor)
    if tensor._writes is not UNCOUNTED:
        tensor._writes[0] += 1
    elif not mode.inference:
        raise AutogradError(
            "inference-inplace",
            "Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to get a "
            "normal tensor before doing inplace update.",
        )


def increment_version(tensors: Tensor | Iterable[Tensor]) -> None:
    """Count a write that the engine did not see, because the user made it by other means."""
    for tensor in tensors if isinstance(tensors, (list, tuple)) else (tensors,):
        tensor._writes[0] += 1
