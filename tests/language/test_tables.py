"""Derivative tables: rows become specs, wrong rows become messages, and oracles find wrong formulas."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cases import recorded_parameters
from harness.language import load
from harness.language.formulas import BadFormula, block, formula
from harness.language.mathematics import FUNCTIONS
from harness.problems import InputError
from harness.tables.aspects import ASPECTS
from tests.conftest import Harness

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"
ROWS = """
title: t
about: a
rows:
  sinh:
    run: sinh(x)
    inputs: {x: [-3, 3]}
    value: sinh(x)
    derivative: {x: cosh(x)}
    complex: true
    source: torch.sinh
    points:
      - {at: {x: [0.0]}}
  mul:
    run: x * y
    inputs: {x: [-3, 3], y: [0.5, 3]}
    value: x * y
    derivative: {x: y, y: x}
    source: torch.mul
  mean-dim:
    run: mean(x, dim, keepdim)
    inputs: {x: [-2, 2]}
    cases:
      - {x: [3, 4], dim: 0, keepdim: false}
      - {x: [2, 3, 4], dim: -2, keepdim: true}
    value: mean(x, dim, keepdims=keepdim)
    gradient: {x: "kept(g, x, dim, keepdim) * ones_like(x) / count(x, dim)"}
    source: torch.mean
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(ROWS)
    return path


def changed(table: Path, old: str, new: str) -> Path:
    assert old in ROWS
    table.write_text(ROWS.replace(old, new, 1))
    return table


def problems(table: Path) -> str:
    with pytest.raises(InputError) as caught:
        load.load_file(table)
    return str(caught.value)


def test_a_row_becomes_a_spec_for_every_aspect(table: Path) -> None:
    """Elementwise rows are asked about promotion and about one tensor as all operands, others are not."""
    ids = {spec.spec.id for spec in load.load_file(table)}
    common = {"gradient", "twice", "strided", "expanded", "forward", "second"}
    common |= {"forward-over-reverse", "reverse-over-forward", "forward-over-forward"}
    assert ids == {
        *(f"ops/{row}/{aspect}" for row in ("sinh", "mul", "mean-dim") for aspect in common),
        *("ops/sinh/points", "ops/sinh/large", "ops/mul/large", "ops/mul/same", "ops/mul/promotion"),
        *("ops/mul/alone-x", "ops/mul/alone-y"),
    }


def test_a_table_expands_to_the_same_cases_every_time(table: Path) -> None:
    """Inputs are seeded by the row's name: neither the file's place nor the other rows change them."""
    before = {spec.spec.id: spec.digest for spec in load.load_file(table)}
    other = table.parent / "moved.yaml"
    row = "  cosh:\n    run: cosh(x)\n    inputs: {x: [-3, 3]}\n    value: cosh(x)\n    derivative: {x: sinh(x)}\n"
    other.write_text(ROWS.replace("  sinh:\n", f"{row}    source: torch.cosh\n  sinh:\n"))
    after = {spec.spec.id: spec.digest for spec in load.load_file(other)}
    assert before.items() <= after.items()


def test_every_kind_of_case_is_there(table: Path) -> None:
    """Shapes, dtypes and cotangents of one elementwise row."""
    (spec,) = [spec for spec in load.load_file(table) if spec.spec.id == "ops/sinh/gradient"]
    cases = spec.spec.cases
    assert {case["dtype"] for case in cases} == {
        *("float64", "float32", "float16", "bfloat16", "complex128", "complex64"),
    }
    assert any(case["x_in"] == [] for case in cases) and any(isinstance(case["x_in"], float) for case in cases)
    flat = [
        case["out_cotangent"] for case in cases if isinstance(case["out_cotangent"], list) and case["out_cotangent"]
    ]
    assert any(value == float("inf") for g in flat for value in g if isinstance(value, float))
    assert any(set(map(str, g)) == {"0.0"} for g in flat)


