"""Optimizers: what is done with gradients once they are there.

Keeps torch.optim. A step runs unrecorded and writes the parameters in place: they stay the leaves they were, and a graph
that has saved one of them can no longer be used. A parameter without a gradient is skipped, one with a zero gradient is
not: momentum and weight decay move it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from .errors import AutogradTypeError, AutogradValueError, warn
from .modes import enable_grad, no_grad
from .modules import forget_gradients
from .operations.elementwise import maximum
from .tensor import Tensor

Group = dict[str, Any]
"""Options of a group of parameters, or what is remembered of one."""


class Optimizer:
    """Groups of parameters, each with options of its own, and a memory (``state``) for every parameter."""

    def __init__(self, params: Iterable[Any], defaults: Group) -> None:
        if isinstance(params, Tensor):
            raise AutogradTypeError(
                "invalid-argument",
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got Tensor",
            )
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[Tensor, Group] = {}
        listed = list(params)
        if not listed:
            raise AutogradValueError("invalid-argument", "optimizer got an empty parameter list")
        for group in listed if isinstance(listed[0], dict) else [{"params": listed}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        group = {**self.defaults, **param_group}
        params = group["params"] = [group["params"]] if isinstance(group["params"], Tensor) else list(group["params"])
        for p in params:
            if not isinstance(p, Tensor):
                raise AutogradTypeError(
                    "not-a-tensor", f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}"
                )
            if not (p.is_leaf or p.retains_grad):
                raise AutogradValueError("optim-nonleaf", "can't optimize a non-leaf Tensor")
        if len(params) != len(set(params)):
            warn(
                "duplicate-parameters",
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error",
                depth=3,
            )
        if not {p for other in self.param_groups for p in other["params"]}.isdisjoint(params):
            raise AutogradValueError("invalid-argument", "some parameters appear in more than one parameter group")
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        forget_gradients((p for group in self.param_groups for p in group["params"]), set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update. ``closure`` computes the loss again, recorded, and is asked first."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        gradient = -p.grad if group["maximize"] else p.grad.detach()
                        if group["weight_decay"] and not group.get("decoupled_weight_decay"):
                            gradient = gradient + p.detach() * group["weight_decay"]
                        p.add_(self.direction(p.detach(), gradient, self.state.setdefault(p, {}), group))
        return loss

    def direction(self, p: Tensor, g: Tensor, state: Group, group: Group) -> Tensor:
        """What to add to ``p``, whose gradient, weight decay included, is ``g``."""
        raise NotImplementedError


def _not_negative(**options: float) -> None:
    for name, value in options.items():
        if not value >= 0:
            raise AutogradValueError("invalid-argument", f"Invalid {name} value: {value}")


def _average(state: Group, name: str, g: Tensor, decay: float) -> Tensor:
    """The exponential average of what was seen under this name, starting at 0."""
    before = state.get(name)
    state[name] = g * (1 - decay) if before is None else before * decay + g * (1 - decay)
    return state[name]


class SGD(Optimizer):
    """``p -= lr * g``, or along a velocity that remembers former gradients."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        _not_negative(learning_rate=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise AutogradValueError("invalid-argument", "Nesterov momentum requires a momentum and zero dampening")
        defaults = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "nesterov": nesterov, "maximize": maximize})

    def direction(self, p: Tensor, g: Tensor, state: Group, group: Group) -> Tensor:
        momentum = group["momentum"]
        if momentum:
            velocity = state.get("momentum_buffer")
            velocity = g if velocity is None else velocity * momentum + g * (1 - group["dampening"])
            state["momentum_buffer"] = velocity
            g = g + velocity * momentum if group["nesterov"] else velocity
        return g * -group["lr"]


class Adam(Optimizer):
    """A step of about ``lr`` per element: the average gradient over the root of the average square."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        _not_negative(learning_rate=lr, epsilon=eps, weight_decay=weight_decay)
        if not all(0 <= beta < 1 for beta in betas):
            raise AutogradValueError("invalid-argument", f"Invalid beta parameters: {betas}")
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        super().__init__(params, {**defaults, "maximize": maximize, "decoupled_weight_decay": decoupled_weight_decay})

    def direction(self, p: Tensor, g: Tensor, state: Group, group: Group) -> Tensor:
        lr, decay, (beta1, beta2) = group["lr"], group["weight_decay"], group["betas"]
        t = state["step"] = state.get("step", 0) + 1
        mean = _average(state, "exp_avg", g, beta1) / (1 - beta1**t)
        square = _average(state, "exp_avg_sq", g * g, beta2)
        if group["amsgrad"]:
            square = state["max_exp_avg_sq"] = maximum(state.get("max_exp_avg_sq", square), square)
        update = mean / (square.sqrt() / math.sqrt(1 - beta2**t) + group["eps"]) * -lr
        return update - p * (lr * decay) if decay and group["decoupled_weight_decay"] else update


class AdamW(Adam):
    """`Adam` whose weight decay acts on the parameter, not on the gradient."""

    def __init__(self, params: Iterable[Any], lr: float = 1e-3, weight_decay: float = 1e-2, **options: Any) -> None:
        super().__init__(params, lr, weight_decay=weight_decay, decoupled_weight_decay=True, **options)


class RMSprop(Optimizer):
    """The gradient over the root of its average square."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        _not_negative(learning_rate=lr, epsilon=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        defaults = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, {**defaults, "centered": centered, "maximize": maximize})

    def direction(self, p: Tensor, g: Tensor, state: Group, group: Group) -> Tensor:
        square = _average(state, "square_avg", g * g, group["alpha"])
        if group["centered"]:
            mean = _average(state, "grad_avg", g, group["alpha"])
            square = square - mean * mean
        step = g / (square.sqrt() + group["eps"])
        if group["momentum"]:
            step = state["momentum_buffer"] = state.get("momentum_buffer", 0) * group["momentum"] + step
        return step * -group["lr"]


class Adagrad(Optimizer):
    """The gradient over the root of the sum of all squares so far."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        _not_negative(learning_rate=lr, lr_decay=lr_decay, weight_decay=weight_decay, epsilon=eps)
        defaults = {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay, "eps": eps, "maximize": maximize}
        super().__init__(params, {**defaults, "initial_accumulator_value": initial_accumulator_value})

    def direction(self, p: Tensor, g: Tensor, state: Group, group: Group) -> Tensor:
        t = state["step"] = state.get("step", 0) + 1
        total = state["sum"] = state.get("sum", group["initial_accumulator_value"]) + g * g
        return g / (total.sqrt() + group["eps"]) * (-group["lr"] / (1 + (t - 1) * group["lr_decay"]))
