"""``harness run``: load, judge, record, gate, report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from harness import plugins, profiles, record, selection
from harness.cli import common, executing, options, telling
from harness.engine import EngineUnusable
from harness.execution import Executor
from harness.exits import Exit, first
from harness.gate import Gate
from harness.plugins import Candidate
from harness.run import Selection, Settings, Stopped, Trial, arrange, judge, target
from harness.shards import Shard, parse

DEFAULT_REPORTS = ("html", "junit", "markdown", "badge")


def _shard(context: click.Context, option: click.Parameter, value: str | None) -> Shard | None:
    try:
        return None if value is None else parse(value)
    except ValueError as error:
        raise click.UsageError(f"--shard {error}") from None


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
@options.profiled
@options.device
@options.output(options.RESULTS, "Where records and reports go; a record of the same engine is replaced.")
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
    metavar="RUN",
    help="Fail only on what got worse than in this record (or folder of records) of the same engine.",
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
@click.option(
    "--shard",
    callback=_shard,
    metavar="I/N",
    help="Judge the I-th of N parts; `harness merge` makes the records whole.",
)
@click.option("--shuffle", type=int, metavar="SEED", help="Run the cases in another order, which the seed fixes.")
@click.option(
    "--repeat",
    type=click.IntRange(1, 1000),
    default=1,
    metavar="N",
    help="Run every case N times; verdicts that differ are flaky.",
)
@click.option(
    "--budget",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Begin no case after this time; those that catch most faults per second come first.",
)
@click.option(
    "--resume", is_flag=True, help="Go on with a run that was stopped: what its record holds is not run again."
)
@executing.options
@click.option("-q", "--quiet", is_flag=True, help="Only the verdict and what is unexpected.")
def command(
    engines: tuple[str, ...],
    specs: tuple[str, ...],
    expression: str | None,
    areas: tuple[str, ...],
    profile: str | None,
    device: str | None,
    imports: tuple[str, ...],
    output: Path,
    reports: tuple[str, ...],
    strict: bool,
    baseline: Path | None,
    required: tuple[str, ...],
    graphs: bool,
    fail_fast: bool,
    shard: Shard | None,
    shuffle: int | None,
    repeat: int,
    budget: float | None,
    resume: bool,
    pythons: tuple[str, ...],
    quiet: bool,
    taken: Sequence[str] = (),
    **execution: Any,
) -> int:
    """Judge engines against the specs; write one record per engine, and reports.

    SPEC is an id (or id[n], its n-th case), an area, a pattern with *, a spec file or a folder of spec files; without any,
    all that the profile holds runs. The exit code is 0 only if something was judged and every verdict is as expected.
    """
    wanted = check_reports(reports)
    if len(set(engines)) < len(engines):
        raise click.UsageError("an engine is named twice")
    candidates = executing.in_pythons([_candidate(name) for name in engines], pythons)
    before = _baselines(baseline, candidates)
    named = profiles.named(profile, specs)
    everything = selection.select(specs, expression, areas)
    chosen = profiles.narrow(everything, named)
    check_areas(required)
    if not chosen:
        click.echo("harness: the selection matches no spec; nothing was judged", err=True)
        return Exit.EMPTY
    settings = Settings(imports, graphs, fail_fast, shard, shuffle, repeat, budget, resume, device)
    whole = not (specs or expression or areas)
    selected = arrange(chosen, settings)._replace(profile=named, whole=whole)
    if not selected.cases:
        click.echo(f"harness: shard {shard} holds no case: there are {selected.total} in all", err=True)
        return Exit.EMPTY
    kept = {spec.spec.id for spec in chosen}
    passed_over = [id for spec in everything if spec.spec.id not in kept for id, _ in spec.cases]
    folder = output.absolute()  # wherever an engine takes us

    def gate(candidate: Candidate, version: str) -> Gate:
        return Gate(
            candidate.file,
            version,
            baseline=before.get(candidate.file.name),
            required=required,
            strict=strict,
            whole_suite=whole and shard is None,
            passed_over=passed_over,
            is_part=shard is not None,
        )

    executor = executing.executor(**execution)
    try:
        trials, unusable = _open(executor, candidates, selected, gate, folder, settings, taken)
        with telling.progress(trials):
            stopped = judge(executor, trials, settings)
    finally:
        executor.close()
    conditions = [Exit.ENGINE_UNUSABLE] * unusable
    runs: list[record.Run] = []
    for trial in trials:
        outcome = trial.finish(stopped)
        runs.append(record.read(trial.path))
        telling.tell(runs[-1], outcome, quiet)
        for note in trial.notes:
            click.echo(f"harness: {note}", err=True)
        if trial.gone:
            click.echo(f"harness: {trial.gone}", err=True)
        conditions += [code for code, _ in outcome.conditions]
    if stopped is Stopped.INTERRUPTED:
        where = ", ".join(str(output / trial.path.name) for trial in trials)
        click.echo(f"interrupted; what was judged so far is in {where}; --resume goes on from there", err=True)
        return Exit.INTERRUPTED
    if runs:
        for file in common.write_reports(wanted, runs, folder):
            if not quiet or file.suffix == ".html":
                click.echo(f"wrote {output / file.name}")
        common.annotate(runs)
    return first(conditions)


def _open(
    executor: Executor,
    candidates: Sequence[Candidate | EngineUnusable],
    chosen: Selection,
    gate: Callable[[Candidate, str], Gate],
    folder: Path,
    settings: Settings,
    taken: Sequence[str],
) -> tuple[list[Trial], int]:
    """Get the engines ready, and their records. How many cannot be used is told, and counted."""
    targets, there, unusable = [], [], 0
    for candidate in candidates:
        try:
            if isinstance(candidate, EngineUnusable):
                raise candidate
            targets.append(target(candidate, settings.device, settings.imports, settings.graphs))
            there.append(candidate)
        except EngineUnusable as error:
            click.echo(f"harness: {error}", err=True)
            unusable += 1
    trials: list[Trial] = []
    for number, (candidate, answer) in enumerate(zip(there, executor.open(targets), strict=True)):
        try:
            if isinstance(answer, EngineUnusable):
                raise answer
            plugins.check_version(candidate, answer.version)
        except EngineUnusable as error:
            click.echo(f"harness: {error}", err=True)
            unusable += 1
            continue
        name = candidate.file.name + (
            f"-{settings.shard.number}-of-{settings.shard.parts}" if settings.shard is not None else ""
        )
        path = free_path(folder, name, [*taken, *(str(trial.path) for trial in trials)])
        trials.append(Trial(number, candidate, answer, chosen, gate(candidate, answer.version), path, settings))
    return trials, unusable


def check_reports(names: tuple[str, ...]) -> Sequence[str]:
    """The reports that ``--report`` names. Raises `click.UsageError`."""
    from harness import reporters
    from harness.problems import nearest

    if names == ("none",):
        return ()
    if "none" in names:
        raise click.UsageError("--report none stands alone")
    known = reporters.names()
    for name in names:
        if name not in known and not reporters.is_folder(name):
            raise click.UsageError(f"no report {name!r}{nearest(name, known) or '; known are ' + ', '.join(known)}")
    return names or DEFAULT_REPORTS


def _candidate(name: str) -> Candidate | EngineUnusable:
    """One engine that cannot be used must not keep the others from being judged."""
    try:
        return common.candidate(name)
    except EngineUnusable as error:
        return error


def _baselines(path: Path | None, candidates: Sequence[Candidate | EngineUnusable]) -> dict[str, record.Run]:
    """The records that ``--baseline`` names, by engine. Every engine of the run must have one."""
    if path is None:
        return {}
    found = {run.header.engine.name: run for run in map(record.read, record.find([path]))}
    for run in found.values():
        if not run.complete:
            raise click.UsageError(f"--baseline {run.path}: is incomplete, so it proves nothing; run it to its end")
    for candidate in candidates:
        if isinstance(candidate, Candidate) and candidate.file.name not in found:
            raise click.UsageError(
                f"--baseline {path}: holds no record of engine {candidate.file.name} (but of {', '.join(found)})"
            )
    return found


def check_areas(names: tuple[str, ...]) -> None:
    """Whether ``--require`` names areas. Raises `click.UsageError`."""
    from harness.problems import nearest

    known = selection.areas()
    for name in names:
        if name not in known:
            raise click.UsageError(
                f"--require: no area {name!r}{nearest(name, known) or '; known are ' + ', '.join(known)}"
            )


def free_path(folder: Path, name: str, taken: Sequence[str]) -> Path:
    """Where the record of an engine goes: two engines of one name do not overwrite each other's (``taken``)."""
    path, number = folder / f"{name}.jsonl", 1
    while str(path) in taken:
        number += 1
        path = folder / f"{name}-{number}.jsonl"
    return path
