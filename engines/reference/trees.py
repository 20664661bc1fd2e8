"""Containers of tensors: lists, tuples, named tuples and dicts, nested in any way, as a list of leaves and a structure.

The functions that transform functions (transforms.py, vmap.py) take such trees and return them in the same structure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Structure(NamedTuple):
    """A tree without its leaves. ``kind`` is None for a leaf."""

    kind: type[Any] | None
    keys: tuple[Any, ...] = ()
    parts: tuple[Structure, ...] = ()


LEAF = Structure(None)


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    leaves: list[Any] = []

    def visit(node: Any) -> Structure:
        if isinstance(node, dict):
            return Structure(type(node), tuple(node), tuple(map(visit, node.values())))
        if isinstance(node, (list, tuple)):
            return Structure(type(node), (), tuple(map(visit, node)))
        leaves.append(node)
        return LEAF

    return leaves, visit(tree)


def unflatten(leaves: Sequence[Any], structure: Structure) -> Any:
    remaining = iter(leaves)

    def build(structure: Structure) -> Any:
        kind = structure.kind
        if kind is None:
            return next(remaining)
        parts = [build(part) for part in structure.parts]
        if issubclass(kind, dict):
            return kind(zip(structure.keys, parts, strict=True))
        return sequence(kind, parts)

    return build(structure)


def sequence(kind: type[Any], parts: Sequence[Any]) -> Any:
    """A list, a tuple or a named tuple of ``parts``."""
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)


def as_tuple(value: Any) -> tuple[Any, ...]:
    """What a function returned, one or several."""
    return value if isinstance(value, tuple) else (value,)


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    leaves, structure = flatten(tree)
    return unflatten([function(leaf) for leaf in leaves], structure)


def spread(prefix: Any, structure: Structure) -> list[Any] | None:
    """``prefix``, a leaf or the top of a tree, with a leaf for every leaf of ``structure``; None if it does not fit."""
    if not isinstance(prefix, (list, tuple, dict)):
        return [prefix] * _count(structure)
    parts = list(prefix.values()) if isinstance(prefix, dict) else list(prefix)
    if structure.kind is None or not isinstance(prefix, structure.kind) or len(parts) != len(structure.parts):
        return None
    spreads = [spread(part, inner) for part, inner in zip(parts, structure.parts, strict=True)]
    result: list[Any] = []
    for leaves in spreads:
        if leaves is None:
            return None
        result += leaves
    return result


def _count(structure: Structure) -> int:
    return 1 if structure.kind is None else sum(map(_count, structure.parts))
