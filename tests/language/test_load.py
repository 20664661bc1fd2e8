"""Spec files: every mistake of a file at once, each with its place and the nearest known word."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.language import load
from harness.problems import InputError
from tests.conftest import SpecFile


def mistakes(*paths: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load.load(paths)
    return [str(problem).replace(f"{problem.file}:", "") for problem in caught.value.problems]


def test_all_mistakes_of_a_file_are_reported_at_once(spec_file: SpecFile) -> None:
    """A wrong key, a wrong type, an unknown kind: one run of the checker shows all of them, sorted by place."""
    path = spec_file(
        "id: Bad Id\nclaim: 3\nsource: []\nstandign: documented\nsteps:\n"
        "  - run: x = tensor(1.)\n    expcet: {x: 1.}\n  - rum: x\n    raises: 7\n",
        whole=True,
    )
    assert mistakes(path) == [
        "1:5: 'Bad Id' does not look like area/some-words (lower-case letters, digits, hyphens)",
        "2:8: found 3, expected text; put it in quotes",
        "3:9: [] is empty",
        "4:1: unknown key 'standign'; did you mean 'standing'?",
        "7:5: unknown key 'expcet'; did you mean 'expect'?",
        "8:5: 'run' is missing",
        "8:5: unknown key 'rum'; did you mean 'run'?",
        "9:13: found 7, expected text; put it in quotes",
    ]


def test_all_files_are_reported_at_once(spec_file: SpecFile) -> None:
    """Two broken files give the mistakes of both."""
    assert len(mistakes(spec_file("run: x = y"), spec_file("run: x = z"))) >= 2


def test_programs_are_reported_at_their_own_line_and_column(spec_file: SpecFile) -> None:
    """Places inside a block are those of the YAML file, in a one-line program too."""
    block = spec_file("run: |\n  x = tensor(1.)\n  y = x * zz\nexpect: {y: 1.}")
    line = spec_file("run: x = tenser(1.)\nexpect: {x: 1.}")
    assert mistakes(block) == ["6:11: name 'zz' is not defined"]
    assert mistakes(line) == ["4:10: name 'tenser' is not defined; did you mean 'tensor'?"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("run: x = tensor(1.)", "expects nothing"),
        ("run: x = tensor(1.)\nexpect: {y: 1.}", "name 'y' is not defined"),
        ("run: x = tensor(1.)\nexpect: {x: y}", "name 'y' is neither a parameter nor an input"),
        ("run: x = tensor(1.)\nexpect: {x: {}}", "says nothing"),
        ("run: x = tensor(1.)\nexpect: {x: {vlaue: 1.}}", "did you mean 'value'?"),
        ("run: x = tensor(1.)\nexpect: {x: {dtype: flaot32}}", "did you mean 'float32'?"),
        ("run: x = tensor(1.)\nexpect: {x: {value: 1., tolerance: {rtol: 0.1}}}", "'reason' is missing"),
        ("run: x = tensor(1.)\nexpect: {x: {value: 1., tolerance: {rtol: 2, reason: x}}}", "2 is more than 1"),
        ("run: x = tensor(1.)\nexpect: {x: '1 +'}", "is not an expression"),
        ("run: x = tensor(1.)\nraises: graph-fred", "did you mean 'graph-freed'?"),
        ("run: x = tensor(1.)\nwarns: [graph-freed]", "unknown kind of warning 'graph-freed'"),
        ("run: x = tensor(1.)\nexpect: {x: 1.}\nmessage: hello", "'message' goes with 'raises' or 'warns'"),
        ("cases: [{a: 1}, {b: 1}]\nrun: x = tensor(a)\nexpect: {x: 1}", "every case has the same parameters"),
        ("cases: [{a: 1, b: 2}]\nrun: x = tensor(a)\nexpect: {x: 1}", "parameter 'b' is never used"),
        ("cases: [{class: 1}]\nrun: x = tensor(1)\nexpect: {x: 1}", "parameter 'class' is not a name"),
        ("cases: [{range: 1}]\nrun: x = tensor(1)\nexpect: {x: range}", "is a word of the language"),
        ("run: x = tensor(1.)\nsteps: []\nexpect: {x: 1.}", "stands beside 'steps'"),
        ("run: >\n  x = tensor(1.)\n  y = x\nexpect: {x: 1.}", "begins with 'run: |'"),
        ("run: ''\nexpect: {x: 1.}", "is empty"),
        ("run: '# nothing'\nraises: graph-freed", "holds no statement"),
    ],
)
def test_mistakes_are_named(spec_file: SpecFile, body: str, message: str) -> None:
    """Each mistake has a sentence that says what is wrong and, where there is one, the nearest known word."""
    assert any(message in text for text in mistakes(spec_file(body)))


def test_two_specs_cannot_share_an_id(spec_file: SpecFile) -> None:
    """An id is one behaviour, for ever."""
    text = "run: x = tensor(1.)\nexpect: {x: 1.}"
    first, second = spec_file(text, id="a/b"), spec_file(text, id="a/b")
    assert any("is already taken by" in text for text in mistakes(first, second))


def test_one_step_may_drop_the_list(spec_file: SpecFile) -> None:
    """run, expect, raises, warns and message at the top are one step."""
    (short,) = load.load([spec_file("run: x = tensor(1.)\nexpect: {x: 1.}")])
    (long,) = load.load([spec_file("steps:\n  - run: x = tensor(1.)\n    expect: {x: 1.}", id="test/spec-1")])
    assert short.spec == long.spec
    assert short.digest == long.digest


def test_needs_are_inferred(spec_file: SpecFile) -> None:
    """What a case needs of an engine is read off its program and expectations, keywords and operators included."""
    (spec,) = load.load(
        [
            spec_file(
                "run: |\n  x = tensor([1.], dtype=float64, requires_grad=True)\n  with no_grad():\n    x -= 1\n"
                "  y = (x @ x)[None]\n  y.backward(retain_graph=True)\nexpect: {x.grad: null}"
            )
        ]
    )
    assert spec.needs == {
        *("tensor", "tensor(dtype)", "tensor(requires_grad)", "float64", "no_grad", "-=", "@", "[]"),
        *(".backward", ".backward(retain_graph)", ".grad"),
    }


def test_the_suite_loads_and_ids_are_paths() -> None:
    """Every spec of the suite is right, and its id is where it lies; a table's specs begin with their folder."""
    from harness.places import room

    specs = load.load(load.find([room("specs")]), room("specs"))
    assert specs
    alone = [spec for spec in specs if spec.spec.area != "ops"]
    assert alone and all(spec.path == room("specs") / f"{spec.spec.id}.yaml" for spec in alone)
    assert all(spec.path.parent == room("specs") / "ops" for spec in specs if spec.spec.area == "ops")
