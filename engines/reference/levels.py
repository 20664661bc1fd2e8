"""Levels: transformations in progress, and what an operation means while there are some.

Forward mode, ``vmap`` and ``func.grad`` change what an operation on tensors does, for as long as they run. Each run is a
`Level`; levels nest, and the innermost is the last of `open_now`. While one is open, operations go through `Levels`, the
implementation of `record.Interpreter`:

1. If an operand is *mapped* (mapped.py), the operation is executed for every entry, and each on its own goes on with 2.
2. The operation is executed and recorded as always. Reverse mode is not a matter of levels: there is one tape.
3. Every level learns of it, outermost first. A forward level (forward.py) at which an operand has a tangent computes the
   tangent of the result, *below* itself: by operations for which only the levels around it exist. That keeps levels
   apart: a tangent of an inner level can have tangents of outer ones, never the reverse.

Where no level is open, none of this exists: `record.interpreter` is None.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import function, inplace, record, views
from .dtypes import Array
from .errors import AutogradError
from .function import Function, FunctionNode
from .mapped import Mapped, each, innermost, write_each
from .modes import mode
from .record import Operation, Options
from .tensor import Tensor


class Level:
    """One run of a transformation. Its methods tell it what happens while it is open."""

    is_transform = True
    """Whether this is a function transform, which restricts what the function may do (False: a mere dual level)."""

    def recalled(self, operation: Operation) -> Array | None:
        """The result of ``operation``, where it is known without executing it."""
        return None

    def executed(self, operation: Operation, operands: Sequence[Any], options: Options, result: Tensor) -> None:
        """``operation`` was executed."""

    def writing(
        self, target: Tensor, operation: Operation, others: tuple[Any, ...], options: Options
    ) -> Callable[[], None] | None:
        """``target`` is about to be overwritten by ``operation``; what is returned is called afterwards."""
        return None

    def called(self, context: FunctionNode, arguments: Sequence[Any], outputs: Sequence[Any]) -> None:
        """A custom function was called."""

    def copied(self, of: Tensor, to: Tensor) -> None:
        """``to`` remembers what ``of`` is before a write."""

    def created(self, tensor: Tensor) -> None:
        """``tensor`` was made from numbers."""


class _OpenNow(threading.local):
    levels: tuple[Level, ...] = ()


open_now = _OpenNow()
_count = 0
_counting = threading.Lock()


def enter(level: Level) -> None:
    global _count
    open_now.levels = (*open_now.levels, level)
    mode.transforming = in_transform()
    with _counting:
        _count += 1
        record.interpreter = _LEVELS


def leave(level: Level) -> None:
    global _count
    if level not in open_now.levels:
        return
    open_now.levels = tuple(other for other in open_now.levels if other is not level)
    mode.transforming = in_transform()
    with _counting:
        _count -= 1
        if _count == 0:
            record.interpreter = None


def leave_all() -> None:
    for level in open_now.levels:
        leave(level)


@contextlib.contextmanager
def opened(level: Level) -> Iterator[None]:
    enter(level)
    try:
        yield
    finally:
        leave(level)


@contextlib.contextmanager
def only(levels: tuple[Level, ...]) -> Iterator[None]:
    """Let this thread see no other levels than these."""
    previous = open_now.levels
    open_now.levels = levels
    try:
        yield
    finally:
        open_now.levels = previous


def below(level: Level) -> contextlib.AbstractContextManager[None]:
    """As seen from outside of ``level``: neither it nor what is open inside of it exists."""
    levels = open_now.levels
    return only(levels[: levels.index(level)] if level in levels else levels)


def depth() -> int:
    return len(open_now.levels)


def in_transform() -> bool:
    return any(level.is_transform for level in open_now.levels)


def innermost_transform() -> Level | None:
    return next((level for level in reversed(open_now.levels) if level.is_transform), None)


class Levels(record.Interpreter):
    def apply(self, operation: Operation, operands: Sequence[Any], options: Options) -> Tensor:
        levels = open_now.levels
        if not levels:
            return record.execute(operation, operands, options)
        mapping = innermost(operands)
        if mapping is not None:
            return each(mapping, lambda *entries: record.apply(operation, entries, options), *operands)  # type: ignore[no-any-return]
        known = next((array for level in levels if (array := level.recalled(operation)) is not None), None)
        if known is None:
            result = record.execute(operation, operands, options)
        else:
            result = record.record(operation, operands, known, options)
        for level in levels:
            level.executed(operation, operands, options, result)
        return result

    def view(self, operation: Operation, operand: Tensor, options: Options) -> Tensor:
        if isinstance(operand, Mapped):
            return each(operand.level, lambda entry: views.view_of(operation, entry, **options), operand)  # type: ignore[no-any-return]
        result = views.make_view(operation, operand, options)
        for level in open_now.levels:
            level.executed(operation, (operand,), options, result)
        return result

    def write(self, target: Tensor, operation: Operation, others: tuple[Any, ...], options: Options) -> Tensor:
        mapping = innermost((target, *others))
        if mapping is not None:
            return write_each(
                mapping, lambda entry, *others: inplace.write(entry, operation, others, options), target, *others
            )
        after = [level.writing(target, operation, others, options) for level in open_now.levels]
        inplace.overwrite(target, operation, others, options)
        for finish in after:
            if finish is not None:
                finish()
        return target

    def call(self, custom: type[Function], arguments: Sequence[Any]) -> Any:
        if in_transform() and custom.setup_context is None:
            raise AutogradError(
                "transform-needs-setup-context",
                "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must "
                "override the setup_context staticmethod.",
            )
        mapping = innermost(arguments)
        if mapping is not None:
            return mapping.call(custom, arguments)

        def then(context: FunctionNode, outputs: Sequence[Any]) -> None:
            for level in open_now.levels:
                level.called(context, arguments, outputs)

        return function.call(custom, arguments, then)

    def copied(self, of: Tensor, to: Tensor) -> None:
        for level in open_now.levels:
            level.copied(of, to)

    def created(self, tensor: Tensor) -> None:
        for level in open_now.levels:
            level.created(tensor)


_LEVELS = Levels()
