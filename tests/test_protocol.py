"""The protocol as it is published: the command, the schemas, the export, the page; and the check of a worker."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import numpy as np
import pytest

from harness import conversation, protocol, selection, suite
from harness.cases import prepare
from harness.engine import Array
from harness.execution.process import Process
from harness.exits import Exit
from harness.judge import compare
from harness.language import advised, export, nodes, program
from harness.language.load import load
from tests.conftest import ROWS_ONCE, Harness, SpecFile, sample
from tests.test_docs import ROOT, blocks, table

PAGE = ROOT / "docs" / "protocol.md"
FOREIGN = Path(__file__).parent / "outside" / "foreign"
MESSAGES = (*get_args(protocol.Order), *get_args(protocol.Answer))


def validator(harness: Harness, name: str) -> jsonschema.Draft202012Validator:
    found = json.loads(harness("schema", name).out)
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def shapes(data: Any, place: str = "") -> Iterator[tuple[str, ...]]:
    """What a schema tells apart: the keys of every object, and what stands under each of them."""
    if isinstance(data, dict):
        sort = next((data[key] for key in ("node", "form", "line") if isinstance(data.get(key), str)), place)
        yield place, sort
        yield sort, *sorted(data)
        for key, value in data.items():
            yield from shapes(value, f"{sort}.{key}")
    elif isinstance(data, list):
        yield place, "[]", str(bool(data))
        for item in data:
            yield from shapes(item, place)
    else:
        yield place, type(data).__name__, data if place.endswith((".op", ".ops")) else ""


def telling(documents: Iterable[Any]) -> Iterator[Any]:
    """Those that hold something that none before them holds: of the others a schema says nothing new, and is slow to."""
    seen: set[tuple[str, ...]] = set()
    for document in documents:
        if new := set(shapes(document)) - seen:
            seen |= new
            yield document


# ---- nodes


def test_the_nodes_are_those_of_the_whitelist() -> None:
    """Every kind of node that `program` lets through is in the table, and no other."""
    tree = ast.parse(Path(program.__file__).read_text(encoding="utf-8"))
    checker = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "_Checker")
    matched = {
        pattern.cls.attr
        for pattern in ast.walk(checker)
        if isinstance(pattern, ast.MatchClass) and isinstance(pattern.cls, ast.Attribute)
    }
    kinds = {name for name in matched if issubclass(getattr(ast, name), (ast.stmt, ast.expr))}
    parts = {"arguments", "arg", "keyword", "comprehension", "withitem"}
    assert set(nodes.NODES) == kinds | parts
    for name, kind in nodes.NODES.items():
        assert set(kind.fields) <= set(getattr(ast, name)._fields) | {"type"}


EVERYTHING = """\
cases: [{p: [1, 2]}]
run: |
  def f(a, b):
      if a is None or b == 2:
          return
      elif not b:
          pass
      return a if b >= 1 else -a
  class Double(Function):
      def forward(ctx, x):
          ctx.save_for_backward(x)
          return x * 2
      def backward(ctx, g):
          return g * 2
  x = y = tensor([[1., 2.], [3., +4.]], requires_grad=True)
  for i, (j, k) in enumerate(zip(range(3), [1, 2, 3])):
      j += k
  out = [a * 2 for a in p if a > 0 and a < 3]
  out.append(0)
  out[0] = 3
  with no_grad(), enable_grad():
      z = x[0:1, ..., -1] ** 2
  x.grad = None
  w = f(Double.apply(x), (1,)[0])
  u = 1e400 + 1j
  @no_grad()
  def quiet(a, b=2):
      def inner():
          return a
      if b == 3:
          raise ValueError("three")
      return inner
  h = func.grad(lambda a: (a * a).sum())(tensor([1.]))
  d = {"a": quiet(1)(), "b": [2]}
  with forward_ad.dual_level() as level:
      v = d["a"]
  del v
