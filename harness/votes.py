"""Several engines as witnesses: where one stands against all others, and what only followers of PyTorch's documents confirm.

Engines of one family share code, so a family is one witness and speaks through its newest versions. A witness is heard where
it was judged; what is unsupported, not applicable or flaky is no vote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from packaging.version import InvalidVersion, Version

from harness.record import CaseLine, Run, SpecLine, Status

QUORUM: Final = 3
"""Fewer witnesses cannot tell who is alone."""
AGAINST: Final = (Status.FAIL, Status.SILENT_WRONG, Status.CRASH, Status.TIMEOUT)


class Voice(NamedTuple):
    """What one witness says of one case."""

    run: Run
    case: CaseLine

    @property
    def passes(self) -> bool:
        return self.case.status is Status.PASS


class Witness(NamedTuple):
    family: str
    runs: list[Run]
    """The newest of each of its engines; the first that was judged speaks for all."""

    def voice(self, id: str) -> Voice | None:
        for run in self.runs:
            case = run.cases.get(id)
            if case is not None and (case.status is Status.PASS or case.status in AGAINST):
                return Voice(run, case)
        return None


class Vote(NamedTuple):
    """A case on which one witness stands against all others: a lonely failure, or a lonely pass."""

    lonely: Voice
    others: list[Voice]


class Alone(NamedTuple):
    """A spec that only engines pass which follow PyTorch's documents."""

    spec: SpecLine
    passing: list[Run]
    failing: list[Run]
    """The others that were judged by it; empty where there are none."""


def family(run: Run) -> str:
    return run.header.engine.family or run.header.engine.name


def follows_pytorch(run: Run) -> bool:
    return run.header.engine.follows == "pytorch"


def age(run: Run) -> tuple[bool, Version, str, str]:
    """Sorts the runs of one engine by version, then by date; a version that cannot be read is older than all others."""
    header = run.header
    try:
        return True, Version(header.engine.version), header.engine.version, header.started
    except InvalidVersion:
        return False, Version("0"), header.engine.version, header.started


def witnesses(runs: Iterable[Run]) -> list[Witness]:
    """One for every family, in the order in which they are met."""
    found: dict[str, dict[str, Run]] = {}
    for run in runs:
        engines, name = found.setdefault(family(run), {}), run.header.engine.name
        if name not in engines or age(engines[name]) < age(run):
            engines[name] = run
    return [
        Witness(name, sorted(engines.values(), key=lambda run: run.header.engine.name != name))
        for name, engines in found.items()
    ]


def ballots(chosen: Sequence[Witness]) -> Iterator[list[Voice]]:
    """The voices on every case that a quorum of witnesses was judged by; of voices on different texts of a spec, those on
    the text that most of them have."""
    for id in dict.fromkeys(id for witness in chosen for run in witness.runs for id in run.cases):
        voices = [voice for witness in chosen if (voice := witness.voice(id)) is not None]
        if len(voices) >= QUORUM and len(same := _of_one_text(voices)) >= QUORUM:
            yield same


def votes(cast: Iterable[Sequence[Voice]]) -> list[Vote]:
    """The ballots on which exactly one voice differs from all others."""
    found = []
    for voices in cast:
        for sort in (True, False):
            lonely = [voice for voice in voices if voice.passes is sort]
            if len(lonely) == 1:
                found.append(Vote(lonely[0], [voice for voice in voices if voice is not lonely[0]]))
    return found


def alone(chosen: Sequence[Witness]) -> list[Alone]:
    """The specs of which followers of PyTorch's documents pass a case and no other engine does."""
    found: dict[str, tuple[SpecLine, dict[int, Run], dict[int, Run]]] = {}
    confirmed: set[str] = set()
    for witness in chosen:
        for run in witness.runs:
            for case in run.cases.values():
                if case.status is not Status.PASS and case.status not in AGAINST:
                    continue
                if case.spec not in run.specs:
                    continue  # the record was cut
                _, passing, failing = found.setdefault(case.spec, (run.specs[case.spec], {}, {}))
                if not follows_pytorch(run):
                    failing[id(run)] = run
                    if case.status is Status.PASS:
                        confirmed.add(case.spec)
                elif case.status is Status.PASS:
                    passing[id(run)] = run
    return [
        Alone(spec, list(passing.values()), list(failing.values()))
        for name, (spec, passing, failing) in found.items()
        if passing and name not in confirmed
    ]


def _of_one_text(voices: list[Voice]) -> list[Voice]:
    if len({voice.run.header.suite for voice in voices}) == 1:
        return voices
    by_text: dict[Any, list[Voice]] = {}
    for voice in voices:
        by_text.setdefault(_text(voice), []).append(voice)
    return max(by_text.values(), key=len)


def _text(voice: Voice) -> str:
    """What a spec asks and expects; where its file has it does not matter."""
    line = voice.run.specs.get(voice.case.spec)
    if line is None:
        return ""
    steps = [(s.run, s.expect, s.raises, s.warns, s.allows, s.message, s.either) for s in line.steps]
    return repr((steps, line.cases, line.row))
