"""An engine of scalars with one fault: a second backward overwrites the gradient of the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.engine import NATIVE, Array, Observed, Opaque, Unsupported
from harness.engine import Engine as Base


class Value:
    def __init__(self, data: float, requires_grad: bool = False, parents: tuple[Value, ...] = ()) -> None:
        self.data = data
        self.parents = parents if any(p.requires_grad for p in parents) else ()
        self.requires_grad: bool = requires_grad or bool(self.parents)
        self.pull: Callable[[float], tuple[float, ...]] = lambda g: ()
        self.grad: Value | None = None

    @property
    def is_leaf(self) -> bool:
        return not self.parents

    def _made(self, data: float, parents: tuple[Value, ...], pull: Callable[[float], tuple[float, ...]]) -> Value:
        out = Value(data, parents=parents)
        out.pull = pull
        return out

    def __add__(self, other: Any) -> Value:
        o = other if isinstance(other, Value) else Value(other)
        return self._made(self.data + o.data, (self, o), lambda g: (g, g))

    def __mul__(self, other: Any) -> Value:
        o = other if isinstance(other, Value) else Value(other)
        return self._made(self.data * o.data, (self, o), lambda g: (g * o.data, g * self.data))

    __radd__, __rmul__ = __add__, __mul__

    def backward(self, gradient: Value | None = None) -> None:
        if not self.requires_grad:
            raise ValueError("nothing here requires a gradient")
        order: list[Value] = []
        seen: set[int] = set()
        todo = [(self, False)]
        while todo:
            value, is_done = todo.pop()
            if is_done:
                order.append(value)
            elif id(value) not in seen:
                seen.add(id(value))
                todo += [(value, True), *((parent, False) for parent in value.parents)]
        flowing: dict[int, float] = {id(self): 1.0 if gradient is None else gradient.data}
        for value in reversed(order):
            g = flowing[id(value)]
            for parent, part in zip(value.parents, value.pull(g), strict=False):
                flowing[id(parent)] = flowing.get(id(parent), 0.0) + part
            if value.is_leaf and value.requires_grad:
                value.grad = Value(g)  # the fault: not added to what is there


def tensor(data: Any, requires_grad: bool = False) -> Value:
    if isinstance(data, list):
        raise Unsupported("tensors of more than one element")
    return Value(data, requires_grad)


class Engine(Base):
    names = {"tensor": tensor}
    attributes = dict.fromkeys(("requires_grad", "is_leaf", "grad", "backward"), NATIVE)
    error_kinds = (("no-grad-fn", "ValueError", "requires a gradient"),)
    version = "1.0"

    def read(self, value: Any) -> Observed:
        if isinstance(value, Value):
            return Array("float64", (), value.data)
        return value if isinstance(value, (bool, int, float, str, type(None))) else Opaque(type(value).__name__)
