"""badge-ENGINE.svg (`reports/badge`)."""

from __future__ import annotations

import re
from types import ModuleType
from xml.etree import ElementTree as ET

from harness.record import Run


def test_the_badge_says_passed_of_all(build: ModuleType) -> None:
    """Promise: label, engine with version, passed / all, and the verdict as the accessible title."""
    text = build.rendered("badge", build.run([build.spec("a/b")], [build.case("a/b")]))
    root = ET.fromstring(text)
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["autograd conformance", "torch 2.13.0: 1/1"]
    title = root.findtext("{http://www.w3.org/2000/svg}title")
    assert title == "autograd conformance: torch 2.13.0: 1 of 1 case passes; nothing is unexpected."
    assert root.get("role") == "img"


def test_only_a_good_run_is_green(build: ModuleType, everything: Run, cut: Run) -> None:
    """Promise: green only for a complete run with nothing unexpected and a pass; grey where there is no verdict."""
    colours = build.load("badge").COLOURS

    def colour(run: Run) -> str:
        _, fill = re.findall(r'<rect[^>]* fill="(#\w{6})"', build.rendered("badge", run))
        return str(fill)

    green = colours[build.load("badge").Level.EXPECTED]
    grey = colours[build.load("badge").Level.INCOMPLETE]
    unsupported = build.run([build.spec("a/b")], [build.case("a/b", "unsupported")])
    assert colour(build.run([build.spec("a/b")], [build.case("a/b")])) == green
    assert green not in {colour(run) for run in (everything, cut, build.run(), unsupported)}
    assert colour(cut) == colour(build.run()) == colour(unsupported) == grey
    assert "incomplete, 3/20" in build.rendered("badge", cut)


def test_file_names_are_safe_and_unique(build: ModuleType, everything: Run, hostile: Run, cut: Run) -> None:
    """Promise: one file per run, whose name leads nowhere else, whatever the engine is called."""
    names = list(build.load("badge").render([everything, cut, hostile, everything, build.run(name="../../etc/x")]))
    assert len(names) == 5
    assert all(re.fullmatch(r"badge-\w[\w.-]*\.svg", name) and ".." not in name for name in names)
    assert list(build.load("badge").render([everything])) == ["badge-torch.svg"]


def test_hostile_text_is_well_formed_svg(build: ModuleType, hostile: Run) -> None:
    """Promise: an engine's name opens no element."""
    tags = {element.tag.split("}")[1] for element in ET.fromstring(build.rendered("badge", hostile)).iter()}
    assert tags == {"svg", "title", "clipPath", "rect", "g", "text"}
