"""The run record: JSON Lines, one self-contained file per engine and run.

A header, the judged specs, one line per case as it finishes, a footer. Every line is flushed when it is written, so a
killed run leaves a readable record; a record without a footer is incomplete, and says so wherever it is shown.
``FORMAT`` is the version of this schema: readers refuse a higher major version. Reports import this module and what
speaks of it (`summary`, `values`), and nothing else of the harness.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

import msgspec

from harness.language.records import Origin

FORMAT = "1.3"


class Status(StrEnum):
    """What happened to a case."""

    PASS = "pass"
    FAIL = "fail"
    SILENT_WRONG = "silent-wrong"
    CRASH = "crash"
    TIMEOUT = "timeout"
    ERROR = "error"
    UNSUPPORTED = "unsupported"
    NOT_APPLICABLE = "not-applicable"
    FLAKY = "flaky"
    SPEC_SUSPECT = "spec-suspect"


STATUS_MEANING: dict[Status, str] = {
    Status.PASS: "every step did what the spec says",
    Status.FAIL: "a wrong value, a missing or another error, a missing or extra warning",
    Status.SILENT_WRONG: "a number where the engine lacks the feature",
    Status.CRASH: "the engine's process died, or had to be ended",
    Status.TIMEOUT: "the case did not end in time",
    Status.ERROR: "the adapter or the harness broke, not the engine",
    Status.UNSUPPORTED: "the engine (or its adapter) does not have what the program needs",
    Status.NOT_APPLICABLE: "the spec states something that this engine never claimed",
    Status.FLAKY: "repeated runs disagree",
    Status.SPEC_SUSPECT: "the oracles disagree: our fault, not the engine's",
}

JUDGED = (Status.PASS, Status.FAIL, Status.SILENT_WRONG, Status.CRASH, Status.TIMEOUT, Status.FLAKY)
"""Statuses that are a statement about the engine."""


class Standing(StrEnum):
    """A verdict against the list of known deviations (or a baseline)."""

    EXPECTED = "expected"
    UNEXPECTED = "unexpected"
    STALE = "stale"


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="line"):
    """Base of all lines of a record."""


class EngineInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    title: str
    version: str
    device: str = "cpu"
    homepage: str = ""
    source: str = ""
    """How the engine was named on the command line, when it is not one of the suite's own."""
    imports: list[str] = []
    """Modules that were imported first (``--import``)."""
    interpreter: str = ""
    """The Python in which its workers ran, where it was not the harness's own."""
    family: str = ""
    """The engine whose code it shares, where it shares one: they are no independent witnesses."""
    style: str = "tape"
    """How it differentiates: ``tape`` or ``functional``."""
    follows: str = "none"
    """Whose documents it promises to keep: ``pytorch`` or ``none``."""
    releases: str = "none"
    """Whose releases its versions are: ``pytorch`` or ``none``."""


class DocumentInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    title: str
    link: str = ""
    clauses: dict[str, str] = {}


class Header(Line, frozen=True, kw_only=True, tag="header"):
    format: str
    harness: str
    suite: str
    """SHA-256 over the selected specs' text: two records with the same hash judged the same text."""
    engine: EngineInfo
    python: str
    platform: str
    started: str
    """UTC, ISO 8601."""
    command: str
    """What to type to get this run again."""
    cases: int
    """How many cases were selected."""
    shard: str = ""
    """``I/N`` where this record is one part of a run; `harness merge` makes it whole."""
    total: int = 0
    """How many cases all shards have together."""
    shuffle: int | None = None
    """The seed of the order in which the cases ran."""
    profile: str = ""
    """Which part of the suite was selected, before anything else narrowed it; empty where specs were named."""
    profiles: list[str] = []
    """Profiles of which every case was selected."""
    areas: dict[str, str] = {}
    """Area -> its title."""
    documents: dict[str, DocumentInfo] = {}
    """What the suite's specs may cite, where the run was of a whole profile."""


class OutcomeLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the things that a step may do."""

    expect: dict[str, Any] = {}
    raises: str | None = None
    warns: list[str] = []
    allows: list[str] = []
    message: str | None = None
    versions: str = ""
    """PyTorch's releases that have it; empty for all."""
    because: str = ""


class StepLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    run: str
    line: int
    expect: dict[str, Any] = {}
    raises: str | None = None
    warns: list[str] = []
    allows: list[str] = []
    message: str | None = None
    either: list[OutcomeLine] = []
    """Outcomes of which one must match, where there are several."""


