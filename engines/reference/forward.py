"""Forward mode: tangents that travel with the values.

Keeps torch.autograd.forward_ad. Inside of a *dual level* a tensor may have a tangent, a direction in which it moves. The
tangent of a result is the Jacobian of its operation times the tangents of the operands, computed at once, so that after
the function nothing is left to do: ``unpack_dual(f(make_dual(x, v)))`` is the value and the Jacobian-vector product.

**No operation has a rule for this.** The rule for reverse mode is enough, because for a fixed point it is linear in the
cotangent: ``g -> J.T g``. The gradient of a linear function with respect to its argument is its transpose, so when the
rule is recorded for some ``g`` and differentiated with the tangent ``t`` as its cotangent, what comes out is ``J t``
(`jvp`). The value of ``g`` is of no importance; zeros will do.

- Tangents of a level live with the tensors and are gone when the level is left. Levels of nested transformations (of
  `func.jvp`) do not mix: see levels.py. The level that users open themselves cannot be nested.
- The grad mode has no say in this. Tangents are computed under `no_grad`, too; there they are not recorded. Where they are
  recorded, they can be differentiated in reverse mode. And as the rules of reverse mode are operations like all others,
  a gradient computed from dual tensors has a tangent: forward over reverse.
- The result of a view operation is a view, and so is its tangent. A write in place writes the tangent in place.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import views
from .dtypes import DIFFERENTIABLE
from .errors import AutogradError, AutogradValueError
from .function import FunctionNode
from .graph import AccumulateGrad, Node, fitted, reverse_pass
from .inplace import snapshot
from .levels import Level, below, enter, leave
from .mapped import Mapped, gathered, per_entry
from .modes import enable_grad, mode
from .packing import nothing_packed
from .record import Operation, OperationNode, Options, apply
from .saved import Saved, SavedResult
from .tensor import Tensor
from .versions import UNCOUNTED


class ForwardLevel(Level):
    """One run of forward mode. Tensors refer to it weakly: the tangents of a level end with it."""

    def __init__(self, is_transform: bool = True) -> None:
        self.is_transform = is_transform

    def tangent(self, tensor: Any) -> Tensor | None:
        """The tangent of ``tensor``; that of a view is a view of its base's, where only the base has one."""
        if not isinstance(tensor, Tensor):
            return None
        tangents = getattr(tensor, "_tangents", None)
        tangent: Tensor | None = None if tangents is None else tangents.get(self)
        view = tensor._view
        if tangent is None and view is not None:
            base = self.tangent(view.base)
            if base is not None:
                with below(self):
                    tangent = views.repeat(view.steps, base)
        return tangent

    def join(self, tensor: Tensor, tangent: Tensor) -> None:
        tangents = getattr(tensor, "_tangents", None)
        if tangents is None:
            tangents = tensor._tangents = weakref.WeakKeyDictionary()
        tangents[self] = tangent
        _keep_with_saved_result(tensor)

    def executed(self, operation: Operation, operands: Sequence[Any], options: Options, result: Tensor) -> None:
        if result._array.dtype.kind not in DIFFERENTIABLE or mode.inference:
            return
        tangents = [self.tangent(x) for x in operands]
        if any(tangent is not None for tangent in tangents):
            with below(self):
                tangent = jvp(operation, operands, options, result, tangents)
            if tangent is not None:
                self.join(result, tangent)

    def writing(
        self, target: Tensor, operation: Operation, others: tuple[Any, ...], options: Options
    ) -> Callable[[], None] | None:
        present = self.tangent(target)
        if present is None and all(self.tangent(x) is None for x in others):
            return None
        with below(self):
            before = snapshot(target, copy=True)
            result = apply(operation, (before, *others), options)
            tangents = [present, *map(self.tangent, others)]
            future = jvp(operation, (before, *others), options, result, tangents)

        def finish() -> None:
            with below(self):
                (self._place_of_tangent(target) if present is None else present).copy_(
                    0.0 if future is None else future
                )
            _keep_with_saved_result(target)

        return finish

    def _place_of_tangent(self, target: Tensor) -> Tensor:
        """Room for the tangent of a tensor that had none: in a tangent of its base, if it is a view."""
        base = target if target._view is None else target._view.base
        self.join(base, Tensor(np.zeros_like(base._array)))
        tangent = self.tangent(target)
        assert tangent is not None
        if target is not base:
            self.join(target, tangent)
        return tangent

    def called(self, context: FunctionNode, arguments: Sequence[Any], outputs: Sequence[Any]) -> None:
        """A custom function was called: it has a rule of its own, ``jvp``."""
        tangents = [self.tangent(x) for x in arguments]
        if all(tangent is None for tangent in tangents) or mode.inference:
            return
        with below(self):
            pushed = context.push(
                [
                    Tensor(np.zeros_like(x._array))
                    if t is None and context.materializes and isinstance(x, Tensor)
                    else t
                    for x, t in zip(arguments, tangents, strict=True)
                ]
            )
        if len(pushed) != len(outputs):
            raise AutogradError(
                "invalid-argument", f"jvp returned {len(pushed)} tangents for the {len(outputs)} outputs of forward"
            )
        for output, tangent in zip(outputs, pushed, strict=True):
            if isinstance(output, Tensor) and tangent is not None:
                for x, t in zip(arguments, tangents, strict=True):
                    if t is not None and np.may_share_memory(output._array, x._array):
                        _check_is_view(tangent, t)
                self.join(output, tangent)

    def copied(self, of: Tensor, to: Tensor) -> None:
        tangent = self.tangent(of)
        if tangent is not None:
            with below(self):
                self.join(to, tangent.clone())


