"""Tables take long to be worked out for the first time: several processes share them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

Make = Callable[[Path], bytes | None]


def work_out(tables: Sequence[Path], make: Make) -> dict[Path, bytes]:
    """What ``make`` gives for each of them, but None. Nothing, where one process is all that can be had.

    A process that has threads is not forked: a lock that one of them holds would stay locked in the child."""
    if len(tables) > 1 and sys.stderr.isatty():
        click.echo(
            f"harness: working out the numbers of {len(tables)} tables (they are kept for next time) ...", err=True
        )
    processes = min(len(os.sched_getaffinity(0)), len(tables)) if sys.platform == "linux" else 1
    if processes < 2 or len(os.listdir("/proc/self/task")) > 1:
        return {}
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    largest_first = sorted(tables, key=lambda path: path.stat().st_size, reverse=True)
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        made = zip(largest_first, pool.map(make, largest_first), strict=True)
        return {path: data for path, data in made if data is not None}
