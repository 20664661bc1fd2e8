"""Gradients as central difference quotients, extrapolated to a step of zero (Richardson): the second oracle.

It takes the place of the reverse pass. To know the gradient of a root, the program is run again up to where the gradient is
asked for, once for every element of every place and for steps on both sides of it. Nothing is known of any derivative rule,
and nothing is run back. A second derivative is a difference quotient of difference quotients.

Complex places follow PyTorch: dL/dRe + i dL/dIm of the real L that the cotangent makes of the root."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from tests.oracle.replay import Array, Moves, Place, Reached, Request, Run, Tape, Unanswerable, now, running
from tests.oracle.substrate import Tensor, autograd, forward, function, graph, modes

STEP: Final = 2e-2
"""The widest step, for a number of size 1."""
WIDE_STEP: Final = 1e-1
"""The same for a quotient of quotients, which are noisier; it takes one more step to make up for the width."""
MAX_SPENT: Final = 80_000
"""Length of all runs of one program together."""
KINK: Final = 1e-5
"""How far the slopes on both sides of a point may differ when steps are smallest, where they do not come closer either."""


Source = tuple[Place, Array]
"""A place and the cotangent that a reverse pass starts with there."""


class Differences:
    """The gradients of one program, for whoever runs it."""

    def __init__(self, play: Callable[[], None]) -> None:
        self.play = play
        self.tape = Tape()
        self.spent = 0
        self._gradients: dict[Any, Array] = {}
        self._points: dict[Any, dict[Place, Array]] = {}

    def start(self) -> None:
        """Run the program where nothing is moved. Raises whatever the program raises."""
        with running(Run(self.tape, {})):
            self.play()

    def gradient(self, request: Request, moves: Moves, place: Place, sources: Sequence[Source]) -> Array:
        """Of all ``sources`` together, by what is at ``place``, in the run with ``moves``."""
        moves = _among(moves, self.tape.of_all[request])
        key = (request, _key(moves), place, len(sources))
        if key not in self._gradients:
            self._gradients[key] = self._quotients(request, moves, place, list(sources))
        return self._gradients[key]

    def _quotients(self, request: Request, moves: Moves, place: Place, sources: Sequence[Source]) -> Array:
        value = self.tape.values[place]
        widest, halvings = (WIDE_STEP, 4) if self.tape.behind[request] else (STEP, 3)
        found = np.zeros(value.shape, value.dtype)
        for index in np.ndindex(value.shape):
            size = max(abs(complex(value[index])), 0.1)
            step = 2.0 ** round(math.log2(widest * size)) if size < math.inf else math.nan
            for direction in (1, 1j) if value.dtype.kind == "c" else (1,):

                def root(step: float, index: Any = index, direction: Any = direction) -> Any:
                    moved = np.array(moves.get(place, np.zeros_like(value)))
                    moved[index] += step * direction
                    values = self._values(request, {**moves, place: moved})
                    return sum(np.sum((np.conj(w) * values[source]).real) for source, w in sources)

                found[index] += direction * slope(root, step, halvings)
        return found

    def _values(self, request: Request, moves: Moves) -> dict[Place, Array]:
        """What is where when the program comes to a reverse pass. Steps are powers of two: many ways lead to one point."""
        moves = _among(moves, self.tape.of_roots[request])
        key = (request, _key(moves))
        if key not in self._points:
            self.spent += self.length
            if self.spent > MAX_SPENT:
                raise Unanswerable("it takes too many runs")
            run = Run(self.tape, moves, request)
            with running(run), contextlib.suppress(Reached):
                self.play()
            if not run.is_over:
                raise Unanswerable("the program takes another way where something is moved")
            self._points[key] = run.values
        return self._points[key]

    @property
    def length(self) -> int:
        """How long one run is, in operands."""
        return 20 + len(self.tape.constants)


def _among(moves: Moves, nodes: Collection[int]) -> Moves:
    """The moves that make a difference to what depends on ``nodes`` only."""
    return {place: array for place, array in moves.items() if place[0] in nodes and np.any(array)}


def _key(moves: Moves) -> Any:
    return tuple(sorted((place, array.tobytes()) for place, array in moves.items()))


def slope(function: Callable[[float], Any], step: float, halvings: int = 3) -> Any:
    """The derivative at zero, of a number or an array.

    Raises `Unanswerable` where the slopes to the left and to the right differ, or where something is not finite."""
    with np.errstate(all="ignore"):
        middle = function(0.0)
        sides = [(function(step / 2**n), function(-step / 2**n), step / 2**n) for n in range(halvings)]
        gaps = [_largest(right - 2 * middle + left) / h for right, left, h in sides]
        column = [(right - left) / (2 * h) for right, left, h in sides]
        for n in range(1, halvings):
            rough, column = (
                column,
                [(4**n * finer - coarser) / (4**n - 1) for coarser, finer in itertools.pairwise(column)],
            )
    (best,) = column
    if not np.all(np.isfinite(best)):
        raise Unanswerable("not finite nearby")
    scale = KINK * max(1.0, _largest(best))
    if (gaps[-1] > scale and gaps[-1] > 0.75 * gaps[0]) or _largest(best - rough[-1]) > 100 * scale:
        raise Unanswerable("not smooth nearby")
    return best


def _largest(values: Any) -> float:
    return float(np.max(np.abs(values), initial=0.0))


class Quotient(graph.Node):  # type: ignore[misc]  # the reference is loaded under a private name
    """Stands behind a gradient that may be differentiated again: it depends on what its root and its cotangent depend on."""

    label = "quotient"
    request: Request

    def name(self) -> str:
        return "QuotientBackward0"


asked: list[Differences] = []


def reverse_pass(
    starts: Iterable[tuple[Any, Any]],
    *,
    retain_graph: bool,
    create_graph: bool,
    targets: Any = None,
    capture: bool = False,
) -> dict[Any, Any]:
    """In place of the reference's own: the same gradients, without running back."""
    run, starts = now[-1], list(starts)
    request = Request(run.requests)
    run.requests += 1
    for (node, _), _ in starts:
        if isinstance(node, graph.AccumulateGrad):
            run.used(node.variable)  # a leaf may be a root without having been an operand
    if run.stop is not None and request >= run.stop:
        run.is_over = True
        raise Reached
    reached = graph._behind(edge[0] for edge, _ in starts)
    receiving, at_work = reached, reached
    if targets is not None:
        ends = {node for node, _ in targets}
        on_the_way = graph._on_the_way(reached, ends)
        receiving = on_the_way | ends
        at_work = on_the_way if capture else receiving
    if run.is_first:
        run.tape.behind[request] = {node.request for node in reached if isinstance(node, Quotient)}
        run.tape.of_roots[request] = {node.order for node in reached}
        weighing = graph._behind(w.edge()[0] for _, w in starts if w.requires_grad)
        run.tape.of_all[request] = {node.order for node in (*reached, *weighing)}
    with graph.Pass([edge[0] for edge, _ in starts], targets and receiving, recorded=create_graph):
        going = _Pass(run, request, starts, create_graph, at_work)
        for node, outputs in itertools.groupby(
            _asked_for(starts, reached, receiving, at_work, targets), lambda edge: edge[0]
        ):
            going.arrive(node, [output for _, output in outputs])
    return {edge: going.captured[edge] for edge in targets or () if edge in going.captured} if capture else {}


