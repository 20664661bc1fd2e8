"""An engine of scalars whose rules stand in a file of their own."""

from __future__ import annotations

import inspect
from typing import Any

from harness.engine import NATIVE, Array, Observed, Opaque, Unsupported
from harness.engine import Engine as Base

from .rules import FORWARD, RULES


class Value:
    def __init__(self, data: float, requires_grad: bool = False, made: Any = None) -> None:
        self.data = float(data)
        self.requires_grad = requires_grad
        self.made = made
        self.grad: Value | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    def backward(self) -> None:
        self.pull(1.0)

    def pull(self, g: float) -> None:
        if self.made is None:
            if self.requires_grad:
                self.grad = Value(g + (self.grad.data if self.grad else 0.0))
            return
        name, operands = self.made
        known = dict(zip("ab", (operand.data for operand in operands), strict=False))
        for letter, operand in zip("ab", operands, strict=False):
            rule = RULES[name].get(letter)
            if rule is not None and operand.requires_grad:
                operand.pull(rule(g, *(known[p] for p in list(inspect.signature(rule).parameters)[1:])))


def _apply(name: str, *operands: Any) -> Value:
    values = [x if isinstance(x, Value) else Value(x) for x in operands]
    tracked = any(x.requires_grad for x in values)
    return Value(FORWARD[name](*(x.data for x in values)), tracked, (name, values) if tracked else None)


for _name in ("add", "sub", "mul", "pow", "neg"):
    setattr(Value, f"__{_name}__", lambda *operands, _name=_name: _apply(_name, *operands))


def tensor(data: Any, requires_grad: bool = False) -> Value:
    if isinstance(data, list):
        raise Unsupported("tensors of more than one element")
    return Value(data, requires_grad)


class Engine(Base):
    names = {"tensor": tensor}
    attributes = dict.fromkeys(("requires_grad", "grad", "backward", "shape"), NATIVE)
    version = "1.0"

    def read(self, value: Any) -> Observed:
        if isinstance(value, Value):
            return Array("float64", (), value.data)
        return value if isinstance(value, (bool, int, float, str, type(None))) else Opaque(type(value).__name__)
