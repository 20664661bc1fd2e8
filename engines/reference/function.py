"""Custom functions: operations whose derivative the user writes.

Keeps torch.autograd.Function and notes/extending. A subclass gives ``forward(ctx, *args)`` and ``backward(ctx, *grads)``:

- Operations inside of ``forward`` are not recorded; only the user's rule counts. ``ctx`` is the node of the graph that the
  call makes, and carries what ``backward`` needs: tensors through ``save_for_backward`` (checked against later writes and
  released like any saved value), everything else as attributes.
- ``backward`` gets one gradient per output and returns one per argument of ``forward``, None where there is nothing to
  return. It runs recorded if the pass is (``create_graph``), so a rule in differentiable operations can be differentiated.
- ``ctx.needs_input_grad`` tells which arguments require a gradient.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

import numpy as np

from .dtypes import DIFFERENTIABLE
from .errors import AutogradError, AutogradNotImplementedError, AutogradTypeError
from .graph import Node
from .modes import mode, no_grad
from .packing import Packed
from .record import freed
from .saved import Saved, SavedResult
from .tensor import Tensor


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
        self._are_tensors = tuple(isinstance(x, Tensor) for x in arguments)
        self._to_save: tuple[Any, ...] = ()
        self._saved: list[Saved | SavedResult | Packed | None] | None = []

    @property
    def label(self) -> str:  # type: ignore[override]
        return self.function.__name__

    def name(self) -> str:
        return f"{self.function.__name__}Backward"

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        if self._saved is None:
            raise freed()
        return tuple(None if saved is None else saved.unpack(self) for saved in self._saved)

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

    def release(self) -> None:
        if self._saved:
            self._saved = None

    def backward(self, gradients: list[Tensor | None], wanted: Collection[Node] | None) -> Sequence[Tensor | None]:
        rule = getattr(self.function, "backward", None)
        if rule is None:
            raise AutogradNotImplementedError(
                "not-implemented",
                "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
                "backward mode AD.",
            )
        complete = [
            Tensor(np.zeros(*self.results[i])) if gradient is None and self._outputs_are_tensors[i] else gradient
            for i, gradient in enumerate(gradients)
        ]
        returned = rule(self, *complete)
        return self._checked(returned if isinstance(returned, tuple) else (returned,))

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


class Function:
    """Base class; use subclasses by ``Subclass.apply(*args)``."""

    _node: ClassVar[type[FunctionNode]] = FunctionNode

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls._node = type(f"{cls.__name__}Backward", (FunctionNode,), {"function": cls})

    @classmethod
    def apply(cls, *arguments: Any) -> Any:
        forward = getattr(cls, "forward", None)
        if forward is None:
            raise AutogradNotImplementedError(
                "not-implemented", "You must implement the forward function for custom autograd.Function."
            )
        recorded = mode.recording and any(isinstance(x, Tensor) and x.requires_grad for x in arguments)
        context = cls._node(arguments, recorded)
        with no_grad():
            returned = forward(context, *arguments)
        outputs = list(returned) if isinstance(returned, tuple) else [returned]
        for i, output in enumerate(outputs):
            if isinstance(output, Tensor) and any(output is x for x in arguments):
                outputs[i] = output.detach()  # an argument handed through is a new tensor on the same memory
        context.finish(outputs)
        if recorded:
            for i, output in enumerate(outputs):
                if isinstance(output, Tensor) and output.dtype.kind in DIFFERENTIABLE:
                    output._node, output._output, output._flag = context, i, True
        return tuple(outputs) if isinstance(returned, tuple) else outputs[0]
