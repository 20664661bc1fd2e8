"""Layers, losses and an optimizer: what the tutorials train with. All of it is ordinary use of the engine.

Keeps torch.nn.Parameter, torch.nn.Linear, torch.nn.functional.mse_loss, binary_cross_entropy_with_logits, torch.optim.SGD.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .errors import AutogradValueError
from .modes import no_grad
from .ops import softplus
from .tensor import Tensor


class Parameter(Tensor):
    """A leaf that a module owns and trains: takes the numbers of ``data``, not its history."""

    __slots__ = ()

    def __init__(self, data: Tensor, requires_grad: bool = True) -> None:
        super().__init__(data._array)
        self._writes = data._writes
        self.requires_grad = requires_grad

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Module:
    """Parameters and modules assigned as attributes belong to the module."""

    def parameters(self) -> Iterator[Parameter]:
        for value in vars(self).values():
            if isinstance(value, Parameter):
                yield value
            elif isinstance(value, Module):
                yield from value.parameters()

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        forget_gradients(self.parameters(), set_to_none)

    def forward(self, *inputs: Any) -> Any:
        raise NotImplementedError

    def __call__(self, *inputs: Any) -> Any:
        return self.forward(*inputs)


class Linear(Module):
    """``x @ weight.T + bias`` with random start values."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        bound = 1 / math.sqrt(max(in_features, 1))
        random = np.random.default_rng()
        self.weight = Parameter(Tensor(random.uniform(-bound, bound, (out_features, in_features)).astype("float32")))
        self.bias = Parameter(Tensor(random.uniform(-bound, bound, out_features).astype("float32"))) if bias else None

    def forward(self, *inputs: Any) -> Any:
        product = inputs[0] @ self.weight.t()
        return product if self.bias is None else product + self.bias


class SGD:
    """``p -= lr * p.grad`` for every parameter that has a gradient."""

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3) -> None:
        self.params = list(params)
        self.lr = lr
        if not self.params:
            raise AutogradValueError("invalid-argument", "optimizer got an empty parameter list")
        if not all(p.is_leaf for p in self.params):
            raise AutogradValueError("optim-nonleaf", "can't optimize a non-leaf Tensor")

    def step(self) -> None:
        with no_grad():
            for p in self.params:
                if p.grad is not None:
                    p.add_(p.grad, alpha=-self.lr)

    def zero_grad(self, set_to_none: bool = True) -> None:
        forget_gradients(self.params, set_to_none)


def forget_gradients(parameters: Iterable[Tensor], set_to_none: bool) -> None:
    for p in parameters:
        if set_to_none:
            p.grad = None
        elif p.grad is not None:
            p.grad.detach_().zero_()


def _reduced(loss: Tensor, reduction: str) -> Any:
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss
    raise AutogradValueError("invalid-argument", f"{reduction} is not a valid value for reduction")


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    return _reduced((input - target).pow(2), reduction)  # type: ignore[no-any-return]


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """``-target * log(sigmoid(input)) - (1 - target) * log(1 - sigmoid(input))`` without overflow."""
    return _reduced((1 - target) * input + softplus(-input), reduction)  # type: ignore[no-any-return]
