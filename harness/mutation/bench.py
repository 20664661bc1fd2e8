"""The suite, ready to run again and again on one engine: what is the same for all faults is done once."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

from harness import plugins
from harness.capabilities import words_of
from harness.cases import Case, asked, fresh, is_dtype, ready
from harness.engine import Engine
from harness.language import compile as compiler
from harness.language.load import CheckedSpec
from harness.mutation.planting import Functions, reloaded
from harness.plugins import Candidate, Follows
from harness.record import CaseLine, Status
from harness.seen import Seen
from harness.verdict import verdict
from harness.worker import loading
from harness.worker.host import Heard, Host, Loaded

SECONDS = 5.0
"""Of one case, on the processor: a faulty engine may run in circles."""


class Trial(NamedTuple):
    """One case, with its program compiled."""

    checked: CheckedSpec
    code: CodeType
    case: Case

    @property
    def area(self) -> str:
        return self.checked.spec.area


class Bench:
    """An engine, the cases that can be judged on it, and the means to plant a fault."""

    def __init__(self, candidate: Candidate, specs: Iterable[CheckedSpec], heard: Heard) -> None:
        """Raises `EngineUnusable`."""
        self.candidate = candidate
        self.heard = heard
        self.adapter = plugins.adapter(candidate)
        home = candidate.folder or candidate.home
        self.folder = Path() if home is None else home
        loaded = plugins.load(candidate, None)
        self.engine: Engine = loaded.engine
        self.version = self.engine.version
        self.wording = candidate.file.follows is Follows.PYTORCH
        words = words_of(self.engine)
        self.trials: list[Trial] = []
        for spec in specs:
            checked = asked(spec, candidate.file)
            cases = [c for c in ready(checked, candidate.file, words, self.version) if isinstance(c, Case)]
            if cases:
                code = compiler.code(checked.program, self.engine)
                self.trials += [Trial(checked, code, case) for case in cases]
        self.functions = Functions(self.folder)
        self.host = Host(self.engine, heard)
        self._bound: dict[int, Loaded] = {}
        for trial in self.trials:
            self._program(trial)

    def keep(self) -> None:
        """What there is now is no garbage, and what forks share is not written by their collectors."""
        gc.collect()
        self.functions.keep()

    def reload(self, codes: Mapping[Path, CodeType]) -> None:
        """Let the engine's modules at these paths be other ones. For a fork: there is no way back."""
        self.use(reloaded(codes, self.folder, lambda: loading.load(self.adapter, None)[0]))

    def use(self, engine: Engine) -> None:
        self.engine = engine
        self.host = Host(engine, self.heard)
        self._bound = {}

    def _program(self, trial: Trial) -> Loaded:
        bound = self._bound.get(id(trial.code))
        if bound is None:
            tree = trial.checked.program
            plan = [(step.raises, len(step.observed)) for step in tree.steps]
            bound = self._bound[id(trial.code)] = self.host.bind(tree.id, tree.file, plan, tree.watch, trial.code)
        return bound

    def seen(self, trial: Trial, seconds: float = 0.0) -> Seen:
        """What a case shows; ``seconds``: how long it may take on the processor, 0 for as long as it likes."""
        values = [self.engine.names[value] if is_dtype(value) else fresh(value) for value in trial.case.values]
        program = self._program(trial)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        seen = self.host.run(program, values)
        signal.setitimer(signal.ITIMER_PROF, 0)
        return seen

    def judged(self, trial: Trial, seconds: float = 0.0) -> CaseLine:
        return verdict(trial.checked, trial.case, self.seen(trial, seconds), wording=self.wording)

    def passes(self, trial: Trial, seconds: float = 0.0) -> bool:
        return self.judged(trial, seconds).status is Status.PASS


class TooLong(Exception):
    """A case took longer than it may."""


def limited() -> None:
    """In a fork: cases may have limits."""
    signal.signal(signal.SIGPROF, _too_long)


def _too_long(*_: Any) -> None:
    raise TooLong("a case took longer on the processor than it may")
