"""What specs cite: documents and clauses, checked when the suite loads, counted by `harness coverage` and on pages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.exits import Exit
from harness.language import load, sources
from harness.problems import InputError
from tests.conftest import Harness, SpecFile

DOCUMENTS = """\
- document: torch.autograd.grad
  link: https://example.org/grad
  clauses:
    inputs: Returned, not accumulated.
    grad-outputs: One weight per output.
- document: notes/autograd
  title: Autograd mechanics
"""
SPEC = "id: leaf/one\nclaim: c\nsource: [%s]\nrun: x = tensor(1.)\nexpect: {x: 1.}\n"


@pytest.fixture
def cite(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Load a suite of one spec that cites ``text``; the mistakes that this makes."""
    folder = tmp_path / "specs"
    (folder / "leaf").mkdir(parents=True)
    (folder / "_documents.yaml").write_text(DOCUMENTS, encoding="utf-8")

    def loaded(text: str, outside: bool = False) -> str:
        path = (tmp_path if outside else folder / "leaf") / "one.yaml"
        path.write_text(SPEC % text, encoding="utf-8")
        sources.read.cache_clear()
        try:
            load.load([path], folder)
        except InputError as error:
            return str(error)
        return ""

    return loaded


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("torch.autograd.grad", ""),
        ("'torch.autograd.grad#inputs'", ""),
        ("'torch.autograd.grad#inputs (returned and not accumulated)', notes/autograd", ""),
        (
            "torch.autograd.gard",
            "one.yaml:3:10: unknown document 'torch.autograd.gard'; did you mean 'torch.autograd.grad'?",
        ),
        ("'torch.autograd.grad#input'", "has no clause 'input'; did you mean 'inputs'?"),
        ("'notes/autograd#inputs'", "document 'notes/autograd' has no clause 'inputs'; it has none"),
        ("see the notes", "'see the notes' is no source"),
    ],
)
def test_the_suite_cites_what_is_known(cite, text: str, said: str) -> None:  # type: ignore[no-untyped-def]
    """A mistake has its place and the nearest known document or clause; a file from outside may cite anything."""
    told = cite(text)
    assert (said in told) if said else told == ""
    assert cite(text, outside=True) == ""


def test_a_document_that_is_taken_off_is_missed_at_once(cite, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """What was checked before is checked anew when the documents change."""
    assert cite("notes/autograd") == ""
    cut = DOCUMENTS[: DOCUMENTS.index("- document: notes")]
    (tmp_path / "specs" / "_documents.yaml").write_text(cut, encoding="utf-8")
    sources.digest.cache_clear()
    assert "unknown document 'notes/autograd'" in cite("notes/autograd")
    sources.digest.cache_clear()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- document: a\n- document: a\n", "2:13: document 'a' is there twice"),
        ("- document: a b\n", "'a b' cannot be cited"),
        ("- document: a\n  clauses: {Not So: x}\n", "clause 'Not So' is not lower-case words joined by hyphens"),
        ("- {title: a}\n", "'document' is missing"),
    ],
)
def test_mistakes_in_the_documents_are_told(tmp_path: Path, text: str, said: str) -> None:
    """Each with its place."""
    (tmp_path / "_documents.yaml").write_text(text, encoding="utf-8")
    sources.read.cache_clear()
    with pytest.raises(InputError) as caught:
        sources.read(tmp_path)
    assert said in str(caught.value)


def test_coverage_lists_clauses_with_their_specs(harness: Harness) -> None:
    """Every source of every spec is found again, and the last line counts what is listed."""
    result = harness("coverage", "--json")
    assert result.code == Exit.OK
    documents = json.loads(result.out)
    cited = {
        document["document"] + (f"#{clause['clause']}" if clause else ""): clause["specs"]
        if clause
        else document["specs"]
        for document in documents
        for clause in [None, *document["clauses"]]
    }
    for row in json.loads(harness("list", "--profile", "pytorch", "--json").out):
        for source in row["source"]:
            assert row["id"] in cited[source.partition(" (")[0]]
    clauses = [clause for document in documents for clause in document["clauses"]]
    covered = sum(bool(clause["specs"]) for clause in clauses)
    assert covered > 0
    assert f"{covered} of {len(clauses)} clauses are covered" in harness("coverage").out.splitlines()[-1]


