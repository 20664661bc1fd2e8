"""What an engine can be asked: which words of the language it knows, and what else a worker says when it is ready."""

from __future__ import annotations

from typing import NamedTuple

from harness.engine import Engine


class Words(NamedTuple):
    """The words of the language that an engine knows."""

    names: frozenset[str]
    attributes: frozenset[str]
    settable: frozenset[str]
    """Attributes that can be assigned to."""


class Capabilities(NamedTuple):
    """An engine that is ready."""

    version: str
    """Of the engine."""
    runtime: str
    """What it runs in: ``3.11.7`` is Python; anything else says its own name."""
    words: Words
    forks: bool = False
    """Whether the worker can make a fresh process by forking itself."""


def words_of(engine: Engine) -> Words:
    native = {word for word, value in engine.attributes.items() if not callable(value)}
    return Words(frozenset(engine.names), frozenset(engine.attributes), frozenset({*native, *engine.setters}))
