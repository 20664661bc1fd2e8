"""Grad modes: whether operations are recorded.

Keeps torch.no_grad, torch.enable_grad, torch.set_grad_enabled and notes/autograd#locally-disabling-gradient-computation:

- The mode belongs to the thread; every thread starts with recording on.
- A context restores on its way out, also by an exception, what it found on its way in.
- Only the recording of new operations depends on the mode. Graphs recorded before are as they were, a reverse pass may
  start in any mode, and creating a tensor with ``requires_grad=True`` works in any.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Mode(threading.local):
    recording = True
    transforming = False
    """Whether a function transform is in progress (levels.py)."""


mode = _Mode()
"""``mode.recording``: whether this thread records."""


def is_grad_enabled() -> bool:
    return mode.recording


class set_grad_enabled:
    """Switches at once when called; as a context it also switches back, as a decorator it covers the function only."""

    def __init__(self, mode: bool) -> None:
        self.wanted = bool(mode)
        self._switch()

    def _switch(self) -> None:
        self.previous = mode.recording
        mode.recording = self.wanted

    def __enter__(self) -> None:
        mode.recording = self.wanted

    def __exit__(self, *exception: object) -> None:
        mode.recording = self.previous

    def __call__(self, function: Callable[..., Result]) -> Callable[..., Result]:
        mode.recording = self.previous
        wanted = self.wanted

        @functools.wraps(function)
        def within(*arguments: Any, **keywords: Any) -> Result:
            with set_grad_enabled(wanted):
                return function(*arguments, **keywords)

        return within


class _Block:
    """A mode for a block or a function: ``with no_grad():``, ``@no_grad()`` and ``@no_grad``."""

    wanted: bool

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        block = super().__new__(cls)
        return block if function is None else block(function)

    def __enter__(self) -> None:
        self.previous = mode.recording
        mode.recording = self.wanted

    def __exit__(self, *exception: object) -> None:
        mode.recording = self.previous

    def __call__(self, function: Callable[..., Result]) -> Callable[..., Result]:
        @functools.wraps(function)
        def within(*arguments: Any, **keywords: Any) -> Result:
            with type(self)():
                return function(*arguments, **keywords)

        return within


class no_grad(_Block):
    """Nothing is recorded: results require no gradient, and leaves may be written in place."""

    wanted = False


class enable_grad(_Block):
    """Recording is on again, inside of `no_grad`."""

    wanted = True
