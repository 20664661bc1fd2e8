"""``harness explain``: one spec on one engine, line by line."""

from __future__ import annotations

import textwrap

import click

from harness import cases, execute, explain, selection, values
from harness.cli import common, options
from harness.exits import Exit
from harness.language.load import CheckedSpec
from harness.plugins import Loaded
from harness.record import JUDGED, CaseLine, Check, Status
from harness.run import spec_line


@click.command("explain")
@click.argument("spec")
@options.engine
@options.device
@click.option("--script", "only_script", is_flag=True, help="Print only the stand-alone script.")
def command(spec: str, engine: str, device: str | None, imports: tuple[str, ...], only_script: bool) -> int:
    """Run SPEC (an id, or id[n] for its n-th case, or a file) on an engine: each line with what it showed, the graph as
    the engine built it, the verdict, and a script in the engine's own API that needs no harness."""
    found = selection.select([spec])
    if len(found) > 1:
        raise click.UsageError(f"{spec!r} means {len(found)} specs; name one, such as {found[0].spec.id}")
    checked = found[0]
    loaded = common.engine(engine, device, imports)
    asked = cases.asked(checked, loaded.file)
    codes = []
    for id, _ in checked.cases:
        if only_script:
            click.echo(explain.script(asked, id, loaded.engine), nl=False)
            continue
        codes.append(_explain(checked, asked, id, loaded))
    return max(codes, default=0)


def _explain(checked: CheckedSpec, asked: CheckedSpec, id: str, loaded: Loaded) -> int:
    with common.steady(), execute.listening() as collected:
        told = explain.run(checked, id, loaded, collected)
    case, spec = told.case, spec_line(checked)
    click.echo(click.style(f"{case.id} on {loaded.file.name} {loaded.engine.version}", bold=True))
    click.echo(textwrap.fill(spec.claim, 100, initial_indent="  ", subsequent_indent="  "))
    click.echo(f"  source: {', '.join(spec.source)}; {spec.file}:{spec.lineno}")
    if case.parameters:
        click.echo("  with " + values.given(case.parameters, [step.run for step in spec.steps], most=20))
    click.echo("")
    for line in told.lines:
        click.echo(click.style(f"{line.number:>5}  ", dim=True) + line.text)
        for name, value in line.values:
            click.echo(click.style(f"         {name} = {values.printable(value)}", fg="cyan"))
        for note in line.notes:
            click.echo(click.style(f"         {values.printable(note)}", fg="yellow"))
    if case.graph is not None:
        click.echo("\n" + click.style("graph as the engine built it (consumer <- producers)", bold=True))
        for text in explain.graph_lines(case.graph):
            click.echo(f"  {values.printable(text)}")
    click.echo("")
    _verdict(case)
    click.echo("\n" + click.style("stand-alone script", bold=True) + "\n")
    click.echo(explain.script(asked, case.id, loaded.engine), nl=False)
    click.echo("")
    return Exit.OK if case.status is Status.PASS or case.status not in (*JUDGED, Status.ERROR) else Exit.NONCONFORMING


def _verdict(case: CaseLine) -> None:
    good = case.status is Status.PASS
    click.echo(
        click.style(f"{case.status.value}", fg="green" if good else "red", bold=True)
        + (f": {case.reason}" if case.reason else "")
    )
    for check in case.failures:
        show_failure(check)
    for remark in case.remarks:
        said = "" if case.status is Status.NOT_APPLICABLE else "warned, which no document speaks of: "
        click.echo(f"  {said}{values.printable(remark)}")


def show_failure(check: Check) -> None:
    """A failed check, expected above observed, what differs marked."""
    click.echo(
        f"  step {check.step}, line {check.line}: {check.expression}  ({values.MEANING.get(check.what, check.what)})"
    )
    expected, observed = values.sides(check)
    for title, side in (("expected", expected), ("observed", observed)):
        click.echo(f"    {title}")
        for line in side:
            pieces = [
                click.style(values.printable(piece.text), fg="red", bold=True)
                if piece.marked
                else values.printable(piece.text)
                for piece in line
            ]
            click.echo("      " + "".join(pieces))
    if check.difference is not None:
        most = values.worst(check)
        where = f" at {values.inline(most.at)}; {most.words}" if most is not None and most.entries > 1 else ""
        click.echo(f"    largest difference: {check.difference}{where}")
    if check.allowed:
        click.echo(f"    allowed: {values.printable('; or '.join(check.allowed))}")
    if check.detail:
        click.echo(f"    {values.printable(check.detail)}")
