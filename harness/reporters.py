"""Finding and loading reports: plug-ins that read finished run records and nothing else."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

from harness.matrix import Matrix, Place
from harness.mutation.record import MutationRecord
from harness.places import room
from harness.record import Run


def names() -> list[str]:
    """Every report there is."""
    return sorted(path.parent.name for path in room("reports").glob("[!_]*/__init__.py"))


def render(name: str, runs: Sequence[Run]) -> Mapping[str, str]:
    """File name -> text of the report ``name`` over ``runs``."""
    found: Mapping[str, str] = load(name).render(runs)
    return found


def render_mutation(record: MutationRecord, name: str = "html") -> Mapping[str, str]:
    """File name -> text of what the report ``name`` makes of the record of `harness mutate`."""
    found: Mapping[str, str] = load(name).render_mutation(record)
    return found


def render_matrix(found: Matrix, places: Mapping[str, Place], name: str = "html") -> Mapping[str, str]:
    """File name -> text of what the report ``name`` makes of several engines side by side; ``places`` are the pages that
    a column's own report has."""
    made: Mapping[str, str] = load(name).render_matrix(found, places)
    return made


def is_folder(name: str) -> bool:
    """Whether ``name`` is a report from outside: a folder with a package in it."""
    return "/" in name and (Path(name) / "__init__.py").is_file()


def load(name: str) -> ModuleType:
    """The report's package: one of the suite's own, or a folder anywhere."""
    folder = Path(name) if is_folder(name) else room("reports") / name
    private = f"_harness_report_{folder.resolve().name}"
    if private in sys.modules:
        return sys.modules[private]
    spec = importlib.util.spec_from_file_location(
        private, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[private] = module
    spec.loader.exec_module(module)
    return module