def _check_is_view(tangent: Tensor, of: Tensor) -> None:
    if not np.may_share_memory(tangent._array, of._array):
        raise AutogradError(
            "view-rule-mismatch",
            "jvp is not returning a view of the tangent of an input, although forward returns a view of that input. If "
            "the forward function returns a view, so must the jvp.",
        )


def jvp(
    operation: Operation, operands: Sequence[Any], options: Options, result: Tensor, tangents: Sequence[Tensor | None]
) -> Tensor | None:
    """The tangent of ``result``: the Jacobian of ``operation`` times the tangents of its operands."""
    if len(operands) == 1 and np.may_share_memory(result._array, operands[0]._array):
        assert tangents[0] is not None
        return views.view_of(operation, tangents[0], **options)

    tracked = sum(1 << position for position, tangent in enumerate(tangents) if tangent is not None)
    plan = operation.plan(tracked)
    if not plan.steps:
        return None
    ends = [None if t is None else (AccumulateGrad(x, None), 0) for t, x in zip(tangents, operands, strict=True)]
    recorded = mode.recording
    operands = [_countable(x) for x in operands]
    with enable_grad(), nothing_packed():
        node = OperationNode(operation, plan, options, operands, ends, result)
        if plan.saves_result:
            assert node.saved is not None
            node.saved["y"] = Saved(result)  # with its history and with its tangents of outer levels
        cotangent = Tensor(np.zeros_like(result._array))
        cotangent._flag = True
        pulled = _pulled(node, cotangent)
        parts = [
            None if pull is None or end is None else fitted(pull, end, node, position)
            for position, (pull, end) in enumerate(zip(pulled, ends, strict=True))
        ]
    total: Tensor | None = None
    for part, tangent in zip(parts, tangents, strict=True):
        if part is not None and tangent is not None:
            pushed = transposed(part, cotangent, tangent, recorded)
            if pushed is not None:
                total = pushed if total is None else total + pushed
    if total is None:
        return Tensor(np.zeros_like(result._array))
    if any(tangent is not None and np.may_share_memory(total._array, tangent._array) for tangent in tangents):
        total = total.clone()
    return total


def _pulled(node: OperationNode, cotangent: Tensor) -> Sequence[Tensor | None]:
    try:
        return node.backward([cotangent], None)
    except AutogradError as error:
        if error.kind != "no-derivative":
            raise
        raise AutogradError(
            "not-implemented",
            f"Trying to use forward AD with {node.label} that does not support it because it has not been implemented yet.",
        ) from None


def _countable(value: Any) -> Any:
    """An inference tensor cannot be saved, not even for the moment that it takes to compute a tangent: another one for it."""
    if not isinstance(value, Tensor) or value._writes is not UNCOUNTED:
        return value
    countable = Tensor(value._array)
    countable._tangents = getattr(value, "_tangents", None)
    return countable


def transposed(pulled: Tensor, cotangent: Tensor, tangent: Tensor, recorded: bool) -> Tensor | None:
    """``pulled`` is a linear function of ``cotangent``; this is its transpose, applied to ``tangent``."""
    start, end = pulled.edge() if pulled.requires_grad else None, cotangent.edge()
    assert end is not None
    if start is None:
        return None
    captured = reverse_pass(
        [(start, tangent)], retain_graph=recorded, create_graph=recorded, targets={end}, capture=True
    )
    return captured.get(end)


# -- results that are saved ------------------------------------------------------------------------------------------


class SavedDual(SavedResult):
    """A saved result with the tangents that it had. (A saved operand needs no care: it is the very tensor.)"""

    __slots__ = ("saved", "tangents")

    def __init__(self, saved: SavedResult, tangents: Any) -> None:
        self.saved = saved
        self.tangents = tangents

    def unpack(self, node: Node) -> Tensor:
        tensor = self.saved.unpack(node)
        tensor._tangents = self.tangents
        return tensor


