"""The commands beside run: each does its one thing and refuses wrong input with one message."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from harness import explain, plugins, selection
from harness.capabilities import words_of
from harness.cases import refused
from harness.cli import COMMANDS
from harness.exits import Exit
from harness.language import load
from harness.record import FORMAT, read
from harness.releases import release
from tests.conftest import Harness, SpecFile, sample


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(harness: Harness, name: str) -> None:
    """--help works for each, and the list of commands is true."""
    result = harness(name, "--help")
    assert result.code == 0
    assert "Usage: harness" in result.out


def test_an_unknown_command_names_the_nearest(harness: Harness) -> None:
    """harness rnu -> did you mean run."""
    result = harness("rnu")
    assert result.code == Exit.USAGE
    assert "did you mean 'run'?" in result.err


def test_show(harness: Harness) -> None:
    """Claim, source, program, expectations and needs of a spec; --yaml gives the file."""
    result = harness("show", "grad/none-before-backward")
    assert result.code == 0
    for part in ("source: torch.Tensor.grad", "a.grad", "needs:"):
        assert part in result.out
    assert harness("show", "grad/none-before-backward", "--yaml").out.startswith("# yaml-language-server")


def test_check(harness: Harness, spec_file: SpecFile, tmp_path: Path) -> None:
    """The suite and the engine files are right; wrong ones are listed with their places, all at once."""
    assert harness("check").code == 0
    good, bad = spec_file("run: x = tensor(1.)\nexpect: {x: 1.}"), spec_file("run: x = y\nexpect: {x: 1.}")
    assert harness("check", good).code == 0
    (tmp_path / "engine.yaml").write_text("name: X\n")
    result = harness("check", bad, tmp_path / "engine.yaml", good)
    assert result.code == Exit.SPEC_INVALID
    assert f"{bad}:4:10: name 'y' is not defined" in result.err
    assert "'title' is missing" in result.err


def test_explain_tells_line_by_line(harness: Harness) -> None:
    """Values after each line, the graph as the engine built it, the verdict, a script."""
    result = harness("explain", "backward/two-level-product", "--engine", "reference")
    assert result.code == 0
    for part in ("c = ", "graph as the engine built it", "mul", "leaf a", "pass", "stand-alone script"):
        assert part in result.out


def test_explain_marks_what_differs(harness: Harness, spec_file: SpecFile) -> None:
    """A failing spec exits with 1 and shows both sides."""
    path = spec_file("run: |\n  x = tensor([1., 2.])\nexpect:\n  x: [1., 4.]")
    result = harness("explain", path, "--engine", "reference")
    assert result.code == Exit.NONCONFORMING
    assert "expected" in result.out and "observed" in result.out and "✗ x" in result.out


@pytest.mark.parametrize("engine", ["reference", "torch"])
def test_the_script_of_every_spec_runs_without_the_harness(harness: Harness, engine: str, tmp_path: Path) -> None:
    """Pasted into a bare Python, the scripts run to their end, in the engine's own API."""
    if engine == "torch":
        pytest.importorskip("torch", reason="PyTorch is not installed here")
    loaded = plugins.load(plugins.find(engine), None)
    words = words_of(loaded.engine)
    scripts = {}
    for checked in sample():
        if checked.spec.id.startswith("hook/on-view-after"):  # ends PyTorch's process, which the page of a report says
            continue
        if refused(checked, loaded.file, words, release(loaded.file, loaded.engine.version))[0] is None:
            id = next(iter(checked.cases))[0]
            scripts[id] = explain.script(checked, id, loaded.engine)
            assert engine == "reference" or "harness" not in scripts[id].partition("\n\n")[2]
    assert len(scripts) > 900
    result = harness("explain", "grad/reset-to-none", "--engine", engine, "--script")
    assert (result.code, result.out) == (0, scripts["grad/reset-to-none"]), result.err
    driver = tmp_path / "driver.py"
    driver.write_text(
        "import json, sys, contextlib, io, warnings\nwarnings.simplefilter('ignore')\n"
        "for id, text in json.load(open(sys.argv[1])).items():\n"
        "    try:\n        with contextlib.redirect_stdout(io.StringIO()):\n"
        "            exec(compile(text, id, 'exec'), {'__name__': '__main__'})\n"
        "    except Exception as error:\n        print(id, type(error).__name__, error)\n"
    )
    (tmp_path / "scripts.json").write_text(json.dumps(scripts))
    done = subprocess.run(
        [sys.executable, driver, tmp_path / "scripts.json"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_explain_refuses_wrong_cases(harness: Harness) -> None:
    """A case number that does not exist, several specs at once."""
    assert harness("explain", "vjp/uneven-weights[99]", "--engine", "reference").code == Exit.USAGE
    assert harness("explain", "leaf", "--engine", "reference").code == Exit.USAGE


def test_doctor_climbs_the_whole_ladder(harness: Harness) -> None:
    """A good engine passes every rung."""
    result = harness("doctor", "--engine", "reference")
    assert result.code == 0
    assert "The ladder holds" in result.out


def test_doctor_stops_at_the_first_broken_rung(harness: Harness, tiny: Path) -> None:
    """It names the rung and says what to do, and goes no further."""
    result = harness("doctor", "--engine", tiny)
    assert result.code == Exit.NONCONFORMING
    assert result.out.count("✗") >= 1
    assert result.out.count("what to do") == 1


def test_doctor_goes_on_where_a_word_is_lacking_by_design(harness: Harness, tiny: Path) -> None:
    """A rung that needs an unbound word says where to declare it; declared, it is left out."""
    text = (tiny / "__init__.py").read_text(encoding="utf-8")
    (tiny / "__init__.py").write_text(text.replace('("requires_grad", "is_leaf"', '("is_leaf"'), encoding="utf-8")
    assert "under `lacks` in engine.yaml" in harness("doctor", "--engine", tiny).out
    with (tiny / "engine.yaml").open("a", encoding="utf-8") as file:
        file.write("  .requires_grad: everything is tracked\n")
    assert "(needs .requires_grad: everything is tracked)" in harness("doctor", "--engine", tiny).out


@pytest.mark.parametrize("style", ["tape", "functional"])
def test_init_engine_writes_a_folder_that_runs(harness: Harness, tmp_path: Path, style: str) -> None:
    """The skeleton loads, the doctor names its first missing word, and nothing is ever overwritten."""
    assert harness("init-engine", "my-engine", "--style", style).code == 0
    assert f"style: {style}\n" in Path("my-engine/engine.yaml").read_text()
    result = harness("doctor", "--engine", "./my-engine")
    assert result.code == Exit.NONCONFORMING
    assert "needs tensor" in result.out
    assert harness("check", "my-engine/engine.yaml").code == 0
    again = harness("init-engine", "my-engine")
    assert again.code == Exit.USAGE and "exists already" in again.err
    assert harness("init-engine", "My Engine").code == Exit.USAGE


def test_engines_kinds_and_words(harness: Harness) -> None:
    """What there is to name."""
    assert "torch" in harness("engines").out
    assert "graph-freed" in harness("kinds").out
    assert "retain_grad" in harness("words").out


@pytest.mark.parametrize(
    "name", ["spec", "engine", "area", "documents", "profiles", "record", "protocol", "program", "export"]
)
def test_committed_schemas_are_what_the_records_say(harness: Harness, name: str) -> None:
    """The schemas in the tree are generated: `harness schema --write harness/schemas` makes them anew."""
    committed = Path(__file__).parents[2] / "harness" / "schemas" / f"{name}.json"
    assert harness("schema", name).out == committed.read_text(encoding="utf-8")


def test_the_schemas_accept_what_the_loader_accepts(harness: Harness, tmp_path: Path) -> None:
    """Every spec, engine file, area and record of a run is valid by its schema; a wrong spec is not."""
    import jsonschema
    import yaml

    from harness.places import room

    def validator(name: str) -> jsonschema.Draft202012Validator:
        return jsonschema.Draft202012Validator(json.loads(harness("schema", name).out))

    def document(path: Path) -> Any:
        return yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))

    spec, table, engine, record = map(validator, ("spec", "table", "engine", "record"))
    others = {f"_{name}.yaml": validator(name) for name in ("area", "documents", "profiles")}
    for path in room("specs").rglob("*.yaml"):
        if path.name != "_bugs.yaml":  # which only the tests read
            found = document(path)
            others.get(path.name, table if "rows" in found else spec).validate(found)
    for path in room("engines").glob("*/engine.yaml"):
        engine.validate(document(path))
    assert not spec.is_valid({"id": "a/b", "claim": "c", "source": ["s"], "run": "x", "raises": "no-such-kind"})
    assert not spec.is_valid({"id": "a/b", "claim": "c", "source": ["s"]})
    harness("run", "--engine", "reference", "leaf", "--report", "none", "-o", "out")
    for line in (tmp_path / "out" / "reference.jsonl").read_text().splitlines():
        record.validate(json.loads(line))


