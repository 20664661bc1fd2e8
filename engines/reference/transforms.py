"""Function transforms: from a function to the function that computes its derivative.

Keeps torch.func. ``grad(f)`` is a function of the same arguments as ``f``. Nothing is stored in ``.grad``; what is
differentiated is marked by nobody but the transform, and nothing of that is visible outside:

- The function gets *variables* in the place of its arguments: other tensors for the same values (`ReverseLevel.variable`).
  The very same tensor, captured by the function instead of passed to it, is a constant.
- What leaves a transform (`ReverseLevel.released`) is recorded only if it depends on something that is tracked outside of
  it: on an argument that requires a gradient, on a captured tensor, on a variable of a transform around this one. So
  transforms nest, ``grad(grad(f))`` is the second derivative, and each derives with respect to its own variables alone.
- `vjp`, `grad`, `jacrev` derive in reverse, on the tape; `jvp` and `jacfwd` forward (forward.py), with a level for each run.
- Inside of a function under transformation, ``backward`` and ``requires_grad_`` are refused, and so are writes to what the
  function captured: they would leave traces of a computation that, seen from outside, has none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .autograd import tracked_gradients
from .dtypes import DIFFERENTIABLE
from .errors import AutogradError, AutogradValueError
from .forward import ForwardLevel, alias, dual, undual
from .graph import AccumulateGrad, Node
from .levels import Level, innermost_transform, open_now, opened
from .mapped import Mapped, per_entry
from .modes import Block, mode, no_grad, recorded
from .packing import disable_saved_tensors_hooks
from .record import Operation, Options
from .tensor import Tensor
from .trees import flatten, map_leaves, unflatten
from .versions import UNCOUNTED

Argnums = int | tuple[int, ...]


class out_of_inference(Block):
    """Inference mode is off, the grad mode as it is. A transform works in inference mode, too."""

    def begin(self) -> None:
        mode.switch(mode.enabled, False)


class _Guarded(Level):
    """Knows which memory came into being inside of it, and refuses writes to any other."""

    def __init__(self) -> None:
        self._own: dict[int, list[int]] = {}

    def own(self, tensor: Tensor) -> None:
        self._own[id(tensor._writes)] = tensor._writes

    def created(self, tensor: Tensor) -> None:
        self.own(tensor)

    def executed(self, operation: Operation, operands: Sequence[Any], options: Options, result: Tensor) -> None:
        if result._view is None:
            self.own(result)
        super().executed(operation, operands, options, result)

    def writing(
        self, target: Tensor, operation: Operation, others: tuple[Any, ...], options: Options
    ) -> Callable[[], None] | None:
        if innermost_transform() is self and id(target._writes) not in self._own:
            raise AutogradError(
                "captured-mutation",
                "During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call in-place operation "
                f"({operation.name}_) that would mutate a captured Tensor. This is not supported; please rewrite the "
                "function being transformed to explicitly accept the mutated Tensor(s) as inputs.",
            )
        return super().writing(target, operation, others, options)


class Variable(Tensor):
    """A leaf that a transform differentiates with respect to."""

    __slots__ = ("level",)

    level: ReverseLevel


class ReverseLevel(_Guarded):
    """One run of a transform that differentiates in reverse."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded = mode.recording

    @per_entry
    def variable(self, value: Any) -> Tensor:
        """What stands for an argument inside. It is computed from the argument if that is tracked, else a leaf."""
        if not isinstance(value, Tensor):
            raise AutogradValueError("not-a-tensor", f"Thing passed to transform API must be Tensor, got {type(value)}")
        if value.dtype.kind not in DIFFERENTIABLE:
            raise AutogradError("non-float-requires-grad", "only Tensors of floating point dtype can require gradients")
        inside = alias(value)
        if not inside.requires_grad:
            leaf = Variable(inside._array)
            leaf._writes = [0] if inside._writes is UNCOUNTED else inside._writes
            leaf._tangents = getattr(inside, "_tangents", None)
            leaf._flag = True
            leaf.level = self
            inside = leaf
        self.own(inside)
        return inside

    @per_entry
    def released(self, value: Any) -> Any:
        """``value`` as it may leave: with the history that others have a part in, or with none."""
        if not isinstance(value, Tensor):
            raise AutogradError("not-a-tensor", f"Expected tensors, got unsupported type {type(value)}")
        if not value.requires_grad or (self.recorded and self._concerns_others(value)):
            return value
        with no_grad():
            return alias(value)

    def _concerns_others(self, tensor: Tensor) -> bool:
        edge = tensor.edge()
        stack = [] if edge is None else [edge[0]]
        seen: set[Node] = set(stack)
        while stack:
            node = stack.pop()
            if isinstance(node, AccumulateGrad) and self._is_of_others(node.variable):
                return True
            for edge in node.edges:
                if edge is not None and edge[0] not in seen:
                    seen.add(edge[0])
                    stack.append(edge[0])
        return False

    def _is_of_others(self, leaf: Tensor) -> bool:
        return not isinstance(leaf, Variable) or (leaf.level is not self and leaf.level in open_now.levels)


