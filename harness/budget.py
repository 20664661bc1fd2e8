"""Which cases first, where there is no time for all: those that catch most faults per second.

A fault sits in something that a case uses or asks: a word of the language, a kind of error or warning, a word together with
what is asked of it. What other cases have looked at already is worth less, half of it for each of them; a case's worth is
divided by its cost, and the best goes first. The order depends on the specs alone, so it is the same on every machine;
``benchmarks/budget.py`` measures it against faults of the reference.
"""

from __future__ import annotations

import ast
import heapq
from collections import Counter
from collections.abc import Iterable, Mapping

from harness.language.load import CheckedSpec
from harness.language.records import Outcome, Step
from harness.shards import single

START = 5.0
"""Cost of a case beside its program, in statements."""


def ordered(specs: Iterable[CheckedSpec]) -> list[CheckedSpec]:
    """The cases one by one, most worth per cost first."""
    cases = single(specs)
    features = [_features(case) for case in cases]
    costs = [_cost(case) for case in cases]
    seen: Counter[tuple[str, ...]] = Counter()
    # The worth of a case only falls, so a stale entry of the heap is a bound: look again only at what comes out on top.
    heap = [(-_worth(found, seen) / cost, n) for n, (found, cost) in enumerate(zip(features, costs, strict=True))]
    heapq.heapify(heap)
    out: list[CheckedSpec] = []
    while heap:
        known, number = heap[0]
        now = -_worth(features[number], seen) / costs[number]
        if now > known + 1e-12:
            heapq.heapreplace(heap, (now, number))
            continue
        heapq.heappop(heap)
        seen.update(features[number])
        out.append(cases[number])
    return out


def _worth(features: Mapping[tuple[str, ...], float], seen: Counter[tuple[str, ...]]) -> float:
    return sum(weight / 2.0 ** min(seen[feature], 60) for feature, weight in features.items())


def _features(case: CheckedSpec) -> dict[tuple[str, ...], float]:
    """What a fault may sit in, with how likely it sits there."""
    found: dict[tuple[str, ...], float] = {("area", case.spec.area): 1.0, ("spec", case.spec.id): 0.5}
    asked = {"value"} if any(step.expect or step.either for step in case.spec.steps) else set()
    for step in case.spec.steps:
        dues: list[Step | Outcome] = [step, *step.either]
        kinds = [kind for due in dues for kind in (due.raises, *due.warns) if kind]
        found |= {("kind", kind): 2.0 for kind in kinds}
        asked |= set(kinds)
    for need in case.needs:
        found["word", need] = 1.0
        found |= {("pair", need, what): 0.25 for what in asked}
    for _, parameters in case.cases:
        found |= {("parameter", name, type(value).__name__): 0.1 for name, value in parameters.items()}
    return found


def _cost(case: CheckedSpec) -> float:
    """About how many statements run: those of a loop once for every turn that it spells out."""
    return START + sum(_turns(statement) for step in case.trees for statement in [*step.body, *step.observed])


def _turns(node: ast.AST) -> float:
    inner = sum(_turns(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))
    match node:
        case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int() as turns)])):
            return 1 + inner * max(turns, 1)
        case ast.For():
            return 1 + 3 * inner
    return 1 + inner