def test_a_table_runs(harness: Harness, table: Path) -> None:
    """All that a right row says holds on the reference."""
    result = harness("run", "--engine", "reference", str(table), "--report", "none")
    assert result.code == 0, result.out + result.err


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("derivative: {x: cosh(x)}", "derivative: {x: -cosh(x)}"),
        ("derivative: {x: cosh(x)}", "derivative: {x: cosh(x) * (1 + 1e-6)}"),
        ("value: sinh(x)", "value: sinh(x) + x * x * 1e-3"),
        ("/ count(x, dim)", "/ (count(x, dim) - 1)"),
        ("derivative: {x: y, y: x}", "derivative: {x: y, y: 2 * x}"),
    ],
)
def test_oracles_find_a_wrong_formula(harness: Harness, table: Path, old: str, new: str) -> None:
    """A formula that is wrong by a part in a million disagrees with differences of the value, and with the reference."""
    result = harness("check", "--oracles", str(changed(table, old, new)))
    assert result.code != 0
    assert "differences" in result.out + result.err and "reference" in result.out + result.err


def test_oracles_find_a_wrong_hard_point(harness: Harness, table: Path) -> None:
    """A number that is not what sixty digits give."""
    point = "{at: {x: 1.0e-20}, value: {out: 1.0e-20}, gradient: {x: 1.0000001}, exactly: sinh(x), why: tiny}"
    new = f"hard:\n      - {point}\n    points:"
    result = harness("check", "--oracles", str(changed(table, "points:", new)))
    assert result.code != 0 and "1.0000001 is stated" in result.out + result.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "value: sinh(x)",
            "value: sinhh(x)",
            "8:12: row 'sinh', value: function 'sinhh' is not known",
        ),
        ("derivative: {x: cosh(x)}", "derivative: {z: cosh(x)}", "9:18: 'z' is no input"),
        ("inputs: {x: [-3, 3]}", "inputs: {x: [3, -3]}", "an input comes from an interval [low, high]"),
        ("inputs: {x: [-3, 3]}", "inputs: {x: distincts}", "did you mean 'distinct'?"),
        ("dim: 0, ", "", "name 'dim' is not known"),
        ("x: [3, 4], dim: 0", "x: [0, 4], dim: 0", "cannot be written out"),
        ("run: sinh(x)", "run: sinhh(x)", "row 'sinh', gradient: name 'sinhh' is not defined; did you mean 'sinh'?"),
        ("complex: true", "without: {secnd: no}", "'secnd' is no aspect; did you mean 'second'?"),
        ("value: sinh(x)", "value: outer(ones(300000), x)", "more than 262,144 elements"),
        ("{at: {x: [0.0]}}", "{at: {y: [0.0]}}", "'at' does not say x"),
    ],
)
def test_a_wrong_row_is_refused(table: Path, old: str, new: str, said: str) -> None:
    """Every mistake says where it is and what is near."""
    assert said in problems(changed(table, old, new))


@pytest.mark.parametrize(
    "text",
    [
        *("x.__class__", "x.tofile('f')", "open('f')", "(lambda: 1)()", "[i for i in range(10**9)]", "ones([10**9])"),
        *("einsum('i,j,k->ijk', x, x, x)", "arange(10**9)", "tile(x, 10**7)", "'a' * 10**9", "9**9**9**9", "{x: 1}"),
        *(
            "[0] * 10**9",
            "eye(10**5)",
            "outer(arange(1000), arange(1000))",
            "pad(x, 10**9)",
            "matrix_power(outer(x, x), 10**9)",
        ),
        *(
            "f'{x}'",
            "x if x else (yield)",
            "print(x)",
            "sum(x, **{})",
            "repeat(x, 10**9)",
            "x[:, None] * arange(10000)",
        ),
    ],
)
def test_a_formula_can_neither_escape_nor_exhaust(text: str) -> None:
    """What is not a formula is refused, what would grow is stopped before it has grown."""
    import numpy as np

    with pytest.raises(BadFormula):
        formula(text)({"x": np.ones(100)})


def test_lines_bind_names() -> None:
    """Lines of a `where` see what stands above them."""
    import numpy as np

    lines = block("a, b = split(x, [1])\nc = a + sum(b)")
    assert lines.names == {"x"} and lines({"x": np.array([1.0, 2.0, 3.0])})["c"] == [6.0]
    with pytest.raises(BadFormula, match="only lines of"):
        block("for i in range(3):\n    x = i")


def test_the_sign_of_a_complex_number_is_its_direction() -> None:
    """So NumPy 2 has it; before, it was the sign of the real part."""
    import numpy as np

    signs = FUNCTIONS["sign"](np.array([3 + 4j, -2j, 0])).tolist()
    assert signs == [pytest.approx(0.6 + 0.8j), -1j, 0]
    assert FUNCTIONS["sign"](np.array([-3.0, 0.0])).tolist() == [-1.0, 0.0]


