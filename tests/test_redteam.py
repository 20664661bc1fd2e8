"""What an attacker tried: wrong verdicts, hostile specs, hostile engines, hostile records, wrong input."""

from __future__ import annotations

import ast
import json
import os
import random
import resource
import signal
import string
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.language import expected, load
from harness.language.documents import Place
from harness.language.program import Scope, Source, parse
from harness.problems import InputError, Problem
from harness.record import FORMAT, CaseLine, Status
from tests.conftest import Harness, Judge, SpecFile

ROOT = Path(__file__).parent.parent
Verdict = Callable[..., CaseLine]
EngineFolder = Callable[..., Path]


def program(*lines: str) -> str:
    return "run: |\n" + textwrap.indent("\n".join(lines), "  ") + "\n"


@pytest.fixture
def verdict(spec_file: SpecFile, judge: Judge) -> Verdict:
    def run(text: str, engine: str | Path = "reference") -> CaseLine:
        (case,) = judge(spec_file(text), engine=engine).cases.values()
        return case

    return run


@pytest.fixture
def engine(tiny: Path, tmp_path: Path) -> EngineFolder:
    """An engine in a folder: the tiny one, with lines added to its class (or after the module)."""
    count = 0

    def write(body: str = "", *, module: str = "", follows: str = "none", whole: str | None = None) -> Path:
        nonlocal count
        count += 1
        folder = tmp_path / f"odd{count}"
        folder.mkdir()
        text = (tiny / "__init__.py").read_text(encoding="utf-8") + "\n" + module
        if body:
            text += "\n\nclass Engine(Engine):\n" + textwrap.indent(textwrap.dedent(body), "    ")
        (folder / "__init__.py").write_text(whole if whole is not None else text, encoding="utf-8")
        (folder / "engine.yaml").write_text(
            f"name: odd{count}\ntitle: Odd\nfollows: {follows}\ndefault-dtype: float64\n", encoding="utf-8"
        )
        return folder

    return write


ONE = "run: x = tensor(1.)\nexpect: {x: 1.}"
TWO = "run: x = tensor(1.)\nexpect: {x: 2.}"


# ---- A. verdicts


EARLY = {
    "in a with": ("with no_grad():", "  y.backward()", "  z = 1"),
    "in a loop": ("for i in range(2):", "  y.backward()", "  z = 1"),
    "in an if": ("if 1 < 2:", "  y.backward()", "  z = 1"),
}


@pytest.mark.parametrize("name", EARLY)
def test_only_the_last_line_may_raise_also_inside_a_block(verdict: Verdict, name: str) -> None:
    """`raises`: the last line raises this kind, no earlier one does; the last statement may have many lines."""
    lines = ("y = tensor(1., requires_grad=True) * 2", "y.backward()", *EARLY[name])
    case = verdict(program(*lines) + "raises: graph-freed")
    assert case.status is Status.FAIL, case


LAST = {
    "a with": ("y = tensor(1.)", "with no_grad():", "  z = 1", "  y.backward()"),
    "a loop": ("y = tensor(1.)", "for i in range(2):", "  z = 1", "  y.backward()"),
    "a call of a def": ("def f(y):", "  z = 1", "  y.backward()", "f(tensor(1.))"),
    "several lines": ("y = tensor(", "  1.)", "z = (y", "  .backward())"),
}


@pytest.mark.parametrize("name", LAST)
def test_the_last_line_may_be_inside_of_something(verdict: Verdict, name: str) -> None:
    """An error in the last line counts wherever that line stands."""
    case = verdict(program(*LAST[name]) + "raises: no-grad-fn")
    assert case.status is Status.PASS, case


AUGMENTED = {
    "the index is evaluated once": (
        ("c = []", "n = [0, 0]", "def f():", "  c.append(1)", "  return 0", "n[f()] += 1"),
        "{len(c): 1, n: [1, 0]}",
    ),
    "the target is read before the value is computed": (
        ("n = [0]", "def f():", "  n[0] = 10", "  return 1", "n[0] += f()"),
        "{n: [1]}",
    ),
    "in place for a tensor": (
        ("x = tensor([1., 2.])", "y = x", "x += x", "x[0] += 1", "x *= 2"),
        "{'y is x': true, y: [6., 8.]}",
    ),
    "in place for a list": (("x = [1]", "y = x", "x += [2]"), "{'y is x': true, y: [1, 2]}"),
    "a number is replaced": (("x = 1", "y = x", "x += 1"), "{y: 1, x: 2}"),
    "through a gradient": (
        ("x = tensor(1., requires_grad=True)", "(x * 2).backward()", "g = x.grad", "x.grad += 1"),
        "{'g is x.grad': true, x.grad: 3.}",
    ),
}


@pytest.mark.parametrize("name", AUGMENTED)
def test_augmented_assignment_is_python_s(verdict: Verdict, name: str) -> None:
    """The guards change nothing about what an augmented assignment does, how often and in which order."""
    lines, due = AUGMENTED[name]
    case = verdict(program(*lines) + f"expect: {due}")
    assert case.status is Status.PASS, case


ARITHMETIC = {
    "negative powers of integers": ("a = 2 ** -300", "a > 0"),
    "powers of one": ("a = 1 ** 300", "a == 1"),
    "powers of minus one": ("a = (-1) ** 301", "a == -1"),
    "powers of zero": ("a = 0 ** 300", "a == 0"),
    "chained comparison": ("a = 1 < 2 < 3", "a"),
}


@pytest.mark.parametrize("name", ARITHMETIC)
def test_guards_do_not_refuse_small_results(verdict: Verdict, name: str) -> None:
    """A bound is for results that are large, not for operands that look so."""
    line, due = ARITHMETIC[name]
    case = verdict(program(line) + f"expect: {{'{due}': true}}")
    assert case.status is Status.PASS, case


def test_a_nested_comprehension_may_reuse_a_name(spec_file: SpecFile) -> None:
    """As in Python, the inner name hides the outer one only inside."""
    (spec,) = load.load_file(
        spec_file(program("y = [[i for i in range(2)] + [i] for i in range(2)]") + "expect: {len(y): 2}")
    )
    assert spec.needs


SAME = {
    "nan is like nan": ("x = tensor([0., 1.]) / tensor([0., 0.])", "{x: [.nan, .inf]}", True),
    "inf has a sign": ("x = tensor([-1.]) / tensor([0.])", "{x: [.inf]}", False),
    "minus zero is zero": ("x = tensor([0.]) * -1", "{x: [0.]}", True),
    "no items": ("x = tensor([])", "{x: []}", True),
    "no columns": ("x = zeros(2, 0)", "{x: [[], []]}", True),
    "no rows is another shape": ("x = zeros(0, 2)", "{x: []}", False),
    "true is not one": ("x = tensor([True, False])", "{x: [1, 0]}", False),
    "one is not true": ("x = [1, 0]", "{x: [true, false]}", False),
    "listed truth values are not ones": ("x = [True, False]", "{x: [1, 0]}", False),
    "ragged lists": ("x = [[1, 2], [3]]", "{x: [[1, 2], [3]]}", True),
    "ragged lists that differ": ("x = [[1, 2], [3]]", "{x: [[1, 2], [4]]}", False),
    "a list of tensors": ("x = [tensor(1.), tensor([1., 2.])]", "{x: [1., [1., 2.]]}", True),
    "a list that is too long": ("x = [1, 2, 3]", "{x: [1, 2]}", False),
    "integers beyond float64": ("x = tensor(9007199254740993)", "{x: 9007199254740992}", False),
    "complex": ("x = tensor([1j, 2.])", "{x: {value: '[1j, 2]', dtype: complex64}}", True),
    "a complex part that differs": ("x = tensor([1 + 1j])", "{x: {value: '[1 + 2j]', dtype: complex64}}", False),
    "dtype": ("x = tensor([1.], dtype=float64)", "{x: [1.]}", False),
    "shape": ("x = tensor([1.])", "{x: 1.}", False),
}


