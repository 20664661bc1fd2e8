"""Every mutant against the cases that come to it: killed by the first that goes red, or by none."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from harness.mutation import reach
from harness.mutation.bench import SECONDS, Bench, limited
from harness.mutation.conditions import Runtime
from harness.mutation.forks import Ended, Limits, Tell, in_forks
from harness.mutation.reach import Reach
from harness.mutation.sites import Mutant
from harness.record import Status


class How(StrEnum):
    """What gave a mutant away."""

    RED = "red"
    """A case had another verdict."""
    TIMEOUT = "timeout"
    CRASH = "crash"
    LOAD = "load"
    """The engine does not load with it."""


class Found(NamedTuple):
    """What became of a mutant."""

    reached: int
    """How many cases come to it."""
    kills: tuple[str, ...] = ()
    """The cases that went red: the first, or all."""
    how: How | None = None
    """None where it survived."""


class _Group:
    """The mutants of one operation, one after the other: what killed one is tried first on the next."""

    def __init__(self, mutants: Iterable[Mutant]) -> None:
        self.waiting = deque(mutants)
        self.killers: dict[int, int] = {}
        self.is_busy = False

    def ordered(self, cases: Sequence[int]) -> list[int]:
        place = {number: at for at, number in enumerate(cases)}
        return sorted(cases, key=lambda number: (-self.killers.get(number, 0), place[number]))


Task = tuple[_Group, Mutant, list[int]]


def hunt(
    bench: Bench,
    mutants: Sequence[Mutant],
    known: Reach,
    jobs: int,
    *,
    all_cases: bool = False,
    heard: Callable[[Mutant, Found], None] = lambda mutant, found: None,
) -> Mapping[str, Found]:
    """What became of every mutant, by its id. ``all_cases``: go on after the first kill. Comes out alike for any ``jobs``."""
    groups: dict[tuple[str, str], list[Mutant]] = {}
    for mutant in mutants:
        groups.setdefault((mutant.source.shown, mutant.site.op), []).append(mutant)
    waiting = [_Group(group) for group in groups.values()]
    number_of = {trial.case.id: number for number, trial in enumerate(bench.trials)}
    found: dict[str, Found] = {}

    def ready() -> Task | None:
        for group in waiting:
            if group.is_busy:
                continue
            while group.waiting:
                mutant = group.waiting.popleft()
                cases = reach.reaching(bench.trials, known, mutant)
                if cases:
                    group.is_busy = True
                    return group, mutant, group.ordered(cases)
                found[mutant.id] = Found(0)
                heard(mutant, found[mutant.id])
        waiting[:] = [group for group in waiting if group.waiting or group.is_busy]
        return None

    def limits(task: Task) -> Limits:
        seconds = 20 + (len(task[2]) // 20 if all_cases else len(task[2]) // 100)
        return Limits(seconds, seconds * 10.0)

    def work(task: Task, tell: Tell) -> None:
        _run(bench, task[1], task[2], all_cases, tell)

    for (group, mutant, cases), end in in_forks(ready, work, jobs, limits):
        group.is_busy = False
        result = found[mutant.id] = _result(bench, len(cases), end)
        for case in result.kills:
            group.killers[number_of[case]] = group.killers.get(number_of[case], 0) + 1
        heard(mutant, result)
    return found


def _run(bench: Bench, mutant: Mutant, cases: Sequence[int], all_cases: bool, tell: Tell) -> None:
    limited()
    runtime = Runtime(bench.engine)
    try:
        plant(bench, mutant)
    except Exception:
        tell(How.LOAD.value)
        return
    runtime.use(bench.engine)
    late = 0
    for number in cases:
        tell(number)
        runtime.begin()
        line = bench.judged(bench.trials[number], SECONDS)
        if line.status is Status.PASS:
            continue
        is_late = any("TooLong" in check.detail for check in line.failures)
        tell(How.TIMEOUT.value if is_late else How.RED.value)
        late += is_late
        if not all_cases or late == 3:
            return


def plant(bench: Bench, mutant: Mutant) -> None:
    """The bench's engine with the fault in it; for a fork."""
    source, site = mutant.source, mutant.site
    old = source.compiled(site.statement)
    with site.place.holding(mutant.edit.node):
        bench.plant(source.path, old, source.compiled(site.statement), source.compiled)


def _result(bench: Bench, reached: int, end: Ended) -> Found:
    """What a fork told: before each case its number, behind it how it went red, if it did."""
    kills: list[str] = []
    how: How | None = None
    case = ""
    for message in end.told:
        if isinstance(message, int):
            case = bench.trials[message].case.id
            continue
        how = how or How(message)
        if case:
            kills.append(case)
    if end.died:
        how = how or (How.TIMEOUT if end.late else How.CRASH)
        kills += [case] if case and case not in kills else []
    return Found(reached, tuple(kills), how)
