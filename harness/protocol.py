"""The messages between the harness and a worker, as the harness writes and reads them; ``docs/protocol.md`` explains them.

One message is one line of JSON. The harness sends `Start`, `ProgramOrder`, `Run`, `Alone` and `Stop`; the worker answers
`CapabilitiesAnswer` (or `Unusable`) once and `Result` for every run, in the order in which it was asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from harness.capabilities import Capabilities, Words
from harness.cases import Case, is_dtype
from harness.engine import Array, Graph, Node, Observed, Opaque
from harness.language import export
from harness.language.export import Program
from harness.language.words import ATTRIBUTES, NAMES
from harness.problems import nearest
from harness.seen import Raised, Seen, StepSeen, Warned
from harness.text import printable

VERSION = "1.0"
"""Of the protocol. A worker that answers with another major version is not used."""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="message"):
    """Base of all messages."""


class EngineOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Where the adapter is. A worker that was not written in Python knows its engine, and may ignore this."""

    name: str
    folder: str | None
    module: str
    class_name: str
    install: str


class Start(Message, frozen=True, kw_only=True, tag="start"):
    """The first message: get the engine ready."""

    protocol: str
    engine: EngineOrder
    device: Annotated[str | None, Meta(description="null for the engine's default")]
    imports: Annotated[list[str], Meta(description="modules to import first")]
    graphs: Annotated[bool, Meta(description="whether results should tell the graph that the engine built")]
    memory: Annotated[int, Meta(description="bytes that the worker may use; 0 for no limit")]


class ProgramOrder(Message, frozen=True, kw_only=True, tag="program"):
    """A program that later `Run`s name by its number. It needs no answer."""

    program: Annotated[int, Meta(description="its number")]
    id: Annotated[str, Meta(description="of the spec")]
    file: str
    parameters: list[str]
    steps: Annotated[list[dict[str, Any]], Meta(description="see the page on the protocol: nodes of Python's grammar")]
    watch: Annotated[bool, Meta(description="whether tensors may become large while it runs")]
    digest: Annotated[str, Meta(description="of the program: the same program has the same")]


class Run(Message, frozen=True, kw_only=True, tag="run"):
    """Run a program on these parameters; answered by a `Result`."""

    run: Annotated[int, Meta(description="the number that the result repeats")]
    program: int
    values: Annotated[list[Any], Meta(description="of the parameters, in order")]
    types: Annotated[
        list[str],
        Meta(description="of the values: float, int, complex, bool, text, null, or name (of a dtype of the engine)"),
    ]


class Alone(Message, frozen=True, kw_only=True, tag="alone"):
    """Do these runs in a fork of the worker; only sent where its capabilities say ``forks``."""

    runs: list[Run]


class Stop(Message, frozen=True, kw_only=True, tag="stop"):
    """End, with exit code 0. The end of the worker's input means the same."""


class CapabilitiesAnswer(Message, frozen=True, kw_only=True, tag="capabilities"):
    """The engine is ready."""

    protocol: str
    version: Annotated[str, Meta(min_length=1, max_length=200, description="of the engine")]
    runtime: Annotated[
        str, Meta(max_length=200, description="what it runs in: a version of Python, or 'node 22.1'")
    ] = ""
    names: Annotated[list[str], Meta(description="free names of the language that the engine has")]
    attributes: Annotated[list[str], Meta(description="words after a dot that it has")]
    settable: Annotated[list[str], Meta(description="those of them that can be assigned to")] = []
    forks: Annotated[bool, Meta(description="whether it understands `alone`")] = False


class Unusable(Message, frozen=True, kw_only=True, tag="unusable"):
    """The engine cannot be used; the text says why and how to mend it."""

    reason: str


