"""What a derivative table says, in the form an author writes it."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from harness.language.records import Data, Record, Standing, Text

KINDS: Final = {
    "distinct": "numbers of which no two are close, in random order",
    "matrix": "a matrix whose singular values are neither small nor close to each other",
    "symmetric": "a symmetric matrix whose eigenvalues are not close to each other",
    "positive-definite": "a symmetric matrix with positive eigenvalues that are not close to each other",
    "upper": "an upper triangular matrix, its diagonal not small",
    "lower": "a lower triangular matrix, its diagonal positive and not small",
    "probabilities": "positive numbers that add up to 1 along the last dimension",
    "log-probabilities": "their logarithms",
    "integers": "whole numbers, which every case writes out",
    "booleans": "truth values: random ones, or written out by a case",
    "literal": "numbers, which every case writes out",
}
"""What an input may be, where it is not drawn from intervals."""
RANDOM: Final = frozenset({"cotangent", "cotangent1", "cotangent2", "tangent", "weight", "other"})
"""How the names of a case's parameters end that are drawn at random, and tell no case from another."""
PLAIN: Final = frozenset({"integers", "booleans"})
"""Inputs that have no derivative."""


class Input(Record, frozen=True, kw_only=True):
    """An operand. Intervals (``[low, high]`` or a list of such) or the name of a kind are short for ``{from: ...}``."""

    origin: Annotated[Data, Meta(description="an interval, several intervals, or one of: " + ", ".join(KINDS))] = (
        msgspec.field(name="from")
    )
    constant: Annotated[bool, Meta(description="whether it is not differentiated")] = False
    complex: Annotated[bool, Meta(description="whether it is complex in every case")] = False


class Point(Record, frozen=True, kw_only=True):
    """Special inputs: zeros, kinks, ties, bounds."""

    at: Annotated[dict[Text, Data], Meta(min_length=1, description="every input and parameter, written out")]
    value: Annotated[
        dict[Text, Data] | msgspec.UnsetType, Meta(description="per output; where the formula has none")
    ] = msgspec.UNSET
    gradient: Annotated[
        dict[Text, Data] | msgspec.UnsetType,
        Meta(description="per input, for a cotangent of ones; where the formula has none"),
    ] = msgspec.UNSET
    standing: Standing = Standing.EXACT
    because: Annotated[str, Meta(description="why the gradient is what it is, where the formula does not say it")] = ""
    source: tuple[Text, ...] = ()
    since: str = ""
    until: str = ""
    dtypes: Annotated[tuple[Text, ...], Meta(description="in which it is asked")] = ("float64", "float32")


class Hard(Record, frozen=True, kw_only=True):
    """Inputs where a textbook's formula for the value or the derivative loses accuracy."""

    at: Annotated[dict[Text, Data], Meta(min_length=1, description="every input and parameter, written out")]
    value: Annotated[dict[Text, Data], Meta(description="per output, exact to 17 digits")] = {}
    gradient: Annotated[dict[Text, Data], Meta(description="per input, exact to 17 digits")]
    cotangent: Annotated[dict[Text, Data], Meta(description="per output; ones where it is not given")] = {}
    within: Annotated[float, Meta(gt=0, le=0.1, description="the relative error that is allowed")] = 1e-9
    smallest: Annotated[float, Meta(ge=0, description="the absolute error that is allowed beside")] = 0.0
    dtype: Text = "float64"
    exactly: Annotated[
        str,
        Meta(
            description="the outputs times their cotangents, added up, as mpmath has it; "
            "`harness check --oracles` computes it and its gradient"
        ),
    ] = ""
    stretch: Annotated[bool, Meta(description="PyTorch itself misses it: what engines do is recorded, not judged")] = (
        False
    )
    why: Text


Loose = Annotated[float, Meta(ge=1, le=1e6)]


class Row(Record, frozen=True, kw_only=True):
    """One operation."""

    run: Annotated[Text, Meta(description="the call, or lines that bind the outputs; names are inputs and parameters")]
    inputs: Annotated[
        dict[Text, Input | Data], Meta(min_length=1, max_length=8, description="operand: where it comes from")
    ]
    outputs: Annotated[tuple[Text, ...], Meta(min_length=1, description="names; #name has no derivative")] = ("out",)
    cases: Annotated[
        tuple[dict[Text, Data], ...],
        Meta(
            max_length=100,
            description="parameters, and per operand its shape (or, where its kind says so, its numbers)",
        ),
    ] = ()
    where: Annotated[
        str, Meta(description="lines of name = formula, for the formulas below; they may use the cotangent")
    ] = ""
    value: Annotated[dict[Text, Text] | Text, Meta(description="formula of the output, or of each")]
    derivative: Annotated[
        dict[Text, Text], Meta(description="of an elementwise operation: operand: formula of the partial derivative")
    ] = {}
    gradient: Annotated[
        dict[Text, Text],
        Meta(
            description="of any other: operand: formula of its gradient, from the cotangent g (g_NAME of several outputs)"
        ),
    ] = {}
    complex: Annotated[
        bool | str,
        Meta(
            description="whether the formulas hold for complex operands; 'real' for derivatives that do as they stand"
        ),
    ] = False
    avoid: Annotated[str, Meta(description="formula that is true of inputs which must not be drawn")] = ""
    points: tuple[Point, ...] = ()
    hard: tuple[Hard, ...] = ()
    large: (
        Annotated[
            int,
            Meta(
                ge=0, le=1_000_000, description="elements that an elementwise row is asked at; 2,000 where it says none"
            ),
        ]
        | dict[Text, Data]
    ) = 0
    """Of any other row: a case with many elements."""
    between: Annotated[
        dict[Text, Data],
        Meta(description="parameters and operands, written out, of the use between two others (aspect `twice`)"),
    ] = {}
    without: Annotated[
        dict[Text, Text], Meta(description="aspect (second, forward, ... or a dtype): why it is not asked")
    ] = {}
    tier: Annotated[int, Meta(ge=1, le=3, description="1: every engine should have it, 2: most, 3: large ones")] = 3
    source: Annotated[tuple[Text, ...], Meta(min_length=1, description="documents that define it")]
    standing: Standing = Standing.EXACT
    since: str = ""
    until: str = ""
    loose: Annotated[
        Loose | dict[Text, Loose],
        Meta(description="the bound on errors is this many times the usual one; of all dtypes, or by dtype"),
    ] = 1.0
    note: Annotated[str, Meta(description="what the formula cannot say; the reason for `loose`")] = ""

    @property
    def is_elementwise(self) -> bool:
        return bool(self.derivative)


class Table(Record, frozen=True, kw_only=True):
    """One file of rows."""

    title: Text
    about: Text
    rows: Annotated[dict[Text, Row], Meta(min_length=1, max_length=200, description="name: operation")]
