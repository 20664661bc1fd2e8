"""A run that is stopped, whoever or whatever stops it and when, is gone on with: nothing is lost, nothing is judged twice."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from harness import record
from tests.conftest import Harness
from tests.execution.test_hostile import AFTER, BEFORE, HOSTILE, begin, marked, without_survivors, write_specs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is left is looked for in /proc")
CASES = {f"c{i:03}": float(i) for i in range(240)} | {"m1": 1003.0, "m2": 1019.2, "m3": 1001.0}
COMMON = ("-e", str(HOSTILE), "--report", "none", "-o", "results")
SLOW = {"HOSTILE_SLEEP": "0.02"}
_numbers = count()


def new_mark() -> str:
    return f"resume-{os.getpid()}-{next(_numbers)}"


def parsed(path: Path) -> list[dict[str, Any]]:
    """A record's lines, but for times and for addresses in what the engine wrote. Every line can be read."""

    def timeless(data: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in data.items() if key not in ("seconds", "started", "output")}

    return [timeless(json.loads(line)) for line in path.read_bytes().split(b"\n")[:-1]]


def judged(path: Path) -> Counter[str]:
    return Counter(line["id"] for line in parsed(path) if line["line"] == "case")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_specs(tmp_path_factory.mktemp("specs"), **CASES)


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory, files: list[str]) -> Path:
    """The record of a run that nobody stopped."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert begin(folder, *COMMON, "-j", "2", *files, mark=new_mark()).wait(240) == 1
    return folder / "results" / "hostile.jsonl"


@pytest.fixture(scope="module")
def undisturbed(complete: Path) -> list[dict[str, Any]]:
    """What stands in it."""
    return parsed(complete)


def workers(mark: str) -> list[int]:
    """The processes of a run that are workers, or forks of one."""
    found = []
    for process in marked(mark):
        with suppress(OSError):
            if b"HARNESS_WORKER=" in Path(f"/proc/{process}/environ").read_bytes():
                found.append(process)
    return found


def test_a_harness_that_is_killed_at_any_moment(
    tmp_path: Path, files: list[str], undisturbed: list[dict[str, Any]]
) -> None:
    """Killed twenty times in all at random moments and resumed, it ends with the record that it would have written undisturbed,
    and no worker ever outlives it."""

    def one(number: int) -> None:
        dice, folder, mark, kills = random.Random(number), tmp_path / str(number), new_mark(), 0
        for attempt in range(12):
            again = ["--resume"] if attempt else []
            process = begin(folder, *COMMON, "-j", "2", *again, *files, mark=mark, **SLOW)
            try:
                # The last attempts may take as long as they need.
                assert process.wait(dice.uniform(0.4, 1.5) if kills < 4 else 240) == 1, (folder / "err").read_text()
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
                assert not without_survivors(mark), "a worker outlived the harness"
                path = folder / "results" / "hostile.jsonl"
                if path.exists() and b"\n" in path.read_bytes():
                    assert max(judged(path).values(), default=1) == 1
        assert kills >= 3
        assert parsed(folder / "results" / "hostile.jsonl") == undisturbed
        assert not [*(folder / "results").glob(".*")], "a temporary file is left"
        assert "Traceback" not in (folder / "err").read_text()

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(one, number) for number in range(5)]:
            future.result()


def test_workers_that_are_killed_at_any_moment(
    tmp_path: Path, files: list[str], undisturbed: list[dict[str, Any]]
) -> None:
    """A worker that somebody else kills costs no case its verdict: the record is that of an undisturbed run, without --resume."""

    def one(number: int) -> None:
        dice, folder, mark, kills = random.Random(number), tmp_path / str(number), new_mark(), 0
        process = begin(folder, *COMMON, "-j", "2", *files, mark=mark, **SLOW)
        path = folder / "results" / "hostile.jsonl"
        while process.poll() is None and kills < 3:
            # An engine that dies at its very first start is one that cannot be used.
            time.sleep(dice.uniform(0.1, 0.7) if path.exists() else 0.02)
            if not path.exists():
                continue
            if there := sorted(workers(mark)):
                with suppress(ProcessLookupError):
                    os.kill(dice.choice(there), signal.SIGKILL)
                    kills += 1
        assert process.wait(240) == 1, (folder / "err").read_text()
        assert not without_survivors(mark)
        assert kills
        assert parsed(path) == undisturbed

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(one, number) for number in range(3)]:
            future.result()


@pytest.fixture
def small(harness: Harness, tmp_path: Path) -> tuple[Path, list[str]]:
    """A complete record, and the words of its run."""
    words = ["run", *COMMON, *write_specs(tmp_path / "specs", **BEFORE, m=1019.2, **AFTER), "--isolate", "none"]
    assert harness(*words).code == 1
    return tmp_path / "results" / "hostile.jsonl", words


def whole(path: Path) -> list[dict[str, Any]]:
    """What it says, without the header's command: in-process, that is pytest's."""
    return [{key: value for key, value in line.items() if key != "command"} for line in parsed(path)]


def test_a_record_cut_at_any_byte_is_gone_on_with(harness: Harness, small: tuple[Path, list[str]]) -> None:
    """At each of the last 300 bytes, and some of all others: what is whole of it is kept, and the record becomes whole again."""
    path, words = small
    data, due, before = path.read_bytes(), whole(path), record.read(path)
    header, last = data.index(b"\n"), range(len(data) - 300, len(data))
    for cut in last:
        path.write_bytes(data[:cut])
        kept = record.resume(path, before.header, before.specs)
        assert kept is not None and kept.cases.items() <= before.cases.items(), f"cut at {cut} of {len(data)}"
        assert path.read_bytes() == data[: data.rfind(b"\n", 0, cut) + 1]
    ends = [at + more for at in last if data[at : at + 1] == b"\n" for more in (-1, 0, 1)]
    for cut in sorted({*last[::20], *ends, *range(0, header + 2, 211), *range(0, len(data), 2003), header}):
        path.write_bytes(data[:cut])
        result = harness(*words, "--resume")
        assert result.code == 1, f"cut at {cut} of {len(data)}: {result.err}"
        assert whole(path) == due, f"cut at {cut} of {len(data)}"
        assert not [*path.parent.glob(".*")]


def test_a_record_that_is_stopped_twice_at_the_end_of_a_line(harness: Harness, small: tuple[Path, list[str]]) -> None:
    """A last line that lacks only its end is whole or not there, and stays so: what is on disk is what was judged."""
    path, _ = small
    data = path.read_bytes()
    lines = data.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-3])[:-1])  # the last line that is left lacks its end
    run = record.read(path)
    kept = record.resume(path, run.header, run.specs)
    assert kept is not None
    assert set(kept.cases) == set(judged(path))


def test_resuming_a_complete_record_changes_nothing(
    tmp_path: Path, files: list[str], undisturbed: list[dict[str, Any]]
) -> None:
    """There is nothing left to do: the same record, the same exit code, no case run again."""
    few = files[:40]
    assert begin(tmp_path, *COMMON, *few, mark=new_mark()).wait(240) == 0
    path = tmp_path / "results" / "hostile.jsonl"
    before = parsed(path)
    begun = time.monotonic()
    assert begin(tmp_path, *COMMON, "--resume", *few, mark=new_mark(), HOSTILE_SLEEP="5").wait(240) == 0
    assert time.monotonic() - begun < 60, "40 cases of 5 s were not run"
    assert parsed(path) == before and before[-1]["line"] == "footer"


@pytest.mark.parametrize("first", ["--resume", "--no-graphs"])
def test_resume_without_a_record_is_a_run(
    harness: Harness, tmp_path: Path, small: tuple[Path, list[str]], first: str
) -> None:
    """Whoever always types --resume loses nothing."""
    path, words = small
    due = whole(path)
    path.unlink()
    assert harness(*words, first).code == 1
    assert whole(path) == due


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("specs", "another selection of specs"),
        ("shuffle", "another order (--shuffle)"),
        ("engine", "another engine"),
        ("text", "not a line of a run record"),
        ("middle", "not a line of a run record"),
        ("format", "format 2.0, this harness reads"),
        ("headless", "has no header"),
    ],
)
def test_a_record_of_another_run_is_refused(
    harness: Harness, small: tuple[Path, list[str]], change: str, told: str
) -> None:
    """One message says what differs, the exit code is 2, and not a byte of the record is touched."""
    path, words = small
    lines = path.read_bytes().splitlines(keepends=True)
    if change == "specs":
        words.remove(next(word for word in words if word.endswith("z3.yaml")))
    elif change == "shuffle":
        words += ["--shuffle", "1"]
    elif change == "engine":
        lines[0] = lines[0].replace(b'"version":"1.0"', b'"version":"0.9"')
    elif change == "text":
        lines = [b"dear diary\n"]
    elif change == "middle":
        lines[4] = lines[4][:30] + b"\n"
    elif change == "format":
        lines[0] = lines[0].replace(f'"format":"{record.FORMAT}"'.encode(), b'"format":"2.0"')
    else:
        del lines[0]
    path.write_bytes(b"".join(lines))
    result = harness(*words, "--resume")
    assert result.code == 2, result
    assert result.err.count("harness:") == 1 and told in result.err, result.err
    assert path.read_bytes() == b"".join(lines)


@pytest.mark.parametrize("moment", ["specs", "cases", "end"])
def test_a_disk_that_is_full(tmp_path: Path, files: list[str], complete: Path, moment: str) -> None:
    """One message names the record, the exit code says that there is no verdict, no process stays; when there is room
    again, the run is gone on with."""
    data = complete.read_bytes()
    room = {"specs": 5_000, "cases": data.index(b'"line":"case"') + 5_000, "end": len(data) - 100}[moment]
    folder, mark = tmp_path / "full", new_mark()
    folder.mkdir()
    arguments = [sys.executable, "-m", "harness", "run", *COMMON, "-j", "2"]
    shown = subprocess.run(
        [*arguments, *files],
        cwd=folder,
        env=os.environ | {"HOSTILE_MARK": mark, "HARNESS_CACHE": ""},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert shown.returncode == 2, shown.stderr
    assert shown.stderr.count("harness:") == 1 and "hostile.jsonl: File too large" in shown.stderr, shown.stderr
    assert "Traceback" not in shown.stderr and not without_survivors(mark)
    assert begin(folder, *COMMON, "-j", "2", "--resume", *files, mark=mark).wait(240) == 1
    assert parsed(folder / "results" / "hostile.jsonl") == parsed(complete)
    assert not [*(folder / "results").glob(".*")]


def test_a_device_that_takes_nothing(harness: Harness, tmp_path: Path) -> None:
    """A record that cannot be written is one message, not a traceback and not a green run."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "hostile.jsonl").symlink_to("/dev/full")
    result = harness("run", *COMMON, *write_specs(tmp_path, **BEFORE))
    assert result.code == 2 and "hostile.jsonl: No space left on device" in result.err, result
    assert result.err.count("harness:") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("times", [1, 2])