@pytest.mark.parametrize("name", SAME)
def test_what_is_the_same(verdict: Verdict, name: str) -> None:
    """Shape, dtype, kind and every entry are part of equality; nan equals nan."""
    line, due, passes = SAME[name]
    case = verdict(program(line) + f"expect: {due}")
    assert (case.status is Status.PASS) is passes, case


MEANINGLESS = {
    "a fraction as an integer": "{value: [1.5], dtype: int64}",
    "nan as an integer": "{value: [.nan], dtype: int64}",
    "a number that does not fit": "{value: [4294967340], dtype: int32}",
    "an integer beyond 64 bits": "{value: [1000000000000000000000000000000], dtype: int64}",
    "an integer beyond 64 bits, undeclared": "[1000000000000000000000000000000]",
    "a complex number as a real one": "{value: '[1j]', dtype: float32}",
    "a complex number as a real one in float64": "{value: '[1j]', dtype: float64}",
    "an unbounded tolerance": "{value: [5.], tolerance: {atol: .inf, reason: a test}}",
    "a shape that a list cannot have": "{value: [1., null], shape: [7]}",
}


@pytest.mark.parametrize("name", MEANINGLESS)
def test_an_expected_value_is_never_silently_another_one(
    name: str, spec_file: SpecFile, harness: Harness, tmp_path: Path
) -> None:
    """A value that its dtype cannot hold is the spec's mistake: told, not rounded, and no internal error."""
    path = spec_file(f"run: x = tensor([1])\nexpect: {{x: {MEANINGLESS[name]}}}")
    result = harness("run", "--engine", "reference", "--report", "none", "-o", tmp_path / "out", path)
    if result.code != 4:
        (record,) = (tmp_path / "out").glob("*.jsonl")
        assert '"status":"error"' in record.read_text(encoding="utf-8"), result


INPUTS = {
    "ragged": "run: x = tensor([[1.], [2., 3.]])",
    "ragged float64": "run: x = tensor([[1.], [2., 3.]], dtype=float64)",
    "text": "cases: [{v: a}]\nrun: x = tensor(v)",
    "null": "cases: [{v: null}]\nrun: x = tensor(v)",
    "null in float64": "cases: [{v: null}]\nrun: x = tensor(v, dtype=float64)",
    "text in float64": "cases: [{v: a}]\nrun: x = tensor(v, dtype=float64)",
    "a list with null": "cases: [{v: [1, null]}]\nrun: x = tensor(v)",
    "a list with text": "cases: [{v: [1, a]}]\nrun: x = tensor(v)",
    "a huge integer": "cases: [{v: 1000000000000000000000000000000}]\nrun: x = tensor(v)",
    "a dtype that is none": "cases: [{d: longdouble}]\nrun: x = tensor(1., dtype=d)",
    "a dtype that is a list": "cases: [{d: [1]}]\nrun: x = tensor(1., dtype=d)",
}


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_that_makes_no_tensor_is_the_engine_s_to_refuse(verdict: Verdict, name: str) -> None:
    """Data of an input that has no value matters only where an expectation uses it; it never stops the run."""
    case = verdict(INPUTS[name] + "\nraises: graph-freed")
    assert case.status in (Status.FAIL, Status.ERROR), case


@pytest.mark.parametrize("dtype", ["longdouble", "O", "S5", "datetime64[D]", "no such"])
def test_a_dtype_parameter_that_is_none_is_told(
    dtype: str, spec_file: SpecFile, harness: Harness, tmp_path: Path
) -> None:
    """A parameter that stands for a dtype holds the name of one; anything else is a message, not a crash of the record."""
    text = f"cases: [{{d: '{dtype}'}}]\nrun: x = tensor(1.)\nexpect: {{x: {{value: 2., dtype: d}}}}"
    result = harness("run", "-e", "reference", "--report", "none", "-o", tmp_path / "out", spec_file(text))
    assert result.code in (1, 4, 5), result
    if result.code != 4:
        (record,) = (tmp_path / "out").glob("*.jsonl")
        assert '"status":"error"' in record.read_text(encoding="utf-8")


COMPILED = {
    "a repeated parameter": program("def f(a, a):", "  return a", "y = f(1, 2)"),
    "a repeated keyword": program("y = tensor(1., requires_grad=True, requires_grad=True)"),
    "25 loops in each other": program(*("  " * n + f"for i{n} in range(1):" for n in range(25)), "  " * 25 + "y = 1"),
}


@pytest.mark.parametrize("name", COMPILED)
def test_what_python_refuses_later_is_a_mistake_with_a_place(name: str, spec_file: SpecFile, harness: Harness) -> None:
    """Python parses some programs that it then refuses to compile: the spec does not load, the run does not die."""
    path = spec_file(COMPILED[name] + "expect: {y: 1}")
    result = harness("check", path)
    assert result.code == 4 and f"{path.name}:" in result.err, result


def test_a_parameter_may_not_be_a_word_of_python(spec_file: SpecFile, harness: Harness) -> None:
    """A parameter that hides what the compiled program itself needs (`staticmethod`) would blame the engine."""
    text = "cases: [{staticmethod: 1}]\n" + program(
        "class A(Function):",
        "  def forward(ctx, x):",
        "    return x * staticmethod",
        "  def backward(ctx, g):",
        "    return g",
        "y = A.apply(tensor(1.))",
    )
    path = spec_file(text + "expect: {y: 1.}")
    result = harness("run", "-e", "reference", "--report", "none", path)
    assert result.code in (0, 4), result


SETTERS = """
attributes = {name: NATIVE for name in ("requires_grad", "is_leaf", "backward")} | {"grad": lambda x: x.grad}
setters = {"grad": lambda x, value: setattr(x, "grad", value)}
"""
STORES = {
    "in a loop": ("for x.grad in [tensor(2.)]:", "  pass"),
    "in a tuple": ("a, x.grad = 1, tensor(2.)",),
    "in a chain": ("a = x.grad = tensor(2.)",),
    "alone": ("x.grad = tensor(2.)",),
    "augmented": ("x.grad = tensor(1.)", "x.grad += 1"),
}


