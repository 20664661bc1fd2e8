"""The Ray executor on a cluster of two nodes, both on this machine: what it gives is what a local run gives, whatever dies."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness import plugins
from harness.engine import EngineUnusable
from harness.execution import Done, Limits, Source, machine
from harness.execution import ray as executors
from harness.exits import Exit
from harness.record import CaseLine, Status, read
from harness.run import target
from tests.conftest import Harness, SpecFile

STORE = 80 * 2**20
Edit = Callable[[str], Path]


class Nodes:
    """A Ray cluster in processes of this machine: a head that runs nothing, and nodes with one CPU each."""

    def __init__(self) -> None:
        os.environ.update(executors.QUIET)
        utils: Any = pytest.importorskip(
            "ray.cluster_utils", reason="Ray is not installed here (it has no wheel for all)"
        )
        self.cluster: Any = utils.Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False},
        )
        self.nodes: list[Any] = []

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def have(self, count: int, **environment: str) -> None:
        while len(self.nodes) < count:
            more = {"env_vars": environment} if environment else {}
            self.nodes.append(self.cluster.add_node(num_cpus=1, object_store_memory=STORE, **more))

    def kill(self) -> None:
        """End a node as a power failure does: its raylet and all that it started, at once."""
        node = self.nodes.pop()
        for process in machine.family(node.all_processes["raylet"][0].process.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.cluster.remove_node(node, allow_graceful=False)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    made = Nodes()
    yield made
    made.cluster.shutdown()


@pytest.fixture
def tensor(tiny: Path) -> Edit:
    """tensor("..."): an engine that does this whenever a tensor is made."""

    def edit(code: str) -> Path:
        text = (tiny / "__init__.py").read_text(encoding="utf-8")
        begin = "def tensor(data: Any, requires_grad: bool = False) -> Value:\n"
        assert begin in text
        text = text.replace(begin, begin + "".join(f"    {line}\n" for line in code.splitlines()))
        (tiny / "__init__.py").write_text(text, encoding="utf-8")
        return tiny

    return edit


def many(spec_file: SpecFile, count: int) -> Path:
    cases = "\n".join(f"  - {{v: {number}.}}" for number in range(count))
    return spec_file(f"cases:\n{cases}\nrun: x = tensor(v)\nexpect:\n  x: v")


def timeless(path: Path) -> dict[str, CaseLine]:
    """The cases of a record but for what no two runs share."""
    cases = read(path).cases
    return {
        id: msgspec.structs.replace(case, seconds=0.0, output=bool(case.output) * "...") for id, case in cases.items()
    }


def test_a_node_that_is_lost_takes_nothing_with_it(
    nodes: Nodes, harness: Harness, spec_file: SpecFile, tensor: Edit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two nodes is killed mid-run. Failures, crashes and hangs among the cases: the record is that of a local run,
    and each job was answered once."""
    nodes.have(2)
    answered: list[Done] = []
    taken: list[int] = []

    class Watched(executors.Ray):
        def run(self, sources: Mapping[int, Source]) -> Iterator[Done]:
            for done in super().run(sources):
                answered.append(done)
                if len(answered) == 60:
                    assert len({place.node for place in self.places if place.open}) == 2
                    nodes.kill()
                yield done

        def _lose(self, place: executors._Place, reason: str) -> None:
            taken.append(sum(call.asked for call in place.calls))
            super()._lose(place, reason)

    monkeypatch.setattr(executors, "Ray", Watched)
    engine = tensor(
        "import os, time\ntime.sleep(60 if data == 77.0 else 0.01)\nif data == 33.0:\n    os.abort()\n"
        "if data == 55.0:\n    data = 54.0"
    )
    run = ("run", "-e", engine, many(spec_file, 240), "--report", "none", "--timeout", "1")
    local = harness(*run, "-j", "2", "-o", "local")
    ray = harness(*run, "--executor", "ray", "--address", nodes.address, "-o", "ray")
    assert len(nodes.nodes) == 1 and sum(taken) > 0, "the node that was killed had nothing to lose"
    assert ray.code == local.code == Exit.NONCONFORMING, ray.err
    assert timeless(tmp_path / "ray" / "tiny.jsonl") == timeless(tmp_path / "local" / "tiny.jsonl")
    assert {case.status for case in read(tmp_path / "ray" / "tiny.jsonl").cases.values()} == {
        *(Status.PASS, Status.FAIL, Status.CRASH, Status.TIMEOUT),
    }
    assert set(Counter(id(done.job) for done in answered).values()) == {1}
    first = Counter(done.job.case.id for done in answered if not done.job.alone)
    assert len(first) == 240 and set(first.values()) == {1}