expect: {out: [3, 4, 0], 'x[..., 0]': [1., 3.]}
"""


def test_every_program_is_valid_by_its_schema(harness: Harness, spec_file: SpecFile) -> None:
    """The suite's programs, of a table's row one; and one in which every kind of node stands. What is exported reads back."""
    check = validator(harness, "program")
    programs = [export.write(spec.program) for spec in [*load([spec_file(EVERYTHING)]), *sample()]]
    texts = [json.dumps(data) for data in programs]
    for data in telling(map(json.loads, texts)):
        check.validate(data)
    for data, text in zip(programs, texts, strict=True):
        assert export.write(export.read(json.loads(text))) == data
    assert {name for name in nodes.NODES if f'"node": "{name}"' not in texts[0]} == set()


ANNOTATED = {"node": "arguments", "args": [{"node": "arg", "arg": "a", "annotation": {"node": "Name", "id": "a"}}]}


@pytest.mark.parametrize(
    "node",
    [
        {"node": "Import", "line": 1, "names": ["os"]},
        {"node": "Expr", "line": 1, "value": {"node": "Lambda"}},
        {"node": "Pass", "line": 1, "more": 1},
        {"node": "Expr", "line": 1},
        {"node": "Assign", "line": 1, "targets": [{"node": "Name", "id": "a"}], "value": {"node": "Constant", "value": 1}},
        {"node": "Expr", "value": {"node": "UnaryOp", "op": "~", "operand": {"node": "Name", "id": "a"}}},
        {"node": "FunctionDef", "name": "f", "body": [{"node": "Pass"}], "args": ANNOTATED},
    ],
)  # fmt: skip
def test_the_schema_of_programs_is_strict(harness: Harness, node: dict[str, Any]) -> None:
    """Another kind of node, a field more or less, another operator: no program."""
    step = {"body": [node], "observe": [], "raises": False}
    data = {"id": "a/b", "file": "b.yaml", "parameters": [], "steps": [step], "watch": False}
    assert not validator(harness, "program").is_valid(data)


# ---- the command


def test_the_protocol_on_one_screen(harness: Harness) -> None:
    """Version, every message with a sentence, an example; nothing of Python's spelling in it."""
    told = harness("protocol")
    assert told.code == Exit.OK
    assert told.out.startswith(f"protocol {protocol.VERSION}:")
    for message in MESSAGES:
        assert re.search(rf"^  {message.__struct_config__.tag} +[A-Z].*\.$", told.out, re.M)
    assert "``" not in told.out and max(map(len, told.out.splitlines())) <= 120
    assert len(told.out.splitlines()) < 40


def test_the_example_is_valid(harness: Harness) -> None:
    """Every line of the example is a message by the schema, and what is printed is what was made."""
    from harness.cli import protocol_

    check = validator(harness, "protocol")
    shown = harness("protocol").out.partition("example")[2].partition("\n")[2]
    assert list(spoken(shown)) == [(sign, json.loads(line)) for sign, line in protocol_.example()]
    for _, line in protocol_.example():
        check.validate(json.loads(line))


def test_the_schema_of_a_message(harness: Harness) -> None:
    """`--schema` prints it; it is the one that is committed; it is strict about programs; --check does not go with it."""
    told = harness("protocol", "--schema")
    assert told.out == (ROOT / "harness" / "schemas" / "protocol.json").read_text(encoding="utf-8")
    assert not validator(harness, "protocol").is_valid({"message": "begin"})
    assert harness("protocol", "--schema", "--check", "reference").code == Exit.USAGE


