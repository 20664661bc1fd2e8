"""Expected values are confirmed by a second, independent way: forward mode in exact arithmetic, which has no tape."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.language.load import CheckedSpec
from harness.record import Status, read
from harness.selection import suite
from tests.conftest import Harness

pytest.importorskip("mpmath", reason="mpmath is not installed here")


def states_a_gradient(checked: CheckedSpec) -> bool:
    return any(
        _is_gradient(text) and value is not None for step in checked.spec.steps for text, value in step.expect.items()
    )


def _is_gradient(expression: str) -> bool:
    return ".grad" in expression and ".grad_fn" not in expression


def reduced(checked: CheckedSpec) -> Iterator[str]:
    """The spec with nothing left but what the oracle can speak of: values. The statements that must raise are gone, and so
    are warnings, retain_graph (nothing is ever freed in forward mode) and what is asked about the graph."""
    yield f"id: {checked.spec.id}\nclaim: reduced\nsource: reduced\n"
    if checked.spec.cases:
        yield f"cases: {json.dumps([dict(case) for case in checked.spec.cases])}\n"
    yield "steps:\n"
    for step, tree in zip(checked.spec.steps, checked.trees, strict=True):
        statements = [ast.unparse(statement) for statement in tree.body[: -1 if step.raises else None]]
        lines = "\n".join(line for line in statements if "retain_grad()" not in line and not line.endswith("y.grad"))
        lines = lines.replace("retain_graph=True", "").replace(", )", ")") or "done = 1"
        expect = {
            text: value for text, value in step.expect.items() if _is_gradient(text) and not text.startswith("y.")
        }
        yield f"  - run: |\n{''.join(f'      {line}' + chr(10) for line in lines.splitlines())}"
        if expect and not (step.warns or step.allows):
            yield f"    expect: {json.dumps(expect, default=str)}\n"


def test_the_oracle_contradicts_no_spec(harness: Harness, tmp_path: Path) -> None:
    """A spec that the oracle fails is wrong until somebody shows that the oracle is."""
    assert harness("run", "--engine", "exact", "--report", "none", "-o", "out").code == 0
    cases = read(tmp_path / "out" / "exact.jsonl").cases.values()
    assert {case.status for case in cases} <= {Status.PASS, Status.UNSUPPORTED, Status.NOT_APPLICABLE}


def test_every_gradient_is_confirmed(harness: Harness, tmp_path: Path) -> None:
    """Each spec that states a number for some .grad is confirmed, as it is or reduced to its values."""
    harness("run", "--engine", "exact", "--report", "none", "-o", "out")
    whole = read(tmp_path / "out" / "exact.jsonl")
    passed = {case.spec for case in whole.cases.values() if case.status is Status.PASS}
    stated = {checked.spec.id: checked for checked in suite() if states_a_gradient(checked)}
    assert len(stated) > 50
    files = []
    for id in stated.keys() - passed:
        path = tmp_path / "reduced" / f"{id.replace('/', '-')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(reduced(stated[id])))
        files.append(path)
    result = harness("run", "--engine", "exact", *files, "--report", "none", "-o", "out")
    assert result.code == 0, result.out + result.err
    confirmed = {
        case.spec for case in read(tmp_path / "out" / "exact.jsonl").cases.values() if case.status is Status.PASS
    }
    assert stated.keys() - passed - confirmed == set()
