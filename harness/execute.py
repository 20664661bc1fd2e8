"""Running cases in this very process: what `explain`, `doctor` and the benchmarks do. `harness run` has executors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from harness.capabilities import words_of
from harness.cases import Case, asked, fresh, is_dtype, ready
from harness.language.load import CheckedSpec
from harness.plugins import Follows, Loaded
from harness.record import CaseLine
from harness.verdict import verdict
from harness.worker.host import Heard, Host, listening

__all__ = ["Session", "listening"]


class Session:
    """One engine, many cases."""

    def __init__(self, loaded: Loaded, heard: Heard, graphs: bool = False) -> None:
        self.file = loaded.file
        self.names = loaded.engine.names
        self.words = words_of(loaded.engine)
        self.host = Host(loaded.engine, heard, graphs)
        self.version = loaded.engine.version
        self.wording = loaded.file.follows is Follows.PYTORCH

    def run_spec(
        self, checked: CheckedSpec, trace: Callable[[int, dict[str, Any]], None] | None = None
    ) -> Iterator[CaseLine]:
        """The verdict on every chosen case of a spec."""
        program = None
        checked = asked(checked, self.file)
        for case in ready(checked, self.file, self.words, self.version):
            if isinstance(case, CaseLine):
                yield case
                continue
            program = program or self.host.load(checked.program, trace)
            yield verdict(checked, case, self.host.run(program, self.values(case)), self.wording)

    def values(self, case: Case) -> list[Any]:
        """A case's parameters as its program gets them."""
        return [self.names[value] if is_dtype(value) else fresh(value) for value in case.values]
