"""Each rule of the reference, broken alone, turns the run red and the message names the behaviour.

A fault is a patch by name: one place in a copy of the reference engine, which then runs as an engine from outside.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.places import room
from harness.record import Standing, read
from tests.conftest import Harness


class Fault(NamedTuple):
    file: str
    rule: str
    """The text that keeps the rule; it stands once in the file."""
    broken: str
    caught_by: str
    """A spec that must catch it."""
    claims: str
    """What the failure's message says is promised."""


FAULTS = {
    "overwrite instead of accumulate": Fault(
        "tensor.py",
        "np.add(present._array, gradient._array, out=present._array)",
        "present._array[...] = gradient._array",
        "grad/accumulates-over-graphs",
        "adds to the stored gradient instead of replacing it",
    ),
    "no error on the second backward": Fault(
        "record.py", "        self.saved = None\n", "        pass\n", "graph/second-backward-error", "second backward"
    ),
    "weights ignored": Fault(
        "autograd.py",
        "        starts.append((edge, cotangent if dtype is None else cotangent.to(dtype)))\n",
        "        starts.append((edge, Tensor(np.ones(root.shape, dtype))))\n",
        "vjp/uneven-weights",
        "weights each element's gradient",
    ),
    "non-leaf gradients are populated": Fault(
        "graph.py",
        "            if running is not None and node not in running:\n",
        "            for named in globals().get('TENSORS', lambda node: ())(node):\n"
        "                named._grad = gradients[named._output]\n"
        "            if running is not None and node not in running:\n",
        "grad/nonleaf-is-none-with-warning",
        ".grad of a computed tensor stays None",
    ),
    "no_grad stays on after an exception": Fault(
        "modes.py",
        "        mode.switch(*self.previous)\n\n    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:\n"
        "        if inspect",
        "        if exception[0] is None:\n            mode.switch(*self.previous)\n\n"
        "    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:\n        if inspect",
        "mode/restored-after-exception",
        "is on again when an error leaves it",
    ),
    "sum over broadcast axes dropped": Fault(
        "graph.py",
        "        gradient = gradient.sum_to_size(shape)\n",
        "        gradient = gradient[(0,) * (len(gradient.shape) - len(shape))]\n"
        "        gradient = gradient[tuple(slice(0, n) for n in shape)]\n",
        "backward/broadcast-scalar-leaf",
        "summed over the samples",
    ),
    "non-scalar roots are summed": Fault(
        "cotangents.py",
        "    if shape and any(n != 1 for n in shape):\n",
        "    if False:\n",
        "backward/non-scalar-root-error",
        "without a gradient argument",
    ),
    "untracked roots are ignored": Fault(
        "autograd.py",
        "        if edge is None or cotangent is None:\n",
        "        if edge is None or cotangent is None:\n            continue\n        if False:\n",
        "backward/untracked-root-error",
        "does not require grad",
    ),
    "cotangents may have any shape": Fault(
        "cotangents.py",
        "    if cotangent.shape[batched:] != shape:\n",
        "    if False:\n",
        "vjp/shape-mismatch-error",
        "shape",
    ),
    "everything is recorded under no_grad": Fault(
        "modes.py",
        "        mode.switch(False, mode.inference)\n",
        "        mode.switch(True, mode.inference)\n",
        "mode/no-grad-results-untracked",
        "inside no_grad",
    ),
    "detach copies": Fault(
        "tensor.py",
        "        alias = Tensor(self._array)\n        alias._writes = self._writes\n",
        "        alias = Tensor(self._array.copy())\n",
        "detach/shares-storage",
        "shares",
    ),
    "detach keeps the history": Fault(
        "tensor.py",
        "        alias._writes = self._writes\n        return alias\n",
        "        alias._writes = self._writes\n        alias._node, alias._output, alias._flag = "
        "self._node, self._output, self._flag\n"
        "        return alias\n",
        "detach/result-untracked",
        "detach",
    ),
    "no warning on non-leaf access": Fault(
        "tensor.py",
        "        if self._grad is None and self._node is not None and not self.retains_grad:\n",
        "        if False:\n",
        "grad/nonleaf-is-none-with-warning",
        "warning",
    ),
    "leaves may be written in place": Fault(
        "inplace.py", "leaf-inplace", "leaf-in-place", "inplace/leaf-error", "in-place operation on a leaf"
    ),
    "retain_graph is ignored": Fault(
        "graph.py",
        "            if not retain_graph:\n",
        "            if True:\n",
        "graph/retain-allows-repetition",
        "retain_graph",
    ),
    "untracked operands are tracked": Fault(
        "record.py", "(x._flag or x.requires_grad)", "True", "leaf/untracked-result-is-leaf", "is itself a leaf"
    ),
    "the second factor is added instead of multiplied": Fault(
        "rules.py",
        '"b": lambda g, a: g * a},\n    "div"',
        '"b": lambda g, a: g + a},\n    "div"',
        "backward/multiplication-swaps-operands",
        "product",
    ),
    "leaves share the incoming gradient": Fault(
        "tensor.py",
        "self._grad = untracked(first_gradient(gradient._array, self._array))",
        "self._grad = untracked(gradient._array)",
        "grad/no-aliasing-between-leaves",
        "do not share it",
    ),
    "mean is a sum": Fault(
        "rules.py",
        "spread(g / share(g, shape), shape, dim, keepdim)",
        "spread(g, shape, dim, keepdim)",
        "backward/mean-scales",
        "mean",
    ),
    "the second factor's gradient is transposed": Fault(
        "rules.py",
        '"b": lambda g, a: a.t().mm(g)}',
        '"b": lambda g, a: a.mm(g)}',
        "backward/matrix-product-with-ones",
        "b.grad holds",
    ),
    "only the last consumer counts": Fault(
        "graph.py",
        "        gradients[output] = gradient if present is None else present + gradient\n",
        "        gradients[output] = gradient\n",
        "backward/fan-out-sums",
        "sum of the contributions",
    ),
    "oldest nodes run first": Fault(
        "graph.py",
        "heappush(queue, (-node.order, node))",
        "heappush(queue, (node.order, node))",
        "backward/fan-out-sums",
        "sum",
    ),
}