@pytest.mark.parametrize("name", STORES)
def test_setters_of_an_adapter_serve_every_form_of_assignment(
    name: str, engine: EngineFolder, spec_file: SpecFile, harness: Harness
) -> None:
    """An attribute that is not native can be stored to wherever a native one can, or the spec does not load."""
    text = program("x = tensor(1., requires_grad=True)", *STORES[name]) + "expect: {x.grad: 2.}"
    result = harness("run", "-e", engine(SETTERS), "--report", "none", spec_file(text))
    assert result.code in (0, 4), result


def test_a_shape_that_is_a_method_is_no_fault_of_the_engine(engine: EngineFolder, verdict: Verdict) -> None:
    """The guards ask the adapter for sizes; what an engine's own `.shape` is, is its own affair."""
    folder = engine(module="Value.shape = lambda self: ()\n")
    case = verdict(program("s = []", "s.append(1)", "x = tensor(2.)", "y = x * x") + "expect: {y: 4.}", engine=folder)
    assert case.status is Status.PASS, case


def test_a_tensor_that_is_no_size_is_no_fault_of_the_engine(engine: EngineFolder, verdict: Verdict) -> None:
    """The guards ask whether an operand is a number of elements; how an engine's tensors say no is their own affair."""
    body = """
    names = Engine.names | {"meshgrid": lambda *tensors: tensors}
    """
    folder = engine(body, module="Value.__index__ = lambda self: self.missing\n")
    case = verdict(program("x = tensor(2.)", "y, = meshgrid(x)") + "expect: {y: 2.}", engine=folder)
    assert case.status is Status.PASS, case


def test_a_program_that_uses_what_was_never_bound_blames_no_engine(verdict: Verdict) -> None:
    """A NameError of the program itself is the spec's fault: status error, never fail."""
    case = verdict(program("x = tensor(1.)", "if x.item() > 5:", "  y = 1", "z = y") + "expect: {z: 1}")
    assert case.status is Status.ERROR, case


WARNER = """
import warnings
class Loud(UserWarning):
    pass
"""


def test_what_reset_warns_about_is_not_the_first_step_s(engine: EngineFolder, verdict: Verdict) -> None:
    """Warnings before the first line belong to no step."""
    body = """
    warning_kinds = (("nonleaf-grad-access", "Loud", "noise"),)
    def reset(self):
        warnings.warn("noise", Loud)
    """
    case = verdict(ONE, engine=engine(body, module=WARNER))
    assert case.status is Status.PASS, case


@pytest.mark.parametrize(
    "act",
    [
        "warnings.showwarning = lambda *a, **k: None",
        "warnings.simplefilter('ignore')",
        "warnings.resetwarnings()",
        "warnings.simplefilter('error')",
        "warnings.filterwarnings('ignore', append=True)",
    ],
)
def test_an_engine_that_silences_warnings_is_heard_in_the_next_case(
    act: str, engine: EngineFolder, spec_file: SpecFile, judge: Judge
) -> None:
    """What one case does to Python's warnings does not reach the next one."""
    body = f"""
    warning_kinds = (("nonleaf-grad-access", "Loud", "noise"),)
    @property
    def names(self):
        def tensor(data, requires_grad=False):
            if data == 5:
                {act}
            if data == 6:
                warnings.warn("noise", Loud)
            return Value(data, requires_grad)
        return {{"tensor": tensor}}
    """
    first = spec_file("run: x = tensor(5.)\nexpect: {x: 5.}")
    second = spec_file("run: x = tensor(6.)\nwarns: nonleaf-grad-access\nexpect: {x: 6.}")
    run = judge(first, second, engine=engine(body, module=WARNER))
    assert [case.status for case in run.cases.values()] == [Status.PASS, Status.PASS], run.cases


def test_a_shape_given_as_a_list_is_the_same_shape(engine: EngineFolder, verdict: Verdict) -> None:
    """An adapter that says [] where () is due is judged by what it showed ("shape [] is due, [] was seen" helps nobody)."""
    case = verdict(ONE, engine=engine("def read(self, value):\n    return Array('float64', [], value.data)"))
    assert case.status in (Status.PASS, Status.ERROR), case


# ---- A. the gate


def record_of(harness: Harness, spec: Path, out: Path, *more: str) -> Path:
    harness("run", "-e", "reference", "--report", "none", "-o", out, *more, spec)
    (path,) = out.glob("*.jsonl")
    return path


@pytest.mark.parametrize("what", ["of another engine", "cut short", "without cases"])
def test_a_baseline_that_proves_nothing_is_refused(
    what: str, harness: Harness, spec_file: SpecFile, tmp_path: Path
) -> None:
    """A failing case is green against a baseline only if the baseline is a whole run of the same engine."""
    bad = spec_file(TWO)
    path = record_of(harness, bad, tmp_path / "before")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    match what:
        case "of another engine":
            lines[0] = lines[0].replace('"name":"reference"', '"name":"somebody"')
        case "cut short":
            lines = lines[:-2]
        case "without cases":
            lines = lines[:1]
    path.write_text("".join(lines), encoding="utf-8")
    result = harness("run", "-e", "reference", "--report", "none", "-o", tmp_path / "o", "--baseline", path, bad)
    assert result.code == 2, result


def test_a_baseline_with_the_same_failure_is_green(harness: Harness, spec_file: SpecFile, tmp_path: Path) -> None:
    """--baseline fails only on what got worse."""
    bad = spec_file(TWO)
    path = record_of(harness, bad, tmp_path / "before")
    result = harness("run", "-e", "reference", "--report", "none", "-o", tmp_path / "o", "--baseline", path, bad)
    assert result.code == 0, result


def test_fail_fast_at_the_last_case_leaves_a_whole_record(
    harness: Harness, spec_file: SpecFile, tmp_path: Path
) -> None:
    """A run that judged all its cases is complete, stopped or not."""
    path = record_of(harness, spec_file(TWO), tmp_path / "o", "-x")
    assert '"line":"footer"' in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("word", ["leaf[zzz", "leaf[1]", "leaf/created-with-flag[99]", "leaf/created-with-flag[zz"])
@pytest.mark.parametrize("command", ["list", "show"])
def test_a_case_number_that_does_not_exist_selects_nothing(command: str, word: str, harness: Harness) -> None:
    """Junk behind a [ is a mistake, not a wider selection."""
    result = harness(command, word)
    assert result.code == 2 and word.partition("[")[0] in result.err, result


def test_the_first_deviation_that_explains_a_verdict_counts(
    engine: EngineFolder, spec_file: SpecFile, harness: Harness, tmp_path: Path
) -> None:
    """Overlapping patterns: a case is expected if any known deviation explains its verdict."""
    folder = engine()
    (folder / "engine.yaml").write_text(
        "name: odd\ntitle: Odd\ndefault-dtype: float64\ndeviations:\n"
        "  - {cases: test/*, verdict: silent-wrong, reason: r, link: l}\n"
        "  - {cases: test/spec-*, verdict: fail, reason: r, link: l}\n",
        encoding="utf-8",
    )
    result = harness("run", "-e", folder, "--report", "none", "-o", tmp_path / "o", spec_file(TWO))
    assert result.code == 0, result


# ---- B. programs that grow


