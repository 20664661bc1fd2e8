"""The documents that specs cite: ``_documents.yaml``, and what a ``source`` of a spec says.

A source is ``document`` or ``document#clause``, and may end in a quote in parentheses. The suite's own specs cite what the
file knows, so that it can be said which clauses are covered; a spec from outside may cite anything.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, NamedTuple

from msgspec import Meta, field

from harness.language import documents
from harness.language.decode import Decoder
from harness.language.records import Record, Text
from harness.problems import InputError, nearest, shortened

FILE: Final = "_documents.yaml"
_SOURCE: Final = re.compile(r"(?P<document>[^\s#()]+)(?:#(?P<clause>[^\s()]+))?(?: \((?P<quote>.+)\))?", re.DOTALL)
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Document(Record, frozen=True, kw_only=True):
    """One document, and what it says of automatic differentiation."""

    document: Annotated[Text, Meta(description="as specs cite it: torch.autograd.grad, notes/autograd")]
    title: Annotated[str, Meta(description="where it is not the document's key")] = ""
    link: Annotated[str, Meta(description="where anybody can read it")] = ""
    clauses: Annotated[
        dict[Text, Text], Meta(description="some-words: the statement or the section, in a few words")
    ] = field(default_factory=dict)


class _File(Record, frozen=True, kw_only=True):
    documents: tuple[Document, ...]


class Citation(NamedTuple):
    """A source, taken apart."""

    document: str
    clause: str = ""
    quote: str = ""

    @property
    def place(self) -> str:
        """Document and clause, without the quote."""
        return f"{self.document}#{self.clause}" if self.clause else self.document


def parse(source: str) -> Citation | None:
    """The parts of a source; None where it is free text."""
    found = _SOURCE.fullmatch(" ".join(source.split()))
    return None if found is None else Citation(found["document"], found["clause"] or "", found["quote"] or "")


@functools.cache
def read(folder: Path) -> Mapping[str, Document]:
    """The documents that the specs below ``folder`` may cite, in the order of the file. Raises `InputError`."""
    path, shown = folder / FILE, f"{folder.name}/{FILE}"
    node = documents.read(path, shown)
    decoder = Decoder(shown)
    file = decoder.record(documents.Mapping(node.place, {"documents": (node.place, node)}), _File)
    found: dict[str, Document] = {}
    for index, document in enumerate(file.documents if file is not None else ()):
        place = decoder.places["documents", index, "document"]
        citation = parse(document.document)
        if citation is None or citation.place != document.document or citation.clause:
            decoder.problem(place, f"{shortened(document.document)} cannot be cited: it holds spaces, # or parentheses")
        if document.document in found:
            decoder.problem(place, f"document {document.document!r} is there twice")
        for clause in document.clauses:
            if not _SLUG.fullmatch(clause):
                where = decoder.places["documents", index, "clauses", clause]
                decoder.problem(where, f"clause {shortened(clause)} is not lower-case words joined by hyphens")
        found[document.document] = document
    if decoder.problems:
        raise InputError(decoder.problems)
    return found


@functools.cache
def digest(folder: Path) -> bytes:
    """Of the file, for whatever is kept of specs that were checked against it."""
    return hashlib.sha256((folder / FILE).read_bytes()).digest()


def wrong(source: str, known: Mapping[str, Document]) -> str:
    """What is wrong with a source of the suite's own; empty where it cites what is known."""
    citation = parse(source)
    if citation is None:
        return f"{shortened(source)} is no source; write 'document' or 'document#clause', and a quote behind it in parentheses"
    document = known.get(citation.document)
    if document is None:
        return f"unknown document {citation.document!r}{nearest(citation.document, known) or f'; {FILE} lists them'}"
    if citation.clause and citation.clause not in document.clauses:
        clauses = list(document.clauses)
        hint = nearest(citation.clause, clauses) or (
            f"; known are {', '.join(clauses)}" if clauses else "; it has none"
        )
        return f"document {citation.document!r} has no clause {citation.clause!r}{hint}"
    return ""
