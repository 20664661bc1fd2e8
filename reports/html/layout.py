"""Where the nodes and edges of a computation graph go: a small layered layout.

Four steps, as in every layered drawing: layers by longest path, edges over several layers cut at invisible bends,
an order per layer by barycentres, and coordinates that straighten edges as far as the least distance allows. Knows no
SVG and no record. Any graph is drawn, also a broken one: edges to nowhere are dropped, cycles are cut.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

HEIGHT = 38.0
LAYER_GAP = 34.0
GAP = 18.0
BEND = 10.0
MARGIN = 4.0
PORT_GAP = 12.0
SWEEPS = 8

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A node: its centre and its size."""

    x: float
    y: float
    width: float
    height: float = HEIGHT


@dataclass(frozen=True)
class Drawing:
    """Boxes in the order of the nodes; one path (points from top to bottom) per edge that was drawn."""

    width: float
    height: float
    boxes: list[Box]
    paths: list[list[Point]]


def layout(widths: Sequence[float], edges: Sequence[tuple[int, int]]) -> Drawing:
    """Draw nodes of these widths; an edge points from a node to one that is drawn further down."""
    edges = _forward(len(widths), edges)
    layer_of = _layers(len(widths), edges)
    sizes = list(widths)
    chains: list[list[int]] = []
    for top, bottom in edges:
        bends = list(range(len(sizes), len(sizes) + layer_of[bottom] - layer_of[top] - 1))
        sizes += [BEND] * len(bends)
        layer_of += range(layer_of[top] + 1, layer_of[bottom])
        chains.append([top, *bends, bottom])
    links = [link for chain in chains for link in pairwise(chain)]
    order = _order(layer_of, links)
    xs = _coordinates(order, sizes, links)
    left = min((x - size / 2 for x, size in zip(xs, sizes, strict=True)), default=0.0) - MARGIN
    xs = [x - left for x in xs]
    ys = [MARGIN + HEIGHT / 2 + layer * (HEIGHT + LAYER_GAP) for layer in layer_of]
    return Drawing(
        width=max((x + size / 2 for x, size in zip(xs, sizes, strict=True)), default=0.0) + MARGIN,
        height=max(ys, default=0.0) + HEIGHT / 2 + MARGIN,
        boxes=[Box(xs[node], ys[node], widths[node]) for node in range(len(widths))],
        paths=_paths(chains, xs, ys, widths),
    )