GROWING = {
    "assignment to a slice": ("y = [1]", "for i in range(20):", "  y[0:0] = y"),
    "assignment of a list to a slice": ("y = [1] * 5000", "for i in range(20):", "  y[0:0] = [1] * 5000"),
    "index lists": ("i = [0] * 300", "x = ones(1, 1, 1)", "y = x[i]", "y = y[:, i]", "y = y[:, :, i]"),
    "comparison": ("x = ones(3000)", "y = x[None] == x.view(3000, 1)"),
    "a layer": ("f = Linear(1, 3000)", "y = f(ones(3000, 1))"),
    "a list of a tensor's items": ("x = ones(20000)", "y = list(x)"),
    "a tuple of a tensor's items": ("x = ones(20000)", "y = tuple(x)"),
    "a tensor of shared rows": ("a = [1.] * 3000", "b = [a] * 3000", "c = tensor(b)"),
}


@pytest.mark.parametrize("name", GROWING)
def test_what_grows_by_another_way_is_bounded_too(verdict: Verdict, name: str) -> None:
    """Every way to make a list or a tensor larger has its bound; running into it is the spec's fault."""
    begun = time.perf_counter()
    case = verdict(program(*GROWING[name], "done = 1") + "expect: {done: 1}")
    assert case.status is Status.ERROR and "bounds" in case.reason, case
    assert time.perf_counter() - begun < 20


INDEX = """
class Size:
    def __init__(self, data):
        self.data = data
    def __index__(self):
        return int(self.data)
made = []
class Engine(Base):
    names = {"tensor": Size, "ones": lambda *sizes: made.append(sizes)}
    version = "1"
    def read(self, value):
        return value if isinstance(value, (bool, int, float, str, type(None))) else Opaque("x")
"""
BY_TENSOR = {
    "a list": "y = [0] * tensor(2000000)",
    "a list from the left": "y = tensor(2000000) * [0]",
    "a text": "y = 'a' * tensor(20000)",
    "a formatted text": "y = '%20000d' % tensor(1)",
    "a list in place": "y = [0]\ny *= tensor(2000000)",
    "a tensor": "y = ones(tensor(100000000))",
}


@pytest.mark.parametrize("name", BY_TENSOR)
def test_a_tensor_that_serves_as_an_integer_is_bounded(name: str, engine: EngineFolder, verdict: Verdict) -> None:
    """Tensors of one element can stand for sizes and counts (PyTorch's do): the bounds look at what they say."""
    folder = engine(module=INDEX)
    case = verdict(program(*BY_TENSOR[name].splitlines(), "done = 1") + "expect: {done: 1}", engine=folder)
    assert case.status is Status.ERROR and "bounds" in case.reason, case


def test_the_class_of_tensors_makes_no_tensors() -> None:
    """`Tensor(10 ** 5, 10 ** 5)` would be 40 GB of whatever memory held before: the class is for isinstance."""
    problems: list[Problem] = []
    parse(Source("x = Tensor(100000, 100000)", "f.yaml", Place(1, 1)), Scope(), problems)
    assert problems


ENDLESS = {
    "a loop over a list that it makes longer": ("y = [1]", "for v in y:", "  y.append(v)"),
    "a comprehension over such a list": ("y = [1]", "z = [y.append(1) for v in y]"),
    "comparison of lists that share": (
        *("a = [1]", "b = [1]", "for i in range(60):"),
        *("  a = [a, a]", "  b = [b, b]", "c = a == b"),
    ),
    "observation of lists that share": ("a = [1]", "for i in range(60):", "  a = [a, a]", "done = a"),
    "a tensor of lists that share": ("a = [1]", "for i in range(60):", "  a = [a, a]", "b = tensor(a)"),
    "large products in a loop": ("x = ones(2000, 2000)", "for i in range(9999):", "  y = x @ x"),
    "large tensors in a list": ("s = []", "for i in range(9999):", "  s.append(ones(2000, 2000))"),
    "large lists in a list": ("x = ones(2000, 2000)", "s = [x.tolist() for i in range(9999)]"),
    "a list of long lists": ("y = [1] * 5000", "s = []", "for i in range(9999):", "  s.append(y + y[0:1])"),
    "derivatives of derivatives": (
        *("x = tensor(0.5, requires_grad=True)", "y = tanh(tanh(x))", "for i in range(40):"),
        "  y, = grad(y, x, create_graph=True)",
    ),
}
SECONDS = 15
"""Without a new verdict, after which a program counts as endless."""
MEMORY = 4 * 2**30


def _confined() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Verdicts on all endless programs, from as few processes as possible: who hangs one is left out of the next."""
    folder = tmp_path_factory.mktemp("endless")
    files = {}
    for number, (name, lines) in enumerate(ENDLESS.items()):
        if "done = a" not in lines:
            lines = (*lines, "done = 1")
        files[name] = folder / f"s{number}.yaml"
        files[name].write_text(
            f"id: test/s{number:02}\nclaim: a promise\nsource: a document\n{program(*lines)}expect: {{done: 1}}\n",
            encoding="utf-8",
        )
    verdicts: dict[str, str] = {}
    hung = 0
    while len(verdicts) < len(files) and hung < 3:
        left = [name for name in files if name not in verdicts]
        command = [sys.executable, "-m", "harness", "run", "-e", "reference", "--report", "none", "-o", str(folder)]
        process = subprocess.Popen(
            [*command, *(str(files[name]) for name in left)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_confined,
        )
        record = folder / "reference.jsonl"
        size, since = 0, time.monotonic()
        while process.poll() is None and time.monotonic() - since < SECONDS:
            time.sleep(0.1)
            if record.exists() and record.stat().st_size != size:
                size, since = record.stat().st_size, time.monotonic()
        if process.poll() is None:
            process.kill()
            process.wait()
        seen = {}
        if record.exists():
            rows = [json.loads(row) for row in record.read_text(encoding="utf-8").splitlines() if row.endswith("}")]
            seen = {row["spec"]: f"{row['status']}: {row.get('reason', '')}" for row in rows if row["line"] == "case"}
            record.unlink()
        for name in left:
            id = f"test/s{list(files).index(name):02}"
            if id in seen:
                verdicts[name] = seen[id]
            else:
                verdicts[name] = "no verdict"
                hung += 1
                break
    return verdicts


@pytest.mark.parametrize("name", ENDLESS)
def test_endless_programs_end(name: str, endless: dict[str, str]) -> None:
    """No spec of a few lines runs for longer than some seconds or eats the machine's memory."""
    # A loop runs over what its list held when it began, so that what it adds ends nothing and delays nothing.
    wanted = "pass" if "that it makes longer" in name or "such a list" in name else "error"
    assert endless.get(name, "not tried: others hung").startswith(wanted), endless


def test_expected_values_are_bounded_together() -> None:
    """One expression is bounded; so is a list of them."""
    begun = time.perf_counter()
    with pytest.raises(expected.BadValue):
        value = expected.evaluate("[" + ", ".join(["ones([1000, 1000])"] * 8) + "]", {})
        assert len(value) == 8
    assert time.perf_counter() - begun < 20


