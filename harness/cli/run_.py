"""``harness run``: load, judge, record, gate, report."""

from __future__ import annotations

import platform
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import click

from harness import __version__, execute, record, selection, summary, values
from harness.cli import common, options
from harness.engine import EngineUnusable
from harness.exits import Exit, first
from harness.gate import Gate, Outcome
from harness.language.load import CheckedSpec
from harness.plugins import Candidate, Loaded
from harness.plugins import load as load_engine

DEFAULT_OUTPUT = "harness-results"
DEFAULT_REPORTS = ("html", "junit", "markdown", "badge")


@click.command("run", short_help="judge engines against the specs")
@click.option(
    "-e",
    "--engine",
    "engines",
    multiple=True,
    required=True,
    metavar="E",
    help="An engine's name, a folder with an engine.yaml, or package.module:Class (repeatable).",
)
@options.selection
@options.device
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_OUTPUT,
    show_default=True,
    metavar="DIR",
    help="Where records and reports go; a record of the same engine is replaced.",
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="NAME",
    help=f"Reports to write (repeatable; none for only the record).  [default: {', '.join(DEFAULT_REPORTS)}]",
)
@click.option("--strict", is_flag=True, help="Known deviations that no longer happen fail the run.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="RECORD",
    help="Fail only on what got worse than in this record.",
)
@click.option(
    "--require",
    "required",
    multiple=True,
    metavar="AREA",
    help="Fail if a case of this area is unsupported or not applicable (repeatable).",
)
@click.option(
    "--graphs/--no-graphs",
    default=True,
    show_default=True,
    help="Record the graph that the engine built for each case.",
)
@click.option(
    "-x", "--fail-fast", is_flag=True, help="Stop at the first unexpected verdict (the record is then incomplete)."
)
@click.option("-q", "--quiet", is_flag=True, help="Only the verdict and what is unexpected.")
def command(
    engines: tuple[str, ...],
    specs: tuple[str, ...],
    expression: str | None,
    areas: tuple[str, ...],
    device: str | None,
    imports: tuple[str, ...],
    output: Path,
    reports: tuple[str, ...],
    strict: bool,
    baseline: Path | None,
    required: tuple[str, ...],
    graphs: bool,
    fail_fast: bool,
    quiet: bool,
) -> int:
    """Judge engines against the specs; write one record per engine, and reports.

    SPEC is an id, an area, a pattern with *, a spec file or a folder of spec files; without any, the whole suite runs.
    The exit code is 0 only if something was judged and every verdict is as expected.
    """
    wanted = check_reports(reports)
    if len(set(engines)) < len(engines):
        raise click.UsageError("an engine is named twice")
    before = record.read(baseline) if baseline else None
    candidates = [(name, _candidate(name)) for name in engines]
    chosen = selection.select(specs, expression, areas)
    _known_areas(required)
    conditions: list[Exit] = []
    if not chosen:
        click.echo("harness: the selection matches no spec; nothing was judged", err=True)
        return Exit.EMPTY
    common.import_first(imports)
    whole = not (specs or expression or areas)
    runs: list[record.Run] = []
    for name, found in candidates:
        try:
            if isinstance(found, EngineUnusable):
                raise found
            loaded = load_engine(found, device)
        except EngineUnusable as error:
            click.echo(f"harness: {error}", err=True)
            conditions.append(Exit.ENGINE_UNUSABLE)
            continue
        gate = Gate(
            loaded.file, loaded.engine.version, baseline=before, required=required, strict=strict, whole_suite=whole
        )
        path = _record_path(output, loaded, [run.path for run in runs])
        outcome, stopped = _judge(name, loaded, chosen, gate, path, graphs, fail_fast)
        runs.append(record.read(path))
        _tell(runs[-1], outcome, quiet)
        conditions += [code for code, _ in outcome.conditions]
        if stopped == "interrupted":
            click.echo(f"interrupted; what was judged so far is in {path}", err=True)
            return Exit.INTERRUPTED
    if runs:
        written = common.write_reports(wanted, runs, output)
        for file in written:
            if not quiet or file.suffix == ".html":
                click.echo(f"wrote {file}")
        common.annotate(runs)
    return first(conditions)


