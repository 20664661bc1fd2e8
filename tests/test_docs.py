"""The documentation keeps its word: what the pages show is loaded, run and compared with the code."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from harness import cli, exits
from harness.language import documents, expected, guards, load, program
from harness.language.words import ATTRIBUTES, NAMES
from harness.mutation.operators import OPERATORS
from harness.mutation.record import MEANING
from harness.problems import InputError
from harness.record import STATUS_MEANING, Run, Status, read
from tests.conftest import Harness, Judge

ROOT = Path(__file__).parent.parent
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / name for name in ("CONTRIBUTING.md", "README.md"))])
LINKED = [*PAGES, ROOT / "CHANGELOG.md"]


class Block(NamedTuple):
    """A fenced block: where it begins, its language, its text, and the HTML comment right above it."""

    page: Path
    line: int
    language: str
    text: str
    mark: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


_BLOCK = re.compile(r"(?:^<!-- (?P<mark>.*?) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S)


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    source = page.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(source):
        if not languages or match["language"] in languages:
            line = source.count("\n", 0, match.start("text"))
            yield Block(page, line, match["language"], match["text"], match["mark"] or "")


def specs(wrong: bool) -> list[Block]:
    whole = [b for page in PAGES for b in blocks(page, "yaml") if re.match(r"(#.*\n)?id:", b.text)]
    return [block for block in whole if (block.mark == "wrong") is wrong]


def files(page: Path, folder: Path) -> None:
    """Write the files that a page shows in full."""
    for block in blocks(page):
        if block.mark.startswith("file: "):
            path = folder / block.mark.removeprefix("file: ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")


def table(page: str, head: str) -> list[list[str]]:
    """The rows of the table whose header line begins with ``head``."""
    lines = (ROOT / page).read_text(encoding="utf-8").split("\n")
    start = next(number for number, line in enumerate(lines) if line.startswith(head))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


# ---- specs


@pytest.mark.parametrize("block", specs(wrong=False), ids=str)
def test_a_spec_on_a_page_passes_on_the_reference(block: Block, judge: Judge, tmp_path: Path) -> None:
    """Whole specs load as they stand and the specification in code agrees with them."""
    path = tmp_path / "page.yaml"
    path.write_text(block.text, encoding="utf-8")
    run = judge(path)
    assert {case.status for case in run.cases.values()} == {Status.PASS}, [c.failures for c in run.cases.values()]


@pytest.mark.parametrize("block", specs(wrong=True), ids=str)
def test_a_wrong_spec_on_a_page_is_refused_as_the_page_says(block: Block, tmp_path: Path) -> None:
    """What is wrong on purpose does not load, and the page shows every message."""
    path = tmp_path / "page.yaml"
    path.write_text(block.text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load.load([path])
    page = block.page.read_text(encoding="utf-8")
    for problem in caught.value.problems:
        assert f"{problem.line}:{problem.column}: {problem.text}" in page


def test_the_first_check_says_what_the_page_says(harness: Harness, tmp_path: Path) -> None:
    """The output of `harness check` in the language's first example is the real one."""
    first = next(blocks(ROOT / "docs" / "language.md", "yaml"))
    (tmp_path / "square.yaml").write_text(first.text, encoding="utf-8")
    out = harness("check", "square.yaml").out
    assert f"$ harness check square.yaml\n{out}" in first.page.read_text(encoding="utf-8")


def test_every_word_is_on_a_page_about_its_topic(harness: Harness, tmp_path: Path) -> None:
    """The tables of the pages are those of the dictionary, and every topic of PyTorch's words has a page."""
    shutil.copytree(ROOT / "docs" / "language", tmp_path / "pages")
    result = harness("words", "--write", tmp_path / "pages")
    assert (result.code, result.out) == (0, ""), "run `harness words --write docs/language`"
    shown = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "language").glob("*.md"))
    topics = {word.topic for word in (*NAMES.values(), *ATTRIBUTES.values())}
    assert {topic for topic in topics if f"<!-- words: {topic} -->" not in shown} == set()


# ---- files that are shown in full


def test_the_engine_of_the_walk_through_climbs_and_is_green(harness: Harness, tmp_path: Path) -> None:
    """Pebble, copied from the page, holds the ladder and has no unexpected verdict."""
    page = ROOT / "docs" / "engines.md"
    files(page, tmp_path)
    climbed = harness("doctor", "--engine", "./pebble")
    assert (climbed.code, climbed.err) == (exits.Exit.OK, "")
    assert f"$ harness doctor --engine ./pebble\n{climbed.out}" in page.read_text(encoding="utf-8")
    assert (
        harness("run", "--engine", "./pebble", "--profile", "core", "--report", "none", "--strict").code
        == exits.Exit.OK
    )


