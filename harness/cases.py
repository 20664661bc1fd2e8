"""One case, ready to run: its parameters, and what each observation must show on an engine; or why it is not run there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec

from harness.capabilities import Words
from harness.engine import Array
from harness.judge import plain
from harness.language import expected, functional, inputs, load, program
from harness.language.expected import AnyOf, Anything, Expected
from harness.language.load import CheckedSpec, Observation
from harness.language.records import PYTORCHS_OWN, RECORDED, RECORDED_OF_ALL
from harness.language.words import DTYPES
from harness.needs import missing
from harness.plugins import ComplexGradient, EngineFile, Follows, Judges, Style
from harness.record import CaseLine, Status
from harness.releases import applies, outside, release
from harness.tables.rows import RANDOM


class Branch(NamedTuple):
    """One outcome that a step may have on the engine."""

    number: int
    """Among the outcomes of the step's ``either``, from 0."""
    wanted: tuple[tuple[int, Expected], ...]
    """(position among the step's observations, what it must show)"""


class Case(NamedTuple):
    """One case, ready to run: parameters in order, and what each observation of each step must show."""

    id: str
    parameters: dict[str, Any]
    values: tuple[Any, ...]
    steps: tuple[tuple[Expected, ...], ...]
    usual: tuple[list[Any], ...] | None = None
    """What the steps show where every value is exactly as expected, each followed by the types of what it shows: most cases
    are judged by one comparison. None where an error or a warning is due, or several outcomes are allowed."""
    branches: tuple[tuple[Branch, ...], ...] = ()
    """Per step: the outcomes of which one must match; none where the step allows only one."""
    lacking: str = ""
    """What the engine declares to lack and may ignore without a word: the case is run to see whether it says so."""
    lacking_from: int = 1
    """The step (from 1) that asks for it first: what goes wrong before has another cause."""
    recorded: bool = False
    """Whether it is recorded what the engine does, and not judged: it does not declare to follow PyTorch's rules."""


def asked(checked: CheckedSpec, file: EngineFile) -> CheckedSpec:
    """A spec in the form in which an engine of this style is asked it."""
    if file.style is not Style.FUNCTIONAL:
        return checked
    return functional.offered(checked, conjugate=file.complex_gradient is ComplexGradient.CONJUGATE)


def ready(checked: CheckedSpec, file: EngineFile, words: Words, version: str = "") -> Iterator[Case | CaseLine]:
    """Every chosen case of a spec: ready to run, or its verdict where there is nothing to run on this engine.

    ``version``: the engine's, where its versions are PyTorch's releases."""
    of = release(file, version)
    status, reason = refused(checked, file, words, of)
    cases: tuple[Case, ...] = ()
    lacking_keywords = ""
    if status is Status.UNSUPPORTED and only_keywords(checked, file, words):
        status, lacking_keywords = None, reason
    if status is None:
        try:
            cases = prepare(checked, file.default_dtype, of)
        except expected.BadValue as error:
            status, reason = Status.ERROR, f"{checked.file}:{error.line}: {error}"
    if status is not None:
        for id, parameters in checked.cases:
            told = recorded_parameters(parameters, checked)
            yield CaseLine(id=id, spec=checked.spec.id, status=status, parameters=told, reason=reason)
    standing = checked.spec.standing
    recorded = standing in RECORDED_OF_ALL or (standing in RECORDED and file.follows is not Follows.PYTORCH)
    start = first_use(checked, file, words) if lacking_keywords else 1
    for case in cases:
        lacking = [value for value in case.parameters.values() if is_dtype(value) and value not in words.names]
        if lacking:
            yield CaseLine(
                id=case.id,
                spec=checked.spec.id,
                status=Status.UNSUPPORTED,
                parameters=recorded_parameters(case.parameters, checked),
                reason="needs " + "; ".join(lacking),
            )
        else:
            yield case._replace(recorded=recorded, lacking=lacking_keywords, lacking_from=start)


def refused(checked: CheckedSpec, file: EngineFile, words: Words, of: str = "") -> tuple[Status | None, str]:
    """Why a spec is not judged on an engine, if it is not; ``of``: the release of PyTorch that the engine is."""
    if checked.spec.standing in PYTORCHS_OWN and file.follows is not Follows.PYTORCH:
        return Status.NOT_APPLICABLE, "it is PyTorch's own way, and the engine does not declare to follow PyTorch"
    if reason := outside(checked.spec, of):
        return Status.NOT_APPLICABLE, reason
    for number, step in enumerate(checked.spec.steps, 1):
        if step.either and not any(applies(outcome, of) for outcome in step.either):
            return Status.NOT_APPLICABLE, f"no outcome of step {number} is one of PyTorch {of}"
    if file.judges is Judges.VALUES and any(step.is_loud for step in checked.spec.steps):
        return Status.NOT_APPLICABLE, "it expects an error or a warning, and only values are judged on this engine"
    if checked.conjugate:
        return Status.NOT_APPLICABLE, "its gradients by complex numbers are, by its documents, the conjugates of these"
    if checked.tape:
        return Status.NOT_APPLICABLE, f"it is about a tape: {checked.tape}"
    if lacking := missing(checked, file.lacks, words):
        return Status.UNSUPPORTED, "needs " + "; ".join(map(str, lacking))
    return None, ""


