"""Engines that are not ours to run: workers in bare Python and in JavaScript, and interpreters with next to nothing in them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.exits import Exit
from harness.record import CaseLine, Run, Status, read
from tests.conftest import Harness, SpecFile

OUTSIDE = Path(__file__).parents[1] / "outside"
NODE = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here: its worker cannot be started")
BOTH = pytest.mark.parametrize("name", ["foreign", pytest.param("foreign-node", marks=NODE)])


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """The two workers in a folder of their own, to be broken there."""
    for name in ("foreign", "foreign-node"):
        shutil.copytree(OUTSIDE / name, tmp_path / name)
    return tmp_path


def broken(folder: Path, name: str, *swaps: tuple[str, str]) -> Path:
    """The engine with pieces of its worker's text replaced."""
    (path,) = (folder / name).glob("worker.*")
    text = path.read_text(encoding="utf-8")
    for before, after in swaps:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")
    return folder / name


def run(harness: Harness, engine: Path, *arguments: str | Path) -> Run:
    told = harness("run", "-e", engine, "--report", "none", "-o", "out", *arguments)
    assert told.code in (Exit.OK, Exit.NONCONFORMING, Exit.EMPTY), told
    (path,) = Path("out").glob("*.jsonl")
    found = read(path)
    path.unlink()
    return found


def one(harness: Harness, engine: Path, spec: Path) -> CaseLine:
    (case,) = run(harness, engine, spec).cases.values()
    return case


@BOTH
def test_the_suite_judges_an_engine_in_another_language(harness: Harness, name: str) -> None:
    """The whole suite through a worker that is not ours: much passes, gaps are counted, and nothing is an error."""
    found = run(harness, OUTSIDE / name)
    counts = {status: sum(case.status is status for case in found.cases.values()) for status in Status}
    assert counts[Status.PASS] >= 20
    assert counts[Status.UNSUPPORTED] >= 20
    assert counts[Status.PASS] + counts[Status.UNSUPPORTED] + counts[Status.NOT_APPLICABLE] == len(found.cases)
    assert found.header.engine.version == "0.1"


@NODE
def test_two_languages_agree(harness: Harness) -> None:
    """The two workers, which share no line, get the same verdict on every case."""
    first, second = (
        run(harness, OUTSIDE / name, "--profile", "core", "leaf", "grad", "graph")
        for name in ("foreign", "foreign-node")
    )
    assert {id: case.status for id, case in first.cases.items()} == {id: c.status for id, c in second.cases.items()}


OVERWRITES = {
    "foreign": ("gradient + (value.stored.data if value.stored else 0.0)", "gradient"),
    "foreign-node": ("gradient + (value.stored ? value.stored.data : 0)", "gradient"),
}
FORGETS = {
    "foreign": (
        'if not self.requires_grad:\n            raise EngineError("no-grad-fn", "nothing here requires a gradient")',
        "",
    ),
    "foreign-node": (
        'if (!this.requires_grad) throw new EngineError("no-grad-fn", "nothing here requires a gradient");',
        "",
    ),
}
SILENT = {
    "foreign": ("if self.parents and not self.retains:", "if False:"),
    "foreign-node": ("if (this.parents.length && !this.retains)", "if (false)"),
}


@BOTH
def test_a_planted_fault_is_caught(harness: Harness, foreign: Path, spec_file: SpecFile, name: str) -> None:
    """Gradients that overwrite fail by their value, with what is due and what was seen."""
    engine = broken(foreign, name, OVERWRITES[name])
    lines = "  x = tensor(3., requires_grad=True)\n  (x * x).backward()\n  (x * 5.).backward()\n"
    case = one(harness, engine, spec_file(f"run: |\n{lines}expect: {{x.grad: 11.}}\n"))
    assert case.status is Status.FAIL
    (check,) = case.failures
    assert (check.what, check.expression, check.line) == ("value", "x.grad", 8)
    assert (check.expected["values"], check.observed["values"]) == (11.0, 5.0)


