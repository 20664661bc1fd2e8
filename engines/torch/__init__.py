"""PyTorch 1.13 or newer, through its public API, as its users type it.

`kinds` names its errors and warnings, `inspection` answers what a program asks about the graph, `reading` and `graph` turn
its values and graphs into plain data, `scripts` writes the head of a stand-alone script.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import torch
from torch.autograd import forward_ad

from harness.engine import NATIVE, Attribute, EngineUnusable, Graph, Observed
from harness.engine import Engine as Base
from harness.language.words import ATTRIBUTES, DTYPES, NAMES

from . import inspection, reading, scripts
from .graph import graph
from .kinds import ERRORS, WARNINGS

_ON_DEVICE = ("tensor", "zeros", "ones", "Linear")
"""Words that make tensors out of nothing: on another device than the CPU they are given ``device=``."""
_IMPORT_A_COMPILER = {
    *("func.grad", "func.grad_and_value", "func.jacrev", "func.hessian", "func.linearize"),
    *("checkpoint", "checkpoint_sequential", "SGD", "Adam", "AdamW", "RMSprop", "Adagrad"),
}
"""Words that import torch._dynamo when they are first called, which takes more than a second."""
_LATER = {
    torch.Tensor: ("grad_dtype", "register_post_accumulate_grad_hook"),
    torch.nn.Module: ("register_full_backward_pre_hook",),
    torch.autograd.Function: ("generate_vmap_rule", "boxed_grads_call", "clear_saved_tensors_on_access"),
}
"""Attributes that are younger than the first release that is spoken to."""
_NO_KERNEL = re.compile(r"^\"[^\"]+\" not implemented for '|'weight' to have one of the following scalar types: ")
"""Kernels for halves, complex numbers and integers came one by one, over many releases."""


class Engine(Base):
    """Eager PyTorch."""

    error_kinds = ERRORS
    lacking = _NO_KERNEL
    warning_kinds = WARNINGS

    def __init__(self, device: str | None = None) -> None:
        self.device = _device(device)
        self.names = _names(self.device)
        self.attributes = _attributes(self.device)
        # Some warnings are given once per process; a conformance run asks for each of them, every time.
        torch.set_warn_always(True)
        self.random = torch.get_rng_state()

    @property
    def version(self) -> str:
        return str(torch.__version__)

    def read(self, value: Any) -> Observed:
        return reading.read(value)

    def exhausted(self, error: BaseException) -> bool:
        # On the CPU it is a plain RuntimeError of the allocator; torch.OutOfMemoryError (other devices) is new in 2.5.
        return (
            type(error).__name__ == "OutOfMemoryError"
            or "can't allocate memory" in str(error)
            or super().exhausted(error)
        )

    def reset(self) -> None:
        if not torch.is_grad_enabled():
            torch.set_grad_enabled(True)
        if torch.is_anomaly_enabled():
            torch.autograd.set_detect_anomaly(False)
        if forward_ad._current_level >= 0:  # entered by hand; no public word asks for it
            forward_ad.exit_dual_level()  # type: ignore[no-untyped-call]
        torch.set_rng_state(self.random)

    def before_fork(self, words: Iterable[str]) -> None:
        if not _IMPORT_A_COMPILER.isdisjoint(words):
            with suppress(ImportError):
                importlib.import_module("torch._dynamo")

    def state(self) -> Mapping[str, Any]:
        return {
            "torch.is_grad_enabled": torch.is_grad_enabled(),
            "torch.get_default_dtype": torch.get_default_dtype(),
            "torch.is_inference_mode_enabled": torch.is_inference_mode_enabled(),
            "torch.is_anomaly_enabled": torch.is_anomaly_enabled(),
            "torch.is_autocast_enabled": torch.is_autocast_enabled(),
            "torch.are_deterministic_algorithms_enabled": torch.are_deterministic_algorithms_enabled(),
            "torch.get_num_threads": torch.get_num_threads(),
            "hooks of all modules": bool(_has_hooks()),
        }

    def graph(self, named: Mapping[str, Any]) -> Graph | None:
        return graph({name: value for name, value in named.items() if isinstance(value, torch.Tensor)})

    def preamble(self, words: Iterable[str]) -> str:
        return scripts.preamble(sorted(words), self.device)


_has_hooks: Callable[[], object] = getattr(torch.nn.modules.module, "_has_any_global_hook", lambda: False)
"""Whether hooks on all modules are registered; the public API can register and remove them, and does not tell."""


def _device(name: str | None) -> torch.device:
    try:
        device = torch.device(name or "cpu")
        torch.zeros(1, device=device)
    except Exception as error:  # of many classes, depending on what the device lacks
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise EngineUnusable(
            f"device {name!r} does not work here: {reason[:300]} (an out-of-tree device needs --import MODULE first)"
        ) from None
    return device


def _attributes(device: torch.device) -> dict[str, Attribute]:
    """The language spells attributes as PyTorch does. numpy() is documented for tensors of the CPU alone."""
    lacking = {word for owner, words in _LATER.items() for word in words if not hasattr(owner, word)}
    if device.type != "cpu":
        lacking.add("numpy")
    return dict.fromkeys((word for word in ATTRIBUTES if word not in lacking), NATIVE)


def _names(device: torch.device) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for word in NAMES:
        if word in inspection.WORDS:
            names[word] = getattr(inspection, word)
        elif word != "repr" and (found := scripts.origin(word)) is not None:
            names[word] = getattr(importlib.import_module(found[0]), found[1])
    if device.type == "cpu":
        return names | {"repr": repr}
    # The printed form names another device than the CPU, which no document fixes; and some devices lack some dtypes.
    lacking = {word for word in DTYPES if not _holds(device, names[word])}
    made_there = {word: functools.partial(names[word], device=device) for word in _ON_DEVICE}
    return {word: value for word, value in (names | made_there).items() if word not in lacking}


def _holds(device: torch.device, dtype: torch.dtype) -> bool:
    try:
        torch.zeros(1, dtype=dtype, device=device)
    except (RuntimeError, TypeError, NotImplementedError):
        return False
    return True
