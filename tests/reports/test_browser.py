"""report.html in a real browser: headless Chromium, from disk, without network."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import ModuleType

import pytest

from harness.record import Run

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium, chromium-browser or google-chrome on PATH")


def visit(page: Path, state: str = "", script: str = "") -> str:
    """The document as it stands after loading, without any network; ``script`` runs after the page's own."""
    if script:
        text = page.read_text(encoding="utf-8")
        text = re.sub("<meta http-equiv.*?>", "", text).replace("</body>", f"<script>{script}</script></body>")
        page = page.with_name("scripted.html")
        page.write_text(text, encoding="utf-8")
    with tempfile.TemporaryDirectory() as profile:
        command = [
            *(str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={profile}", "--enable-logging=stderr"),
            *("--dump-dom", page.as_uri() + state),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line], done.stderr
    return done.stdout


def shown(document: str) -> list[str]:
    """The behaviours that are not hidden."""
    articles: list[str] = re.findall('<article class="spec" id="spec-[^>]*>', document)
    return [re.findall('id="spec-([^"]*)"', a)[0] for a in articles if "hidden" not in a]


@pytest.fixture
def page(build: ModuleType, everything: Run, tmp_path: Path) -> Path:
    path: Path = tmp_path / "report.html"
    path.write_text(build.rendered("html", everything, build.run(name="other")), encoding="utf-8")
    return path


def test_without_state_everything_is_shown(page: Path) -> None:
    """Promise: the page opens from disk, runs its script, and shows all behaviours with their count."""
    document = visit(page)
    assert len(shown(document)) == 8
    assert ">8 of 8 behaviours</output>" in document
    assert '<form class="filters" role="search" aria-label="Filter behaviours">' in document


@pytest.mark.parametrize(
    ("state", "ids"),
    [
        ("?q=hooks+ORDER", ["hooks/order"]),
        ("?status=pass&area=leaf&standing=nonsense", ["leaf/is-leaf", "leaf/requires-grad"]),
        ("?engine=torch+2.13.0&unexpected=1&standing=documented&area=ops", ["ops/solve"]),
        ("?engine=other+2.13.0", []),
    ],
)
def test_the_address_bar_restores_the_filters(page: Path, state: str, ids: list[str]) -> None:
    """Promise: an address with a state shows what it showed when it was copied."""
    document = visit(page, state)
    assert shown(document) == ids
    assert f">{len(ids)} of 8 behaviours</output>" in document


def test_a_link_to_a_hidden_behaviour_opens_it(page: Path) -> None:
    """Promise: a link always leads to its behaviour, opened, even where the filters had hidden it."""
    document = visit(page, "?q=gradient#spec-ops/cumsum")
    assert re.search('id="spec-ops/cumsum"[^>]*>\n<details open', document)
    assert "ops/cumsum" in shown(document)


def test_the_filters_write_the_address_bar(page: Path) -> None:
    """Promise: every change of a filter is kept in the address, and reset takes it off again."""
    script = """
        const form = document.querySelector(".filters"), seen = [];
        const change = () => { form.dispatchEvent(new Event("input")); seen.push(location.search); };
        form.elements.q.value = "hooks run"; change();
        form.elements.unexpected.checked = true; change();
        form.reset(); seen.push(location.search);
        document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "/", bubbles: true}));
        seen.push(document.activeElement.name);
        document.title = seen.join(" ; ");
    """
    assert "<title>?q=hooks+run ; ?q=hooks+run&amp;unexpected=1 ;  ; q</title>" in visit(page, script=script)


def test_hostile_records_run_nothing(build: ModuleType, hostile: Run, tmp_path: Path) -> None:
    """Promise: no text of a record runs or makes an element, and the filters still work."""
    path = tmp_path / "report.html"
    path.write_text(build.rendered("html", hostile), encoding="utf-8")
    document = visit(path, "?unexpected=1")
    assert document.count("<script") == 1
    assert "<img" not in document
    assert len(shown(document)) == 1
