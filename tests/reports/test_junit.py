"""junit.xml (`reports/junit`)."""

from __future__ import annotations

from types import ModuleType
from xml.etree import ElementTree as ET

from harness.record import Run


def test_every_status_has_its_element(build: ModuleType, everything: Run) -> None:
    """Promise: failure for an unexpected fail, error for a crash, skipped with a reason for what is expected."""
    suite = ET.fromstring(build.rendered("junit", everything))[0]
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    outcome = {name: [child.tag for child in case] for name, case in cases.items()}
    assert outcome["leaf/is-leaf"] == []
    assert outcome["backward/gradient-weights[2]"] == ["failure"]
    assert outcome["ops/solve"] == ["error"]
    assert outcome["hooks/order"] == ["skipped"]
    assert outcome["hooks/post-accumulate"] == ["system-out"]
    message = cases["ops/cumsum[3]"][0].get("message")
    assert message == "unsupported: lacks op:cumsum"
    assert cases["ops/solve"].get("classname") == "ops"
    assert cases["ops/solve"].get("time") == "0.001200"
    assert {n: suite.get(n) for n in ("tests", "failures", "errors", "skipped")} == {
        "tests": "20",
        "failures": "2",
        "errors": "1",
        "skipped": "13",
    }


def test_a_failure_carries_the_difference_and_the_command(build: ModuleType, everything: Run) -> None:
    """Promise: the CI view alone is enough to see what is wrong and to see it again."""
    text = ET.fromstring(build.rendered("junit", everything)).findtext(".//failure") or ""
    assert " [ 3.5, 40.5]]" in text
    assert text.endswith("harness explain 'backward/gradient-weights[2]' --engine torch")


def test_hostile_text_is_well_formed_xml(build: ModuleType, hostile: Run) -> None:
    """Promise: no text, control characters and ]]> included, breaks the file or opens an element."""
    root = ET.fromstring(build.rendered("junit", hostile))
    assert {element.tag for element in root.iter()} == {
        *("testsuites", "testsuite", "properties", "property", "testcase"),
        *("failure", "error", "skipped", "system-out"),
    }
    assert "␀␛[31m" in (root.findtext(".//failure") or "")


def test_what_is_no_verdict_is_an_error(build: ModuleType, cut: Run) -> None:
    """Promise: a cut run, an empty run and a closed gate are not green in a CI view that knows only test cases."""
    closed = build.run([build.spec("a/b")], [build.case("a/b")], exit=3)
    for run in (cut, build.run(), closed):
        root = ET.fromstring(build.rendered("junit", run))
        assert root.get("errors") == "1"
    good = ET.fromstring(build.rendered("junit", build.run([build.spec("a/b")], [build.case("a/b")])))
    assert (good.get("tests"), good.get("errors"), good.get("failures")) == ("1", "0", "0")
