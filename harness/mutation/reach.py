"""Which cases come to which expression: a case that never evaluates it cannot notice what became of it.

Learnt from one run of the suite with a probe at every expression that a mutant changes. Where a mutant is wrong under one
condition only, the probe asks whether that holds, so that it is known beforehand which cases can see the mutant at all.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from harness.mutation.bench import SECONDS, Bench, Trial, limited
from harness.mutation.conditions import CONDITIONS, Facts, holding
from harness.mutation.forks import Limits, Tell, in_forks
from harness.mutation.operators import made
from harness.mutation.sites import Mutant
from harness.mutation.source import Place

AT: Final = "_harness_at"
RULE: Final = "_harness_rule"
_LOADING: Final = -1
"""In place of a case's number: what the engine comes to while it loads."""
_STRIDE: Final = len(CONDITIONS) + 1
_NUMBER: Final = {name: number for number, name in enumerate(CONDITIONS, 1)}


class Reach(NamedTuple):
    passing: list[int]
    """The cases that pass on the engine as it is, by their number; the others say nothing about a fault."""
    cases: dict[str, list[int]]
    """Mutant -> the cases that come to it, those first that come to little else. Not there: nobody knows."""
    loading: frozenset[str] = frozenset()
    """Mutants that are come to while the engine loads. What they do has been done once it is loaded: they need a reload,
    and any case may notice."""


def learn(bench: Bench, mutants: Sequence[Mutant], jobs: int) -> Reach:
    """Run the suite as it is and once more with probes, ``jobs`` parts of it at a time."""
    numbers = _numbers(mutants)
    slices = [range(start, len(bench.trials), jobs) for start in range(jobs)]
    tasks = iter(slices)
    ended = list(
        in_forks(
            lambda: next(tasks, None),
            lambda part, tell: _probe(bench, mutants, numbers, part, tell),
            jobs,
            lambda part: Limits(3600, 3600.0, 16 << 30),
        )
    )
    hits: dict[int, frozenset[int]] = {}
    for _, end in ended:
        if end.died:
            raise RuntimeError(f"the engine died of signal {end.signal} while it had no fault")
        hits.update({number: frozenset(found) for number, found in end.told})
    loaded = hits.pop(_LOADING, frozenset())
    order = sorted(hits, key=lambda number: (len(hits[number]), number))
    reaching: dict[int, list[int]] = {}
    for number in order:
        for probe in hits[number]:
            reaching.setdefault(probe, []).append(number)
    probes = {m.id: probe for m in mutants if (probe := _probe_of(m, numbers)) >= 0}
    loading = frozenset(mutant for mutant, probe in probes.items() if probe in loaded)
    cases = {mutant: reaching.get(probe, []) for mutant, probe in probes.items() if mutant not in loading}
    return Reach(order, cases, loading)


def _numbers(mutants: Iterable[Mutant]) -> dict[int, int]:
    """A number for every node that has a probe."""
    covers = {id(cover.node): cover for m in mutants if (cover := m.site.cover) is not None}
    return {node: number * _STRIDE for number, node in enumerate(covers)}


def _probe_of(mutant: Mutant, numbers: dict[int, int]) -> int:
    """-1 where there is none."""
    cover = mutant.site.cover
    if cover is None:
        return -1
    return numbers[id(cover.node)] + (_NUMBER[mutant.edit.variant] if mutant.operator.startswith("only ") else 0)


def _probe(bench: Bench, mutants: Sequence[Mutant], numbers: dict[int, int], part: range, tell: Tell) -> None:
    limited()
    passing = [number for number in part if bench.passes(bench.trials[number])]
    hits = set[int]()
    setattr(builtins, AT, hits.add)
    setattr(builtins, RULE, _rule(Facts(bench.engine), hits))
    sources = {id(m.source): m.source for m in mutants}
    for key in sources:
        _place_probes([m for m in mutants if id(m.source) == key], numbers)
    bench.reload({source.path: source.compiled() for source in sources.values()})
    tell((_LOADING, tuple(hits)))
    setattr(builtins, RULE, _rule(Facts(bench.engine), hits))
    for number in passing:
        hits.clear()
        if bench.passes(bench.trials[number], SECONDS * 10):
            tell((number, tuple(hits)))


def _rule(facts: Facts, hits: set[int]) -> Any:
    def probe(number: int, result: Any, *arguments: Any) -> Any:
        for name in holding(facts, CONDITIONS, arguments):
            hits.add(number + _NUMBER[name])
        return result

    return probe


def _place_probes(mutants: Sequence[Mutant], numbers: dict[int, int]) -> None:
    covers = {id(cover.node): (cover, m) for m in mutants if (cover := m.site.cover) is not None}
    rules = {id(m.site.place.node) for m in mutants if m.operator.startswith("only ")}
    for node, (place, mutant) in covers.items():
        inner = place.node
        if isinstance(inner, ast.stmt):
            _before(place, numbers[node])
        else:
            assert isinstance(inner, ast.expr)
            number = ast.Constant(numbers[node])
            wrapped = made(f"({AT}(NUMBER), EXPRESSION)[1]", NUMBER=number, EXPRESSION=inner)
            if node in rules:
                arguments = ", ".join(mutant.site.around.parameters)
                wrapped = made(f"{RULE}(NUMBER, EXPRESSION, {arguments})", NUMBER=number, EXPRESSION=wrapped)
            ast.copy_location(wrapped, inner)
            ast.fix_missing_locations(wrapped)
            place.put(wrapped)


def _before(place: Place, number: int) -> None:
    """A statement's probe: ``if 1: probe; statement``, which leaves the places of its neighbours alone."""
    statement = place.node
    assert isinstance(statement, ast.stmt)
    probe = ast.Expr(made(f"{AT}(NUMBER)", NUMBER=ast.Constant(number)))
    both = ast.If(ast.Constant(True), [probe, statement], [])
    place.put(ast.fix_missing_locations(ast.copy_location(both, statement)))


def reaching(trials: Sequence[Trial], reach: Reach, mutant: Mutant) -> list[int]:
    """The cases to run on a mutant. Where nobody knows, all: first those whose programs name the operation."""
    known = reach.cases.get(mutant.id)
    if known is not None:
        return known
    word = mutant.site.op.strip("_").rpartition(".")[2]
    return sorted(reach.passing, key=lambda n: not trials[n].checked.needs & {word, f".{word}"})
