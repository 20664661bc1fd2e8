"""A run record -> the smallest edit of an engine.yaml after which its known deviations are those of the run.

Lines that stay are not touched: comments, order and layout are the author's. An entry is added per spec and way of failing,
taken away where none of its cases deviates any more, and narrowed to the cases that still do.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

import msgspec

from harness.deviations import Cause, Deviation, explains, fingerprint, is_here, speaks_of
from harness.language import documents
from harness.plugins import EngineFile, in_range
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
        if not (in_range(version, deviation.versions) and is_here(deviation)):
            continue
        spoken = [case for case in cases if speaks_of(deviation, case.id) and case.status in JUDGED]
        still = [case for case in spoken if explains(deviation, case)]
        better = [case for case in spoken if case.status is Status.PASS]
        entry = lines[spans[index].first : spans[index].last]
        if still and better:
            patterns = list(_patterns(still, cases))
            new[index] = [line for pattern in patterns for line in _renamed(entry, deviation, pattern)]
            narrowed.append(deviation.cases)
        elif better or (not spoken and deviation.cases in unmatched):
            new[index] = []
            removed.append(deviation.cases)
    here = [d for d in file.deviations if in_range(version, d.versions) and is_here(d)]
    unexplained = [
        case
        for case in cases
        if case.standing is Standing.UNEXPECTED and _fits(case.id, only) and not _is_known(case, here)
    ]
    passed_over = [case for case in unexplained if case.status in ENDS - ends]
    entries = []
    if why is not None:
        entered = [case for case in unexplained if case not in passed_over]
        for (status, seen), group in sorted(_grouped(entered).items()):
            for pattern in _patterns(group, cases):
                said = {"cases": pattern, "verdict": status, "seen": seen, "cause": why.cause.value}
                entries += _entry(said | {"reason": why.reason, "link": why.link})
                added.append(pattern)
    for index in sorted(new, reverse=True):
        lines[spans[index].first : spans[index].last] = new[index]
    left = len(file.deviations) - len(removed)
    return Edit(_with(lines, entries, bool(file.deviations), left), added, removed, narrowed, passed_over)


def _fits(id: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(id, pattern.replace("[", "[[]")) for pattern in patterns)


def _is_known(case: CaseLine, deviations: Iterable[Deviation]) -> bool:
    """Whether the file explains a case by now; the first entry that speaks of it counts."""
    first = next((deviation for deviation in deviations if speaks_of(deviation, case.id)), None)
    return first is not None and explains(first, case)


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


def _entry(said: Mapping[str, str]) -> list[str]:
    said = {key: value for key, value in said.items() if (key, value) != ("verdict", Status.FAIL.value)}
    pairs = [f"{key}: {_scalar(value)}\n" for key, value in said.items()]
    return [f"  {'- ' if number == 0 else '  '}{pair}" for number, pair in enumerate(pairs)]


def _scalar(text: str) -> str:
    """As YAML has it: quoted only where it must be."""
    node = None
    try:
        node = documents.parse(f"a: {text}\n", "")
    except Exception:  # whatever it is that YAML makes of it
        return json.dumps(text, ensure_ascii=False)
    plain = documents.plain(node)
    return text if plain == {"a": text} else json.dumps(text, ensure_ascii=False)


def _renamed(entry: Sequence[str], deviation: Deviation, new: str) -> Iterator[str]:
    """The lines of an entry with other cases."""
    if entry[0].lstrip("- ").startswith("{"):
        yield from _entry(msgspec.to_builtins(deviation) | {"cases": new})
        return
    for line in entry:
        head, colon, value = line.partition("cases:")
        if colon and deviation.cases in value:
            yield f"{head}cases: {_scalar(new)}\n"
        else:
            yield line


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
