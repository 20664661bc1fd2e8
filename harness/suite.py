"""The suite as data: programs as JSON and expected values evaluated, for whoever wants it without the harness.

JSON Lines: one `Header`, then one `SpecData` per spec. ``docs/protocol.md`` explains them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from harness import __version__, protocol, selection
from harness.cases import Case, prepare
from harness.language import expected, export, nodes
from harness.language.expected import AnyOf, Anything, Exactly, Expected, Form, Items
from harness.language.load import CheckedSpec, Judged, Observation
from harness.language.records import Step
from harness.problems import InputError, Problem

FORMAT = "1.1"


class Line(msgspec.Struct, frozen=True, kw_only=True, tag_field="line"):
    """Base of the lines."""


class Header(Line, frozen=True, kw_only=True, tag="suite"):
    """The first line."""

    format: Annotated[str, Meta(description="version of this format")]
    harness: str
    default_dtype: Annotated[str, Meta(description="of floats whose dtype a spec leaves open")]
    digest: Annotated[str, Meta(description="SHA-256 over what the specs say")]
    specs: int
    cases: int


class Due(msgspec.Struct, frozen=True, kw_only=True, tag_field="form"):
    """Base of what an expression must show."""


class NumbersDue(Due, frozen=True, kw_only=True, tag="numbers"):
    """A tensor of this dtype and shape, or plain numbers in lists of this shape, whose dtype does not count."""

    dtype: str
    shape: list[int]
    values: Annotated[
        Any, Meta(description="in nested lists, rounded to the dtype; what JSON has no number for is {number: text}")
    ]
    rtol: float
    atol: Annotated[float, Meta(description="|observed - expected| <= atol + rtol * |expected|; nan is like nan")]


class FormDue(Due, frozen=True, kw_only=True, tag="tensor"):
    """A tensor, whatever it holds; null where any shape or dtype will do."""

    dtype: str | None
    shape: list[int] | None


class ItemsDue(Due, frozen=True, kw_only=True, tag="items"):
    """A list, item by item."""

    items: list[AnyDue]


class ExactlyDue(Due, frozen=True, kw_only=True, tag="exactly"):
    """null, a truth value or a text."""

    value: bool | str | None


class OneOfDue(Due, frozen=True, kw_only=True, tag="one-of"):
    """Any one of these."""

    values: list[AnyDue]


class UnjudgedDue(Due, frozen=True, kw_only=True, tag="unjudged"):
    """Nothing is said of it here; outcomes of the step's `either` may."""


AnyDue = NumbersDue | FormDue | ItemsDue | ExactlyDue | OneOfDue | UnjudgedDue


class OutcomeDue(msgspec.Struct, frozen=True, kw_only=True):
    """One of the things that a step may do; the same in all cases."""

    raises: Annotated[str | None, Meta(description="the kind of error that its last line raises; null: none is raised")]
    warns: Annotated[list[str], Meta(description="kinds of warnings that are given, exactly these")]
    allows: Annotated[list[str], Meta(description="kinds of warnings that may be given, besides those of the step")]
    message: Annotated[str | None, Meta(description="a documented part of PyTorch's wording of the error or warning")]
    judges: Annotated[list[int], Meta(description="which of the step's `observe` it judges, from 0")]
    versions: Annotated[str, Meta(description="PyTorch's releases that have it; empty for all")] = ""
    because: str = ""


class StepDue(msgspec.Struct, frozen=True, kw_only=True):
    """What a step must do; the same in all cases."""

    line: Annotated[int, Meta(description="where its program begins in the spec's file")]
    run: Annotated[str, Meta(description="its program as it was written")]
    observe: Annotated[list[str], Meta(description="the expressions that are read after it, as they were written")]
    raises: Annotated[str | None, Meta(description="the kind of error that its last line raises")]
    warns: Annotated[list[str], Meta(description="kinds of warnings that are given, exactly these")]
    allows: Annotated[list[str], Meta(description="kinds of warnings that may be given")]
    message: Annotated[str | None, Meta(description="a documented part of PyTorch's wording of the error or warning")]
    either: Annotated[
        list[OutcomeDue], Meta(description="outcomes of which one must match, where there are several")
    ] = []


class CaseData(msgspec.Struct, frozen=True, kw_only=True):
    """One case: the program's parameters, and what must be seen."""

    id: str
    values: Annotated[list[Any], Meta(description="of the parameters, in order, as in a `run`")]
    types: Annotated[list[str], Meta(description="of the values, as in a `run`")]
    expected: Annotated[list[list[AnyDue]], Meta(description="per step, what each of its `observe` must show")]
    either: Annotated[
        list[list[list[AnyDue]]],
        Meta(
            description="per step, per outcome: what each of its `judges` must show; empty where no step has outcomes"
        ),
    ] = []