class _Pass:
    """One reverse pass without running back: whoever wants to see a gradient is shown it.

    What a hook changes flows on. As gradients are linear, the change is one more source, at the place of the hook."""

    def __init__(
        self, run: Run, request: Request, starts: Sequence[Any], recorded: bool, at_work: Collection[Any]
    ) -> None:
        self.run = run
        self.request = request
        self.recorded = recorded
        self.at_work = at_work
        self.behind = [edge for edge, _ in starts] + [w.edge() for _, w in starts if w.requires_grad]
        self.sources = [((node.order, output), np.array(run.used(w)._array)) for (node, output), w in starts]
        self.captured: dict[Any, Any] = {}

    def gradient(self, edge: Any) -> Any:
        run, place = self.run, (edge[0].order, edge[1])
        known = (self.request, place, len(self.sources))
        if run.is_first:
            array = asked[-1].gradient(self.request, {}, place, self.sources)
            run.tape.gradients[known] = array
        elif self.recorded and run.stop is not None and self.request in run.tape.behind[run.stop]:
            array = asked[-1].gradient(self.request, run.moves, place, self.sources)
        else:
            array = run.tape.gradients[known]
        gradient = Tensor(np.array(array))
        if self.recorded:
            quotient = Quotient(self.behind, ((gradient.shape, gradient.dtype),))
            quotient.request = self.request
            run.made(gradient.placed_at((quotient, 0)))
        return gradient

    def arrive(self, node: Any, outputs: Sequence[int]) -> None:
        arrived: list[Any] = [None] * len(node.results)
        for output in outputs:
            arrived[output] = self.gradient((node, output))
        if node.hooks is not None:
            with self.changes(arrived, [(node, output) for output in range(len(arrived))]):
                node.hooks.on_arrival(arrived)
        self.captured |= {(node, output): gradient for output, gradient in enumerate(arrived) if gradient is not None}
        if node not in self.at_work:
            return
        if node.hooks is not None:
            with self.changes(arrived, [(node, output) for output in range(len(arrived))]):
                node.hooks.before_node(arrived)
        if isinstance(node, (graph.AccumulateGrad, function.FunctionNode)):
            node.backward(list(arrived), None)
        if node.hooks is not None and node.hooks.after:
            produced = [self.contribution(edge) for edge in node.edges]
            with self.changes(produced, node.edges):
                produced[:] = node.hooks.after_node(produced, arrived)

    def contribution(self, edge: Any) -> Any:
        """What one node sends along an edge: the whole gradient of an operand that nobody else uses."""
        if edge is None:
            return None
        if sum(list(node.edges).count(edge) for node in self.at_work) > 1:
            raise Unanswerable("a hook sees a part of a gradient")
        return self.gradient(edge)

    @contextlib.contextmanager
    def changes(self, gradients: list[Any], edges: Sequence[Any]) -> Iterator[None]:
        before = list(gradients)
        yield
        for edge, old, new in zip(edges, before, gradients, strict=True):
            if new is not old:
                if self.recorded:
                    raise Unanswerable("a hook changes a gradient that is differentiated again")
                change = np.array(self.run.used(new)._array) - self.run.used(old)._array
                self.sources.append(((edge[0].order, edge[1]), np.asarray(change)))