@BOTH
def test_a_missing_error_and_a_missing_warning_are_caught(
    harness: Harness, foreign: Path, spec_file: SpecFile, name: str
) -> None:
    """An engine that no longer refuses or warns fails for exactly that."""
    engine = broken(foreign, name, FORGETS[name], SILENT[name])
    refused = spec_file("run: |\n  x = tensor(3.)\n  (x * x).backward()\nraises: no-grad-fn\n")
    warned = spec_file(
        "run: |\n  x = tensor(3., requires_grad=True)\n  y = x * x\nexpect: {y.grad: null}\nwarns: nonleaf-grad-access\n"
    )
    failures = [case.failures for case in run(harness, engine, refused, warned).cases.values()]
    assert [[check.what for check in of] for of in failures] == [["no-error"], ["missing-warning"]]


@BOTH
def test_an_error_gets_its_kind_and_its_line(harness: Harness, spec_file: SpecFile, name: str) -> None:
    """The kind satisfies `raises`; where no error is due, the verdict names kind, line and the engine's own words."""
    text = "run: |\n  def f(a):\n      b = a * a\n      b.backward()\n  x = tensor(3.)\n  f(x)\n"
    assert one(harness, OUTSIDE / name, spec_file(text + "raises: no-grad-fn\n")).status is Status.PASS
    case = one(harness, OUTSIDE / name, spec_file(text + "expect: {x: 3.}\n"))
    (check,) = case.failures
    assert (check.what, check.observed, check.line) == ("unexpected-error", "no-grad-fn", 7)
    assert "nothing here requires a gradient" in check.detail
    other = one(harness, OUTSIDE / name, spec_file(text + "raises: graph-freed\n"))
    assert [(check.what, check.observed) for check in other.failures] == [("wrong-error", "no-grad-fn")]


@BOTH
def test_an_error_before_the_last_line_is_not_the_one_that_is_due(
    harness: Harness, spec_file: SpecFile, name: str
) -> None:
    """The same error, one line too early, fails."""
    text = "run: |\n  x = tensor(3.)\n  x.backward()\n  y = x * x\nraises: no-grad-fn\n"
    case = one(harness, OUTSIDE / name, spec_file(text))
    assert [(check.what, check.line) for check in case.failures] == [("unexpected-error", 6)]


@BOTH
def test_unknown_words_are_unsupported(harness: Harness, spec_file: SpecFile, name: str) -> None:
    """A word that the capabilities do not name is not asked for; what the worker itself has not got, it says."""
    word = one(harness, OUTSIDE / name, spec_file("run: |\n  x = tensor(3.)\n  y = x.mean()\nexpect: {y: 3.}\n"))
    assert (word.status, word.reason) == (Status.UNSUPPORTED, "needs .mean")
    inside = one(harness, OUTSIDE / name, spec_file("run: x = tensor([3., 4.])\nexpect: {x: [3., 4.]}\n"))
    assert (inside.status, inside.reason) == (Status.UNSUPPORTED, "tensors of more than one number")
    node = one(
        harness, OUTSIDE / name, spec_file("run: |\n  x = [1, 2, 3]\n  y = [a for a in x]\nexpect: {y: [1, 2, 3]}\n")
    )
    assert (node.status, node.reason) == (Status.UNSUPPORTED, "ListComp in a program")


@BOTH
def test_numbers_that_json_has_not_got(harness: Harness, spec_file: SpecFile, name: str) -> None:
    """nan and the infinities arrive as parameters and come back, whole numbers stay whole, and large ones exact."""
    text = (
        "cases:\n  - {a: .inf, b: 7}\n  - {a: -.inf, b: -7}\n  - {a: .nan, b: 9007199254740993}\n"
        "run: |\n  x = tensor(a)\n  n = b + 0\nexpect: {x: a, a: a, b: b}\n"
    )
    found = run(harness, OUTSIDE / name, spec_file(text))
    # JavaScript's JSON.parse has rounded the last one before any worker could look.
    due = [Status.PASS, Status.PASS, Status.PASS if name == "foreign" else Status.FAIL]
    assert [case.status for case in found.cases.values()] == due


DIES = {
    "foreign": (
        'raise Unsupported("tensors of more than one number")',
        'print("out of luck", flush=True)\n        os._exit(3)',
    ),
    "foreign-node": (
        'throw new Unsupported("tensors of more than one number");',
        '{ console.log("out of luck"); process.exit(3); }',
    ),
}


