"""Running a program once more with something in it moved by a little.

A *place* is where a gradient may be asked for: a leaf, or a result of an operation, in order of appearance. A `Run` moves the
values at some places and leaves the program to itself. What no gradient flows through (a detached tensor, a result under
no_grad, a number taken out of a tensor) is replayed from the run in which nothing is moved: it is a constant by the rules of
recording, which are the claim here, not by those of arithmetic. Everything is float64."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NewType

import numpy as np
from numpy.typing import NDArray

from tests.oracle.substrate import Tensor, forward, graph, levels, mapped, modes, record, several, views

Array = NDArray[Any]
Place = tuple[int, int]
"""Number of a node in order of creation, number of its result."""
Moves = Mapping[Place, Array]
Request = NewType("Request", int)
"""Reverse passes that a program asks for are counted."""

_WIDE = {np.dtype("float16"): np.float64, np.dtype("float32"): np.float64, np.dtype("complex64"): np.complex128}


class Unanswerable(Exception):
    """Differences cannot tell this gradient; the text says why."""


class Reached(BaseException):
    """The reverse pass for which a run was made is reached; a program cannot catch it."""


class Tape:
    """What was constant in the run in which nothing was moved, in the order in which it was used."""

    def __init__(self) -> None:
        self.constants: list[Array] = []
        self.gradients: dict[tuple[Request, Place, int], Array] = {}
        """By reverse pass, place, and how many sources there were by then."""
        self.values: dict[Place, Array] = {}
        self.behind: dict[Request, set[Request]] = {}
        """The reverse passes whose results the roots of a reverse pass depend on."""
        self.of_roots: dict[Request, set[int]] = {}
        """The nodes that the roots of a reverse pass depend on."""
        self.of_all: dict[Request, set[int]] = {}
        """The same for roots and cotangents."""


class Run:
    """One run of a program; ``stop``: the reverse pass at which it ends, or None."""

    def __init__(self, tape: Tape, moves: Moves, stop: Request | None = None) -> None:
        self.tape = tape
        self.moves = moves
        self.stop = stop
        self.is_first = stop is None
        self.is_over = False
        """Whether the reverse pass at which it ends was reached."""
        self.values: dict[Place, Array] = tape.values if self.is_first else {}
        self.requests = 0
        self.custom = 0
        """How many custom functions are being called: what is in them is not recorded, and is no constant either."""
        self._position = 0
        self._alive: list[Any] = []

    def constant(self, array: Array) -> Array:
        """``array`` as it is where nothing is moved."""
        if self.is_first:
            self.tape.constants.append(np.array(array))
            return array
        if self._position >= len(self.tape.constants):
            raise Unanswerable("the program takes another way where something is moved")
        known = self.tape.constants[self._position]
        self._position += 1
        if known.shape != array.shape:
            raise Unanswerable("the program takes another way where something is moved")
        return known

    def used(self, tensor: Any) -> Any:
        """What an operation sees of an operand."""
        if not isinstance(tensor, Tensor) or isinstance(tensor, mapped.Mapped) or self.custom:
            return tensor
        if not modes.mode.recording or not tensor.requires_grad:
            return _like(tensor, _wide(self.constant(tensor._array)))
        if not tensor.is_leaf:
            return tensor
        edge = tensor.edge()
        self._alive.append(edge[0])
        place = (edge[0].order, edge[1])
        value = _wide(self.constant(tensor._array))
        if place in self.moves:
            value = np.asarray(value + self.moves[place])
        self.values[place] = np.array(value)
        used = _like(tensor, value)
        return used if used is tensor else used.placed_at(edge)

    def made(self, tensor: Any, in_place: bool = False) -> None:
        """``tensor`` is the result of an operation."""
        if not isinstance(tensor, Tensor) or isinstance(tensor, mapped.Mapped) or tensor._node is None:
            return
        place = (tensor._node.order, tensor._output)
        if place in self.moves:
            if in_place:
                tensor._array += self.moves[place]
            else:
                tensor._array = np.asarray(tensor._array + self.moves[place])
        self.values[place] = np.array(tensor._array)


def _wide(array: Array) -> Array:
    return array.astype(_WIDE[array.dtype]) if array.dtype in _WIDE else array


def _like(tensor: Any, array: Array) -> Any:
    """``tensor`` itself where it holds ``array``, else a stand-in."""
    if array is tensor._array or (array.dtype == tensor._array.dtype and np.array_equal(array, tensor._array)):
        return tensor
    stand_in = Tensor(np.array(array))
    stand_in._writes = tensor._writes
    if hasattr(tensor, "_tangents"):
        stand_in._tangents = tensor._tangents
    return stand_in


class _Watched(levels.Levels):  # type: ignore[misc]  # the reference is loaded under a private name
    """Operations, as `Run` wants them."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def apply(self, operation: Any, operands: Sequence[Any], options: Any) -> Any:
        if mapped.innermost(operands) is not None:
            return super().apply(operation, operands, options)
        if "dtype" in options:
            options = {**options, "dtype": np.dtype(_WIDE.get(options["dtype"], options["dtype"]))}
        result = super().apply(operation, [self.run.used(operand) for operand in operands], options)
        self.run.made(result)
        return result

    def view(self, operation: Any, operand: Any, options: Any) -> Any:
        if isinstance(operand, mapped.Mapped):
            return super().view(operation, operand, options)
        tracked = modes.mode.recording and operand.requires_grad
        result = super().view(operation, self.run.used(operand) if tracked else operand, options)
        self.run.made(result)
        return result

    def write(self, target: Any, operation: Any, others: tuple[Any, ...], options: Any) -> Any:
        if mapped.innermost((target, *others)) is not None or self.run.custom:
            return super().write(target, operation, others, options)
        used = tuple(self.run.used(other) for other in others)
        if modes.mode.recording and any(isinstance(x, Tensor) and x.requires_grad for x in (target, *others)):
            super().write(target, operation, used, options)
            self.run.made(target, in_place=True)
            if target._view is not None:
                self.run.made(target._view.base, in_place=True)
            return target
        # Nothing is recorded, so what is written is a constant: what was moved in the target stays moved as it was.
        moved = target._array - self.run.constant(target._array) if target._array.dtype.kind in "fc" else None
        super().write(target, operation, used, options)
        if moved is not None:
            target._array[...] = self.run.constant(target._array) + moved
        return target

    def call(self, custom: Any, arguments: Sequence[Any]) -> Any:
        if mapped.innermost(arguments) is not None:
            return super().call(custom, arguments)
        used = [self.run.used(argument) for argument in arguments]
        self.run.custom += 1
        try:
            outputs = super().call(custom, used)
        finally:
            self.run.custom -= 1
        for output in outputs if isinstance(outputs, tuple) else (outputs,):
            self.run.made(output)
        return outputs

    def created(self, tensor: Any) -> None:
        tensor._array = _wide(tensor._array)
        super().created(tensor)


