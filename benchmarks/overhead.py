"""What the harness costs over the bare computation, and beside the tools that people use instead.

    python benchmarks/overhead.py [--engine torch --engine reference] [--rounds 20]

All in one run, so that the figures are ratios: for every case of the profile core, the program and the expressions that it looks
at as a person would type them (no checks at all, errors caught where the spec expects one), the same case through the harness
in one process and through a worker (run, observe, judge, record), the same checks as parametrised pytest tests and as examples
of a hypothesis test. Beside each ratio stands what is added to the bare program: that is the tool's own.
Then where the time goes, and what starting up costs. Times are minima over the rounds: the least disturbed run of each.
"""

from __future__ import annotations

import argparse
import ast
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in a worker

import gc
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness import cases, execute, explain, plugins, profiles, record, selection
from harness.cases import Case
from harness.execution import Job, Limits, Work
from harness.execution.local import Local
from harness.execution.sources import Queue
from harness.language.load import CheckedSpec
from harness.language.words import NAMES
from harness.plugins import Loaded
from harness.run import target
from harness.seen import Seen
from harness.verdict import verdict
from harness.worker.host import Loaded as Program

PYTEST = """
import pytest
from benchmarks import overhead

ITEMS = (overhead.ready(overhead.session({engine!r})) * 8)[:{count}]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.case.id)
def test_case(item):
    assert overhead.check(item).status == "pass"
"""
HYPOTHESIS = """
import time
from hypothesis import given, settings, strategies, HealthCheck
from benchmarks import overhead

ITEMS = overhead.ready(overhead.session({engine!r}))
count = 0


@settings(max_examples={count}, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(strategies.sampled_from(ITEMS), strategies.integers())
def test_cases(item, other):
    global count
    count += 1
    assert overhead.check(item).status == "pass"


begun = time.perf_counter()
test_cases()
print((time.perf_counter() - begun) / count)
"""


class Item(NamedTuple):
    """A case, ready to run on an engine in this process."""

    session: execute.Session
    checked: CheckedSpec
    program: Program
    case: Case


def session(name: str) -> execute.Session:
    """An engine in this process; warnings go to the harness from now on."""
    return execute.Session(plugins.load(plugins.find(name), None), execute.listening().__enter__())


LONG = "backward/deep-chain"
"""It computes longer than all others together, and would hide what is added to them."""


def ready(of: execute.Session) -> list[Item]:
    """The cases of the profile core that the engine is asked, and that can come out in one way only."""
    items = []
    for checked in profiles.narrow(selection.suite(), "core"):
        if checked.spec.id == LONG or any(step.either for step in checked.spec.steps):
            continue
        program = None
        for case in cases.ready(checked, of.file, of.words):
            if isinstance(case, Case):
                program = program or of.host.load(checked.program)
                items.append(Item(of, checked, program, case))
    return items


def check(item: Item) -> record.CaseLine:
    """Run, observe, judge."""
    seen = item.session.host.run(item.program, item.session.values(item.case))
    return verdict(item.checked, item.case, seen, item.session.wording)


def alone(item: Item) -> None:
    """The compiled program, and nothing around it."""
    item.program.runner.guards.reset()
    item.program.runner.call([].append, *item.session.values(item.case))


def bare(checked: CheckedSpec, loaded: Loaded) -> Callable[..., None]:
    """The spec's program as a plain function over the engine's own names, the expressions that it looks at among its lines;
    nothing is read out of the engine and nothing is compared."""
    lines = [f"def case({', '.join(checked.arguments)}):"]
    for step, tree in zip(checked.spec.steps, checked.trees, strict=True):
        statements = [explain.python(statement) for statement in tree.body]
        if step.raises:
            last = statements.pop()
            statements.append(f"try:\n{textwrap.indent(last, '    ')}\nexcept Exception:\n    pass")
        statements += map(ast.unparse, tree.observed)
        lines += [textwrap.indent(statement, "    ") for statement in statements]
    scope: dict[str, Any] = {word: loaded.engine.names[word] for word in NAMES if word in loaded.engine.names}
    exec("\n".join(lines), scope)
    function: Callable[..., None] = scope["case"]
    return function


