"""Verdicts on the reference: each thing a step can say is judged, and each can fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.places import room
from harness.record import CaseLine, Status
from tests.conftest import Harness, Judge, SpecFile

X = "x = tensor([1., 2., 3.], requires_grad=True)"


def block(*lines: str) -> str:
    return "run: |\n" + "".join(f"  {line}\n" for line in lines)


@pytest.fixture
def verdict(spec_file: SpecFile, judge: Judge):  # type: ignore[no-untyped-def]
    def run(text: str) -> CaseLine:
        (case,) = judge(spec_file(text)).cases.values()
        return case

    return run


PASSING = {
    "value": block(X, "(x * x).sum().backward()") + "expect: {x.grad: 2 * x}",
    "error": block("y = tensor(1.) * 2", "y.backward()") + "raises: no-grad-fn",
    "warning": block(X, "y = x * 2", "y.sum().backward()", "g = y.grad")
    + "warns: nonleaf-grad-access\nexpect: {g: null}",
    "warning by an observation": block(X, "y = x * 2") + "warns: nonleaf-grad-access\nexpect: {y.grad: null}",
    "identity": block(X, "r = x.requires_grad_()") + "expect: {r is x: true}",
    "aliasing": block(X, "d = x.detach()") + "expect: {'same_storage(x, d)': true}",
    "shape": block(X, "y = x[0:2]") + "expect: {y: {shape: [2]}, y.shape: [2]}",
    "dtype": block("x = tensor([1.], dtype=float64)") + "expect: {x.dtype: float64, x: {value: [1.], dtype: float64}}",
    "word list": block(X, "y = x * 2") + "expect: {'[op_name(y), y.is_leaf]': [mul, false]}",
    "message": block("y = tensor(1.) * 2", "y.backward()") + "raises: no-grad-fn\nmessage: element 0 of tensors",
    "tolerance": block("x = tensor([1.001])") + "expect: {x: {value: [1.], tolerance: {rtol: 0.01, reason: a test}}}",
    "one variable in a loop": block("x = tensor(1.)", "for i in range(3):", "  x = x + i") + "expect: {x: 4.}",
    "branches": block("x = tensor(1.)", "if x.item() > 0:", "  y = 1", "else:", "  y = 2") + "expect: {y: 1}",
    "functions": block("def f(a, b):", "  return a * b", "y = f(tensor(2.), 3)") + "expect: {y: 6.}",
    "custom function": block(
        *("class Square(Function):", "  def forward(ctx, x):", "    ctx.save_for_backward(x)", "    return x * x"),
        *(
            "  def backward(ctx, g):",
            "    x, = ctx.saved_tensors",
            "    return 2 * x * g",
            X,
            "Square.apply(x).sum().backward()",
        ),
    )
    + "expect: {x.grad: 2 * x}",
    "hooks": block(
        *("seen = []", "def hook(g):", "  seen.append(g)", "  return g * 2", X, "handle = x.register_hook(hook)"),
        *("(x * 3).sum().backward()", "handle.remove()", "(x * 3).sum().backward()"),
    )
    + "expect: {len(seen): 1, x.grad: '[9, 9, 9]'}",
}


@pytest.mark.parametrize("name", PASSING)
def test_what_is_as_the_spec_says_passes(verdict, name: str) -> None:  # type: ignore[no-untyped-def]
    """Every kind of expectation is met by an engine that keeps it."""
    case = verdict(PASSING[name])
    assert case.status is Status.PASS, case.failures or case.reason


FAILING = {
    "value": (block(X, "(x * x).sum().backward()") + "expect: {x.grad: 3 * x}", "value"),
    "shape": (block(X) + "expect: {x: [[1., 2., 3.]]}", "shape"),
    "dtype": (block(X) + "expect: {x: {value: [1., 2., 3.], dtype: float64}}", "dtype"),
    "null for a tensor": (block(X) + "expect: {x.grad: [0., 0., 0.]}", "type"),
    "tensor for null": (block(X, "(x * x).sum().backward()") + "expect: {x.grad: null}", "value"),
    "no error": (block(X, "(x * x).sum().backward()") + "raises: graph-freed", "no-error"),
    "another error": (block("y = tensor(1.) * 2", "y.backward()") + "raises: graph-freed", "wrong-error"),
    "an error too early": (
        block("y = tensor(1.) * 2", "y.backward()", "z = y") + "raises: no-grad-fn",
        "unexpected-error",
    ),
    "an error where none is due": (block("y = tensor(1.) * 2", "y.backward()") + "expect: {y: 2.}", "unexpected-error"),
    "an error in an observation": (block(X) + "expect: {x.item(): 1.}", "unexpected-error"),
    "another wording": (block("tensor(1.).backward()") + "raises: no-grad-fn\nmessage: something else", "message"),
    "no warning": (block(X, "g = x.grad") + "warns: nonleaf-grad-access", "missing-warning"),
    "a warning where none is due": (block(X, "y = x * 2", "g = y.grad") + "expect: {g: null}", "extra-warning"),
    "another warning": (block(X, "y = x * 2", "g = y.grad") + "warns: transpose-attr-not-2d", "missing-warning"),
    "truth value": (block(X) + "expect: {x.is_leaf: false}", "value"),
    "word": (block(X, "y = x * 2") + "expect: {op_name(y): add}", "value"),
}


@pytest.mark.parametrize("name", FAILING)
def test_what_is_not_as_the_spec_says_fails(verdict, name: str) -> None:  # type: ignore[no-untyped-def]
    """Every kind of check can fail, and says what failed and in which line of the file."""
    text, what = FAILING[name]
    case = verdict(text)
    assert case.status is Status.FAIL
    assert what in [failure.what for failure in case.failures]
    assert all(failure.step == 1 and failure.line >= 4 for failure in case.failures)


def test_an_unexpected_error_names_the_line_and_the_statement(verdict) -> None:  # type: ignore[no-untyped-def]
    """The traceback's line is the line of the YAML file."""
    case = verdict(block("a = 1", "y = tensor(1.) * 2", "y.backward()", "b = 2") + "expect: {b: 2}")
    (failure,) = case.failures
    assert (failure.line, failure.expression, failure.observed) == (7, "y.backward()", "no-grad-fn")


