"""Modes of a thread: whether operations are recorded, and who watches what they save and write.

Keeps torch.no_grad, torch.enable_grad, torch.set_grad_enabled and notes/autograd#locally-disabling-gradient-computation:

- The modes belong to the thread; every thread starts with recording on and nobody watching.
- A context restores on its way out, also by an exception, what it found on its way in.
- Only the recording of new operations depends on the mode. Graphs recorded before are as they were, a reverse pass may
  start in any mode, and creating a tensor with ``requires_grad=True`` works in any.

Inference mode (inference.py) is no_grad and more. `enable_grad` inside of it changes what `is_grad_enabled` says, but
nothing is recorded; hence ``recording`` is a fact of its own.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from .graph import Pass
    from .mutation import allow_mutation_on_saved_tensors
    from .packing import Pair

Result = TypeVar("Result")


class _Mode(threading.local):
    recording = True
    enabled = True
    """What the grad mode is set to; operations are recorded if it is on and inference mode is off."""
    inference = False
    transforming = False
    """Whether a function transform is in progress; see levels.py."""
    multithreading = True
    grad_layout = True
    """Whether first gradients get the layout of their leaf; see layout.py."""
    packing: Pair | None = None
    """The pair of saved-tensor hooks in force; see packing.py."""
    packing_refused: str | None = None
    keeper: allow_mutation_on_saved_tensors | None = None
    """Who wants to know before memory is written; see mutation.py."""
    reverse_pass: Pass | None = None
    """The traversal that this thread is in; see graph.py."""

    def reset(self) -> None:
        """As in a thread that was just started."""
        vars(self).clear()

    def switch(self, enabled: bool, inference: bool) -> None:
        self.enabled, self.inference = enabled, inference
        self.recording = enabled and not inference


mode = _Mode()
"""The modes of this thread; ``mode.recording`` is what operations ask."""


def is_grad_enabled() -> bool:
    return mode.enabled


def is_multithreading_enabled() -> bool:
    return mode.multithreading


class Block:
    """A mode for a block or a function: ``with no_grad():``, ``@no_grad()`` and ``@no_grad``."""

    def __new__(cls, function: Any = None) -> Any:
        block = super().__new__(cls)
        return block(function) if callable(function) else block

    def begin(self) -> None:
        raise NotImplementedError

    def again(self) -> Any:
        """A fresh block of the same kind, for every call of a decorated function."""
        return type(self)()

    def __enter__(self) -> None:
        self.previous = mode.enabled, mode.inference
        self.begin()

    def __exit__(self, *exception: object) -> None:
        mode.switch(*self.previous)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):
            return self._around_generator(function)

        @functools.wraps(function)
        def within(*arguments: Any, **keywords: Any) -> Any:
            with self.again():
                return function(*arguments, **keywords)

        return within

    def _around_generator(self, function: Callable[..., Iterator[Result]]) -> Callable[..., Iterator[Result]]:
        """The mode holds while the body runs; at every ``yield`` the caller has its own again."""

        @functools.wraps(function)
        def within(*arguments: Any, **keywords: Any) -> Iterator[Result]:
            generator = function(*arguments, **keywords)
            while True:
                with self.again():
                    try:
                        value = next(generator)
                    except StopIteration:
                        return
                yield value

        return within


class no_grad(Block):
    """Nothing is recorded: results require no gradient, and leaves may be written in place."""

    def begin(self) -> None:
        mode.switch(False, mode.inference)


class enable_grad(Block):
    """Recording is on again, inside of `no_grad`."""

    def begin(self) -> None:
        mode.switch(True, mode.inference)


class recorded(Block):
    """Recording is on, inside of inference mode as well: for history that is repeated, not made."""

    def begin(self) -> None:
        mode.switch(True, False)


class set_grad_enabled(Block):
    """Switches at once when called; as a context it also switches back, as a decorator it covers the function only."""

    def __new__(cls, mode: bool) -> set_grad_enabled:
        return object.__new__(cls)

    def __init__(self, mode: bool) -> None:
        self.wanted = bool(mode)
        self.__enter__()

    def begin(self) -> None:
        mode.switch(self.wanted, mode.inference)

    def again(self) -> Any:
        return set_grad_enabled(self.wanted)

    def __enter__(self) -> None:
        if not hasattr(self, "previous"):  # what the call has noted stays
            super().__enter__()
        self.begin()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        mode.switch(*self.previous)
        return super().__call__(function)


class set_multithreading_enabled:
    """Accepted and reported, nothing more: a reverse pass always runs on the thread that starts it."""

    def __init__(self, mode: bool) -> None:
        self.previous = _set_multithreading(mode)

    def __enter__(self) -> None:
        return

    def __exit__(self, *exception: object) -> None:
        _set_multithreading(self.previous)


def _set_multithreading(enabled: bool) -> bool:
    previous, mode.multithreading = mode.multithreading, enabled
    return previous