def gradients(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], cotangents: Sequence[Tensor | None], create_graph: bool
) -> list[Tensor]:
    """The vector-Jacobian product, zero where there is no dependence, and as often as one likes."""
    found = tracked_gradients(outputs, inputs, cotangents, create_graph)
    return [x.zeros() if g is None else g for x, g in zip(inputs, found, strict=True)]


# -- which arguments ---------------------------------------------------------------------------------------------------


def chosen(arguments: tuple[Any, ...], argnums: Any) -> Any:
    """The arguments that ``argnums`` names: one, or a tuple of several."""
    if isinstance(argnums, int):
        return arguments[_position(argnums, len(arguments))]
    return tuple(arguments[_position(argnum, len(arguments))] for argnum in _checked_argnums(argnums, len(arguments)))


def _checked_argnums(argnums: Any, count: int) -> tuple[int, ...]:
    if not isinstance(argnums, tuple):
        raise AutogradError("argnum", f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    positions = tuple(_position(argnum, count) for argnum in argnums)
    if not positions:
        raise AutogradError("argnum", "argnums must be non-empty")
    if len(set(positions)) != len(positions):
        raise AutogradError("argnum", f"argnums elements must be unique, got {argnums}")
    return positions


def _position(argnum: Any, count: int) -> int:
    if not isinstance(argnum, int):
        raise AutogradError("argnum", f"argnum must be int, got: {type(argnum)}")
    if not -count <= argnum < count:
        raise AutogradError("argnum", f"Got argnum={argnum}, but only {count} positional inputs")
    return argnum % count


def replaced(arguments: tuple[Any, ...], argnums: Any, new: Any) -> tuple[Any, ...]:
    result = list(arguments)
    if isinstance(argnums, int):
        result[argnums] = new
    else:
        for argnum, value in zip(argnums, new, strict=True):
            result[argnum] = value
    return tuple(result)


def _with_aux(returned: Any, has_aux: bool, transform: str) -> tuple[Any, Any]:
    if not has_aux:
        return returned, None
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise AutogradError(
            "aux-structure",
            f"{transform}: output of function f should be a tuple: (output, aux) if has_aux is True",
        )
    return returned


# -- reverse -----------------------------------------------------------------------------------------------------------


_NO_HOOKS = "torch.func.{grad, vjp, jacrev, hessian} don't yet support saved tensor hooks. Please open an issue with your use case."


class Run:
    """One run of a function on variables, ready to be differentiated in reverse."""

    def __init__(
        self,
        func: Callable[..., Any],
        arguments: tuple[Any, ...],
        argnums: Any,
        has_aux: bool,
        name: str,
        keywords: dict[str, Any] | None = None,
    ) -> None:
        self.level = ReverseLevel()
        with disable_saved_tensors_hooks(_NO_HOOKS):
            leaves, self.inputs_structure = flatten(arguments if argnums is None else chosen(arguments, argnums))
            self.inputs = [self.level.variable(leaf) for leaf in leaves]
            inside = unflatten(self.inputs, self.inputs_structure)
            with opened(self.level), recorded():
                passed = inside if argnums is None else replaced(arguments, argnums, inside)
                self.output, aux = _with_aux(func(*passed, **(keywords or {})), has_aux, name)
                self.aux = map_leaves(self.level.released, aux) if has_aux else None

    def check_outputs(self, name: str) -> None:
        self.outputs, self.outputs_structure = flatten(self.output)
        if not self.outputs or all(output is None for output in self.outputs):
            raise AutogradError(
                "not-a-tensor",
                f"{name}: Expected f to be a function that has non-empty output (got output = {self.outputs})",
            )
        for output in self.outputs:
            if not isinstance(output, Tensor):
                raise AutogradError(
                    "not-a-tensor",
                    f"{name}: expected f(*primals) to return only tensors, got unsupported type {type(output)}",
                )
            if output.dtype.kind not in DIFFERENTIABLE:
                raise AutogradError(
                    "not-floating",
                    "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype "
                    f"{output.dtype}",
                )

    def pull(self, cotangents: Sequence[Tensor | None]) -> list[Any]:
        create_graph = mode.recording
        with out_of_inference():
            found = gradients(self.outputs, self.inputs, cotangents, create_graph)
            return [self.level.released(g) for g in found]

    def value(self) -> Any:
        return unflatten([self.level.released(output) for output in self.outputs], self.outputs_structure)


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of ``func`` and the function from cotangents to the gradients of ``primals``."""
    run = Run(func, primals, None, has_aux, "vjp(f, *primals)")
    run.check_outputs("vjp(f, *primals)")

    def pullback(cotangents: Any) -> Any:
        leaves, structure = flatten(cotangents)
        if structure != run.outputs_structure:
            raise AutogradError(
                "cotangent-structure",
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function.",
            )
        return unflatten(run.pull(leaves), run.inputs_structure)

    return (run.value(), pullback, run.aux) if has_aux else (run.value(), pullback)


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that returns the gradient of ``func`` and its value, in this order."""

    @functools.wraps(func)
    def derivative(*arguments: Any, **keywords: Any) -> Any:
        name = "grad_and_value(f)(*args)"
        run = Run(func, arguments, argnums, has_aux, name, keywords)
        output = run.output
        if not isinstance(output, Tensor):
            raise AutogradError(
                "scalar-function-required", f"{name}: Expected f(*args) to return a Tensor, got {type(output)}"
            )
        if output.dim() != 0:
            raise AutogradError(
                "scalar-function-required",
                f"{name}: Expected f(*args) to return a scalar Tensor, got tensor with {output.dim()} dims. Maybe you "
                "wanted to use the vjp or jacrev APIs instead?",
            )
        run.check_outputs(name)
        gradient = unflatten(run.pull([None]), run.inputs_structure)
        return (gradient, (run.value(), run.aux)) if has_aux else (gradient, run.value())

    return derivative


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that returns the gradient of ``func`` with respect to the arguments ``argnums``."""
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def derivative(*arguments: Any, **keywords: Any) -> Any:
        gradient, value = both(*arguments, **keywords)
        return (gradient, value[1]) if has_aux else gradient

    return derivative


# -- forward -----------------------------------------------------------------------------------------------------------


class PushLevel(_Guarded, ForwardLevel):
    """One run of `jvp`."""

    def __init__(self) -> None:
        _Guarded.__init__(self)


_JVP = "jvp(f, primals, tangents)"


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """The value of ``func`` and its derivative in the direction ``tangents``."""
    if not isinstance(primals, tuple):
        raise AutogradError(
            "cotangent-structure",
            f"{_JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).",
        )
    points, structure = flatten(primals)
    directions, given = flatten(tangents)
    if structure != given:
        raise AutogradError(
            "cotangent-structure",
            f"{_JVP}: Expected primals and tangents to have the same python structure. For example, if primals is a tuple "
            "of 3 tensors, tangents also must be.",
        )
    for name, values in (("primals", points), ("tangents", directions)):
        for value in values:
            if not isinstance(value, Tensor):
                raise AutogradError(
                    "not-a-tensor", f"{_JVP}: Expected {name} to only contain Tensors, got {type(value)}"
                )
        if not values:
            raise AutogradError("not-a-tensor", f"{_JVP}: Expected {name} to contain at least one Tensor.")
    level = PushLevel()
    duals = [dual(level, x, v) for x, v in zip(points, directions, strict=True)]
    for inside in duals:
        each_entry = inside.entries if isinstance(inside, Mapped) else [inside]
        for entry in each_entry:
            level.own(entry)
    with opened(level), out_of_inference():
        returned, aux = _with_aux(func(*unflatten(duals, structure)), has_aux, _JVP)
    outputs, outputs_structure = flatten(returned)
    pairs = [_unpacked(level, output, strict) for output in outputs]
    value = unflatten([pair[0] for pair in pairs], outputs_structure)
    tangent = unflatten([pair[1] for pair in pairs], outputs_structure)
    if has_aux:
        return value, tangent, map_leaves(lambda x: undual(level, x).primal, aux)
    return value, tangent


def _unpacked(level: ForwardLevel, output: Any, strict: bool) -> tuple[Tensor, Tensor]:
    if not isinstance(output, Tensor):
        raise AutogradError(
            "not-a-tensor", f"{_JVP}: expected f(*args) to return only tensors, got unsupported type {type(output)}"
        )
    primal, tangent = undual(level, output)
    if tangent is None:
        if strict:
            raise AutogradError(
                "strict-violation",
                "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed "
                "with strict=True.",
            )
        tangent = primal.zeros()
    return primal, tangent


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of ``func`` and the linear function from tangents to its derivative in their direction.

    The function that pulls cotangents back is linear; recorded once, it is transposed for every tangent."""
    value = func(*primals)
    run = Run(func, primals, None, False, "linearize")
    run.check_outputs("linearize")
    with recorded():
        cotangents = [run.level.variable(output.zeros()) for output in run.outputs]
        pulled = gradients(run.outputs, run.inputs, cotangents, create_graph=True)

    def push(*tangents: Any) -> Any:
        leaves, structure = flatten(tangents)
        if structure != run.inputs_structure:
            raise AutogradError(
                "cotangent-structure", "Expected tangents to have the same structure as the primals of linearize"
            )
        for i, (tangent, x) in enumerate(zip(leaves, run.inputs, strict=True)):
            for what, given, wanted in (("shape", tangent.shape, x.shape), ("dtype", tangent.dtype, x.dtype)):
                if given != wanted:
                    raise AutogradError(
                        "vector-size",
                        f"The {what} {given} of the tangent at position {i} doesn't match the {what} {wanted} of its primal",
                    )
        create_graph = mode.recording
        with out_of_inference():
            found = gradients(pulled, cotangents, leaves, create_graph)
        return unflatten([run.level.released(t) for t in found], run.outputs_structure)

    return value, push