def test_all_failures_of_a_case_are_told(verdict) -> None:  # type: ignore[no-untyped-def]
    """One wrong value does not hide the next, in this step or a later one."""
    case = verdict(
        f"steps:\n  - run: {X}\n    expect: {{x.is_leaf: false, x.grad: 1.}}\n  - run: y = x.sum()\n    expect: {{y: 7.}}"
    )
    assert [(failure.step, failure.expression) for failure in case.failures] == [
        (1, "x.is_leaf"),
        (1, "x.grad"),
        (2, "y"),
    ]


def test_a_word_the_engine_lacks_is_unsupported(spec_file: SpecFile, judge: Judge, tiny) -> None:  # type: ignore[no-untyped-def]
    """What an adapter does not implement is unsupported, by the name of the word, and never a failure."""
    (case,) = judge(spec_file("run: x = zeros(2)\nexpect: {x: [0., 0.]}"), engine=tiny).cases.values()
    assert (case.status, case.reason) == (Status.UNSUPPORTED, "needs zeros")


def test_what_no_document_promises_is_asked_of_followers_only(spec_file: SpecFile, judge: Judge, tiny) -> None:  # type: ignore[no-untyped-def]
    """An observed behaviour says nothing about an engine that does not declare to follow PyTorch."""
    path = spec_file("standing: observed\nrun: x = tensor(1.)\nexpect: {x: 2.}")
    assert [c.status for c in judge(path, engine=tiny).cases.values()] == [Status.NOT_APPLICABLE]
    assert [c.status for c in judge(path).cases.values()] == [Status.FAIL]


def test_no_state_leaks_from_one_case_into_the_next(spec_file: SpecFile, judge: Judge) -> None:
    """Recording that a case switched off is on again in the next."""
    first = spec_file("run: |\n  set_grad_enabled(False)\n  x = tensor(1.)\nexpect: {x: 1.}")
    second = spec_file(f"run: |\n  {X}\n  y = x * 2\nexpect: {{y.requires_grad: true}}")
    assert [case.status for case in judge(first, second).cases.values()] == [Status.PASS, Status.PASS]