def _keep_with_saved_result(tensor: Tensor) -> None:
    node = tensor._node
    if isinstance(node, OperationNode) and node.saved is not None:
        saved = node.saved.get("y")
        if isinstance(saved, SavedResult):
            node.saved["y"] = SavedDual(saved, tensor._tangents)
    elif isinstance(node, FunctionNode):
        node.replace_saved_output(tensor._output, lambda saved: SavedDual(saved, tensor._tangents))


# -- what users call -------------------------------------------------------------------------------------------------


class UnpackedDualTensor(NamedTuple):
    primal: Tensor
    tangent: Tensor | None


_ALIAS = Operation("alias", lambda a: a[...], ("a",), {"a": lambda g: g})


@per_entry
def alias(tensor: Tensor) -> Tensor:
    """Another tensor for the same value and with the same history: what it has of a level is its own matter."""
    other = apply(_ALIAS, (tensor,))
    other._writes = tensor._writes
    return other


@per_entry
def dual(level: ForwardLevel, primal: Tensor, tangent: Tensor) -> Tensor:
    """``primal`` with ``tangent`` at ``level``."""
    for tensor, name in ((primal, "primal"), (tangent, "tangent")):
        if tensor.dtype.kind not in DIFFERENTIABLE:
            raise AutogradValueError(
                "not-floating", f"Expected {name} to be floating point or complex, but got: {tensor.dtype}"
            )
    if primal.shape != tangent.shape:
        raise AutogradError(
            "tangent-size",
            f"Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
            f"supported. Tensor is of size {list(primal.shape)} while the given forward gradient is of size "
            f"{list(tangent.shape)}.",
        )
    if primal.dtype != tangent.dtype:
        raise AutogradError(
            "tangent-size",
            f"Expected the tangent to have the dtype of the primal ({primal.dtype}), but got {tangent.dtype}",
        )
    if level.tangent(primal) is not None:
        raise AutogradError(
            "dual-twice",
            "Trying to make a dual tensor from a tensor that already has a forward gradient at the same level",
        )
    if tangent._array.strides != primal._array.strides:
        copy = Tensor(np.empty_like(primal._array))
        copy.copy_(tangent)
        tangent = copy
    with below(level):
        result = views.view_of(_ALIAS, primal)
    level.join(result, _countable(tangent))
    return result


def undual(level: ForwardLevel, tensor: Tensor) -> UnpackedDualTensor:
    """The value without its tangent at ``level``, and that tangent."""
    if isinstance(tensor, Mapped):
        parts = [undual(level, entry) for entry in tensor.entries]
        if any(part.tangent is not None for part in parts):
            parts = [UnpackedDualTensor(p, p.zeros() if t is None else t) for p, t in parts]
        return gathered(tensor.level, parts)  # type: ignore[no-any-return]
    tangent = level.tangent(tensor)
    if tangent is None:
        return UnpackedDualTensor(tensor, None)
    with below(level):
        return UnpackedDualTensor(alias(tensor), alias(tangent))


_DUAL_LEVELS: list[ForwardLevel] = []
"""The level that users open, if it is open; there is at most one."""


def enter_dual_level() -> int:
    """Begin forward mode; the number of the level."""
    if _DUAL_LEVELS:
        raise AutogradError(
            "nested-forward-level",
            "Nested forward mode AD is not supported at the moment (a dual level is open already)",
        )
    level = ForwardLevel(is_transform=False)
    _DUAL_LEVELS.append(level)
    enter(level)
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End forward mode: all tangents of the level are gone."""
    if not _DUAL_LEVELS or level not in (None, 0):
        raise AutogradError(
            "no-forward-level" if not _DUAL_LEVELS else "invalid-argument",
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported.",
        )
    leave(_DUAL_LEVELS.pop())


class dual_level:
    """``with dual_level():`` forward mode for the block. Also a decorator."""

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exception: object) -> None:
        exit_dual_level()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def within(*arguments: Any, **keywords: Any) -> Any:
            with dual_level():
                return function(*arguments, **keywords)

        return within


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A tensor for the value of ``tensor`` that moves in the direction ``tangent``; both keep their memory."""
    if not _DUAL_LEVELS:
        raise AutogradError(
            "no-forward-level",
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first.",
        )
    return dual(_DUAL_LEVELS[-1], tensor, tangent)


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """Value and tangent; the tangent is None where there is none."""
    return undual(_DUAL_LEVELS[-1], tensor) if _DUAL_LEVELS else UnpackedDualTensor(tensor, None)


def forget_dual_level() -> None:
    """Leave the level if a program left it open."""
    _DUAL_LEVELS.clear()
