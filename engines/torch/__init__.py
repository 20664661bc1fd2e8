"""PyTorch 2.4 or newer, through its public API, as its users type it."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from harness.engine import NATIVE, Array, EngineUnusable, Graph, Node, Observed, Opaque
from harness.engine import Engine as Base
from harness.language.words import ATTRIBUTES, NAMES

from .kinds import ERRORS, WARNINGS

_ORIGINS: Mapping[str, str] = {
    "Variable": "torch.autograd",
    "Parameter": "torch.nn",
    "Linear": "torch.nn",
    "SGD": "torch.optim",
    "Function": "torch.autograd",
    "backward": "torch.autograd",
    "grad": "torch.autograd",
    "relu": "torch.nn.functional",
    "mse_loss": "torch.nn.functional",
    "binary_cross_entropy_with_logits": "torch.nn.functional",
}
"""Words that PyTorch's users do not import from ``torch`` itself."""

_ON_DEVICE = ("tensor", "zeros", "ones", "Linear")
"""Words that make tensors out of nothing: on another device than the CPU they are given ``device=``."""


class Engine(Base):
    """Eager PyTorch."""

    attributes = dict.fromkeys(ATTRIBUTES, NATIVE)  # the language spells attributes as PyTorch does
    error_kinds = ERRORS
    warning_kinds = WARNINGS

    def __init__(self, device: str | None = None) -> None:
        self.device = _device(device)
        self.names = _names(None if self.device.type == "cpu" else self.device)
        # Some warnings are given once per process; a conformance run asks for each of them, every time.
        torch.set_warn_always(True)

    @property
    def version(self) -> str:
        return str(torch.__version__)

    def read(self, value: Any) -> Observed:
        reader = _READERS.get(type(value))
        return reader(value) if reader is not None else _other(value)

    def reset(self) -> None:
        if not torch.is_grad_enabled():
            torch.set_grad_enabled(True)

    def graph(self, named: Mapping[str, Any]) -> Graph | None:
        return _graph({name: value for name, value in named.items() if isinstance(value, torch.Tensor)})

    def preamble(self, words: Iterable[str]) -> str:
        return _preamble(sorted(words), self.device)


def _device(name: str | None) -> torch.device:
    try:
        device = torch.device(name or "cpu")
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0]
        raise EngineUnusable(
            f"device {name!r} does not work here: {reason[:300]} (an out-of-tree device needs --import MODULE first)"
        ) from None
    return device


def _names(device: torch.device | None) -> dict[str, Any]:
    names: dict[str, Any] = {
        "version": version,
        "op_name": op_name,
        "next_ops": next_ops,
        "saved": saved,
        "same_storage": same_storage,
        "repr": repr,
    }
    for word in NAMES:
        if word not in names:
            origin = importlib.import_module(_ORIGINS.get(word, "torch"))
            names[word] = getattr(origin, word)
    if device is not None:
        names |= {word: functools.partial(names[word], device=device) for word in _ON_DEVICE}
    return names


# ---- what a program may ask about a tensor; the source of these functions stands in stand-alone scripts


def op_name(x):
    """The name of the operation that made x, without PyTorch's own endings; None for a leaf."""
    return None if x.grad_fn is None else node_name(x.grad_fn)


def node_name(node):
    name = re.sub(r"Backward\d*$", "", node.name().rpartition("::")[2])
    return "leaf" if name == "AccumulateGrad" else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def next_ops(x):
    return [None if node is None else node_name(node) for node, _ in x.grad_fn.next_functions]


def saved(x):
    values = [getattr(x.grad_fn, name) for name in dir(x.grad_fn) if name.startswith("_saved_")]
    return [value for value in values if isinstance(value, torch.Tensor)]


def same_storage(a, b):
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def version(x):
    return x._version


# ---- reading values


def _tensor(value: torch.Tensor) -> Array:
    return Array(_DTYPES[value.dtype], tuple(value.shape), value.tolist())


def _same(value: Any) -> Any:
    return value


def _list(value: Iterable[Any]) -> list[Observed]:
    return [_READERS.get(type(item), _other)(item) for item in value]


def _other(value: Any) -> Observed:
    if isinstance(value, torch.Tensor):
        return _tensor(value.detach())
    if isinstance(value, (list, tuple)):
        return _list(value)
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return Array(str(value.dtype), tuple(value.shape), value.tolist())
    return Opaque(type(value).__qualname__)


_DTYPES = {value: name for name, value in vars(torch).items() if isinstance(value, torch.dtype)} | {
    # dtypes with two names, under the one that the language knows
    torch.float16: "float16",
    torch.float32: "float32",
    torch.float64: "float64",
    torch.complex64: "complex64",
    torch.complex128: "complex128",
    torch.int16: "int16",
    torch.int32: "int32",
    torch.int64: "int64",
}
_READERS: dict[type, Callable[[Any], Observed]] = {
    torch.Tensor: _tensor,
    torch.nn.Parameter: _tensor,
    torch.dtype: _DTYPES.__getitem__,
    torch.Size: list,
    list: _list,
    tuple: _list,
    **dict.fromkeys((type(None), bool, int, float, complex, str), _same),
}


# ---- the graph


def _graph(named: Mapping[str, torch.Tensor]) -> Graph:
    names: dict[Any, list[str]] = {}
    leaves: dict[int, list[str]] = {}
    for name, tensor in named.items():
        if tensor.grad_fn is not None:
            names.setdefault(tensor.grad_fn, []).append(name)
        elif tensor.requires_grad:
            leaves.setdefault(id(tensor), []).append(name)
    order: dict[Any, int] = {}
    todo = list(names)
    while todo:
        node = todo.pop()
        if node not in order:
            order[node] = len(order)
            todo += [after for after, _ in node.next_functions if after is not None]
    nodes = []
    for node in order:
        variable = getattr(node, "variable", None)
        if variable is not None:
            own = tuple(leaves.get(id(variable), ()))
            nodes.append(Node(own[0] if own else "leaf", "leaf", own))
        else:
            own = tuple(names.get(node, ()))
            nodes.append(Node(node_name(node), "root" if own else "op", own))
    edges = [(order[node], order[after]) for node in order for after, _ in node.next_functions if after is not None]
    return Graph(tuple(nodes), tuple(edges))


# ---- stand-alone scripts


def _preamble(words: list[str], device: torch.device) -> str:
    helpers = {"op_name", "next_ops", "saved", "same_storage", "version"} & set(words)
    lines = ["import torch"] if helpers or device.type != "cpu" else []
    if helpers & {"op_name", "next_ops"}:
        lines.insert(0, "import re")
    origins: dict[str, list[str]] = {}
    for word in words:
        if word not in helpers:
            origins.setdefault(_ORIGINS.get(word, "torch"), []).append(word)
    lines += [f"from {origin} import {', '.join(found)}" for origin, found in sorted(origins.items())]
    if device.type != "cpu":
        lines.append(f"torch.set_default_device({str(device)!r})")
    needed = [node_name] if helpers & {"op_name", "next_ops"} else []
    needed += [
        function for function in (op_name, next_ops, saved, same_storage, version) if function.__name__ in helpers
    ]
    return "\n".join(lines) + "\n" + "".join(f"\n\n{inspect.getsource(function)}" for function in needed)
