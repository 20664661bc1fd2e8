"""The drawing of a computation graph (`reports/html/layout.py`)."""

from __future__ import annotations

import random
import sys
from itertools import combinations
from types import ModuleType
from typing import Any

import pytest


def random_graph(seed: int) -> tuple[list[float], list[tuple[int, int]]]:
    """A graph as an engine may report it, with all the faults it may have."""
    rng = random.Random(seed)
    size = rng.randrange(1, 40)
    edges = [(rng.randrange(-1, size + 1), rng.randrange(-1, size + 1)) for _ in range(rng.randrange(2 * size))]
    return [rng.uniform(30, 200) for _ in range(size)], edges


@pytest.fixture
def layout(build: ModuleType) -> Any:
    build.load("html")
    return sys.modules["_report_html.layout"].layout


@pytest.mark.parametrize("seed", range(25))
def test_nodes_never_overlap_and_stay_inside(layout: Any, seed: int) -> None:
    """Promise: every node can be read, whatever the graph; cycles and edges to nowhere included."""
    drawing = layout(*random_graph(seed))
    for a, b in combinations(drawing.boxes, 2):
        assert abs(a.x - b.x) >= (a.width + b.width) / 2 or abs(a.y - b.y) >= (a.height + b.height) / 2
    for box in drawing.boxes:
        assert box.width / 2 <= box.x <= drawing.width - box.width / 2
        assert box.height / 2 <= box.y <= drawing.height - box.height / 2


def test_edges_point_down_from_consumer_to_producer(layout: Any) -> None:
    """Promise: an edge runs the way backward goes, from the bottom of its consumer to the top of its producer."""
    drawing = layout([40.0] * 4, [(0, 1), (1, 2), (0, 2), (2, 3)])
    assert len(drawing.paths) == 4
    for path in drawing.paths:
        heights = [y for _, y in path]
        assert heights == sorted(heights)
    assert [box.y for box in drawing.boxes] == sorted(box.y for box in drawing.boxes)


def test_an_edge_over_layers_goes_around_the_nodes_between(layout: Any) -> None:
    """Promise: a long edge does not run through a box."""
    drawing = layout([80.0] * 3, [(0, 1), (1, 2), (0, 2)])
    between = drawing.boxes[1]
    bends = [point for path in drawing.paths if len(path) == 3 for point in path[1:-1]]
    assert bends
    assert all(abs(x - between.x) >= between.width / 2 for x, _ in bends)


def test_two_edges_between_two_nodes_are_two_lines(layout: Any) -> None:
    """Promise: x * x shows two edges."""
    first, second = layout([60.0, 60.0], [(0, 1), (0, 1)]).paths
    assert first != second


def test_crossings_are_undone_where_that_is_easy(layout: Any) -> None:
    """Promise: producers stand below their consumers."""
    boxes = layout([40.0] * 5, [(0, 1), (0, 2), (1, 4), (2, 3)]).boxes
    assert (boxes[1].x < boxes[2].x) == (boxes[4].x < boxes[3].x)


def test_a_long_chain_needs_no_recursion(layout: Any) -> None:
    """Promise: depth is no limit."""
    size = 3000
    assert len(layout([30.0] * size, [(i, i + 1) for i in range(size - 1)]).paths) == size - 1


def test_nothing_to_draw(layout: Any) -> None:
    """Promise: an empty graph is a drawing too."""
    assert layout([], []).boxes == []
