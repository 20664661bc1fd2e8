"""What happens to an engine is not what it does: a correct one is not blamed for the limits under which it runs."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from harness import run as running
from harness.execution import machine
from harness.record import Status, read
from tests.conftest import Harness, SpecFile
from tests.execution.test_hostile import HOSTILE


def test_pytorch_says_out_of_memory_in_its_own_way() -> None:
    """The allocator's error is a plain RuntimeError: the adapter knows it for what it is, and no other error for that."""
    torch = pytest.importorskip("torch")
    from harness import plugins

    engine = plugins.load(plugins.find("torch"), None).engine
    with pytest.raises(RuntimeError) as told:
        torch.empty(2**50, dtype=torch.uint8)
    assert engine.exhausted(told.value) and engine.exhausted(MemoryError())
    assert not engine.exhausted(RuntimeError("element 0 of tensors does not require grad"))


def test_out_of_memory_is_no_failure(tiny: Path, spec_file: SpecFile, harness: Harness, tmp_path: Path) -> None:
    """What an adapter knows for a lack of memory is a crash that says so, also where an error is due."""
    init = tiny / "__init__.py"
    text = init.read_text().replace("    return Value(data, requires_grad)", "    raise RuntimeError('no room left')")
    more = "\n    def exhausted(self, error):\n        return 'no room' in str(error)\n"
    init.write_text(text + more)
    value, error = spec_file("run: x = tensor(1.)\nexpect: {x: 1.}"), spec_file("run: tensor(1.)\nraises: no-grad-fn")
    assert harness("run", "-e", tiny, value, error, "--report", "none", "-o", "out").code == 1
    cases = read(tmp_path / "out" / "tiny.jsonl").cases.values()
    assert [case.status for case in cases] == [Status.CRASH, Status.CRASH]
    assert all("no more memory" in case.reason and "no room left" in case.reason for case in cases)


def test_what_an_engine_says_to_lack_is_unsupported(
    tiny: Path, spec_file: SpecFile, harness: Harness, tmp_path: Path
) -> None:
    """An adapter knows the engine's own word for a missing derivative; any other error is a failure as before."""
    init = tiny / "__init__.py"
    raising = "    raise NotImplementedError('no rule for it') if data == 1 else RuntimeError('no rule either')"
    text = init.read_text().replace("    return Value(data, requires_grad)", raising)
    init.write_text(text + "\n    def lacks(self, error):\n        return isinstance(error, NotImplementedError)\n")
    lacking, wrong = (spec_file(f"run: x = tensor({number}.)\nexpect: {{x: 1.}}") for number in (1, 2))
    assert harness("run", "-e", tiny, lacking, wrong, "--report", "none", "-o", "out").code == 1
    cases = [*read(tmp_path / "out" / "tiny.jsonl").cases.values()]
    assert [case.status for case in cases] == [Status.UNSUPPORTED, Status.FAIL]
    assert cases[0].reason == "no rule for it"


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells memory")
def test_memory_that_a_fork_shares_is_counted_once() -> None:
    """A worker and its fork hold one copy of the engine: two would be a crash that nobody caused."""
    size = 200 * 2**20
    block = bytearray(b"x") * size
    child = os.fork()
    if child == 0:
        signal.pause()
    try:
        both = [os.getpid(), child]
        assert machine.used(both) > 2 * size
        assert size < machine.held(both) < machine.used(both) - 0.8 * size
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        del block


def test_nobody_passes_alone_who_never_ran_alone(
    harness: Harness, spec_file: SpecFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no second opinion can be had, the first is the verdict, also when there were so many searches that no other begins."""
    monkeypatch.setenv("HOSTILE_START", f"1:{tmp_path / 'starts'}")
    monkeypatch.setattr(running, "SEARCH", 0)
    path = spec_file("run: x = tensor(1001.)\nexpect: {x: 1001.}")
    harness("run", "-e", HOSTILE, path, "--report", "none", "-j", "1", "-o", "out")
    (case,) = read(tmp_path / "out" / "hostile.jsonl").cases.values()
    assert (case.status, "passes alone" in case.reason) == (Status.CRASH, False), case
