"""How many cases a second an executor gets through, and what a large run costs by that.

    python benchmarks/throughput.py [--engine torch] [--cases 12000] [--workers 1 2 4]

The suite's own cases, over and over, as jobs straight into the executor: on local workers and, where Ray is installed, on
a Ray of this machine. Starting is told apart from running, and judging (which the head does alone) is timed by itself.
Then the model: what a million cases on thirty versions of the engine take by these figures.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import os
import time
from collections.abc import Callable
from typing import NamedTuple

from harness import plugins, selection
from harness.cases import Case, ready
from harness.engine import EngineUnusable
from harness.execution import Done, Executor, Job, Limits, Lost, Target, Work, machine
from harness.execution.local import Local
from harness.execution.sources import Queue
from harness.language.load import CheckedSpec
from harness.plugins import Candidate
from harness.run import target
from harness.verdict import verdict

CASES, VERSIONS = 1_000_000, 30


class Rate(NamedTuple):
    """One run through an executor."""

    start: float
    """Seconds until the engine was ready for the first time."""
    running: float
    """Seconds of all cases, the start of further workers included."""
    steady: float
    """Cases a second between the first quarter and the last, when all workers are there."""
    head: float
    """Seconds of a core that this process spent on each case."""
    done: list[Done]


def measure(make: Callable[[], Executor], told: Target, works: list[tuple[Work, Case]], count: int) -> Rate:
    begun = time.perf_counter()
    executor = make()
    try:
        (answer,) = executor.open([told])
        if isinstance(answer, EngineUnusable):
            raise SystemExit(str(answer))
        opened = time.perf_counter()
        done, times, spent = [], [], time.process_time()
        for one in executor.run({0: Queue(Job(0, *work) for work in itertools.islice(itertools.cycle(works), count))}):
            done.append(one)
            times.append(time.perf_counter())
        spent = time.process_time() - spent
    finally:
        executor.close()
    lost = [one.outcome.reason for one in done if isinstance(one.outcome, Lost)]
    assert len(done) == count and not lost, (len(done), lost[:3])
    quarter = count // 4
    steady = (count - 2 * quarter) / (times[-quarter - 1] - times[quarter - 1])
    return Rate(opened - begun, times[-1] - opened, steady, spent / count, done)


def judging(candidate: Candidate, checked: dict[int, CheckedSpec], done: list[Done]) -> float:
    """Seconds that the head takes to judge a case."""
    wording = candidate.file.follows is plugins.Follows.PYTORCH
    begun = time.perf_counter()
    for one in done:
        assert not isinstance(one.outcome, Lost)
        verdict(checked[one.job.work.number], one.job.case, one.outcome, wording)
    return (time.perf_counter() - begun) / len(done)


def tell_the_model(name: str, workers: int, rate: Rate, ready: float, judge: float) -> None:
    """Core-hours: the executor starts once, every version on every worker; then each case runs and is judged."""
    each, head, once = workers / rate.steady, rate.head + judge, max(0.0, rate.start - ready)
    rows = (
        (workers * once, f"executor   {workers} workers x {once:.2f} s"),
        (workers * VERSIONS * ready, f"engines    {workers} workers x {VERSIONS} versions x {ready:.2f} s"),
        (VERSIONS * CASES * each, f"cases      {VERSIONS} versions x {CASES:.0e} cases x {each * 1e6:.0f} us"),
        (VERSIONS * CASES * judge, f"judging    {VERSIONS} versions x {CASES:.0e} cases x {judge * 1e6:.0f} us"),
    )
    print(f"  {name}, by the figures of {workers} workers")
    for seconds, what in (*rows, (sum(seconds for seconds, _ in rows), "core-hours in all")):
        print(f"    {seconds / 3600:8.3f}  {what}")
    print(
        f"    A case takes the head {head * 1e6:.0f} us, judging included and writing the record not: one head keeps up "
        f"with {each / head:.0f} workers;\n    beyond that, --shard makes several runs with a head each."
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--engine", default="reference")
    options.add_argument("--cases", type=int, default=12_000)
    options.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    given = options.parse_args()
    candidate = plugins.find(given.engine)
    told = target(candidate, None, (), True)
    limits = Limits(timeout=60.0)
    executor = Local(1, limits)
    begun = time.perf_counter()
    (capabilities,) = executor.open([told])
    engine_ready = time.perf_counter() - begun
    executor.close()
    if isinstance(capabilities, EngineUnusable):
        raise SystemExit(str(capabilities))
    checked = dict(enumerate(selection.suite()))
    works = [
        (Work(number, spec.program), case)
        for number, spec in checked.items()
        for case in ready(spec, candidate.file, capabilities.words)
        if isinstance(case, Case)
    ]

    kinds: dict[str, Callable[[int], Executor]] = {"local": lambda workers: Local(workers, limits)}
    if importlib.util.find_spec("ray") is not None:
        from harness.execution.ray import Ray

        kinds["ray"] = lambda workers: Ray(workers, limits)
    print(
        f"{given.engine} {capabilities.version}, {given.cases} runs of the suite's {len(works)} cases, "
        f"{machine.cores()} cores, "
        f"load {os.getloadavg()[0]:.1f} before; one run of each"
    )
    print("  executor  workers  start s  running s  cases/s steady  over 1 worker")
    last: dict[str, tuple[int, Rate]] = {}
    for kind, make in kinds.items():
        first = 0.0
        for workers in given.workers:
            rate = measure(lambda: make(workers), told, works, given.cases)  # noqa: B023
            first = first or rate.steady
            within = workers <= machine.cores()
            last[kind] = (workers, rate) if within or kind not in last else last[kind]
            print(
                f"  {kind:8}  {workers:7}  {rate.start:7.2f}  {rate.running:9.2f}  {rate.steady:14.0f}  "
                f"{rate.steady / first:13.2f}" + ("" if within else "  (more workers than cores)")
            )
    print(
        f"The model, for {CASES:.0e} such cases on {VERSIONS} versions, in core-hours: "
        "workers x (executor + versions x engine) + versions x cases x (case + judging)"
    )
    for kind, (workers, rate) in last.items():
        tell_the_model(kind, workers, rate, engine_ready, judging(candidate, checked, rate.done))


if __name__ == "__main__":
    main()
