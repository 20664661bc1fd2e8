"""How the harness speaks to this engine. The engine has PyTorch's spelling, so every attribute is native."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import harness
from harness import engine as interface
from harness.engine import NATIVE, Array, EngineUnusable, Graph, Observed, Opaque
from harness.engine import Node as Drawn
from harness.language import words

from . import anomaly, dtypes, forward, levels, modes, modules, optim, random_numbers
from .errors import AutogradError
from .graph import AccumulateGrad, Node
from .tensor import Tensor
from .words import WORDS

NAMES: dict[str, Any] = {word: meaning for word, meaning in WORDS.items() if word in words.NAMES}

ATTRIBUTES = """
    requires_grad is_leaf grad grad_fn retains_grad data dtype shape T
    backward requires_grad_ retain_grad detach detach_ clone register_hook remove item tolist numpy dim numel
    sum mean add sub mul div pow matmul mm exp log sqrt sin cos tanh sigmoid relu view reshape t
    add_ sub_ mul_ zero_ fill_ copy_
    name next_functions variable weight bias parameters zero_grad step
    apply save_for_backward saved_tensors needs_input_grad
    setup_context save_for_forward mark_dirty mark_non_differentiable set_materialize_grads jvp vmap generate_vmap_rule vjp
    clear_saved_tensors_on_access boxed_grads_call batch_size randomness primal tangent
    grad_dtype output_nr contiguous unbind split chunk real imag conj
    register_post_accumulate_grad_hook register_prehook register_hooks metadata node
    values indices solution parametrizations original original0 original1 a b buf k n plain w x y layer count
""".split()  # noqa: SIM905


_NAME_OF = {dtype: name for name, dtype in dtypes.BY_NAME.items()}  # NumPy makes the name anew whenever it is asked


_CLASSES = (Tensor, modules.Module, optim.Optimizer)


def _attributes() -> Iterable[str]:
    """What may follow a dot: the words above, and those that a tensor, a module or an optimizer has."""
    return (word for word in words.ATTRIBUTES if word in ATTRIBUTES or any(hasattr(c, word) for c in _CLASSES))


class Engine(interface.Engine):
    names: Mapping[str, Any] = NAMES
    attributes: Mapping[str, interface.Attribute] = dict.fromkeys(_attributes(), NATIVE)

    def __init__(self, device: str | None = None) -> None:
        super().__init__(device)
        if int(np.__version__.partition(".")[0]) < 2:
            raise EngineUnusable(
                f"the reference engine needs NumPy 2 or newer (its rules of type promotion), and this is {np.__version__}"
            )

    @property
    def version(self) -> str:
        return harness.__version__

    def read(self, value: Any) -> Observed:
        if isinstance(value, Tensor):
            value = value._array
        if isinstance(value, np.ndarray):
            return Array(_NAME_OF.get(value.dtype) or value.dtype.name, value.shape, value.tolist())
        if value is None or isinstance(value, (bool, int, float, complex, str)):
            return value
        if isinstance(value, (list, tuple)):
            return [self.read(entry) for entry in value]
        if isinstance(value, np.dtype):
            return value.name
        return Opaque(type(value).__name__)

    def size(self, value: Any) -> int:
        return value._array.size if isinstance(value, Tensor) else int(getattr(value, "size", 1))

    def error_kind(self, error: BaseException) -> str | None:
        kind = getattr(error, "kind", None)
        if kind is None and isinstance(error, AttributeError) and str(error).startswith("'NoneType' object has no"):
            return "none-attribute"
        if kind is None and isinstance(error, IndexError):
            return "index-out-of-range"
        return kind

    def warning_kind(self, warning: Warning) -> str | None:
        return getattr(warning, "kind", None)

    def reset(self) -> None:
        modes.mode.reset()
        forward.forget_dual_level()
        anomaly.switch(False)
        levels.leave_all()
        random_numbers.manual_seed(0)
        np.seterr(all="ignore")

    def state(self) -> Mapping[str, Any]:
        open_levels = [type(level).__name__ for level in levels.open_now.levels]
        return {"modes": vars(modes.mode) or None, "levels": open_levels, "anomaly": anomaly.is_anomaly_enabled()}

    def graph(self, named: Mapping[str, Any]) -> Graph | None:
        try:
            return _graph_of({name: value for name, value in named.items() if isinstance(value, Tensor)})
        except AutogradError:  # a view that may not be used any more has no place in a graph
            return None

    def preamble(self, used: Iterable[str]) -> str:
        spelt = sorted(set(used) & NAMES.keys())
        spaces = sorted({word.partition(".")[0] for word in spelt if "." in word})
        lines = [f"{space} = types.SimpleNamespace()" for space in spaces]
        lines += [f"{word} = engine.names[{word!r}]" for word in spelt]
        return PREAMBLE.format(folder=str(Path(__file__).parent), bindings="\n".join(lines))


def _graph_of(named: Mapping[str, Tensor]) -> Graph:
    names: dict[Node, list[str]] = {}
    for name, tensor in named.items():
        edge = tensor.edge() if tensor.requires_grad else None
        if edge is not None:
            names.setdefault(edge[0], []).append(name)

    positions: dict[Node, int] = {}
    waiting = list(reversed(names))
    while waiting:
        node = waiting.pop()
        if node not in positions:
            positions[node] = len(positions)
            waiting.extend(operand for operand, _ in reversed(node.next_functions) if operand is not None)

    def drawn(node: Node) -> Drawn:
        own = tuple(names.get(node, ()))
        if isinstance(node, AccumulateGrad):
            return Drawn(own[0] if own else "leaf", "leaf", own)
        return Drawn(node.label, "root" if own else "op", own)

    edges = [
        (positions[node], positions[operand])
        for node in positions
        for operand, _ in node.next_functions
        if operand is not None
    ]
    return Graph(tuple(map(drawn, positions)), tuple(edges))


PREAMBLE = """\
import importlib.util
import sys
import types

folder = {folder!r}
spec = importlib.util.spec_from_file_location("reference", folder + "/__init__.py", submodule_search_locations=[folder])
sys.modules["reference"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["reference"])
engine = sys.modules["reference"].Engine()
{bindings}
"""
