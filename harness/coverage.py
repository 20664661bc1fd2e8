"""Which clauses of which documents have a spec. Pure functions over what a record (or the suite) says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from harness.language.sources import parse
from harness.record import DocumentInfo
from harness.text import plural


class Clause(NamedTuple):
    """What one clause says, and the specs that cite it."""

    key: str
    text: str
    specs: list[str]


class Covered(NamedTuple):
    """One document, with the specs that cite it as a whole, and its clauses."""

    key: str
    title: str
    link: str
    specs: list[str]
    clauses: list[Clause]

    @property
    def is_cited(self) -> bool:
        return bool(self.specs) or any(clause.specs for clause in self.clauses)


def coverage(documents: Mapping[str, DocumentInfo], cited: Mapping[str, Iterable[str]]) -> list[Covered]:
    """Every document with its clauses; ``cited``: the sources of every spec, by its id."""
    specs: dict[str, list[str]] = {}
    for id, sources in cited.items():
        for place in dict.fromkeys(citation.place for source in sources if (citation := parse(source)) is not None):
            specs.setdefault(place, []).append(id)
    return [
        Covered(
            key,
            document.title,
            document.link,
            specs.get(key, []),
            [Clause(name, text, specs.get(f"{key}#{name}", [])) for name, text in document.clauses.items()],
        )
        for key, document in documents.items()
    ]


def uncovered(found: Iterable[Covered]) -> list[Covered]:
    """What nothing cites: documents that no spec names at all, and clauses of the others."""
    return [
        document._replace(clauses=[clause for clause in document.clauses if not clause.specs])
        for document in found
        if not document.is_cited or any(not clause.specs for clause in document.clauses)
    ]


def summary(found: Iterable[Covered]) -> str:
    found = list(found)
    clauses = [clause for document in found for clause in document.clauses]
    covered, cited = sum(bool(clause.specs) for clause in clauses), sum(document.is_cited for document in found)
    return (
        f"{covered} of {plural(len(clauses), 'clause')} {'is' if covered == 1 else 'are'} covered; "
        f"{cited} of {plural(len(found), 'document')} {'is' if cited == 1 else 'are'} cited"
    )