now: list[Run] = []
"""The runs that are in progress, the innermost last."""


@contextmanager
def running(run: Run) -> Iterator[None]:
    """Operations are those of ``run`` in here, and all that is global is as in a fresh process."""
    before = (
        dict(vars(modes.mode)),
        levels.open_now.levels,
        levels._count,
        levels._LEVELS,
        record.interpreter,
        graph._clock,
    )
    modes.mode.reset()
    forward.forget_dual_level()
    levels.open_now.levels, levels._count, graph._clock = (), 1, itertools.count()
    levels._LEVELS = record.interpreter = _Watched(run)
    now.append(run)
    try:
        yield
    finally:
        now.pop()
        modes.mode.reset()
        vars(modes.mode).update(before[0])
        _, levels.open_now.levels, levels._count, levels._LEVELS, record.interpreter, graph._clock = before


_refresh = views.View.refresh


def _refreshed(self: Any, view: Any) -> None:
    """A view of something that was written gets its creator late: it is from then on that it may be moved."""
    before = view._node
    _refresh(self, view)
    if now and view._node is not before and view._node is not None:
        now[-1].made(view)


views.View.refresh = _refreshed


def constant_number(tensor: Any, read: Any) -> Any:
    """A number taken out of a tensor: nothing flows through it."""
    if not now or now[-1].custom or isinstance(tensor, mapped.Mapped):
        return read(tensor)
    return read(Tensor(now[-1].constant(tensor._array)))


_parts_of = several.parts_of


def _parts(tensor: Any, label: str, indices: Any) -> Any:
    """The results of ``unbind`` and its like have one node, which they get after they are made."""
    parts = _parts_of(tensor, label, indices)
    if now:
        for part in parts:
            now[-1].made(part)
    return parts


several.parts_of = _parts
