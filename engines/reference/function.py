"""Custom functions: operations whose derivative the user writes.

Keeps torch.autograd.Function and notes/extending. A subclass gives ``forward`` and ``backward(ctx, *grads)``:

- Operations inside of ``forward`` are not recorded; only the user's rule counts. ``ctx`` is the node of the graph that the
  call makes (`FunctionNode`), and carries what ``backward`` needs: tensors through ``save_for_backward`` (checked against
  later writes and released like any saved value), everything else as attributes.
- ``forward(ctx, *args)`` does both at once; or ``forward(*args)`` computes and ``setup_context(ctx, inputs, output)`` saves,
  the form that function transforms need.
- ``backward`` gets one gradient per output and returns one per argument of ``forward``, None where there is nothing to
  return. It runs recorded if the pass is (``create_graph``), so a rule in differentiable operations can be differentiated;
  `once_differentiable` says that a rule is not, and makes the attempt an error.
- ``ctx.needs_input_grad`` tells which arguments require a gradient, ``ctx.mark_dirty`` declares arguments written in place,
  ``ctx.mark_non_differentiable`` outputs without gradients, ``ctx.set_materialize_grads(False)`` asks for None instead of
  zeros where no gradient arrived.
- ``jvp(ctx, *tangents)`` is the rule of forward mode (forward.py), ``vmap`` or ``generate_vmap_rule`` that of maps (vmap.py).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar

import numpy as np

from . import record
from .dtypes import DIFFERENTIABLE
from .errors import AutogradError, AutogradNotImplementedError, AutogradTypeError, warn
from .graph import Node
from .inplace import take_over
from .modes import mode, no_grad
from .packing import Packed
from .saved import Saved, SavedResult
from .tensor import Tensor
from .trees import as_tuple


class FunctionNode(Node):
    """The node of one call of a custom function; the user knows it as ``ctx``. Takes any attribute."""

    function: ClassVar[type[Function]]

    def __init__(self, arguments: Sequence[Any], recorded: bool) -> None:
        self.needs_input_grad = tuple(isinstance(x, Tensor) and x.requires_grad for x in arguments)
        edges = [
            x.edge() if recorded and needed else None
            for x, needed in zip(arguments, self.needs_input_grad, strict=True)
        ]
        super().__init__(edges, ())
        self.materializes = True
        self._are_tensors = tuple(isinstance(x, Tensor) for x in arguments)
        self._to_save: tuple[Any, ...] = ()
        self._for_forward: tuple[Any, ...] | None = None
        self._dirty: tuple[Tensor, ...] = ()
        self._constant: tuple[Tensor, ...] = ()
        self._saved: list[Saved | SavedResult | Packed | None] | None = []
        self._was_read = False

    @property
    def label(self) -> str:  # type: ignore[override]
        return self.function.__name__

    def name(self) -> str:
        return f"{self.function.__name__}Backward"

    # -- what the user's forward says ----------------------------------------------------------------------------------

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        if not all(tensor is None or isinstance(tensor, Tensor) for tensor in tensors):
            raise AutogradTypeError(
                "save-non-tensor",
                "save_for_forward expects all arguments to be tensors; you should save non-tensors as attributes on ctx.",
            )
        self._for_forward = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        self.materializes = value

    # -- what the user's rules ask -------------------------------------------------------------------------------------

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        if self._for_forward is not None:  # the jvp rule asks
            return self._for_forward
        if self._was_read and self.function.clear_saved_tensors_on_access:
            raise AutogradError(
                "saved-twice-read",
                "saved tensors can only be accessed once when clear_saved_tensors_on_access=True: the first access has "
                "cleared them",
            )
        if self._saved is None:
            raise record.freed()
        self._was_read = True
        return tuple(None if saved is None else saved.unpack(self) for saved in self._saved)

    # -- the call ------------------------------------------------------------------------------------------------------

    def finish(self, outputs: Sequence[Any]) -> None:
        """``forward`` is over: take note of its outputs and save what it asked for."""
        self.results = [(x.shape, x.dtype) if isinstance(x, Tensor) else ((), np.dtype(bool)) for x in outputs]
        self._outputs_are_tensors = tuple(isinstance(x, Tensor) for x in outputs)
        self._saved = []
        for i, tensor in enumerate(self._to_save):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise AutogradTypeError(
                    "save-non-tensor",
                    f"save_for_backward can only save variables, but argument {i} is of type {type(tensor).__name__}",
                )
            position = next((k for k, x in enumerate(outputs) if x is tensor), None)
            if tensor is None:
                self._saved.append(None)
            else:
                saved = Saved(tensor) if position is None else SavedResult(tensor, position)
                self._saved.append(saved if mode.packing is None else Packed(saved, self, mode.packing))
        self._to_save = ()

    def replace_saved_output(self, output: int, change: Callable[[SavedResult], SavedResult]) -> None:
        self._saved = [
            change(saved) if isinstance(saved, SavedResult) and saved._output == output else saved
            for saved in self._saved or ()
        ]

    def release(self) -> None:
        if self._saved:
            self._saved = None

    # -- the rules -----------------------------------------------------------------------------------------------------

    def backward(self, gradients: list[Tensor | None], wanted: Collection[Node] | None) -> Sequence[Tensor | None]:
        self._was_read = False
        complete = [
            Tensor(np.zeros(*self.results[i]))
            if gradient is None and self._outputs_are_tensors[i] and self.materializes
            else gradient
            for i, gradient in enumerate(gradients)
        ]
        rule = self._rule()
        returned = rule(self, complete) if self.function.boxed_grads_call else rule(self, *complete)
        return self._checked(as_tuple(returned))

    def _rule(self) -> Callable[..., Any]:
        backward, vjp = getattr(self.function, "backward", None), getattr(self.function, "vjp", None)
        if backward is not None and vjp is not None:
            raise AutogradError(
                "invalid-argument",
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement "
                "one of them.",
            )
        rule: Callable[..., Any] | None = backward or vjp
        if rule is None:
            raise AutogradNotImplementedError(
                "not-implemented",
                "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
                "backward mode AD.",
            )
        return rule

    def _checked(self, returned: tuple[Any, ...]) -> Sequence[Tensor | None]:
        expected = len(self.edges)
        if len(returned) < expected or any(x is not None for x in returned[expected:]):
            raise AutogradError(
                "wrong-gradient-count",
                f"function {self.name()} returned an incorrect number of gradients (expected {expected}, got "
                f"{len(returned)})",
            )
        for i, gradient in enumerate(returned[:expected]):
            if gradient is None:
                continue
            if not self._are_tensors[i]:
                raise AutogradError(
                    "gradient-for-non-tensor",
                    f"function {self.name()} returned a gradient different from None at position {i + 1}, but the "
                    "corresponding forward input was not a Variable",
                )
            if not isinstance(gradient, Tensor):
                raise AutogradTypeError(
                    "wrong-gradient-type",
                    f"{self.name()}: expected Variable or None (got {type(gradient).__name__})",
                )
        return returned[:expected]

    def push(self, tangents: Sequence[Tensor | None]) -> tuple[Tensor | None, ...]:
        """The tangents of the outputs, by the user's rule for forward mode."""
        rule = getattr(self.function, "jvp", None)
        if rule is None:
            raise AutogradNotImplementedError(
                "not-implemented",
                "You must implement the jvp function for custom autograd.Function to use it with forward mode AD.",
            )
        return as_tuple(rule(self, *tangents))