def test_the_page_names_every_function_and_aspect() -> None:
    """docs/tables.md is complete."""
    page = PAGE.read_text(encoding="utf-8")
    assert not [name for name in (*FUNCTIONS, *ASPECTS) if f"`{name}`" not in page]


def test_the_example_of_the_page_runs(harness: Harness, tmp_path: Path) -> None:
    """The table on the page passes the commands below it."""
    example = PAGE.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "mine.yaml").write_text(example)
    for command in (["check", "--oracles"], ["run", "--engine", "reference", "--report", "none"]):
        result = harness(*command, str(tmp_path / "mine.yaml"))
        assert result.code == 0, result.out + result.err


def bounds(table: Path, old: str, new: str) -> list[list[float]]:
    """Those on the gradient of x in the cases of the first aspect of sinh, whose formulas are changed."""
    found = load.load_file(changed(table, old, new))
    (spec,) = [one.spec for one in found if one.spec.id.endswith("/sinh/gradient")]
    return [case["x_near"] for case in spec.cases if case["dtype"] == "float32"]


def test_roundings_on_the_way_widen_the_bound(table: Path) -> None:
    """Terms that cancel leave their own roundings in what is left, although the operand moves it no further."""
    plain = bounds(table, "value: sinh(x)\n    derivative: {x: cosh(x)}", "value: x\n    derivative: {x: 1 + 0 * x}")
    split = bounds(
        table, "value: sinh(x)\n    derivative: {x: cosh(x)}", "value: x\n    derivative: {x: x - 30 + 31 - x}"
    )
    assert all(narrow[1] < wide[1] for narrow, wide in zip(plain, split, strict=True) if wide[1] > 1e-30)
    assert max(wide[1] for wide in split) > 10 * max(narrow[1] for narrow in plain)


@pytest.mark.parametrize(
    ("rule", "asked"), [("cosh(x)", True), ("exp(x) - sinh(x)", False), ("where(x > 0, x, 1)", False)]
)
def test_an_infinite_cotangent_is_asked_of_products_only(table: Path, rule: str, asked: bool) -> None:
    found = load.load_file(changed(table, "derivative: {x: cosh(x)}", f'derivative: {{x: "{rule}"}}'))
    (spec,) = [one.spec for one in found if one.spec.id.endswith("/sinh/gradient")]
    assert any("inf" in str(case["out_cotangent"]) for case in spec.cases) is asked


def test_several_processes_work_out_the_same(tmp_path: Path) -> None:
    """What a process of its own makes of a table is what this one makes; a wrong table is left to whoever tells of it."""
    path, wrong = tmp_path / "t.yaml", tmp_path / "wrong.yaml"
    path.write_text(ROWS)
    wrong.write_text(ROWS.replace("cosh(x)", "cosch(x)"))
    made = load._pickled(path, None, None)
    assert made is not None
    assert [s.digest for s in pickle.loads(made)] == [s.digest for s in load.load_file(path)]
    assert load._pickled(wrong, None, None) is None
    code = (
        "import sys; from pathlib import Path; from harness.language import apart\n"
        "print(sorted(apart.work_out([Path(p) for p in sys.argv[1:]], Path.read_bytes).values()))"
    )
    done = subprocess.run([sys.executable, "-c", code, path, wrong], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", str(sorted(p.read_bytes() for p in (path, wrong))))


def test_a_spec_knows_its_row(tmp_path: Path) -> None:
    """What a handbook says of an operation goes with each of its specs into the record."""
    path = tmp_path / "t.yaml"
    path.write_text(ROWS)
    spec = next(s for s in load.load([path]) if s.spec.id == "ops/mul/gradient")
    assert spec.row is not None
    assert (spec.row.table, spec.row.name, spec.row.aspect) == ("t", "mul", "gradient")
    assert spec.row.derivative == {"x": "y", "y": "x"}
    case = next(case for _, case in spec.cases)
    told = recorded_parameters(case, spec)
    assert told["x_in"] == {"shape": [19]}
    assert not {"out_cotangent", "x_grad", "out_near"} & told.keys()
    assert recorded_parameters(case, spec, whole=True).keys() == case.keys()