def faulty(fault: Fault, folder: Path) -> Path:
    """A copy of the reference with one rule broken."""
    path = Path(shutil.copytree(room("engines") / "reference", folder, ignore=shutil.ignore_patterns("__pycache__")))
    file = path / fault.file
    text = file.read_text(encoding="utf-8")
    assert text.count(fault.rule) >= 1, f"{fault.file} no longer holds {fault.rule!r}: mend the fault"
    file.write_text(text.replace(fault.rule, fault.broken), encoding="utf-8")
    if "TENSORS" in fault.broken:
        # Which tensors a node made is not known to the graph: this fault keeps them on the side.
        with (path / "tensor.py").open("a", encoding="utf-8") as out:
            out.write(
                "\n\nimport weakref as _weakref\nfrom . import graph as _graph\n_made = _weakref.WeakSet()\n"
                "_init = Tensor.__init__\n"
                "def _noting(self, *a, **k):\n    _init(self, *a, **k)\n    _made.add(self)\n"
                "Tensor.__init__ = _noting\n_graph.TENSORS = lambda node: [t for t in _made if t._node is node]\n"
            )
    return path


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_rule_turns_the_run_red(name: str, harness: Harness, tmp_path: Path) -> None:
    """The run fails, the spec about the rule is among the unexpected verdicts, and its claim is in the message."""
    fault = FAULTS[name]
    engine = faulty(fault, tmp_path / "faulty")
    result = harness("run", "--engine", engine, "--report", "none", "--no-graphs", "-o", tmp_path / "out")
    assert result.code == 1
    run = read(tmp_path / "out" / "reference.jsonl")
    unexpected = {case.spec for case in run.cases.values() if case.standing is Standing.UNEXPECTED}
    assert fault.caught_by in unexpected, sorted(unexpected)
    told = harness("run", "--engine", engine, fault.caught_by, "--report", "none", "-o", tmp_path / "out")
    assert told.code == 1
    assert fault.caught_by in told.out
    assert fault.claims in told.out
    assert "see it again: harness explain" in told.out


def test_an_unbroken_copy_is_green(harness: Harness, tmp_path: Path) -> None:
    """A copy without a fault passes as the original does: it is the faults that turn the runs red."""
    path = shutil.copytree(
        room("engines") / "reference", tmp_path / "copy", ignore=shutil.ignore_patterns("__pycache__")
    )
    assert harness("run", "--engine", path, "--report", "none", "-o", tmp_path / "out").code == 0