@BOTH
def test_a_crash_is_a_verdict(harness: Harness, foreign: Path, spec_file: SpecFile, name: str) -> None:
    """A worker that dies is started again: the case at hand is the crash, with its last words, and the others are judged."""
    engine = broken(foreign, name, DIES[name])
    fine = spec_file("run: x = tensor(2.)\nexpect: {x: 2.}\n")
    fatal = spec_file("run: x = tensor([2.])\nexpect: {x: [2.]}\n")
    after = spec_file("run: x = tensor(4.)\nexpect: {x: 4.}\n")
    cases = list(run(harness, engine, fine, fatal, after).cases.values())
    assert [case.status for case in cases] == [Status.PASS, Status.CRASH, Status.PASS]
    assert "exit code 3" in cases[1].reason and "out of luck" in cases[1].output


SAYS = {
    "foreign": (DIES["foreign"][0], 'os.write(answers.fileno(), b"out of luck\\n")'),
    "foreign-node": (DIES["foreign-node"][0], 'process.stdout.write("out of luck\\n");'),
}
HANGS = {
    "foreign": (DIES["foreign"][0], "while True:\n            pass"),
    "foreign-node": (DIES["foreign-node"][0], "for (;;);"),
}


@BOTH
@pytest.mark.parametrize(
    ("swaps", "status", "reason"),
    [(SAYS, Status.CRASH, "wrote what is no message"), (HANGS, Status.TIMEOUT, "it did not end within")],
    ids=["says", "hangs"],
)
def test_garbage_and_hanging_are_verdicts(
    harness: Harness,
    foreign: Path,
    spec_file: SpecFile,
    name: str,
    swaps: dict[str, tuple[str, str]],
    status: Status,
    reason: str,
) -> None:
    """A worker that writes what is no message, or nothing any more, is replaced; only the case at hand is blamed."""
    engine = broken(foreign, name, swaps[name])
    if name == "foreign":
        broken(foreign, name, ("    answers = os.fdopen", "    global answers\n    answers = os.fdopen"))
    specs = [spec_file(f"run: x = tensor({given})\nexpect: {{x: {given}}}\n") for given in ("2.", "[2.]", "4.")]
    cases = list(run(harness, engine, "--timeout", "0.5", *specs).cases.values())
    assert [case.status for case in cases] == [Status.PASS, status, Status.PASS]
    assert reason in cases[1].reason


@BOTH
def test_explain_says_what_to_use_instead(harness: Harness, name: str) -> None:
    """`explain` loads an adapter; for a worker that speaks for itself there is one message, and exit code 6."""
    told = harness("explain", "leaf/created-with-flag", "-e", OUTSIDE / name)
    assert (told.code, told.out, told.err.count("\n")) == (Exit.ENGINE_UNUSABLE, "", 1)
    assert f"harness protocol --check {OUTSIDE / name}" in told.err and "Traceback" not in told.err


@BOTH
def test_the_doctor_visits(harness: Harness, name: str) -> None:
    """The ladder holds for an engine in any language; what it declares to lack is left out."""
    told = harness("doctor", "-e", OUTSIDE / name)
    assert (told.code, told.err) == (Exit.OK, "")
    assert told.out.count("  ○ ") == 2 and "✗" not in told.out


@BOTH
def test_a_device_that_it_has_not_got(harness: Harness, name: str) -> None:
    """`unusable` ends in one message, that of the worker, and exit code 6."""
    told = harness("run", "-e", OUTSIDE / name, "--device", "cuda", "leaf")
    assert (told.code, told.out) == (Exit.ENGINE_UNUSABLE, "")
    assert told.err == "harness: this engine has no device 'cuda'\n"


def test_the_harness_is_not_in_the_foreign_workers() -> None:
    """They prove something only as long as they import nothing of ours."""
    for path in (OUTSIDE / "foreign" / "worker.py", OUTSIDE / "foreign-node" / "worker.js"):
        lines = path.read_text(encoding="utf-8").splitlines()
        asked = [line for line in lines if line.startswith(("import ", "from ")) or "require(" in line]
        assert asked and not any("harness" in line or "numpy" in line for line in asked)


