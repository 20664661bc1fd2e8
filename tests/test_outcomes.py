"""What a spec may leave open: standings, several outcomes, releases. Judged on an engine from outside with a known fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.exits import Exit
from harness.record import CaseLine, Status
from tests.conftest import Harness, Judge, SpecFile

TWICE = "run: |\n  x = tensor(3., requires_grad=True)\n  y = x * x\n  y.backward()\n  y.backward()\n"
"""The tiny engine overwrites: 6; one that accumulates over a graph that is never freed has 12."""
UNTRACKED = "run: |\n  x = tensor(3.)\n  x.backward()\n"
"""The tiny engine raises no-grad-fn."""

EngineFolder = Callable[..., Path]


@pytest.fixture
def engine(tiny: Path, tmp_path: Path) -> EngineFolder:
    """The tiny engine with another version or other promises."""

    def write(version: str = "1.0", **keys: str) -> Path:
        folder = tmp_path / f"engine-{len([*tmp_path.iterdir()])}"
        folder.mkdir()
        text = (tiny / "__init__.py").read_text(encoding="utf-8").replace('version = "1.0"', f'version = "{version}"')
        (folder / "__init__.py").write_text(text, encoding="utf-8")
        lines = {"name": "other", "title": "Other", "default-dtype": "float64"} | {
            name.replace("_", "-"): value for name, value in keys.items()
        }
        (folder / "engine.yaml").write_text("".join(f"{k}: {v}\n" for k, v in lines.items()), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def verdict(spec_file: SpecFile, judge: Judge, tiny: Path) -> Callable[..., CaseLine]:
    def run(text: str, engine: Path | str = tiny) -> CaseLine:
        (case,) = judge(spec_file(text), engine=engine).cases.values()
        return case

    return run


Verdict = Callable[..., CaseLine]


# ---- standings


@pytest.mark.parametrize("standing", ["documented", "implied", "exact", "contradicts-doc"])
def test_what_holds_for_every_engine_fails_any(verdict: Verdict, standing: str) -> None:
    """These four are judged whoever the engine follows."""
    text = f"standing: {standing}\ndefect: it does otherwise\n" + TWICE + "expect: {x.grad: 12.}"
    assert verdict(text).status is Status.FAIL


@pytest.mark.parametrize("standing", ["rule", "convention"])
def test_a_choice_is_recorded_of_engines_with_rules_of_their_own(verdict: Verdict, standing: str) -> None:
    """It is run, never failed, and what was seen is told beside what PyTorch does."""
    other = verdict(f"standing: {standing}\n" + TWICE + "expect: {x.grad: 12.}")
    assert other.status is Status.NOT_APPLICABLE
    assert other.remarks == ["it does something else: x.grad: 6.0 float64 (12.0 float64 in PyTorch)"]
    assert not other.failures
    same = verdict(f"standing: {standing}\n" + TWICE + "expect: {x.grad: 6.}")
    assert (same.status, same.remarks) == (Status.NOT_APPLICABLE, ["it does what PyTorch does"])
    raised = verdict(f"standing: {standing}\n" + UNTRACKED + "expect: {x.grad: 6.}")
    assert raised.status is Status.NOT_APPLICABLE
    assert "no-grad-fn (no error in PyTorch)" in raised.remarks[0]


@pytest.mark.parametrize("standing", ["rule", "convention", "pytorch", "observed", "quirk"])
def test_who_follows_pytorch_is_judged_by_all_of_it(verdict: Verdict, engine: EngineFolder, standing: str) -> None:
    """`follows: pytorch` is a promise."""
    text = f"standing: {standing}\n" + TWICE + "expect: {x.grad: 12.}"
    assert verdict(text, engine(follows="pytorch")).status is Status.FAIL


@pytest.mark.parametrize("standing", ["pytorch", "observed", "quirk"])
def test_what_is_pytorch_s_own_is_not_run_elsewhere(verdict: Verdict, standing: str) -> None:
    """There is nothing to record: no remark says what the engine did."""
    case = verdict(f"standing: {standing}\n" + TWICE + "expect: {x.grad: 12.}")
    assert (case.status, case.remarks) == (Status.NOT_APPLICABLE, [])
    assert "PyTorch's own way" in case.reason


def test_what_is_recorded_is_seen_in_reports(harness: Harness, spec_file: SpecFile, tiny: Path, tmp_path: Path) -> None:
    """The remark stands in the page, in the test view's reason, and in `explain`; a change of it is a change in `diff`."""
    path = spec_file("standing: rule\n" + TWICE + "expect: {x.grad: 12.}")
    said = "it does something else: x.grad: 6.0 float64 (12.0 float64 in PyTorch)"
    harness("run", "--engine", tiny, path, "-o", "out")
    for report in ("report.html", "junit.xml"):
        assert said in (tmp_path / "out" / report).read_text(encoding="utf-8")
    assert f"  {said}" in harness("explain", path, "--engine", tiny).out
    fixed = (
        (tiny / "__init__.py").read_text(encoding="utf-8").replace("value.grad = Value(g)", "value.grad = Value(2 * g)")
    )
    (tiny / "__init__.py").write_text(fixed, encoding="utf-8")
    harness("run", "--engine", tiny, path, "-o", "again", "--report", "none")
    assert "1 changed" in harness("diff", "out", "again").out


