"""How the harness speaks to this engine. The engine has PyTorch's spelling, so every attribute is native."""

from __future__ import annotations

import copy
import numbers
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import harness
from harness import engine as interface
from harness.engine import NATIVE, Array, EngineUnusable, Graph, Observed, Opaque
from harness.engine import Node as Drawn
from harness.language import words

from . import (
    anomaly,
    checkpoint,
    clip,
    complex_numbers,
    creation,
    dtypes,
    edges,
    forward,
    function,
    functional,
    gradcheck,
    inference,
    jacobians,
    layout,
    levels,
    modes,
    modules,
    multi_grad,
    mutation,
    operations,
    ops,
    optim,
    packing,
    parametrize,
    random_numbers,
    selective,
    stateless,
    threads,
    transforms,
    versions,
    vmap,
)
from . import autograd as differentiation
from .errors import AutogradError
from .function import FunctionNode
from .graph import AccumulateGrad, Node
from .out import with_out
from .record import OperationNode
from .tensor import Tensor


def op_name(tensor: Tensor) -> str | None:
    """The engine-neutral name of the operation that made ``tensor``; None for a leaf."""
    return None if tensor.grad_fn is None else tensor.grad_fn.label


def next_ops(tensor: Tensor) -> list[str | None]:
    node = tensor.grad_fn
    return [] if node is None else [None if operand is None else operand.label for operand, _ in node.next_functions]


def raw_saved(tensor: Tensor) -> list[packing.SavedTensor]:
    """What the creator of ``tensor`` keeps, in the form in which it is kept."""
    node = tensor.grad_fn
    if isinstance(node, OperationNode):
        names = [name for name in node.saved_names if node.saved is None or not _is_number(node.saved[name])]
        return [packing.SavedTensor(node, lambda: node.saved, name) for name in names]
    if isinstance(node, FunctionNode):
        return [packing.SavedTensor(node, lambda: node._saved, i) for i in range(len(node._saved or ()))]
    return []


def saved(tensor: Tensor) -> list[Tensor]:
    """What the creator of ``tensor`` keeps for the reverse pass."""
    node = tensor.grad_fn
    if isinstance(node, FunctionNode):
        return [kept for kept in node.saved_tensors if kept is not None]
    if isinstance(node, OperationNode):
        kept = [node.unpack(name) for name in node.saved_names]
        return [value if isinstance(value, Tensor) else creation.tensor(value) for value in kept if _is_value(value)]
    return []


def _is_number(kept: Any) -> bool:
    return isinstance(kept, numbers.Number)


def _is_value(kept: Any) -> bool:
    return isinstance(kept, Tensor) or _is_number(kept)


def same_storage(one: Tensor, other: Tensor) -> bool:
    return np.may_share_memory(_whole(one._array), _whole(other._array))


def _whole(array: Any) -> Any:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


_OPERATIONS: dict[str, Any] = {**ops.WORDS, **operations.WORDS}
_WITH_OUT = frozenset(
    {"add", "sub", "mul", "div", "pow", "matmul", "mm", "exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid"}
)

