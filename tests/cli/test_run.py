"""``harness run``: verdicts, records, gate, reports, exit codes; engines by name, by folder and by module."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from harness.exits import Exit
from harness.record import Status, read
from tests.conftest import ROWS_ONCE, Harness, SpecFile


def test_the_reference_keeps_every_spec(harness: Harness, tmp_path: Path) -> None:
    """The main path: everything passes on the reference but for what its engine.yaml says and why, with a record and the
    reports on disk."""
    result = harness("run", "--engine", "reference", "--profile", "pytorch", "--strict", "-o", "out")
    assert result.code == Exit.OK, result.out
    run = read(tmp_path / "out" / "reference.jsonl")
    assert run.complete
    left = [case for case in run.cases.values() if case.status is not Status.PASS]
    assert len(left) < len(run.cases) / 40  # most of them in bfloat16, which NumPy lacks
    assert {case.status for case in left} <= {Status.FAIL, Status.UNSUPPORTED}
    assert all(case.link for case in left if case.status is Status.FAIL)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("reference.jsonl", "junit.xml", "summary.md", "badge-reference.svg"),
        *("report.html", "coverage.html", "derivatives.html", "disagreements.html"),
    }


def test_pytorch_keeps_every_spec(harness: Harness) -> None:
    """Every spec passes on PyTorch: a spec that does not is wrong. (CI runs all of every row of the tables.)"""
    pytest.importorskip("torch", reason="PyTorch is not installed here")
    result = harness("run", "--engine", "torch", "--profile", "pytorch", "--report", "none", "--strict", *ROWS_ONCE)
    assert result.code == Exit.OK, result.out


def test_an_engine_from_outside_with_a_known_fault(harness: Harness, tiny: Path, tmp_path: Path) -> None:
    """A folder anywhere is an engine; its fault, overwriting gradients, is found and named (it gives no warning either)."""
    result = harness("run", "--engine", tiny, "-o", "out", "--area", "grad", "--area", "backward", "--area", "leaf")
    assert result.code == Exit.NONCONFORMING
    run = read(tmp_path / "out" / "tiny.jsonl")
    failed = {case.spec for case in run.cases.values() if case.status is Status.FAIL}
    assert failed == {"grad/accumulates-for-scalars", "backward/on-leaf-itself", "grad/nonleaf-is-none-with-warning"}
    assert "adds to the stored gradient of a scalar leaf" in result.out


def test_the_same_engine_by_module_and_class(
    harness: Harness, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """package.module:Class works exactly as a folder does: same name, same verdicts."""
    package = tmp_path / "site" / "outside"
    package.mkdir(parents=True)
    for name in ("__init__.py", "engine.yaml"):
        (package / name).write_bytes((tiny / name).read_bytes())
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))  # what a user's shell would tell harness and workers alike
    spec = ("--area", "grad", "--report", "none")
    by_folder = harness("run", "--engine", tiny, *spec, "-o", "folder")
    by_module = harness("run", "--engine", "outside:Engine", *spec, "-o", "module")
    sys.modules.pop("outside", None)
    assert by_folder.code == by_module.code
    one, other = read(tmp_path / "folder" / "tiny.jsonl"), read(tmp_path / "module" / "tiny.jsonl")
    assert {id: case.status for id, case in one.cases.items()} == {id: case.status for id, case in other.cases.items()}


def test_a_failure_is_told_in_full(harness: Harness, spec_file: SpecFile) -> None:
    """Spec, line, claim, expected, observed, difference and the command that shows just that one."""
    path = spec_file("run: x = tensor([1., 2.])\nexpect:\n  x: [1., 4.]")
    result = harness("run", "--engine", "reference", path, "--report", "none")
    assert result.code == Exit.NONCONFORMING
    for part in (
        *(
            "FAIL test/spec-1",
            "a promise",
            f"{path}:6: step 1: x",
            "expected [1.0, 4.0] float32, observed [1.0, 2.0] float32",
        ),
        *("off by 2", "harness explain", "1 is unexpected"),
    ):
        assert part in result.out


def test_nothing_selected_is_never_green(harness: Harness) -> None:
    """A selection that matches nothing is an error of its own."""
    assert harness("run", "--engine", "reference", "-k", "nothing-like-this").code == Exit.EMPTY


def test_nothing_judged_is_never_green(harness: Harness, tmp_path: Path) -> None:
    """An engine that supports nothing does not pass."""
    harness("init-engine", "empty")
    assert harness("run", "--engine", "./empty", "--report", "none").code == Exit.EMPTY


def test_selection(harness: Harness, tmp_path: Path) -> None:
    """Ids, areas, patterns and -k narrow the run; together they narrow further."""

    def ids(*arguments: str) -> set[str]:
        result = harness("list", "--json", *arguments)
        assert result.code == 0, result.err
        return {row["id"] for row in json.loads(result.out)}

    everything = ids()
    assert ids("leaf") == {id for id in everything if id.startswith("leaf/")} == ids("leaf/*") == ids("--area", "leaf")
    assert ids("leaf/created-with-flag") == {"leaf/created-with-flag"}
    assert ids("-k", "leaf and not (flag or tracked)") == {
        id for id in everything if "leaf" in id and "flag" not in id and "tracked" not in id
    }
    assert ids("--area", "leaf", "-k", "FLAG") == {id for id in ids("leaf") if "flag" in id}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--engine", "trch"), Exit.ENGINE_UNUSABLE, "did you mean 'torch'?"),
        (("--engine", "no_such_module:Engine"), Exit.ENGINE_UNUSABLE, "module 'no_such_module' cannot be found"),
        (("--engine", "json:loads"), Exit.ENGINE_UNUSABLE, "is no subclass of"),
        (("--engine", "."), Exit.ENGINE_UNUSABLE, "holds no engine.yaml"),
        (("--engine", "reference", "--engine", "reference"), Exit.USAGE, "named twice"),
        (("--engine", "reference", "--device", "cuda"), Exit.ENGINE_UNUSABLE, "no device 'cuda'"),
        (("--engine", "reference", "--import", "no_such_module"), Exit.ENGINE_UNUSABLE, "--import no_such_module"),
        (("--engine", "reference", "leef/created"), Exit.USAGE, "no spec 'leef/created'"),
        (("--engine", "reference", "--area", "leef"), Exit.USAGE, "did you mean 'leaf'?"),
        (("--engine", "reference", "--require", "leef"), Exit.USAGE, "did you mean 'leaf'?"),
        (("--engine", "reference", "--report", "htlm"), Exit.USAGE, "did you mean 'html'?"),
        (("--engine", "reference", "-k", "leaf and"), Exit.USAGE, "ends where a word is due"),
        (("--engine", "reference", "-k", "(leaf"), Exit.USAGE, "a ( is not closed"),
        (("--engine", "reference", "-k", "leaf grad"), Exit.USAGE, "was not expected"),
        (("--engine", "reference", "none.yaml"), Exit.USAGE, "no such file: none.yaml"),
        (("--engine", "reference", "--baseline", "none.jsonl"), Exit.USAGE, "cannot be read"),
        (("--engine", "reference", "--outptu", "x"), Exit.USAGE, "--outptu"),
        ((), Exit.USAGE, "--engine"),
    ],
)
def test_wrong_options_are_one_message_and_a_documented_code(
    harness: Harness, tmp_path: Path, arguments: tuple[str, ...], code: Exit, message: str
) -> None:
    """Every wrong word ends in one clear message, nothing half-written, and the code of the table."""
    result = harness("run", *arguments)
    assert (result.code, message in result.err) == (code, True), result.err
    assert "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []


BROKEN_ENGINES = {
    "no class": ("", "", "'Engine' in"),
    "syntax error": ("def", "", "SyntaxError"),
    "import error": (
        "import no_such_engine",
        "install: pip install no-such-engine",
        "install it with: pip install no-such-engine",
    ),
    "raises": ("raise KeyError('x')", "", "KeyError"),
    "exits": ("import sys; sys.exit(3)", "", "SystemExit"),
    "raises when made": (
        "class Engine(B):\n    def __init__(self, device):\n        raise OSError('no')",
        "",
        "OSError: no",
    ),
    "no version": ("class Engine(B):\n    version = None", "", "gives version None"),
    "unknown word": ("class Engine(B):\n    version = '1'\n    names = {'tnesor': 1}", "", "did you mean 'tensor'?"),
    "wrong version": (
        "class Engine(B):\n    version = '1.0'",
        "versions: '>=2'",
        "is version 1.0; the adapter supports >=2",
    ),
    "wrong yaml": ("", "title: [", "is not YAML"),
    "unknown key": ("", "lakcs: {}", "did you mean 'lacks'?"),
    "unknown lack": ("", "lacks: {.retian_grad: x}", "did you mean '.retain_grad'?"),
    "bad range": ("", "versions: newest", "'newest' is no range of versions"),
    "deviation without reason": ("", "deviations: [{cases: a, link: x}]", "'reason' is missing"),
    "bad verdict": ("", "deviations: [{cases: a, link: x, reason: x, verdict: fial}]", "did you mean 'fail'?"),
}


@pytest.mark.parametrize("name", BROKEN_ENGINES)
def test_a_broken_engine_is_one_message(harness: Harness, tmp_path: Path, name: str) -> None:
    """Whatever is wrong with an adapter or its engine.yaml: one message that says what, no traceback, code 6; the other
    engines of the run are judged all the same."""
    code, extra, message = BROKEN_ENGINES[name]
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "__init__.py").write_text(f"from harness.engine import Engine as B\n{code}\n" if code else "")
    (folder / "engine.yaml").write_text(f"name: broken\ntitle: Broken\n{extra}\n")
    result = harness("run", "--engine", folder, "--engine", "reference", "leaf", "--report", "none")
    assert result.code == Exit.ENGINE_UNUSABLE
    assert message in result.err
    assert "Traceback" not in result.err
    assert "reference" in result.out


def test_an_adapter_that_breaks_is_an_error_and_not_a_failure(harness: Harness, tiny: Path, tmp_path: Path) -> None:
    """A fault of the adapter is never blamed on the engine, and the other cases go on."""
    init = tiny / "__init__.py"
    init.write_text(init.read_text() + "\n    def reset(self):\n        raise RuntimeError('adapter')\n")
    harness("run", "--engine", tiny, "grad", "--report", "none", "-o", "out")
    statuses = {case.status for case in read(tmp_path / "out" / "tiny.jsonl").cases.values()}
    assert Status.ERROR in statuses
    assert Status.FAIL not in statuses


def test_a_wrong_spec_stops_everything(harness: Harness, spec_file: SpecFile, tmp_path: Path) -> None:
    """A spec that does not load is code 4 and nothing runs."""
    path = spec_file("run: x = tensor(1.)\nexpect: {y: 1.}")
    result = harness("run", "--engine", "reference", path, "-o", "out")
    assert result.code == Exit.SPEC_INVALID
    assert f"{path}:5:10: name 'y' is not defined" in result.err
    assert "1 mistake found" in result.err
    assert not (tmp_path / "out").exists()


def test_output_that_cannot_be_written(harness: Harness, tmp_path: Path) -> None:
    """An output folder that is a file is a message."""
    (tmp_path / "file").write_text("")
    result = harness("run", "--engine", "reference", "leaf", "-o", "file/below")
    assert result.code == Exit.USAGE
    assert "file" in result.err and "Traceback" not in result.err


def test_fail_fast_leaves_an_incomplete_record(harness: Harness, spec_file: SpecFile, tmp_path: Path) -> None:
    """-x stops at the first unexpected verdict: the exit code is that of the verdict, and the record is incomplete."""
    bad = spec_file("run: x = tensor(1.)\nexpect: {x: 2.}")
    other = spec_file("run: x = tensor(1.)\nexpect: {x: 1.}")
    words = ("run", "--engine", "reference", bad, other, "-x", "--report", "none", "-o", "out")
    assert harness(*words).code == Exit.NONCONFORMING  # with workers, others may be through before the verdict is sure
    assert harness(*words, "--isolate", "none").code == Exit.NONCONFORMING
    assert not read(tmp_path / "out" / "reference.jsonl").complete


def test_github_annotations_and_summary(
    harness: Harness, spec_file: SpecFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a GitHub job failures are annotated at the spec's line and the summary page is filled."""
    path = spec_file("run: x = tensor(1.)\nexpect: {x: 2.}")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page.md"))
    result = harness("run", "--engine", "reference", path, "--report", "none")
    assert f"::error file={path},line=5" in result.out
    assert "test/spec-1" in (tmp_path / "page.md").read_text()
