"""harness mutate: faults seeded into an engine by its source, what becomes of each, and checks that are spoilt."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness import schema
from harness.exits import Exit
from harness.mutation import checks, hunt
from tests.conftest import Harness, SpecFile

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every mutant runs in a fork")

MUTABLE = Path(__file__).parent.parent / "outside" / "mutable"
MUL = """\
run: |
  x = tensor(3., requires_grad=True)
  y = tensor(5., requires_grad=True)
  (x * y * 7.).backward()
expect: {x.grad: 35., y.grad: 21.}
"""
ONES = """\
run: |
  x = tensor(1., requires_grad=True)
  y = tensor(1., requires_grad=True)
  (x * y).backward()
expect: {x.grad: 1., y.grad: 1.}
"""
POW = """\
run: |
  x = tensor(3., requires_grad=True)
  (x ** 3. * 2.).backward()
expect: {x.grad: 54.}
"""
NEG = """\
run: |
  x = tensor(3., requires_grad=True)
  (-x).backward()
expect: {x.grad: -1.}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MUTABLE, tmp_path / "mutable", ignore=shutil.ignore_patterns("__pycache__")))


class Mutate:
    """harness mutate on the engine; the record by mutant."""

    def __init__(self, harness: Harness, engine: Path) -> None:
        self.harness = harness
        self.engine = engine
        self.record: dict[str, Any] = {}

    def __call__(self, *arguments: str | Path) -> dict[str, dict[str, Any]]:
        self.result = self.harness("mutate", "--engine", self.engine, "--json", "found.json", *arguments)
        assert self.result.code in (Exit.OK, Exit.NONCONFORMING, Exit.STALE), self.result.err
        self.record = json.loads(Path("found.json").read_text(encoding="utf-8"))
        return {mutant["id"]: mutant for mutant in self.record["mutants"]}

    def verdicts(self, op: str, *arguments: str | Path) -> dict[str, str]:
        """Operator (and expression) -> verdict, of the mutants of one operation."""
        found = self(*arguments).values()
        return {f"{m['operator']}: {m['expression']}": m["verdict"] for m in found if m["op"] == op}


@pytest.fixture
def mutate(harness: Harness, engine: Path) -> Mutate:
    return Mutate(harness, engine)


def test_a_fault_is_killed_survives_or_is_not_reached(mutate: Mutate, spec_file: SpecFile) -> None:
    """A rule that a spec judges is killed; one that no case comes to is not reached and counts against the score."""
    found = mutate.verdicts("mul", spec_file(MUL))
    assert found["sign of the result: g * b"] == "killed"
    assert found["factor 1.000001: g * a"] == "killed"
    assert found["value returns g: g * b"] == "killed"
    assert found["drop the left: g * b"] == "killed"
    assert found["only large: g * b"] == "not-reached"
    assert mutate.verdicts("sub", spec_file(MUL))["sign: -g"] == "not-reached"
    assert mutate.result.code == Exit.NONCONFORMING


def test_a_weak_spec_lets_faults_live(mutate: Mutate, spec_file: SpecFile) -> None:
    """With ones everywhere, the value and the derivative are alike."""
    found = mutate.verdicts("mul", spec_file(ONES))
    assert found["value returns g: g * b"] == found["drop the left: g * b"] == "survived"
    assert found["sign of the result: g * b"] == "killed"
    shown = mutate.result.out
    assert "mutable/rules.py:27:31 drop the left" in shown
    assert '+ "mul": {"a": lambda g, b: b, "b": lambda g, a: g * a},' in shown


def test_all_operators_are_in_the_record_and_it_fits_its_schema(mutate: Mutate, spec_file: SpecFile) -> None:
    """Another program can read it."""
    mutate(spec_file(MUL))
    jsonschema.validate(mutate.record, schema.all_schemas()["mutation"])
    assert {"sign", "only", "stale", "scatter"} <= {operator["name"] for operator in mutate.record["operators"]}
    assert mutate.record["cases"] == 1


