"""``python -m tests.faults``: how many faults the specs catch, by concept, and which survive. Words narrow it to the faults
that contain one of them; ``--all`` names every area that a fault turns red, and looks for survivors in all of them."""

from __future__ import annotations

import sys

from tests.faults.bench import Bench
from tests.faults.fault import Fault, concepts


def main(words: list[str]) -> int:
    everywhere = "--all" in words
    words = [word for word in words if word != "--all"]
    seeded = caught = unexplained = 0
    bench = Bench()
    for concept in concepts():
        faults = [fault for fault in concept.faults if not words or any(word in str(fault) for word in words)]
        lines = []
        for fault in faults:
            red = bench.caught(fault, list(bench.programs) if everywhere else ())
            due = set(fault.areas.split()) if not fault.survives else set()
            as_told = due <= set(red) and (bool(red) is not bool(fault.survives))
            lines += _lines(fault, red, as_told, everywhere)
            caught += bool(red)
            unexplained += not as_told
        seeded += len(faults)
        if faults:
            count = sum(not fault.survives for fault in faults)
            print(f"{concept.title}: caught {count} of {len(faults)}", *lines, sep="\n", flush=True)
    print(f"\ncaught {caught} of {seeded}; unlike what the tables say: {unexplained}")
    return 1 if unexplained else 0


def _lines(fault: Fault, red: dict[str, list[str]], as_told: bool, everywhere: bool) -> list[str]:
    where = ", ".join(case for cases in red.values() for case in cases)
    if not as_told:
        return [f"  ! {fault.name}: due in {fault.areas or 'no area'}, red: {where or 'nothing'}"]
    if fault.survives:
        return [f"  survives: {fault.name}. {fault.survives}"]
    return [f"  {fault.name}: {where}"] if everywhere else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
