"""Specs of the harness's own, each with advice for whoever finds that it does not hold: the ladder, the protocol's questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness.language import documents, load


class Advised(NamedTuple):
    checked: load.CheckedSpec
    advice: str


def read(path: Path) -> Iterator[Advised]:
    """Those of a file, in its order."""
    listed = documents.read(path, path.name)
    assert isinstance(listed, documents.Sequence)
    for node in listed.items:
        assert isinstance(node, documents.Mapping)
        _, advice = node.items["advice"]
        spec = documents.Mapping(node.place, {key: entry for key, entry in node.items.items() if key != "advice"})
        yield Advised(load.check(spec, path, path.name), " ".join(str(documents.plain(advice)).split()))