class SpecData(Line, frozen=True, kw_only=True, tag="spec"):
    """One spec."""

    id: str
    claim: str
    source: list[str]
    standing: str
    since: str = ""
    until: str = ""
    defect: str = ""
    note: str = ""
    needs: Annotated[list[str], Meta(description="words and operators that an engine must have")]
    program: Annotated[dict[str, Any], Meta(description="see the schema `program`")]
    steps: list[StepDue]
    cases: list[CaseData]


_encoder = msgspec.json.Encoder()


def lines(specs: Sequence[CheckedSpec], default: str) -> Iterator[bytes]:
    """The lines of an export, for engines whose floats are of dtype ``default``.

    Raises `InputError` where an expected value cannot be had in it, before the first line."""
    problems: list[Problem] = []
    made = [spec for checked in specs if (spec := _spec(checked, default, problems)) is not None]
    if problems:
        raise InputError(problems)
    cases = sum(len(spec.cases) for spec in made)
    header = Header(
        format=FORMAT,
        harness=__version__,
        default_dtype=default,
        digest=selection.digest(specs),
        specs=len(made),
        cases=cases,
    )
    for line in (header, *made):
        yield _encoder.encode(line) + b"\n"


def _spec(checked: CheckedSpec, default: str, problems: list[Problem]) -> SpecData | None:
    spec = checked.spec
    try:
        cases = prepare(checked, default)
    except expected.BadValue as error:
        problems.append(Problem(checked.file, error.line, 1, str(error)))
        return None
    entries = zip(spec.steps, checked.lines, checked.observations, checked.outcomes, strict=True)
    return SpecData(
        id=spec.id,
        claim=" ".join(spec.claim.split()),
        source=list(spec.source),
        standing=spec.standing.value,
        since=spec.since,
        until=spec.until,
        defect=" ".join(spec.defect.split()),
        note=" ".join(spec.note.split()),
        needs=sorted(checked.needs),
        program=export.write(checked.program),
        steps=[_step(step, line, observed, outcomes) for step, line, observed, outcomes in entries],
        cases=[_case(case) for case in cases],
    )


def _step(step: Step, line: int, observed: Sequence[Observation], outcomes: Sequence[Judged]) -> StepDue:
    return StepDue(
        line=line,
        run=step.run,
        observe=[entry.text for entry in observed],
        raises=step.raises,
        warns=list(step.warns),
        allows=list(step.allows),
        message=step.message,
        either=[
            OutcomeDue(
                raises=outcome.raises,
                warns=list(outcome.warns),
                allows=list(outcome.allows),
                message=outcome.message,
                judges=[position for position, _ in judged],
                versions=outcome.versions,
                because=" ".join(outcome.because.split()),
            )
            for outcome, judged in zip(step.either, outcomes, strict=True)
        ],
    )


def _case(case: Case) -> CaseData:
    told = protocol.run(0, 0, case)
    return CaseData(
        id=case.id,
        values=told.values,
        types=told.types,
        expected=[_due(step) for step in case.steps],
        either=[[_due(value for _, value in branch.wanted) for branch in step] for step in case.branches]
        if any(case.branches)
        else [],
    )


def _due(wanted: Iterable[Expected]) -> list[AnyDue]:
    out: list[AnyDue] = []
    for value in wanted:
        match value:
            case Exactly():
                out.append(ExactlyDue(value=value.value))
            case Form(shape=shape, dtype=dtype):
                out.append(FormDue(shape=None if shape is None else list(shape), dtype=dtype))
            case Items(items=items):
                out.append(ItemsDue(items=_due(items)))
            case AnyOf(values=several):
                out.append(OneOfDue(values=_due(several)))
            case Anything():
                out.append(UnjudgedDue())
            case _:
                values = export.spelt(value.values)
                rtol, atol = value.tolerance
                sizes = list(value.shape)
                out.append(NumbersDue(dtype=value.dtype, shape=sizes, values=values, rtol=rtol, atol=atol))
    return out


def schema() -> dict[str, Any]:
    """JSON Schema of one line of an export."""
    out = msgspec.json.schema(Header | SpecData)
    out["$defs"] |= nodes.definitions()
    program = out["$defs"]["SpecData"]["properties"]["program"]
    program.clear()
    program["$ref"] = "#/$defs/Program"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Exported suite line, format {FORMAT}",
    } | out