def least(rounds: int, *functions: Callable[[], Any]) -> list[float]:
    """Seconds of each function: the minimum over ``rounds``, the functions in turn."""
    found = [math.inf] * len(functions)
    clock = time.perf_counter
    for _ in range(rounds):
        for number, function in enumerate(functions):
            begun = clock()
            function()
            found[number] = min(found[number], clock() - begun)
    return found


# ---- through a worker


class Passes(NamedTuple):
    wall: float
    supervisor: float
    """Seconds of processor time of the supervisor, of a pass."""


def through_worker(name: str, items: Sequence[Item], rounds: int, *, graphs: bool = False) -> Passes:
    """A pass over all cases through one worker, the record's lines written: wall time and the supervisor's own."""
    executor = Local(1, Limits())
    executor.open([target(plugins.find(name), None, (), graphs=graphs)])
    works = {id(item.checked): Work(number, item.checked.program) for number, item in enumerate(items)}
    jobs = [Job(0, works[id(item.checked)], item.case) for item in items]
    of = {id(job): item for job, item in zip(jobs, items, strict=True)}
    wall = own = math.inf
    with tempfile.TemporaryDirectory() as folder:
        writer = record.Writer(Path(folder) / "record.jsonl")
        for _ in range(max(rounds, 3)):
            begun, used = time.perf_counter(), time.process_time()
            for done in executor.run({0: Queue(jobs)}):
                item = of[id(done.job)]
                assert isinstance(done.outcome, Seen), done.outcome
                line = verdict(item.checked, item.case, done.outcome, item.session.wording)
                assert line.status == "pass", line
                writer.write(line)
            wall, own = min(wall, time.perf_counter() - begun), min(own, time.process_time() - used)
        writer.close()
    executor.close()
    return Passes(wall, own)


# ---- beside pytest and hypothesis


def python(*arguments: str, cwd: str | Path | None = None) -> str:
    root = Path(__file__).resolve().parent.parent
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def with_pytest(name: str, count: int) -> float:
    """Seconds that pytest takes for a case: all of them beside one of them."""

    def seconds(cases: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "test_all.py").write_text(PYTEST.format(engine=name, count=cases), encoding="utf-8")
            words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder)
            return least(3, lambda: python(*words, cwd=folder))[0]

    return (seconds(8 * count) - seconds(count)) / (7 * count)


def with_hypothesis(name: str, count: int) -> float | None:
    """Seconds that hypothesis takes for an example; None where it is not installed."""
    try:
        import hypothesis  # noqa: F401
    except ImportError:
        return None
    return float(python("-c", HYPOTHESIS.format(engine=name, count=count)))


# ---- the report


