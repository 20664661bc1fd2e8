"""Engines that do their worst. Whatever one does to its process, every other case keeps its verdict and the run ends.

The engine is ``tests/outside/hostile``: what a tensor of 1001 and so on does stands in its table of misdeeds.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from harness import record
from harness.engine import EngineUnusable
from harness.execution import Limits, Target
from harness.execution.local import Local
from harness.record import CaseLine, Run, Standing, Status
from harness.worker.loading import Adapter

HOSTILE = Path(__file__).parent.parent / "outside" / "hostile"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="survivors are looked for in /proc")
_numbers = count()


class Ended(NamedTuple):
    """A run of the command line that is over."""

    code: int
    out: str
    err: str
    run: Run | None
    seconds: float
    survivors: list[int]
    """Processes that the run left behind."""
    memory: int
    """The most that the harness itself held, in bytes."""

    @property
    def cases(self) -> dict[str, CaseLine]:
        assert self.run is not None, self.err
        return {id.partition("/")[2]: case for id, case in self.run.cases.items()}

    @property
    def statuses(self) -> dict[str, str]:
        return {id: case.status.value for id, case in self.cases.items()}


def marked(mark: str) -> list[int]:
    """Living processes that bear ``mark`` in their environment or among their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                told = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                state = (entry / "stat").read_bytes().rpartition(b")")[2].split()[0]
                if mark.encode() in told and state not in (b"Z", b"X"):
                    found.append(int(entry.name))
    return found


def without_survivors(mark: str, patience: float = 2.0) -> list[int]:
    """Who is still there after a moment; they are ended, so that one test's mishap is not the next one's."""
    end = time.monotonic() + patience
    while (found := marked(mark)) and time.monotonic() < end:
        time.sleep(0.05)
    for process in found:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return found


