"""One engine against a selection of specs: verdict by verdict through the gate into a record."""

from __future__ import annotations

import platform
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness import __version__, execute, record, selection, shards
from harness.gate import Gate, Outcome
from harness.language.load import CheckedSpec
from harness.plugins import Loaded
from harness.shards import Shard


class Stopped(Enum):
    """How a run ended."""

    NOT = "not"
    FAIL_FAST = "at the first unexpected verdict"
    INTERRUPTED = "by the user"


class Settings(NamedTuple):
    imports: Sequence[str] = ()
    graphs: bool = True
    fail_fast: bool = False
    shard: Shard | None = None
    shuffle: int | None = None


class Selection(NamedTuple):
    """What a run judges."""

    specs: Sequence[CheckedSpec]
    """In the order in which they run; a spec may stand several times, each time with other cases."""
    digest: str
    """Of the whole selection, whatever part of it this run judges."""
    total: int
    """Cases of the whole selection."""

    @property
    def cases(self) -> int:
        return sum(1 for spec in self.specs for _ in spec.cases)


def arrange(specs: Sequence[CheckedSpec], settings: Settings) -> Selection:
    """The part of ``specs`` that a run judges, in its order."""
    digest, total = selection.digest(specs), sum(1 for spec in specs for _ in spec.cases)
    if settings.shard is not None:
        specs = shards.part(specs, settings.shard)
    if settings.shuffle is not None:
        specs = shards.shuffled(specs, settings.shuffle)
    return Selection(specs, digest, total)


def judge(
    loaded: Loaded,
    chosen: Selection,
    gate: Gate,
    path: Path,
    settings: Settings,
    advance: Callable[[record.CaseLine], None],
) -> tuple[Outcome, Stopped]:
    """Judge every case and write the record at ``path`` as they finish; ``advance`` is told of each.

    A run that stops early leaves a record without a footer. Raises `OSError` where the record cannot be written."""
    selected = chosen.cases
    writer = record.Writer(path)
    described = {spec.spec.id: spec_line(spec) for spec in chosen.specs}
    writer.write(_header(loaded, chosen, settings), *described.values())
    begun = time.perf_counter()
    stopped = Stopped.NOT
    try:
        with execute.listening() as collected:
            for line in execute.Session(loaded, collected, settings.graphs).run(chosen.specs):
                case = gate.standing(line)
                writer.write(case)
                advance(case)
                if settings.fail_fast and case.standing is record.Standing.UNEXPECTED and len(gate.cases) < selected:
                    stopped = Stopped.FAIL_FAST
                    break
    except KeyboardInterrupt:
        stopped = Stopped.INTERRUPTED
    outcome = gate.outcome(len(gate.cases) if stopped is Stopped.FAIL_FAST else selected)
    if stopped is Stopped.NOT:
        writer.write(outcome.footer(time.perf_counter() - begun))
    writer.close()
    return outcome, stopped


def _header(loaded: Loaded, chosen: Selection, settings: Settings) -> record.Header:
    return record.Header(
        format=record.FORMAT,
        harness=__version__,
        suite=chosen.digest,
        engine=record.EngineInfo(
            name=loaded.file.name,
            title=loaded.file.title,
            version=loaded.engine.version,
            device=loaded.device,
            homepage=loaded.file.homepage,
            source=loaded.source,
            imports=list(settings.imports),
        ),
        python=platform.python_version(),
        platform=platform.platform(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=shlex.join(["harness", *sys.argv[1:]]),
        cases=chosen.cases,
        shard=str(settings.shard or ""),
        total=chosen.total if settings.shard else 0,
        shuffle=settings.shuffle,
        areas={area: about.title for area, about in selection.areas().items()},
    )


def spec_line(checked: CheckedSpec) -> record.SpecLine:
    """A spec as the record carries it."""
    spec = checked.spec
    steps = [
        record.StepLine(
            run=step.run,
            line=checked.lines[number],
            raises=step.raises,
            warns=list(step.warns),
            allows=list(step.allows),
            message=step.message,
            expect={text: msgspec.to_builtins(value) for text, value in step.expect.items()},
        )
        for number, step in enumerate(spec.steps)
    ]
    return record.SpecLine(
        id=spec.id,
        area=spec.area,
        claim=" ".join(spec.claim.split()),
        source=list(spec.source),
        standing=spec.standing.value,
        file=checked.file,
        lineno=checked.line,
        outside=checked.outside,
        steps=steps,
        cases=[dict(case) for case in spec.cases],
        note=" ".join(spec.note.split()),
    )
