"""Jacobians, Hessians and products with them, of functions of tensors.

Keeps torch.autograd.functional. All of it is `grad` called in clever ways, on fresh tensors for the inputs (so that the same
tensor captured by the function is a constant), and with zeros where there is no dependence:

- `vjp` is a reverse pass; `jacobian` is one for every element of the outputs.
- A product with the Jacobian from the other side, `jvp`, is the *double backward trick*: ``g -> J.T g`` is linear, and the
  reverse pass through a linear function applies its transpose. (forward.py does the same, one operation at a time.)
- `hessian` is the Jacobian of the gradient; `vhp` is a reverse pass through the gradient, `hvp` the trick again.

With ``create_graph`` the results can be differentiated, with respect to inputs that require gradients; without, they have
no history. ``strict`` makes independence an error instead of zeros. ``vectorize`` computes the same in another way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import jacobians, transforms
from .autograd import tracked_gradients
from .errors import AutogradError, AutogradTypeError
from .forward import alias
from .modes import enable_grad, mode, set_grad_enabled
from .several import stack
from .tensor import Tensor

Tensors = tuple[Tensor, ...]


def _listed(values: Any, what: str, name: str) -> tuple[bool, Tensors]:
    """Whether ``values`` is a tuple, and the tuple."""
    is_tuple = isinstance(values, tuple)
    listed = values if is_tuple else (values,)
    for i, value in enumerate(listed):
        if not isinstance(value, Tensor):
            which = f"value at index {i}" if is_tuple else f"given {what}"
            raise AutogradTypeError(
                "not-a-tensor",
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but the {which} has type "
                f"{type(value)}.",
            )
    return is_tuple, listed


def _fresh(tensors: Tensors, create_graph: bool, requires_grad: bool = True) -> Tensors:
    return tuple(
        alias(x) if create_graph and x.requires_grad else x.detach().requires_grad_(requires_grad) for x in tensors
    )


def _finished(values: Any, create_graph: bool) -> Any:
    if create_graph:
        return values
    return values.detach() if isinstance(values, Tensor) else tuple(_finished(value, create_graph) for value in values)


def _one_or_all(values: Sequence[Any], is_tuple: bool) -> Any:
    return tuple(values) if is_tuple else values[0]


def _violated(text: str) -> AutogradError:
    return AutogradError("strict-violation", f"{text} This is not allowed in strict mode.")


def _with_zeros(
    gradients: Sequence[Tensor | None], like: Tensors, strict: bool, create_graph: bool, text: str
) -> Tensors:
    """``text`` says, with the number of an entry to be filled in, what it means that the entry is missing."""
    result = []
    for i, (gradient, x) in enumerate(zip(gradients, like, strict=True)):
        if strict and (gradient is None or (create_graph and not gradient.requires_grad)):
            raise _violated(text.format(i))
        result.append(x.zeros() if gradient is None else gradient)
    return tuple(result)


def _check_recorded(outputs: Tensors, strict: bool) -> None:
    for i, output in enumerate(outputs):
        if strict and not output.requires_grad:
            raise AutogradError(
                "strict-violation",
                f"Output {i} of the user-provided function does not require gradients. The outputs must be computed in a "
                "differentiable manner from the input when running in strict mode.",
            )


def _vector(v: Any, like: Tensors, is_tuple: bool, create_graph: bool, name: str, missing: str) -> Tensors:
    """``v`` if it fits ``like``; where that has one element, it may be left out."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise AutogradError("vector-size", f"The vector v can only be None if {missing}.")
        return (Tensor(np.ones_like(like[0]._array)),)
    listed = _fresh(_listed(v, "v", name)[1], create_graph, requires_grad=False)
    if len(listed) != len(like):
        raise AutogradError(
            "vector-size",
            f"v is a tuple of invalid length: should be {len(like)} but got {len(listed)}."
            if is_tuple
            else "The given v should contain a single Tensor.",
        )
    for i, (given, wanted) in enumerate(zip(listed, like, strict=True)):
        if given.shape != wanted.shape:
            entry = f"Entry {i} in " if is_tuple else ""
            raise AutogradError(
                "vector-size",
                f"{entry}v has invalid size: should be {list(wanted.shape)} but got {list(given.shape)}.",
            )
    return listed