WORDS: dict[str, Any] = {
    "tensor": creation.tensor,
    "zeros": creation.zeros,
    "ones": creation.ones,
    "zeros_like": creation.zeros_like,
    "ones_like": creation.ones_like,
    "Tensor": Tensor,
    "repr": repr,
    "Variable": creation.Variable,
    "Parameter": modules.Parameter,
    "Module": modules.Module,
    "Linear": modules.Linear,
    "Sequential": modules.Sequential,
    "SGD": optim.SGD,
    "Adam": optim.Adam,
    "AdamW": optim.AdamW,
    "RMSprop": optim.RMSprop,
    "Adagrad": optim.Adagrad,
    "clip_grad_norm_": clip.clip_grad_norm_,
    "clip_grad_norm": clip.clip_grad_norm,
    "clip_grad_value_": clip.clip_grad_value_,
    "get_total_norm": clip.get_total_norm,
    "clip_grads_with_norm_": clip.clip_grads_with_norm_,
    "func.functional_call": stateless.functional_call,
    "functional_call": stateless.functional_call,
    "func.stack_module_state": stateless.stack_module_state,
    "func.functionalize": stateless.functionalize,
    "OrderedDict": OrderedDict,
    "parametrize.register_parametrization": parametrize.register_parametrization,
    "parametrize.remove_parametrizations": parametrize.remove_parametrizations,
    "parametrize.is_parametrized": parametrize.is_parametrized,
    "parametrize.cached": parametrize.cached,
    "parametrize.weight_norm": parametrize.weight_norm,
    "Function": function.Function,
    "no_grad": modes.no_grad,
    "enable_grad": modes.enable_grad,
    "set_grad_enabled": modes.set_grad_enabled,
    "backward": differentiation.backward,
    "grad": differentiation.grad,
    **_OPERATIONS,
    **{word: with_out(meaning) for word, meaning in _OPERATIONS.items() if word in _WITH_OUT},
    "float16": dtypes.float16,
    "float32": dtypes.float32,
    "float64": dtypes.float64,
    "complex64": dtypes.complex64,
    "complex128": dtypes.complex128,
    "int32": dtypes.int32,
    "int64": dtypes.int64,
    "op_name": op_name,
    "next_ops": next_ops,
    "saved": saved,
    "same_storage": same_storage,
    "raw_saved": raw_saved,
    "view_as_real": complex_numbers.view_as_real,
    "view_as_complex": complex_numbers.view_as_complex,
    "version": lambda tensor: tensor._version,
    "once_differentiable": function.once_differentiable,
    "forward_ad.make_dual": forward.make_dual,
    "forward_ad.unpack_dual": forward.unpack_dual,
    "forward_ad.dual_level": forward.dual_level,
    "forward_ad.enter_dual_level": forward.enter_dual_level,
    "forward_ad.exit_dual_level": forward.exit_dual_level,
    "vmap": vmap.vmap,
    "func.grad": transforms.grad,
    "func.grad_and_value": transforms.grad_and_value,
    "func.vjp": transforms.vjp,
    "func.jvp": transforms.jvp,
    "func.linearize": transforms.linearize,
    "func.jacrev": jacobians.jacrev,
    "func.jacfwd": jacobians.jacfwd,
    "func.hessian": jacobians.hessian,
    "functional.jacobian": functional.jacobian,
    "functional.hessian": functional.hessian,
    "functional.vjp": functional.vjp,
    "functional.jvp": functional.jvp,
    "functional.vhp": functional.vhp,
    "functional.hvp": functional.hvp,
    "gradcheck": gradcheck.gradcheck,
    "gradgradcheck": gradcheck.gradgradcheck,
    "GradcheckError": gradcheck.GradcheckError,
    "detect_anomaly": anomaly.detect_anomaly,
    "set_detect_anomaly": anomaly.set_detect_anomaly,
    "is_anomaly_enabled": anomaly.is_anomaly_enabled,
    "is_anomaly_check_nan_enabled": anomaly.is_anomaly_check_nan_enabled,
    "checkpoint": checkpoint.checkpoint,
    "checkpoint_sequential": checkpoint.checkpoint_sequential,
    "set_checkpoint_early_stop": checkpoint.set_checkpoint_early_stop,
    "create_selective_checkpoint_contexts": selective.create_selective_checkpoint_contexts,
    "manual_seed": random_numbers.manual_seed,
    "rand_like": random_numbers.rand_like,
    "is_view": lambda tensor: tensor._view is not None,
    "is_inference": inference.is_inference,
    "strides": lambda tensor: layout.strides(tensor._array),
    "in_thread": threads.in_thread,
    "thread_id": threads.thread_id,
    "deepcopy": copy.deepcopy,
    "is_grad_enabled": modes.is_grad_enabled,
    "inference_mode": inference.inference_mode,
    "is_inference_mode_enabled": inference.is_inference_mode_enabled,
    "set_multithreading_enabled": modes.set_multithreading_enabled,
    "is_multithreading_enabled": modes.is_multithreading_enabled,
    "enforce_grad_layout_policy": layout.enforce_grad_layout_policy,
    "saved_tensors_hooks": packing.saved_tensors_hooks,
    "save_on_cpu": packing.save_on_cpu,
    "disable_saved_tensors_hooks": packing.disable_saved_tensors_hooks,
    "allow_mutation_on_saved_tensors": mutation.allow_mutation_on_saved_tensors,
    "register_multi_grad_hook": multi_grad.register_multi_grad_hook,
    "get_gradient_edge": edges.get_gradient_edge,
    "GradientEdge": edges.GradientEdge,
    "Node": Node,
    "increment_version": versions.increment_version,
}
"""Every word that the engine gives a meaning, whether or not the language has it yet."""

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
    values indices parametrizations original original0 original1 a b buf k n plain w x y layer count
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
