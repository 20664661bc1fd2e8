"""What one run of a program showed: the observations that a worker sends and the judge reads. Plain data, engine-free."""

from __future__ import annotations

from typing import NamedTuple

from harness.engine import Graph, Observed


class Raised(NamedTuple):
    """An exception, described where it was caught."""

    kind: str | None
    """What the adapter calls it (see ``harness kinds``); None where it is of no kind that the suite knows."""
    text: str
    """Class and message on one line."""
    message: str = ""
    """The message as the engine wrote it."""
    line: int = 0
    """The innermost line of the program that it passed, in the spec's file; 0 where it passed none."""
    top: int = 0
    """The line of the program's top level that it passed."""
    fault: str = ""
    """Empty for the engine's own. ``bounds`` and ``unbound``: the program's; ``unsupported``: the engine says that it has
    no such thing; ``unreadable``: the adapter could not read a value; ``memory``: there was no more memory."""
    advice: str = ""


class Warned(NamedTuple):
    """A warning: its kind, None where it is of none that the suite knows, and its text on one line."""

    kind: str | None
    text: str


class StepSeen(NamedTuple):
    """What one step showed."""

    raised: Raised | None
    """By the last line, in a step where an error is due."""
    observed: list[Observed | Raised]
    """What each expression showed, in order."""
    warned: list[Warned]


class Seen(NamedTuple):
    """What a whole program showed."""

    steps: list[StepSeen]
    """Up to the step that broke off."""
    aborted: Raised | None = None
    """The exception that ended the program where none was due."""
    seconds: float = 0.0
    """Of the program alone."""
    graph: Graph | None = None
    broken: str = ""
    """What broke in the adapter around the program: nothing is said about the engine then."""
    leaks: tuple[str, ...] = ()
    """Global state that the program left changed."""