def test_rerun(harness: Harness, tiny: Path, tmp_path: Path) -> None:
    """--failed runs just the specs that failed, on the same engine; without it everything runs again."""
    harness("run", "--engine", tiny, "grad", "--report", "none", "-o", "out")
    first = read(tmp_path / "out" / "tiny.jsonl")
    failed = {case.spec for case in first.cases.values() if case.status == "fail"}
    assert harness("rerun", "out", "--failed", "-o", "again").code == Exit.NONCONFORMING
    assert set(read(tmp_path / "again" / "tiny.jsonl").specs) == failed
    harness("rerun", "out/tiny.jsonl", "-o", "again")
    assert read(tmp_path / "again" / "tiny.jsonl").cases.keys() == first.cases.keys()


def test_report_from_records(harness: Harness, tmp_path: Path) -> None:
    """Reports are made from records alone, several runs in one page."""
    harness("run", "--engine", "reference", "leaf", "--report", "none", "-o", "one")
    harness("run", "--engine", "exact", "leaf", "flag", "--report", "none", "-o", "two")
    result = harness("report", "one", "two/exact.jsonl", "-o", "page")
    assert result.code == 0
    page = (tmp_path / "page" / "report.html").read_text()
    assert "reference" in page and "exact" in page


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no header"),
        ("hello\n", "not a line of a run record"),
        ("{}\n", "not a line of a run record"),
        ('{"line": "footer"}\n', "not a line of a run record"),
    ],
)
def test_damaged_records_are_one_message(harness: Harness, tmp_path: Path, text: str, message: str) -> None:
    """report, diff and rerun refuse what is no record, with file and line."""
    (tmp_path / "bad.jsonl").write_text(text)
    for command in (("report", "bad.jsonl"), ("diff", "bad.jsonl", "bad.jsonl"), ("rerun", "bad.jsonl")):
        result = harness(*command)
        assert result.code == Exit.USAGE
        assert "bad.jsonl" in result.err and message in result.err


