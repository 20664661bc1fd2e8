"""Engines of functions: which programs reach them, as what, and that the question stays the same."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from harness import execute, plugins, selection
from harness.cases import asked
from harness.exits import Exit
from harness.language import load
from harness.record import Status
from tests.conftest import Harness, Judge, SpecFile

LEAF = "x = tensor([2., 3.], requires_grad=True)\n"
PLUG_IN = """\
from harness.engine import Array, Engine as Base, Opaque
import numpy as np

class Engine(Base):
    version = "1"
    names = {
        "tensor": lambda data, dtype=None: np.array(data, np.float32),
        "ones_like": np.ones_like,
        "func.vjp": lambda f, *primals: (f(*primals), lambda g: tuple(FACTOR * 2 * g * x for x in primals)),
    }
    attributes = {}

    def read(self, value):
        if isinstance(value, (np.ndarray, np.generic)):
            return Array(str(value.dtype), value.shape, value.tolist())
        return value
"""
"""It differentiates squares, and nothing else."""


def offered(path: Path) -> load.CheckedSpec:
    [checked] = load.load([path])
    return asked(checked, plugins.EngineFile(name="f", title="F", style=plugins.Style.FUNCTIONAL))


def program(checked: load.CheckedSpec) -> str:
    return respelt("\n".join(ast.unparse(statement) for step in checked.trees for statement in step.body))


def respelt(text: str) -> str:
    """As this Python spells it."""
    return ast.unparse(ast.parse(text))


def spec(run: str, expect: str = "{x.grad: [1., 1.]}") -> str:
    lines = "".join(f"  {line}\n" for line in (LEAF + run).splitlines())
    return f"run: |\n{lines}expect: {expect}\n"


def test_one_pure_function_and_one_reverse_pass(spec_file: SpecFile) -> None:
    checked = offered(spec_file(spec("c = tensor([5., 7.])\ny = x * c\ny.backward(tensor([1., 2.]))")))
    assert checked.tape == ""
    assert program(checked) == respelt(
        "x = tensor([2.0, 3.0])\nc = tensor([5.0, 7.0])\n"
        "def function_1_(x):\n    y = x * c\n    return y\n"
        "(y, pull_1_) = func.vjp(function_1_, x)\n(gradient_by_x,) = pull_1_(tensor([1.0, 2.0]))"
    )
    assert [ast.unparse(node) for node in checked.trees[0].observed] == ["gradient_by_x"]
    assert checked.needs == {"tensor", "*", "func.vjp"}


def test_the_value_is_that_of_the_differentiated_run(spec_file: SpecFile) -> None:
    checked = offered(
        spec_file(
            "steps:\n- run: |\n    x = tensor(2., requires_grad=True)\n    y = x * x\n  expect: {y: 4.}\n"
            "- run: y.backward()\n  expect: {x.grad: 4.}\n"
        )
    )
    first, second = ("\n".join(ast.unparse(s) for s in step.body) for step in checked.trees)
    assert first.endswith(respelt("y, pull_1_ = func.vjp(function_1_, x)"))
    assert second == respelt("gradient_by_x, = pull_1_(ones_like(y))")


def test_a_tensor_beside_the_operands_has_no_gradient(spec_file: SpecFile) -> None:
    """One operand alone is differentiated by: the other is a constant of the function, and functions keep no ``.grad``."""
    checked = offered(
        spec_file(spec("c = tensor([5., 7.])\ny = (x * c).sum()\ny.backward()", "{x.grad: [5., 7.], c.grad: null}"))
    )
    assert [ast.unparse(node) for node in checked.trees[0].observed] == ["gradient_by_x", "None"]
    asked = "{x.grad: [5., 7.], y.grad: null}"
    assert "word of tapes" in offered(spec_file(spec("y = (x * 5.).sum()\ny.backward()", asked))).tape


def test_recorded_gradients_are_lines_of_the_function(spec_file: SpecFile) -> None:
    checked = offered(
        spec_file(spec("g = grad((x ** 3).sum(), x, create_graph=True)[0]\ng.sum().backward()", "{x.grad: 6 * x}"))
    )
    assert program(checked).count("func.vjp") == 2
    assert "g = pull_1_(ones_like(root_1_0_))[0]" in program(checked)


@pytest.mark.parametrize(
    ("run", "expect", "why"),
    [
        ("x.sum().backward()\nx.sum().backward()", "{x.grad: [2., 2.]}", "backward twice"),
        ("y = x * 1\ny += 1\ny.sum().backward()", "{x.grad: [1., 1.]}", "in place"),
        ("y = x * 1\ny[0] = 1.\ny.sum().backward()", "{x.grad: [0., 1.]}", "in place"),
        ("y = x * 1\ny.add_(1)\ny.sum().backward()", "{x.grad: [1., 1.]}", "in place|does more"),
        ("with no_grad():\n  c = x * 2\n(x * c).sum().backward()", "{x.grad: [4., 6.]}", "does more"),
        ("y = x * 1\ny.retain_grad()\ny.sum().backward()", "{x.grad: [1., 1.]}", "does more|word of tapes"),
        ("x.sum().backward(retain_graph=True)", "{x.grad: [1., 1.]}", "retain_graph"),
        ("w = tensor(1., requires_grad=True)\nx.sum().backward()", "{w.grad: null}", "no gradient"),
        ("y = x * 1", "{y.is_leaf: false}", "word of tapes"),
        ("g = grad(x.sum(), [x, x])", "{len(g): 2}", "twice"),
        ("y = dropout(x * 2)\n(y * y).sum().backward()", "{x.grad: 4 * y}", "random"),
    ],
)
def test_what_is_about_a_tape(spec_file: SpecFile, run: str, expect: str, why: str) -> None:
    text = spec(run, expect)
    if "4 * y" in expect:
        text = text.replace("{x.grad: 4 * y}", "{y.shape: [2], x.grad.shape: [2]}")
    checked = offered(spec_file(text))
    assert any(part in checked.tape for part in why.split("|")), checked.tape or program(checked)


@pytest.mark.parametrize(("factor", "status"), [("1.", Status.PASS), ("1.001", Status.FAIL)])
def test_a_functional_engine_is_judged(
    tmp_path: Path, spec_file: SpecFile, judge: Judge, factor: str, status: Status
) -> None:
    folder = tmp_path / "squares"
    folder.mkdir()
    (folder / "__init__.py").write_text(PLUG_IN.replace("FACTOR", factor))
    (folder / "engine.yaml").write_text("name: squares\ntitle: Squares\nstyle: functional\n")
    square = spec_file(spec("y = x * x\ny.backward(tensor([1., 10.]))", "{x.grad: [4., 60.]}"))
    tape = spec_file(spec("y = x * x\ny.retain_grad()\ny.backward(tensor([1., 10.]))", "{x.grad: [4., 60.]}"))
    [judged, other] = judge(square, tape, engine=folder).cases.values()
    assert judged.status is status
    assert other.status is Status.NOT_APPLICABLE and other.reason is not None and "about a tape" in other.reason


CONJUGATE = """
    names |= {
        "tensor": lambda data, dtype=None: np.array(data, dtype or np.complex64),
        "complex64": np.complex64,
        "conj": np.conj,
        "func.vjp": lambda f, x: (f(x), lambda g: (2 * x * g,)),
        "func.grad": lambda f: lambda x: 2 * x,
    }
