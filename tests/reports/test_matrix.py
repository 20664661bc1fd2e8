"""`harness matrix`: several engines side by side, as counts, votes, silently wrong numbers and versions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from harness import matrix
from harness.exits import Exit
from harness.record import Run, Writer
from tests.conftest import Harness, Result

from .test_html import Page

Put = Callable[..., None]
Compare = Callable[..., tuple[Result, dict[str, Any], str]]


@pytest.fixture
def put(build: ModuleType, harness: Harness) -> Put:
    """Write the record of an engine: put("jax", {"leaf/one": "fail"}); cases that fail do so with 2 where 1 is due."""

    def write(name: str, verdicts: dict[str, str], folder: str = "runs", run: Run | None = None, **about: Any) -> None:
        engine = {"name": name, "title": name.title(), "version": "1.0", "style": "tape"} | about
        standing = engine.pop("standing", "expected")
        cause = engine.pop("cause", "bug")
        changes = {key: engine.pop(key) for key in ("complete", "selected", "suite", "areas") if key in engine}
        steps = engine.pop("steps", None)
        profiles = engine.pop("profiles", [])
        specs = [
            build.spec(id.partition("[")[0], **({"steps": steps} if steps else {}), profiles=profiles)
            for id in verdicts
        ]
        wrong = build.check(expression="x.grad", expected=1.0, observed=2.0)
        cases = [
            build.case(id, status)
            if status in ("pass", "unsupported", "not-applicable")
            else build.case(id, status, standing, failures=[wrong], cause="" if standing == "unexpected" else cause)
            for id, status in verdicts.items()
        ]
        made = run or build.run(specs, cases, **changes, **engine)
        header = msgspec.structs.replace(made.header, profiles=profiles)
        version = "-".join(re.findall(r"\w+", made.header.engine.version)[:3])
        writer = Writer(Path(folder) / f"{name}-{version}.jsonl")
        writer.write(header, *made.specs.values(), *made.cases.values(), *([made.footer] if made.footer else []))
        writer.close()

    return write


@pytest.fixture
def compared(harness: Harness) -> Compare:
    """What the command says, the comparison as data, and the page."""

    def call(*runs: str) -> tuple[Result, dict[str, Any], str]:
        result = harness("matrix", *(runs or ("runs",)), "-o", "out", "--json", "out/matrix.json")
        data = json.loads(Path("out/matrix.json").read_text(encoding="utf-8"))
        Draft202012Validator(matrix.schema()).validate(data)
        text = Path("out/matrix.html").read_text(encoding="utf-8")
        Page(text)
        return result, data, text

    return call


def test_a_lonely_failure_points_at_the_engine(put: Put, compared: Compare) -> None:
    """Two engines pass, one fails: it is told with what was expected and observed, and counted for that engine."""
    for name, verdict in {"one": "pass", "two": "fail", "three": "pass"}.items():
        put(name, {"leaf/a": verdict, "leaf/b": "pass"})
    result, data, page = compared()
    (vote,) = data["votes"]
    assert (vote["case"], vote["lonely"]["engine"]) == ("leaf/a", "two 1.0")
    assert (vote["lonely"]["expected"], vote["lonely"]["observed"]) == ("x.grad 1.0", "2.0")
    assert [other["engine"] for other in vote["others"]] == ["one 1.0", "three 1.0"]
    assert (data["heard"], data["agreed"]) == (2, 1)
    assert (
        "2 cases with three or more independent engines: all pass 1, one alone fails 1, one alone passes 0"
        in result.out
    )
    assert "expected <code>x.grad 1.0</code>, observed <code>2.0</code>" in page
    assert result.code == Exit.OK


def test_a_lonely_pass_points_at_the_spec(put: Put, compared: Compare) -> None:
    """One engine passes and two fail, however differently: the one that passes is named, and what the others saw."""
    for name, verdict in {"one": "pass", "two": "fail", "three": "crash"}.items():
        put(name, {"leaf/a": verdict}, cause="design")
    _, data, page = compared()
    (vote,) = data["votes"]
    assert "documents" not in vote
    assert vote["lonely"] == {"engine": "one 1.0", "status": "pass"}
    assert [(other["engine"], other["status"]) for other in vote["others"]] == [
        ("three 1.0", "crash"),
        ("two 1.0", "fail"),
    ]
    assert "Two 1.0 <code>" not in page and "two 1.0 <code>2.0</code>" in page


def test_a_failure_against_followers_of_pytorch_alone_is_marked(put: Put, compared: Compare) -> None:
    """Two that keep PyTorch's documents are no proof against an engine that never promised to."""
    put("torch", {"leaf/a": "pass", "leaf/b": "pass"}, follows="pytorch", releases="pytorch")
    put("reference", {"leaf/a": "pass", "leaf/b": "pass"}, follows="pytorch")
    put("jax", {"leaf/a": "fail", "leaf/b": "fail"})
    put("mlx", {"leaf/a": "unsupported", "leaf/b": "pass"})
    _, data, page = compared()
    assert [(vote["case"], vote.get("documents", False)) for vote in data["votes"]] == [
        ("leaf/a", True),
        ("leaf/b", False),
    ]
    assert "passed by reference 1.0 (after PyTorch&#39;s documents), torch 1.0</p>" in page


