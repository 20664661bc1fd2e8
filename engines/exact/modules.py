"""What programs train with: losses, a layer, an optimizer. All of it is written with the operations of tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from harness.engine import Unsupported

from .tensor import Tensor, no_grad, zeros

_REDUCTIONS: dict[str, Callable[[Tensor], Tensor]] = {"mean": Tensor.mean, "sum": Tensor.sum, "none": Tensor.clone}


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    return _REDUCTIONS[reduction]((input - target) ** 2)


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """-(t log(s) + (1 - t) log(1 - s)) with s = sigmoid(z), which is log(1 + exp(z)) - t z."""
    return _REDUCTIONS[reduction]((input.exp() + 1).log() - input * target)


def Parameter(data: Tensor, requires_grad: bool = True) -> Tensor:
    return data.detach().requires_grad_(requires_grad)


class _AnyTensor(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_AnyTensor):
    """Another name of `Tensor`, and the old constructor that wraps one."""

    def __new__(cls, data: Tensor, requires_grad: bool = False) -> Tensor:  # type: ignore[misc]
        return data.detach().requires_grad_(requires_grad)


class Linear:
    """y = x @ weight.T + bias. Begins with zeros: programs overwrite the start values."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        self.weight = zeros(out_features, in_features, requires_grad=True)
        self.bias = zeros(out_features, requires_grad=True) if bias else None

    def __call__(self, x: Tensor) -> Tensor:
        y = x @ self.weight.T
        return y if self.bias is None else y + self.bias

    def parameters(self) -> list[Tensor]:
        return [self.weight] if self.bias is None else [self.weight, self.bias]

    def requires_grad_(self, requires_grad: bool = True) -> Linear:
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self) -> None:
        for parameter in self.parameters():
            parameter.grad = None


class SGD:
    """p -= lr * p.grad."""

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3) -> None:
        self.params = list(params)
        if not all(isinstance(parameter, Tensor) for parameter in self.params):
            raise Unsupported("there are no groups of parameters")
        self.lr = lr

    def step(self) -> None:
        with no_grad():
            for parameter in self.params:
                if parameter.grad is not None:
                    parameter.sub_(self.lr * parameter.grad)

    def zero_grad(self) -> None:
        for parameter in self.params:
            parameter.grad = None
