"""A changed text planted in an engine that is loaded already.

Where only functions are different, their code is exchanged, which takes less than a millisecond. Where something else is (a
constant, a table, which function a rule is made with), the engine is loaded again with the changed module.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.machinery import SourceFileLoader
from inspect import CO_NEWLOCALS
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any


class Functions:
    """All functions that there are of the modules in a folder, those included that are made while the engine runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: dict[Any, list[FunctionType]] = {}

    def keep(self) -> None:
        """Remember those that there are now: what is frozen is not found again."""
        for function in self._alive():
            self.kept.setdefault(_key(function.__code__), []).append(function)
        gc.freeze()

    def _alive(self) -> list[FunctionType]:
        inside = os.path.join(self.folder, "")
        return [f for f in gc.get_objects() if type(f) is FunctionType and f.__code__.co_filename.startswith(inside)]

    def swap(self, old: CodeType, new: CodeType) -> Callable[[], None] | None:
        """Give the functions that have their code from ``old`` (of a module, or of a part of one) that of ``new``. What
        comes back is called to undo it.

        None where that is not enough, because something else than functions is different; nothing was done then."""
        if _shape(old) != _shape(new):
            return None
        made: dict[Any, list[FunctionType]] = {}
        for function in self._alive():
            made.setdefault(_key(function.__code__), []).append(function)
        pairs = [
            (function, code)
            for before, code in zip(_functions_in(old), _functions_in(new), strict=True)
            for function in (*self.kept.get(_key(before), ()), *made.get(_key(before), ()))
        ]
        if not pairs or any(function.__code__.co_freevars != code.co_freevars for function, code in pairs):
            return None
        usual = {id(after): before for before, after in zip(_functions_in(old), _functions_in(new), strict=True)}
        usual |= {id(code): function.__code__ for function, code in pairs}
        for function, code in pairs:
            function.__code__ = code

        def undo() -> None:
            for function in (*(function for function, _ in pairs), *self._alive()):
                function.__code__ = usual.get(id(function.__code__), function.__code__)

        return undo


def reloaded(codes: Mapping[Path, CodeType], folder: Path, load: Callable[[], Any]) -> Any:
    """What ``load`` gives where the modules at these paths are other ones. The modules below ``folder`` are imported anew."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and Path(file).is_relative_to(folder):
            del sys.modules[name]
    usual = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        return codes.get(Path(self.path)) or usual(self, fullname)

    SourceFileLoader.get_code = get_code  # type: ignore[assignment, method-assign]
    try:
        return load()
    finally:
        SourceFileLoader.get_code = usual  # type: ignore[method-assign]


def _key(code: CodeType) -> Any:
    """File, name and line, and where the text ends: two functions on one line differ in that. Not the code itself, which may
    differ between a module and one of its statements (a call of what the module imports is compiled otherwise)."""
    ends = max((end or 0, column or 0) for _, end, _, column in code.co_positions())
    return code.co_filename, code.co_qualname, code.co_firstlineno, ends


def _is_class(code: CodeType) -> bool:
    return not code.co_flags & CO_NEWLOCALS


def _functions_in(body: CodeType) -> Iterator[CodeType]:
    for inner in body.co_consts:
        if isinstance(inner, CodeType):
            if not _is_class(inner):
                yield inner
            yield from _functions_in(inner)


def _shape(body: CodeType) -> list[object]:
    """What the body of a module or class does, and which functions are in it."""
    inner = [
        _shape(c) if _is_class(c) else [c.co_qualname, *_names(c)] for c in body.co_consts if isinstance(c, CodeType)
    ]
    values = [c for c in body.co_consts if not isinstance(c, CodeType | int)]  # a class knows the number of its line
    return [body.co_code, body.co_names, values, inner]


def _names(function: CodeType) -> list[str]:
    return [inner.co_qualname for inner in _functions_in(function)]