def test_hints_do_not_cost_minutes(spec_file: SpecFile) -> None:
    """Many unknown names beside many known ones: the nearest word is a courtesy, not a computation."""
    pick = random.Random(1)
    words = ["".join(pick.choices(string.ascii_lowercase, k=190)) for _ in range(680)]
    known, unknown = words[:80], words[80:]
    lines = "".join(f"  x = {name}\n" for name in known)
    path = spec_file(
        "cases: [{" + ", ".join(f"{name}: 1" for name in known) + "}]\n"
        f"run: |\n  x = 1\n{lines}expect: {{x: [{', '.join(unknown)}]}}"
    )
    begun = time.perf_counter()
    with pytest.raises(InputError) as caught:
        load.load_file(path)
    assert len(caught.value.problems) == len(unknown)
    assert time.perf_counter() - begun < 20


YAML = {
    "brackets": "[" * 250_000,
    "dashes": "- " * 120_000,
    "question marks": "? " * 100_000,
    "quotes": '"' * 250_000,
    "anchors": "&a " * 80_000,
    "a long number": "id: " + "1" * 250_000 + ".5",
    "directives": "%YAML 1.1\n" * 20_000,
    "repeated keys": "a: 1\n" * 40_000,
    "unknown keys": "\n".join(f"k{i}: 1" for i in range(20_000)),
    "a long row": "{a: [" + "1," * 100_000,
    "tags": "!!python/object/apply:os.system [x]",
    "null bytes": "id: a\0b",
}


@pytest.mark.parametrize("name", YAML)
def test_hostile_yaml_is_a_message_in_no_time(name: str, spec_file: SpecFile) -> None:
    """Whatever the text, the loader answers with places, quickly."""
    path = spec_file(YAML[name], whole=True)
    begun = time.process_time()
    with pytest.raises(InputError) as caught:
        load.load_file(path)
    assert caught.value.problems
    assert time.process_time() - begun < 20


UNICODE = {
    "full-width name": "\uff45val('1')",
    "full-width dunder": "x = tensor(1.)\ny = x.__\uff43lass__",
    "full-width underscore": "\uff3f\uff3fimport__('os')",
    "line separator": "x = 1\u2028import os",
    "coding cookie": "# -*- coding: utf-7 -*-\n+AGk-mport os",
}


@pytest.mark.parametrize("name", UNICODE)
def test_unicode_opens_no_door(name: str) -> None:
    """Names are compared as Python compares them, after normalization."""
    problems: list[Problem] = []
    assert parse(Source(UNICODE[name], "f.yaml", Place(1, 1)), Scope(), problems) is None
    assert problems


@pytest.mark.parametrize(
    "text", ['id: "test/a\\n"', 'id: "test/a\\u2028"', "id: test/../a", "id: /test/a", "id: test/a/"]
)
def test_an_id_is_words_and_nothing_behind_them(text: str, spec_file: SpecFile) -> None:
    """An id ends up in file names, XML and terminals: a line break at its end is not overlooked."""
    with pytest.raises(InputError):
        load.load_file(spec_file(f"{text}\nclaim: c\nsource: s\n{ONE}", whole=True))


HOSTILE_CLAIM = r'"a \e]0;owned\a \u202e b"'


@pytest.mark.parametrize("command", [("show",), ("run", "-e", "reference"), ("explain", "-e", "reference")])
def test_a_spec_cannot_steer_the_terminal(
    command: tuple[str, ...], spec_file: SpecFile, harness: Harness, tmp_path: Path
) -> None:
    """Escape sequences, bells and marks of reading direction from a spec are made visible, never sent."""
    path = spec_file(f'id: test/a\nclaim: {HOSTILE_CLAIM}\nsource: "s\\a"\n{TWO}', whole=True)
    result = harness(*command, path)
    assert not set("\x1b\x07\u202e") & set(result.out + result.err)


def test_an_engine_cannot_steer_the_terminal(engine: EngineFolder, spec_file: SpecFile, harness: Harness) -> None:
    """The same for what an engine says, and for its version."""
    body = r"""
    version = "1\x1b]0;x\x07"
    @property
    def names(self):
        def tensor(data, requires_grad=False):
            raise RuntimeError("bad \x1b]0;x\x07")
        return {"tensor": tensor}
    """
    folder = engine(body)
    for command in ("run", "explain"):
        result = harness(command, "-e", folder, spec_file(ONE))
        assert not set("\x1b\x07") & set(result.out + result.err), command