class Function:
    """Base class; use subclasses by ``Subclass.apply(*args)``."""

    setup_context: ClassVar[Any] = None
    generate_vmap_rule: ClassVar[bool] = False
    clear_saved_tensors_on_access: ClassVar[bool] = False
    boxed_grads_call: ClassVar[bool] = False
    _node: ClassVar[type[FunctionNode]] = FunctionNode

    def __init__(self) -> None:
        warn(
            "deprecated-use",
            f"{type(self).__name__} should not be instantiated. Methods on autograd functions are all static, so you "
            "should invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.",
        )

    def __call__(self, *arguments: Any) -> Any:
        raise AutogradError(
            "legacy-function",
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method.",
        )

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls._node = type(f"{cls.__name__}Backward", (FunctionNode,), {"function": cls})

    @classmethod
    def apply(cls, *arguments: Any, **keywords: Any) -> Any:
        forward = getattr(cls, "forward", None)
        if forward is None:
            raise AutogradNotImplementedError(
                "not-implemented", "You must implement the forward function for custom autograd.Function."
            )
        if cls.setup_context is not None:
            bound = inspect.signature(forward).bind(*arguments, **keywords)
            bound.apply_defaults()
            arguments = bound.args
        if record.interpreter is not None:
            return record.interpreter.call(cls, arguments)
        return call(cls, arguments)


