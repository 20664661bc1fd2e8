"""The derivative tables beside torch's own gradcheck: how fast, and which seeded faults each of them finds.

    python benchmarks/derivatives.py [--rows 60] [--slow 120]

In one run, on one thread of one process. Speed: every case of area ops through the harness (run, observe, judge), and
gradcheck of the same operations at the same float64 inputs, in its fast mode (the default of PyTorch's own CI) and its slow
one. Detection: the same faults are planted in the same operations of torch, as a backward that is wrong in one way; the
suite asks the row's cases that need no forward mode, gradcheck (and gradgradcheck) the row's inputs.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in a worker

import ast
import time
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import torch

from harness import execute, plugins, selection
from harness.language import documents
from harness.language.load import CheckedSpec
from harness.language.words import NAMES
from harness.places import room
from harness.record import Status
from harness.tables import expand
from harness.tables.aspects import Asked
from harness.tables.numbers import Rule, is_plain

FORWARD = ("forward", "forward-over-reverse", "reverse-over-forward", "forward-over-forward")
"""Aspects that the planted functions, which have a backward alone, are not asked."""


class Peer(NamedTuple):
    """One operation at one input, as gradcheck takes it."""

    row: str
    function: Callable[..., Any]
    inputs: tuple[torch.Tensor, ...]


def suite() -> dict[str, list[CheckedSpec]]:
    """Row -> its specs."""
    specs = [spec for spec in selection.suite() if spec.spec.area == "ops"]
    return {row: list(own) for row, own in groupby(specs, lambda spec: spec.spec.id.split("/")[1])}


def peers(names: dict[str, Any]) -> Iterator[Peer]:
    """The samples of every row, in float64."""
    for path in sorted((room("specs") / "ops").glob("[!_]*.yaml")):
        table, _ = expand.read(documents.read(path), path.name)
        for name, row in table.rows.items():
            asked = Asked(name, Rule(row))
            if not asked.rule.active:
                continue
            for sample in asked.samples:
                yield Peer(name, *called(asked, sample.arrays, sample.parameters, names))


def called(
    asked: Asked, arrays: dict[str, Any], parameters: dict[str, Any], names: dict[str, Any]
) -> tuple[Callable[..., Any], tuple[torch.Tensor, ...]]:
    """The row's lines as a function of the operands that have a derivative."""
    rule = asked.rule
    held = {
        x: torch.tensor(value.tolist(), dtype=None if is_plain(rule.inputs[x]) else kind(value))
        for x, value in arrays.items()
    }
    head = f"def f({', '.join(rule.active)}):\n"
    lines = [*asked.lines, f"return {', '.join(rule.smooth)}"]
    scope = dotted(names) | held | parameters
    exec(head + "".join(f"    {line}\n" for line in lines), scope)  # the suite's own tables
    return scope["f"], tuple(held[x].requires_grad_() for x in rule.active)


def kind(value: Any) -> torch.dtype:
    return torch.complex128 if value.dtype.kind == "c" else torch.float64


def dotted(names: dict[str, Any]) -> dict[str, Any]:
    """The language's words as Python names; ``linalg.det`` is an attribute of ``linalg``."""
    scope: dict[str, Any] = {word: value for word, value in names.items() if "." not in word}
    return scope | {"linalg": torch.linalg, "special": torch.special, "fft": torch.fft, "func": torch.func}


# ---- speed


def ours(session: execute.Session, specs: Sequence[CheckedSpec]) -> tuple[int, float]:
    """Cases judged and processor seconds."""
    for spec in specs:  # compiled and warm
        next(iter(session.run_spec(spec)), None)
    begun, count = time.process_time(), 0
    for spec in specs:
        count += sum(line.status in (Status.PASS, Status.FAIL) for line in session.run_spec(spec))
    return count, time.process_time() - begun


def theirs(found: Sequence[Peer], **options: Any) -> tuple[int, float]:
    """Samples checked and processor seconds."""
    begun, count = time.process_time(), 0
    for peer in found:
        checked(peer, second=False, **options)
        count += 1
    return count, time.process_time() - begun


def checked(peer: Peer, second: bool, **options: Any) -> bool:
    """Whether torch's own check is content."""
    try:
        if not torch.autograd.gradcheck(peer.function, peer.inputs, raise_exception=True, **options):
            return False
        return not second or torch.autograd.gradgradcheck(peer.function, peer.inputs, **options)
    except Exception:
        return False


