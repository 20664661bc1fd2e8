"""The worker for TensorFlow.js, through the protocol: what it shows, what it lacks, what it says without the package."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.exits import Exit
from harness.places import room
from harness.record import Status
from tests.conftest import Harness, Judge, SpecFile

FOLDER = room("engines") / "tfjs"
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here")
INSTALLED = pytest.mark.skipif(
    not (FOLDER / "node_modules" / "@tensorflow").is_dir(), reason="npm install was not run in engines/tfjs"
)


def test_without_the_package_it_says_what_to_type(harness: Harness, tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "tfjs", ignore=shutil.ignore_patterns("node_modules"))
    told = harness("run", "--engine", folder, "--area", "kinks")
    assert told.code == Exit.ENGINE_UNUSABLE and "Cannot find module '@tensorflow/tfjs'" in told.err
    assert f"npm install --prefix {folder}" in told.err


@INSTALLED
def test_what_the_engine_computes_is_judged(judge: Judge, spec_file: SpecFile) -> None:
    """Right numbers pass, also those that JSON has no word for, and wrong ones fail with what was seen."""
    run = judge(
        spec_file(
            "run: |\n  x = tensor([2., 3.], requires_grad=True)\n  (x * x).sum().backward()\nexpect: {x.grad: [4., 6.]}\n"
        ),
        spec_file(
            "run: |\n  x = tensor([2., 3.], requires_grad=True)\n  (x * x).sum().backward()\nexpect: {x.grad: [4., 7.]}\n"
        ),
        spec_file(
            "run: |\n  x = tensor([0., -1.])\n  y = log(x)\n  k = x > -0.5\nexpect: {y: [-inf, nan], k: [true, false]}\n"
        ),
        spec_file("run: x = tensor([1, 2])\nexpect: {x.dtype: int32, 'x.shape': [2], 'x.tolist()': [1, 2]}\n"),
        engine=FOLDER,
        isolate="worker",
    )
    cases = list(run.cases.values())
    assert [case.status for case in cases] == [Status.PASS, Status.FAIL, Status.PASS, Status.PASS]
    assert cases[1].failures[0].what == "value" and run.header.engine.version == "4.22.0"


@INSTALLED
@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("x = tensor([1.], dtype=float64)", Status.UNSUPPORTED),
        ("x = tensor([1. + 1j])", Status.UNSUPPORTED),
        ("x = tensor([[1., 2.]]).sum(dim=0, dtype=float32)", Status.UNSUPPORTED),
        ("x = softmax(tensor([[1., 2.]]), dim=0)", Status.UNSUPPORTED),
        ("x = tensor([1.], requires_grad=True)\nx.register_hook(None)", Status.NOT_APPLICABLE),
        ("x = matmul(tensor([1., 2.]), tensor([1., 2., 3.]))", Status.FAIL),
    ],
)
def test_what_it_lacks_is_no_failure(judge: Judge, spec_file: SpecFile, program: str, status: Status) -> None:
    lines = "".join(f"  {line}\n" for line in program.splitlines())
    (case,) = judge(
        spec_file(f"run: |\n{lines}expect: {{x.shape: [1]}}\n"), engine=FOLDER, isolate="worker"
    ).cases.values()
    assert case.status is status, case
