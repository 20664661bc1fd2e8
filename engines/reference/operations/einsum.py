"""Sums of products with named axes (torch.einsum)."""

from __future__ import annotations

import inspect
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import AutogradError
from ..record import Operation, apply
from ..tensor import Tensor
from .define import word


def _operation(count: int) -> Operation:
    """The product of ``count`` tensors; its derivative in one of them is a product of the gradient and the others."""
    names = [f"t{i}" for i in range(count)]

    def rule_of(i: int) -> Callable[..., Any]:
        others = [k for k in range(count) if k != i]

        def rule(g: Any, *needed: Any) -> Any:
            *tensors, inputs, output, shape = needed
            known = set(output).union(*(inputs[k] for k in others))
            wanted = "".join(axis for axis in inputs[i] if axis in known)
            part = _product([output, *(inputs[k] for k in others)], wanted, [g, *tensors])
            sizes = dict(zip(wanted, part.shape, strict=True))
            apart = tuple(sizes.get(axis, 1) for axis in inputs[i])
            # an axis of size one is repeated; where it is this operand's, the gradients of all repetitions are added up
            spread = tuple(n if size == 1 else size for size, n in zip(apart, shape, strict=True))
            return part.reshape(apart).expand(spread)

        parameters = ["g", *(names[k] for k in others), "inputs", "output", "shape"]
        signature = inspect.Signature(
            [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in parameters]
        )
        setattr(rule, "__signature__", signature)  # noqa: B010 (for the type checker)
        return rule

    def forward(*arrays: Any, inputs: Sequence[str], output: str) -> Any:
        return np.asarray(np.einsum(f"{','.join(inputs)}->{output}", *arrays))

    return Operation("einsum", forward, names, {name: rule_of(i) for i, name in enumerate(names)})


def _product(inputs: Sequence[str], output: str, tensors: Sequence[Any]) -> Tensor:
    return apply(_operation(len(tensors)), tuple(tensors), {"inputs": tuple(inputs), "output": output})


@word()
def einsum(equation: str, *operands: Any) -> Tensor:
    first, *others = operands
    tensors: list[Any] = [*operands] if others or isinstance(first, Tensor) else [*first]
    left, arrow, output = equation.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(tensors):
        raise AutogradError(
            "invalid-argument", "einsum(): the number of subscripts differs from the number of operands"
        )
    spare = [letter for letter in string.ascii_letters if letter not in equation]
    batch = max([t.dim() - len(s) + 3 for t, s in zip(tensors, inputs, strict=True) if "..." in s], default=0)
    letters = "".join(spare[:batch])
    if not arrow:
        free = sorted({a for a in left if a.isalpha() and left.count(a) == 1})
        output = "..." + "".join(free)
    output = output.replace("...", letters)
    for i, (tensor, subscripts) in enumerate(zip(tensors, inputs, strict=True)):
        if "..." in subscripts:
            own = tensor.dim() - len(subscripts) + 3
            subscripts = subscripts.replace("...", letters[batch - own :])
        while repeated := next((a for a in subscripts if subscripts.count(a) > 1), None):
            first = subscripts.index(repeated)
            second = subscripts.index(repeated, first + 1)
            tensor = tensor.diagonal(0, first, second)
            subscripts = subscripts[:first] + subscripts[first + 1 : second] + subscripts[second + 1 :] + repeated
        tensors[i], inputs[i] = tensor, subscripts
    return _product(inputs, output, tensors)
