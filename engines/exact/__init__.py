"""The suite's oracle: gradients without a tape, in exact arithmetic.

Every element of a tensor is a fraction (or 50 digits, where a function is transcendental) that carries its derivatives
by the elements of the leaves: forward mode. ``backward`` has nothing to run back through, it only weighs and adds what
the root carries. An expected value that this engine and a reverse-mode engine both confirm was reached on two ways that
share neither an algorithm nor a rule nor a rounding error.

Numbers are rounded where an engine must (a literal enters a tensor) and where they are shown, nowhere between.
What follows from a tape (nodes, hooks, freed graphs, versions, gradients of computed tensors) does not exist here, and
neither do checks of misuse. Derivatives are those of the moment an operation ran: no later write can change them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.engine import NATIVE, Array, Attribute, Observed, Opaque
from harness.engine import Engine as Base
from harness.language.words import ATTRIBUTES, NAMES

from . import modules, tensor
from .dtypes import DTYPES
from .modules import SGD, Linear
from .tensor import Tensor, set_grad_enabled

_METHODS = (
    "add", "sub", "mul", "div", "pow", "matmul", "mm", "exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu",
)  # fmt: skip
_FUNCTIONS = (
    "tensor", "zeros", "ones", "zeros_like", "ones_like", "Tensor",
    "no_grad", "enable_grad", "set_grad_enabled", "backward", "grad",
)  # fmt: skip
_MODULES = ("Variable", "Parameter", "Linear", "SGD", "mse_loss", "binary_cross_entropy_with_logits")


def same_storage(a: Tensor, b: Tensor) -> bool:
    return a.memory is b.memory


class Engine(Base):
    names: Mapping[str, Any] = {
        **{word: getattr(Tensor, word) for word in _METHODS},
        **{word: getattr(tensor, word) for word in _FUNCTIONS},
        **{word: getattr(modules, word) for word in _MODULES},
        **{dtype: dtype for dtype in DTYPES if dtype in NAMES},
        "same_storage": same_storage,
    }
    attributes: Mapping[str, Attribute] = {
        **{word: NATIVE for word in ATTRIBUTES if any(hasattr(kind, word) for kind in (Tensor, Linear, SGD))},
        **dict.fromkeys(("grad", "dtype", "weight", "bias"), NATIVE),
    }

    @property
    def version(self) -> str:
        return "1.0"

    def read(self, value: Any) -> Observed:
        if isinstance(value, Tensor):
            return Array(value.dtype, value.shape, value.tolist())
        if isinstance(value, (list, tuple)):
            return [self.read(item) for item in value]
        if value is None or isinstance(value, (bool, int, float, complex, str)):
            return value
        return Opaque(type(value).__qualname__)

    def reset(self) -> None:
        set_grad_enabled.now = True