@pytest.mark.parametrize("verdict", ["unsupported", "not-applicable", "flaky"])
def test_who_was_not_judged_has_no_vote(put: Put, compared: Compare, verdict: str) -> None:
    """Two voices are none too few to blame anybody by."""
    for name, said in {"one": "pass", "two": "fail", "three": verdict}.items():
        put(name, {"leaf/a": said})
    _, data, _ = compared()
    assert (data["heard"], data["votes"]) == (0, [])


def test_a_family_has_one_vote_and_its_newest_version_speaks(put: Put, compared: Compare) -> None:
    """Two versions of an engine and a relative of it are one witness: with one other engine there is no quorum, with two
    there is, and 1.10 speaks for 1.9."""
    put("torch", {"leaf/a": "fail"}, version="1.9", follows="pytorch")
    put("torch", {"leaf/a": "pass"}, version="1.10", follows="pytorch")
    put("torch-func", {"leaf/a": "fail", "leaf/only": "fail"}, family="torch", follows="pytorch")
    put("one", {"leaf/a": "pass", "leaf/only": "pass"})
    result, data, _ = compared()
    assert data["votes"] == []
    assert "no votes: 2 independent engines, and a vote takes three" in result.out
    put("two", {"leaf/a": "pass", "leaf/only": "pass"})
    _, data, _ = compared()
    assert data["agreed"] == 1, "version 1.10 of torch passes"
    assert [(vote["case"], vote["lonely"]["engine"]) for vote in data["votes"]] == [("leaf/only", "torch-func 1.0")]
    assert {w["family"]: w["speaks"] for w in data["witnesses"]}["torch"] == ["torch 1.10", "torch-func 1.0"]


def test_other_texts_of_a_spec_are_other_questions(put: Put, compared: Compare, build: ModuleType) -> None:
    """A run of an older suite, which asked something else under the same id, neither blames nor is blamed."""
    for name in ("one", "two"):
        put(name, {"leaf/a": "pass"})
    put("three", {"leaf/a": "fail"}, suite="other", steps=[build.StepLine(run="y = 1", line=1)])
    _, data, page = compared()
    assert (data["heard"], data["votes"]) == (0, [])
    assert "Different selections." in page
    put("three", {"leaf/a": "fail"}, suite="other")
    _, data, _ = compared()
    assert [vote["lonely"]["engine"] for vote in data["votes"]] == ["three 1.0"]


def test_what_only_followers_of_pytorch_confirm_is_listed(put: Put, compared: Compare) -> None:
    """Specs that others were judged by and did not pass, and specs by which nobody else was judged; one pass elsewhere
    is confirmation."""
    ids = ("hooks/none-passes", "hooks/nobody-else", "leaf/confirmed", "leaf/nobody-passes")
    put("torch", dict(zip(ids, ("pass", "pass", "pass", "fail"), strict=True)), follows="pytorch")
    put("reference", dict(zip(ids, ("pass", "fail", "pass", "fail"), strict=True)), follows="pytorch")
    _, data, page = compared()
    assert data["alone"] == [] and "so nobody else can confirm anything" in page
    put("jax", dict(zip(ids, ("fail", "unsupported", "pass", "fail"), strict=True)))
    result, data, page = compared()
    assert data["alone"] == [
        {"spec": "hooks/none-passes", "passing": ["reference 1.0", "torch 1.0"], "failing": ["jax 1.0"]},
        {"spec": "hooks/nobody-else", "passing": ["torch 1.0"], "failing": []},
    ]
    assert "2 specs only engines that follow PyTorch's documents pass" in result.out
    assert "reference 1.0 (after PyTorch&#39;s documents)" in page


