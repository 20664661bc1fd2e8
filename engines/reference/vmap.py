"""``vmap``: a function of one entry as a function of many.

Keeps torch.vmap. The function is called once, with mapped tensors (mapped.py) in the place of its arguments: their entries
are those of the arguments along ``in_dims``. Whatever it computes is computed for all entries; its results are put together
along ``out_dims``. Taking entries and putting them together are ordinary differentiable operations, so a map can stand
inside of a differentiated function; and since every entry has a graph of its own, differentiation can stand inside of a map
(``vmap(grad(loss))``: one gradient per sample).

- Arguments with ``in_dim`` None are the same for all entries. They cannot be written with a mapped value.
- ``randomness`` says what a random operation does: it is an error, gives all entries the same, or each its own.
- ``chunk_size`` bounds how many entries are computed at a time; the function is called once per chunk.
- A custom function needs a rule: ``generate_vmap_rule`` calls it for every entry, a ``vmap`` method gets whole arguments.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .errors import AutogradError, AutogradValueError
from .levels import Level, below, depth, open_now, opened
from .mapped import Mapped, each, entry_of
from .several import stack
from .tensor import Tensor
from .trees import flatten, spread, unflatten


class VmapInfo(NamedTuple):
    batch_size: int
    randomness: str


class MapLevel(Level):
    """One run of a map."""

    def __init__(self, size: int, randomness: str) -> None:
        self.size = size
        self.randomness = randomness
        self.depth = depth()

    def call(self, custom: Any, arguments: Sequence[Any]) -> Any:
        rule = getattr(custom, "vmap", None)
        if custom.generate_vmap_rule and rule is not None:
            raise AutogradError(
                "vmap-rule",
                f"You tried to vmap over {custom.__name__}, but it has both generate_vmap_rule=True and an overridden vmap "
                "staticmethod. Please set generate_vmap_rule=False or delete the overridden vmap staticmethod to avoid "
                "ambiguity.",
            )
        if custom.generate_vmap_rule:
            return each(self, custom.apply, *arguments)
        if rule is None:
            raise AutogradError(
                "vmap-rule",
                f"You tried to vmap over {custom.__name__}, but it does not have vmap support. Please override and "
                "implement the vmap staticmethod or set generate_vmap_rule=True.",
            )
        axes = tuple(self._axis(x) for x in arguments)
        with below(self):
            returned = rule(VmapInfo(self.size, self.randomness), axes, *map(self._whole, arguments))
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise AutogradError("vmap-rule", "Expected the vmap staticmethod to return a pair: (output, out_dims)")
        leaves, structure = flatten(returned[0])
        axes_of_output = spread(returned[1], structure)
        if axes_of_output is None:
            raise AutogradError("vmap-rule", "out_dims of the vmap staticmethod do not fit its output")
        outputs = [x if axis is None else self.split(x, axis) for x, axis in zip(leaves, axes_of_output, strict=True)]
        return unflatten(outputs, structure)

    def split(self, tensor: Tensor, axis: int) -> Mapped:
        """``tensor`` with its entries along ``axis`` mapped."""
        index = (slice(None),) * axis
        return Mapped(self, [tensor[(*index, turn)] for turn in range(self.size)], axis)

    def _axis(self, value: Any) -> int | None:
        return value.axis if isinstance(value, Mapped) and value.level is self else None

    def _whole(self, value: Any) -> Any:
        return stack(value.entries, value.axis) if isinstance(value, Mapped) and value.level is self else value


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """``func`` for all entries of its arguments along ``in_dims``."""
    if randomness not in ("error", "different", "same"):
        raise AutogradError(
            "vmap-argument",
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}",
        )
    if chunk_size is not None and chunk_size <= 0:
        raise AutogradValueError(
            "vmap-argument", f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})"
        )
    name = getattr(func, "__name__", repr(func))

    @functools.wraps(func)
    def mapped_function(*arguments: Any, **keywords: Any) -> Any:
        values, structure = flatten(arguments)
        axes = _input_axes(f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)", in_dims, values, structure, arguments)
        size = _size(values, axes)
        columns: list[list[Tensor]] = []
        outputs_structure = None
        for start in range(0, size, chunk_size or size) if size else ():
            stop = min(start + (chunk_size or size), size)
            level = MapLevel(stop - start, randomness)
            inputs = [x if axis is None else _part(level, x, axis, start) for x, axis in zip(values, axes, strict=True)]
            with opened(level):
                returned = func(*unflatten(inputs, structure), **keywords)
            outputs, outputs_structure = flatten(returned)
            columns = columns or [[] for _ in outputs]
            out_axes = _output_axes(name, out_dims, outputs_structure)
            for column, output, axis in zip(columns, outputs, out_axes, strict=True):
                column += _entries(name, output, axis, level)
        if outputs_structure is None:
            raise AutogradValueError("vmap-argument", f"vmap({name}, ...): there is nothing to map over, the size is 0")
        joined = [
            column[0] if axis is None else _joined(column, axis) for column, axis in zip(columns, out_axes, strict=True)
        ]
        return unflatten(joined, outputs_structure)

    return mapped_function


def _part(level: MapLevel, value: Tensor, axis: int, start: int) -> Mapped:
    index = (slice(None),) * axis
    return level.split(value[(*index, slice(start, start + level.size))], axis)


def _input_axes(
    call: str, in_dims: Any, values: Sequence[Any], structure: Any, arguments: tuple[Any, ...]
) -> list[int | None]:
    if not isinstance(in_dims, (int, tuple)):
        raise AutogradValueError(
            "vmap-argument",
            f"{call}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, got: "
            f"{type(in_dims)}.",
        )
    if not arguments:
        raise AutogradValueError(
            "vmap-argument",
            f"{call}: got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a function with no "
            "inputs. The latter is unsupported.",
        )
    axes = spread(in_dims, structure)
    if axes is None:
        raise AutogradValueError("vmap-argument", f"{call}: in_dims is not compatible with the structure of `inputs`.")
    found: list[int | None] = []
    for value, axis in zip(values, axes, strict=True):
        if axis is None:
            found.append(None)
            continue
        if not isinstance(axis, int):
            raise AutogradValueError(
                "vmap-argument",
                f"{call}: Got in_dim={axis} for an input but in_dim must be either an integer dimension or None.",
            )
        if not isinstance(value, Tensor):
            raise AutogradValueError(
                "vmap-argument",
                f"{call}: Got in_dim={axis} for an input but the input is of type {type(value)}. We cannot vmap over "
                "non-Tensor arguments, please use None as the respective in_dim",
            )
        if not -value.dim() <= axis < value.dim():
            raise AutogradValueError(
                "vmap-argument",
                f"{call}: Got in_dim={axis} for some input, but that input is a Tensor of dimensionality {value.dim()} so "
                f"expected in_dim to satisfy -{value.dim()} <= in_dim < {value.dim()}.",
            )
        found.append(axis % value.dim())
    return found


def _size(values: Sequence[Any], axes: Sequence[int | None]) -> int:
    sizes = [value.shape[axis] for value, axis in zip(values, axes, strict=True) if axis is not None]
    if not sizes:
        raise AutogradValueError("vmap-argument", "vmap: Expected at least one Tensor to vmap over")
    if len(set(sizes)) > 1:
        raise AutogradValueError(
            "vmap-argument",
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension",
        )
    size: int = sizes[0]
    return size


def _output_axes(name: str, out_dims: Any, structure: Any) -> list[int | None]:
    axes = spread(out_dims, structure)
    if axes is None:
        raise AutogradValueError(
            "vmap-argument", f"vmap({name}, ..., out_dims={out_dims}): out_dims is not compatible with the outputs."
        )
    return axes


def _entries(name: str, output: Any, axis: int | None, level: MapLevel) -> list[Any]:
    is_mapped = isinstance(output, Mapped) and output.level is level
    if axis is None:
        if is_mapped:
            raise AutogradValueError(
                "vmap-argument", f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None"
            )
        return [output]
    if not isinstance(output, Tensor):
        raise AutogradValueError(
            "vmap-argument",
            f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(output)}. Did you mean to set out_dims= "
            "to None for output?",
        )
    return [entry_of(output, level, turn) for turn in range(level.size)]


def _joined(entries: Sequence[Tensor], axis: int) -> Tensor:
    return stack(entries, axis % (entries[0].dim() + 1))


# -- random numbers ----------------------------------------------------------------------------------------------------


def refuse_random_numbers() -> None:
    if any(level.randomness == "error" for level in _maps()):
        raise AutogradError(
            "vmap-unsupported",
            "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
            "randomness flags on vmap or perform the randomness operation out of vmap",
        )


def _maps() -> list[MapLevel]:
    return [level for level in open_now.levels if isinstance(level, MapLevel)]


def drawn(draw: Callable[[], Tensor]) -> Tensor:
    """A random tensor as the maps in progress want it: the same for all entries, or another for each."""

    def draw_for(maps: Sequence[MapLevel]) -> Tensor:
        if not maps:
            return draw()
        return Mapped(maps[-1], [draw_for(maps[:-1]) for _ in range(maps[-1].size)])

    return draw_for([level for level in _maps() if level.randomness == "different"])