def test_a_warning_of_no_known_kind_fails_nothing_and_is_kept(spec_file: SpecFile, judge: Judge, tiny) -> None:  # type: ignore[no-untyped-def]
    """No document speaks of it, so it says nothing about the engine, even one that follows PyTorch; the record keeps it."""
    (tiny / "engine.yaml").write_text((tiny / "engine.yaml").read_text().replace("follows: none", "follows: pytorch"))
    init = tiny / "__init__.py"
    init.write_text(
        init.read_text().replace(
            "    return Value(data, requires_grad)",
            "    import warnings\n    warnings.warn('warming up')\n    return Value(data, requires_grad)",
        )
    )
    (case,) = judge(spec_file("run: x = tensor(1.)\nexpect: {x: 1.}"), engine=tiny).cases.values()
    assert (case.status, case.remarks) == (Status.PASS, ["warming up"])
    (case,) = judge(spec_file("run: x = tensor(1.)\nwarns: nonleaf-grad-access"), engine=tiny).cases.values()
    assert case.failures[0].detail == "warming up"


ADAPTED = """
attributes = dict(Base.attributes) | {
    "apply": lambda cls, *a, **k: cls.apply(*a, **k), "data": lambda x: x.data, "grad": lambda x: x.grad,
    "requires_grad": lambda x: x.requires_grad, "sum": lambda x, *a, **k: x.sum(*a, **k),
    "backward": lambda x, *a, **k: x.backward(*a, **k), "detach": lambda x: x.detach(),
}
setters = {
    "data": lambda x, v: setattr(x, "data", v), "grad": lambda x, v: setattr(x, "grad", v),
    "requires_grad": lambda x, v: setattr(x, "requires_grad", v),
}
"""


@pytest.fixture
def adapted(tmp_path: Path) -> Path:
    """The reference, as an adapter whose attributes are functions: nothing of it may come out differently."""
    folder = Path(shutil.copytree(room("engines") / "reference", tmp_path / "adapted"))
    body = "".join(f"    {line}\n" for line in ADAPTED.strip().splitlines())
    with (folder / "__init__.py").open("a", encoding="utf-8") as out:
        out.write(f"\n\nBase = Engine\n\n\nclass Engine(Base):\n{body}")
    return folder


def test_the_suite_does_not_depend_on_how_attributes_are_bound(harness: Harness, adapted: Path, tmp_path: Path) -> None:
    """Native attributes and functions of an adapter lead to the same verdicts, wherever a spec uses one of these."""
    areas = ("leaf", "flag", "grad", "backward", "detach", "data", "hook", "custom-function")
    result = harness("run", "--engine", adapted, *areas, "--report", "none", "-o", tmp_path / "out")
    assert result.code == 0, result.out


PYTHON = {
    "the value comes before the owner": block(
        *("order = []", "def mark(x, n):", "  order.append(n)", "  return x", "x = tensor(1., requires_grad=True)"),
        "mark(x, 2).grad = mark(tensor(5.), 1)",
    )
    + "expect: {order: [1, 2], x.grad: 5.}",
    "a value that makes its owner": block(
        *("x = tensor(3., requires_grad=True)", "def run(x):", "  (x * x).backward()", "  return tensor(7.)"),
        "x.grad.data = run(x)",
    )
    + "expect: {x.grad: 7.}",
    "a custom function": PASSING["custom function"],
    "enumerate from one": block("s = []", "for i, v in enumerate([5, 6], 1):", "  s.append(i * v)")
    + "expect: {s: [5, 12]}",
    "sizes as tuples": block("x = zeros(2, 2)", "a = x.shape == (2, 2)", "b = x.shape != (2,)")
    + "expect: {'[a, b]': [true, true]}",
    "no list": block("x = tensor(1., requires_grad=True)", "a = x.grad == [1.]") + "expect: {a: false}",
    "ten recorded passes": block(
        *("x = tensor(2., requires_grad=True)", "for i in range(10):", "  g, = grad(x * x, x, create_graph=True)"),
    )
    + "expect: {g: 4.}",
    "many passes that are not recorded": block(
        *("x = tensor(2., requires_grad=True)", "for i in range(50):", "  g, = grad(x * x, x, create_graph=False)"),
    )
    + "expect: {g: 4.}",
    "a large mask": block("x = zeros(3000)", "y = x[x > 1.]") + "expect: {y.shape: [0]}",
}


@pytest.mark.parametrize("name", PYTHON)
@pytest.mark.parametrize("native", [True, False])
def test_programs_mean_what_python_means(
    name: str, native: bool, spec_file: SpecFile, judge: Judge, adapted: Path
) -> None:
    """Order, number of evaluations and results are Python's, guards or not, native attributes or not."""
    (case,) = judge(spec_file(PYTHON[name]), engine="reference" if native else adapted).cases.values()
    assert case.status is Status.PASS, case