class RaisedData(msgspec.Struct, frozen=True, kw_only=True):
    """An exception."""

    text: Annotated[str, Meta(description="class and message on one line")]
    kind: Annotated[str | None, Meta(description="see `harness kinds`; null where it is of none")] = None
    message: Annotated[str, Meta(description="as the engine wrote it")] = ""
    line: Annotated[int, Meta(description="innermost line of the program that it passed")] = 0
    top: Annotated[int, Meta(description="line of the program's top level that it passed")] = 0
    fault: Annotated[
        str,
        Meta(
            description="empty for the engine's own; unsupported: the engine has no such thing; unreadable: a value cannot be "
            "told; bounds, unbound: the program's fault; memory: there is no more"
        ),
    ] = ""
    advice: str = ""


class WarnedData(msgspec.Struct, frozen=True, kw_only=True):
    """A warning."""

    text: str
    kind: str | None = None


class StepData(msgspec.Struct, frozen=True, kw_only=True):
    """What one step showed."""

    raised: Annotated[RaisedData | None, Meta(description="by the last line, where an error is due")] = None
    observed: Annotated[
        list[Any],
        Meta(
            description="what each expression showed: null, true, false, a number, a text, a list, {dtype, shape, values}, "
            "{number: 'nan'}, {object: class name} or {raised: ...}"
        ),
    ] = []
    warned: list[WarnedData] = []


class GraphData(msgspec.Struct, frozen=True, kw_only=True):
    """The graph as the engine built it."""

    nodes: Annotated[list[tuple[str, str, list[str]]], Meta(description="(label, role, the program's names)")]
    edges: Annotated[list[tuple[int, int]], Meta(description="(consumer, producer)")]


class Result(Message, frozen=True, kw_only=True, tag="result"):
    """What a program showed."""

    run: int
    seconds: Annotated[float, Meta(description="of the program alone")] = 0.0
    steps: Annotated[list[StepData], Meta(description="up to the one that broke off")] = []
    aborted: Annotated[RaisedData | None, Meta(description="what ended the program where no error was due")] = None
    graph: GraphData | None = None
    broken: Annotated[str, Meta(description="what broke in the adapter: nothing is said about the engine")] = ""
    leaks: Annotated[list[str], Meta(description="global state that the program left changed")] = []


Order = Start | ProgramOrder | Run | Alone | Stop
Answer = CapabilitiesAnswer | Unusable | Result
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


class BadAnswer(Exception):
    """A line that is no message of the protocol; the text says why."""


def line(message: Message) -> bytes:
    return _encoder.encode(message) + b"\n"


class Showed(NamedTuple):
    """A result, read."""

    run: int
    seen: Seen


def answer(text: bytes) -> CapabilitiesAnswer | Unusable | Showed:
    """The message in a line that a worker wrote. Raises `BadAnswer`."""
    try:
        message = _decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadAnswer(f"{error}: {text[:100]!r}") from None
    if not isinstance(message, Result):
        return message
    return Showed(message.run, seen(message, plain=b'"number"' not in text and b'"foreign"' not in text))


def program(number: int, given: Program) -> bytes:
    """The line that tells a worker a program."""
    data = export.write(given)
    digest = hashlib.sha256(_encoder.encode(data)).hexdigest()
    return line(ProgramOrder(program=number, digest=digest, **data))


def run(number: int, program: int, case: Case) -> Run:
    values = [export.spelt(value) for value in case.values]
    return Run(run=number, program=program, values=values, types=list(map(_type, case.values)))


def _type(value: Any) -> str:
    if is_dtype(value):
        return "name"
    leaves = [value]
    kinds = set()
    while leaves:
        leaf = leaves.pop()
        if isinstance(leaf, list):
            leaves.extend(leaf)
        else:
            kinds.add(type(leaf))
    for kind, name in ((complex, "complex"), (float, "float"), (int, "int"), (bool, "bool"), (str, "text")):
        if kind in kinds:
            return name
    return "float" if isinstance(value, list) else "null"


def capabilities(message: CapabilitiesAnswer) -> Capabilities:
    """Raises `BadAnswer` where a word is none of the language: it would be a feature that nobody asks for."""
    if not message.version.isprintable():
        raise BadAnswer(f"{message.version!a} is no version: a text on one line is due")
    for _, word, hint in strange_words(message):
        raise BadAnswer(f"{word!r} is no word of the language{hint}")
    words = Words(frozenset(message.names), frozenset(message.attributes), frozenset(message.settable))
    return Capabilities(message.version, message.runtime, words, message.forks)


