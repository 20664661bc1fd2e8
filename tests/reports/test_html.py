"""report.html (`reports/html`)."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from harness.language.records import Origin
from harness.record import GraphLine, Run, StepLine, Writer, read

RULE = {"x": "where(x > 3, 0, 1 - tanh(x)**2)"}
VOID = {"meta", "link", "input", "br", "img", "path", "rect"}


class Page(HTMLParser):
    """Checks the nesting of elements and collects what tests ask for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[int] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.words.append(data.strip())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_hostile_text_stays_text(build: ModuleType, hostile: Run) -> None:
    """Promise: nothing from a record becomes markup, script, a handler or a link other than http(s)."""
    text = build.rendered("html", hostile)
    page = Page(text)
    assert len(page.of("script")) == 1
    assert not page.of("img")
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), tag
        assert re.match(r"#|https://\S+$|data:,$", attributes.get("href") or "#")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\ufffe]", text)
    assert "{{ 7*7 }}" in text


def test_only_the_page_s_own_script_may_run(build: ModuleType, everything: Run) -> None:
    """Promise: the page forbids the network, and any script but its own, in its content policy."""
    page = Page(build.rendered("html", everything))
    (policy,) = [a["content"] for a in page.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy


def test_the_matrix_counts_passed_of_all(build: ModuleType, everything: Run) -> None:
    """Promise: a cell per area and engine with passed / all, a sign beside the colour, what is outside in words."""
    text = build.rendered("html", everything, build.everything(failing=False))
    matrix = text[text.index('<table class="matrix"') : text.index("</table>")]
    assert re.findall(r"<b>(\d+/\d+)</b>", matrix) == [
        *("2/2", "2/2"),
        *("1/3", "3/3"),
        *("1/2", "1/2"),
        *("0/13", "1/13"),
        *("4/20", "7/20"),
    ]
    assert matrix.count('aria-hidden="true">✓<') == 3
    assert "1 unexpected, 12 unsupported" in matrix
    assert 'href="#area-backward"' in matrix
    assert matrix.count('scope="row"') == 5


def test_differing_entries_are_marked_side_by_side(build: ModuleType, everything: Run) -> None:
    """Promise: expected and observed stand side by side, and exactly the differing entries carry a mark."""
    text = build.rendered("html", everything)
    start = text.index('<div class="sides">')
    sides = text[start : text.index("</div>", start)]
    expected, observed = sides.split("Observed")
    assert re.findall("<mark>(.*?)</mark>", expected) == ["3.0", "-40.5"]
    assert re.findall("<mark>(.*?)</mark>", observed) == ["3.5", "40.5"]
    assert "at [1, 0], [1, 1]" in text
    assert "$ " not in sides


def test_a_failure_says_all_there_is_to_know(build: ModuleType, everything: Run) -> None:
    """Promise: statement, line, difference, the engine's message and the command that reproduces just that one."""
    said = set(Page(build.rendered("html", everything)).words)
    assert "harness explain 'backward/gradient-weights[2]' --engine torch" in said
    assert "step 3, line 19" in said
    assert "81.0" in said
    assert "values differ in 2 of 4 entries" in said
    assert "Here something unexpected was seen." in said
    assert "the process died with signal 11" in said


def test_unexpected_comes_before_the_behaviours(build: ModuleType, everything: Run) -> None:
    """Promise: what is unexpected comes first, stale deviations with it; its behaviours are open, the others closed."""
    text = build.rendered("html", everything)
    assert text.index('id="unexpected"') < text.index('id="stale"') < text.index('id="behaviours"')
    opened = re.findall(r'<article class="spec" id="spec-([^"]*)"[^>]*>\n<details open>', text)
    assert opened == ["backward/gradient-weights", "backward/second-backward", "ops/solve"]


def test_cases_outside_for_one_reason_are_one_finding(build: ModuleType, everything: Run) -> None:
    """Promise: twelve unsupported cases say their reason once."""
    said = "".join(Page(build.rendered("html", everything)).words)
    assert said.count("lacks op:cumsum") == 1
    assert "12 cases: 1, 2, 3" in said


def test_many_findings_of_one_behaviour_are_capped(build: ModuleType) -> None:
    """Promise: a behaviour that fails in every case does not flood the page, and says what it leaves out."""
    cases = [build.case(f"a/b[{n}]", "fail", "unexpected", failures=[build.check()]) for n in range(1, 51)]
    text = build.rendered("html", build.run([build.spec("a/b", cases=[{}] * 50)], cases))
    assert text.count('<section class="finding') == 12
    assert "… and 38 more; the table of cases below has the verdicts." in text


def test_incomplete_runs_are_loud(build: ModuleType, everything: Run, cut: Run) -> None:
    """Promise: a cut record says so at the top and in the matrix, and what it lacks has no verdict."""
    text = build.rendered("html", everything, cut)
    assert '<li class="engine incomplete">' in text
    assert '<span class="loud">incomplete</span>' in text
    assert "Incomplete: no verdict for 17 of 20 selected cases." in text
    assert "no verdict</td>" in text


def test_specs_of_one_run_only(build: ModuleType) -> None:
    """Promise: runs over different specs share a page; what a run did not select is said, not counted."""
    one = build.run([build.spec("a/one")], [build.case("a/one")])
    two = build.run([build.spec("b/two")], [build.case("b/two")], version="2.14.0", suite="other")
    text = build.rendered("html", one, two)
    assert text.count("not selected</span>") == 2
    assert "2 different texts of the suite" in text


def test_another_text_under_the_same_id_is_said(build: ModuleType) -> None:
    """Promise: verdicts over different wordings are not silently put side by side."""
    one = build.run([build.spec("a/one")], [build.case("a/one")])
    two = build.run([build.spec("a/one", claim="Another.")], [build.case("a/one")], version="2.14.0")
    assert "torch 2.14.0 judged another text under this id" in build.rendered("html", one, two)


def test_a_verdict_without_its_spec_line_is_kept(build: ModuleType) -> None:
    """Promise: a damaged record shows what it has."""
    assert "This record holds no text of this behaviour" in build.rendered("html", build.run([], [build.case("a/b")]))


def test_nothing_at_all(build: ModuleType) -> None:
    """Promise: no run, and a run of no case, are pages too, and not green ones."""
    assert "hold no behaviour" in build.rendered("html")
    text = build.rendered("html", build.run())
    assert "No case was selected, so nothing was judged." in text
    assert '<li class="engine empty">' in text


def test_the_structure_serves_screen_readers(build: ModuleType, everything: Run, cut: Run) -> None:
    """Promise: landmarks, heading levels without gaps, unique ids, labels that exist, a live count, a skip link."""
    page = Page(build.rendered("html", everything, cut))
    assert [len(page.of(tag)) for tag in ("header", "main", "footer", "h1")] == [1, 1, 1, 1]
    levels = page.headings
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    references = {name for _, a in page.tags for name in (a.get("aria-labelledby") or "").split()}
    links = {(a.get("href") or "#")[1:] for a in page.of("a") if (a.get("href") or "").startswith("#")}
    assert references | links <= set(ids)
    assert [a.get("aria-live") for a in page.of("output")] == ["polite"]
    assert page.of("a")[0] == {"class": "skip", "href": "#behaviours"}


def test_without_scripts_the_filters_are_hidden(build: ModuleType, everything: Run) -> None:
    """Promise: readable with scripts off: no control that does nothing, and nothing else that waits for a script."""
    page = Page(build.rendered("html", everything))
    assert "hidden" in page.of("form")[0]
    assert not any("hidden" in a for a in page.of("article"))


def test_the_graph_is_drawn_and_told(build: ModuleType, everything: Run) -> None:
    """Promise: a drawing with title and description, nodes by role, and the same in words; one per different graph."""
    text = build.rendered("html", everything)
    assert text.count("<svg") == 2  # one for leaf/is-leaf, one for both cases of backward/gradient-weights
    svg = text[text.index("<svg") : text.index("</svg>")]
    assert re.findall('class="node (leaf|op|root)"', svg).count("leaf") == 2
    assert svg.count('class="edge"') == 9
    assert "<title" in svg
    assert "<desc" in svg
    assert "<li>mul (z), root, made of pow and mul</li>" in text


def test_a_huge_graph_is_listed_not_drawn(build: ModuleType) -> None:
    """Promise: a graph of many nodes costs the page little."""
    size = 5000
    graph = GraphLine(nodes=[("add", "op", [])] * size, edges=[(i, i + 1) for i in range(size - 1)])
    text = build.rendered("html", build.run([build.spec("a/b")], [build.case("a/b", graph=graph)]))
    assert "<svg" not in text
    assert "4800 more nodes" in text


def test_thousands_of_behaviours_stay_small(build: ModuleType) -> None:
    """Promise: about a kilobyte or two of markup per behaviour, so that thousands of them are a page."""
    many = [f"a/{n}" for n in range(1000)]
    run = build.run([build.spec(id) for id in many], [build.case(id) for id in many])
    assert len(build.rendered("html", run)) < 2000 * len(many)


@pytest.mark.parametrize("name", ["html", "junit", "markdown", "github", "badge"])
def test_the_same_record_gives_the_same_report(build: ModuleType, everything: Run, tmp_path: Path, name: str) -> None:
    """Promise: a report is a pure function of what the record holds, also after the record was on disk."""
    path = tmp_path / "torch.jsonl"
    writer = Writer(path)
    assert everything.footer
    writer.write(everything.header, *everything.specs.values(), *everything.cases.values(), everything.footer)
    writer.close()
    assert build.load(name).render([read(path)]) == build.load(name).render([everything])


def test_rows_of_tables_are_a_handbook(build: ModuleType) -> None:
    """Promise: an operation is one line of a page of its own, with its formula and a sign per aspect; one that fails shows
    program, inputs, formula, place and how to see it again. The main page names it and leads there."""
    specs = [
        build.spec(
            f"ops/tanh/{aspect}",
            file="specs/ops/unary.yaml",
            row=Origin(
                table="Unary", name="tanh", aspect=aspect, run="tanh(x)", value={"out": "tanh(x)"}, derivative=RULE
            ),
            steps=[StepLine(run="x = tensor(x_in)\ny = tanh(x)", line=4, expect={"x.grad": "x_grad"})],
        )
        for aspect in ("gradient", "second")
    ]
    inputs = {"x_in": [0.25], "x_grad": [9.0]}
    failing = build.case("ops/tanh/second", "fail", "unexpected", failures=[build.check()], parameters=inputs)
    run = build.run(specs, [build.case("ops/tanh/gradient"), failing])
    pages = build.load("html").render([run])
    handbook, report = Page(pages["derivatives.html"]), pages["report.html"]
    article = next(a for a in handbook.of("article") if a["id"] == "row-ops/tanh")
    assert "0/fail/unexpected" in (article["data-verdicts"] or "")
    words = " ".join(handbook.words)
    for part in (
        "where",
        "x_in",
        "[0.25]",
        "harness explain ops/tanh/second",
        "specs/ops/unary.yaml",
        "relative error",
    ):
        assert part in words, part
    assert "x_grad [9.0]" not in words
    assert 'href="derivatives.html#row-ops/tanh"' in report
    assert 'id="spec-ops/tanh' not in report
