"""Modules: parameters and the computation that uses them, in one object.

Keeps torch.nn.Module and torch.nn.Parameter. What is assigned to an attribute decides what becomes of it: a `Parameter`
is registered and trained, a module brings its own parameters, a buffer is state without a gradient, anything else is an
ordinary attribute. Everything that goes over parameters sees each of them once, also if it is known under two names.

Backward hooks of a module (torch.nn.Module.register_full_backward_hook) see gradients at its border. The border are two
identities, one over the inputs and one over the outputs, that are only there if somebody has registered a hook.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from .dtypes import DIFFERENTIABLE, as_dtype
from .errors import AutogradNotImplementedError, AutogradTypeError, warn
from .function import Function
from .hooks import RemovableHandle
from .operations.layers import linear
from .operations.random import rand
from .tensor import Tensor
from .trees import as_tuple

Same = TypeVar("Same", bound="Module")
ModuleHook = Callable[..., Any]


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
    training = True
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _hooks: dict[str, dict[int, ModuleHook]]

    def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
        """Registration works from the first line of ``__init__``, whether or not it calls the one of this class."""
        module = super().__new__(cls)
        for name in ("_parameters", "_buffers", "_modules", "_hooks"):
            object.__setattr__(module, name, {})
        return module

    # -- attributes ----------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(getattr(type(self), name, None), property):
            object.__setattr__(self, name, value)
        elif isinstance(value, Parameter):
            self._forget(name)
            self._parameters[name] = value
        elif name in self._parameters:
            if value is not None:
                raise AutogradTypeError(
                    "frozen-class",
                    f"cannot assign '{type(value).__name__}' as parameter '{name}' (torch.nn.Parameter or None expected)",
                )
            self._parameters[name] = None
        elif isinstance(value, Module):
            self._forget(name)
            self._modules[name] = value
        elif name in self._buffers and (value is None or isinstance(value, Tensor)):
            self._buffers[name] = value
        else:
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        for registered in (self._parameters, self._buffers, self._modules):
            if name in registered:
                return registered[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        if not self._forget(name):
            object.__delattr__(self, name)

    def _forget(self, name: str) -> bool:
        known = [r for r in (self._parameters, self._buffers, self._modules, vars(self)) if name in r]
        for registered in known:
            del registered[name]
        return bool(known)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        self._buffers[name] = tensor

    def register_module(self, name: str, module: Module | None) -> None:
        self._modules[name] = module

    add_module = register_module

    # -- going over the parts ------------------------------------------------------------------------------------------

    def children(self) -> Iterator[Module]:
        return (module for module in self._modules.values() if module is not None)

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        seen: set[Module] = set()
        stack: list[tuple[str, Module]] = [(prefix, self)]
        while stack:
            path, module = stack.pop()
            if module not in seen:
                seen.add(module)
                yield path, module
                inner = [
                    (f"{path}.{name}" if path else name, m) for name, m in module._modules.items() if m is not None
                ]
                stack.extend(reversed(inner))

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def _named(self, kind: str, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name, tensor in getattr(module, kind).items():
                if tensor is not None and not (once and id(tensor) in seen):
                    seen.add(id(tensor))
                    yield f"{path}.{name}" if path else name, tensor

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    # -- what is done to all of them -----------------------------------------------------------------------------------

    def train(self: Same, mode: bool = True) -> Same:
        """What layers such as dropout go by. Recording does not depend on it."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: Same) -> Same:
        return self.train(False)

    def requires_grad_(self: Same, requires_grad: bool = True) -> Same:
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        forget_gradients(self.parameters(), set_to_none)

    def to(self: Same, dtype: Any) -> Same:
        """Other numbers in the same parameters: they stay the leaves that optimizers know."""
        dtype = as_dtype(dtype)
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.dtype.kind in DIFFERENTIABLE:
                tensor.data = tensor.data.to(dtype)
                if tensor._grad is not None:
                    tensor._grad = tensor._grad.to(dtype)
        return self

    def float(self: Same) -> Same:
        return self.to("float32")

    def double(self: Same) -> Same:
        return self.to("float64")

    def half(self: Same) -> Same:
        return self.to("float16")

    # -- calling -------------------------------------------------------------------------------------------------------

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        raise AutogradNotImplementedError(
            "not-implemented", f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *inputs: Any, **keywords: Any) -> Any:
        return self._hooked(inputs, keywords) if self._hooks else self.forward(*inputs, **keywords)

    def _hooked(self, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        for hook in list(self._hooks.get("forward_pre", {}).values()):
            replaced = hook(self, inputs)
            if replaced is not None:
                inputs = as_tuple(replaced)
        border = _Border(self) if "backward" in self._hooks or "backward_pre" in self._hooks else None
        result = self.forward(*(inputs if border is None else border.enter(inputs)), **keywords)
        for hook in list(self._hooks.get("forward", {}).values()):
            replaced = hook(self, inputs, result)
            result = result if replaced is None else replaced
        return result if border is None else border.leave(result)

    def _register(self, kind: str, hook: ModuleHook) -> RemovableHandle:
        return RemovableHandle(self._hooks.setdefault(kind, {}), hook)

    def register_forward_pre_hook(self, hook: ModuleHook) -> RemovableHandle:
        """``hook(module, inputs)`` before ``forward``; may return other inputs."""
        return self._register("forward_pre", hook)

    def register_forward_hook(self, hook: ModuleHook) -> RemovableHandle:
        """``hook(module, inputs, output)`` after ``forward``; may return another output."""
        return self._register("forward", hook)

    def register_full_backward_hook(self, hook: ModuleHook) -> RemovableHandle:
        """``hook(module, grad_input, grad_output)`` when the gradients of the inputs are known; may replace these."""
        return self._register("backward", hook)

    def register_full_backward_pre_hook(self, hook: ModuleHook) -> RemovableHandle:
        """``hook(module, grad_output)`` before anything of the module is differentiated; may replace it."""
        return self._register("backward_pre", hook)


class _Border:
    """One call of a module between two identities, where its backward hooks run."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.grad_output: tuple[Any, ...] = ()
        self.inputs: tuple[Any, ...] = ()
        self.differentiable = False

    def enter(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        self.inputs = inputs
        self.differentiable = any(_tracked(x) for x in inputs)
        return _crossed(inputs, self._at_inputs)

    def leave(self, result: Any) -> Any:
        outputs = as_tuple(result)
        crossed = _crossed(outputs, lambda gradients: self._at_outputs(outputs, gradients))
        return crossed if isinstance(result, tuple) else crossed[0]

    def _at_outputs(self, outputs: tuple[Any, ...], gradients: list[Any]) -> list[Any]:
        grad_output = _complete(outputs, gradients)
        for hook in list(self.module._hooks.get("backward_pre", {}).values()):
            replaced = hook(self.module, grad_output)
            if replaced is not None:
                grad_output = as_tuple(replaced)
        self.grad_output = grad_output
        if not self.differentiable and self.module._hooks.get("backward"):
            warn(
                "no-input-gradient",
                "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
                "require gradients.",
            )
            self._run(tuple(None for _ in self.inputs))
        return [g for g, output in zip(grad_output, outputs, strict=True) if _tracked(output)]

    def _at_inputs(self, gradients: list[Any]) -> list[Any]:
        grad_input = self._run(_complete(self.inputs, gradients))
        return [g for g, x in zip(grad_input, self.inputs, strict=True) if _tracked(x)]

    def _run(self, grad_input: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in list(self.module._hooks.get("backward", {}).values()):
            replaced = hook(self.module, grad_input, self.grad_output)
            if replaced is not None:
                grad_input = as_tuple(replaced)
        return grad_input


class _Identity(Function):
    """Hands tensors through, and their gradients to a function on the way back."""

    @staticmethod
    def forward(ctx: Any, on_the_way_back: Callable[[list[Any]], list[Any]], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.on_the_way_back = on_the_way_back
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Any, ...]:
        return (None, *ctx.on_the_way_back(list(gradients)))


def _tracked(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _crossed(values: tuple[Any, ...], on_the_way_back: Callable[[list[Any]], list[Any]]) -> tuple[Any, ...]:
    """``values`` with the tracked tensors among them behind one identity."""
    tracked = [value for value in values if _tracked(value)]
    if not tracked:
        return values
    behind = iter(_Identity.apply(on_the_way_back, *tracked))
    return tuple(next(behind) if _tracked(value) else value for value in values)


def _complete(values: tuple[Any, ...], gradients: list[Any]) -> tuple[Any, ...]:
    """One gradient per value, None where it is not tracked."""
    arrived = iter(gradients)
    return tuple(next(arrived) if _tracked(value) else None for value in values)


class Linear(Module):
    """``x @ weight.T + bias`` with random start values."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        bound = 1 / math.sqrt(max(in_features, 1))
        self.weight = Parameter((rand(out_features, in_features) * 2 - 1) * bound)
        self.bias = Parameter((rand(out_features) * 2 - 1) * bound) if bias else None

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        return linear(inputs[0], self.weight, self.bias)


class Sequential(Module):
    """One module after the other."""

    def __init__(self, *modules: Module) -> None:
        for i, module in enumerate(modules):
            self.register_module(str(i), module)

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        (value,) = inputs
        for module in self.children():
            value = module(value)
        return value


def forget_gradients(parameters: Iterable[Tensor], set_to_none: bool) -> None:
    for p in parameters:
        if set_to_none:
            p.grad = None
        elif p.grad is not None:
            p.grad.detach_().zero_()
