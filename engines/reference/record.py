"""Recording: from an operation that is executed to a node of the graph.

An `Operation` is a NumPy function with a name and one derivative rule per operand. `apply` runs it and, if recording is
on and an operand requires a gradient, puts an `OperationNode` behind the result.

A rule is a function of the incoming gradient ``g`` and of what it needs, *by the names of its parameters*:

    the names of operands    the tensors (or numbers) the operation was called with
    ``y``                    the result
    names of options         the keyword arguments of the operation (dim, keepdim ...)
    ``shape``                the shape of the operand that the rule is for

So the parameter list of a rule says what has to be saved: an operand or result that no needed rule names is not kept.
In ``c = a * b`` with only ``a`` tracked, just the rule of ``a`` is needed, that rule names ``b``, and only ``b`` is
saved (notes/autograd#saved-tensors). Rules are written in differentiable operations, hence a reverse pass that is
recorded (``create_graph``) can be differentiated like any other computation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from .dtypes import DIFFERENTIABLE, Array
from .errors import AutogradError, AutogradValueError
from .graph import Edge, Node
from .modes import mode
from .packing import Packed, Pair
from .saved import Saved, SavedResult
from .tensor import Tensor
from .versions import UNCOUNTED

Rule = Callable[..., Any]
Options = Mapping[str, Any]
NO_OPTIONS: Final[Options] = {}


class Step(NamedTuple):
    """One derivative to compute when a node runs."""

    position: int
    rule: Rule
    needs: tuple[str, ...]


class Plan(NamedTuple):
    """What recording and differentiating an operation takes when certain operands are tracked."""

    steps: tuple[Step, ...]
    operands_saved: tuple[tuple[str, int], ...]
    saves_result: bool


class Operation:
    """A forward function on arrays, with a rule for each operand that can be differentiated."""

    def __init__(
        self,
        name: str,
        forward: Callable[..., Array],
        operands: Sequence[str],
        rules: Mapping[str, Rule],
    ) -> None:
        self.name, _, overload = name.partition(":")
        self.overload = overload or "0"
        self.forward = forward
        self.operands = tuple(operands)
        self._needs = {operand: tuple(inspect.signature(rule).parameters)[1:] for operand, rule in rules.items()}
        self._rules = rules
        self._plans: dict[int, Plan] = {}

    def __repr__(self) -> str:
        return f"<Operation {self.name}>"

    def plan(self, tracked: int) -> Plan:
        """``tracked``: the set of tracked operands, as bits."""
        plan = self._plans.get(tracked)
        if plan is None:
            plan = self._plans[tracked] = self._make_plan(tracked)
        return plan

    def may_save(self, position: int) -> bool:
        """Whether the rule of another operand needs the one at ``position``."""
        name = self.operands[position]
        return any(name in needs for needs in self._needs.values())

    def _make_plan(self, tracked: int) -> Plan:
        steps = [
            Step(position, self._rules[operand], self._needs[operand])
            for position, operand in enumerate(self.operands)
            if tracked >> position & 1 and operand in self._rules
        ]
        needed = dict.fromkeys(name for step in steps for name in step.needs)
        saved = tuple((name, self.operands.index(name)) for name in needed if name in self.operands)
        return Plan(tuple(steps), saved, "y" in needed)


class OperationNode(Node):
    """A recorded operation with what its rules need."""

    __slots__ = ("operation", "options", "plan", "saved")

    def __init__(
        self,
        operation: Operation,
        plan: Plan,
        options: Options,
        operands: Sequence[Any],
        edges: Sequence[Edge | None],
        result: Tensor,
    ) -> None:
        array = result._array
        Node.__init__(self, edges, ((array.shape, array.dtype),))
        self.operation = operation
        self.plan = plan
        self.options = options
        saved: dict[str, Any] = {}
        for name, position in plan.operands_saved:
            operand = operands[position]
            saved[name] = Saved(operand) if isinstance(operand, Tensor) else operand
        if plan.saves_result:
            saved["y"] = SavedResult(result, 0)
        self.saved: dict[str, Any] | None = saved

    @property
    def label(self) -> str:  # type: ignore[override]
        return self.operation.name

    def name(self) -> str:
        words = self.operation.name.split("_")
        return "".join(word.capitalize() for word in words) + f"Backward{self.operation.overload}"

    def backward(self, gradients: list[Tensor | None], wanted: Collection[Node] | None) -> Sequence[Tensor | None]:
        gradient = gradients[0]
        assert gradient is not None
        conjugated = gradient.dtype.kind == "c"  # so is the result; see rules.py
        if conjugated:
            gradient = gradient.conj()
        produced: list[Tensor | None] = [None] * len(self.edges)
        known = dict(self.options)
        for position, rule, needs in self.plan.steps:
            edge = self.edges[position]
            if edge is None or (wanted is not None and edge[0] not in wanted):
                continue
            arguments = []
            for name in needs:
                if name == "shape":
                    arguments.append(edge[0].results[edge[1]][0])
                    continue
                if name not in known:
                    known[name] = self.unpack(name)
                arguments.append(known[name])
            partial = rule(gradient, *arguments)
            produced[position] = partial.conj() if conjugated else partial
        return produced

    def unpack(self, name: str) -> Any:
        """The saved operand (by its name) or result (``y``)."""
        if self.saved is None:
            raise freed()
        value = self.saved[name]
        return value.unpack(self) if isinstance(value, (Saved, SavedResult, Packed)) else value

    def move_result(self, tensor: Tensor) -> None:
        """The result was written into the memory of ``tensor``: if it is saved, it is saved there."""
        if self.saved is not None and isinstance(self.saved.get("y"), SavedResult):
            self.saved["y"] = SavedResult(tensor, 0)

    def pack(self, pair: Pair) -> None:
        assert self.saved is not None
        for name, value in self.saved.items():
            if isinstance(value, (Saved, SavedResult)):
                self.saved[name] = Packed(value, self, pair)

    @property
    def saved_names(self) -> list[str]:
        return [name for name, _ in self.plan.operands_saved] + ["y"] * self.plan.saves_result

    def release(self) -> None:
        self.saved = None


def freed() -> AutogradError:
    return AutogradError(
        "graph-freed",
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
        "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
        "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
        "saved tensors after calling backward.",
    )


class Interpreter:
    """What executes operations while a transformation is in progress: see levels.py."""

    def apply(self, operation: Operation, operands: Sequence[Any], options: Options) -> Tensor:
        raise NotImplementedError

    def view(self, operation: Operation, operand: Tensor, options: Options) -> Tensor:
        raise NotImplementedError

    def write(self, target: Tensor, operation: Operation, others: tuple[Any, ...], options: Options) -> Tensor:
        raise NotImplementedError

    def call(self, custom: Any, arguments: Sequence[Any]) -> Any:
        """A call of a custom function."""
        raise NotImplementedError

    def copied(self, of: Tensor, to: Tensor) -> None:
        """``to`` remembers what ``of`` is before a write."""

    def created(self, tensor: Tensor) -> None:
        """``tensor`` was made from numbers."""


interpreter: Interpreter | None = None
"""None, which costs nothing, unless a level is open somewhere."""


def apply(operation: Operation, operands: Sequence[Any], options: Options = NO_OPTIONS) -> Tensor:
    """Execute ``operation`` on tensors and numbers; record it if that is called for."""
    if interpreter is not None:
        return interpreter.apply(operation, operands, options)
    return execute(operation, operands, options)


def execute(operation: Operation, operands: Sequence[Any], options: Options) -> Tensor:
    values = [x._array if isinstance(x, Tensor) else x for x in operands]
    try:
        array = operation.forward(*values, **options)
    except ValueError as error:  # what NumPy refuses: shapes that do not fit together, axes that are not there
        if hasattr(error, "kind"):
            raise
        raise AutogradValueError("invalid-argument", f"{operation.name}: {error}") from error
    return record(operation, operands, array, options)


def record(operation: Operation, operands: Sequence[Any], array: Array, options: Options = NO_OPTIONS) -> Tensor:
    """``array``, which ``operation`` made of ``operands``, as a tensor with its history."""
    result = Tensor(array if array.__class__ is np.ndarray else np.asarray(array))
    if not mode.recording:
        if mode.inference:
            result._writes = UNCOUNTED
        return result
    tracked = 0  # the set of operands that require a gradient, as bits
    bit = 1
    edges: list[Edge | None] = []
    for x in operands:
        edge = None
        if isinstance(x, Tensor) and (x._flag or x.requires_grad):
            tracked |= bit
            edge = x.edge()
        edges.append(edge)
        bit <<= 1
    if tracked and result._array.dtype.kind in DIFFERENTIABLE:
        result._node = node = OperationNode(operation, operation.plan(tracked), options, operands, edges, result)
        result._flag = True
        if mode.packing is not None:
            node.pack(mode.packing)
    return result
