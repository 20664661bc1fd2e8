"""What can go wrong, by kind.

Every error and warning of the engine carries a ``kind``: the name of the rule that was broken (``graph-freed``,
``leaf-inplace`` ...), one vocabulary for all engines. The class says what Python expects (RuntimeError, TypeError), the
text follows PyTorch's documented wording, and programs should look at neither.
"""

from __future__ import annotations

import warnings


class AutogradError(RuntimeError):
    """A rule of automatic differentiation was broken."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class AutogradTypeError(TypeError):
    """An argument is not of a type that the engine can use."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class AutogradValueError(ValueError):
    """An argument has a type that fits and a value that does not."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class AutogradIndexError(IndexError):
    """A position or a dimension that is not there."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class AutogradNotImplementedError(NotImplementedError):
    """A rule that the user's code had to provide is not there."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class AutogradWarning(UserWarning):
    """The program is allowed, and probably not what was meant."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def warn(kind: str, message: str, *, depth: int = 1) -> None:
    """Warn about the line that called the engine, ``depth`` calls above the function that calls `warn`."""
    warnings.warn(AutogradWarning(kind, message), stacklevel=2 + depth)
