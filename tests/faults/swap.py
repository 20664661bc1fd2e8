"""A fault planted in an engine that is loaded already: the code of its functions is exchanged, which takes milliseconds."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from inspect import CO_NEWLOCALS
from pathlib import Path
from types import CodeType, FunctionType


def functions_of(folder: Path) -> Mapping[Path, list[FunctionType]]:
    """All functions that there are of the modules in ``folder``."""
    found: dict[Path, list[FunctionType]] = defaultdict(list)
    for function in gc.get_objects():
        if type(function) is FunctionType:
            path = Path(function.__code__.co_filename)
            if path.is_relative_to(folder):
                found[path].append(function)
    return found


def swap(functions: Iterable[FunctionType], path: Path, before: str, after: str) -> bool:
    """Give the functions of the module at ``path`` the code of the text ``after`` in place of that of ``before``. False
    where that is not enough, because something else than functions is different; nothing was done then."""
    old, new = _compiled(path, before), _compiled(path, after)
    if _shape(old) != _shape(new):
        return False
    becomes = dict(zip(_functions_in(old), _functions_in(new), strict=True))
    pairs = [(function, becomes[function.__code__]) for function in functions if function.__code__ in becomes]
    if any(function.__code__.co_freevars != code.co_freevars for function, code in pairs):
        return False
    for function, code in pairs:
        function.__code__ = code
    return True


@lru_cache(100)
def _compiled(path: Path, text: str) -> CodeType:
    return compile(text, str(path), "exec", dont_inherit=True)


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