def test_a_run_that_is_interrupted(
    tmp_path: Path, files: list[str], undisturbed: list[dict[str, Any]], number: signal.Signals, times: int
) -> None:
    """Ctrl-C, once or twice, and SIGTERM: soon over, exit code 130, the message names --resume, which leads to the end."""
    mark = new_mark()
    process = begin(tmp_path, *COMMON, "-j", "2", *files, mark=mark, **SLOW)
    path = tmp_path / "results" / "hostile.jsonl"
    while not path.exists() or path.read_bytes().count(b'"line":"case"') < 40:
        assert process.poll() is None
        time.sleep(0.01)
    begun = time.monotonic()
    for _ in range(times):
        with suppress(ProcessLookupError):
            process.send_signal(number)
        time.sleep(0.03)
    # The second may meet a Python that is on its way out, and no longer handles signals.
    assert process.wait(60) in (130, -number if times == 2 else 130), (tmp_path / "err").read_text()
    assert time.monotonic() - begun < 3
    said = (tmp_path / "err").read_text()
    assert "interrupted" in said and "Traceback" not in said
    if times == 1:
        assert "--resume" in said and "results/hostile.jsonl" in said
    assert not without_survivors(mark)
    assert not record.read(path).complete
    assert begin(tmp_path, *COMMON, "-j", "2", "--resume", *files, mark=mark).wait(240) == 1
    assert parsed(path) == undisturbed


