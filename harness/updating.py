"""A run record -> the smallest edit of an engine.yaml after which its known deviations are those of the run.

Lines that stay are not touched: comments, order and layout are the author's. An entry is added per spec and way of failing,
taken away where none of its cases deviates any more, and narrowed to the cases that still do.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from harness.deviations import Cause, Deviation, Known, explains, fingerprint, fits
from harness.language import documents
from harness.plugins import EngineFile, holds
from harness.record import JUDGED, CaseLine, Run, Standing, Status

ENDS: Final = frozenset({Status.CRASH, Status.TIMEOUT, Status.FLAKY, Status.ERROR, Status.SPEC_SUSPECT})
"""Verdicts that nobody should get used to: they are entered only where they are asked for."""


class Why(NamedTuple):
    """What is said of every deviation that is added."""

    reason: str
    link: str
    cause: Cause = Cause.BUG


class Edit(NamedTuple):
    text: str
    """The whole file."""
    added: list[str]
    """Patterns."""
    removed: list[str]
    narrowed: list[str]
    passed_over: list[CaseLine]
    """Cases with a verdict that is entered only where it is asked for."""


def updated(
    text: str, file: EngineFile, run: Run, why: Why | None, ends: Iterable[Status] = (), only: Sequence[str] = ()
) -> Edit:
    """The text of an engine.yaml after a run; ``file`` is what it says before.

    ``why``: None to add nothing. ``ends``: which of `ENDS` are entered too. ``only``: patterns of the cases that are added."""
    ends = frozenset(ends)
    cases = list(run.cases.values())
    version = run.header.engine.version
    lines = text.splitlines(keepends=True)
    spans = _spans(text, len(lines))
    added, removed, narrowed = list[str](), list[str](), list[str]()
    unmatched = run.footer.stale if run.footer is not None else []
    new: dict[int, list[str]] = {}
    for index, deviation in enumerate(file.deviations):
        if not holds(deviation, version):
            continue
        kept: list[str] = []
        for pattern in deviation.cases:
            spoken = [case for case in cases if fits(pattern, case.id) and case.status in JUDGED]
            still = [case for case in spoken if explains(deviation, case)]
            better = any(case.status is Status.PASS for case in spoken)
            if still and better:
                kept += _patterns(still, cases)
                narrowed.append(pattern)
            elif better or (not spoken and pattern in unmatched):
                removed.append(pattern)
            else:
                kept.append(pattern)
        if kept != list(deviation.cases):
            entry = lines[spans[index].first : spans[index].last]
            new[index] = list(_renamed(entry, deviation, kept)) if kept else []
    known = Known(deviation for deviation in file.deviations if holds(deviation, version))
    unexplained = [
        case
        for case in cases
        if case.standing is Standing.UNEXPECTED and _fits(case.id, only) and not known.explains(case)
    ]
    passed_over = [case for case in unexplained if case.status in ENDS - ends]
    entries = []
    if why is not None:
        entered = [case for case in unexplained if case not in passed_over]
        for (status, seen), group in sorted(_grouped(entered).items()):
            patterns = list(_patterns(group, cases))
            said = {"cases": patterns, "verdict": status, "seen": seen, "cause": why.cause.value}
            entries += _entry(said | {"reason": why.reason, "link": why.link})
            added += patterns
    for index in sorted(new, reverse=True):
        lines[spans[index].first : spans[index].last] = new[index]
    left = len(file.deviations) - sum(not entry for entry in new.values())
    return Edit(_with(lines, entries, bool(file.deviations), left), added, removed, narrowed, passed_over)


def _fits(id: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fits(pattern, id) for pattern in patterns)


class _Span(NamedTuple):
    """Lines of an entry, from 0; ``last`` is the first behind it."""

    first: int
    last: int


def _spans(text: str, count: int) -> list[_Span]:
    """Where each entry of ``deviations`` stands; comments above an entry belong to it."""
    node = documents.parse(text, "engine.yaml")
    assert isinstance(node, documents.Mapping)
    if "deviations" not in node.items:
        return []
    place, listed = node.items["deviations"]
    if not isinstance(listed, documents.Sequence):
        return []
    behind = [key.line - 1 for key, _ in node.items.values() if key.line > place.line]
    starts = [item.place.line - 1 for item in listed.items]
    ends = [*starts[1:], min(behind, default=count)]
    return [_Span(first, last) for first, last in zip(starts, ends, strict=True)]


def _grouped(cases: Sequence[CaseLine]) -> Mapping[tuple[str, str], list[CaseLine]]:
    """Cases by spec and way of failing, each with its verdict and a pattern of how it fails."""
    found: dict[tuple[str, Status, str], list[CaseLine]] = defaultdict(list)
    for case in cases:
        found[case.spec, case.status, fingerprint(case).partition(" ")[0]].append(case)
    groups: dict[tuple[str, str], list[CaseLine]] = defaultdict(list)
    for (_, status, _), group in found.items():
        groups[status.value, _common([fingerprint(case) for case in group])] += group
    return groups


def _common(texts: Sequence[str]) -> str:
    """A pattern that fits all of ``texts``: their common beginning."""
    first, last = min(texts), max(texts)
    if first == last and len(texts[0]) < 70:
        return first
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:same].rstrip() + "*"


def _patterns(group: Sequence[CaseLine], cases: Sequence[CaseLine]) -> Iterator[str]:
    """Patterns that mean ``group`` and no other case of the run: a whole spec where all of its cases are in it."""
    wanted = {case.id for case in group}
    by_spec: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        by_spec[case.spec].append(case.id)
    for spec in dict.fromkeys(case.spec for case in group):
        ids = by_spec[spec]
        if len(ids) > 1 and wanted.issuperset(ids):
            yield f"{spec}[*]"
        else:
            yield from (id for id in ids if id in wanted)


def _entry(said: Mapping[str, Any]) -> list[str]:
    said = {key: value for key, value in said.items() if (key, value) != ("verdict", Status.FAIL.value)}
    pairs = [line for key, value in said.items() for line in _pair(key, value)]
    return [f"  {'- ' if number == 0 else '  '}{pair}" for number, pair in enumerate(pairs)]


def _pair(key: str, value: str | Sequence[str]) -> list[str]:
    if not isinstance(value, str) and len(value) > 1:
        return [f"{key}:\n", *(f"  - {_scalar(item)}\n" for item in value)]
    return [f"{key}: {_scalar(value if isinstance(value, str) else value[0])}\n"]


def _scalar(text: str) -> str:
    """As YAML has it: quoted only where it must be."""
    node = None
    try:
        node = documents.parse(f"a: {text}\n", "")
    except Exception:  # whatever it is that YAML makes of it
        return json.dumps(text, ensure_ascii=False)
    plain = documents.plain(node)
    return text if plain == {"a": text} else json.dumps(text, ensure_ascii=False)


def _renamed(entry: Sequence[str], deviation: Deviation, patterns: Sequence[str]) -> Iterator[str]:
    """The lines of an entry with other cases."""
    first = next((number for number, line in enumerate(entry) if line.lstrip("- ").startswith("cases:")), None)
    if first is None or entry[0].lstrip("- ").startswith("{"):
        yield from _entry(msgspec.to_builtins(deviation) | {"cases": patterns})
        return
    behind = first + 1
    while behind < len(entry) and entry[behind].lstrip().startswith("- "):
        behind += 1
    head = entry[first][: entry[first].index("cases:")]
    indent = " " * len(head)
    yield from entry[:first]
    for number, pair in enumerate(_pair("cases", patterns)):
        yield (head if number == 0 else indent) + pair
    yield from entry[behind:]


def _with(lines: list[str], entries: list[str], listed: bool, left: int) -> str:
    """``lines`` with more entries at the end of the list of deviations."""
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    key = next((i for i, line in enumerate(lines) if line.startswith("deviations:")), None)
    if key is None:
        return "".join([*lines, *(["deviations:\n", *entries] if entries else [])])
    if not listed or (not left and not entries):
        lines[key : key + 1] = ["deviations:\n"] if entries else []
        return "".join([*lines[: key + 1], *entries, *lines[key + 1 :]] if entries else lines)
    end = next((i for i in range(key + 1, len(lines)) if lines[i][:1] not in (" ", "-", "#", "\n")), len(lines))
    return "".join([*lines[:end], *entries, *lines[end:]])