# ---- other interpreters


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A virtual environment that holds NumPy and nothing else."""
    import numpy

    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    site, only = Path(numpy.__file__).parents[1], folder / "only"
    only.mkdir()
    for name in ("numpy", "numpy.libs"):
        if (site / name).is_dir():
            (only / name).symlink_to(site / name)
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    (packages / "only.pth").write_text(f"{only}\n", encoding="utf-8")
    python = folder / "venv" / "bin" / "python"
    code = (
        "import importlib.util, numpy, sys; print(sys.prefix);"
        "print([n for n in ('harness', 'msgspec', 'yaml', 'click', 'packaging', 'rich') if importlib.util.find_spec(n)])"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONPATH", raising=False)
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, cwd=folder)
        assert done.stdout == f"{folder / 'venv'}\n[]\n", done
        yield folder / "venv"


def whole(harness: Harness, *arguments: str | Path) -> Run:
    told = harness(
        "run", "-e", *arguments, "--profile", "core", "leaf", "grad", "graph", "--report", "none", "-o", "out"
    )
    assert told.code == Exit.OK, told
    (path,) = Path("out").glob("*.jsonl")
    return read(path)


@pytest.mark.parametrize("form", ["--python PATH", "--python VENV", "--python E=PATH"])
def test_a_worker_needs_nothing_but_its_engine(harness: Harness, bare: Path, form: str) -> None:
    """The reference passes in an interpreter that has neither msgspec, PyYAML nor click, named in any of three ways."""
    python: dict[str, str | Path]
    python = {"PATH": bare / "bin" / "python", "VENV": bare, "E=PATH": f"reference={bare / 'bin' / 'python'}"}
    found = whole(harness, "reference", "--python", python[form.partition(" ")[2]])
    assert {case.status for case in found.cases.values()} == {Status.PASS}


def test_an_engine_may_name_its_interpreter(harness: Harness, bare: Path, tmp_path: Path) -> None:
    """`python:` in engine.yaml, relative to the file, does the same; the worker says in which interpreter it is."""
    engine = tmp_path / "own"
    engine.mkdir()
    (engine / "venv").symlink_to(bare)
    (engine / "engine.yaml").write_text("name: own\ntitle: Own\npython: venv/bin/python\n", encoding="utf-8")
    (engine / "__init__.py").write_text(
        "import sys\n\nfrom harness.engine import Engine as Base\n\n\nclass Engine(Base):\n"
        "    version = '1'\n    names = {'tensor': lambda data: sys.prefix}\n\n    def read(self, value):\n        return value\n",
        encoding="utf-8",
    )
    spec = tmp_path / "where.yaml"
    spec.write_text("id: own/where\nclaim: c\nsource: s\nrun: x = tensor(1.)\nexpect: {x: 2.}\n", encoding="utf-8")
    case = one(harness, engine, spec)
    assert case.failures[0].detail.startswith("numbers are due, str")
    assert Path(case.failures[0].observed.strip("'")).resolve() == bare.resolve()


def test_no_such_interpreter(harness: Harness, tmp_path: Path) -> None:
    """An interpreter that is not there makes the engine unusable, by one message."""
    told = harness("run", "-e", "reference", "--python", tmp_path / "none" / "python", "leaf")
    assert (told.code, told.err.count("\n")) == (Exit.ENGINE_UNUSABLE, 1)
    assert "there is no interpreter" in told.err


@pytest.mark.parametrize("command", ["[no-such-program-anywhere]", "[./worker]"])
def test_no_such_command(harness: Harness, tmp_path: Path, command: str) -> None:
    """So does a command that cannot be started."""
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "engine.yaml").write_text(f"name: gone\ntitle: Gone\ncommand: {command}\n", encoding="utf-8")
    for words in (("run", "-e", "./gone", "leaf"), ("protocol", "--check", "./gone")):
        told = harness(*words)
        assert (told.code, told.out, told.err.count("\n")) == (Exit.ENGINE_UNUSABLE, "", 1)
        assert "cannot be started" in told.err


def test_a_relative_program_is_found_in_the_engines_folder(harness: Harness, foreign: Path) -> None:
    """`command` is run in the engine's folder, wherever the harness was called."""
    engine = foreign / "foreign"
    script = engine / "start"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} worker.py\n", encoding="utf-8")
    script.chmod(0o755)
    text = (engine / "engine.yaml").read_text(encoding="utf-8")
    (engine / "engine.yaml").write_text(text.replace("[python3, worker.py]", "[./start]"), encoding="utf-8")
    told = harness("protocol", "--check", engine)
    assert told.code == Exit.OK, told