class SpecLine(Line, frozen=True, kw_only=True, tag="spec"):
    """A spec as it was judged, so that a report needs nothing but the record."""

    id: str
    area: str
    claim: str
    source: list[str]
    standing: str
    file: str
    lineno: int
    outside: bool = False
    """Whether the spec is none of the suite's own: it is found again by its file, not by its id."""
    steps: list[StepLine]
    cases: list[dict[str, Any]] = []
    """The parameters of each; of a table's row they stand in the lines of the cases alone."""
    since: str = ""
    until: str = ""
    defect: str = ""
    """How PyTorch departs from its own document."""
    note: str = ""
    row: Origin | None = None
    """The row of a derivative table that it is from."""
    profiles: list[str] = []
    """Those that hold it."""


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was not as the spec says (or, in `explain`, any check)."""

    what: str
    """``value``, ``shape``, ``dtype``, ``type``, ``no-error``, ``wrong-error``, ``unexpected-error``, ``missing-warning``,
    ``extra-warning``, ``message``, ``bounds``, ``unbound``."""
    step: int
    """1-based."""
    line: int
    """Line in the spec's file."""
    expression: str = ""
    """What was observed, or the statement that raised."""
    expected: Any = None
    """Plain data; tensors as ``{"dtype": ..., "shape": [...], "values": ...}``; nan, inf and complex numbers as text."""
    observed: Any = None
    difference: float | str | None = None
    """The largest absolute difference of matching entries."""
    where: list[list[int]] = []
    """Index of every entry that differs (at most 1000); ``[[]]`` for a 0-d value."""
    detail: str = ""
    """The engine's own message, or a sentence that helps."""
    allowed: list[str] = []
    """In words, everything that would have done, where several things would; the closest first: the check is about it."""


class GraphLine(msgspec.Struct, frozen=True, kw_only=True):
    """The graph as the engine built it."""

    nodes: list[tuple[str, str, list[str]]]
    """(label, role, the program's names); role is leaf, op or root."""
    edges: list[tuple[int, int]]
    """(consumer, producer)"""


class CaseLine(Line, frozen=True, kw_only=True, tag="case"):
    id: str
    """The spec's id, with ``[n]`` behind it where the spec has several cases (n from 1)."""
    spec: str
    status: Status
    standing: Standing = Standing.EXPECTED
    parameters: dict[str, Any] = {}
    seconds: float = 0.0
    failures: list[Check] = []
    reason: str = ""
    """Why it is unsupported or not applicable; the reason of a known deviation; the text of an adapter's error."""
    link: str = ""
    """Of a known deviation."""
    cause: str = ""
    """Of a known deviation: ``bug``, ``design`` or ``precision``."""
    remarks: list[str] = []
    """What fails nothing and is not lost: warnings of no kind that the suite knows, because no document speaks of them; what
    an engine does where it may follow rules of its own."""
    leaks: list[str] = []
    """Global state that the case left changed: ``what: before became after``."""
    output: str = ""
    """The last that the engine wrote, where its process died or had to be ended."""
    graph: GraphLine | None = None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    cases: int
    statuses: dict[str, int]
    unexpected: int
    stale: int


class Footer(Line, frozen=True, kw_only=True, tag="footer"):
    totals: Totals
    seconds: float
    exit: int
    conditions: list[str] = []
    """Every condition that held, by name (see `harness.exits`), so that one exit code cannot hide another condition."""
    stale: list[str] = []
    """Patterns of known deviations that did not happen."""
    left_out: list[str] = []
    """Cases for which ``--budget`` left no time."""


AnyLine = Header | SpecLine | CaseLine | Footer
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyLine] = msgspec.json.Decoder(AnyLine)


class RecordError(Exception):
    """A record cannot be read; the text says where and why."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A record that was read back."""

    path: str
    header: Header
    specs: dict[str, SpecLine]
    cases: dict[str, CaseLine]
    footer: Footer | None

    @property
    def complete(self) -> bool:
        return self.footer is not None and len(self.cases) + len(self.footer.left_out) == self.header.cases

    @property
    def label(self) -> str:
        return f"{self.header.engine.name} {self.header.engine.version}"


