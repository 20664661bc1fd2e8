"""What keeps a worker from outliving its supervisor and from taking the machine down with it."""

from __future__ import annotations

import ctypes
import faulthandler
import mmap
import os
import signal
import struct
import sys
from typing import Any

FORKS = 64
"""Processes that all programs of one case may start together, descendants included."""


def die_with_the_supervisor() -> None:
    """On Linux the kernel ends a worker whose supervisor is gone; elsewhere it ends when it next reads its orders."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)


def tell_where_it_hangs(asked: bool = True) -> None:
    """A crash writes its Python stack to stderr; so does SIGUSR1, which the supervisor sends before it ends a worker, but
    not where a process only waits for its fork (``asked=False``)."""
    faulthandler.enable(all_threads=True)
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=True, chain=False)
        if not asked:
            faulthandler.unregister(signal.SIGUSR1)
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def no_core_files() -> None:
    """A crash is a verdict here: gigabytes of memory on disk help nobody."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def limit_memory(size: int) -> None:
    """At most ``size`` bytes of private memory; what asks for more is told that there is none (0: no limit).

    The supervisor watches what the process really uses; this stops what grows faster than anyone can look."""
    try:
        import resource
    except ImportError:
        return
    if size and hasattr(resource, "RLIMIT_DATA"):
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (size if hard < 0 else min(size, hard), hard))


class Forks:
    """Counts the processes that the engine starts, in memory which its children share, and refuses too many."""

    def __init__(self) -> None:
        self.shared = mmap.mmap(-1, 8)
        self.own = False
        sys.addaudithook(self._asked)

    def forget(self) -> None:
        """A new case begins."""
        self.shared[:8] = b"\0" * 8

    def _asked(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen") and not self.own:
            count = struct.unpack("q", self.shared[:8])[0] + 1
            self.shared[:8] = struct.pack("q", count)
            if count > FORKS:
                raise BlockingIOError(11, f"more than {FORKS} processes in one case; the harness starts no more")