def strange_words(message: CapabilitiesAnswer) -> Iterator[tuple[str, str, str]]:
    """What an answer says of words that are none of the language: the field, the word, and a hint."""
    for field, known in (("names", NAMES), ("attributes", ATTRIBUTES), ("settable", ATTRIBUTES)):
        for word in getattr(message, field):
            if word not in known:
                yield field, word, nearest(word, known)


def seen(message: Result, plain: bool = False) -> Seen:
    """What a result says; ``plain``: no number in it is spelt out. Raises `BadAnswer`."""
    return Seen(
        [
            StepSeen(
                None if step.raised is None else _raised(step.raised),
                [_value(value, plain) for value in step.observed],
                [Warned(warned.kind, warned.text) for warned in step.warned] if step.warned else [],
            )
            for step in message.steps
        ],
        None if message.aborted is None else _raised(message.aborted),
        message.seconds,
        None if message.graph is None else _graph(message.graph),
        message.broken,
        tuple(message.leaks),
    )


def _graph(data: GraphData) -> Graph | None:
    count = len(data.nodes)
    if any(not 0 <= end < count for edge in data.edges for end in edge):
        raise BadAnswer("a graph has an edge to no node")
    nodes = tuple(Node(label, role, tuple(names)) for label, role, names in data.nodes)
    return Graph(nodes, tuple(data.edges)) if nodes else None


def _raised(data: RaisedData) -> Raised:
    return Raised(data.kind, data.text, data.message, data.line, data.top, data.fault, data.advice)


def _value(data: Any, plain: bool, depth: int = 50) -> Observed | Raised:
    """``plain``: it holds no number that is spelt out, and nothing foreign."""
    kind = type(data)
    if kind is dict:
        if "values" in data:
            return _array(data, plain)
        return _special(data)
    if kind is list:
        if depth == 0:
            raise BadAnswer("lists that are nested without end")
        return [_value(item, plain, depth - 1) for item in data]
    return data  # type: ignore[no-any-return]


def _array(data: dict[str, Any], plain: bool) -> Array:
    dtype, shape, values = data.get("dtype"), data.get("shape"), data["values"]
    if type(dtype) is not str or type(shape) is not list or any(type(size) is not int for size in shape):
        raise BadAnswer(f"{str(data)[:100]} is no tensor: it needs a dtype, a shape and values")
    return Array(dtype, tuple(shape), values if plain else _numbers(values))


def _special(data: dict[str, Any]) -> Observed | Raised:
    match data:
        case {"number": str()}:
            found: Observed = _number(data)
            return found
        case {"object": str(name)}:
            return Opaque(name)
        case {"raised": raised}:
            try:
                return _raised(msgspec.convert(raised, RaisedData))
            except msgspec.ValidationError as error:
                raise BadAnswer(str(error)) from None
        case {"foreign": name}:
            foreign: Observed = _Foreign(str(name))
            return foreign
    raise BadAnswer(f"{str(data)[:100]} is none of the things that may be observed")


def _numbers(values: Any, depth: int = 64) -> Any:
    if type(values) is list:
        if depth == 0:
            raise BadAnswer("values that are nested without end")
        return [value if type(value) in (float, int) else _numbers(value, depth - 1) for value in values]
    if type(values) is dict:
        return _number(values) if "number" in values else _Foreign(str(values.get("foreign", "object")))
    return values


def _number(data: dict[str, Any]) -> Any:
    try:
        return export.value_of(data)
    except (ValueError, TypeError, KeyError):
        raise BadAnswer(f"{str(data)[:100]} is no number") from None


class _Foreign:
    """Something that an adapter read and that is no data; the judge says so, by the name of its class."""

    def __new__(cls, name: str) -> Any:
        return object.__new__(type(printable(name)[:100], (), {}))


def schema() -> dict[str, Any]:
    """JSON Schema of one message, in either direction."""
    out = msgspec.json.schema(Order | Answer)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Worker protocol message, version {VERSION}",
    } | out