def test_what_ran_before_in_the_same_process_is_known(
    nodes: Nodes, harness: Harness, spec_file: SpecFile, tensor: Edit, tmp_path: Path
) -> None:
    """A case that fails only after another is flaky, and the other is named: histories and company cross the wire."""
    nodes.have(1)
    engine = tensor(
        "Value.seen = getattr(Value, 'seen', set()) | {data}\nif data == 9.0 and 4.0 in Value.seen:\n    data = 0.0"
    )
    run = ("run", "-e", engine, many(spec_file, 12), "--report", "none", "-j", "1")
    local = harness(*run, "-o", "local")
    ray = harness(*run, "--executor", "ray", "--address", nodes.address, "-o", "ray")
    assert ray.code == local.code, ray.err
    cases = timeless(tmp_path / "ray" / "tiny.jsonl")
    assert cases == timeless(tmp_path / "local" / "tiny.jsonl")
    assert cases["test/spec-1[10]"].status is Status.FLAKY
    assert "test/spec-1[5] ran before it" in cases["test/spec-1[10]"].reason


def test_what_kills_its_supervisor_is_found_and_set_aside(
    nodes: Nodes, harness: Harness, spec_file: SpecFile, tensor: Edit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A case that takes the slot with it, time and again, has no verdict; the others in its batch have theirs."""
    monkeypatch.setattr(executors, "LOSSES", 3)
    nodes.have(1)
    engine = tensor(
        "import os, signal, time\nif data == 20.0:\n    os.kill(os.getppid(), signal.SIGKILL)\n    time.sleep(5)"
    )
    result = harness(
        *(
            "run",
            "-e",
            engine,
            many(spec_file, 60),
            "--executor",
            "ray",
            "--address",
            nodes.address,
            "--report",
            "none",
        ),
        *("-j", "1"),
    )
    run = read(tmp_path / "harness-results" / "tiny.jsonl")
    assert not run.complete and "it was not tried again" in result.err
    assert {f"test/spec-1[{number}]" for number in range(1, 61)} - set(run.cases) == {"test/spec-1[21]"}


def test_a_node_with_another_version_is_not_asked(
    nodes: Nodes, harness: Harness, spec_file: SpecFile, tensor: Edit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All verdicts of a record are about one version of the engine."""
    reasons: list[str] = []

    class Watched(executors.Ray):
        def close(self) -> None:
            reasons.extend(reason for side in self.sides for reason in side.refused.values())
            super().close()

    monkeypatch.setattr(executors, "Ray", Watched)
    engine = tensor("import time\ntime.sleep(0.01)")
    text = (engine / "__init__.py").read_text(encoding="utf-8")
    text = text.replace('version = "1.0"', 'import os\n    version = os.environ.get("VERSION", "1.0")')
    (engine / "__init__.py").write_text(text, encoding="utf-8")
    nodes.have(1)
    nodes.have(2, VERSION="2.0")
    result = harness(
        *(
            "run",
            "-e",
            engine,
            many(spec_file, 300),
            "--executor",
            "ray",
            "--address",
            nodes.address,
            "--report",
            "none",
        )
    )
    nodes.kill()
    run = read(tmp_path / "harness-results" / "tiny.jsonl")
    assert result.code == Exit.OK, result.err
    assert len(run.cases) == 300
    (reason,) = reasons
    assert f"not the {run.header.engine.version} in" in reason


def test_no_node_with_room(nodes: Nodes, tensor: Edit) -> None:
    """Where no node can start a worker, the engine cannot be used, and that is known in time."""
    nodes.have(1)
    while nodes.nodes:
        nodes.kill()
    executor = executors.Ray(1, Limits(), nodes.address, patience=1.0)
    begun = time.monotonic()
    try:
        (answer,) = executor.open([target(plugins.find(str(tensor("pass"))), None, (), True)])
    finally:
        executor.close()
    assert isinstance(answer, EngineUnusable) and "no node of the Ray cluster could start a worker within 1 s" in str(
        answer
    )
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense"])
def test_there_is_no_cluster(harness: Harness, address: str) -> None:
    """A wrong address is one line, soon."""
    pytest.importorskip("ray", reason="Ray is not installed here (it has no wheel for all)")
    result = harness("run", "-e", "reference", "--executor", "ray", "--address", address)
    assert result.code == Exit.USAGE
    assert f"no Ray cluster at {address}" in result.err and result.err.count("\n") == 1


def test_ray_is_not_installed(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = harness("run", "-e", "reference", "--executor", "ray")
    assert result.code == Exit.USAGE and 'pip install "autograd-conformance[ray]"' in result.err


@pytest.mark.parametrize("options", [("--address", "auto"), ("--executor", "ray", "--isolate", "none")])
def test_contradictions(harness: Harness, options: tuple[str, ...]) -> None:
    assert harness("run", "-e", "reference", *options).code == Exit.USAGE
