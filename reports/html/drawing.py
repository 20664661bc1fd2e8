"""A recorded graph made ready to draw: texts, geometry and the sentence list that says the same without a picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from harness.record import GraphLine
from harness.values import plural, printable, shorten

from .layout import Box, Drawing, Point, layout

MOST_DRAWN = 60
"""A larger graph is no longer readable as a picture; it is only listed."""
MOST_LISTED = 200
_LETTER = 7.0
_ROLES = ("leaf", "op", "root")


@dataclass(frozen=True)
class Node:
    role: str
    label: str
    names: str
    """The program's names for it, where they say more than the label."""

    @property
    def called(self) -> str:
        return f"{self.label} ({self.names})" if self.names else self.label


@dataclass(frozen=True)
class Picture:
    """What the template draws: `boxes` and `paths` are empty where the graph is too large to draw."""

    description: str
    width: int
    height: int
    boxes: list[tuple[Node, Box]]
    paths: list[str]
    sentences: list[str]


def picture(graph: GraphLine) -> Picture:
    nodes = [_node(*node) for node in graph.nodes]
    drawn = len(nodes) <= MOST_DRAWN
    drawing = layout([_width(node) for node in nodes], graph.edges) if drawn else Drawing(0, 0, [], [])
    return Picture(
        description=f"{plural(len(nodes), 'node')}, {plural(len(graph.edges), 'edge')}",
        width=round(drawing.width),
        height=round(drawing.height),
        boxes=list(zip(nodes, drawing.boxes, strict=True)) if drawn else [],
        paths=[_curve(path) for path in drawing.paths],
        sentences=_sentences(nodes, graph.edges),
    )


def _node(label: str, role: str, names: Sequence[str]) -> Node:
    label = shorten(printable(label), 24)
    return Node(
        role=role if role in _ROLES else "op",
        label=label,
        names=shorten(printable(", ".join(name for name in names if name != label)), 24),
    )


def _width(node: Node) -> float:
    return 28 + _LETTER * max(len(node.label), len(node.names), 2)


def _curve(points: Sequence[Point]) -> str:
    """An SVG path through the points that leaves and enters each of them upright."""
    (x, y), *rest = points
    parts = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in rest:
        middle = (y + to_y) / 2
        parts.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return "".join(parts)


def _sentences(nodes: Sequence[Node], edges: Sequence[tuple[int, int]]) -> list[str]:
    producers: dict[int, list[str]] = defaultdict(list)
    for consumer, producer in edges:
        if 0 <= producer < len(nodes):
            producers[consumer].append(nodes[producer].called)
    lines = [
        f"{node.called}, {node.role}" + (f", made of {' and '.join(producers[i])}" if producers[i] else "")
        for i, node in enumerate(nodes[:MOST_LISTED])
    ]
    hidden = len(nodes) - len(lines)
    return [*lines, f"… {plural(hidden, 'more node')}"] if hidden > 0 else lines