def test_the_engine_of_functions_climbs_and_its_fault_is_found(harness: Harness, tmp_path: Path) -> None:
    """Flint, copied from the page, holds the ladder; the suite finds what it does wrong."""
    page = ROOT / "docs" / "functional.md"
    files(page, tmp_path)
    climbed = harness("doctor", "--engine", "./flint")
    assert (climbed.code, climbed.err) == (exits.Exit.OK, "")
    shown = page.read_text(encoding="utf-8")
    assert f"$ harness doctor --engine ./flint\n{climbed.out}" in shown
    run = harness("run", "--engine", "./flint", "--area", "backward", "--area", "vjp", "--report", "none")
    assert run.code == exits.Exit.NONCONFORMING
    assert all(line in shown for line in run.out.splitlines()[:4]), run.out


def test_the_report_of_the_page_renders(judge: Judge, tmp_path: Path) -> None:
    """The report that the page shows can be imported and reads a record."""
    files(ROOT / "docs" / "record.md", tmp_path)
    (path,) = tmp_path.glob("reports/*/__init__.py")
    found = importlib.util.spec_from_file_location("_report_of_the_page", path)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    spec = tmp_path / "spec.yaml"
    spec.write_text("id: mine/one\nclaim: c\nsource: s\nrun: x = tensor(1.)\nexpect: {x: 1.}\n", encoding="utf-8")
    run: Run = judge(spec)
    (text,) = module.render([run]).values()
    assert text.splitlines()[1] == f"{run.label},mine,1,1"


def test_the_record_of_the_page_has_every_kind_of_line(tmp_path: Path) -> None:
    """The short record on the page reads back, once its cuts are filled."""
    (shown,) = blocks(ROOT / "docs" / "record.md", "json")
    path = tmp_path / "page.jsonl"
    path.write_text(shown.text.replace(", ...}", "}"), encoding="utf-8")
    run = read(path)
    assert run.complete
    assert [case.status for case in run.cases.values()] == [Status.FAIL]


# ---- tables


@pytest.mark.parametrize("page", ["docs/gate.md", "README.md"])
def test_the_exit_codes_are_those_of_the_code(page: str) -> None:
    """Number, name and meaning, word for word."""
    rows = [(int(code), name, meaning) for code, name, meaning in table(page, "| code | name | meaning |")]
    assert rows == [(int(code), code.name, meaning) for code, meaning in exits.MEANING.items()]


def test_the_order_of_the_exit_codes_is_that_of_the_code() -> None:
    """Which condition decides when several hold."""
    order = ", ".join(str(int(code)) for code in exits.Exit if code is not exits.Exit.OK)
    assert f"the first in this order decides: {order}." in (ROOT / "docs/gate.md").read_text(encoding="utf-8")


def test_the_verdicts_are_those_of_the_code() -> None:
    """Every verdict with its meaning, word for word."""
    rows = [tuple(row) for row in table("docs/gate.md", "| verdict | meaning |")]
    assert rows == [(status.value, meaning) for status, meaning in STATUS_MEANING.items()]


def test_the_operators_and_verdicts_of_mutants_are_those_of_the_code() -> None:
    """What is done to a rule, and what may become of it, word for word."""
    rows = {name.strip("`"): does for name, does in table("docs/mutation.md", "| operator | what it does |")}
    assert rows == {operator.name: operator.does for operator in OPERATORS}
    verdicts = [tuple(row) for row in table("docs/mutation.md", "| verdict | meaning |")]
    assert verdicts == [(verdict.value, meaning) for verdict, meaning in MEANING.items()]


def test_the_tolerances_are_those_of_the_code() -> None:
    """Every dtype with both numbers."""
    rows = {dtype: (float(rtol), float(atol)) for dtype, rtol, atol in table("docs/language.md", "| dtype | rtol |")}
    assert rows == {dtype: tuple(tolerances) for dtype, tolerances in expected.BY_DTYPE.items()}


