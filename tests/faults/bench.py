"""The suite run on faulty engines; harness/mutation has what is the same for all faults."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from harness import plugins, selection
from harness.mutation import bench
from harness.mutation.forks import Limits, Tell, in_forks
from harness.mutation.source import Source
from harness.worker.host import listening
from tests.faults.fault import REFERENCE, Fault

SECONDS = bench.SECONDS


class Bench:
    """All programs of the suite, compiled, and an engine without a fault. Every fault is planted in a fork of this process,
    which loads nothing and leaves nothing behind."""

    def __init__(self) -> None:
        with listening() as heard:
            self.bench = bench.Bench(plugins.find("reference"), selection.written(), heard)
            self.programs: dict[str, list[bench.Trial]] = {}
            """By area: the cases that the engine passes while it has no fault."""
            for trial in self.bench.trials:
                if self.bench.passes(trial):
                    self.programs.setdefault(trial.area, []).append(trial)
        self.bench.keep()

    def caught(self, fault: Fault, areas: Collection[str] = (), *, all_of_them: bool = False) -> dict[str, list[str]]:
        """By area (those of the fault, or the given ones): the cases that go red, the first or all of them.

        Raises `ValueError` for a fault that does not fit the engine or an area that does not exist."""
        areas = list(areas) or fault.areas.split()
        if unknown := [area for area in areas if area not in self.programs]:
            raise ValueError(f"{fault.name}: there is no area {unknown[0]}")
        path = REFERENCE / fault.file
        before = Source(path, fault.file)
        after = Source(path, fault.file, fault.planted_in(before.text))

        def work(_: Fault, tell: Tell) -> None:
            bench.limited()
            undo = self.bench.functions.swap(before.compiled(), after.compiled())
            if undo is None:
                self.bench.reload({path: after.compiled()})
            for area in areas:
                tell((area, list(islice(self._red(area), None if all_of_them else 1))))

        waiting = iter([fault])
        limits = Limits(600, 3600.0)
        ((_, end),) = in_forks(lambda: next(waiting, None), work, 1, lambda _: limits)
        found = {area: cases for area, cases in end.told if cases}
        return found if not end.died else found | {areas[0]: ["the process has died"]}

    def _red(self, area: str) -> Iterator[str]:
        return (trial.case.id for trial in self.programs[area] if not self.bench.passes(trial, SECONDS))