_ONE_OUTPUT = "the user-provided function returns a single Tensor with a single element"
_ONE_INPUT = "the input to the user-provided function is a single Tensor with a single element"


def _scalar(outputs: Tensors, is_tuple: bool, name: str) -> None:
    if is_tuple:
        raise AutogradError("scalar-function-required", f"The function given to {name} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise AutogradError(
            "scalar-function-required",
            f"The Tensor returned by the function given to {name} should contain a single element",
        )


def _maybe_recording(create_graph: bool) -> contextlib.AbstractContextManager[None]:
    return set_grad_enabled(create_graph or mode.recording)


# -- products with the Jacobian ----------------------------------------------------------------------------------------


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(inputs)`` and ``v`` times its Jacobian."""
    with enable_grad():
        one, inputs = _listed(inputs, "inputs", "vjp")
        inputs = _fresh(inputs, create_graph)
        several, outputs = _listed(func(*inputs), "outputs of the user-provided function", "vjp")
        _check_recorded(outputs, strict)
        vector = _vector(v, outputs, several, create_graph, "vjp", _ONE_OUTPUT)
    with _maybe_recording(create_graph):
        found = tracked_gradients(outputs, inputs, vector, create_graph)
        product = _with_zeros(found, inputs, strict, create_graph, _INDEPENDENT)
    return _one_or_all(_finished(outputs, create_graph), several), _one_or_all(_finished(product, create_graph), one)


_INDEPENDENT = "The output of the user-provided function is independent of input {}."


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(inputs)`` and its Jacobian times ``v``."""
    with enable_grad():
        one, inputs = _listed(inputs, "inputs", "jvp")
        inputs = _fresh(inputs, create_graph)
        vector = _vector(v, inputs, one, create_graph, "jvp", _ONE_INPUT)
        several, outputs = _listed(func(*inputs), "outputs of the user-provided function", "jvp")
        _check_recorded(outputs, strict)
        cotangents = tuple(y.zeros().requires_grad_() for y in outputs)
        pulled = tracked_gradients(outputs, inputs, cotangents, create_graph=True)
        for i, gradient in enumerate(pulled):
            if strict and gradient is None:
                raise _violated(_INDEPENDENT.format(i))
    with _maybe_recording(create_graph):
        found = tracked_gradients(pulled, cotangents, vector, create_graph)
        product = _with_zeros(
            found, outputs, strict, create_graph, "The gradient is independent of entry {} in the grad_outputs."
        )
    return _one_or_all(_finished(outputs, create_graph), several), _one_or_all(
        _finished(product, create_graph), several
    )