def peak(process: int) -> int:
    """The most that a process ever held, in bytes; 0 of one that has ended.

    Not what `os.wait4` tells: that counts what the process that started it held."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{process}/status").read_text(), re.M)
    return int(found[1]) * 1024 if found else 0


def begin(folder: Path, *arguments: str | Path, mark: str, **environment: str) -> subprocess.Popen[bytes]:
    """``harness run`` in a process of its own; what it says goes to files in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "HARNESS_"))}
    with (folder / "out").open("ab") as out, (folder / "err").open("ab") as err:
        return subprocess.Popen(
            [sys.executable, "-m", "harness", "run", *map(str, arguments)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=kept | {"HOSTILE_MARK": mark, "HARNESS_CACHE": str(folder / "cache")} | environment,
        )


def harness_run(
    folder: Path,
    *arguments: str | Path,
    engine: str | Path = HOSTILE,
    limit: float = 240.0,
    **environment: str,
) -> Ended:
    """Run to the end, which comes within ``limit`` seconds."""
    mark = f"hostile-{os.getpid()}-{next(_numbers)}"
    begun, memory = time.monotonic(), 0
    process = begin(folder, "-e", engine, "--report", "none", "-o", "results", *arguments, mark=mark, **environment)
    try:
        while process.poll() is None:
            memory = max(memory, peak(process.pid))
            if time.monotonic() - begun > limit:
                pytest.fail(f"the run did not end within {limit:g} s")
            time.sleep(0.02)
    finally:
        seconds = time.monotonic() - begun
        if process.returncode is None:
            process.kill()
            process.wait()
        survivors = without_survivors(mark)
    assert memory
    records = sorted((folder / "results").glob("*.jsonl"))
    return Ended(
        process.returncode,
        (folder / "out").read_text(),
        (folder / "err").read_text(),
        record.read(records[0]) if records else None,
        seconds,
        survivors,
        memory,
    )


def write_specs(folder: Path, **numbers: float) -> list[str]:
    """A spec for each: a tensor of that number is that number. They run in the order of their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, number in numbers.items():
        (folder / f"{name}.yaml").write_text(
            f"id: test/{name}\nclaim: a tensor holds what it was given\nsource: a document\n"
            f"run: x = tensor({number!r})\nexpect: {{x: {number!r}}}\n"
        )
    return [str(folder / f"{name}.yaml") for name in numbers]


BEFORE = {f"a{i}": float(i) for i in range(4)}
AFTER = {f"z{i}": float(i) for i in range(4)}
HARMLESS = dict.fromkeys([*BEFORE, *AFTER], "pass")


class Misdeed(NamedTuple):
    """What a number does, and what is due."""

    number: float
    status: str
    reason: str = ""
    """Must be in the verdict's reason, or where it is a failure in its detail."""
    output: str = ""
    """Must be in what is kept of the engine's output."""
    options: tuple[str, ...] = ("--timeout", "1")


GARBAGE = "wrote what is no message where messages are due"
SLOW = ("--timeout", "15")
SMALL = ("--timeout", "4", "--memory", "256M")
MISDEEDS = {
    "reads address 0": Misdeed(1001.0, "crash", "SIGSEGV", "Fatal Python error: Segmentation fault"),
    "aborts": Misdeed(1002.0, "crash", "SIGABRT", "Fatal Python error: Aborted"),
    "prints and aborts": Misdeed(1039.0, "crash", "SIGABRT", "last words"),
    "ends with exit code 0": Misdeed(1003.0, "crash", "exit code 0"),
    "ends with exit code 3": Misdeed(1004.0, "crash", "exit code 3"),
    "loops in Python": Misdeed(1005.0, "timeout", "did not end within", "in loop"),
    "waits for itself": Misdeed(1006.0, "timeout", "did not end within", "in deadlock"),
    "loops in C": Misdeed(1007.0, "timeout", "did not end within", "in hold_the_gil"),
    "forks for ever": Misdeed(1008.0, "fail", "more than 64 processes"),
    "forks for ever and catches errors": Misdeed(1032.0, "timeout", "did not end within", "in fork_stubbornly"),
    "forks for ever behind Python's back": Misdeed(1031.0, "crash", "processes at once", options=("--timeout", "3")),
    "grows in private memory": Misdeed(1029.0, "crash", "memory", options=SMALL),
    "grows in shared memory": Misdeed(1009.0, "crash", "of --memory", options=SMALL),
    "grows in its children": Misdeed(1030.0, "crash", "of --memory", options=SMALL),
    "a gigabyte on stdout": Misdeed(1010.0, "pass", options=SLOW),
    "a gigabyte on stderr": Misdeed(1011.0, "pass", options=SLOW),
    "garbage on the channel": Misdeed(1012.0, "crash", GARBAGE),
    "half a message on the channel": Misdeed(1025.0, "crash", GARBAGE),
    "an answer to another question": Misdeed(1034.0, "crash", "answered run 999999"),
    "an endless line on the channel": Misdeed(1033.0, "crash", "wrote without end", options=SLOW),
    "closes all descriptors": Misdeed(1014.0, "crash", "exit code 1"),
    "forks and returns twice": Misdeed(1015.0, "pass"),
    "goes on as a daemon": Misdeed(1028.0, "crash", "exit code 0"),
    "upsets the process": Misdeed(1016.0, "pass"),
    "stops itself": Misdeed(1017.0, "timeout", "did not end within"),
    "recurses beyond the stack": Misdeed(
        1018.0, *(("crash", "SIGSEGV", "in <lambda>") if sys.version_info < (3, 12) else ("fail", "Recursion"))
    ),
    "raises KeyboardInterrupt": Misdeed(1019.1, "fail", "KeyboardInterrupt: of the engine"),
    "raises SystemExit": Misdeed(1019.2, "fail", "SystemExit: of the engine"),
    "raises GeneratorExit": Misdeed(1019.3, "fail", "GeneratorExit: of the engine"),
    "leaves a grandchild": Misdeed(1021.0, "crash", "exit code 0"),
    "hangs at exit": Misdeed(1022.0, "pass"),
    "a message without end": Misdeed(1023.0, "timeout", "did not end within", "in loop"),
    "a message that cannot be read": Misdeed(1035.0, "error", "cannot be read"),
    "a message of control characters": Misdeed(1038.0, "fail", "ValueError: "),
    "patches Python": Misdeed(1024.1, "pass"),
    "patches os.write": Misdeed(1024.2, "pass"),
    "becomes another program": Misdeed(1026.0, "timeout", "did not end within"),
    "closes its streams": Misdeed(1036.0, "pass"),
    "forgets modules": Misdeed(1037.0, "pass"),
}

Outcomes = Callable[[str], Ended]


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """The run of every misdeed that was selected, several at once: most of them only wait."""
    folder = tmp_path_factory.mktemp("misdeeds")
    items = [item for item in request.session.items if isinstance(item, pytest.Function) and hasattr(item, "callspec")]
    wanted = {item.callspec.params.get("name") for item in items}

    def run(name: str) -> Ended:
        misdeed = MISDEEDS[name]
        place = folder / str(misdeed.number)
        files = write_specs(place, **BEFORE, m=misdeed.number, **AFTER)
        return harness_run(place, "-j", "1", *misdeed.options, *files)

    with ThreadPoolExecutor(4) as pool:
        futures: dict[str, Future[Ended]] = {name: pool.submit(run, name) for name in MISDEEDS if name in wanted}
        yield lambda name: futures[name].result()


@pytest.mark.parametrize("name", MISDEEDS)
def test_a_misdeed_is_told_of_the_case_that_did_it(outcomes: Outcomes, name: str) -> None:
    """The case gets the verdict that is due, with how the process died and the last that it wrote; every other case passes,
    the gate closes, the run ends soon and no process of the engine outlives it."""
    misdeed, ended = MISDEEDS[name], outcomes(name)
    case = ended.cases["m"]
    told = f"{ended.err}\n{case}"
    assert ended.statuses == HARMLESS | {"m": misdeed.status}, told
    assert not any(ended.cases[id].remarks or ended.cases[id].leaks for id in HARMLESS), told
    assert misdeed.reason in " ".join([case.reason, *(failure.detail for failure in case.failures)]), told
    assert misdeed.output in case.output, told
    assert ended.code == (0 if misdeed.status == "pass" else 1), told
    assert ended.run is not None and ended.run.complete
    assert not ended.survivors
    assert ended.seconds < 200  # limits are scaled to how slow the machine is now
    assert ended.memory < 600 * 2**20
    assert "Traceback" not in ended.err


def test_what_a_case_left_changed_is_named_and_undone(tmp_path: Path) -> None:
    """Of the process and of the engine's own state: the case that changed it is told, the next finds it as it was."""
    ended = harness_run(tmp_path, "-j", "1", *write_specs(tmp_path, a=1.0, b=1016.0, c=2.0, d=3001.0, e=3.0))
    assert ended.code == 0 and set(ended.statuses.values()) == {"pass"}, ended
    leaks = {id: "; ".join(case.leaks) for id, case in ended.cases.items()}
    assert leaks["d"] == "mode: 'calm' became 'excited'"
    for what in ("sys.stdout", "HOSTILE_WAS_HERE", "sys.setrecursionlimit: 1000 became 5000", "directory"):
        assert what in leaks["b"]
    assert not (leaks["a"] or leaks["c"] or leaks["e"])


def test_no_case_is_blamed_for_what_many_left_in_memory(tmp_path: Path) -> None:
    """Each keeps 16 MB, all together more than a worker may hold: it is replaced in between, and nobody is told."""
    ended = harness_run(
        tmp_path, "-j", "1", "--memory", "1G", *write_specs(tmp_path, **{f"a{i:02}": 4000.0 + i for i in range(90)})
    )
    assert ended.code == 0 and set(ended.statuses.values()) == {"pass"}, ended
    assert not any(case.remarks or case.leaks for case in ended.cases.values())


def test_all_misdeeds_in_one_run(tmp_path: Path) -> None:
    """Four workers, one engine that does everything at once: the same verdicts as one by one."""
    chosen = {
        f"m{i:02}": misdeed for i, misdeed in enumerate(MISDEEDS.values()) if misdeed.options == ("--timeout", "1")
    }
    numbers = {name: misdeed.number for name, misdeed in chosen.items()}
    harmless = {f"m{i:02}x": float(i) for i in range(len(MISDEEDS))}
    ended = harness_run(tmp_path, "-j", "4", "--timeout", "1", *write_specs(tmp_path, **numbers, **harmless))
    due = dict.fromkeys(harmless, "pass") | {name: misdeed.status for name, misdeed in chosen.items()}
    assert ended.statuses == due, ended.err
    assert ended.code == 1 and not ended.survivors


def test_a_process_that_dies_of_an_earlier_case(tmp_path: Path) -> None:
    """A bomb with a fuse goes off in a later case: that one is flaky, and the case that lit the fuse is named."""
    files = write_specs(tmp_path, a0=0.0, b=1013.0, c=3002.0, z0=0.0)
    ended = harness_run(tmp_path, "-j", "1", *files)
    assert ended.statuses == {"a0": "pass", "b": "pass", "c": "flaky", "z0": "pass"}
    assert "when test/b ran before it" in ended.cases["c"].reason and "SIGKILL" in ended.cases["c"].reason
    assert ended.code == 1 and not ended.survivors


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("segfault", "died of SIGSEGV"),
        ("exit", "exit code 3"),
        ("quiet", "exit code 0"),
        ("raise", "RuntimeError: not today"),
        ("interrupt", "KeyboardInterrupt"),
    ],
)
def test_an_engine_that_does_not_start_is_one_message(tmp_path: Path, how: str, told: str) -> None:
    """Nothing is judged, nothing is written, nothing stays behind; the message says how it died, and what it last wrote."""
    ended = harness_run(tmp_path, *write_specs(tmp_path, **BEFORE), HOSTILE_START=how)
    assert ended.code == 6, ended.err
    assert ended.err.count("harness:") == 1 and told in ended.err, ended.err
    assert "cannot be" in ended.err and "Traceback (most" not in ended.err
    assert (how != "segfault") or "about to die" in ended.err
    assert ended.run is None and not ended.survivors


