"""The specs catch faults of the reference's tape: each rule, broken alone, turns the run red in the area about it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import Harness
from tests.faults.bench import Bench
from tests.faults.fault import REFERENCE, Fault, concepts

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every fault is planted in a fork of this process")

FAULTS = {f"{concept.title}: {fault.name}": fault for concept in concepts() for fault in concept.faults}


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_broken_rule_turns_its_area_red(fault: Fault, bench: Bench) -> None:
    """Where none can, the table says why; once one does, the table is out of date."""
    red = bench.caught(fault)
    if fault.survives:
        assert not red, f"it is caught now: {red}"
    else:
        assert set(red) == set(fault.areas.split())


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len(FAULTS) == sum(len(concept.faults) for concept in concepts())


def test_an_engine_without_a_fault_is_green(bench: Bench) -> None:
    """It is the faults that turn areas red: planting nothing changes nothing."""
    nothing = Fault(
        "none", "graph.py", "heappush(queue, (-node.order, node))", "heappush(queue, (-node.order, node))", ""
    )
    assert bench.caught(nothing, list(bench.programs)) == {}


def test_the_message_names_what_is_promised(harness: Harness, tmp_path: Path) -> None:
    """What somebody sees who runs the suite on an engine with a fault: the spec, its claim, and how to see it again."""
    folder = Path(shutil.copytree(REFERENCE, tmp_path / "faulty", ignore=shutil.ignore_patterns("__pycache__")))
    path = folder / "tensor.py"
    fault = FAULTS["Tensors, their flags, and gradients that accumulate in them: gradients overwrite"]
    path.write_text(fault.planted_in(path.read_text(encoding="utf-8")), encoding="utf-8")
    told = harness(
        "run", "--engine", folder, "grad/accumulates-over-graphs", "--report", "none", "-o", tmp_path / "out"
    )
    assert told.code == 1
    assert "grad/accumulates-over-graphs" in told.out
    assert "adds to the stored gradient instead of replacing it" in told.out
    assert "see it again: harness explain" in told.out
