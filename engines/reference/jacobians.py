"""Jacobians and Hessians of functions: `transforms.vjp` for every row, or `transforms.jvp` for all columns at once.

Keeps torch.func.jacrev, jacfwd and hessian. The derivative of every element of the outputs with respect to every element of
the inputs has the shape of the output followed by that of the input. Where there are several, the outer structure of the
result is that of the outputs, the inner one that of the inputs.

In reverse there is one pass per element of the outputs, through one graph. Forward, the function runs once, on inputs
that move in all directions of their coordinates at the same time: a map (vmap.py) over directions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .errors import AutogradError, AutogradValueError
from .mapped import Mapped
from .several import stack
from .tensor import Tensor
from .transforms import Argnums, Run, chosen, jvp, replaced
from .trees import flatten, map_leaves, unflatten
from .vmap import vmap


def jacrev(
    func: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: int | None = None
) -> Callable[..., Any]:
    """The function that returns the Jacobian of ``func``, computed row by row in reverse."""
    if chunk_size is not None and chunk_size <= 0:
        raise AutogradValueError("invalid-argument", "jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def derivative(*arguments: Any) -> Any:
        _refuse_complex("jacrev", "inputs", arguments)
        run = Run(func, arguments, argnums, has_aux, "vjp(f, *primals)")
        run.check_outputs("jacrev")
        _refuse_complex("jacrev", "outputs", run.outputs)
        blocks = []
        for i, output in enumerate(run.outputs):
            rows = [
                run.pull([direction if k == i else other.zeros() for k, other in enumerate(run.outputs)])
                for direction in _basis(output)
            ]
            inputs = [
                _stacked(column, x).reshape(output.shape + x.shape)
                for x, column in zip(run.inputs, zip(*rows, strict=True) if rows else run.inputs, strict=True)
            ]
            blocks.append(unflatten(inputs, run.inputs_structure))
        jacobian = unflatten(blocks, run.outputs_structure)
        return (jacobian, run.aux) if has_aux else jacobian

    return derivative


def _basis(tensor: Tensor) -> list[Tensor]:
    """The directions of the coordinate axes, as tensors like ``tensor``."""
    identity = np.eye(tensor.numel(), dtype=tensor.dtype)
    return [Tensor(row.reshape(tensor.shape)) for row in identity]


def _stacked(rows: Any, like: Tensor) -> Tensor:
    return stack(rows) if isinstance(rows, tuple) else Tensor(np.zeros((0, *like.shape), like.dtype))


def _refuse_complex(transform: str, which: str, values: Any) -> None:
    for i, value in enumerate(flatten(values)[0]):
        if isinstance(value, Tensor) and value.dtype.kind == "c":
            raise AutogradError(
                "not-supported",
                f"{transform}: Expected all {which} to be real but received complex tensor at flattened input idx: {i}",
            )


def jacfwd(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """The function that returns the Jacobian of ``func``, all columns at the same time: a map over directions."""

    @functools.wraps(func)
    def derivative(*arguments: Any) -> Any:
        _refuse_complex("jacfwd", "inputs", arguments)
        inputs, structure = flatten(chosen(arguments, argnums))
        kept: list[Any] = []

        def columns(*directions: Tensor) -> Any:
            def inner(*moving: Any) -> Any:
                new = unflatten(moving, structure)
                return func(*replaced(arguments, argnums, new))

            pushed = jvp(inner, tuple(inputs), directions, has_aux=has_aux)
            if has_aux:
                kept.append(map_leaves(_any_entry, pushed[2]))
            _refuse_complex("jacfwd", "outputs", pushed[1])
            return pushed[1]

        pushed = vmap(columns, randomness=randomness)(*_directions(inputs))
        outputs, outputs_structure = flatten(pushed)
        blocks = []
        for output in outputs:
            last = output.permute(*range(1, output.dim()), 0)  # the directions, which came first
            parts, start = [], 0
            for x in inputs:
                part = last[(..., slice(start, start + x.numel()))]
                parts.append(part.reshape(output.shape[1:] + x.shape))
                start += x.numel()
            blocks.append(unflatten(parts, structure))
        jacobian = unflatten(blocks, outputs_structure)
        return (jacobian, kept[0]) if has_aux else jacobian

    return derivative


def _directions(inputs: Sequence[Tensor]) -> list[Tensor]:
    """The coordinate axes of all inputs together, for each input its part: one row per direction."""
    total = sum(x.numel() for x in inputs)
    result, start = [], 0
    for x in inputs:
        part = np.zeros((total, x.numel()), x.dtype)
        part[start : start + x.numel()] = np.eye(x.numel())
        result.append(Tensor(part.reshape(total, *x.shape)))
        start += x.numel()
    return result


def _any_entry(value: Any) -> Any:
    return value.entries[0] if isinstance(value, Mapped) else value


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that returns the second derivatives of ``func``: forward over reverse."""
    return jacfwd(jacrev(func, argnums), argnums)
