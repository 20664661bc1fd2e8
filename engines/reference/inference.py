"""Inference mode: no recording, and tensors that can never take part in a recording again.

Keeps torch.inference_mode and notes/autograd#inference-mode. It is `modes.no_grad` with a promise that saves more: what
is made in here will not be needed by any reverse pass. A tensor that is allocated in here is an *inference tensor*: it has
no counter of writes. As the counter is what tells a reverse pass that a saved value is still true (versions.py), such a
tensor may not be saved, and outside of the mode it may not be written nor made to require a gradient; a ``clone`` taken
outside is an ordinary tensor. A view is an inference tensor if its base is one, wherever the view is taken.
"""

from __future__ import annotations

from typing import Any

from .modes import Block, mode
from .tensor import Tensor
from .versions import UNCOUNTED


class inference_mode(Block):
    """As a context or a decorator; ``inference_mode(False)`` returns to ordinary recording for its block."""

    wanted = True

    def __init__(self, mode: bool = True) -> None:
        self.wanted = mode

    def begin(self) -> None:
        mode.switch(not self.wanted, self.wanted)

    def again(self) -> Any:
        return inference_mode(self.wanted)


def is_inference_mode_enabled() -> bool:
    return mode.inference


def is_inference(tensor: Any) -> bool:
    return isinstance(tensor, Tensor) and tensor._writes is UNCOUNTED