CLAIMS = {
    "code": '\'x""" ; import os ; os.environ.setdefault("REDTEAM_OWNED", "1") ; """\'',
    "a quote at the end": "'he said \"so\"'",
    "a backslash at the end": "'a path\\'",
    "an escape": "'\\N{no such}'",
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_stand_alone_script_runs_nothing_but_the_program(name: str, spec_file: SpecFile, harness: Harness) -> None:
    """What people paste from `explain --script` is the program; a claim is only ever a text or a comment in it."""
    path = spec_file(f"id: test/a\nclaim: {CLAIMS[name]}\nsource: s\n{ONE}", whole=True)
    result = harness("explain", path, "-e", "reference", "--script")
    assert result.code == 0
    names = {node.id for node in ast.walk(ast.parse(result.out)) if isinstance(node, ast.Name)}
    assert "os" not in names


def test_a_stand_alone_script_has_its_parameters(spec_file: SpecFile, harness: Harness) -> None:
    """nan, inf and dtypes as parameters, and comments in expressions, leave a script that runs."""
    path = spec_file(
        "cases: [{v: .nan, w: -.inf, d: float64}]\n"
        "run: x = tensor([v, w], dtype=d)\nexpect: {'x  # so': {value: [v, w], dtype: d}}"
    )
    result = harness("explain", path, "-e", "reference", "--script")
    done = subprocess.run(
        [sys.executable, "-c", result.out], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr


def test_explain_says_what_run_says_of_a_dtype_that_is_lacking(
    engine: EngineFolder, spec_file: SpecFile, harness: Harness
) -> None:
    """A dtype parameter that the engine lacks is unsupported in both."""
    path = spec_file("cases: [{d: float16}]\nrun: x = tensor(1.)\nexpect: {x: {value: 1., dtype: d}}")
    folder = engine()
    assert "unsupported" in harness("run", "-e", folder, "--report", "none", path).out
    assert "unsupported" in harness("explain", "-e", folder, path).out


# ---- C. engines that misbehave


LOADING = {
    "a syntax error": "def (",
    "an import that fails": "import no_such_module",
    "sys.exit(0)": "import sys\nsys.exit(0)",
    "an exception of another kind": "class Stop(BaseException): pass\nraise Stop('x')",
    "no Engine": "x = 1",
    "an Engine of another kind": "class Engine: pass",
}
TABLES = {
    "no names": "names = None",
    "names in a list": "names = ['tensor']",
    "a name that is no text": "names = {5: 1}",
    "a name that is no word": "names = {'tensr': 1}",
    "no attributes": "attributes = None",
    "attributes that cannot be called": "attributes = {'grad': 'grad'}",
    "no setters": "setters = None",
    "a version that is None": "version = None",
    "a version that raises": "@property\ndef version(self):\n    raise RuntimeError('x')",
    "a version that no file can hold": "version = '1\\ud800'",
    "__init__ that raises": "def __init__(self, device=None):\n    1 / 0",
    "__init__ that exits": "def __init__(self, device=None):\n    raise SystemExit(0)",
}


@pytest.mark.parametrize("name", [*LOADING, *TABLES])
def test_an_engine_that_cannot_be_used(name: str, engine: EngineFolder, spec_file: SpecFile, harness: Harness) -> None:
    """One message that names the engine, exit code 6, whatever is wrong with the adapter."""
    folder = engine(whole=LOADING[name]) if name in LOADING else engine(TABLES[name])
    for command in (("run", "-e", folder, spec_file(ONE)), ("doctor", "-e", folder)):
        result = harness(*command)
        assert result.code == 6 and folder.name in result.err and "internal" not in result.err, result


CORNERS = {
    "a parameter's type": "def f(a: __import__('os')):\n  return a\nx = f(1)",
    "a function's type": "def f(a) -> __import__('os'):\n  return a\nx = f(1)",
    "a method's type": "class C(Function):\n  def forward(ctx, x: __import__('os')):\n    return x\n"
    "  def backward(ctx, g):\n    return g\nx = 1",
    "a variable's type": "x: __import__('os') = 1",
    "a type's name": "def f[T: __import__('os')](a):\n  return a\nx = f(1)",
    "a class of a kind": "class C[T: __import__('os')](Function):\n  def forward(ctx, x):\n    return x\n"
    "  def backward(ctx, g):\n    return g\nx = 1",
    "a keyword of a class": "class C(Function, metaclass=__import__('os')):\n  def forward(ctx, x):\n    return x\nx = 1",
    "a default": "def f(a=__import__('os')):\n  return a\nx = f(1)",
    "a decorator": "@__import__('os')\ndef f(a):\n  return a\nx = f(1)",
}


@pytest.mark.parametrize("name", CORNERS)
def test_no_corner_of_the_grammar_runs_code(name: str, spec_file: SpecFile, harness: Harness) -> None:
    """Wherever Python would evaluate an expression, the checker has looked at it."""
    lines = "".join(f"  {line}\n" for line in CORNERS[name].split("\n"))
    result = harness("check", spec_file(f"run: |\n{lines}expect: {{x: 1}}"))
    assert result.code == 4, result


@pytest.mark.parametrize("code", ["1 / 0", "import sys; sys.exit(0)", "class B(BaseException): pass\nraise B"])
def test_a_package_that_breaks_when_its_module_is_looked_for(
    code: str, tmp_path: Path, spec_file: SpecFile, harness: Harness
) -> None:
    """`--engine package.module:Engine` imports the package to find the module: whatever happens there is exit code 6."""
    name = f"redteam_package_{abs(hash(code))}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text(code, encoding="utf-8")
    (tmp_path / name / "mod.py").write_text("", encoding="utf-8")
    result = harness("run", "-e", f"{name}.mod:Engine", spec_file(ONE))
    assert result.code == 6 and name in result.err, result


READS = {
    "raises": "raise RuntimeError('boom')",
    "a NumPy number": "import numpy\nreturn numpy.float32(3.)",
    "a NumPy array in the values": "import numpy\nreturn Array('float64', (2,), numpy.array([1., 3.]))",
    "any object": "return object()",
    "a set": "return {1}",
    "a shape that is not that of the values": "return Array('float64', (), [1., 3.])",
    "a text as a number": "return Array('float64', (), 'x')",
    "bytes": "return b'x'",
    "itself, again and again": "return self.read(value)",
}


@pytest.mark.parametrize("name", READS)
def test_what_an_adapter_reads_wrongly_is_the_adapter_s_fault(
    name: str, engine: EngineFolder, verdict: Verdict
) -> None:
    """Status error, with a record that is whole; never a failure of the engine, never an internal error."""
    body = "def read(self, value):\n" + textwrap.indent(READS[name], "    ")
    case = verdict(ONE, engine=engine(body))
    assert case.status is Status.ERROR and case.reason, case


ADAPTERS = {
    "reset raises": "def reset(self):\n    raise RuntimeError('boom')",
    "reset exits": "def reset(self):\n    raise SystemExit(0)",
    "error_kind raises": "def error_kind(self, error):\n    raise RuntimeError('boom')\n"
    + "names = {'tensor': lambda *a: 1 / 0}",
    "graph raises": "def graph(self, named):\n    raise RuntimeError('boom')",
    "graph is no graph": "def graph(self, named):\n    return 5",
    "graph of objects": "def graph(self, named):\n    from harness.engine import Graph, Node\n"
    "    return Graph((Node(object(), 'leaf', ()),), ())",
    "graph with edges to nowhere": "def graph(self, named):\n    from harness.engine import Graph, Node\n"
    "    return Graph((Node('a', 'leaf', ()),), ((0, 7), (-3, 0)))",
    "an error without words": "class Mute(Exception):\n    def __str__(self):\n        raise ValueError('s')\n"
    "def broken(*a, error=Mute):\n    raise error()\nnames = {'tensor': broken}",
}


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_that_breaks_stops_no_other_case(
    name: str, engine: EngineFolder, spec_file: SpecFile, judge: Judge
) -> None:
    """Its own cases are errors; the run goes on to the end and the record has its footer."""
    run = judge(spec_file(ONE), spec_file(ONE), engine=engine(ADAPTERS[name]))
    assert run.complete
    assert {case.status for case in run.cases.values()} == {Status.ERROR}, run.cases


SAYS = {
    "half a character": "RuntimeError('bad \\ud800 end')",
    "a null byte": "RuntimeError('bad \\0 end')",
    "a megabyte": "RuntimeError('x' * 2 ** 20)",
    "an exception of another kind": "type('Stop', (BaseException,), {})('stop')",
    "sys.exit": "SystemExit(0)",
    "no memory": "MemoryError()",
    "too deep": "RecursionError('deep')",
}


@pytest.mark.parametrize("name", SAYS)
def test_whatever_an_engine_raises_is_a_verdict(
    name: str, engine: EngineFolder, spec_file: SpecFile, judge: Judge, harness: Harness
) -> None:
    """Every exception but the user's own Ctrl-C ends in a verdict on that case and in a message that can be printed."""
    body = f"def broken(*a, **k):\n    raise {SAYS[name]}\nnames = {{'tensor': broken}}"
    folder, path = engine(body), spec_file(ONE)
    run = judge(path, engine=folder)
    assert run.complete and next(iter(run.cases.values())).status in (Status.FAIL, Status.CRASH)
    assert harness("explain", "-e", folder, path).code == 1


def test_what_logs_of_an_engine_go_to_stays_open(engine: EngineFolder, spec_file: SpecFile) -> None:
    """A logger made while the engine is loaded keeps the stream that it found there, and is used when programs run."""
    body = """
    import logging
    logger = logging.getLogger("an.engine")
    logger.addHandler(logging.StreamHandler())
    def tensor(data, requires_grad=False, logger=logger):
        logger.warning("heard of %s", data)
        return data
    names = {"tensor": tensor}
    """
    command = [sys.executable, "-X", "dev", "-m", "harness", "explain", "-e", str(engine(body)), str(spec_file(ONE))]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert "heard of" in told and "Logging error" not in told and "ResourceWarning" not in told


WORLD = {
    "changes the folder": "import os; os.chdir('/')",
    "sets stdout to nothing": "import sys; sys.stdout = None",
    "closes stdout": "import sys; sys.stdout.close()",
    "sets stderr to nothing": "import sys; sys.stderr = None",
}


@pytest.mark.parametrize("when", ["__init__(self, device=None)", "reset(self)"])
@pytest.mark.parametrize("name", WORLD)
def test_an_engine_that_changes_the_world(
    name: str, when: str, engine: EngineFolder, spec_file: SpecFile, tmp_path: Path
) -> None:
    """The record and the verdict reach the user all the same: relative output stays where it was asked for."""
    folder = engine(f"def {when}:\n    {WORLD[name]}")
    (tmp_path / "here").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "harness", "run", "-e", folder, "-o", "out", spec_file(TWO)],
        cwd=tmp_path / "here",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done
    assert '"line":"footer"' in next((tmp_path / "here" / "out").glob("*.jsonl")).read_text(encoding="utf-8")
    assert (tmp_path / "here" / "out" / "report.html").is_file()
    if "stderr" not in name:
        assert "FAIL" in done.stdout + done.stderr, done


ENGINE_FILES = {
    "nothing": ("", "name"),
    "a list": ("- 1\n", "mapping"),
    "unknown keys": ("name: a\ntitle: b\nlack: {}\n", "lacks"),
    "wrong types": ("name: 5\ntitle: []\nlacks: [1]\n", "text"),
    "a range that is none": ('name: a\ntitle: b\nversions: ">>2"\n', ">>2"),
    "a dtype that is none": ("name: a\ntitle: b\ndefault-dtype: foo\n", "foo"),
    "a dtype without fractions": ("name: a\ntitle: b\ndefault-dtype: int64\n", "int64"),
    "a name with a line break": ('name: "ab\\n"\ntitle: b\n', "ab"),
    "a verdict that is none": ("name: a\ntitle: b\ndeviations: [{cases: x, reason: r, link: l, verdict: no}]\n", "no"),
}


@pytest.mark.parametrize("name", ENGINE_FILES)
def test_a_wrong_engine_yaml(name: str, engine: EngineFolder, spec_file: SpecFile, harness: Harness) -> None:
    """Every mistake is told with file, line and column: by `check` as 4, by `run` as 6."""
    text, word = ENGINE_FILES[name]
    folder = engine()
    (folder / "engine.yaml").write_text(text, encoding="utf-8")
    for command, code in ((("check", folder / "engine.yaml"), 4), (("run", "-e", folder, spec_file(ONE)), 6)):
        result = harness(*command)
        assert result.code == code and word in result.err and "engine.yaml:" in result.err, result
        assert "'run' or 'steps'" not in result.err


# ---- C. records, files, signals


@pytest.fixture
def good(harness: Harness, spec_file: SpecFile, tmp_path: Path) -> Path:
    return record_of(harness, spec_file(ONE), tmp_path / "good")


def _deep(text: str) -> str:
    nested = "[" * 100_000 + "]" * 100_000
    return (
        text.splitlines()[0]
        + '\n{"line":"case","id":"a","spec":"a","status":"pass","parameters":{"a":'
        + nested
        + "}}\n\n"
    )


DAMAGED: dict[str, Callable[[str], str]] = {
    "empty": lambda text: "",
    "foreign": lambda text: "{}\n",
    "no JSON": lambda text: "hello\n",
    "cut in its header": lambda text: text[:300],
    "newer": lambda text: text.replace('"format":"1', '"format":"2'),
    "no format": lambda text: text.replace(f'"format":"{FORMAT}"', '"format":""'),
    "nested deeply": _deep,
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_record_is_one_message(
    name: str, good: Path, harness: Harness, tmp_path: Path, spec_file: SpecFile
) -> None:
    """report, diff, rerun and --baseline: exit code 2, naming the file."""
    bad = tmp_path / "bad.jsonl"
    bad.write_text(DAMAGED[name](good.read_text(encoding="utf-8")), encoding="utf-8")
    for command in (
        ("report", bad, "-o", tmp_path / "r"),
        ("diff", good, bad),
        ("rerun", bad),
        ("run", "-e", "reference", "--baseline", bad, spec_file(ONE)),
    ):
        result = harness(*command)
        assert result.code == 2 and "bad.jsonl" in result.err and "internal" not in result.err, (command, result)


def test_a_record_without_its_specs(good: Path, harness: Harness, tmp_path: Path) -> None:
    """A record whose spec lines are lost: reports show what is there; a rerun says what it cannot find."""
    bad = tmp_path / "bad.jsonl"
    lines = [line for line in good.read_text(encoding="utf-8").splitlines(keepends=True) if '"line":"spec"' not in line]
    bad.write_text("".join(lines), encoding="utf-8")
    everything = [word for name in ("html", "junit", "markdown", "github", "badge") for word in ("--report", name)]
    assert harness("report", bad, "-o", tmp_path / "r", *everything).code == 0
    assert harness("diff", good, bad).code == 0
    result = harness("rerun", bad)
    assert result.code == 2 and "internal" not in result.err, result


def test_a_hostile_record(good: Path, harness: Harness, tmp_path: Path) -> None:
    """Names from a record never leave the output folder and never steer a terminal; odd values break no report."""
    odd = {"dtype": 5, "shape": "x", "values": {"a": [None, {}]}}
    lines = [json.loads(line) for line in good.read_text(encoding="utf-8").splitlines()]
    lines[0]["engine"] |= {"name": "../../../owned", "title": "<script>", "version": "\x1b]0;x\x07"}
    for line in lines:
        if line["line"] == "case":
            check = {"what": "value", "step": 99, "line": -5, "expected": odd, "observed": [odd], "where": [[9, 9]]}
            line |= {
                "status": "fail",
                "standing": "unexpected",
                "failures": [check],
                "reason": "\x1b]0;x\x07\n::error::x",
            }
    bad = tmp_path / "deep" / "bad.jsonl"
    bad.parent.mkdir()
    bad.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    before = set(tmp_path.rglob("*"))
    everything = [word for name in ("html", "junit", "markdown", "github", "badge") for word in ("--report", name)]
    result = harness("report", bad, "-o", tmp_path / "deep" / "r", *everything)
    assert result.code == 0, result
    new = set(tmp_path.rglob("*")) - before
    assert all(path.is_relative_to(tmp_path / "deep" / "r") for path in new)
    result = harness("diff", good, bad)
    assert not set("\x1b\x07") & set(result.out + result.err), result


def test_rerun_of_two_records_keeps_both(harness: Harness, spec_file: SpecFile, tmp_path: Path, tiny: Path) -> None:
    """Two records of one engine in a folder: the second rerun does not overwrite the first."""
    first, second = spec_file(ONE), spec_file(TWO)
    (tmp_path / "both").mkdir()
    for number, spec in enumerate((first, second)):
        record_of(harness, spec, tmp_path / f"o{number}").rename(tmp_path / "both" / f"r{number}.jsonl")
    harness("rerun", tmp_path / "both", "-o", tmp_path / "again")
    text = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "again").glob("*.jsonl"))
    assert all(f'"spec":"test/spec-{n}"' in text for n in (1, 2))