def test_silently_wrong_numbers_have_a_list_of_their_own(put: Put, compared: Compare) -> None:
    """Beside their place in the counts."""
    put("one", {"leaf/a": "silent-wrong", "leaf/b": "pass"}, cause="design")
    _, data, page = compared()
    (line,) = data["silent"]
    assert (line["case"], line["finding"]["engine"], line["finding"]["observed"]) == ("leaf/a", "one 1.0", "2.0")
    assert data["columns"][0]["areas"]["leaf"] == {"all": 2, "passed": 1, "design": 1, "silent_wrong": 1}
    assert 'class="figure silent' in page and 'title="1 silently wrong"' in page


def test_versions_say_what_changed(put: Put, compared: Compare) -> None:
    """From each version to the next, by version and not by name; cases that came and went too."""
    put("torch", {"leaf/a": "pass", "leaf/b": "fail", "leaf/old": "pass"}, version="2.9.0")
    put("torch", {"leaf/a": "fail", "leaf/b": "pass", "leaf/new": "pass"}, version="2.13.0+cpu")
    put("other", {"leaf/a": "pass"})
    result, data, page = compared()
    (step,) = data["versions"]
    assert (step["before"], step["after"]) == ("torch 2.9.0", "torch 2.13.0+cpu")
    assert [(c["case"], c["movement"]) for c in step["changes"]] == [
        ("leaf/a", "worse"), ("leaf/b", "better"), ("leaf/old", "removed"), ("leaf/new", "added"),
    ]  # fmt: skip
    assert [column["label"] for column in data["columns"]] == ["other 1.0", "torch 2.9.0", "torch 2.13.0+cpu"]
    assert "torch 2.9.0 -> torch 2.13.0+cpu: 1 worse, 1 better, 0 changed, 1 removed, 1 added" in result.out
    assert "pass → fail" in page


def test_known_deviations_are_counted_by_cause_and_levels_by_profile(put: Put, compared: Compare) -> None:
    """A profile is reached where all of its cases pass: what is known is not excused."""
    put("bug", {"leaf/a": "fail", "leaf/b": "pass"}, cause="bug", profiles=["core"])
    put("precise", {"leaf/a": "fail", "leaf/b": "unsupported"}, cause="precision", profiles=["core"])
    put("whole", {"leaf/a": "pass", "leaf/b": "pass"}, profiles=["core"])
    put("loose", {"leaf/a": "fail", "leaf/b": "pass"}, cause="")
    result, data, _ = compared()
    bug, loose, precise, whole = data["columns"]
    assert bug["total"] == {"all": 2, "passed": 1, "bug": 1}
    assert loose["total"] == {"all": 2, "passed": 1, "other": 1}
    assert precise["total"] == {"all": 2, "precision": 1, "unsupported": 1}
    assert [reach["passed"] for reach in bug["reach"] + precise["reach"] + whole["reach"]] == [1, 0, 2]
    (line,) = (line for line in result.out.splitlines() if "core" in line)
    assert line.startswith("whole 1.0")


def test_the_exit_code_says_unexpected_incomplete_or_nothing_judged(put: Put, compared: Compare) -> None:
    """Incomplete comes first, and is said on the page and on the terminal."""
    put("one", {"leaf/a": "unsupported"}, folder="empty")
    assert compared("empty")[0].code == Exit.EMPTY
    put("one", {"leaf/a": "fail"}, standing="unexpected")
    assert compared()[0].code == Exit.NONCONFORMING
    put("two", {"leaf/a": "pass"}, complete=False, selected=5)
    result, data, page = compared()
    assert result.code == Exit.INCOMPLETE
    assert "is incomplete: 1 of 5 cases" in result.err
    assert "two 1.0 is incomplete." in page and data["columns"][1]["total"] == {"all": 5, "passed": 1, "missing": 4}