def test_a_parameter_that_the_program_changes_is_no_input(spec_file: SpecFile, harness: Harness) -> None:
    """An expectation over what a parameter was, and is no more, does not load."""
    for change in ("d = d * 3", "d[0] = 5."):
        data = "[1.]" if "[0]" in change else "1."
        text = f"cases: [{{d: {data}}}]\n" + block(change, "x = tensor(d, requires_grad=True)") + "expect: {x: 2 * x}"
        result = harness("check", spec_file(text))
        assert result.code == 4 and "write the value out" in result.err, result


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run: x = tensor(1.)\nexpect: {x.dtype: flaot32}", "did you mean 'float32'?"),
        ("run: x = tensor(1.)\nexpect: {x.detach: null}", "'.detach' must be called"),
        ("run: x = tensor(1.).sum(axis=0)\nexpect: {x: 1.}", "known are dim, keepdim"),
    ],
)
def test_spelling_is_checked_before_an_engine_is_blamed(
    spec_file: SpecFile, harness: Harness, text: str, message: str
) -> None:
    """A wrong word in a spec is the spec's mistake, told when it loads."""
    result = harness("check", spec_file(text))
    assert result.code == 4 and message in result.err, result


def test_a_syntax_error_is_one_message(spec_file: SpecFile, harness: Harness) -> None:
    """What follows from a program that cannot be read is not told as a second mistake."""
    result = harness("check", spec_file("run: |\n  x = tensor(1.)\n  y = x @@ x\nexpect: {x: 1., y: 1.}"))
    assert result.code == 4 and result.err.count("spec1.yaml:") == 1, result


LACKING = """\
run: |
  x = tensor(3., requires_grad=True)
  y = x * x
  y.backward(retain_graph=True)
  y.backward()
expect: {x.grad: 12.}
"""


@pytest.mark.parametrize(
    ("signature", "status"),
    [
        ("gradient: Value | None = None", Status.UNSUPPORTED),
        ("gradient: Value | None = None, retain_graph: bool = False", Status.SILENT_WRONG),
    ],
)
def test_a_wrong_number_where_the_engine_lacks_the_feature(
    tmp_path: Path, spec_file: SpecFile, judge: Judge, signature: str, status: Status
) -> None:
    """The engine of the tests forgets the first of two gradients. To refuse the keyword is better than to ignore it."""
    folder = tmp_path / "tiny"
    shutil.copytree(Path(__file__).parent / "outside" / "tiny", folder)
    source = (folder / "__init__.py").read_text()
    (folder / "__init__.py").write_text(source.replace("gradient: Value | None = None", signature))
    with (folder / "engine.yaml").open("a") as file:
        file.write("  .backward(retain_graph): graphs are never freed\n")
    [case] = judge(spec_file(LACKING), engine=folder).cases.values()
    assert case.status is status and "graphs are never freed" in case.reason


@pytest.fixture
def ignoring(tmp_path: Path) -> Path:
    """The engine of the tests, which ignores a keyword that it declares to lack."""
    folder = tmp_path / "tiny"
    shutil.copytree(Path(__file__).parent / "outside" / "tiny", folder)
    source = (folder / "__init__.py").read_text()
    (folder / "__init__.py").write_text(
        source.replace("gradient: Value | None = None", "gradient: Value | None = None, retain_graph: bool = False")
    )
    with (folder / "engine.yaml").open("a") as file:
        file.write("  .backward(retain_graph): graphs are never freed\n")
    return folder


def test_what_no_document_fixes_is_not_held_against_an_engine_that_lacks_it(
    ignoring: Path, spec_file: SpecFile, judge: Judge
) -> None:
    [case] = judge(spec_file("standing: convention\n" + LACKING), engine=ignoring).cases.values()
    assert case.status is Status.UNSUPPORTED


@pytest.mark.parametrize("arguments", ["retain_graph=True", "None, True"])
def test_what_goes_wrong_before_a_keyword_is_used_is_not_blamed_on_it(
    ignoring: Path, spec_file: SpecFile, judge: Judge, arguments: str
) -> None:
    first = "- run: |\n    x = tensor(3., requires_grad=True)\n    (x * x).backward()\n    (x * x).backward()\n"
    second = f"- run: (x * x).backward({arguments})\n  expect: {{x.grad: 18.}}\n"
    [case] = judge(spec_file(f"steps:\n{first}  expect: {{x.grad: 12.}}\n{second}"), engine=ignoring).cases.values()
    assert case.status is Status.UNSUPPORTED
