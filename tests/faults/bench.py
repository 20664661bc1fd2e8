"""The suite run on faulty engines, in this process: what is the same for all of them is done once."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
from harness.worker.host import Heard, Host, Loaded
from tests.faults.fault import REFERENCE, Fault

SECONDS = 5.0
"""Of one case: a faulty engine may run in circles."""


class _Program(NamedTuple):
    checked: CheckedSpec
    code: CodeType
    cases: list[Case]
    """Those that the engine passes while it has no fault."""


class Bench:
    """All programs of the suite, compiled, and their verdicts on an engine without a fault."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self.sound = _load(self._copy())
        self.file = plugins.find("reference").file
        words = words_of(self.sound)
        self.programs: dict[str, list[_Program]] = {}
        with execute.listening() as heard:
            host = Host(self.sound, heard)
            for checked in selection.suite():
                cases = [case for case in ready(checked, self.file, words) if isinstance(case, Case)]
                if cases:
                    program = _Program(checked, compiler.code(checked.program, self.sound), cases)
                    failed = {id for id, _ in self._red(program, host)}
                    passed = [case for case in cases if case.id not in failed]
                    self.programs.setdefault(checked.spec.area, []).append(program._replace(cases=passed))

    def caught(
        self, fault: Fault, areas: list[str] | None = None, *, all_of_them: bool = False
    ) -> dict[str, list[str]]:
        """By area (those of the fault, or the given ones): the cases that go red, the first or all of them."""
        folder = self._copy()
        fault.plant(folder)
        engine = _load(folder)
        found: dict[str, list[str]] = {}
        with execute.listening() as heard:
            host = Host(engine, heard)
            for area in fault.areas.split() if areas is None else areas:
                for case in self._red_of_area(area, host):
                    found.setdefault(area, []).append(case)
                    if not all_of_them:
                        break
        _forget(engine)
        shutil.rmtree(folder)
        return found

    def _red_of_area(self, area: str, host: Host) -> Iterator[str]:
        for program in self.programs[area]:
            for id, _ in self._red(program, host):
                yield id

    def _red(self, program: _Program, host: Host) -> Iterator[tuple[str, Status]]:
        tree = program.checked.program
        plan = [(step.raises, len(step.observed)) for step in tree.steps]
        loaded = host.bind(tree.id, tree.file, plan, tree.watch, program.code)
        for case in program.cases:
            values = [host.engine.names[value] if is_dtype(value) else fresh(value) for value in case.values]
            with _bounded():
                seen = host.run(loaded, values)
            line = verdict(program.checked, case, seen, wording=True)
            if line.status is not Status.PASS:
                yield case.id, line.status

    def _copy(self) -> Path:
        """The reference as it is, with what Python has compiled of it, so that only a broken file is compiled anew."""
        self.count += 1
        folder = self.folder / f"engine-{self.count}"
        return Path(shutil.copytree(REFERENCE if self.count == 1 else self.folder / "engine-1", folder))


def _load(folder: Path) -> Engine:
    return loading.load(loading.Adapter("reference", str(folder)), None)[0]


def _forget(engine: Engine) -> None:
    package = type(engine).__module__.partition(".")[0]
    for module in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[module]


@contextmanager
def _bounded() -> Iterator[None]:
    """Ends what takes too long by an error."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _too_long(*_: Any) -> None:
    raise TimeoutError(f"a case took longer than {SECONDS} seconds")


@contextmanager
def bench() -> Iterator[Bench]:
    """A bench with a folder of its own."""
    before = signal.signal(signal.SIGALRM, _too_long)
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield Bench(Path(folder))
    finally:
        signal.signal(signal.SIGALRM, before)
