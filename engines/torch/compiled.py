"""torch.compile: functions are compiled, and reverse passes are those of what was compiled.

Each derivative that a program takes is compiled with the function it is taken of, as users do: ``torch.compile(func.grad(f))``.
A reverse pass is the compiled function on leaves, and torch.autograd.grad of what it gives.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from typing import Any, ClassVar

import torch

from harness.engine import EngineUnusable, Unsupported

from . import Engine as Eager

_TRANSFORMS = ("func.grad", "func.grad_and_value", "func.jacrev", "func.jacfwd", "func.hessian", "vmap")
"""Words that make a function of a function."""
_OF_EAGER = ("functional.", "forward_ad.", "func.", "grad", "parametrize.", "checkpoint", "in_thread", "Function")
"""How words begin that run operations without the compiler."""


class Compiled(Eager):
    """PyTorch through torch.compile, with one of its backends."""

    backend: ClassVar[str]

    def __init__(self, device: str | None = None) -> None:
        super().__init__(device)
        compiled = functools.partial(torch.compile, backend=self.backend)
        self.names = {word: value for word, value in self.names.items() if not word.startswith(_OF_EAGER)}
        self.names |= {word: _transform(word, compiled) for word in _TRANSFORMS}
        self.names |= {"func.vjp": _vjp(compiled), "func.jvp": _jvp(compiled)}

    def reset(self) -> None:
        super().reset()
        torch.compiler.reset()


class AotEager(Compiled):
    """What is traced ahead of time runs operation by operation."""

    backend = "aot_eager"


class Inductor(Compiled):
    """What is traced ahead of time becomes C++."""

    backend = "inductor"

    def __init__(self, device: str | None = None) -> None:
        if not any(map(shutil.which, ("c++", "g++", "clang++", "cl"))):
            raise EngineUnusable("the backend inductor compiles C++, and there is no compiler; install g++")
        super().__init__(device)


Compile = Callable[[Callable[..., Any]], Callable[..., Any]]


def _transform(word: str, compiled: Compile) -> Callable[..., Any]:
    made = torch.vmap if word == "vmap" else getattr(torch.func, word.removeprefix("func."))

    def transform(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Callable[..., Any]:
        return compiled(made(function, *arguments, **keywords))

    return transform


def _vjp(compiled: Compile) -> Callable[..., Any]:
    def vjp(function: Callable[..., Any], *primals: Any) -> Any:
        if torch.compiler.is_compiling():  # a gradient within the function that is differentiated
            return torch.func.vjp(function, *primals)
        leaves = [primal.detach().requires_grad_() for primal in primals]
        roots = compiled(function)(*leaves)
        if not all(isinstance(root, torch.Tensor) for root in (roots if isinstance(roots, tuple) else [roots])):
            raise Unsupported("torch.autograd.grad pulls back tensors, and no containers")

        def pull(cotangents: Any) -> tuple[Any, ...]:
            return torch.autograd.grad(roots, leaves, cotangents, retain_graph=True, materialize_grads=True)

        return roots, pull

    return vjp


def _jvp(compiled: Compile) -> Callable[..., Any]:
    def jvp(function: Callable[..., Any], primals: Any, tangents: Any) -> Any:
        return compiled(lambda *both: torch.func.jvp(function, *both))(primals, tangents)

    return jvp