def test_what_cannot_be_compared_is_refused(put: Put, harness: Harness, build: ModuleType) -> None:
    """No record at all, a record of a later format, one shard of several."""
    Path("none").mkdir()
    result = harness("matrix", "none")
    assert (result.code, "holds no run record" in result.err) == (Exit.USAGE, True)
    put("one", {"leaf/a": "pass"})
    (path,) = Path("runs").glob("*.jsonl")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"format":"1.', '"format":"2.', 1), encoding="utf-8")
    result = harness("matrix", "runs")
    assert (result.code, "format 2." in result.err) == (Exit.USAGE, True)
    path.write_text(text.replace('"cases":1', '"cases":1,"shard":"1/2"', 1), encoding="utf-8")
    result = harness("matrix", "runs")
    assert (result.code, "is shard 1/2" in result.err) == (Exit.USAGE, True)


def test_folders_of_folders_are_found_and_links_lead_to_pages_that_exist(
    put: Put, harness: Harness, compared: Compare, build: ModuleType
) -> None:
    """As tox leaves them: one folder for each engine, some with a report. A spec that the report lacks gets no link."""
    for name in ("one", "two"):
        put(name, {"leaf/a": "silent-wrong", "leaf/b": "silent-wrong"}, folder=f"all/{name} #1")
    report = Path("all/one #1/report.html")
    report.write_text('<article id="spec-leaf/a">', encoding="utf-8")
    _, data, page = compared("all")
    assert [column["name"] for column in data["columns"]] == ["one", "two"]
    links = {attributes["href"] for attributes in Page(page).of("a") if ".html" in str(attributes["href"])}
    assert links == {"../all/one%20%231/report.html", "../all/one%20%231/report.html#spec-leaf/a"}


def test_hostile_text_stays_text(
    put: Put, harness: Harness, compared: Compare, hostile: Run, build: ModuleType
) -> None:
    """Nothing from a record becomes markup, steers the terminal or ends a table's cell."""
    Path("runs").mkdir()
    put("x", {}, run=hostile)
    put("plain", {"leaf/a": "pass"})
    put("other", {"leaf/a": "pass"}, style=build.HOSTILE, family=build.HOSTILE, follows="pytorch")
    result, _, page = compared()
    found = Page(page)
    assert not found.of("script") and not found.of("img")
    assert not [a for a in found.of("a") if not str(a["href"]).startswith("#")]
    assert "\x1b" not in result.out + page and "\u202e" not in result.out + page and "alert(1)" in page
    harness("matrix", "runs", "-o", "out", "--markdown", "out/table.md")
    table = [line for line in Path("out/table.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    bars = {line.replace("\\|", "").count("|") for line in table}
    assert len(table) == 5 and len(bars) == 1
    assert not any(re.search(r"(?<!\\)(<img|\]\(javascript)", line) for line in table)


def test_the_table_for_documents_names_no_machine(put: Put, harness: Harness) -> None:
    """Engine, version, style, platform, date and counts; of the platform, system and processor."""
    put("one", {"leaf/a": "fail", "leaf/b": "pass", "leaf/c": "unsupported"}, cause="precision")
    assert harness("matrix", "runs", "-o", "out", "--markdown", "table.md").code == Exit.OK
    text = Path("table.md").read_text(encoding="utf-8")
    assert text.startswith("Runs of 2026-11-21.\n\n| Engine | Version |")
    row = "| One | 1\\.0 | tape | Linux x86\\_64 | 2026-11-21 | 1/3 | 0 | 0 | 1 | 1 | 0 | 0 | not asked whole |"
    assert text.splitlines()[-1] == row


def test_the_page_needs_no_script_and_hides_columns_by_style_alone(put: Put, compared: Compare) -> None:
    """Every engine and every style has a box that a rule of the style sheet listens to."""
    put("one", {"leaf/a": "pass"}, style="functional")
    put("two", {"leaf/a": "pass"})
    _, _, page = compared()
    found = Page(page)
    assert [box["id"] for box in found.of("input")] == ["show-s0", "show-s1", "show-e0", "show-e1"]
    for box in found.of("input"):
        mark = str(box["id"]).removeprefix("show-")
        assert f"body:has(#{box['id']}:not(:checked)) .{mark}" in page
        assert any(mark in str(cell.get("class")).split() for cell in found.of("td"))
