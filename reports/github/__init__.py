"""annotations.txt: GitHub workflow commands; printed in a workflow, they annotate the lines of the spec files.

One ``::error`` per unexpected case and per run that is no verdict, one ``::warning`` per stale deviation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.record import CaseLine, Run
from harness.summary import Level, explain_command, labels, level, stale_notes, unexpected, verdict
from harness.values import MEANING, one_line, printable


def render(runs: Sequence[Run]) -> dict[str, str]:
    lines = [line for label, run in zip(labels(runs), runs, strict=True) for line in _annotations(label, run)]
    return {"annotations.txt": "".join(f"{line}\n" for line in lines)}


def _annotations(label: str, run: Run) -> Iterable[str]:
    if run.header.profile:
        label = f"{label}, profile {run.header.profile}"
    if level(run) not in (Level.EXPECTED, Level.UNEXPECTED):
        yield command("error", verdict(run), title=f"{label}: {level(run)}")
    for case in unexpected(run):
        yield command("error", _message(run, case), **_place(run, case), title=f"{label}: {case.id} {case.status}")
    for note in stale_notes(run):
        place = _place(run, note.case) if note.case else {}
        yield command("warning", f"{note.text}; take it off the list", **place, title=f"{label}: stale deviation")


def _place(run: Run, case: CaseLine) -> dict[str, str]:
    spec = run.specs.get(case.spec)
    if spec is None:
        return {}
    return {"file": spec.file, "line": str(case.failures[0].line if case.failures else spec.lineno)}


def _message(run: Run, case: CaseLine) -> str:
    spec = run.specs.get(case.spec)
    lines = [spec.claim] if spec else []
    for check in case.failures[:3]:
        expected, observed = one_line(check)
        lines.append(
            f"{MEANING.get(check.what, check.what)}: {check.expression}: expected {expected}, observed {observed}"
        )
    return "\n".join([*lines, *([case.reason] if case.reason else []), explain_command(run, case)])


def command(name: str, message: str, **properties: str) -> str:
    """A workflow command on one line, escaped as the runner's own toolkit does it."""
    shown = ",".join(
        f"{key}={_data(value).replace(':', '%3A').replace(',', '%2C')}" for key, value in properties.items()
    )
    return f"::{name} {shown}::{_data(message)}"


def _data(words: str) -> str:
    visible = printable(words.replace("\r\n", "\n"))
    return visible.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