def test_a_newer_record_is_refused(harness: Harness, tmp_path: Path) -> None:
    """A record of a later major format is not misread."""
    harness("run", "--engine", "reference", "leaf", "--report", "none", "-o", "out")
    path = tmp_path / "out" / "reference.jsonl"
    path.write_text(path.read_text().replace(f'"format":"{FORMAT}"', '"format":"2.0"'))
    result = harness("report", path)
    assert result.code == Exit.USAGE
    assert "format 2.0" in result.err


def test_a_fault_of_the_harness_is_told_as_one(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is our fault has a code of its own, one message, and a traceback only where it is asked for."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(selection, "select", broken)
    result = harness("list")
    assert result.code == Exit.INTERNAL
    assert "ZeroDivisionError: ours" in result.err and "Traceback" not in result.err
    monkeypatch.setenv("HARNESS_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        harness("list")


def test_an_incomplete_record_is_never_green(harness: Harness, tmp_path: Path) -> None:
    """report and diff of a record that was cut say so and give a code of their own."""
    harness("run", "--engine", "reference", "leaf", "--report", "none", "-o", "out")
    path = tmp_path / "out" / "reference.jsonl"
    (tmp_path / "cut.jsonl").write_text("".join(path.read_text().splitlines(keepends=True)[:-3]))
    report, diff = harness("report", "cut.jsonl", "-o", "r"), harness("diff", path, "cut.jsonl")
    assert (report.code, diff.code) == (Exit.INCOMPLETE, Exit.INCOMPLETE)
    assert "incomplete" in report.err and "incomplete" in diff.err
    assert "ncomplete" in (tmp_path / "r" / "report.html").read_text()


def test_rerun_of_an_engine_that_is_gone_is_one_message(harness: Harness, tiny: Path, tmp_path: Path) -> None:
    """The engine cannot be loaded any more: its own message and code, and no report of something older."""
    harness("run", "--engine", tiny, "grad", "--report", "none", "-o", "out")
    harness("rerun", "out", "-o", "again")
    (tmp_path / "again" / "report.html").unlink()
    (tiny / "engine.yaml").unlink()
    result = harness("rerun", "out", "-o", "again")
    assert result.code == Exit.ENGINE_UNUSABLE
    assert "holds no engine.yaml" in result.err and result.err.count("\n") == 1
    assert not (tmp_path / "again" / "report.html").exists()


def test_a_row_of_a_table_is_shown_as_in_a_handbook(harness: Harness) -> None:
    """A row's name means all its specs; formulas before numbers, of which nobody reads nineteen."""
    shown = harness("show", "ops/tanh")
    assert "∂x    1 - tanh(x)**2" in shown.out
    assert "not asked" not in shown.out
    listed = harness("list", "ops/tanh").out
    assert listed.count("\n") == 3
    assert "gradient" in listed
    assert harness("show", "ops/tanh", "--yaml").out.startswith("  tanh:\n    run: tanh(x)\n")
    spec = harness("show", "ops/tanh/gradient").out
    assert "x_in has shape [2, 1, 3]" in spec
    assert max(map(len, spec.splitlines())) < 120
    told = harness("explain", "ops/tanh/gradient[3]", "--engine", "reference").out
    before, _, script = told.partition("stand-alone script")
    assert max(map(len, before.splitlines())) < 130
    assert "out_value" not in script  # the numbers themselves


def test_tables_are_loaded_only_where_they_may_be_meant(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A selection of one area reads its folder alone; a wrong word is still compared with everything."""
    read_: list[str] = []
    really = load.load

    def noted(files: Iterable[Path], root: Path | None = None) -> list[load.CheckedSpec]:
        asked = list(files)
        read_.extend(path.parent.name for path in asked)
        return really(asked, root)

    monkeypatch.setattr(load, "load", noted)
    for words in (["leaf"], ["leaf/*"], ["--area", "leaf"], ["leaf", "-k", "view"]):
        read_.clear()
        assert harness("list", *words).code == 0
        assert {*read_} == {"leaf"}
    assert "did you mean 'ops/tanh/gradient'?" in harness("list", "ops/tanh/gradent").err
    assert "did you mean 'leaf'?" in harness("list", "leaff").err
