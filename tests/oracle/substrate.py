"""The NumPy reference, of which the oracle of differences borrows operations, views, modes and function transforms: everything
but derivatives. What it computes by rules is taken out, and what takes its place stands in replay.py and quotients.py."""

from __future__ import annotations

import importlib
import sys
from typing import Any, Final

from harness import plugins

engine: Final = plugins.load(plugins.find("reference"), None).engine
_PACKAGE: Final = type(engine).__module__.rpartition(".")[0]
assert f"{_PACKAGE}.adapter" in sys.modules


def _module(name: str) -> Any:
    return importlib.import_module(f"{_PACKAGE}.{name}")


autograd: Final = _module("autograd")
checkpoint: Final = _module("checkpoint")
forward: Final = _module("forward")
function: Final = _module("function")
graph: Final = _module("graph")
levels: Final = _module("levels")
mapped: Final = _module("mapped")
modes: Final = _module("modes")
record: Final = _module("record")
several: Final = _module("several")
jacobians: Final = _module("jacobians")
views: Final = _module("views")
Tensor: Final = _module("tensor").Tensor
