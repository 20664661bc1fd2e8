"""Observations as JSON, and parameters from JSON. ``docs/protocol.md`` describes both; the harness reads them back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.engine import Array, Opaque
from harness.language.export import number, value_of
from harness.seen import Raised, Seen, StepSeen
from harness.text import clean

_strict = json.JSONEncoder(allow_nan=False, check_circular=False, separators=(",", ":")).encode


def parameters(values: Sequence[Any], types: Sequence[str], names: Mapping[str, Any]) -> list[Any]:
    """A case's parameters as its program gets them; a ``name`` is the engine's own object of that name (a dtype)."""
    return [names[value] if type == "name" else _plain(value) for value, type in zip(values, types, strict=True)]


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list) else value_of(value)


def result(run: int, seen: Seen) -> bytes:
    """The message that answers ``run``."""
    message: dict[str, Any] = {"message": "result", "run": run, "seconds": seen.seconds}
    if seen.broken:
        message["broken"] = seen.broken
    else:
        message["steps"] = [_step(step) for step in seen.steps]
        if seen.aborted is not None:
            message["aborted"] = _raised(seen.aborted)
        if seen.graph is not None:
            message["graph"] = {"nodes": seen.graph.nodes, "edges": seen.graph.edges}
    if seen.leaks:
        message["leaks"] = seen.leaks
    return line(message)


def line(message: Mapping[str, Any]) -> bytes:
    """A message as a line of JSON."""
    try:
        return _strict(message).encode() + b"\n"
    except (ValueError, TypeError, RecursionError):
        return _strict(_spelt(message, 50)).encode() + b"\n"


def _spelt(data: Any, depth: int) -> Any:
    """``data`` with every number that JSON does not know spelt out, and what is no data told as what it is."""
    if depth == 0:
        return {"foreign": "lists that are nested without end"}
    if isinstance(data, Mapping):
        return {key: _spelt(value, depth - 1) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_spelt(value, depth - 1) for value in data]
    if data is None or type(data) in (bool, int, float, complex):
        return number(data)
    if isinstance(data, str):
        return clean(data)
    return {"foreign": type(data).__name__}


def _step(step: StepSeen) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if step.raised is not None:
        out["raised"] = _raised(step.raised)
    if step.observed:
        out["observed"] = [_value(value) for value in step.observed]
    if step.warned:
        out["warned"] = [warning._asdict() for warning in step.warned]
    return out


def _value(value: Any) -> Any:
    kind = type(value)
    if kind is Array:
        return {"dtype": value.dtype, "shape": value.shape, "values": value.values}
    if kind is Raised:
        return {"raised": _raised(value)}
    if kind is Opaque:
        return {"object": clean(value.type) if isinstance(value.type, str) else "?"}
    if kind is list:
        return [_value(item) for item in value]
    if kind is int and not -(2**63) <= value < 2**63:
        return number(value)
    if kind is str:
        return value if value.isascii() else clean(value)
    if value is None or kind in (bool, int, float, complex):
        return value
    return {"foreign": kind.__name__}


def _raised(raised: Raised) -> dict[str, Any]:
    return {name: value for name, value in raised._asdict().items() if value or name == "kind"}