# ---- several outcomes

BOTH = "either:\n  - {expect: {x.grad: 12.}, because: a}\n  - {expect: {x.grad: %s}, because: b}\n"


def test_one_outcome_that_matches_is_enough(verdict: Verdict) -> None:
    """Whichever it is; none of them is not."""
    assert verdict(TWICE + BOTH % "6.").status is Status.PASS
    assert verdict(TWICE + BOTH % "7.").status is Status.FAIL


def test_what_stands_beside_either_holds_for_every_outcome(verdict: Verdict) -> None:
    """A matching outcome does not excuse the rest of the step."""
    case = verdict(TWICE + "expect: {x.is_leaf: false}\n" + BOTH % "6.")
    assert [check.expression for check in case.failures] == ["x.is_leaf"]


def test_an_outcome_matches_in_full_or_not_at_all(verdict: Verdict) -> None:
    """Half of one and half of another make none."""
    one = "  - {expect: {x.grad: 6., y.is_leaf: true}, because: a}\n"
    other = "  - {expect: {x.grad: 7., y.is_leaf: false}, because: b}"
    assert verdict(TWICE + "either:\n" + one + other).status is Status.FAIL


def test_a_failure_is_about_the_closest_outcome_and_names_all(
    harness: Harness, spec_file: SpecFile, tiny: Path
) -> None:
    """6 is nearer to 7 than to 12, and nearer to any number than to an error."""
    far = "  - {raises: no-grad-fn, because: c}\n"
    result = harness("run", "--engine", tiny, "--report", "none", spec_file(TWICE + BOTH % "7." + far))
    assert "expected 7.0 float64, observed 6.0 float64 (off by 1)" in result.out
    assert "allowed: x.grad is 7.0; or x.grad is 12.0; or raises no-grad-fn" in result.out


RAISING = "either:\n  - {raises: %s, because: a}\n  - {expect: {x.grad: 6.}, because: b}"


def test_the_last_line_may_raise_where_an_outcome_says_so(verdict: Verdict) -> None:
    """The kind is judged; where nothing is raised, the outcome without `raises` is the one that must match."""
    assert verdict(UNTRACKED + RAISING % "no-grad-fn").status is Status.PASS
    assert verdict(UNTRACKED + RAISING % "graph-freed").status is Status.FAIL
    assert verdict(TWICE + RAISING % "graph-freed").status is Status.PASS
    quiet = "either:\n  - {raises: graph-freed, because: a}\n  - {expect: {x.grad: 12.}, because: b}"
    assert verdict(TWICE + quiet).status is Status.FAIL
    silent = "either:\n  - {raises: graph-freed, because: a}\n  - {expect: {x.is_leaf: true}, because: b}"
    assert verdict(UNTRACKED + silent).status is Status.FAIL


