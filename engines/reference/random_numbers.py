"""Random numbers: one generator for the process, the state of which can be put back.

Keeps torch.manual_seed, torch.rand_like and notes/randomness. Checkpointing (checkpoint.py) puts the state back to draw
the same numbers again; a map (vmap.py) says whether there may be random numbers in it, and whether its entries get the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import vmap
from .dtypes import as_dtype
from .tensor import Tensor

_generator = np.random.default_rng(0)


def generator() -> np.random.Generator:
    """To draw from: whatever is drawn from it inside of a map that allows it is the same for all entries."""
    vmap.refuse_random_numbers()
    return _generator


def manual_seed(seed: int) -> None:
    global _generator
    _generator = np.random.default_rng(seed)


def state() -> Any:
    return _generator.bit_generator.state


def put_back(state: Any) -> None:
    _generator.bit_generator.state = state


def rand_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform in [0, 1), in the shape of ``input``, and in its dtype where no other is given."""
    kind = input.dtype if dtype is None else as_dtype(dtype)
    drawn = vmap.drawn(lambda: Tensor(np.asarray(generator().random(input.shape)).astype(kind)))
    return drawn.requires_grad_() if requires_grad else drawn