def test_the_bounds_are_those_of_the_code() -> None:
    """Every bound that the page names, in its order."""
    rows = [int(number.replace(",", "")) for _, number in table("docs/language.md", "| of | at most |")]
    assert rows == [
        documents.MAX_BYTES,
        documents.MAX_NODES,
        documents.MAX_DEPTH,
        program.MAX_SOURCE,
        program.MAX_TREE,
        program.MAX_TREE_DEPTH,
        program.MAX_TEXT,
        guards.MAX_TURNS,
        guards.FUEL,
        guards.PER_UNIT,
        guards.MAX_CALLS,
        guards.MAX_ORDERS,
        guards.MAX_BITS,
        guards.MAX_ELEMENTS,
    ]


# ---- commands and links


def spoken(page: Path) -> Iterator[tuple[int, list[str]]]:
    """Every ``harness ...`` in code, as words, with its line."""
    fenced = False
    for number, line in enumerate(page.read_text(encoding="utf-8").split("\n"), 1):
        if line.startswith("```"):
            fenced = not fenced
            continue
        for code in [line] if fenced else re.findall(r"`([^`]+)`", line):
            for match in re.finditer(
                r"(?<![\w./-])harness (?=[a-z-])([^|;#&<>`\"]*(?:\"[^\"]*\"[^|;#&<>`\"]*)*)", code
            ):
                yield number, _words(match[1])


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # an apostrophe in a sentence
        return text.split()


def _options(command: click.Command) -> set[str]:
    return {"-h", "--help"} | {name for p in command.params for name in (*p.opts, *p.secondary_opts)}


def wrong_commands(page: Path) -> Iterator[str]:
    context = click.Context(cli.cli)
    for number, words in spoken(page):
        name = words[0].rstrip(".,:")
        if name.startswith("--"):
            continue
        command = cli.cli.get_command(context, name)
        if command is None:
            yield f"{page.name}:{number}: no command {name!r}"
            continue
        for word in words[1:]:
            option = word.partition("=")[0].rstrip(".,:)")
            if option.startswith("-") and option not in _options(command):
                yield f"{page.name}:{number}: harness {name} has no option {option}"


_AN_OPTION = re.compile(r"--[a-z][a-z-]*(?= |$)")
_A_PATH = re.compile(r"(?:harness|engines|reports|specs|tests)/[a-z_/.-]+\.(?:py|yaml)")


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_options_and_files_that_are_named_alone_exist(page: Path) -> None:
    """`--strict` in a sentence is an option of some command; `harness/exits.py` is there."""
    context = click.Context(cli.cli)
    commands = [cli.cli.get_command(context, name) for name in cli.COMMANDS]
    known = {"--help", "--version"} | {o for command in commands if command is not None for o in _options(command)}
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    shown = {block.mark.removeprefix("file: ") for block in blocks(page)}
    for code in re.findall(r"`([^`\n]+)`", text):
        if _AN_OPTION.match(code):
            assert code.split()[0] in known
        if _A_PATH.fullmatch(code) and code not in shown:
            assert (ROOT / code).is_file()


def test_the_modules_of_the_design_exist() -> None:
    """The page that says which module holds which idea names real modules."""
    named = set(re.findall(r"[\w/]+\.(?:py|yaml)\b", (ROOT / "docs/design.md").read_text(encoding="utf-8")))
    missing = {name for name in named if not any((base / name).is_file() for base in (ROOT, ROOT / "harness"))}
    assert missing <= {"_area.yaml", "engine.yaml"}


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path) -> None:
    """No page tells anybody to type what does not exist."""
    assert list(wrong_commands(page)) == []


def test_the_pages_do_speak_of_commands() -> None:
    """The search above finds something: nearly every command is on some page."""
    named = {words[0] for page in PAGES for _, words in spoken(page)}
    assert named >= set(cli.COMMANDS)


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    heads: Sequence[str] = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_relative_links_resolve(page: Path) -> None:
    """Files exist, and headings that links point at too."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file) if file else page
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            broken.append(target)
    assert broken == []


def test_the_sample_of_the_readme_is_the_spec() -> None:
    """What the README shows as a spec is the file of that name, and the line that its failure names is the right one."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    spec = (ROOT / "specs/grad/accumulates-over-graphs.yaml").read_text(encoding="utf-8")
    assert f"```yaml\n{spec.partition(chr(10))[2]}```" in text
    (line,) = re.findall(r"accumulates-over-graphs\.yaml:(\d+)", text)
    assert "x.grad: [4., 8., 12.]" in spec.splitlines()[int(line) - 1]
