"""Two more pages: what the documents say that engines do not do, and which of their clauses these runs covered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from harness.coverage import Covered, coverage, summary
from harness.language.sources import parse
from harness.record import DocumentInfo

from .handbook import Operation, table_tally
from .view import Page, Spec, Tally


class Source(NamedTuple):
    """What a spec cites, and where it can be read."""

    text: str
    link: str


@dataclass(frozen=True)
class Documents:
    """The documents that the runs' specs may cite."""

    page: Page

    @cached_property
    def known(self) -> Mapping[str, DocumentInfo]:
        found: dict[str, DocumentInfo] = {}
        for engine in self.page.engines:
            found = dict(engine.run.header.documents) | found
        return found

    @cached_property
    def specs(self) -> dict[str, Spec]:
        return {spec.line.id: spec for area in self.page.areas for spec in area.specs}

    @property
    def profiles(self) -> list[str]:
        return sorted({engine.run.header.profile for engine in self.page.engines if engine.run.header.profile})

    @cached_property
    def disagreements(self) -> list[Spec]:
        """Behaviours whose spec says how PyTorch departs from its own document."""
        return [spec for spec in self.specs.values() if spec.line.defect]

    @cached_property
    def coverage(self) -> list[Covered]:
        return coverage(self.known, {id: spec.line.source for id, spec in self.specs.items()})

    @property
    def summary(self) -> str:
        return summary(self.coverage)

    def cites(self, ids: Iterable[str]) -> list[tuple[str, str, list[Tally]]]:
        """Specs that cite a document: name, where it is, verdicts. Those of one row of a table are one."""
        found: dict[str, list[Spec]] = {}
        for id in ids:
            row = self.specs[id].line.row
            found.setdefault(id if row is None else f"{self.specs[id].line.area}/{row.name}", []).append(self.specs[id])
        told = []
        for name, specs in found.items():
            tallies = [table_tally(engine, specs) for engine in self.page.engines]
            told.append((name, specs[0].href, [tally for tally in tallies if tally.counts is not None]))
        return told

    def sources(self, spec: Spec | Operation) -> list[Source]:
        """What a spec cites, with the link of each document that is known."""
        found = []
        for source in spec.line.source:
            citation = parse(source)
            document = self.known.get(citation.document) if citation is not None else None
            found.append(Source(source, document.link if document is not None else source))
        return found

    def tallies(self, id: str) -> list[Tally]:
        """The verdicts on a spec, one per run that has it."""
        return [tally for tally in self.specs[id].tallies if tally.counts is not None]