def test_an_engine_that_hangs_at_its_start_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine can make the harness wait for ever."""
    mark = f"hostile-{os.getpid()}-{next(_numbers)}"
    monkeypatch.setenv("HOSTILE_START", "hang")
    monkeypatch.setenv("HOSTILE_MARK", mark)
    pool = Local(2, Limits(timeout=1.0, start=1.5))
    begun = time.monotonic()
    try:
        (answer,) = pool.open([Target(Adapter("hostile", str(HOSTILE)))])
    finally:
        pool.close()
    assert isinstance(answer, EngineUnusable) and "did not end within 1.5 s" in str(answer)
    assert "in start" in str(answer), "where it hangs is told"
    assert time.monotonic() - begun < 10 and not without_survivors(mark)


def test_an_engine_that_never_starts_again(tmp_path: Path) -> None:
    """What was judged is kept, what is left has no verdict, and one message says why; the run ends and is not green."""
    files = write_specs(tmp_path, **BEFORE, m=1001.0, **AFTER)
    ended = harness_run(tmp_path, "-j", "1", *files, HOSTILE_START=f"1:{tmp_path / 'starts'}")
    assert ended.code == 7, ended.err
    assert ended.err.count("no worker of the engine could be started any more") == 1 and "SIGABRT" in ended.err
    assert ended.err.count("harness:") == 1, ended.err
    assert {id: status for id, status in ended.statuses.items() if id in BEFORE} == dict.fromkeys(BEFORE, "pass")
    assert not ended.statuses.keys() & AFTER.keys() and not ended.survivors
    assert ended.run is not None and not ended.run.complete


def test_the_case_after_which_an_engine_never_starts_again_is_told(tmp_path: Path) -> None:
    """A crash that was seen is a verdict, even where nobody can look a second time."""
    files = write_specs(tmp_path, **BEFORE, m=1001.0, **AFTER)
    ended = harness_run(tmp_path, "-j", "1", *files, HOSTILE_START=f"1:{tmp_path / 'starts'}")
    assert ended.statuses.get("m") == "crash", ended.err


def test_an_engine_that_starts_at_times(tmp_path: Path) -> None:
    """One start that fails is not the end: another is tried."""
    files = write_specs(tmp_path, **BEFORE, m=1001.0, **AFTER)
    ended = harness_run(tmp_path, "-j", "1", *files, HOSTILE_START=f"not 2:{tmp_path / 'starts'}")
    assert ended.statuses == HARMLESS | {"m": "crash"}, ended.err
    assert ended.code == 1 and not ended.survivors


def test_a_crash_in_every_case(tmp_path: Path) -> None:
    """Every case is told, the run ends."""
    numbers = {f"m{i}": 1001.0 if i % 2 else 1002.0 for i in range(10)}
    ended = harness_run(tmp_path, *write_specs(tmp_path, **numbers))
    assert ended.statuses == dict.fromkeys(numbers, "crash") and ended.code == 1
    assert all("SIGSEGV" in case.reason or "SIGABRT" in case.reason for case in ended.cases.values())
    assert ended.run is not None and ended.run.complete and not ended.survivors


@pytest.mark.parametrize(
    ("victim", "culprits", "does"),
    [
        (2010.0, {"c": 2001.0}, "it fails"),
        (2012.0, {"c": 2001.0}, "the process dies"),
        (2011.0, {"c": 2001.0, "k": 2002.0}, "it fails"),
    ],
)
def test_a_case_that_fails_only_in_company(
    tmp_path: Path, victim: float, culprits: Mapping[str, float], does: str
) -> None:
    """It is flaky, with exactly the cases after which it fails, although a dozen others ran before it as well."""
    harmless = {f"{letter}{i}": float(i) for letter in "adlz" for i in range(5)}
    numbers = dict(sorted((harmless | dict(culprits) | {"v": victim}).items()))
    ended = harness_run(tmp_path, "-j", "1", *write_specs(tmp_path, **numbers))
    assert ended.statuses == dict.fromkeys(numbers, "pass") | {"v": "flaky"}
    company = ", ".join(f"test/{id}" for id in culprits)
    assert f"it passes alone; {does} when {company} ran before it" in ended.cases["v"].reason
    assert ended.code == 1


@pytest.mark.parametrize("number", [2013.0, 2014.0])
def test_repetitions_that_disagree_are_flaky(tmp_path: Path, number: float) -> None:
    """An engine that fails, or dies, every third time is seen by five repetitions, and counted."""
    ended = harness_run(tmp_path, "-j", "1", "--repeat", "5", *write_specs(tmp_path, a=1.0, m=number, z=1.0))
    assert ended.statuses == {"a": "pass", "m": "flaky", "z": "pass"}
    assert f"of 5 runs: pass 4 times, {'fail' if number == 2013.0 else 'crash'} 1 times" in ended.cases["m"].reason
    assert ended.code == 1 and not ended.survivors


def lines(path: Path, *left_out: str) -> list[str]:
    """A record's lines as text, but for what differs between two runs by right: times, and how the run was called."""

    def timeless(data: dict[str, object]) -> str:
        for key in ("seconds", "started", "command", *left_out):
            data.pop(key, None)
        if isinstance(reason := data.get("reason"), str):
            data["reason"] = re.sub(r"within \S+ s", "within its time", reason)
        return json.dumps(data)  # keeps the order of keys: records are compared byte by byte

    return [timeless(json.loads(line)) for line in path.read_text().splitlines()]


