"""Threads, as far as the engine has to do with them.

Keeps notes/autograd#multithreaded-autograd: modes belong to a thread (modes.py), a reverse pass with all its hooks runs on
the thread that starts it, and graphs and leaves may be used from any. What several threads add to one leaf at the same
time may get lost, which the note says, too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def in_thread(function: Callable[[], Result]) -> Result:
    """Call ``function`` in a thread of its own and wait: its value, or its error, is that of this call."""
    values: list[Result] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            values.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return values[0]


def thread_id() -> int:
    return threading.get_ident()
