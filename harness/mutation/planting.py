"""A changed text planted in an engine that is loaded already.

Where only functions are different, their code is exchanged, which takes less than a millisecond. Where something else is (a
constant, a table, which function a rule is made with), the engine is loaded again with the changed module.
"""

from __future__ import annotations

import gc
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.machinery import SourceFileLoader
from inspect import CO_NEWLOCALS
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

Functions = Mapping[Path, Mapping[Any, list[FunctionType]]]


def functions_of(folder: Path) -> Functions:
    """All functions that there are of the modules in ``folder``: by file, and by what tells one text of a function from all
    others in its file."""
    found: dict[Path, dict[Any, list[FunctionType]]] = defaultdict(lambda: defaultdict(list))
    for function in gc.get_objects():
        if type(function) is FunctionType:
            path = Path(function.__code__.co_filename)
            if path.is_relative_to(folder):
                found[path][_key(function.__code__)].append(function)
    return found


def swap(functions: Mapping[Any, list[FunctionType]], old: CodeType, new: CodeType) -> Callable[[], None] | None:
    """Give the functions that have their code from ``old`` (of a module, or of a part of one) that of ``new``. What comes
    back is called to undo it.

    None where that is not enough, because something else than functions is different; nothing was done then."""
    if _shape(old) != _shape(new):
        return None
    pairs = [
        (function, code)
        for before, code in zip(_functions_in(old), _functions_in(new), strict=True)
        for function in functions.get(_key(before), ())
    ]
    if not pairs or any(function.__code__.co_freevars != code.co_freevars for function, code in pairs):
        return None
    before = [(function, function.__code__) for function, _ in pairs]
    _give(pairs)
    return lambda: _give(before)


def _give(pairs: Iterable[tuple[FunctionType, CodeType]]) -> None:
    for function, code in pairs:
        function.__code__ = code


def reloaded(path: Path, code: CodeType, folder: Path, load: Callable[[], Any]) -> Any:
    """What ``load`` gives where the module at ``path`` is ``code``. The modules below ``folder`` are imported anew."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and Path(file).is_relative_to(folder):
            del sys.modules[name]
    usual = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        return code if Path(self.path) == path else usual(self, fullname)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
    try:
        return load()
    finally:
        SourceFileLoader.get_code = usual  # type: ignore[method-assign]


def _key(code: CodeType) -> Any:
    """Name and line, and where the text ends: two functions on one line differ in that. Not the code itself, which may
    differ between a module and one of its statements (a call of what the module imports is compiled otherwise)."""
    return code.co_qualname, code.co_firstlineno, max((end or 0, column or 0) for _, end, _, column in code.co_positions())


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