def only_keywords(checked: CheckedSpec, file: EngineFile, words: Words) -> bool:
    """Whether all that an engine lacks for a spec are keywords of words that it has. One that is handed to the engine all the
    same is refused, or ignored without a word; a whole word that is not there cannot be called."""
    return all("(" in lack.word for lack in missing(checked, file.lacks, words))


def first_use(checked: CheckedSpec, file: EngineFile, words: Words) -> int:
    """The first step (from 1) of which a call has a keyword that the engine lacks, by name or by its place."""
    lacking = {lack.word for lack in missing(checked, file.lacks, words)}
    parameters = tuple(checked.spec.cases[0]) if checked.spec.cases else ()
    steps = range(1, len(checked.trees) + 1)
    return next((step for step in steps if program.needs(checked.trees[:step], parameters) & lacking), 1)


def prepare(checked: CheckedSpec, default: str, of: str = "") -> tuple[Case, ...]:
    """The chosen cases with their expected values, for an engine whose default float dtype is ``default``, and which is
    release ``of`` of PyTorch, or none.

    Raises `expected.BadValue`, with the line of the expectation."""
    return tuple(_case(checked, id, parameters, default, of) for id, parameters in checked.cases)


def _case(checked: CheckedSpec, id: str, parameters: dict[str, Any], default: str, of: str) -> Case:
    names = dict(parameters)
    for name, (tree, dtype) in checked.inputs.items():
        data = inputs.literal_value(tree, parameters)
        kind = parameters.get(dtype or "", dtype) or expected.dtype_of(data, default)
        # Data that makes no tensor is the engine's to refuse; an expectation that uses it is told that there is no value.
        with suppress(expected.BadValue):
            names[name] = expected.rounded(data, str(kind))
    steps = tuple(tuple(_expected(entry, names, default) for entry in entries) for entries in checked.observations)
    branches = tuple(
        tuple(
            Branch(number, tuple((position, _expected(entry, names, default)) for position, entry in judged))
            for number, (outcome, judged) in enumerate(zip(step.either, outcomes, strict=True))
            if applies(outcome, of)
        )
        for step, outcomes in zip(checked.spec.steps, checked.outcomes, strict=True)
    )
    loud = any(step.raises or step.warns or step.either for step in checked.spec.steps)
    usual = None if loud else tuple(map(usual_of, steps))
    values = tuple(parameters[name] for name in checked.arguments)
    return Case(id, parameters, values, steps, usual, branches)


def usual_of(wanted: tuple[Expected, ...]) -> list[Any]:
    values = [
        Array(value.dtype, value.shape, value.values)
        if isinstance(value, expected.Numbers)
        else value.value
        if isinstance(value, expected.Exactly)
        else value
        for value in wanted
    ]
    return [values, [*map(type, values)]]


def _expected(entry: Observation, names: dict[str, Any], default: str) -> Expected:
    expectation = entry.expectation
    if expectation is None:
        return Anything()
    dtype = names.get(expectation.dtype or "", expectation.dtype)
    if expectation.value is msgspec.UNSET and not expectation.any:
        return expected.Form(expectation.shape, dtype)
    given = load.tolerance(expectation.tolerance, names)
    try:
        values = tuple(
            expected.prepare(value, entry.words, names, default, shape=expectation.shape, dtype=dtype, tolerance=given)
            for value in expectation.any or (expectation.value,)
        )
        return AnyOf(values) if expectation.any else values[0]
    except expected.BadValue as error:
        raise expected.BadValue(f"expected value of {entry.text}: {error}", line=entry.line) from None


MAX_TOLD: Final = 16
MAX_TOLD_OF_A_ROW: Final = 4


def recorded_parameters(parameters: dict[str, Any], checked: CheckedSpec, whole: bool = False) -> dict[str, Any]:
    """The parameters as a record holds them, which has no number for infinity or nan, and none that are complex.

    ``whole``: all of them; else those that the program reads and that are not long, enough to tell cases apart. Of a
    table's row these are dtypes, the row's own parameters, and the shapes of operands."""
    if whole:
        return {name: plain(value) for name, value in parameters.items()}
    most = MAX_TOLD if checked.row is None else MAX_TOLD_OF_A_ROW
    told: dict[str, Any] = {}
    for name, value in parameters.items():
        if name not in checked.arguments or (checked.row is not None and name.rpartition("_")[2] in RANDOM):
            continue
        if len(expected.leaves([value])) <= most:
            told[name] = plain(value)
        elif checked.row is not None:
            told[name] = {"shape": _shape(value)}
    return told


def _shape(value: Any) -> list[int]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def is_dtype(value: Any) -> bool:
    """Whether a parameter names a dtype: the program sees the engine's dtype object."""
    return isinstance(value, str) and value in DTYPES


def fresh(value: Any) -> Any:
    """A copy of a parameter that the program may change."""
    return [fresh(item) for item in value] if isinstance(value, list) else value
