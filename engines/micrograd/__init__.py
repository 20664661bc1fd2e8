"""micrograd: a tape of single numbers, through its public API, as its users type it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, ClassVar

from harness.engine import NATIVE, Array, Attribute, Observed, Opaque, Unsupported
from harness.engine import Engine as Base
from micrograd.engine import Value


def tensor(data: Any, requires_grad: bool = False) -> Value:
    """Every Value takes part in the tape: there is no flag to set or to leave out."""
    if isinstance(data, (list, tuple)):
        raise Unsupported("a Value holds one number")
    return Value(data)


def backward(root: Value, gradient: Any = None) -> None:
    if gradient is not None:
        raise Unsupported("backward() takes no weights")
    root.backward()


def set_grad(value: Value, grad: Any) -> None:
    """Its users reset a gradient to 0, as `Module.zero_grad` does; None would break the next backward()."""
    value.grad = 0 if grad is None else grad


class Engine(Base):
    names: Mapping[str, Any] = {"tensor": tensor, "relu": Value.relu}
    attributes: Mapping[str, Attribute] = {
        "backward": backward,
        "data": NATIVE,
        "grad": lambda x: x.grad,
        "relu": NATIVE,
    }
    setters: ClassVar[Mapping[str, Callable[[Any, Any], None]]] = {"grad": set_grad}

    @property
    def version(self) -> str:
        return version("micrograd")

    def read(self, value: Any) -> Observed:
        if isinstance(value, Value):
            return Array("float64", (), float(value.data))
        if isinstance(value, (list, tuple)):
            return [self.read(item) for item in value]
        if value is None or isinstance(value, (bool, int, float, complex, str)):
            return value
        return Opaque(type(value).__name__)