def process(
    *arguments: str | Path, cwd: Path, before: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command line in a shell of its own, where `{}` in ``before`` is the command."""
    command = " ".join([sys.executable, "-m", "harness", *map(str, arguments)])
    return subprocess.run(
        ["bash", "-c", before.format(command) if before else command],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_reader_that_leaves_early_is_no_failure(tmp_path: Path) -> None:
    """`harness list | head -1` ends in silence with 0, not with the code for unexpected verdicts."""
    done = process("list", cwd=tmp_path, before="{} | head -1; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_told(tmp_path: Path, spec_file: SpecFile) -> None:
    """One message and code 2; a record on a disk that fills up names the record and stays readable."""
    done = process("list", cwd=tmp_path, before="{} > /dev/full")
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done
    done = process("run", "-e", "reference", "-o", "out", "leaf", "backward", cwd=tmp_path, before="ulimit -f 16; {}")
    assert done.returncode == 2 and "reference.jsonl" in done.stderr, done
    assert process("report", "out", "-o", "r", cwd=tmp_path).returncode == 7


@pytest.mark.parametrize(
    "setting", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_a_terminal_that_knows_ascii_only(setting: dict[str, str], tmp_path: Path, spec_file: SpecFile) -> None:
    """The verdict is printed on any terminal."""
    path = spec_file("id: test/a\nclaim: größer\nsource: s\n" + TWO, whole=True)
    done = process("run", "-e", "reference", "--report", "none", path, cwd=tmp_path, **setting)
    assert done.returncode == 1 and "FAIL" in done.stdout, done


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_keeps_what_it_judged(
    number: signal.Signals, tmp_path: Path, spec_file: SpecFile
) -> None:
    """Ctrl-C and kill: code 130, the record readable and incomplete."""
    cases = ", ".join(f"{{a: {n}}}" for n in range(900))
    path = spec_file(
        f"cases: [{cases}]\n" + program("x = tensor(1.)", "for i in range(2000):", "  y = x * a") + "expect: {x: 1.}"
    )
    command = [sys.executable, "-m", "harness", "run", "-e", "reference", "-o", "out", str(path)]
    running = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    record = tmp_path / "out" / "reference.jsonl"
    until = time.monotonic() + 30
    while time.monotonic() < until and not (record.exists() and b'"line":"case"' in record.read_bytes()):
        time.sleep(0.02)
    running.send_signal(number)
    out, _ = running.communicate(timeout=30)
    assert running.returncode == 130, out
    assert b"Traceback" not in out and b"reference.jsonl" in out
    assert process("report", "out", "-o", "r", cwd=tmp_path).returncode == 7


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",), ("--version",), ("list",), ("show", "leaf"), ("kinds",), ("words",), ("schema",),
        ("engines",), ("diff", "good", "good"), ("report", "good", "-o", "r"), ("run", "--help"),
    ],
)  # fmt: skip
def test_what_needs_no_arrays_imports_none(arguments: tuple[str, ...], good: Path, tmp_path: Path) -> None:
    """Commands that only read text start without NumPy and without any engine."""
    code = (
        "import sys; from harness import cli; code = cli.run(sys.argv[1:]); "
        "sys.exit(code or (9 if {'numpy', 'torch'} & set(sys.modules) else 0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done


USAGE = {
    "no such spec": ("run", "-e", "reference", "no-such-spec"),
    "no such file": ("run", "-e", "reference", "no-such.yaml"),
    "no such area": ("run", "-e", "reference", "--area", "no-such"),
    "no such report": ("run", "-e", "reference", "--report", "no-such"),
    "no such area required": ("run", "-e", "reference", "--require", "no-such"),
    "no such baseline": ("run", "-e", "reference", "--baseline", "no-such"),
    "a folder as a baseline": ("run", "-e", "reference", "--baseline", "/"),
    "one engine twice": ("run", "-e", "reference", "-e", "reference"),
    "no engine": ("run",),
    "output into a file": ("run", "-e", "reference", "-o", __file__),
    "output nowhere": ("run", "-e", "reference", "-o", "/proc/x", "leaf"),
    "deep parentheses": ("list", "-k", "(" * 5000),
    "open parentheses": ("list", "-k", "((("),
    "no words": ("list", "-k", " "),
    "a long word": ("list", "a" * 5000),
    "a long file": ("list", "a" * 5000 + ".yaml"),
    "no such command": ("frobnicate",),
    "no such option": ("list", "--frobnicate"),
    "no such schema": ("schema", "no-such"),
    "a schema into a file": ("schema", "--write", __file__),
    "an engine's name with a path": ("init-engine", "../x"),
    "an engine's name that is too long": ("init-engine", "a" * 300),
    "an engine into nowhere": ("init-engine", "ok", "-o", "/proc"),
    "a report of nothing": ("report", "no-such"),
    "an area explained": ("explain", "leaf", "-e", "reference"),
}


@pytest.mark.parametrize("name", USAGE)
def test_wrong_usage_is_one_message(name: str, harness: Harness) -> None:
    """Code 2, one line on stderr, nothing on stdout, no traceback."""
    result = harness(*USAGE[name])
    assert result.code == 2 and not result.out, result
    assert result.err.startswith("harness: ") and result.err.count("\n") == 1, result
    assert "internal" not in result.err


UNUSABLE = ("no-such", "", "..", "/", "no.such:Engine", "os:getcwd", "torch:", ":Engine", "a" * 5000)


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_engine_that_is_not_there(name: str, harness: Harness, spec_file: SpecFile) -> None:
    """Code 6 and one message."""
    result = harness("run", "-e", name, "--report", "none", spec_file(ONE))
    assert result.code == 6 and result.err.count("\n") == 1 and "internal" not in result.err, result


def test_a_claim_is_no_command_to_the_ci(
    spec_file: SpecFile, harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub takes any line that begins with :: (blanks aside) as a command: only the annotations may begin so."""
    path = spec_file(f"id: test/a\nclaim: '::add-mask::x'\nsource: s\n{TWO}", whole=True)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = harness("run", "-e", "reference", "--report", "none", path)
    commands = [line for line in result.out.splitlines() if line.strip().startswith("::")]
    assert commands and all(line.startswith(("::error ", "::warning ", "::notice ")) for line in commands)


def test_a_pipe_that_is_called_a_spec(tmp_path: Path) -> None:
    """What is no regular file is told, not waited for."""
    (tmp_path / "specs").mkdir()
    os.mkfifo(tmp_path / "specs" / "a.yaml")
    done = subprocess.run(
        [sys.executable, "-m", "harness", "check", "./specs"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 4 and "a.yaml" in done.stderr