def call(
    custom: type[Function],
    arguments: Sequence[Any],
    then: Callable[[FunctionNode, Sequence[Any]], None] | None = None,
) -> Any:
    """Run ``forward`` and record the call. ``then(ctx, outputs)`` is told when the outputs are known."""
    forward: Callable[..., Any] = custom.forward  # type: ignore[attr-defined]
    recorded = mode.recording and any(isinstance(x, Tensor) and x.requires_grad for x in arguments)
    context = custom._node(arguments, recorded)
    with no_grad():
        if custom.setup_context is None:
            returned = forward(context, *arguments)
        else:
            returned = forward(*arguments)
            custom.setup_context(context, tuple(arguments), returned)
    outputs = list(returned) if isinstance(returned, tuple) else [returned]
    _check_dirty(context, outputs, recorded)
    for i, output in enumerate(outputs):
        if isinstance(output, Tensor) and any(output is x for x in arguments) and not _among(output, context._dirty):
            outputs[i] = output.detach()  # an argument handed through is a new tensor on the same memory
    context.finish(outputs)
    if recorded:
        for i, output in enumerate(outputs):
            if (
                isinstance(output, Tensor)
                and output.dtype.kind in DIFFERENTIABLE
                and not _among(output, context._constant)
            ):
                result = Tensor(output._array) if _among(output, context._dirty) else output
                result._node, result._output, result._flag = context, i, True
                if result is not output:
                    take_over(output, result)
    if then is not None:
        then(context, outputs)
    context._for_forward, context._dirty, context._constant = None, (), ()
    return tuple(outputs) if isinstance(returned, tuple) else outputs[0]


def _among(tensor: Tensor, tensors: Sequence[Tensor]) -> bool:
    return any(tensor is other for other in tensors)


def _check_dirty(context: FunctionNode, outputs: Sequence[Any], recorded: bool) -> None:
    for tensor in context._dirty:
        tensor._writes[0] += 1
        if recorded and tensor.is_leaf and tensor.requires_grad:
            raise AutogradError(
                "leaf-inplace", "a leaf Variable that requires grad has been used in an in-place operation."
            )
        if not any(tensor is output for output in outputs):
            raise AutogradError(
                "dirty-not-returned",
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that are "
                "modified inplace must all be outputs of the Function.",
            )


# -- rules for first derivatives only ----------------------------------------------------------------------------------


class _Refusal(Node):
    """Stands behind the result of a rule that cannot be differentiated."""

    __slots__ = ()
    label = "once_differentiable"

    def backward(self, gradients: list[Tensor | None], wanted: Collection[Node] | None) -> Sequence[Tensor | None]:
        raise AutogradError(
            "second-order-refused",
            "trying to differentiate twice a function that was marked with @once_differentiable",
        )

    def name(self) -> str:
        return "DelayedError"


def once_differentiable(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a ``backward`` whose own derivative would be wrong: nothing in it is recorded, and differentiating its
    result, where it is recorded at all (because a gradient that arrived is), raises an error."""

    @functools.wraps(rule)
    def backward(context: FunctionNode, *gradients: Any) -> Any:
        with no_grad():
            returned = rule(context, *gradients)
        if not mode.recording or not any(isinstance(g, Tensor) and g.requires_grad for g in gradients):
            return returned
        results = list(returned) if isinstance(returned, tuple) else [returned]
        refusal = _Refusal((), [(x.shape, x.dtype) if isinstance(x, Tensor) else ((), np.dtype(bool)) for x in results])
        for i, result in enumerate(results):
            if isinstance(result, Tensor):
                results[i] = result = result.detach()
                result._node, result._output, result._flag = refusal, i, True
        return tuple(results)

    return backward