class Writer:
    """Appends lines to a record; each is on disk (in the operating system's hands) when `write` returns."""

    def __init__(self, path: Path, *, append: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file: IO[bytes] = path.open("ab", buffering=0)
        _locked(self._file, path)
        if not append and stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            self._file.truncate(0)
        self._sorted = not append
        self._written: list[str] = []

    def write(self, *lines: AnyLine) -> None:
        self._written += [line.id for line in lines if isinstance(line, CaseLine)]
        self._put(self._file, b"".join(_encoder.encode(line) + b"\n" for line in lines))

    def finish(self, cases: Iterable[CaseLine], order: Sequence[str], footer: Footer) -> None:
        """The record is whole: ``cases`` in ``order``, then the footer. Where they were written in another order, a new
        file takes the place of the old one, so that no reader ever sees half of it."""
        left_out = set(footer.left_out)
        order = [id for id in order if id not in left_out]
        if self._sorted and self._written == order:
            self.write(footer)
            return
        by_id = {case.id: case for case in cases}
        kept = [
            line
            for line in self.path.read_bytes().split(b"\n")
            if line and not isinstance(_decoder.decode(line), CaseLine)
        ]
        new = self.path.with_name(f".{self.path.name}.new")
        with new.open("wb", buffering=0) as file:
            lines = [*(_encoder.encode(by_id[id]) for id in order), _encoder.encode(footer)]
            self._put(
                file, b"\n".join([*(line for line in kept if b'"line":"footer"' not in line[:20]), *lines]) + b"\n"
            )
            os.fsync(file.fileno())
        self._file.close()
        os.replace(new, self.path)
        self._file = self.path.open("ab", buffering=0)

    def _put(self, file: IO[bytes], text: bytes) -> None:
        data = memoryview(text)
        try:
            while data:
                data = data[file.write(data) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from None

    def close(self) -> None:
        os.fsync(self._file.fileno())
        self._file.close()


def _locked(file: IO[bytes], path: Path) -> None:
    """Two runs that write to one record would each spoil the other's. Raises `RecordError`."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if error.errno in (errno.EAGAIN, errno.EACCES):
            raise RecordError(f"{path}: another run is writing to it; use --output for another folder") from None


class Different(RecordError):
    """A record that cannot be gone on with: it is of another run."""


def resume(path: Path, header: Header, specs: Mapping[str, SpecLine]) -> Run | None:
    """What a stopped run left at ``path``, cut after its last whole line; None where there is nothing to go on from.

    Raises `Different` where it is the record of another run than ``header`` begins."""
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if not whole:
        return None
    run = _parsed(path, whole)
    for what, value in _identity(header).items():
        if (other := _identity(run.header)[what]) != value:
            raise Different(f"{path}: another {what} ({other}, now {value}); without --resume, the run begins anew")
    if run.specs.keys() != specs.keys():
        return None  # it was stopped before the first case
    if len(whole) < len(data):
        os.truncate(path, len(whole))
    return run


def _identity(header: Header) -> dict[str, object]:
    """What two runs must have in common for one to go on with the other."""
    engine = header.engine
    return {
        "selection of specs": header.suite,
        "engine": " ".join([engine.name, engine.version, "on", engine.device, *filter(None, [engine.source])]),
        "number of cases": header.cases,
        "runtime": header.python,
        "harness": header.harness,
        "shard": header.shard or "none",
        "order (--shuffle)": header.shuffle,
        "profile": header.profile or "none",
        "--import": " ".join(engine.imports) or "none",
    }


def read(path: Path) -> Run:
    """Read a record. A last line cut short (a killed run) is dropped; anything else unreadable is a `RecordError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror or error}") from None
    return _parsed(path, data)


def _parsed(path: Path, data: bytes) -> Run:
    lines = data.split(b"\n")
    header: Header | None = None
    footer: Footer | None = None
    specs: dict[str, SpecLine] = {}
    cases: dict[str, CaseLine] = {}
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = _decoder.decode(text)
        except (msgspec.MsgspecError, RecursionError) as error:
            if number == len(lines) and header is not None:
                break  # the last line, cut short
            raise RecordError(f"{path}:{number}: not a line of a run record: {error}") from None
        match line:
            case Header():
                if line.format.split(".")[0] != FORMAT.split(".")[0]:
                    raise RecordError(
                        f"{path}:{number}: format {line.format}, this harness reads {FORMAT}; use a matching version"
                    )
                header = line
            case SpecLine():
                specs[line.id] = line
            case CaseLine():
                cases[line.id] = line
            case Footer():
                footer = line
    if header is None:
        raise RecordError(f"{path}: has no header, so it is not a run record; `harness run` writes them")
    return Run(path=str(path), header=header, specs=specs, cases=cases, footer=footer)


def find(arguments: Iterable[Path], *, folders: bool = False) -> Iterator[Path]:
    """The record files behind RUN arguments: a file is itself, a folder is every ``*.jsonl`` in it, or, with ``folders``
    where it has none, in the folders of it."""
    for path in arguments:
        if path.is_dir():
            records = sorted(path.glob("*.jsonl")) or (sorted(path.glob("*/*.jsonl")) if folders else [])
            if not records:
                raise RecordError(f"{path}: holds no run record (*.jsonl); `harness run --output {path}` writes one")
            yield from records
        else:
            yield path


def schema() -> dict[str, Any]:
    """JSON Schema of one line of a record."""
    out = msgspec.json.schema(AnyLine)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Run record line, format {FORMAT}",
    } | out
