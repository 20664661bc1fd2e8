"""How many faults are caught by when: the order of ``--budget`` beside the suite's own order and chance.

    python benchmarks/budget.py

Every known fault of the reference (those of tests/faults) is judged by the whole suite once. A fault is caught at the
moment when the first case that fails on it has run; time is the cases' own, as the sound reference takes it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from harness import budget, execute, plugins, selection  # noqa: E402
from harness.shards import single  # noqa: E402
from tests.faults.bench import Bench  # noqa: E402
from tests.faults.fault import concepts  # noqa: E402

SHARES = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)


def timed() -> dict[str, float]:
    """The seconds that every case takes on the sound reference."""
    loaded = plugins.load(plugins.find("reference"), None)
    seconds: dict[str, float] = {}
    with execute.listening() as heard:
        session = execute.Session(loaded, heard)
        for _ in range(2):
            lines = [line for checked in selection.suite() for line in session.run_spec(checked)]
            seconds = {line.id: min(line.seconds, seconds.get(line.id, 1.0)) for line in lines}
    return seconds


def caught() -> list[set[str]]:
    """Per fault: the cases that go red."""
    bench = Bench()
    faults = [fault for concept in concepts() for fault in concept.faults if not fault.survives]
    found = [bench.caught(fault, list(bench.programs), all_of_them=True) for fault in faults]
    return [{case for cases in areas.values() for case in cases} for areas in found]


def share_caught(order: Sequence[str], seconds: Mapping[str, float], faults: Iterable[set[str]]) -> list[float]:
    """The share of faults that is caught within each share of the time."""
    whole, now = sum(seconds.values()), 0.0
    when: dict[str, float] = {}
    for id in order:
        now += seconds[id]
        when[id] = now / whole
    moments = [min((when[id] for id in found), default=2.0) for found in faults]
    return [sum(moment <= share for moment in moments) / len(moments) for share in SHARES]


def main() -> None:
    seconds, faults = timed(), caught()
    ids = [id for spec in single(selection.suite()) for id, _ in spec.cases]
    greedy = [id for spec in budget.ordered(selection.suite()) for id, _ in spec.cases]
    dice = random.Random(0)
    tries = [share_caught(dice.sample(ids, len(ids)), seconds, faults) for _ in range(50)]
    print(f"{len(faults)} faults, {len(ids)} cases; faults caught within a share of the time:")
    print("  share of the time     " + "".join(f"{share:>7.0%}" for share in SHARES))
    for name, found in (
        ("the order of --budget", share_caught(greedy, seconds, faults)),
        ("the suite's own", share_caught(ids, seconds, faults)),
        ("chance, mean of 50", [sum(column) / len(tries) for column in zip(*tries, strict=True)]),
    ):
        print(f"  {name:<22}" + "".join(f"{value:>7.0%}" for value in found))


if __name__ == "__main__":
    main()