@pytest.mark.parametrize("name", ["protocol", "program", "export"])
def test_the_committed_schemas_are_up_to_date(harness: Harness, name: str) -> None:
    """The schemas in the tree are generated: `harness schema --write harness/schemas` makes them anew."""
    committed = (ROOT / "harness" / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    assert harness("schema", name).out == committed


LIGHT = ("protocol", "protocol --schema", "schema program", "schema export", "export --help")


@pytest.mark.parametrize("command", LIGHT)
def test_what_only_tells_imports_no_arrays(command: str, tmp_path: Path) -> None:
    """The protocol and the schemas are printed without NumPy and without any engine."""
    code = (
        "import sys; from harness.cli import run; code = run(sys.argv[1:]);"
        "sys.exit(code or (9 if {'numpy', 'torch', 'jinja2', 'rich', 'mpmath'} & set(sys.modules) else 0))"
    )
    words = [sys.executable, "-c", code, *command.split()]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done


# ---- the check


def worker(folder: Path, *swaps: tuple[str, str]) -> Path:
    """The worker in bare Python with pieces of its text replaced."""
    engine = Path(shutil.copytree(FOREIGN, folder / "mine"))
    text = (engine / "worker.py").read_text(encoding="utf-8")
    for before, after in swaps:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    (engine / "worker.py").write_text(text, encoding="utf-8")
    return engine


@pytest.mark.parametrize("engine", [FOREIGN, "reference"], ids=["foreign", "reference"])
def test_a_good_worker_passes_the_check(harness: Harness, engine: str | Path) -> None:
    """A worker of its own and our own worker answer every question."""
    told = harness("protocol", "--check", engine)
    assert (told.code, told.err) == (Exit.OK, "")
    lines = told.out.splitlines()
    assert len(lines) == len(list(advised.read(conversation.QUESTIONS))) + 5
    assert all(line.startswith("  ✓ ") for line in lines[:-1])
    assert lines[-1] == f"It speaks protocol {protocol.VERSION}. Next: harness run --engine {engine}"


def test_what_an_engine_has_not_got_is_left_out(harness: Harness) -> None:
    """An engine that is not judged on errors passes; the questions about them are shown as left out."""
    told = harness("protocol", "--check", "exact")
    assert told.code == Exit.OK
    assert told.out.count("  ○ ") == 3


_LISTENS = "os.dup2(2, 1)  # whatever is printed goes to stderr"
_START = 'case "start":\n                answer('
_OBSERVED = 'told["observed"].append(observed(self.value(node, 0)))'
BROKEN: dict[str, tuple[tuple[str, str], int, str]] = {
    "it prints": ((_LISTENS, "print('hello', flush=True)"), 0, "wrote what is no message where messages are due"),
    "it says nothing": ((_START, 'case "start":\n                ('), 0, "nothing was answered within"),
    "it dies": ((_LISTENS, "sys.exit('no luck')"), 0, "with exit code 1; the last that it wrote to stderr:\n      no luck"),
    "it closes its stdout": ((_LISTENS, "answers.close(); os.close(1); time.sleep(30)"), 0, "it closed its stdout"),
    "another version": (('"protocol": "1.0"', '"protocol": "2.0"'), 0, "protocol 2.0 is answered"),
    "no field": (('"version": "0.1",', ""), 0, "missing required field `version`"),
    "another word": (('"retain_grad"]', '"retain_grat"]'), 0, "did you mean 'retain_grad'"),
    "settable": (('SETTABLE = ["grad"]', 'SETTABLE = ["data"]'), 0, "'data' is in settable and not in attributes"),
    "another number": (('"run": order["run"]', '"run": order["run"] + 1'), 1, "run 2 was answered where 1 is due"),
    "a result too many": (
        ('answer({"message": "result"', 'answer({"message": "result", "run": 7})\n                answer({"message": "result"'),
        1,
        "run 7 was answered where 1 is due",
    ),
    "no observation": ((_OBSERVED, 'told["observed"].append({"value": 1})'), 1, "is none of the things that may be observed"),
    "too few": ((_OBSERVED, "self.value(node, 0)"), 1, "step 1: 0 of 5 observations were reported"),
    "another value": (("return float(data[\"number\"])", "return 0.0"), 1, "c  (the value differs)"),
    "another shape": (('"shape": [], "values"', '"shape": [1], "values"'), 2, "says shape [1]"),
    "another dtype": (('"dtype": "float64", "shape"', '"dtype": "double", "shape"'), 2, "x  (the dtype differs)"),
    "no line": (('"line": getattr(error, "line", 0)', '"line": 0'), 3, "`aborted` says line 0"),
    "dead of a bad parameter": (("if type(data) is not float:", "if type(data) is not float:\n        os.abort()"), 4, "SIGABRT"),
    "no refusal": (("if type(data) is not float:", "if False:"), 4, "no `raised` in the step"),
    "no kind": (('"kind": getattr(error, "kind", None)', '"kind": None'), 5, "expected\n      no-grad-fn"),
    "another kind of warning": (('"kind": "nonleaf-grad-access"', '"kind": None'), 6, "a warning is missing"),
    "it does not stop": (("                break\n\n\nmain()", "                time.sleep(30)\n\n\nmain()"), 7, "it still runs"),
    "it stops in anger": (("                break\n\n\nmain()", "                os._exit(5)\n\n\nmain()"), 7, "exit code 5"),
    "any device will do": (
        ('"device"] not in (None, "cpu")', '"device"] == "cpu"'),
        9,
        "'capabilities' was answered to device 'no-such-device'",
    ),
    "it outlives its stdin": (
        ("                break\n\n\nmain()", "                os._exit(0)\n\n\nmain()\ntime.sleep(30)"),
        8,
        "it still runs",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_the_first_wrong_answer_is_named(harness: Harness, tmp_path: Path, name: str) -> None:
    """Everything before it is ✓, then one ✗ with what is wrong, then nothing; exit code 1."""
    swap, stage, said = BROKEN[name]
    told = harness("protocol", "--check", worker(tmp_path, swap), "--timeout", "0.3")
    assert (told.code, told.err) == (Exit.NONCONFORMING, "")
    marks = re.findall(r"^  ([✓○✗]) ", told.out, re.M)
    assert marks == ["✓"] * stage + ["✗"], told.out
    assert said in told.out


def test_an_engine_that_says_it_is_unusable(harness: Harness, tmp_path: Path) -> None:
    """`unusable` is a right answer; the engine cannot be used all the same, and the code is that."""
    engine = worker(tmp_path, ('startswith("1.")', 'startswith("9.")'))
    told = harness("protocol", "--check", engine)
    assert (told.code, told.out) == (Exit.ENGINE_UNUSABLE, "")
    assert "this worker speaks protocol 1.0, not 1.0" in told.err
    assert harness("protocol", "--check", "no-such-engine").code == Exit.ENGINE_UNUSABLE


# ---- the export


def test_the_export_holds_the_suite(harness: Harness, tmp_path: Path) -> None:
    """Every line is valid by its schema; every spec and case is there; a file holds what stdout shows."""
    told = harness("export", *ROWS_ONCE)
    assert told.code == Exit.OK
    check = validator(harness, "export")
    head, *specs = map(json.loads, told.out.splitlines())
    for line in telling((head, *specs)):
        check.validate(line)
    chosen = selection.select([], ROWS_ONCE[1])
    assert [spec["id"] for spec in specs] == [spec.spec.id for spec in chosen]
    assert (head["specs"], head["cases"]) == (len(chosen), sum(1 for spec in chosen for _ in spec.cases))
    assert [case["id"] for spec in specs for case in spec["cases"]] == [id for spec in chosen for id, _ in spec.cases]
    assert harness("export", *ROWS_ONCE, "-o", "there/suite.jsonl").out == "wrote there/suite.jsonl\n"
    assert Path("there/suite.jsonl").read_text(encoding="utf-8") == told.out


FORMS = """\
cases:
  - {p: 1, d: float64}
  - {p: .nan, d: complex64}
steps:
  - run: |
      x = tensor([1., 2.], dtype=d)
      y = [x, None]
    expect:
      x: 2 * x
      y: [[1., 2.], null]
      x.requires_grad: false
      x.dtype: d
      p: p
    allows: low-precision
  - run: x.backward()
    raises: no-grad-fn
    message: does not require
"""


def test_what_the_export_says_is_what_the_judge_compares(harness: Harness, spec_file: SpecFile) -> None:
    """Expected values are evaluated, in the case's dtype; nan is spelt; kinds and wording stand beside the step."""
    path = spec_file(FORMS)
    (told,) = map(json.loads, harness("export", path, "--default-dtype", "float64").out.splitlines()[1:])
    assert [step["raises"] for step in told["steps"]] == [None, "no-grad-fn"]
    assert (told["steps"][0]["allows"], told["steps"][1]["message"]) == (["low-precision"], "does not require")
    assert told["steps"][0]["observe"] == ["x", "y", "x.requires_grad", "x.dtype", "p"]
    assert told["program"]["parameters"] == ["p", "d"]
    first, second = told["cases"]
    assert (first["values"], first["types"]) == ([1, "float64"], ["int", "name"])
    assert (second["values"], second["types"]) == ([{"number": "nan"}, "complex64"], ["float", "name"])
    x, y, flag, dtype, p = first["expected"][0]
    assert x == {"form": "numbers", "dtype": "float64", "shape": [2], "values": [2.0, 4.0], "rtol": 1e-9, "atol": 1e-12}
    assert [item["form"] for item in y["items"]] == ["numbers", "exactly"]
    assert flag == {"form": "exactly", "value": False}
    assert dtype == {"form": "exactly", "value": "float64"}
    assert (p["form"], p["dtype"], p["values"]) == ("numbers", "int64", 1)
    assert second["expected"][0][0]["values"] == [{"number": "(2+0j)"}, {"number": "(4+0j)"}]
    assert second["expected"][0][4]["values"] == {"number": "nan"}
    assert first["expected"][1] == []


def test_an_export_is_enough_to_judge(harness: Harness) -> None:
    """Whoever has nothing but the export gets every expected number that the harness has."""
    default = "float32"
    specs = {s["id"]: s for s in map(json.loads, harness("export", *ROWS_ONCE).out.splitlines()) if s["line"] == "spec"}

    def back(due: dict[str, Any]) -> Any:
        match due["form"]:
            case "exactly":
                return due["value"]
            case "items":
                return [back(item) for item in due["items"]]
            case "tensor":
                shape = due["shape"] or []
                return Array(due["dtype"] or default, tuple(shape), np.zeros(shape).tolist())
            case "one-of":
                return back(due["values"][0])
            case "unjudged":
                return None
        return protocol.seen(
            protocol.Result(run=0, steps=[protocol.StepData(observed=[{k: due[k] for k in ("dtype", "shape", "values")}])])
        ).steps[0].observed[0]  # fmt: skip

    for checked in selection.select([], ROWS_ONCE[1]):
        for case, told in zip(prepare(checked, default), specs[checked.spec.id]["cases"], strict=True):
            for wanted, due in zip(case.steps, told["expected"], strict=True):
                assert [compare(value, back(entry)) for value, entry in zip(wanted, due, strict=True)] == [None] * len(
                    due
                )


def test_an_export_that_cannot_be(harness: Harness, spec_file: SpecFile, tmp_path: Path) -> None:
    """A value that the dtype cannot hold is a mistake in the spec, with its line; nothing is written. Nothing chosen: code 5."""
    path = spec_file("run: x = tensor(1.)\nexpect:\n  x: {value: 1j, dtype: float32}\n")
    told = harness("export", path, "-o", "out.jsonl")
    assert (told.code, told.out) == (Exit.SPEC_INVALID, "")
    assert not (tmp_path / "out.jsonl").exists()
    assert harness("export", "-k", "nosuchword").code == Exit.EMPTY
    assert harness("export", "no-such-spec").code == Exit.USAGE


# ---- the page


def spoken(text: str) -> Iterator[tuple[str, Any]]:
    """(who, message) of lines that begin with > or <, however the JSON behind it is broken into lines."""
    decoder, position = json.JSONDecoder(), 0
    while found := re.compile(r"\s*([<>]) ").match(text, position):
        data, position = decoder.raw_decode(text, found.end())
        yield found[1], data


def settled(sign: str, message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A message without what is another one on every machine and every day."""
    fixed = {"seconds": 0.00001, "runtime": "Python 3.11.7", "memory": 2**32}
    out = message | {key: value for key, value in fixed.items() if key in message}
    if "engine" in out:
        out["engine"] = out["engine"] | {"folder": "/engines/foreign"}
    return sign, out


def real(harness: Harness, monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """What passes over the pipes when the page's spec is run on the foreign worker."""
    heard: list[tuple[str, dict[str, Any]]] = []
    send, answer = Process.send, protocol.answer

    def sent(self: Process, data: bytes) -> None:
        heard.extend(settled(">", json.loads(line)) for line in data.splitlines())
        send(self, data)

    def answered(text: bytes) -> protocol.CapabilitiesAnswer | protocol.Unusable | protocol.Showed:
        heard.append(settled("<", json.loads(text)))
        return answer(text)

    monkeypatch.setattr(Process, "send", sent)
    monkeypatch.setattr(protocol, "answer", answered)
    shutil.copytree(FOREIGN, folder / "foreign")
    (spec,) = (block for block in blocks(PAGE, "yaml") if block.text.startswith("id:"))
    (folder / "square.yaml").write_text(spec.text, encoding="utf-8")
    told = harness("run", "-e", "./foreign", "square.yaml", "-j", "1", "--report", "none")
    assert told.code == Exit.OK, told
    return heard


def test_the_transcript_of_the_page_is_real(harness: Harness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every message that the page shows passed over the pipes, in this order, and every one is valid by the schema."""
    (shown,) = (block.text for block in blocks(PAGE, "text") if block.mark == "transcript")
    told = list(spoken(shown))
    assert told == real(harness, monkeypatch, tmp_path)
    check = validator(harness, "protocol")
    for _, message in told:
        check.validate(message)


STRUCTS = {message.__struct_config__.tag: message for message in MESSAGES} | {
    "engine": protocol.EngineOrder,
    "A step": protocol.StepData,
    "An exception": protocol.RaisedData,
    "A warning": protocol.WarnedData,
    "A graph": protocol.GraphData,
}


@pytest.mark.parametrize("name", [name for name in STRUCTS if name != "stop"])
def test_the_page_has_every_field(name: str) -> None:
    """Under every heading of a message or a part of one stand its fields, in the order of the code."""
    page = PAGE.read_text(encoding="utf-8")
    head = next(line for line in page.split("\n") if re.fullmatch(rf"#+ `?{name}`?", line))
    below = page.partition(f"{head}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| `(\w+)` \|", below.partition("| field |")[2].partition("\n\n")[0], re.M)
    assert rows == [field.encode_name for field in msgspec.structs.fields(STRUCTS[name])]


def test_the_page_has_every_node() -> None:
    """Kind, fields and meaning, word for word."""
    rows: dict[str, tuple[str, str]] = {}
    for sort in ("statement", "expression", "part"):
        rows |= {name: (fields, meaning) for name, fields, meaning in table("docs/protocol.md", f"| {sort} | fields |")}
    assert rows == {f"`{name}`": (spelt(kind), kind.meaning) for name, kind in nodes.NODES.items()}


def spelt(kind: nodes.Kind) -> str:
    """The fields of a kind, as a cell of the table has them."""
    stored = {"store": "true?"} if kind.stores else {}
    return "; ".join(f"`{field}`: {holds}" for field, holds in {**kind.fields, **stored}.items())


def test_the_page_has_every_sign() -> None:
    """The operators by their groups."""
    rows = {
        name: tuple(re.findall(r"`([^`]+)`", signs)) for name, signs in table("docs/protocol.md", "| sign | one of |")
    }
    assert rows == dict(nodes.SIGNS)


def test_the_page_has_the_fields_of_an_export() -> None:
    """Each kind of line and each form."""
    page = PAGE.read_text(encoding="utf-8")
    for struct in (suite.Header, suite.SpecData, suite.StepDue, suite.CaseData, *get_args(suite.AnyDue)):
        for field in msgspec.structs.fields(struct):
            assert f"`{field.encode_name}`" in page, (struct, field.encode_name)


def test_the_check_on_the_page_is_the_real_one(harness: Harness, tmp_path: Path) -> None:
    """What the page shows of `harness protocol --check`, for a good worker and for one that prints."""
    page = PAGE.read_text(encoding="utf-8")
    shutil.copytree(FOREIGN, tmp_path / "foreign")
    good = re.sub(r"Python [\d.]+", "Python 3.11.7", harness("protocol", "--check", "./foreign").out)
    assert f"$ harness protocol --check ./foreign\n{good}" in page
    text = (tmp_path / "foreign" / "worker.py").read_text(encoding="utf-8")
    (tmp_path / "foreign" / "worker.py").write_text(
        text.replace(_LISTENS, "print('hello', flush=True)"), encoding="utf-8"
    )
    assert f"$ harness protocol --check ./foreign\n{harness('protocol', '--check', './foreign').out}" in page
