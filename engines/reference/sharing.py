"""Who holds a gradient: where nobody but the reverse pass does, its memory is used again.

A gradient that is stored is copied, and a sum of gradients is a new tensor, because others may hold what arrives: another
consumer of the same result, a hook, a graph, an array of the user. Whether they do is told by the counts of references,
which PyTorch asks for the same purpose (torch/csrc/autograd/functions/accumulate_grad.h, input_buffer.cpp). Where they do
not, a gradient is stored as it is and a sum is made in place. What a rule makes on its way to a gradient is its own, and
takes the product in. Nobody can see the difference but in time and memory.
"""

from __future__ import annotations

from sys import getrefcount
from typing import Any, Final

import numpy as np

from . import record
from .modes import mode

_SAMPLE: Final = [object()]
_ONE: Final = getrefcount(_SAMPLE[0])
"""The count of what is held in one place, as an expression sees it that looks it up there."""


def is_sole(gradients: list[Any], output: int) -> bool:
    """Whether the tensor ``gradients[output]`` and its memory are held by this list and by nobody else."""
    return (
        getrefcount(gradients[output]) == _ONE
        and getrefcount(gradients[output]._array) == _ONE
        and gradients[output]._array.base is None
    )


def added_in_place(gradients: list[Any], output: int, gradient: Any) -> bool:
    """Add ``gradient`` to ``gradients[output]`` where it lies, if nobody can see that; whether it was possible."""
    if record.interpreter is not None or not is_sole(gradients, output):
        return False
    array = gradients[output]._array
    if array.dtype != gradient._array.dtype or array.shape != gradient._array.shape:
        return False
    np.add(array, gradient._array, out=array)
    return True


def chained(g: Any, slope: Any) -> Any:
    """``g * slope``, in the memory of ``slope`` where nothing is recorded: a rule made it and does not need it again."""
    if mode.recording or record.interpreter is not None or slope._array.dtype != g._array.dtype:
        return g * slope
    np.multiply(g._array, slope._array, out=slope._array)
    return slope