CORE = ["--profile", "core", "leaf", "grad", "graph"]


@pytest.fixture
def kept(cache: Path) -> str:
    """Runs of the suite share what was worked out of it."""
    return str(cache)


@pytest.mark.parametrize("isolate", ["none", "case"])
def test_isolation_changes_no_verdict(tmp_path: Path, kept: str, isolate: str) -> None:
    """In this process, in workers, in a process for each: one record."""
    for kind in ("worker", isolate):
        ended = harness_run(tmp_path / kind, "--isolate", kind, *CORE, engine="reference", HARNESS_CACHE=kept)
        assert ended.code == 0, ended.err
    kinds = [lines(tmp_path / kind / "results" / "reference.jsonl") for kind in ("worker", isolate)]
    assert kinds[0] == kinds[1]


def test_isolating_each_case_gives_misdeeds_the_same_verdicts(tmp_path: Path) -> None:
    """A record of one engine is the same whether cases shared a process or not."""
    numbers = BEFORE | {"m1": 1001.0, "m2": 1003.0, "m3": 1005.0, "m4": 1019.2, "m5": 2001.0, "m6": 2010.0} | AFTER
    for kind in ("worker", "case"):
        options = ("-j", "2" if kind == "case" else "1", "--isolate", kind, "--timeout", "1")
        ended = harness_run(tmp_path / kind, *options, *write_specs(tmp_path / "specs", **numbers))
        due = {"m1": "crash", "m2": "crash", "m3": "timeout", "m4": "fail", "m5": "pass"}
        assert ended.statuses == HARMLESS | due | {"m6": "flaky" if kind == "worker" else "pass"}, ended.err
        assert ended.code == 1 and not ended.survivors