def _forward(size: int, edges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The edges without those that lead nowhere and those that close a cycle."""
    below: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for edge in edges:
        if 0 <= edge[0] < size and 0 <= edge[1] < size:
            below[edge[0]].append(edge)
    kept: list[tuple[int, int]] = []
    done: set[int] = set()
    for start in range(size):
        open_nodes = {start}
        stack = [(start, iter(below[start]))] if start not in done else []
        while stack:
            node, rest = stack[-1]
            for edge in rest:
                if edge[1] in open_nodes:
                    continue
                kept.append(edge)
                if edge[1] not in done:
                    open_nodes.add(edge[1])
                    stack.append((edge[1], iter(below[edge[1]])))
                    break
            else:
                stack.pop()
                open_nodes.discard(node)
                done.add(node)
    return kept


def _layers(size: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The longest path to each node from above."""
    layer = [0] * size
    waiting = [0] * size
    below: dict[int, list[int]] = defaultdict(list)
    for top, bottom in edges:
        waiting[bottom] += 1
        below[top].append(bottom)
    ready = [node for node in range(size) if not waiting[node]]
    for node in ready:
        for bottom in below[node]:
            layer[bottom] = max(layer[bottom], layer[node] + 1)
            waiting[bottom] -= 1
            if not waiting[bottom]:
                ready.append(bottom)
    return layer


def _neighbours(links: Sequence[tuple[int, int]]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    above: dict[int, list[int]] = defaultdict(list)
    below: dict[int, list[int]] = defaultdict(list)
    for top, bottom in links:
        above[bottom].append(top)
        below[top].append(bottom)
    return above, below


def _order(layer_of: Sequence[int], links: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Nodes of each layer from left to right, so that few links cross: the best of some barycentre sweeps."""
    order: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    for node, depth in enumerate(layer_of):
        order[depth].append(node)
    above, below = _neighbours(links)
    best, fewest = order, _crossings(order, below)
    for sweep in range(SWEEPS):
        order = [list(layer) for layer in order]
        down = sweep % 2 == 0
        place: dict[int, float] = {node: i for layer in order for i, node in enumerate(layer)}
        sides = above if down else below
        for layer in order if down else order[::-1]:
            wanted = {n: _mean([place[m] for m in sides[n]], place[n]) for n in layer}
            layer.sort(key=wanted.__getitem__)
            place.update((node, i) for i, node in enumerate(layer))
        crossings = _crossings(order, below)
        if crossings < fewest:
            best, fewest = order, crossings
    return best


def _crossings(order: Sequence[Sequence[int]], below: dict[int, list[int]]) -> int:
    place = {node: i for layer in order for i, node in enumerate(layer)}
    total = 0
    for layer in order:
        ends = [place[m] for node in layer for m in sorted(below[node], key=place.__getitem__)]
        total += sum(a > b for i, a in enumerate(ends) for b in ends[i + 1 :])
    return total


def _coordinates(
    order: Sequence[Sequence[int]], sizes: Sequence[float], links: Sequence[tuple[int, int]]
) -> list[float]:
    """Each node as near to the mean of its neighbours as order and distance allow (least squares, layer by layer)."""
    xs = [0.0] * len(sizes)
    offsets: dict[int, float] = {}
    for layer in order:
        right = 0.0
        for node in layer:
            offsets[node] = right + sizes[node] / 2
            right += sizes[node] + GAP
        for node in layer:
            xs[node] = offsets[node] - right / 2
    above, below = _neighbours(links)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        sides = above if down else below
        for layer in order if down else order[::-1]:
            wanted = [_mean([xs[m] for m in sides[n]], xs[n]) - offsets[n] for n in layer]
            for node, shift in zip(layer, _ascending(wanted), strict=True):
                xs[node] = offsets[node] + shift
    return xs


def _ascending(wanted: Sequence[float]) -> list[float]:
    """The non-decreasing numbers nearest to ``wanted`` in least squares (pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for value in wanted:
        pools.append((value, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, n), (b, m) = pools[-2:]
            pools[-2:] = [((a * n + b * m) / (n + m), n + m)]
    return [mean for mean, size in pools for _ in range(size)]


def _paths(
    chains: Sequence[Sequence[int]], xs: Sequence[float], ys: Sequence[float], widths: Sequence[float]
) -> list[list[Point]]:
    """Points of each edge. Edges of one node leave and enter side by side, so that ``x * x`` shows two of them."""
    leaving: dict[int, list[int]] = defaultdict(list)
    entering: dict[int, list[int]] = defaultdict(list)
    for i, chain in enumerate(chains):
        leaving[chain[0]].append(i)
        entering[chain[-1]].append(i)
    start = [xs[chain[0]] for chain in chains]
    end = [xs[chain[-1]] for chain in chains]
    for node, group in leaving.items():
        group.sort(key=lambda i: xs[chains[i][1]])
        for i, port in zip(group, _ports(xs[node], widths[node], len(group)), strict=True):
            start[i] = port
    for node, group in entering.items():
        group.sort(key=lambda i: (xs[chains[i][-2]], start[i]))
        for i, port in zip(group, _ports(xs[node], widths[node], len(group)), strict=True):
            end[i] = port
    return [
        [
            (start[i], ys[chain[0]] + HEIGHT / 2),
            *((xs[bend], ys[bend]) for bend in chain[1:-1]),
            (end[i], ys[chain[-1]] - HEIGHT / 2),
        ]
        for i, chain in enumerate(chains)
    ]


def _ports(x: float, width: float, number: int) -> list[float]:
    step = min(PORT_GAP, (width - 16) / number)
    return [x + (i - (number - 1) / 2) * step for i in range(number)]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
