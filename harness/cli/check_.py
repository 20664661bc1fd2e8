"""``harness check``: are these spec files and engine files right?"""

from __future__ import annotations

from pathlib import Path

import click

from harness import cases, profiles, selection
from harness.exits import Exit
from harness.language import load
from harness.language.expected import BadValue
from harness.mutation import equivalent
from harness.places import room
from harness.problems import InputError, Problem
from harness.text import plural


@click.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option(
    "--oracles",
    is_flag=True,
    help="Confront derivative tables with differences, exact arithmetic and an engine as well.",
)
@click.option(
    "--engine", default="reference", show_default=True, metavar="NAME", help="The engine that --oracles asks."
)
def command(files: tuple[Path, ...], oracles: bool, engine: str) -> int:
    """Check spec files, engine.yaml files, or folders of them; without any, the whole suite.

    The equivalent.yaml beside an engine.yaml is checked with it. Every mistake is listed as FILE:LINE:COLUMN. Expected
    values are evaluated; no program is run but with --oracles.
    """
    from harness.plugins import read_engine_file

    problems: list[Problem] = []
    engines = 0
    specs: list[load.CheckedSpec] = []
    engine_files = (
        [f for f in files if f.name == "engine.yaml"] if files else sorted(room("engines").glob("*/engine.yaml"))
    )
    spec_files = load.find([f for f in files if f.name != "engine.yaml"] if files else [room("specs")])
    spec_files = [f for f in spec_files if f.name != "engine.yaml"]
    for path in engine_files:
        try:
            read_engine_file(path)
            equivalent.read(path.parent, path.parent.name)
            engines += 1
        except InputError as error:
            problems += error.problems
    try:
        specs = load.load(spec_files, room("specs"))
        problems += _values(specs)
    except InputError as error:
        problems += error.problems
    if not files:
        selection.areas()
        profiles.profiles()
    if problems:
        raise InputError(problems)
    if oracles:
        from harness.cli.oracles import confront

        problems += confront(spec_files, specs, engine)
    if problems:
        raise InputError(problems)
    if not specs and not engines:
        click.echo("harness: no spec file and no engine.yaml there", err=True)
        return Exit.EMPTY
    told = [plural(len(specs), "spec")] if specs else []
    told += [plural(engines, "engine file")] if engines else []
    click.echo(f"{' and '.join(told)}, no mistake")
    return 0


def _values(specs: list[load.CheckedSpec]) -> list[Problem]:
    """Expected values that cannot be evaluated for some case."""
    problems = []
    for checked in specs:
        try:
            cases.prepare(checked, "float32")
        except BadValue as error:
            problems.append(Problem(checked.file, error.line or checked.line, 1, str(error)))
    return problems
