"""Importing an adapter: a folder loaded by path under a private name, or a module's class."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import os
import sys
import traceback
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from harness import interrupts
from harness.engine import NATIVE, Engine, EngineUnusable
from harness.language.words import ATTRIBUTES, NAMES
from harness.problems import nearest
from harness.text import printable


class Adapter(NamedTuple):
    """Where an adapter is; plain data, which a worker is told."""

    name: str
    """As the user named it."""
    folder: str | None
    """Of a package whose ``__init__.py`` holds the class; None for a module that Python finds by itself."""
    module: str = ""
    class_name: str = "Engine"
    """With a module of the package before a dot, where it is in one: ``compiled.Inductor``."""
    install: str = ""
    """What a user types to install the engine."""


def load(adapter: Adapter, device: str | None, imports: Iterable[str] = ()) -> tuple[Engine, str]:
    """The engine and its version, ready on ``device``; ``imports``: modules that register an out-of-tree device.

    Raises `EngineUnusable` with one message that says what to do."""
    name = adapter.name
    for module in imports:
        try:
            importlib.import_module(module)
        except interrupts.users:
            raise
        except BaseException as error:
            raise EngineUnusable(f"--import {module}: {where(error)}") from None
    try:
        found = _import_folder(adapter.folder) if adapter.folder else importlib.import_module(adapter.module)
        below, _, class_name = adapter.class_name.rpartition(".")
        if below:
            found = importlib.import_module(f"{found.__name__}.{below}")
        made = getattr(found, class_name, None)
        if not (isinstance(made, type) and issubclass(made, Engine)):
            raise EngineUnusable(f"{adapter.class_name!r} in {found.__file__} is no subclass of harness.engine.Engine")
        engine = made(device)
        version = engine.version
    except EngineUnusable as error:
        raise EngineUnusable(f"engine {name} cannot be used: {error}") from None
    except ImportError as error:
        install = f"; install it with: {adapter.install}" if adapter.install else ""
        raise EngineUnusable(f"engine {name} cannot be imported: {error}{install}") from None
    except interrupts.users:
        raise
    except BaseException as error:
        raise EngineUnusable(f"engine {name} cannot be loaded: {where(error)}") from None
    _check_tables(name, engine)
    if not isinstance(version, str) or not version or not version.isprintable():
        raise EngineUnusable(f"engine {name}: its adapter gives version {version!a}; a text is due")
    return engine, version


def where(error: BaseException) -> str:
    """An exception in one line: class, message, and the place where it was raised."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith("<frozen")]
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    message = " ".join(str(error).split())
    return printable(f"{type(error).__name__}: {message[:500]}{place}")


def _check_tables(name: str, engine: Engine) -> None:
    for table, given, known in (
        ("names", engine.names, NAMES),
        ("attributes", engine.attributes, ATTRIBUTES),
        ("setters", engine.setters, ATTRIBUTES),
    ):
        if not isinstance(given, Mapping):
            raise EngineUnusable(f"engine {name}: its table of {table} is {type(given).__name__}; a mapping is due")
        for word, value in given.items():
            if word not in known:
                hint = nearest(str(word), known)
                raise EngineUnusable(
                    f"engine {name}: {word!r} in its table of {table} is no word of the language{hint}"
                )
            if table != "names" and value is not NATIVE and not callable(value):
                raise EngineUnusable(
                    f"engine {name}: {word!r} in its table of {table} is neither NATIVE nor a function"
                )


_loads = itertools.count()


def _import_folder(folder: str) -> Any:
    init = os.path.join(folder, "__init__.py")
    if not os.path.isfile(init):
        raise EngineUnusable(f"{folder} holds no __init__.py with a class Engine")
    # A name of its own for every load: an adapter that was edited between two loads is not mistaken for the old one.
    private = f"_harness_engine_{next(_loads)}_{os.path.basename(os.path.realpath(folder)).replace('-', '_')}"
    found = importlib.util.spec_from_file_location(private, init, submodule_search_locations=[folder])
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[private] = module
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules[private]
        raise
    return module