def test_an_earlier_line_may_never_raise(verdict: Verdict) -> None:
    """An allowed error is one of the last line."""
    assert verdict(UNTRACKED + "  y = 1\n" + RAISING % "no-grad-fn").status is Status.FAIL


def test_what_cannot_be_read_counts_only_where_it_is_judged(verdict: Verdict) -> None:
    """After an error there is no y; only the outcome without the error speaks of it."""
    text = "run: |\n  x = tensor(3.)\n  y = x.backward()\neither:\n"
    text += "  - {raises: no-grad-fn, because: a}\n  - {expect: {y: null}, because: b}"
    assert verdict(text).status is Status.PASS
    assert verdict(text.replace("because: a", "because: a, expect: {y: null}")).status is not Status.PASS


def test_warnings_are_an_outcome_s_own(verdict: Verdict) -> None:
    """`warns` of an outcome is due, and what another allows is not allowed here. PyTorch warns, the tiny engine does not."""
    pytest.importorskip("torch")
    access = "run: |\n  x = tensor(3., requires_grad=True)\n  y = x * x\n  g = y.grad\n"
    loud = "  - {warns: nonleaf-grad-access, because: a, expect: {g: null}}\n"
    quiet = "  - {expect: {g: null}, because: b}\n"
    dull = "  - {expect: {g: 1.}, because: c, allows: nonleaf-grad-access}\n"
    for engine, expected in (("torch", Status.PASS), ("reference", Status.PASS)):
        assert verdict(access + "either:\n" + loud + dull, engine).status is expected
        assert verdict(access + "either:\n" + quiet + dull, engine).status is Status.FAIL
    assert verdict(access + "either:\n" + quiet + dull).status is Status.PASS


def test_any_of_several_values(verdict: Verdict, harness: Harness, spec_file: SpecFile, tiny: Path) -> None:
    """The short form for one expression; a failure shows the closest value and names all."""
    assert verdict(TWICE + "expect: {x.grad: {any: [12., 6.], because: taste}}").status is Status.PASS
    assert verdict(TWICE + "expect: {x.grad: {any: [null, 6.], because: taste}}").status is Status.PASS
    wrong = spec_file(TWICE + "expect: {x.grad: {any: [12., 7.], because: taste}}")
    out = harness("run", "--engine", tiny, "--report", "none", wrong).out
    assert "expected 7.0 float64, observed 6.0 float64 (off by 1)" in out
    assert "allowed: x.grad is 7.0 float64; or x.grad is 12.0 float64" in out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("either:\n  - {expect: {x.grad: 6.}, because: a}", "is shorter than 2"),
        ("either:\n  - {expect: {x.grad: 6.}}\n  - {raises: no-grad-fn, because: a}", "an outcome says 'because'"),
        ("either:\n  - {versions: new}\n  - {raises: no-grad-fn, because: a}", "'new' is no range of releases"),
        ("either:\n  - {raises: no-such, because: a}\n  - {because: b}", "unknown kind of error 'no-such'"),
        (
            "either:\n  - {expect: {x.grad: z}, because: a}\n  - {because: b}",
            "name 'z' is neither a parameter nor an input",
        ),
        ("raises: no-grad-fn\n" + BOTH % "6.", "'raises' stands beside 'either'"),
        ("expect: {x.grad: {any: [1., 2.]}}", "'any' and 'because' go together"),
        ("expect: {x.grad: {any: [1., 2.], value: 1., because: a}}", "'any' stands beside 'value'"),
        ("standing: contradicts-doc\nexpect: {x.grad: 6.}", "contradicts-doc needs 'defect'"),
        ("since: soon\nexpect: {x.grad: 6.}", "'soon' is no release"),
        ("since: '2.5'\nuntil: '2.4'\nexpect: {x.grad: 6.}", "ends with 2.4, before it begins with 2.5"),
    ],
)
def test_mistakes_are_told(harness: Harness, spec_file: SpecFile, text: str, said: str) -> None:
    """Each with its place."""
    result = harness("check", spec_file(TWICE + text))
    assert result.code == Exit.SPEC_INVALID
    assert said in result.err