def test_endless_loops_and_dying_processes_are_kills(
    mutate: Mutate, spec_file: SpecFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mutant that runs in circles or takes the process with it was noticed; those after it are tried all the same."""
    monkeypatch.setattr(hunt, "SECONDS", 0.3)
    found = mutate(spec_file(POW), spec_file(NEG), "--only", "slope_of_power", "--only", "careful").values()
    how = {f"{m['op']} {m['operator']}: {m['expression']}": m.get("how", "") for m in found}
    assert how["slope_of_power statement: left -= 1"] == "timeout"
    assert how["slope_of_power statement: slope *= a"] == "red"
    (crash,) = [value for key, value in how.items() if key.startswith("careful condition: if")]
    assert crash == "crash"
    assert how["careful factor 2: g"] == "red"


def test_what_is_equivalent_is_argued(mutate: Mutate, spec_file: SpecFile) -> None:
    """An entry takes a survivor out of the score; one that fits nothing, or only what is killed, is named."""
    entries = mutate.engine / "equivalent.yaml"
    entries.write_text(
        "- {op: pow, operator: stale, expression: ..., reason: scalars are never overwritten}\n"
        "- {op: pow, operator: sign of the result, expression: g * ..., reason: wrong}\n"
        "- {op: cube, operator: '*', expression: ..., reason: there is no cube any more}\n",
        encoding="utf-8",
    )
    arguments = (spec_file(POW), "--only", "pow")
    found = mutate.verdicts("pow", *arguments)
    assert found["stale: b"] == "equivalent"
    assert found["sign of the result: g * slope_of_power(a, b)"] == "killed"
    assert "cube: *: ... (fits no mutant)" in mutate.result.err
    mutate("--only", "stale", *arguments[:1], "--at-least", "0")
    assert mutate.result.code == Exit.STALE
    assert "equivalent" in mutate.result.out


def test_the_same_comes_out_whatever_the_number_of_processes(
    mutate: Mutate, spec_file: SpecFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutants, verdicts and killers, in order; and a sample is the same sample."""
    monkeypatch.setattr(hunt, "SECONDS", 0.3)
    specs = (spec_file(MUL), spec_file(POW), spec_file(NEG))
    assert mutate(*specs, "-j", "1") == mutate(*specs, "-j", "3")
    sample = mutate(*specs, "--sample", "10", "--seed", "1")
    assert len(sample) == 10 and sample == mutate(*specs, "--sample", "10", "--seed", "1")
    assert sample.keys() != mutate(*specs, "--sample", "10", "--seed", "2").keys()


def test_specs_that_kill_nothing_of_their_own_are_named(mutate: Mutate, spec_file: SpecFile) -> None:
    """Of two equal specs one can go; the one about something else cannot."""
    one, two, other = spec_file(MUL, id="a/one"), spec_file(MUL, id="a/two"), spec_file(NEG, id="a/other")
    mutate(one, two, other, "--all-cases", "--only", "mul", "--only", "neg")
    assert mutate.record["redundant"] == ["a/one"]
    assert "a/one" in mutate.result.out


def test_only_narrows_and_list_runs_nothing(harness: Harness, engine: Path) -> None:
    """By operation, file or operator."""
    told = harness("mutate", "--engine", engine, "--list", "--only", "sign")
    assert told.code == 0
    assert "mutable/rules.py:27:31 sign of the result" in told.out
    assert "factor" not in told.out
    assert harness("mutate", "--engine", engine, "--only", "nothing").code == Exit.EMPTY


def test_the_page_is_made_from_the_file(mutate: Mutate, spec_file: SpecFile) -> None:
    """`harness report` reads nothing but the record; --report does the same at once."""
    mutate(spec_file(MUL), "--report", "pages")
    at_once = Path("pages/mutation.html").read_text(encoding="utf-8")
    assert mutate.harness("report", "found.json", "--output", "later").code == 0
    assert Path("later/mutation.html").read_text(encoding="utf-8") == at_once
    assert "<h2>Not reached" in at_once
    assert "&#34;sub&#34;: {&#34;a&#34;: lambda g: g" in at_once


def test_a_record_that_is_none_is_refused(harness: Harness, tmp_path: Path) -> None:
    """In one sentence."""
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    told = harness("report", "other.json")
    assert told.code == Exit.USAGE
    assert "is no record of `harness mutate --json`" in told.err


def test_an_engine_that_names_no_files_is_told_how(harness: Harness, tiny: Path) -> None:
    """The key of engine.yaml, ready to be copied."""
    told = harness("mutate", "--engine", tiny)
    assert told.code == Exit.ENGINE_UNUSABLE
    assert "mutate: {files: [rules.py]}" in told.err


def test_the_references_rules_are_mutants(harness: Harness) -> None:
    """Closures, tables and the conditions of a real engine: the rule of exp is wrong for float32 only, and that is seen."""
    arguments = ("--engine", "reference", "--only", "exp", "--at-least", "0", "--json", "exp.json", "-q")
    assert harness("mutate", *arguments, "--area", "node").code in (Exit.OK, Exit.STALE)
    found = json.loads(Path("exp.json").read_text(encoding="utf-8"))["mutants"]
    verdicts = {mutant["operator"]: mutant["verdict"] for mutant in found if "rules.py" in mutant["file"]}
    assert verdicts["sign of the result"] == verdicts["only float32"] == "killed"


def test_every_check_can_fail(harness: Harness) -> None:
    """Numbers, flags, kinds of errors and warnings, outcomes: the judge says no to each when it is spoilt."""
    told = harness("mutate", "--engine", "reference", "--checks", "grad/*", "anomaly/*", "complex/*")
    assert told.code == 0, told.out
    assert "checks can fail" in told.out


def test_a_check_that_cannot_fail_is_named(
    harness: Harness, engine: Path, spec_file: SpecFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a number may be anything, `--checks` says which."""
    monkeypatch.setattr(checks, "_moved", lambda number, wanted: number)
    told = harness("mutate", "--engine", engine, "--checks", spec_file(NEG, id="mine/neg"))
    assert told.code == Exit.NONCONFORMING
    assert "mine/neg: step 1, line" in told.out and "x.grad: passes with number 0" in told.out
