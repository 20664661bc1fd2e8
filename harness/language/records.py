"""The records of the spec language, in the form an author writes them. The JSON Schema is generated from these."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, NewType

import msgspec
from msgspec import Meta

Data = NewType("Data", Any)  # type: ignore[valid-newtype]
"""Numbers, truth values, null, text (an expression), in nested lists."""

Text = Annotated[str, Meta(min_length=1)]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of the records: immutable, every field named, no field unknown."""


class Standing(StrEnum):
    """How firmly a behaviour stands in the documents."""

    DOCUMENTED = "documented"
    """The source says so."""
    IMPLIED = "implied"
    """It follows from the source, or an error's or warning's text fixes it."""
    PYTORCH = "pytorch"
    """Documented for PyTorch's own interface (names of nodes, deprecations, printed forms): judged only for engines that
    declare to follow PyTorch."""
    OBSERVED = "observed"
    """PyTorch does it and no document says so: judged only for engines that declare to follow PyTorch."""


class Tolerance(Record, frozen=True, kw_only=True):
    """How far a number may be from its expected value: ``|observed - expected| <= atol + rtol * |expected|``."""

    rtol: Annotated[float, Meta(ge=0, le=1, description="relative")] = 0.0
    atol: Annotated[float, Meta(ge=0, le=1e6, description="absolute")] = 0.0
    reason: Annotated[Text, Meta(description="why the tolerance of the dtype does not do")]


class Expectation(Record, frozen=True, kw_only=True):
    """What an expression must show. A bare value is short for ``{value: ...}``."""

    value: Annotated[
        Data | msgspec.UnsetType,
        Meta(
            description="numbers, truth values, null or text in nested lists; text is an expression over parameters and inputs"
        ),
    ] = msgspec.UNSET
    shape: Annotated[tuple[Annotated[int, Meta(ge=0)], ...] | None, Meta(description="sizes, [] for a 0-d tensor")] = (
        None
    )
    dtype: Annotated[
        str | None, Meta(description="where it is not the engine's default, or not what the numbers say")
    ] = None
    tolerance: Tolerance | None = None


class Step(Record, frozen=True, kw_only=True):
    """A few lines of a program, and what must be seen after them."""

    run: Annotated[Text, Meta(description="lines of the safe Python subset, typed as an autograd user would")]
    expect: Annotated[
        dict[Text, Expectation | Data], Meta(description="expression: what it must show after the lines have run")
    ] = {}
    raises: Annotated[
        str | None, Meta(description="the kind of error that the last line raises (no earlier line raises)")
    ] = None
    warns: Annotated[
        tuple[str, ...],
        Meta(description="exactly these kinds of warnings are given, in the lines or by the observations"),
    ] = ()
    allows: Annotated[
        tuple[str, ...],
        Meta(description="kinds of warnings that may be given or not: the claim is about something else"),
    ] = ()
    message: Annotated[
        str | None,
        Meta(
            description="a documented part of the error's (or the warning's) wording; judged for engines that follow PyTorch"
        ),
    ] = None


class Spec(Record, frozen=True, kw_only=True):
    """One documented behaviour."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)+$", max_length=100)]
    claim: Annotated[Text, Meta(description="what is promised, in a sentence or two")]
    source: Annotated[tuple[Text, ...], Meta(min_length=1, description="documents (and sections) that promise it")]
    standing: Standing = Standing.DOCUMENTED
    note: str = ""
    cases: Annotated[
        tuple[dict[Text, Data], ...], Meta(max_length=1000, description="parameters; every case runs the same steps")
    ] = ()
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=50)]

    @property
    def area(self) -> str:
        return self.id.partition("/")[0]