# ---- detection


class Fault(NamedTuple):
    name: str
    spoil: Callable[..., Any]
    """(gradients, cotangents, operands) -> gradients"""


def every(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., Any]:
    return lambda gradients, operands: [None if g is None else change(g) for g in gradients]


def at_last(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    """Changes the last element alone."""

    def changed(g: torch.Tensor) -> torch.Tensor:
        if not g.numel():
            return g
        flat = g.reshape(-1)
        return torch.cat([flat[:-1], change(flat[-1:])]).reshape(g.shape)

    return changed


def where(condition: Callable[[Sequence[torch.Tensor]], bool]) -> Callable[..., Any]:
    """Wrong by a tenth, but only for some operands."""

    def spoilt(gradients: Sequence[Any], operands: Sequence[torch.Tensor]) -> Any:
        wrong = condition([o for o in operands if isinstance(o, torch.Tensor)])
        return [None if g is None else g * 1.1 if wrong else g for g in gradients]

    return spoilt


FAULTS = (
    Fault("none (control)", lambda gradients, operands: gradients),
    Fault("times 1.01", every(lambda g: g * 1.01)),
    Fault("times 1 + 1e-3", every(lambda g: g * (1 + 1e-3))),
    Fault("times 1 + 1e-6", every(lambda g: g * (1 + 1e-6))),
    Fault("rounded to float32", every(lambda g: g if g.is_complex() else g.to(torch.float32).to(g.dtype))),
    Fault("other sign", every(lambda g: -g)),
    Fault("last element times 1.01", every(at_last(lambda g: g * 1.01))),
    Fault("last element dropped", every(at_last(lambda g: g * 0))),
    Fault("rolled by one", every(lambda g: g.reshape(-1).roll(1).reshape(g.shape))),
    Fault("without a graph", every(lambda g: g.detach())),
    Fault("wrong for one dtype", where(lambda tensors: any(t.dtype == torch.float32 for t in tensors))),
    Fault("wrong where strided", where(lambda tensors: any(not t.is_contiguous() for t in tensors))),
    Fault("wrong where 0-d", where(lambda tensors: any(not t.dim() for t in tensors))),
    Fault("wrong beyond 1,000 elements", where(lambda tensors: any(t.numel() > 1000 for t in tensors))),
)


def planted(function: Callable[..., Any], fault: Fault) -> Callable[..., Any]:
    """``function`` with a backward that is wrong in one way."""

    def faulty(*given: Any, **options: Any) -> Any:
        tensors = [value for value in given if isinstance(value, torch.Tensor) and value.requires_grad]

        def alone(*values: torch.Tensor) -> Any:
            left = iter(values)
            return function(
                *(next(left) if isinstance(v, torch.Tensor) and v.requires_grad else v for v in given), **options
            )

        class Planted(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *values: torch.Tensor) -> Any:
                ctx.save_for_backward(*values)
                return alone(*values)

            @staticmethod
            def backward(ctx: Any, *cotangents: Any) -> Any:
                create = torch.is_grad_enabled()
                with torch.enable_grad():
                    values = [v if v.requires_grad else v.detach().requires_grad_() for v in ctx.saved_tensors]
                    copies = [v.view_as(v) for v in values]
                    out = alone(*copies)
                    several = out if isinstance(out, tuple) else (out,)
                    pairs = [
                        (o, g) for o, g in zip(several, cotangents, strict=True) if o.requires_grad and g is not None
                    ]
                    gradients = torch.autograd.grad(
                        [o for o, _ in pairs],
                        copies,
                        [g for _, g in pairs],
                        create_graph=create,
                        allow_unused=True,
                    )
                    return tuple(fault.spoil(gradients, ctx.saved_tensors))

        apply: Any = Planted.apply
        return apply(*tensors) if tensors else function(*given, **options)

    return faulty


def single_words(specs: dict[str, list[CheckedSpec]]) -> dict[str, str]:
    """Rows that call one word once: the word that is spoilt."""
    found = {}
    for row, own in specs.items():
        gradient = [spec for spec in own if spec.spec.id.endswith("/gradient")]
        if not gradient:
            continue
        calls = [
            node for tree in gradient[0].trees[0].body[-1:] for node in ast.walk(tree) if isinstance(node, ast.Call)
        ]
        words = [ast.unparse(call.func) for call in calls]
        if len(words) == 1 and words[0] in NAMES and words[0] not in ("tensor", "grad", "repeat"):
            found[row] = words[0]
    return found


def goes_red(session: execute.Session, specs: Sequence[CheckedSpec]) -> bool:
    """Whether the suite finds anything, cheapest aspects first."""
    return any(line.status is Status.FAIL for spec in specs for line in session.run_spec(spec))


def judged(name: str = "torch") -> execute.Session:
    return execute.Session(plugins.load(plugins.find(name), None), execute.listening().__enter__())


def detection(rows: dict[str, list[CheckedSpec]], words: dict[str, str], found: Sequence[Peer]) -> list[list[str]]:
    """Per fault: in how many rows each of the checkers finds it."""
    session = judged()
    names: Any = session.host.engine.names
    inputs = {row: list(own) for row, own in groupby(found, lambda peer: peer.row)}
    counts = {fault.name: [0, 0, 0, 0] for fault in FAULTS}
    asked = 0
    for row, word in words.items():
        specs = [spec for spec in rows[row] if spec.spec.id.split("/")[2] not in FORWARD]
        if goes_red(session, specs) or not all(checked(peer, True, fast_mode=True) for peer in inputs.get(row, ())):
            continue  # a known deviation: nothing is to be learnt there
        asked += 1
        original = names[word]
        for fault in FAULTS:
            names[word] = planted(original, fault)
            spoilt = [
                peer._replace(function=with_word(peer.function, word, names[word])) for peer in inputs.get(row, ())
            ]
            results = (
                goes_red(session, specs),
                not all(checked(peer, False, fast_mode=True) for peer in spoilt),
                not all(checked(peer, True, fast_mode=True) for peer in spoilt),
                not all(checked(peer, True, fast_mode=False) for peer in spoilt),
            )
            counts[fault.name] = [before + now for before, now in zip(counts[fault.name], results, strict=True)]
        names[word] = original
    return [[name, *(f"{count} of {asked}" for count in found_by)] for name, found_by in counts.items()]


def with_word(function: Any, word: str, value: Any) -> Callable[..., Any]:
    """The same function of another operation."""
    scope = dict(function.__globals__)
    head, _, last = word.rpartition(".")
    scope[head or word] = types.SimpleNamespace(**{last: value}) if head else value
    return types.FunctionType(function.__code__, scope)


def table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> None:
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=60, help="of the detection, spread over the tables")
    options.add_argument("--slow", type=int, default=120, help="samples of gradcheck's slow mode")
    given = options.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rows, session = suite(), judged()
    specs = [spec for own in rows.values() for spec in own]
    found = list(peers(dict(session.host.engine.names)))
    print(f"{len(rows)} operations, {sum(len(list(spec.cases)) for spec in specs):,} cases, {len(found):,} samples\n")
    count, seconds = ours(session, specs)
    first = [spec for spec in specs if spec.spec.id.endswith("/gradient")]
    many, took = ours(session, first)
    fast, fast_took = theirs(found, fast_mode=True)
    step = max(len(found) // given.slow, 1)
    slow, slow_took = theirs(found[::step], fast_mode=False)
    speeds = [
        ["the suite, all aspects", f"{count:,}", f"{seconds:.1f}", f"{count / seconds:,.0f}"],
        ["the suite, value and gradient", f"{many:,}", f"{took:.1f}", f"{many / took:,.0f}"],
        ["gradcheck, fast mode", f"{fast:,}", f"{fast_took:.1f}", f"{fast / fast_took:,.0f}"],
        ["gradcheck, slow mode", f"{slow:,}", f"{slow_took:.1f}", f"{slow / slow_took:,.0f}"],
    ]
    table(speeds, ("", "cases", "processor s", "per s"))
    words = single_words(rows)
    chosen = dict(list(words.items())[:: max(len(words) // given.rows, 1)][: given.rows])
    print()
    head = ("planted fault", "the suite", "gradcheck fast", "+ gradgradcheck", "both slow")
    table(detection(rows, chosen, found), head)


if __name__ == "__main__":
    main()