"""
"""It differentiates squares of complex numbers, and gives the conjugates of PyTorch's gradients."""


@pytest.mark.parametrize(("convention", "status"), [("conjugate", Status.PASS), ("ascent", Status.FAIL)])
def test_conjugate_gradients_are_a_convention(
    tmp_path: Path, spec_file: SpecFile, judge: Judge, convention: str, status: Status
) -> None:
    folder = tmp_path / "squares"
    folder.mkdir()
    (folder / "__init__.py").write_text(PLUG_IN.replace("FACTOR", "1") + CONJUGATE)
    (folder / "engine.yaml").write_text(f"name: squares\ntitle: S\nstyle: functional\ncomplex-gradient: {convention}\n")
    pulled = spec_file(
        "run: |\n  x = tensor([1 + 2j], dtype=complex64, requires_grad=True)\n  y = x * x\n"
        "  y.backward(tensor([3 + 1j], dtype=complex64))\nexpect: {x.grad: [10 - 10j]}\n"
    )
    own = spec_file(
        "run: |\n  x = tensor([1 + 2j], dtype=complex64)\n  g = func.grad(lambda x: x * x)(x)\nexpect: {g: [2 - 4j]}\n"
    )
    [judged, other] = judge(pulled, own, engine=folder).cases.values()
    assert judged.status is status, judged
    if convention == "conjugate":
        assert other.status is Status.NOT_APPLICABLE and "conjugates" in (other.reason or "")
    else:
        assert other.status is Status.FAIL


def test_real_numbers_have_no_conjugates(spec_file: SpecFile) -> None:
    [checked] = load.load([spec_file(spec("y = x * x\ny.backward(tensor([1., 10.]))"))])
    file = plugins.EngineFile(
        name="f", title="F", style=plugins.Style.FUNCTIONAL, complex_gradient=plugins.ComplexGradient.CONJUGATE
    )
    assert "conj" not in asked(checked, file).needs


def test_the_question_stays_the_same() -> None:
    """The reference, which is right about the tape's program, is right about the function as well."""
    [candidate] = [found for found in plugins.builtin() if found.file.name == "reference"]
    loaded = plugins.load(candidate, None)
    loaded = loaded._replace(
        file=plugins.EngineFile(name="f", title="F", style=plugins.Style.FUNCTIONAL, follows=plugins.Follows.PYTORCH)
    )
    rows = [spec for spec in selection.select(["ops/*"]) if spec.row is not None and spec.row.name[0] in "px"]
    judged = 0
    with execute.listening() as heard:
        session = execute.Session(loaded, heard)
        for checked in [*selection.written(), *rows]:
            if checked.spec.area == "checkpoint":  # which transforms of PyTorch, and so the reference, refuse
                continue
            if asked(checked, loaded.file) is checked:
                continue
            for line in session.run_spec(checked):
                judged += line.status is Status.PASS
                assert line.status in (Status.PASS, Status.NOT_APPLICABLE, Status.UNSUPPORTED), (line.id, line.failures)
    assert judged > 900


def test_an_engine_may_use_the_adapter_of_another(harness: Harness) -> None:
    result = harness("run", "--engine", "torch-func", "--area", "backward", "--area", "vjp", "--report", "none")
    assert result.code == Exit.OK, result.out


def test_an_adapter_that_is_not_there(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "borrowed").mkdir()
    (tmp_path / "borrowed" / "engine.yaml").write_text("name: borrowed\ntitle: B\nadapter: ../nowhere\n")
    result = harness("run", "--engine", "./borrowed", "leaf")
    assert result.code == Exit.ENGINE_UNUSABLE
    assert "'../nowhere'" in result.err and "Traceback" not in result.err