def test_an_interruption_while_an_engine_starts(tmp_path: Path) -> None:
    """There is no record yet: exit code 130, one message, nothing left behind."""
    mark = new_mark()
    process = begin(tmp_path, *COMMON, *write_specs(tmp_path, **BEFORE), mark=mark, HOSTILE_START="hang")
    while not workers(mark):
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    said = (tmp_path / "err").read_text()
    assert said.count("interrupted") == 1 and "Traceback" not in said
    assert not without_survivors(mark) and not (tmp_path / "results").exists()


def stopped(folder: Path, files: list[str], cases: int, *options: str) -> Path:
    """The record of a run that was killed after some cases."""
    process = begin(folder, *COMMON, *options, *files, mark=new_mark(), **SLOW)
    while True:
        found = [*(folder / "results").glob("*.jsonl")]
        if found and found[0].read_bytes().count(b'"line":"case"') >= cases:
            process.kill()
            process.wait()
            return found[0]
        assert process.poll() is None
        time.sleep(0.01)


def test_resuming_with_other_workers_and_with_none(
    tmp_path: Path, files: list[str], undisturbed: list[dict[str, Any]]
) -> None:
    """How cases are executed is no part of what a run is: begun with one worker, gone on with four, or in one process each."""

    def but_for_the_command(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{key: value for key, value in line.items() if key != "command"} for line in lines]

    path = stopped(tmp_path, files, 60, "-j", "1")
    shutil.copytree(tmp_path / "results", tmp_path / "case" / "results")
    assert begin(tmp_path, *COMMON, "-j", "4", "--resume", *files, mark=new_mark()).wait(240) == 1
    assert but_for_the_command(parsed(path)) == but_for_the_command(undisturbed)
    options = ("-j", "2", "--isolate", "case", "--resume")
    assert begin(tmp_path / "case", *COMMON, *options, *files, mark=new_mark()).wait(240) == 1
    again = parsed(tmp_path / "case" / "results" / "hostile.jsonl")
    assert but_for_the_command(again) == but_for_the_command(undisturbed)


def test_resuming_a_shard(tmp_path: Path, files: list[str], harness: Harness) -> None:
    """A shard that was stopped is gone on with as that shard; another one's record is its own; merged, nothing is missing."""
    path = stopped(tmp_path, files, 30, "-j", "2", "--shard", "1/2")
    assert path.name == "hostile-1-of-2.jsonl"
    assert begin(tmp_path, *COMMON, "-j", "2", "--resume", "--shard", "1/2", *files, mark=new_mark()).wait(240) in (
        0,
        1,
    )
    assert begin(tmp_path, *COMMON, "-j", "2", "--resume", "--shard", "2/2", *files, mark=new_mark()).wait(240) in (
        0,
        1,
    )
    parts = sorted((tmp_path / "results").glob("*.jsonl"))
    both = judged(parts[0]) + judged(parts[1])
    assert sorted(both) == sorted(f"test/{id}" for id in CASES) and set(both.values()) == {1}
    assert all(record.read(part).complete for part in parts)
    shutil.copy(parts[0], tmp_path / "results" / "hostile-1-of-3.jsonl")
    result = harness("run", *COMMON, "--resume", "--shard", "1/3", *files)
    assert result.code == 2 and "another" in result.err, result.err
