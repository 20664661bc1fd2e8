"""What this machine is and what its processes do: speed, cores, memory, families of processes. Linux tells most of it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator

USUAL = 0.0125
"""Seconds that `factor`'s work takes on the machine on which time limits were chosen."""


def factor() -> float:
    """How many times slower than usual this machine is now; at least 1."""
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        total = 0
        for number in range(200_000):
            total += number & 3
        best = min(best, time.perf_counter() - begun)
    return max(1.0, best / USUAL)


def cores() -> int:
    """How many processes can run at once here."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> int:
    """Bytes of memory; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 0


def share(workers: int) -> int:
    """Bytes that one of ``workers`` may hold, where nothing else is said: all together half of the machine, but 4 GiB each at
    least (large engines take one before they do anything) and 8 at most."""
    return max(4 * 2**30, min(8 * 2**30, memory() // (2 * workers)))


def used(processes: list[int]) -> int:
    """Bytes of memory that processes hold, what they share counted for each; 0 where the system does not say."""
    total = 0
    for process in processes:
        try:
            with open(f"/proc/{process}/statm", "rb") as file:
                total += int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError, ValueError):
            continue
    return total


def held(processes: list[int]) -> int:
    """The same, with memory that they share counted once; takes milliseconds, so only where `used` is too much."""
    total = 0
    for process in processes:
        try:
            with open(f"/proc/{process}/smaps_rollup", "rb") as file:
                total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith(b"Pss:"))
        except (OSError, IndexError, ValueError):
            total += used([process])  # an old kernel
    return total


def family(process: int, most: int = 1000) -> list[int]:
    """A process and its descendants, as far as the system tells; no more than ``most``."""
    found: list[int] = []
    todo = [process]
    while todo and len(found) < most:
        one = todo.pop()
        found.append(one)
        try:
            threads = os.listdir(f"/proc/{one}/task")
        except OSError:
            continue
        for thread in threads:
            try:
                with open(f"/proc/{one}/task/{thread}/children", "rb") as file:
                    todo.extend(map(int, file.read().split()))
            except OSError:
                continue
    return found


def end(process: int, mark: str) -> None:
    """Kill a worker and whatever it started: its process group, and what left that but still bears the ``mark``."""
    _kill_group(process)
    if sys.platform == "linux":
        for _ in range(20):
            marked = [found for found in _marked(mark) if found != process]
            if not marked:
                return
            for one in marked:
                _kill(one)


def _kill_group(process: int) -> None:
    try:
        os.killpg(process, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        _kill(process)


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _marked(mark: str) -> Iterator[int]:
    """Living processes that carry the mark in their environment."""
    wanted = mark.encode()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if wanted not in file.read():
                        continue
                with open(f"/proc/{name}/stat", "rb") as file:
                    if file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X"):
                        yield int(name)
            except OSError:
                continue
