"""``gradcheck``: derivatives against difference quotients.

Keeps torch.autograd.gradcheck and gradgradcheck. For every pair of an input and an output the Jacobian is computed twice,

- numerically, column by column: ``(f(x + eps) - f(x - eps)) / (2 eps)`` for every element of the input;
- analytically, row by row: a reverse pass for every element of the output (or, for ``check_forward_ad``, column by column
  with tangents);

and the two must agree: ``|analytical - numerical| <= atol + rtol * |numerical|``. ``fast_mode`` compares one random
projection of both. A complex number counts as its two parts, so nothing needs to be holomorphic: the gradient of a real
value with respect to ``z`` is the derivative along the real axis plus ``i`` times that along the imaginary one.

Other promises of a backward rule are checked on the way: the same result each time (``nondet_tol``), zero for a zero
cotangent, readiness for outputs without a cotangent, the same in a map as one by one (``check_batched_grad``).
`gradgradcheck` is `gradcheck` of the function that computes the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .autograd import grad
from .dtypes import DIFFERENTIABLE, Array
from .errors import AutogradError, AutogradValueError, warn
from .forward import ForwardLevel, dual, undual
from .function import FunctionNode
from .layout import is_expanded
from .levels import opened
from .modes import enable_grad
from .tensor import Tensor
from .transforms import gradients
from .vmap import vmap


class GradcheckError(RuntimeError):
    """A check has failed."""

    kind = "gradcheck-failed"


class _Check:
    """One run of `gradcheck`: the function, where it is differentiated, and how precisely."""

    def __init__(self, func: Callable[..., Any], inputs: tuple[Any, ...], eps: float, atol: float, rtol: float) -> None:
        self.func = func
        self.inputs = inputs
        self.eps, self.atol, self.rtol = eps, atol, rtol
        self.checked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
        self.variables = [inputs[i] for i in self.checked]

    def outputs(self, inputs: Sequence[Any] | None = None, *, all_of_them: bool = False) -> list[Tensor]:
        """The outputs that can be differentiated."""
        with enable_grad():
            returned = self.func(*(self.inputs if inputs is None else inputs))
        return [y for y in _listed(returned) if isinstance(y, Tensor) and (all_of_them or y.requires_grad)]

    def moved(self, position: int, direction: Array) -> list[Array]:
        """All outputs at the inputs, the one at ``position`` moved by ``direction``."""
        inputs = list(self.inputs)
        for i in self.checked:
            x = inputs[i]
            there = (
                np.add(x._array, direction, dtype=x.dtype, out=x._array.copy()) if i == position else x._array.copy()
            )
            inputs[i] = Tensor(there).requires_grad_()
        return [y._array.copy() for y in self.outputs(inputs, all_of_them=True)]

    def slope(self, position: int, direction: Array) -> list[Array]:
        """The numerical derivative of all outputs in a direction of one input."""
        ahead, behind = self.moved(position, self.eps * direction), self.moved(position, -self.eps * direction)
        return [(a - b) / (2 * self.eps) for a, b in zip(ahead, behind, strict=True)]

    def numerical(self, position: int) -> list[Array]:
        """The Jacobians of all outputs with respect to one input, as real matrices: (parts of output, parts of input)."""
        columns = [self.slope(position, direction) for direction in _axes(self.inputs[position])]
        return [np.stack([_parts(c) for c in column], axis=-1) for column in zip(*columns, strict=True)]

    def reverse(self, output: Tensor, nondet_tol: float) -> list[Array]:
        """The same for one output and all inputs, by reverse passes."""
        rows = []
        for direction in _axes(output):
            row, again = self.pulled(output, direction), self.pulled(output, direction)
            if any(np.abs(a - b).max(initial=0.0) > nondet_tol for a, b in zip(row, again, strict=True)):
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                    "gives different values, although analytical gradient matches numerical gradient. The tolerance for "
                    f"nondeterminism was {nondet_tol}."
                )
            rows.append([_parts(g) for g in row])
        return [np.stack(block, axis=0) for block in zip(*rows, strict=True)]

    def pulled(self, output: Tensor, cotangent: Array) -> list[Array]:
        weights = Tensor(cotangent.astype(output.dtype))
        return [g._array for g in gradients([output], self.variables, [weights], create_graph=False)]

    def pushed(self, position: int, direction: Array) -> list[Array]:
        """The derivative of the outputs in a direction of one input, in forward mode."""
        level = ForwardLevel(is_transform=False)
        inputs = list(self.inputs)
        x = inputs[position]
        with opened(level):
            inputs[position] = dual(level, x, Tensor(direction.astype(x.dtype)))
            pairs = [undual(level, y) for y in self.outputs(inputs)]
        return [(y.zeros() if t is None else t)._array for y, t in pairs]

    def compare(self, analytical: Array, numerical: Array, output: int, position: int, mode: str = "") -> None:
        if not np.allclose(analytical, numerical, self.rtol, self.atol):
            raise GradcheckError(
                f"Jacobian {mode}mismatch for output {output} with respect to input {position},\nnumerical:{numerical}\n"
                f"analytical:{analytical}\n"
            )


def _listed(given: Any) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, (tuple, list)) else (given,)


def _axes(tensor: Tensor) -> list[Array]:
    """The coordinate directions of ``tensor``, for complex numbers along both axes."""
    units = (1.0, 1j) if tensor.dtype.kind == "c" else (1.0,)
    identity = np.eye(tensor.numel())
    return [(unit * row).reshape(tensor.shape) for unit in units for row in identity]


def _parts(array: Array) -> Array:
    """All numbers in a row: of complex ones first the real parts, then the imaginary ones."""
    flat = array.reshape(-1)
    return np.concatenate([flat.real, flat.imag]) if array.dtype.kind == "c" else flat


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
) -> bool:
    """Whether the derivatives of ``func`` are right at ``inputs``; False, or an error, if they are not."""
    if not (check_forward_ad or check_backward_ad):
        raise AutogradError(
            "invalid-argument", "Expected at least one of check_forward_ad or check_backward_ad to be True"
        )
    if check_batched_grad and not check_backward_ad:
        raise AutogradError("invalid-argument", "Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AutogradError(
            "invalid-argument", "Setting check_batched_forward_grad=True requires check_forward_ad to be True"
        )
    listed = _listed(inputs)
    _check_inputs(listed)
    check = _Check(func, listed, eps, atol, rtol)
    try:
        outputs = check.outputs()
        if not outputs:
            _check_constant(check)
            return True
        if check_backward_ad:
            (_fast_reverse if fast_mode else _reverse)(check, outputs, nondet_tol)
        if check_forward_ad:
            _forward(check)
        if check_batched_grad:
            _check_batched(check, outputs)
        if check_backward_ad:
            _check_uses_cotangent(check, outputs, check_grad_dtypes)
            if check_undefined_grad:
                _check_undefined(check)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_inputs(inputs: tuple[Any, ...]) -> None:
    found = False
    for i, x in enumerate(inputs):
        if not isinstance(x, Tensor) or not x.requires_grad:
            continue
        found = True
        if x.dtype.itemsize < (16 if x.dtype.kind == "c" else 8):
            warn(
                "low-precision",
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check will "
                "likely fail if all the inputs are not of double precision floating point or complex.",
                depth=2,
            )
        if is_expanded(x._array):
            raise AutogradError(
                "overlapping-memory",
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are non-overlapping to "
                "be able to compute the numerical gradients correctly. You should call .contiguous on the input before "
                "passing it to gradcheck.",
            )
    if not found:
        raise AutogradValueError(
            "invalid-argument",
            "gradcheck expects at least one input tensor to require gradient, but none of the them have "
            "requires_grad=True.",
        )


def _check_constant(check: _Check) -> None:
    for position in check.checked:
        for jacobian in check.numerical(position):
            if not np.allclose(jacobian, 0, check.rtol, check.atol):
                raise GradcheckError("Numerical gradient for function expected to be zero")


def _reverse(check: _Check, outputs: list[Tensor], nondet_tol: float) -> None:
    numerical = [_differentiable(check, check.numerical(position)) for position in check.checked]
    for i, output in enumerate(outputs):
        for column, analytical in enumerate(check.reverse(output, nondet_tol)):
            check.compare(analytical, numerical[column][i], i, check.checked[column])


def _differentiable(check: _Check, jacobians: list[Array]) -> list[Array]:
    """Of the Jacobians of all outputs, those of the outputs that can be differentiated."""
    everything = check.outputs(all_of_them=True)
    return [jacobian for jacobian, y in zip(jacobians, everything, strict=True) if y.requires_grad]


def _fast_reverse(check: _Check, outputs: list[Tensor], nondet_tol: float) -> None:
    random = np.random.default_rng(0)
    for column, position in enumerate(check.checked):
        direction = _random_like(random, check.inputs[position])
        slopes = _differentiable(check, check.slope(position, direction))
        for i, (output, slope) in enumerate(zip(outputs, slopes, strict=True)):
            weights = _random_like(random, output)
            pulled = check.pulled(output, weights)[column]
            check.compare(_product(pulled, direction), _product(weights, slope), i, position)


def _random_like(random: np.random.Generator, tensor: Tensor) -> Array:
    """A random direction of length 1."""
    values = random.standard_normal(tensor.shape) + 1j * random.standard_normal(tensor.shape)
    chosen = values if tensor.dtype.kind == "c" else values.real
    return np.asarray(chosen / max(float(np.linalg.norm(chosen)), 1e-300))


def _product(a: Array, b: Array) -> Array:
    return np.asarray(np.dot(_parts(a + 0j), _parts(b + 0j)))  # one of the two may be real


def _forward(check: _Check) -> None:
    for position in check.checked:
        numerical = _differentiable(check, check.numerical(position))
        columns = [check.pushed(position, direction) for direction in _axes(check.inputs[position])]
        for i, column in enumerate(zip(*columns, strict=True)):
            analytical = np.stack([_parts(c) for c in column], axis=-1)
            check.compare(analytical, numerical[i], i, position, "computed with forward mode ")


def _check_batched(check: _Check, outputs: list[Tensor]) -> None:
    for output in outputs:
        cotangents = Tensor(np.stack([axis.astype(output.dtype) for axis in _axes(output)]))

        def pull(cotangent: Tensor, output: Tensor = output) -> Any:
            return tuple(gradients([output], check.variables, [cotangent], create_graph=False))

        together = vmap(pull)(cotangents)
        one_by_one = [pull(cotangents[i]) for i in range(len(cotangents))]
        for column, block in enumerate(together):
            if not np.allclose(block._array, np.stack([row[column]._array for row in one_by_one])):
                raise GradcheckError("While testing batched gradients: vmap and a loop over the cotangents differ")


def _check_uses_cotangent(check: _Check, outputs: list[Tensor], check_dtypes: bool) -> None:
    found = grad(outputs, check.variables, [y.zeros() for y in outputs], retain_graph=True, allow_unused=True)
    for gradient, x in zip(found, check.variables, strict=True):
        if gradient is not None and bool((gradient._array != 0).any()):
            raise GradcheckError("backward not multiplied by grad_output")
        if gradient is not None and check_dtypes and gradient.dtype != x.dtype:
            raise GradcheckError("grad is incorrect dtype")


def _check_undefined(check: _Check) -> None:
    """Run the rules behind the outputs with no cotangent at all. Only rules that users wrote can fail at this."""
    for output in check.outputs():
        node = output.grad_fn
        if not isinstance(node, FunctionNode):
            continue
        try:
            with enable_grad():
                found = node.backward([None] * len(node.results), None)
        except RuntimeError as error:
            raise GradcheckError(
                "Expected backward function to handle undefined output grads. Please look at 'Notes about undefined output "
                "gradients' in 'tools/autograd/derivatives.yaml'"
            ) from error
        if any(g is not None and bool((g._array != 0).any()) for g in found):
            raise GradcheckError(
                "Expected all input grads to be undefined or zero when all output grads are undefined or zero."
            )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
) -> bool:
    """Whether the derivatives of the gradient of ``func`` are right, with respect to inputs and cotangents."""
    listed = _listed(inputs)
    if grad_outputs is None:
        random = np.random.default_rng(0)
        outputs = _Check(func, listed, eps, atol, rtol).outputs()
        cotangents = tuple(
            Tensor(_random_like(random, y).astype(y.dtype)).requires_grad_() for y in outputs if _is_differentiable(y)
        )
    else:
        cotangents = _listed(grad_outputs)
    count = len(cotangents)

    def gradient(*arguments: Any) -> Any:
        points, weights = arguments[: len(arguments) - count], arguments[len(arguments) - count :]
        outputs = _Check(func, points, eps, atol, rtol).outputs()
        variables = [x for x in points if isinstance(x, Tensor) and x.requires_grad]
        found = grad(outputs, variables, weights, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradient,
        (*listed, *cotangents),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
    )


def _is_differentiable(tensor: Tensor) -> bool:
    return tensor.dtype.kind in DIFFERENTIABLE