def check_reports(names: tuple[str, ...]) -> Sequence[str]:
    """The reports that ``--report`` names. Raises `click.UsageError`."""
    from harness import reporters
    from harness.problems import nearest

    if names == ("none",):
        return ()
    known = reporters.names()
    for name in names:
        if name not in known:
            raise click.UsageError(f"no report {name!r}{nearest(name, known) or '; known are ' + ', '.join(known)}")
    return names or DEFAULT_REPORTS


def _candidate(name: str) -> Candidate | EngineUnusable:
    """One engine that cannot be used must not keep the others from being judged."""
    try:
        return common.candidate(name)
    except EngineUnusable as error:
        return error


def _known_areas(names: tuple[str, ...]) -> None:
    from harness.problems import nearest

    known = selection.areas()
    for name in names:
        if name not in known:
            raise click.UsageError(
                f"--require: no area {name!r}{nearest(name, known) or '; known are ' + ', '.join(known)}"
            )


def _record_path(output: Path, loaded: Loaded, taken: list[str]) -> Path:
    path, number = output / f"{loaded.file.name}.jsonl", 1
    while str(path) in taken:
        number += 1
        path = output / f"{loaded.file.name}-{number}.jsonl"
    return path


def _judge(
    name: str, loaded: Loaded, specs: list[CheckedSpec], gate: Gate, path: Path, graphs: bool, fail_fast: bool
) -> tuple[Outcome, str]:
    """Judge every case and write the record as they finish."""
    selected = sum(1 for spec in specs for _ in spec.cases)
    writer = record.Writer(path)
    writer.write(_header(name, loaded, specs, selected), *map(spec_line, specs))
    begun = time.perf_counter()
    stopped = ""
    try:
        with execute.listening() as collected, _progress(loaded, selected) as progress:
            session = execute.Session(loaded, collected, graphs)
            for line in session.run(specs):
                case = gate.standing(line)
                writer.write(case)
                progress.advance(case)
                if fail_fast and case.standing is record.Standing.UNEXPECTED:
                    stopped = "fail-fast"
                    break
    except KeyboardInterrupt:
        stopped = "interrupted"
    outcome = gate.outcome(selected)
    if not stopped:
        writer.write(
            record.Footer(
                totals=outcome.totals,
                seconds=round(time.perf_counter() - begun, 3),
                exit=int(outcome.exit),
                conditions=[code.name for code, _ in outcome.conditions],
                stale=outcome.stale,
            )
        )
    writer.close()
    return outcome, stopped


