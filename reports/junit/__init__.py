"""junit.xml: one test suite per engine and one test case per case, for the test views of CI systems.

The form is the one that Jenkins and its many followers read: testsuites / testsuite / testcase with failure, error or
skipped. What is not green in the verdict is not green here: a run that was cut, in which nothing passed, or whose gate
is closed for another reason adds an error of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from harness.record import CaseLine, Check, Run, Standing, Status
from harness.summary import Group, Level, area_of, explain_command, group, labels, level, verdict
from harness.values import MEANING, printable, sides, text

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_BROKEN = (Status.ERROR, Status.CRASH, Status.TIMEOUT)


def render(runs: Sequence[Run]) -> dict[str, str]:
    root = ET.Element("testsuites", name="autograd conformance")
    suites = [_suite(root, run, label) for run, label in zip(runs, labels(runs), strict=True)]
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", _seconds(sum(_time(run) for run in runs)))
    ET.indent(root)
    return {"junit.xml": f"{_DECLARATION}{ET.tostring(root, encoding='unicode')}\n"}


def _suite(root: ET.Element, run: Run, label: str) -> ET.Element:
    suite = _add(root, "testsuite", name=label, timestamp=run.header.started, time=_seconds(_time(run)))
    properties = _add(suite, "properties")
    info = run.header.engine
    for name, value in {
        "engine": info.name,
        "engine.version": info.version,
        "device": info.device,
        "python": run.header.python,
        "platform": run.header.platform,
        "suite": run.header.suite,
        "profile": run.header.profile or "none",
        "harness": run.header.harness,
        "command": run.header.command,
        "verdict": verdict(run),
    }.items():
        _add(properties, "property", name=name, value=value)
    for case in run.cases.values():
        _case(suite, run, case)
    if level(run) not in (Level.EXPECTED, Level.UNEXPECTED):
        whole = _add(suite, "testcase", classname="run", name=level(run), time=_seconds(0))
        _add(whole, "error", message=verdict(run), type=level(run))
    outcomes = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    suite.set("tests", str(len(suite.findall("testcase"))))
    for plural, tag in outcomes.items():
        suite.set(plural, str(len(suite.findall(f"testcase/{tag}"))))
    return suite


def _case(suite: ET.Element, run: Run, case: CaseLine) -> None:
    spec = run.specs.get(case.spec)
    element = _add(suite, "testcase", classname=area_of(run, case.spec), name=case.id, time=_seconds(case.seconds))
    if spec is not None:
        element.set("file", printable(spec.file))
        element.set("line", str(spec.lineno))
    match group(case):
        case Group.UNEXPECTED:
            tag = "error" if case.status in _BROKEN else "failure"
            outcome = _add(element, tag, message=_message(case), type=case.status)
            claim = [spec.claim] if spec else []
            outcome.text = printable(
                "\n\n".join(
                    [*claim, *map(_difference, case.failures), *filter(None, [case.output]), explain_command(run, case)]
                )
            )
        case Group.KNOWN:
            _add(element, "skipped", message=f"known failure ({case.status}): {_because(case)}")
        case Group.OUTSIDE:
            _add(element, "skipped", message=f"{case.status}: {_because(case)}")
        case _ if case.standing is Standing.STALE:
            _add(element, "system-out").text = printable(
                f"stale: the known deviation no longer happens: {_because(case)}"
            )


def _message(case: CaseLine) -> str:
    if not case.failures:
        return f"{case.status}: {case.reason}"
    first = case.failures[0]
    return f"{MEANING.get(first.what, first.what)}: {first.expression} (step {first.step}, line {first.line})"


def _difference(check: Check) -> str:
    expected, observed = sides(check)
    lines = [
        f"{MEANING.get(check.what, check.what)}: {check.expression} (step {check.step}, line {check.line})",
        f"expected\n{text(expected)}",
        f"observed\n{text(observed)}",
    ]
    if check.difference is not None:
        lines.append(f"largest difference {check.difference}")
    if check.allowed:
        lines.append(f"allowed: {'; or '.join(check.allowed)}")
    return "\n".join([*lines, check.detail] if check.detail else lines)


def _because(case: CaseLine) -> str:
    recorded = "; ".join(case.remarks) if case.status is Status.NOT_APPLICABLE else ""
    return " ".join(filter(None, [case.reason, case.link, recorded])) or "no reason given"


def _time(run: Run) -> float:
    return run.footer.seconds if run.footer else sum(case.seconds for case in run.cases.values())


def _seconds(seconds: float) -> str:
    return f"{seconds:.6f}"


def _add(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, tag, {name: printable(value) for name, value in attributes.items()})