# -- the Jacobian ------------------------------------------------------------------------------------------------------


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The derivative of every element of the outputs with respect to every element of the inputs.

    Its shape is that of the output followed by that of the input; for tuples, outputs outside, inputs inside."""
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AutogradError(
            "invalid-argument", 'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: "forward-mode"'
        )
    if strategy == "forward-mode":
        if create_graph:
            raise _unsupported('`create_graph=True` and `strategy="forward-mode"` are not supported together (yet).')
        return _forward_jacobian(func, inputs, strict, vectorize)
    with enable_grad():
        several_inputs, inputs = _listed(inputs, "inputs", "jacobian")
        inputs = _fresh(inputs, create_graph)
        returned = func(*inputs)
        several_outputs, outputs = _listed(returned, "outputs of the user-provided function", "jacobian")
        _check_recorded(outputs, strict)
        if vectorize and strict:
            raise _unsupported("`strict=True` and `vectorized=True` are not supported together.")
        blocks = []
        for i, output in enumerate(outputs):
            text = f"Output {i} of the user-provided function is independent of input {{}}."
            rows = [
                _with_zeros(
                    tracked_gradients([element], inputs, [None], create_graph), inputs, strict, create_graph, text
                )
                for element in _elements(output)
            ]
            columns = zip(*rows, strict=True) if rows else [()] * len(inputs)
            blocks.append(
                _one_or_all(
                    [_stacked(column, output, x) for column, x in zip(columns, inputs, strict=True)], several_inputs
                )
            )
    return _finished(_one_or_all(blocks, several_outputs), create_graph)


def _elements(output: Tensor) -> list[Tensor]:
    return [output.reshape(-1)[i] for i in range(output.numel())]


def _stacked(rows: Sequence[Tensor], output: Tensor, x: Tensor) -> Tensor:
    shape = output.shape + x.shape
    return stack(rows).reshape(shape) if rows else Tensor(np.zeros(shape, x.dtype))


def _forward_jacobian(func: Callable[..., Any], inputs: Any, strict: bool, vectorize: bool) -> Any:
    if strict:
        raise _unsupported('`strict=True` and `strategy="forward-mode"` are not supported together (yet).')
    if not vectorize:
        raise _unsupported('`strategy="forward-mode"` is currently only implemented for `vectorize=True`.')
    several, listed = _listed(inputs, "inputs", "jacobian")

    def checked(*arguments: Tensor) -> Any:
        returned = func(*arguments)
        _listed(returned, "outputs of the user-provided function", "jacobian")
        return returned

    return jacobians.jacfwd(checked, argnums=tuple(range(len(listed))) if several else 0)(*listed)


def _unsupported(text: str) -> AutogradError:
    return AutogradError("not-supported", f"torch.autograd.functional.jacobian: {text}")


# -- second derivatives of functions with one value --------------------------------------------------------------------


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of the gradient: a block for every pair of inputs."""
    one, listed = _listed(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AutogradError("invalid-argument", 'Expected strategy to be either "forward-mode" or "reverse-mode".')

    def gradient(*arguments: Tensor) -> Any:
        if outer_jacobian_strategy == "forward-mode":
            level = transforms.ReverseLevel()
            arguments = tuple(x if x.requires_grad else level.variable(x) for x in arguments)
        with enable_grad():
            several, outputs = _listed(func(*arguments), "outputs of the user-provided function", "hessian")
            _scalar(outputs, several, "hessian")
            _check_recorded(outputs, strict)
            found = tracked_gradients(outputs, arguments, [None], create_graph=True)
        for i, g in enumerate(found):
            if strict and (g is None or not g.requires_grad):
                raise AutogradError(
                    "strict-violation",
                    "While computing the hessian, found that the jacobian of the user-provided function with respect to "
                    f"input {i} is independent of the input. This is not allowed in strict mode. You should ensure that "
                    "your function is twice differentiable and that the jacobian depends on the inputs (this would be "
                    "violated by a linear function for example).",
                )
        return tuple(x.zeros() if g is None else g for g, x in zip(found, arguments, strict=True))

    blocks = jacobian(gradient, listed, create_graph, strict, vectorize=vectorize, strategy=outer_jacobian_strategy)
    return _one_or_all([_one_or_all(row, one) for row in blocks], one)


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(inputs)`` and ``v`` times the Hessian: a reverse pass through the gradient."""
    return _hessian_product("vhp", func, inputs, v, create_graph, strict)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(inputs)`` and the Hessian times ``v``: the double backward trick, applied to the gradient."""
    return _hessian_product("hvp", func, inputs, v, create_graph, strict)


def _hessian_product(
    name: str, func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool, strict: bool
) -> tuple[Any, Any]:
    with enable_grad():
        one, inputs = _listed(inputs, "inputs", name)
        inputs = _fresh(inputs, create_graph)
        vector = _vector(v, inputs, one, create_graph, name, _ONE_INPUT)
        several, outputs = _listed(func(*inputs), "outputs of the user-provided function", name)
        _check_recorded(outputs, strict)
        _scalar(outputs, several, name)
        gradient = tracked_gradients(outputs, inputs, [None], create_graph=True)
        for i, g in enumerate(gradient):
            if strict and (g is None or not g.requires_grad):
                raise _violated(
                    f"The jacobian of the user-provided function with respect to input {i} is independent of the input."
                )
        if name == "hvp":
            cotangents = tuple(x.zeros().requires_grad_() for x in inputs)
            pulled = tracked_gradients(gradient, inputs, cotangents, create_graph=True)
    with _maybe_recording(create_graph):
        if name == "hvp":
            found = tracked_gradients(pulled, cotangents, vector, create_graph)
        else:
            found = tracked_gradients(gradient, inputs, vector, create_graph)
        text = "The hessian of the user-provided function is independent of input {}."
        product = _with_zeros(found, inputs, strict, create_graph, text)
    return _finished(outputs[0], create_graph), _one_or_all(_finished(product, create_graph), one)
