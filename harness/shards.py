"""One run in several parts: which cases a part judges, and how the parts' records become one again.

A shard holds every N-th case of the selection, so that shards take about equally long. Every record says which part it is
and how many cases the whole has: a missing part is seen, and never green.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

import msgspec

from harness.language.load import CheckedSpec
from harness.record import CaseLine, Header, Run, SpecLine


class Shard(NamedTuple):
    """The ``number``-th of ``parts``, from 1."""

    number: int
    parts: int

    def __str__(self) -> str:
        return f"{self.number}/{self.parts}"


def parse(text: str) -> Shard:
    """``I/N``. Raises `ValueError` with what is wrong."""
    index, slash, count = text.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal() and len(text) < 20):
        raise ValueError(f"{text!r} is no shard; write I/N, such as 1/3")
    shard = Shard(int(index), int(count))
    if not 1 <= shard.number <= shard.parts:
        raise ValueError(f"{text!r} is no shard: the first is 1/{count}, the last {count}/{count}")
    return shard


def single(specs: Iterable[CheckedSpec]) -> list[CheckedSpec]:
    """Every case of ``specs`` alone, in order."""
    return [dataclasses.replace(spec, chosen=frozenset([id])) for spec in specs for id, _ in spec.cases]


def part(specs: Iterable[CheckedSpec], shard: Shard) -> list[CheckedSpec]:
    """What ``shard`` judges: every N-th case, the cases of one spec kept together where they are neighbours."""
    out: list[CheckedSpec] = []
    for position, one in enumerate(single(specs)):
        if position % shard.parts != shard.number - 1:
            continue
        if out and out[-1].spec.id == one.spec.id:
            out[-1] = out[-1].joined(one)
        else:
            out.append(one)
    return out


def shuffled(specs: Iterable[CheckedSpec], seed: int) -> list[CheckedSpec]:
    """The cases one by one, in an order that the seed fixes."""
    out = single(specs)
    random.Random(seed).shuffle(out)
    return out


class Unmergeable(Exception):
    """Records that are not parts of one run; the text says which and why."""


class Merged(NamedTuple):
    header: Header
    specs: list[SpecLine]
    cases: list[CaseLine]
    """In the order of the undivided run."""
    stale: list[str]
    """Known deviations that did not happen in some shard."""
    seconds: float
    left_out: list[str]
    """Cases for which ``--budget`` left no time."""
    missing: list[str]
    """What keeps the record from being complete."""


def merge(runs: Sequence[Run]) -> Merged:
    """The records of one engine's shards as one, equal (but for times) to that of an undivided run.

    Raises `Unmergeable`."""
    first = runs[0]
    shards: dict[int, Run] = {}
    for run in runs:
        try:
            shard = parse(run.header.shard)
        except ValueError:
            raise Unmergeable(f"{run.path}: is no shard (made with --shard I/N)") from None
        _same(first, run)
        if shard.number in shards:
            raise Unmergeable(f"{run.path}: shard {shard} is there twice; the other is {shards[shard.number].path}")
        shards[shard.number] = run
    count = parse(first.header.shard).parts
    missing = [f"shard {n}/{count} is missing" for n in range(1, count + 1) if n not in shards]
    missing += [f"{run.path} is incomplete" for run in shards.values() if not run.complete]
    cases = _interleaved(shards, count)
    specs: dict[str, SpecLine] = {}
    for run in shards.values():
        specs |= run.specs
    footers = [run.footer for run in shards.values() if run.footer is not None]
    return Merged(
        header=msgspec.structs.replace(first.header, shard="", total=0, cases=first.header.total),
        specs=[specs[id] for id in dict.fromkeys(case.spec for case in cases) if id in specs],
        cases=cases,
        stale=list(dict.fromkeys(pattern for footer in footers for pattern in footer.stale)),
        seconds=round(sum(footer.seconds for footer in footers), 3),
        left_out=[id for footer in footers for id in footer.left_out],
        missing=missing,
    )


def _same(one: Run, other: Run) -> None:
    """Whether two records are parts of one run. Raises `Unmergeable`."""

    def facts(header: Header) -> dict[str, object]:
        return {
            "suite": header.suite,
            "engine": (header.engine.name, header.engine.version, header.engine.device),
            "number of shards": header.shard.partition("/")[2],
            "number of cases": header.total,
            "harness": header.harness,
        }

    for what, value in facts(one.header).items():
        if facts(other.header)[what] != value:
            raise Unmergeable(f"{other.path}: another {what} than {one.path}; they are not parts of one run")


def _interleaved(shards: dict[int, Run], count: int) -> list[CaseLine]:
    """The cases in the order of the undivided run, as far as they are there."""
    columns = [list(shards[n].cases.values()) if n in shards else [] for n in range(1, count + 1)]
    return [case for row in zip_longest(*columns) for case in row if case is not None]
