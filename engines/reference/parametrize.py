"""Parametrizations: a module's tensor as a function of another one, which is what is trained.

Keeps torch.nn.utils.parametrize and torch.nn.utils.parametrizations.weight_norm. Registering one turns the attribute into
a property of a class that is made for this module: reading it computes the tensor from ``original``, at every access or
once within `cached`; assigning to it goes backwards through ``right_inverse``.
"""

from __future__ import annotations

from typing import Any

from .errors import AutogradError, AutogradValueError
from .modes import no_grad
from .modules import Module, Parameter
from .operations.reductions import vector_norm
from .tensor import Tensor


class ParametrizationList(Module):
    """The steps from ``original`` (or ``original0``, ``original1`` ...) to the tensor."""

    def __init__(self, tensor: Tensor, first: Module) -> None:
        self.steps: list[Module] = []
        self.trained = isinstance(tensor, Parameter)
        before = tensor
        if hasattr(first, "right_inverse"):
            with no_grad():
                before = first.right_inverse(tensor)
        several = isinstance(before, (tuple, list))
        self.names = [f"original{i}" for i in range(len(before))] if several else ["original"]
        for name, value in zip(self.names, before if several else [before], strict=True):
            self._hold(name, value, tensor)
        self.append(first)

    def _hold(self, name: str, value: Tensor, tensor: Tensor) -> None:
        if self.trained:
            setattr(self, name, Parameter(value.detach(), tensor.requires_grad and value.dtype.kind in "fc"))
        else:
            self.register_buffer(name, value)

    def append(self, step: Module) -> None:
        self.register_module(str(len(self.steps)), step)
        self.steps.append(step)

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        first, *others = self.steps
        value = first(*(getattr(self, name) for name in self.names))
        for step in others:
            value = step(value)
        return value

    def right_inverse(self, value: Any) -> None:
        """Change the originals so that the tensor becomes ``value``."""
        with no_grad():
            for step in reversed(self.steps):
                if not hasattr(step, "right_inverse"):
                    raise AutogradError(
                        "no-right-inverse", f"parametrization {type(step).__name__} does not implement right_inverse."
                    )
                value = step.right_inverse(value)
            for name, part in zip(self.names, value if len(self.names) > 1 else [value], strict=True):
                getattr(self, name).data = part.detach()


class cached:
    """Within this context a parametrized tensor is computed once."""

    _depth = 0
    _values: dict[tuple[int, str], Tensor] = {}

    def __enter__(self) -> None:
        cached._depth += 1

    def __exit__(self, *exception: object) -> None:
        cached._depth -= 1
        if not cached._depth:
            cached._values.clear()


def _computed(module: Module, name: str) -> Tensor:
    if name in vars(module):  # stateless.py: a value in place of the tensor, without its parametrization
        given: Tensor = vars(module)[name]
        return given
    steps = getattr(module.parametrizations, name)
    if not cached._depth:
        computed: Tensor = steps()
        return computed
    key = (id(module), name)
    if key not in cached._values:
        cached._values[key] = steps()
    return cached._values[key]


def _property(name: str) -> property:
    return property(
        lambda module: _computed(module, name),
        lambda module, value: getattr(module.parametrizations, name).right_inverse(value),
    )


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    table = module._modules.get("parametrizations")
    return table is not None and (tensor_name is None or tensor_name in table._modules)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """From now on ``module.tensor_name`` is what ``parametrization`` makes of the present tensor (or of the tensor that
    its ``right_inverse`` finds). Unless ``unsafe``, shape and dtype must stay."""
    if not is_parametrized(module, tensor_name) and tensor_name not in {**module._parameters, **module._buffers}:
        raise AutogradValueError(
            "invalid-argument",
            f"Module '{type(module).__name__}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'",
        )
    present = getattr(module, tensor_name)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check(present, parametrization(present))
        getattr(module.parametrizations, tensor_name).append(parametrization)
        return module
    steps = ParametrizationList(present, parametrization)
    if not unsafe:
        _check(present, steps())
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.__class__ = type(f"Parametrized{type(module).__name__}", (type(module),), {})
        module.parametrizations = Module()
    setattr(type(module), tensor_name, _property(tensor_name))
    module.parametrizations.register_module(tensor_name, steps)
    return module


def _check(present: Tensor, computed: Tensor) -> None:
    for what, old, new in (("dtype", present.dtype, computed.dtype), ("shape", present.shape, computed.shape)):
        if old != new:
            raise AutogradValueError(
                "invalid-argument",
                f"Registering a parametrization may not change the {what} of the tensor, unless the `unsafe` flag is "
                f"enabled.\n{what}: {old}, after: {new}",
            )


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """A plain parameter again: with the value that it had last, or with the original one."""
    if not is_parametrized(module, tensor_name):
        raise AutogradValueError("invalid-argument", f"Module does not have a parametrization on {tensor_name}")
    steps = getattr(module.parametrizations, tensor_name)
    if leave_parametrized:
        value = getattr(module, tensor_name).detach()
        flag = any(getattr(steps, name).requires_grad for name in steps.names)
        kept = Parameter(value, flag) if steps.trained else value
    elif len(steps.names) > 1:
        raise AutogradValueError(
            "invalid-argument",
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors.",
        )
    else:
        kept = steps.original
    delattr(type(module), tensor_name)
    delattr(module.parametrizations, tensor_name)
    if not module.parametrizations._modules:
        del module.parametrizations
        module.__class__ = type(module).__mro__[1]
    if steps.trained:
        setattr(module, tensor_name, kept)
    else:
        module.register_buffer(tensor_name, kept)
    return module


class _WeightNorm(Module):
    """A direction and its length, separately."""

    def __init__(self, dim: int | None) -> None:
        self.dim = dim

    def _length(self, weight: Tensor) -> Tensor:
        others = None if self.dim is None else [d for d in range(weight.dim()) if d != self.dim % weight.dim()]
        return vector_norm(weight, 2, others, True)

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        length, direction = inputs
        return direction * (length / self._length(direction))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return self._length(weight), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
