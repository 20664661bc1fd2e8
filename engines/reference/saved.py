"""Saved values: what the reverse pass needs from the forward pass, and the check that it is still true.

Keeps notes/autograd#saved-tensors and notes/autograd#in-place-correctness-checks. A derivative may need an operand or
the result of its operation. Saving does not copy. If the memory is written before the reverse pass comes, the saved
value is not what the operation saw, and the derivative would be silently wrong. So every memory counts the writes it
sees (versions.py); saving notes the count, and using a saved value compares: "if no error is raised, the gradients are
correct". What has no count, an inference tensor, cannot be saved.

Saved values are released when their node has run, unless ``retain_graph`` is set. A released node cannot run again if
it had saved something; one that needs nothing can, as often as one likes. Users may have saved values kept in a form of
their own (packing.py).
"""

from __future__ import annotations

from .errors import AutogradError
from .graph import Node
from .modes import mode
from .tensor import Tensor
from .versions import UNCOUNTED


class Saved:
    """An operand: the very tensor that the operation was called with."""

    __slots__ = ("_tensor", "_version")

    def __init__(self, tensor: Tensor) -> None:
        if tensor._writes is UNCOUNTED:
            raise AutogradError(
                "inference-saved",
                "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in "
                "computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and "
                "use it in autograd.",
            )
        self._tensor = tensor
        self._version = tensor._writes[0]

    def unpack(self, node: Node) -> Tensor:
        """The saved tensor, for ``node``, which saved it."""
        tensor = self._tensor
        if tensor._writes[0] != self._version:
            raise modified(tensor, self._version, tensor.grad_fn, tensor._output)
        return tensor


class SavedResult:
    """A result. Its creator is the node that saves it, and a node that held its own result would never be freed by
    reference counting. So only the memory is kept, and the tensor with its history is made anew when it is needed."""

    __slots__ = ("_array", "_output", "_version", "_writes")

    def __init__(self, tensor: Tensor, output: int) -> None:
        self._array = tensor._array
        self._writes = tensor._writes
        self._version = tensor._writes[0]
        self._output = output

    def unpack(self, node: Node) -> Tensor:
        tensor = Tensor(self._array)
        tensor._writes = self._writes
        if self._writes[0] != self._version:
            raise modified(tensor, self._version, node, self._output)
        if mode.recording:
            tensor._node, tensor._output, tensor._flag = node, self._output, True
        return tensor


def modified(tensor: Tensor, version: int, creator: Node | None, output: int) -> AutogradError:
    which = "" if creator is None else f", which is output {output} of {creator.name()},"
    return AutogradError(
        "inplace-modified-saved",
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{tensor.dtype} {list(tensor.shape)}]{which} is at version {tensor._writes[0]}; expected version {version} "
        "instead.",
    )
