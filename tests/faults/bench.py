"""The suite run on faulty engines; what is the same for all of them is done once."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

from harness import execute, plugins, selection
from harness.capabilities import words_of
from harness.cases import Case, fresh, is_dtype, ready
from harness.engine import Engine
from harness.language import compile as compiler
from harness.language.load import CheckedSpec
from harness.record import Status
from harness.verdict import verdict
from harness.worker import loading
from harness.worker.host import Host
from tests.faults.fault import REFERENCE, Fault
from tests.faults.swap import functions_of, swap

SECONDS = 5.0
"""Of one case, on the processor: a faulty engine may run in circles."""


class _Program(NamedTuple):
    checked: CheckedSpec
    code: CodeType
    cases: list[Case]
    """Those that the engine passes while it has no fault."""


class Bench:
    """All programs of the suite, compiled, and an engine without a fault. Every fault is planted in a fork of this process,
    which loads nothing and leaves nothing behind."""

    def __init__(self, folder: Path) -> None:
        """``folder``: for a copy of the reference."""
        self.folder = Path(shutil.copytree(REFERENCE, folder / "reference"))
        self.engine = _load(self.folder)
        file = plugins.find("reference").file
        words = words_of(self.engine)
        self.programs: dict[str, list[_Program]] = {}
        with execute.listening() as heard:
            host = Host(self.engine, heard)
            for checked in selection.suite():
                cases = [case for case in ready(checked, file, words) if isinstance(case, Case)]
                if cases:
                    program = _Program(checked, compiler.code(checked.program, self.engine), cases)
                    failed = set(_red(program, host))
                    passed = [case for case in cases if case.id not in failed]
                    self.programs.setdefault(checked.spec.area, []).append(program._replace(cases=passed))
        self.functions = functions_of(self.folder)
        gc.freeze()  # what forks share is not written by their collectors

    def caught(self, fault: Fault, areas: Collection[str] = (), *, all_of_them: bool = False) -> dict[str, list[str]]:
        """By area (those of the fault, or the given ones): the cases that go red, the first or all of them.

        Raises `ValueError` for a fault that does not fit the engine or an area that does not exist."""
        areas = list(areas) or fault.areas.split()
        if unknown := [area for area in areas if area not in self.programs]:
            raise ValueError(f"{fault.name}: there is no area {unknown[0]}")
        reading, writing = os.pipe()
        child = os.fork()
        if child:
            os.close(writing)
            with open(reading, encoding="utf-8") as answer:
                text = answer.read()
            os.waitpid(child, 0)
            answered: Any = json.loads(text) if text else {areas[0]: ["the process has died"]}
            if isinstance(answered, str):
                raise ValueError(answered)
            found: dict[str, list[str]] = answered
            return found
        try:
            signal.signal(signal.SIGPROF, _too_long)
            try:
                told: Any = self._caught(self._faulty(fault), areas, all_of_them)
            except Exception as error:
                told = f"{fault.name}: {error}"
            with open(writing, "w", encoding="utf-8") as answer:
                answer.write(json.dumps(told))
        finally:
            os._exit(0)

    def _faulty(self, fault: Fault) -> Engine:
        path = self.folder / fault.file
        before = path.read_text(encoding="utf-8")
        after = fault.planted_in(before)
        if swap(self.functions[path], path, before, after):
            return self.engine
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copytree(self.folder, Path(folder) / "reference"))
            (copy / fault.file).write_text(after, encoding="utf-8")
            return _load(copy)

    def _caught(self, engine: Engine, areas: list[str], all_of_them: bool) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        with execute.listening() as heard:
            host = Host(engine, heard)
            for area in areas:
                red = (case for program in self.programs[area] for case in _red(program, host, SECONDS))
                if cases := list(red if all_of_them else islice(red, 1)):
                    found[area] = cases
        return found


def _load(folder: Path) -> Engine:
    return loading.load(loading.Adapter("reference", str(folder)), None)[0]


def _red(program: _Program, host: Host, seconds: float = 0.0) -> Iterator[str]:
    """The cases that do not pass; ``seconds``: how long each may take, 0 for as long as it likes."""
    tree = program.checked.program
    plan = [(step.raises, len(step.observed)) for step in tree.steps]
    loaded = host.bind(tree.id, tree.file, plan, tree.watch, program.code)
    for case in program.cases:
        values = [host.engine.names[value] if is_dtype(value) else fresh(value) for value in case.values]
        signal.setitimer(signal.ITIMER_PROF, seconds)
        seen = host.run(loaded, values)
        signal.setitimer(signal.ITIMER_PROF, 0)
        if verdict(program.checked, case, seen, wording=True).status is not Status.PASS:
            yield case.id


def _too_long(*_: Any) -> None:
    raise TimeoutError(f"a case took longer than {SECONDS} seconds")
