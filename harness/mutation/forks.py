"""Work done in forks of this process: each begins as this one is, and leaves nothing behind."""

from __future__ import annotations

import faulthandler
import marshal
import os
import resource
import selectors
import signal
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any, Generic, NamedTuple, TypeVar

Task = TypeVar("Task")
Tell = Callable[[Any], None]


class Ended(NamedTuple):
    """How a fork ended."""

    told: list[Any]
    """What it told, in order; all of it, unless it died."""
    signal: int
    """That it died of; 0 where it came to its end."""
    late: bool
    """Whether it was ended because it took too long, by the clock or by the processor."""

    @property
    def died(self) -> bool:
        return self.signal != 0


class Limits(NamedTuple):
    processor: int
    """Seconds on the processor."""
    wall: float
    """Seconds by the clock: for what waits for ever."""
    memory: int = 4 << 30
    """Bytes that it may take beyond what it began with."""


class _Running(Generic[Task]):
    def __init__(self, task: Task, process: int, reading: int, limits: Limits) -> None:
        self.task = task
        self.process = process
        self.reading = reading
        self.data = bytearray()
        self.until = monotonic() + limits.wall
        self.killed = False

    def kill(self) -> None:
        self.killed = True
        os.kill(self.process, signal.SIGKILL)

    def ended(self) -> Ended:
        os.close(self.reading)
        _, status = os.waitpid(self.process, 0)
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if not number and os.WEXITSTATUS(status):
            number = signal.SIGABRT  # the engine ended the process itself
        return Ended(_messages(self.data), number, self.killed or number == signal.SIGXCPU)


def in_forks(
    ready: Callable[[], Task | None],
    work: Callable[[Task, Tell], None],
    jobs: int,
    limits: Callable[[Task], Limits],
) -> Iterator[tuple[Task, Ended]]:
    """``work(task, tell)`` for every task that ``ready`` gives, ``jobs`` at a time; how each ended, as they end.

    ``ready`` is asked again after each end that the caller has seen, so that a task may depend on those before it."""
    selector = selectors.DefaultSelector()
    running = 0
    try:
        while True:
            while running < jobs and (task := ready()) is not None:
                fork = _fork(task, work, limits(task))
                selector.register(fork.reading, selectors.EVENT_READ, fork)
                running += 1
            if not running:
                return
            for key, _ in selector.select(timeout=1.0):
                fork = key.data
                data = os.read(fork.reading, 1 << 20)
                if data:
                    fork.data += data
                    continue
                selector.unregister(fork.reading)
                running -= 1
                yield fork.task, fork.ended()
            for key in list(selector.get_map().values()):
                if monotonic() > key.data.until and not key.data.killed:
                    key.data.kill()
    finally:
        for key in list(selector.get_map().values()):
            key.data.kill()
            key.data.ended()
        selector.close()


def _fork(task: Task, work: Callable[[Task, Tell], None], limits: Limits) -> _Running[Task]:
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return _Running(task, process, reading, limits)
    code = 1
    try:
        os.close(reading)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        faulthandler.disable()
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        _limit(limits)

        def tell(message: Any) -> None:
            data = marshal.dumps(message)
            data = len(data).to_bytes(4, "little") + data
            while data:
                data = data[os.write(writing, data) :]

        work(task, tell)
        code = 0
    finally:
        os._exit(code)


def _limit(limits: Limits) -> None:
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (limits.processor, hard))
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            held = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return
    most = held + limits.memory
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _messages(data: bytearray) -> list[Any]:
    """What was written in full."""
    found, at = [], 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "little")
        if at + 4 + size > len(data):
            break
        found.append(marshal.loads(bytes(data[at + 4 : at + 4 + size])))
        at += 4 + size
    return found