@pytest.mark.parametrize("engine", ["reference", "hostile"])
def test_the_number_of_workers_changes_nothing(tmp_path: Path, kept: str, engine: str) -> None:
    """One, two or four at once: records are equal, but for times."""
    numbers = BEFORE | {"m1": 1005.0, "m2": 1001.0, "m3": 1019.3, "m4": 3002.0} | AFTER
    files = write_specs(tmp_path / "specs", **numbers) if engine == "hostile" else CORE
    found = []
    for jobs in ("1", "2", "4"):
        chosen = HOSTILE if engine == "hostile" else engine
        ended = harness_run(tmp_path / jobs, "-j", jobs, "--timeout", "1", *files, engine=chosen, HARNESS_CACHE=kept)
        assert ended.code == (1 if engine == "hostile" else 0), ended.err
        found.append(lines(tmp_path / jobs / "results" / f"{engine}.jsonl", "output"))  # which holds addresses
    assert [*map(json.loads, found[0])] == [*map(json.loads, found[1])] == [*map(json.loads, found[2])]
    if engine == "reference":
        assert found[0] == found[1] == found[2]


def test_the_order_in_which_verdicts_came_is_nowhere_in_a_record(tmp_path: Path) -> None:
    """A failure is doubted, so that it is final later than what ran behind it: no byte of the record depends on that."""
    files = write_specs(tmp_path / "specs", a=1019.3, b=1.0)
    found = []
    for kind in ("none", "worker"):
        assert harness_run(tmp_path / kind, "--isolate", kind, *files).statuses == {"a": "fail", "b": "pass"}
        found.append(lines(tmp_path / kind / "results" / "hostile.jsonl"))
    assert found[0] == found[1]


