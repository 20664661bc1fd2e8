"""The records of the spec language, in the form an author writes them. The JSON Schema is generated from these."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, NewType

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
    EXACT = "exact"
    """The derivative exists there: every engine that has the operation must match."""
    RULE = "rule"
    """There is no derivative; PyTorch's documented rules fix the value. An engine may follow other rules."""
    CONVENTION = "convention"
    """There is no derivative; PyTorch's choice is one of several defensible ones."""
    STRETCH = "stretch"
    """The exact value, at inputs where PyTorch itself is not accurate."""
    PYTORCH = "pytorch"
    """Documented for PyTorch's own interface: names of nodes, deprecations, checks of arguments, printed forms."""
    OBSERVED = "observed"
    """PyTorch does it and no document says so."""
    QUIRK = "quirk"
    """PyTorch does it by accident, or against a documented rule."""
    CONTRADICTS_DOC = "contradicts-doc"
    """PyTorch departs from its own document; the spec says what the document allows, and `defect` how PyTorch departs."""


RECORDED: Final = frozenset({Standing.RULE, Standing.CONVENTION})
"""Judged for engines that declare to follow PyTorch; of all others it is recorded what they do."""
RECORDED_OF_ALL: Final = frozenset({Standing.STRETCH})
"""It is recorded what engines do, and none is judged."""
PYTORCHS_OWN: Final = frozenset({Standing.PYTORCH, Standing.OBSERVED, Standing.QUIRK})
"""Judged for engines that declare to follow PyTorch, and not run on any other."""


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
    any: Annotated[
        tuple[Data, ...], Meta(min_length=2, max_length=10, description="values of which one must be seen")
    ] = ()
    shape: Annotated[tuple[Annotated[int, Meta(ge=0)], ...] | None, Meta(description="sizes, [] for a 0-d tensor")] = (
        None
    )
    dtype: Annotated[
        str | None, Meta(description="where it is not the engine's default, or not what the numbers say")
    ] = None
    tolerance: Annotated[
        Tolerance | str | None, Meta(description="text: the parameter that holds [rtol, atol], for tables")
    ] = None
    because: Annotated[str, Meta(description="with any: what leaves an engine the choice")] = ""


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The row of a derivative table that a spec was expanded from, as a handbook has it."""

    table: str
    """The table's title."""
    name: str
    aspect: str
    run: str
    value: dict[str, str]
    """Output: formula."""
    derivative: dict[str, str] = {}
    """Operand: partial derivative; of an elementwise operation."""
    gradient: dict[str, str] = {}
    """Operand: its gradient, from the cotangent; of any other."""
    where: str = ""
    """Lines that the formulas use."""
    without: dict[str, str] = {}
    """Aspect or dtype: why it is not asked."""


def plain(expectation: Any) -> Any:
    """An entry of an ``expect`` as plain data, in its short form where that says all."""
    found = msgspec.to_builtins(expectation)
    if not isinstance(expectation, Expectation):
        return found
    if expectation.any:
        found["any"] = list(found["any"])
    return found["value"] if set(found) == {"value"} else found


class Outcome(Record, frozen=True, kw_only=True):
    """One of the things that a step may do where documents allow several."""

    raises: Annotated[
        str | None, Meta(description="the kind of error that the last line raises; without it, nothing is raised")
    ] = None
    warns: Annotated[tuple[str, ...], Meta(description="exactly these kinds of warnings are given")] = ()
    allows: Annotated[tuple[str, ...], Meta(description="kinds of warnings that may be given or not")] = ()
    message: Annotated[str | None, Meta(description="a documented part of the error's (or the warning's) wording")] = (
        None
    )
    expect: Annotated[
        dict[Text, Expectation | Data], Meta(description="expression: what it must show in this outcome")
    ] = {}
    versions: Annotated[
        str, Meta(description="PyTorch's releases that have this outcome, as pip writes them (>=2.5,<2.14)")
    ] = ""
    because: Annotated[
        str, Meta(description="what leaves an engine the choice; needed where versions is not given")
    ] = ""


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
    either: Annotated[
        tuple[Outcome, ...],
        Meta(
            min_length=2,
            max_length=10,
            description="outcomes of which one must match in full; expect and allows hold for all",
        ),
    ] = ()

    @property
    def may_raise(self) -> bool:
        """Whether an error of the last line is part of what is judged."""
        return self.raises is not None or any(outcome.raises is not None for outcome in self.either)

    @property
    def is_loud(self) -> bool:
        """Whether an error or a warning is due, whichever outcome it is."""
        dues: tuple[Step | Outcome, ...] = self.either or (self,)
        return all(due.raises is not None or due.warns for due in dues)


class Spec(Record, frozen=True, kw_only=True):
    """One documented behaviour."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)+$", max_length=100)]
    claim: Annotated[Text, Meta(description="what is promised, in a sentence or two")]
    source: Annotated[tuple[Text, ...], Meta(min_length=1, description="documents (and sections) that promise it")]
    standing: Standing = Standing.DOCUMENTED
    since: Annotated[str, Meta(description="the first release of PyTorch that has it")] = ""
    until: Annotated[str, Meta(description="the first release of PyTorch that does not have it any more")] = ""
    defect: Annotated[
        str, Meta(description="how PyTorch departs from its own document, and where; needed with contradicts-doc")
    ] = ""
    note: str = ""
    cases: Annotated[
        tuple[dict[Text, Data], ...], Meta(max_length=1000, description="parameters; every case runs the same steps")
    ] = ()
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=50)]

    @property
    def area(self) -> str:
        return self.id.partition("/")[0]
