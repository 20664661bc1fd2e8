"""Every mutant against the cases that come to it: killed by the first that goes red, or by none."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from enum import StrEnum
from typing import Final, NamedTuple

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


Batch = tuple[_Group, list[tuple[Mutant, Sequence[int]]]]
BATCH: Final = 32
"""Mutants that share a fork, where their code can be exchanged and given back."""


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
    found: dict[str, Found] = {}

    def ended(mutant: Mutant, result: Found) -> None:
        found[mutant.id] = result
        heard(mutant, result)

    def ready() -> Batch | None:
        for group in waiting:
            batch: list[tuple[Mutant, Sequence[int]]] = []
            while not group.is_busy and group.waiting and len(batch) < BATCH:
                mutant = group.waiting.popleft()
                cases = reach.reaching(bench.trials, known, mutant)
                if cases:
                    batch.append((mutant, cases))
                else:
                    ended(mutant, Found(0))
            if batch:
                group.is_busy = True
                return group, batch
        waiting[:] = [group for group in waiting if group.waiting or group.is_busy]
        return None

    def limits(batch: Batch) -> Limits:
        cases = sum(len(cases) for _, cases in batch[1])
        seconds = SECONDS * 10 + cases * (0.05 if all_cases else 0.01)
        return Limits(int(seconds), 60 + seconds * 10)

    def work(batch: Batch, tell: Tell) -> None:
        _run(bench, *batch, known.loading, all_cases, tell)

    for (group, batch), end in in_forks(ready, work, jobs, limits):
        group.is_busy = False
        results = _results(bench, group, batch, end)
        for (mutant, _), result in zip(batch, results, strict=False):
            ended(mutant, result)
        group.waiting.extendleft(mutant for mutant, _ in reversed(batch[len(results) :]))
    return found


def _run(
    bench: Bench,
    group: _Group,
    batch: Sequence[tuple[Mutant, Sequence[int]]],
    loading: Set[str],
    all_cases: bool,
    tell: Tell,
) -> None:
    """One mutant after the other. What a mutant may have left changed in the engine is looked for: the case that killed it
    must pass again without it. Where it does not, or the engine had to be loaded anew, the rest needs another fork."""
    limited()
    runtime = Runtime(bench.engine)
    for position, (mutant, cases) in enumerate(batch):
        source, site = mutant.source, mutant.site
        old = source.compiled(site.unit.node)
        try:
            with site.place.holding(mutant.edit.node):
                new, whole = source.compiled(site.unit.node), None
                undo = None if mutant.id in loading else bench.functions.swap(old, new)
                if undo is None:
                    if position:
                        return
                    whole = source.compiled()
            if whole is not None:
                bench.reload({source.path: whole})
                runtime.use(bench.engine)
        except Exception:
            tell((position, -1, How.LOAD.value))
            tell((position, -1, ""))
            return
        killed = _against(bench, runtime, position, group.ordered(cases), all_cases, tell)
        for number in killed:
            group.killers[number] = group.killers.get(number, 0) + 1
        tell((position, -1, ""))
        if undo is None:
            return
        undo()
        runtime.begin()
        if killed and not bench.passes(bench.trials[killed[-1]], SECONDS):
            return


def _against(
    bench: Bench, runtime: Runtime, position: int, cases: Sequence[int], all_cases: bool, tell: Tell
) -> list[int]:
    """The cases that go red, the first or all."""
    killed: list[int] = []
    late = 0
    for number in cases:
        tell((position, number, ""))
        runtime.begin()
        line = bench.judged(bench.trials[number], SECONDS)
        if line.status is Status.PASS:
            continue
        is_late = any("TooLong" in check.detail for check in line.failures)
        tell((position, number, How.TIMEOUT.value if is_late else How.RED.value))
        killed.append(number)
        late += is_late
        if not all_cases or late == 3:
            break
    return killed


def _results(bench: Bench, group: _Group, batch: Sequence[tuple[Mutant, Sequence[int]]], end: Ended) -> list[Found]:
    """What a fork told: before each case its number, behind it how it went red, if it did; and the end of each mutant. The
    mutants behind the one that it died of are not among them."""
    results: list[Found] = []
    kills: list[int] = []
    how: How | None = None
    case = -1

    def close() -> None:
        nonlocal kills, how, case
        ids = tuple(bench.trials[number].case.id for number in kills)
        results.append(Found(len(batch[len(results)][1]), ids, how))
        for number in kills:
            group.killers[number] = group.killers.get(number, 0) + 1
        kills, how, case = [], None, -1

    for _, number, word in end.told:
        if word:
            how = how or How(word)
            kills += [number] if number >= 0 else []
        elif number >= 0:
            case = number
        else:
            close()
    if end.died and len(results) < len(batch):
        how = how or (How.TIMEOUT if end.late else How.CRASH)
        kills += [case] if case >= 0 and case not in kills else []
        close()
    return results