def measure(name: str, rounds: int) -> Iterator[str]:
    (loading,) = least(3, selection.suite)
    of = session(name)
    loaded = plugins.load(plugins.find(name), None)
    begun = time.perf_counter()
    items = ready(of)
    compiling = time.perf_counter() - begun - loading
    by_hand = [bare(item.checked, loaded) for item in items]
    values = [of.values(item.case) for item in items]
    for item in items:
        assert check(item).status == "pass", check(item)
    gc.freeze()  # as `harness run` does
    rows, running = [], 0.0
    for item, hand, given in zip(items, by_hand, values, strict=True):
        ours, plain = least(rounds, lambda: check(item), lambda: hand(*given))  # noqa: B023
        rows.append((ours, plain, item.case.id))
        running += least(rounds, lambda: alone(item))[0]  # noqa: B023
        of.host.heard.ready()

    def all_by_hand() -> None:
        for hand, given in zip(by_hand, values, strict=True):
            hand(*given)
        of.host.heard.ready()

    whole, hand_pass = least(rounds, lambda: [check(item) for item in items], all_by_hand)
    worker = through_worker(name, items, rounds)
    each = 1e6 / len(items)
    yield f"{name} {loaded.engine.version}: {len(items)} cases, minima over {rounds} rounds"
    own = hand_pass / len(items)
    yield f"  {own * 1e6:8.0f} us a case, by hand"

    def told(seconds: float, what: str, then: str) -> str:
        return (
            f"  {seconds * 1e6:8.0f} us  {what:<34} {seconds / own:6.2f} of the time by hand, "
            f"{(seconds - own) * 1e6:5.0f} us of its own{then}"
        )

    inside, outside = whole / len(items), worker.wall / len(items)
    yield told(inside, "harness, in one process", "  (aim: at most 1.25)")
    yield told(outside, "harness, through a worker", "  (aim: at most 1.5)")
    drawn = through_worker(name, items, rounds, graphs=True).wall / len(items)
    yield told(drawn, "harness, with the graphs recorded", "")
    others = {"parametrised pytest": with_pytest(name, len(items)), "hypothesis": with_hypothesis(name, 1000)}
    for what, seconds in others.items():
        if seconds is None:
            yield f"               {what} is not installed"
            continue
        beside = f": {(seconds - own) / (inside - own):.0f} times the harness's" if inside > own else ""
        yield told(seconds, what, beside)
    ratios = sorted((ours / plain, id) for ours, plain, id in rows)
    total, plain = sum(row[0] for row in rows), sum(row[1] for row in rows)
    yield (
        f"  the cases' own ratios: median {statistics.median(r for r, _ in ratios):.2f}, "
        f"geometric mean {statistics.geometric_mean([r for r, _ in ratios]):.2f}; the largest: "
        + ", ".join(f"{id} {ratio:.1f}" for ratio, id in ratios[-3:][::-1])
    )
    yield "  where the time goes, us a case, every case by itself:"
    for seconds, what in (
        (plain, "the program by hand"),
        (running - plain, "observing: what expressions show, guards"),
        (total - running, "describing, state, judging"),
        (worker.supervisor, "beside that, in the supervisor of a worker: asking, reading, judging, recording"),
    ):
        yield f"    {seconds * each:7.1f}  {what}"
    yield f"  once: {loading * 1e3:.0f} ms to load {len(selection.suite())} checked specs, {compiling * 1e3:.0f} ms to compile them"


def start_up() -> Iterator[str]:
    harness = (sys.executable, "-m", "harness")
    with tempfile.TemporaryDirectory() as folder:
        one = ("run", "leaf/created-tensor-default[1]", "--report", "none", "-o", folder)
        rows: dict[str, Sequence[str]] = {
            "python -c pass": (sys.executable, "-c", "pass"),
            "python -c 'import numpy'": (sys.executable, "-c", "import numpy"),
            "python -c 'import torch'": (sys.executable, "-c", "import torch"),
            "harness --help": (*harness, "--help"),
            "harness list": (*harness, "list"),
            "harness run of one case, reference": (*harness, *one, "-e", "reference"),
            "harness run of one case, reference, --isolate none": (
                *harness,
                *one,
                "-e",
                "reference",
                "--isolate",
                "none",
            ),
            "harness run of one case, torch": (*harness, *one, "-e", "torch"),
        }
        times = least(5, *(lambda words=words: subprocess.run(words, capture_output=True) for words in rows.values()))
        yield "starting up:"
        for name, seconds in zip(rows, times, strict=True):
            yield f"  {seconds * 1e3:7.0f} ms  {seconds / times[0]:6.1f} x python  {name}"
        os.environ["HARNESS_CACHE"] = folder
        empty, full = math.inf, math.inf
        for _ in range(3):
            shutil.rmtree(Path(folder) / "specs", ignore_errors=True)
            Path(folder, "specs").unlink(missing_ok=True)
            empty = min(empty, least(1, lambda: subprocess.run(rows["harness list"], capture_output=True))[0])
            full = min(full, least(1, lambda: subprocess.run(rows["harness list"], capture_output=True))[0])
        yield f"  harness list takes {empty * 1e3:.0f} ms with an empty cache, {full * 1e3:.0f} ms with a full one"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--engine", action="append", dest="engines", help="(default: torch and reference)")
    options.add_argument("--rounds", type=int, default=20)
    given = options.parse_args()
    for name in given.engines or ("torch", "reference"):
        print(*measure(name, given.rounds), sep="\n", flush=True)
    print(*start_up(), sep="\n")


if __name__ == "__main__":
    main()
