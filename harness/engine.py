"""The engine interface: all that an adapter has to provide, and all that it may import.

An adapter is a folder with an ``engine.yaml`` and a package whose ``__init__.py`` defines a subclass of `Engine`
named ``Engine``. Programs of the suite compile to Python over the engine's own tensors: ``a * b`` in a spec runs the
engine's ``__mul__``. What the language calls by name is looked up in two places:

``names``       free names: ``tensor``, ``no_grad``, ``backward`` ... -> the engine's function, class or dtype object.
``attributes``  what follows a dot: ``grad``, ``sum``, ``retain_grad`` ... -> `NATIVE` where the engine's users type
                exactly that, or a function of the receiver (and the arguments, for a method).

A name that is in neither table is a feature the engine does not have: the cases that need it become *unsupported*,
counted in the open. An adapter never emulates what its engine lacks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final, NamedTuple


class _Native:
    """Marks an attribute that the engine's users type exactly as the language spells it."""

    def __repr__(self) -> str:
        return "NATIVE"


NATIVE: Final = _Native()

Attribute = _Native | Callable[..., Any]


class Array(NamedTuple):
    """A tensor as the harness saw it: a copy, so that later steps cannot change what was observed."""

    dtype: str
    """The name of the dtype as NumPy and PyTorch spell it: ``float32``, ``int64``, ``bool``, ``complex64`` ..."""
    shape: tuple[int, ...]
    values: Any
    """Python numbers in nested lists (a bare number for a 0-d tensor)."""


class Opaque(NamedTuple):
    """Something an expectation observed that is neither a number, a text, a list nor a tensor."""

    type: str


Observed = None | bool | int | float | complex | str | list[Any] | Array | Opaque
"""What `Engine.read` returns."""


class Node(NamedTuple):
    """A node of the graph as the engine built it."""

    label: str
    """What the operation is called (``mul``), or the program's own name of the tensor for a leaf."""
    role: str
    """``leaf`` (gradients accumulate here), ``op`` (a recorded operation) or ``root`` (an operation a name refers to)."""
    names: tuple[str, ...] = ()
    """The program's names for the result of this node."""


class Graph(NamedTuple):
    """What the engine recorded: ``edges`` are ``(consumer, producer)`` positions in ``nodes``, operand order kept."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]


class EngineUnusable(Exception):
    """The engine cannot be asked at all: not installed, the wrong version, no such device. The text says how to mend it."""


class Unsupported(Exception):
    """Raised by an adapter's function where the engine has no such thing (``tensor`` of more than one number in an engine
    of scalars): the case is *unsupported*, for the reason that the text gives. Never raised for what merely goes wrong."""


class UserError(ValueError):
    """What a program raises itself: ``raise ValueError("...")``."""


class Engine:
    """Base class of adapters. One instance serves a whole run, one case at a time."""

    names: Mapping[str, Any] = {}
    attributes: Mapping[str, Attribute] = {}
    setters: ClassVar[Mapping[str, Callable[[Any, Any], None]]] = {}
    """``x.NAME = value`` for attributes that are not `NATIVE`."""
    error_kinds: ClassVar[Iterable[tuple[str, str, str]]] = ()
    """``(kind, exception class name, fragment of the message)``; the first row that fits names the kind."""
    warning_kinds: ClassVar[Iterable[tuple[str, str, str]]] = ()
    lacking: ClassVar[re.Pattern[str] | None] = None
    """What the engine's messages say of what it does not have."""

    def __init__(self, device: str | None = None) -> None:
        """Import the engine and get it ready on ``device`` (None: the engine's default).

        Raises `EngineUnusable` where it cannot be asked: not installed, too old, no such device."""
        if device not in (None, "cpu"):
            raise EngineUnusable(f"this engine has no device {device!r}; leave --device out")

    @property
    def version(self) -> str:
        """The version of the engine (not of the adapter)."""
        raise NotImplementedError

    def read(self, value: Any) -> Observed:
        """``value`` as plain data, without changing any state of the engine."""
        raise NotImplementedError

    def error_kind(self, error: BaseException) -> str | None:
        """The kind of an exception (see ``harness kinds``), or None where it is none that the suite knows."""
        return _kind(self.error_kinds, error)

    def warning_kind(self, warning: Warning) -> str | None:
        return _kind(self.warning_kinds, warning)

    def exhausted(self, error: BaseException) -> bool:
        """Whether an exception says that there was no more memory: then nothing is said about the engine's behaviour."""
        return isinstance(error, MemoryError)

    def lacks(self, error: BaseException) -> bool:
        """Whether an exception is the engine's own word for what it does not have ("the derivative of X is not
        implemented"): then the case is *unsupported*, for the reason that its message gives."""
        said = self.lacking is not None and self.lacking.search(str(error)) is not None
        return said or isinstance(error, Unsupported)

    def reset(self) -> None:
        """Put global state (grad mode ...) back to what a fresh process has; called before the first case and after
        every case."""

    def before_fork(self, words: Iterable[str]) -> None:
        """Import what ``words`` (free names of the language) import when they are used for the first time: each of the
        processes that are forked off next would do it anew. Nothing may be computed."""

    def state(self) -> Mapping[str, Any]:
        """Global state that a program must not leave changed (default dtype, modes, hooks, thread counts),
        as values that can be compared. Asked for after every case, behind `reset`: a case that changed it is named."""
        return {}

    def graph(self, named: Mapping[str, Any]) -> Graph | None:
        """The graph behind the program's tensors, read through the engine's public API; None where it has no such API.

        ``named``: the program's names -> values."""
        return None

    def preamble(self, words: Iterable[str]) -> str:
        """Python source that makes ``words`` (free names of the language) mean in a bare session what they mean here.

        `harness explain` puts it at the head of the stand-alone script. Empty where the adapter has none."""
        return ""


def _kind(table: Iterable[tuple[str, str, str]], error: BaseException) -> str | None:
    message = str(error)
    asked = (id(table), type(error), message)
    known = _kinds.get(asked)
    if known is None:
        if len(_kinds) >= 1000:
            _kinds.clear()
        known = _kinds[asked] = table, _looked_up(table, type(error), message)
    return known[1]


_kinds: dict[tuple[int, type, str], tuple[Any, str | None]] = {}
"""Engines say the same few things again and again. The table is kept so that no other can have its id."""


def _looked_up(table: Iterable[tuple[str, str, str]], kind_of: type, message: str) -> str | None:
    classes = {c.__name__ for c in kind_of.__mro__}
    for kind, class_name, fragment in table:
        if class_name in classes and fragment in message:
            return kind
    return None