def _asked_for(
    starts: Sequence[Any], reached: Collection[Any], receiving: Collection[Any], at_work: Collection[Any], targets: Any
) -> list[Any]:
    """The edges whose gradients somebody will see, youngest first, as a reverse pass comes to them."""
    ends = {edge for edge, _ in starts} | {edge for node in reached for edge in node.edges if edge is not None}
    seen = {edge for edge in ends if edge in (targets or ())}
    for node, output in ends:
        hooks = node.hooks
        if node in at_work and isinstance(node, (graph.AccumulateGrad, function.FunctionNode)):
            seen.add((node, output))
        if hooks is None or node not in receiving:
            continue
        runs = node in at_work and (hooks.before or hooks.after)
        if runs or output in hooks.tensor or output in hooks.retained:
            seen.add((node, output))
    return sorted(seen, key=lambda edge: (-edge[0].order, edge[1]))


def _pushed(operation: Any, operands: Sequence[Any], options: Any, result: Any, tangents: Sequence[Any]) -> Any:
    """In place of the reference's own rules of forward mode: how the result changes where the operands move along tangents."""
    if modes.mode.recording and any(isinstance(x, Tensor) and x.requires_grad for x in (*operands, *tangents)):
        raise Unanswerable("forward mode inside of reverse mode")

    if any(len(getattr(x, "_tangents", None) or ()) > 1 for x in operands) or any(
        t is not None and getattr(t, "_tangents", None) for t in tangents
    ):
        raise Unanswerable("forward mode inside of forward mode")

    def moved(step: float) -> Any:
        along = [
            (np.asarray(x._array + step * t._array) if t is not None else x._array) if isinstance(x, Tensor) else x
            for x, t in zip(operands, tangents, strict=True)
        ]
        return operation.forward(*along, **options)

    return Tensor(np.asarray(slope(moved, STEP)))


def _refused(*_: Any) -> Any:
    raise Unanswerable("forward mode runs on the rule of a custom function")


autograd.reverse_pass = reverse_pass
forward.jvp = _pushed
function.FunctionNode.push = _refused