FAKE = """\
import json, os, sys, time
told, given = [], {}
def say(message):
    told.append(json.dumps(message).encode() + b"\\n")
for text in sys.stdin:
    order = json.loads(text)
    if order["message"] == "start":
        version = os.environ.get("FAKE_VERSION", "1")
        say({"message": "capabilities", "protocol": "1.0", "version": version, "names": ["tensor"], "attributes": []})
    elif order["message"] == "program":
        given[order["program"]] = order["id"]
        continue
    elif order["message"] == "run":
        id = given[order["program"]]
        if id == "test/m" and "FAKE_ANSWER" not in os.environ:
            told.append(b"garbage\\n")
        elif id == "test/m":
            time.sleep(0.2)  # what was answered before is read by now
            say({"message": "result", "run": order["run"], **json.loads(os.environ["FAKE_ANSWER"])})
        else:
            value = {"dtype": "float64", "shape": [], "values": float(id[-1])}
            say({"message": "result", "run": order["run"], "steps": [{"observed": [value]}]})
            if id == "test/a3" and order["run"] > 1 and "FAKE_ANSWER" not in os.environ:
                continue  # told together with what comes next
    os.write(1, b"".join(told))
    told.clear()
"""


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    """An engine that is no Python: its worker answers from a table, and with FAKE_ANSWER where test/m is asked."""
    folder = tmp_path / "fake"
    folder.mkdir()
    (folder / "worker.py").write_text(FAKE)
    (folder / "engine.yaml").write_text(
        "name: fake\ntitle: Fake\nsummary: answers from a table\nfollows: none\ndefault-dtype: float64\n"
        f"command: [{sys.executable}, worker.py]\n"
    )
    return folder