# ---- releases


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("2.4.1", Status.NOT_APPLICABLE),
        ("2.5.0+cpu", Status.PASS),
        ("2.13.0", Status.PASS),
        ("2.14.0.dev20261101+cu130", Status.NOT_APPLICABLE),
        ("2.14.0", Status.NOT_APPLICABLE),
        ("a build of mine", Status.PASS),
    ],
)
def test_since_and_until_speak_of_releases(
    verdict: Verdict, engine: EngineFolder, version: str, status: Status
) -> None:
    """Whatever stands behind a +; until is exclusive; a build of a release is that release."""
    case = verdict(
        "since: '2.5'\nuntil: '2.14'\n" + TWICE + "expect: {x.grad: 6.}", engine(version, releases="pytorch")
    )
    assert case.status is status
    if status is Status.NOT_APPLICABLE:
        assert case.reason == (
            "PyTorch has it since 2.5" if version.startswith("2.4") else "PyTorch has it before 2.14 only"
        )


def test_other_engines_are_no_release(verdict: Verdict, engine: EngineFolder) -> None:
    """Their version 1.0 is not older than PyTorch 2.5, and every outcome is theirs."""
    assert verdict("since: '2.5'\n" + TWICE + "expect: {x.grad: 6.}", engine("1.0")).status is Status.PASS
    assert verdict(TWICE + VERSIONED, engine("1.0")).status is Status.PASS


VERSIONED = "either:\n  - {expect: {x.grad: 6.}, versions: '>=2.14'}\n  - {expect: {x.grad: 12.}, versions: '<2.14'}"


def test_an_outcome_of_another_release_does_not_apply(verdict: Verdict, engine: EngineFolder) -> None:
    """6 is what 2.14 does; for 2.13 it is wrong. Where no outcome applies, nothing is judged."""
    assert verdict(TWICE + VERSIONED, engine("2.14.1", releases="pytorch")).status is Status.PASS
    case = verdict(TWICE + VERSIONED, engine("2.13.0+cpu", releases="pytorch"))
    assert case.status is Status.FAIL
    assert case.failures[0].allowed == ["x.grad is 12.0 (PyTorch <2.14)"]
    gone = verdict(TWICE + VERSIONED.replace("<2.14", "<2.4"), engine("2.5", releases="pytorch"))
    assert gone.reason == "no outcome of step 1 is one of PyTorch 2.5"


# ---- in workers, as data


def test_workers_are_asked_for_every_expression_once(
    harness: Harness, spec_file: SpecFile, tiny: Path, tmp_path: Path
) -> None:
    """The same verdicts in a process of its own; an export says which expressions each outcome judges."""
    import msgspec

    path = spec_file(UNTRACKED + RAISING % "no-grad-fn" + "\n  - {expect: {x.grad: 7., x.is_leaf: true}, because: c}")
    result = harness("run", "--engine", tiny, "--isolate", "worker", "--report", "none", path)
    assert result.code == Exit.OK, result.out
    spec = msgspec.json.decode(harness("export", path).out.splitlines()[1])
    (step,), (case,) = spec["steps"], spec["cases"]
    assert step["observe"] == ["x.grad", "x.is_leaf"]
    assert [outcome["judges"] for outcome in step["either"]] == [[], [0], [0, 1]]
    assert [due["form"] for due in case["expected"][0]] == ["unjudged", "unjudged"]
    assert [[due.get("values") for due in outcome] for outcome in case["either"][0]] == [[], [6.0], [7.0, None]]
    assert spec["program"]["steps"][0]["raises"] is True
