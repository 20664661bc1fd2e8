"""What a hunt found, as the record says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.language.load import CheckedSpec
from harness.mutation import reach
from harness.mutation.bench import Bench
from harness.mutation.hunt import Found
from harness.mutation.operators import OPERATORS
from harness.mutation.reach import Reach
from harness.mutation.record import EngineLine, MutantLine, OperatorLine, Verdict, redundant
from harness.mutation.sites import Mutant


def lines(
    bench: Bench, mutants: Sequence[Mutant], known: Reach, found: Mapping[str, Found], reasons: Mapping[str, str]
) -> list[MutantLine]:
    """One line for every mutant, in the order of the source."""
    out = []
    for mutant in mutants:
        result = found[mutant.id]
        verdict = Verdict.KILLED
        if result.how is None:
            verdict = Verdict.SURVIVED if result.reached else Verdict.NOT_REACHED
            verdict = Verdict.EQUIVALENT if mutant.id in reasons else verdict
        before, after = mutant.diff
        cases = reach.reaching(bench.trials, known, mutant)
        out.append(
            MutantLine(
                id=mutant.id,
                file=mutant.source.shown,
                line=mutant.line,
                column=mutant.column,
                op=mutant.site.op,
                operator=mutant.operator,
                expression=mutant.expression,
                before=before,
                after=after,
                verdict=verdict,
                cases=result.reached,
                areas=sorted({bench.trials[number].area for number in cases}),
                how=result.how.value if result.how else "",
                kills=list(result.kills),
                reason=reasons[mutant.id] if verdict is Verdict.EQUIVALENT else "",
            )
        )
    return out


def facts(
    bench: Bench, told: list[MutantLine], known: Reach, specs: Sequence[CheckedSpec], all_cases: bool
) -> dict[str, Any]:
    """The fields of the record that say what was tried on what."""
    file = bench.candidate.file
    kills = {mutant.id: mutant.kills for mutant in told if mutant.kills}
    return {
        "engine": EngineLine(name=file.name, title=file.title, version=bench.version, source=bench.candidate.source),
        "cases": len(known.passing),
        "operators": [OperatorLine(name=o.name, does=o.does, why=o.why) for o in OPERATORS],
        "mutants": told,
        "redundant": redundant((spec.spec.id for spec in specs), kills) if all_cases else [],
    }