def test_an_answer_before_garbage_counts(tmp_path: Path, fake: Path) -> None:
    """Garbage is blamed on the case at hand, not on the one whose good answer came in the same breath."""
    files = write_specs(tmp_path, **BEFORE, m=1.0, **AFTER)
    ended = harness_run(tmp_path, "-j", "1", "--timeout", "2", *files, engine=fake)
    assert ended.statuses == HARMLESS | {"m": "crash"}, f"{ended.err} {ended.cases}"
    assert GARBAGE in ended.cases["m"].reason


NONSENSE = {
    "nothing": ({}, "error"),
    "no steps": ({"steps": []}, "error"),
    "too many steps": ({"steps": [{"observed": [1.0]}] * 3}, "error"),
    "a number that is none": ({"steps": [{"observed": [{"number": "one"}]}]}, "crash"),
    "a number of too many digits": ({"steps": [{"observed": [{"number": "9" * 5000}]}]}, "crash"),
    "an object that is none": ({"steps": [{"observed": [{}]}]}, "crash"),
    "a shape that is none": ({"steps": [{"observed": [{"dtype": "float64", "shape": ["1"], "values": 1.0}]}]}, "crash"),
    "a shape of other values": (
        {"steps": [{"observed": [{"dtype": "float64", "shape": [2], "values": 1.0}]}]},
        "error",
    ),
    "an edge to no node": ({"graph": {"nodes": [["a", "leaf", []]], "edges": [[0, 1]]}}, "crash"),
    "a class whose name holds nothing": ({"steps": [{"observed": [{"foreign": "\0"}]}]}, "error"),
    "an error of no kind": ({"aborted": {"text": "\x1b[2J", "kind": "nonsense", "line": -5, "top": 10**9}}, "fail"),
    "an error where none is due": (
        {"steps": [{"raised": {"text": "oh"}, "observed": [{"dtype": "float64", "shape": [], "values": 1.0}]}]},
        "error",
    ),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_an_answer_that_makes_no_sense_is_told_of_its_case(tmp_path: Path, fake: Path, name: str) -> None:
    """Whatever a worker in another language says, the harness does not break, and no other case pays for it."""
    answer, status = NONSENSE[name]
    files = write_specs(tmp_path, **BEFORE, m=1.0, **AFTER)
    ended = harness_run(tmp_path, "-j", "1", *files, engine=fake, FAKE_ANSWER=json.dumps(answer))
    assert ended.code == 1 and "internal error" not in ended.err, ended.err
    assert ended.statuses["m"] == status, ended.cases["m"]
    assert {id: ended.statuses[id] for id in HARMLESS} == HARMLESS


def test_a_version_cannot_speak_to_the_ci_system(tmp_path: Path, fake: Path) -> None:
    """No line of the output begins with what a worker chose: a CI runner takes :: for a command."""
    ended = harness_run(tmp_path, *write_specs(tmp_path, a=1.0), engine=fake, FAKE_VERSION="1\n::error::red")
    assert not [line for line in (ended.out + ended.err).splitlines() if line.startswith("::")]


def test_a_harness_that_is_stopped_for_a_while_blames_nobody(tmp_path: Path) -> None:
    """Ctrl-Z and a lid that is closed take seconds from the harness, not from the engine."""
    files = write_specs(tmp_path, **{f"a{i:03}": float(i) for i in range(300)})
    mark = f"hostile-{os.getpid()}-{next(_numbers)}"
    arguments: tuple[str | Path, ...] = (
        "-e",
        HOSTILE,
        "--report",
        "none",
        "-o",
        "results",
        "-j",
        "2",
        "--timeout",
        "1",
        *files,
    )
    process = begin(tmp_path, *arguments, mark=mark, HOSTILE_SLEEP="0.01")
    path = tmp_path / "results" / "hostile.jsonl"
    while not path.exists() or path.read_bytes().count(b'"line":"case"') < 30:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGSTOP)
    time.sleep(4)
    process.send_signal(signal.SIGCONT)
    assert process.wait(240) == 0
    cases = record.read(path).cases.values()
    assert len(cases) == 300
    assert all(case.status is Status.PASS and case.standing is Standing.EXPECTED for case in cases)
    assert not [(case.id, case.remarks) for case in cases if case.remarks]
    assert not without_survivors(mark)