def _header(name: str, loaded: Loaded, specs: list[CheckedSpec], selected: int) -> record.Header:
    return record.Header(
        format=record.FORMAT,
        harness=__version__,
        suite=selection.digest(specs),
        engine=record.EngineInfo(
            name=loaded.file.name,
            title=loaded.file.title,
            version=loaded.engine.version,
            device=loaded.device,
            homepage=loaded.file.homepage,
            source=loaded.source,
        ),
        python=platform.python_version(),
        platform=platform.platform(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=shlex.join(["harness", *sys.argv[1:]]),
        cases=selected,
        areas={area: about.title for area, about in selection.areas().items()},
    )


def spec_line(checked: CheckedSpec) -> record.SpecLine:
    """A spec as the record carries it."""
    import msgspec

    spec = checked.spec
    steps = [
        record.StepLine(
            run=step.run,
            line=checked.lines[number],
            raises=step.raises,
            warns=list(step.warns),
            allows=list(step.allows),
            message=step.message,
            expect={text: msgspec.to_builtins(value) for text, value in step.expect.items()},
        )
        for number, step in enumerate(spec.steps)
    ]
    return record.SpecLine(
        id=spec.id,
        area=spec.area,
        claim=" ".join(spec.claim.split()),
        source=list(spec.source),
        standing=spec.standing.value,
        file=checked.file,
        lineno=checked.line,
        steps=steps,
        cases=[dict(case) for case in spec.cases],
        note=" ".join(spec.note.split()),
    )


class _Progress(Protocol):
    def advance(self, case: record.CaseLine) -> None: ...


class _Quiet:
    """In a log: nothing per case, the summary says it all."""

    def advance(self, case: record.CaseLine) -> None:
        pass


@contextmanager
def _progress(loaded: Loaded, selected: int) -> Iterator[_Progress]:
    if not common.is_live():
        yield _Quiet()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[bad]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(f"{loaded.file.name} {loaded.engine.version}", total=selected, bad="")

        class Live:
            bad = 0

            def advance(self, case: record.CaseLine) -> None:
                self.bad += case.standing is record.Standing.UNEXPECTED
                shown.update(task, advance=1, bad=f"[red]{self.bad} unexpected" if self.bad else "")

        yield Live()


def _tell(run: record.Run, outcome: Outcome, quiet: bool) -> None:
    """The verdict in one screen: failures first."""
    for text in summary_lines(run, outcome, quiet):
        click.echo(text)


MAX_SHOWN = 5
MAX_CHECKS = 3
"""What one screen has room for; the record and the reports hold all."""


def summary_lines(run: record.Run, outcome: Outcome, quiet: bool) -> Iterator[str]:
    bad = summary.unexpected(run)
    for case in bad[:MAX_SHOWN]:
        yield from failure_block(run, case, None if len(bad) == 1 else MAX_CHECKS)
    if len(bad) > MAX_SHOWN:
        yield f"... and {len(bad) - MAX_SHOWN} more: {', '.join(values.shorten(case.id) for case in bad[MAX_SHOWN:][:10])}"
        yield "    report.html and the record hold all of them\n"
    for note in summary.stale_notes(run):
        yield click.style(values.printable(f"stale: {note.text}"), fg="yellow")
    if not quiet:
        yield from _table(run)
    good = not outcome.conditions
    yield click.style(
        values.printable(f"{run.label}: {summary.verdict(run)}"), fg="green" if good else "red", bold=True
    )
    for _, sentence in outcome.conditions:
        yield f"  {sentence}"


def failure_block(run: record.Run, case: record.CaseLine, most: int | None) -> Iterator[str]:
    """One failure: what is promised, where, what was expected and seen, how to see it again."""
    spec = run.specs[case.spec]
    named = ", ".join(f"{name}={values.inline(value)}" for name, value in case.parameters.items())
    yield click.style(f"{case.status.value.upper()} {case.id}", fg="red", bold=True) + (f"  ({named})" if named else "")
    for line in (
        spec.claim,
        case.reason,
        *(line for check in case.failures[:most] for line in _check_lines(spec, check)),
    ):
        if line:
            yield "  " + values.printable(line)
    if most is not None and len(case.failures) > most:
        yield f"  ... and {len(case.failures) - most} more checks of this case"
    yield f"  see it again: {summary.explain_command(run, case)}"
    yield ""


def _check_lines(spec: record.SpecLine, check: record.Check) -> Iterator[str]:
    expected, observed = values.one_line(check)
    off = f" (off by {check.difference:.3g})" if isinstance(check.difference, float) else ""
    yield f"{spec.file}:{check.line}: step {check.step}: {check.expression}"
    yield f"  {values.MEANING.get(check.what, check.what)}: expected {expected}, observed {observed}{off}"
    if check.detail:
        yield f"  {check.detail}"


def _table(run: record.Run) -> Iterator[str]:
    counts = summary.area_counts(run)
    width = max(map(len, counts), default=0)
    for area, found in counts.items():
        notes = ", ".join(found.notes)
        yield f"  {summary.SYMBOLS[found.worst]} {area:<{width}} {found.ratio:>7}" + (f"  {notes}" if notes else "")