def test_what_is_uncovered_can_be_listed_alone(harness: Harness) -> None:
    """Nothing in it has a spec; together with the rest it is all."""
    everything, left = (json.loads(harness("coverage", "--json", *flag).out) for flag in ((), ("--uncovered",)))
    assert not any(clause["specs"] for document in left for clause in document["clauses"])
    missing = [(d["document"], c["clause"]) for d in everything for c in d["clauses"] if not c["specs"]]
    cited = {d["document"] for d in everything if d["specs"] or any(c["specs"] for c in d["clauses"])}
    assert not any(d["document"] in cited and not d["clauses"] for d in left)
    assert missing == [(d["document"], c["clause"]) for d in left for c in d["clauses"]]
    assert "✓ #" not in harness("coverage", "--uncovered").out


def test_a_selection_counts_only_what_it_cites(harness: Harness) -> None:
    """One spec covers what it cites and nothing else."""
    found = json.loads(harness("coverage", "--json", "detach/cuts-gradient").out)
    specs = {id for d in found for ids in (d["specs"], *(c["specs"] for c in d["clauses"])) for id in ids}
    assert specs == {"detach/cuts-gradient"}


def test_a_run_of_a_profile_has_a_page_of_its_coverage(harness: Harness, tmp_path: Path) -> None:
    """Clauses with the verdicts of the run, linked to the report; a run of one spec has no such page."""
    harness("run", "--engine", "reference", "--isolate", "none", "--profile", "core", "-o", "out")
    page = (tmp_path / "out" / "coverage.html").read_text(encoding="utf-8")
    assert "(profile core)" in page
    assert 'href="report.html#spec-detach/cuts-gradient"' in page
    assert "not covered" in page
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert 'href="coverage.html"' in report
    assert not (tmp_path / "out" / "disagreements.html").exists()
    harness("run", "--engine", "reference", "--isolate", "none", "leaf", "-o", "named")
    assert not (tmp_path / "named" / "coverage.html").exists()


DEFECT = """\
standing: contradicts-doc
defect: The <docstring> says false.
run: |
  x = tensor(3., requires_grad=True)
  y = x * x
expect: {y.is_leaf: {any: [%s, %s], because: both are found}}
"""


def test_where_documents_and_engine_disagree_has_a_page(harness: Harness, spec_file: SpecFile, tmp_path: Path) -> None:
    """Claim, source, defect, and the verdict of the run, whatever it is."""
    good, bad = spec_file(DEFECT % ("false", "true")), spec_file(DEFECT % ("true", "null"))
    harness("run", "--engine", "reference", "--isolate", "none", good, bad, "-o", "out")
    page = (tmp_path / "out" / "disagreements.html").read_text(encoding="utf-8")
    assert "The &lt;docstring&gt; says false." in page
    found = re.findall(r'<article class="defect" id="spec-(.*?)">.*?<b>(\d/\d)</b>', page, re.S)
    assert [score for _, score in found] == ["1/1", "0/1"]
    assert "a promise" in page and "a document" in page
    assert "defect: The <docstring> says false." in harness("show", good).out


def test_the_pages_close_every_element(harness: Harness, tmp_path: Path) -> None:
    """All pages of the report are well formed, and load nothing from anywhere."""
    from tests.reports.test_html import Page

    harness("run", "--engine", "reference", "--isolate", "none", "--profile", "core", "-o", "out")
    for path in (tmp_path / "out").glob("*.html"):
        page = Page(path.read_text(encoding="utf-8"))
        assert not page.of("img") and len(page.of("script")) == (path.name == "report.html")
