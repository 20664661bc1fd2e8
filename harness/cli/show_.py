"""``harness show``: one spec, as a person reads it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import click

from harness import cases as cases_
from harness import selection
from harness.language.load import CheckedSpec
from harness.language.records import Origin, Outcome, Step, plain
from harness.text import plural
from harness.values import bare, given

MOST_CASES = 30
"""Of one spec, told in a line each."""


@click.command("show")
@click.argument("spec")
@click.option("--yaml", "as_yaml", is_flag=True, help="The file as it is.")
def command(spec: str, as_yaml: bool) -> int:
    """Print a spec: claim, source, program, what must be seen, what it needs of an engine; or a row of a derivative
    table (ops/tanh): its formulas, and what is asked of it."""
    chosen = selection.select([spec])
    if as_yaml:
        for text in dict.fromkeys(_text(found) for found in chosen):
            click.echo(text, nl=False)
        return 0
    if any(selection.row_of(found) == spec for found in chosen):
        _row(spec, chosen)
        return 0
    for found in chosen:
        click.echo(click.style(found.spec.id, bold=True) + f"  ({found.file}, {found.spec.standing.value})")
        if found.row is None:
            click.echo(_paragraph(found.spec.claim))
        else:
            _formulas(found.row)
        click.echo(f"  source: {', '.join(found.spec.source)}")
        if found.spec.since or found.spec.until:
            click.echo(
                f"  PyTorch: since {found.spec.since or 'ever'}" + (f", before {u}" if (u := found.spec.until) else "")
            )
        if found.spec.defect:
            click.echo(_paragraph(f"defect: {found.spec.defect}"))
        if found.spec.note:
            click.echo(_paragraph(found.spec.note))
        runs = [step.run for step in found.spec.steps]
        cases = [(id, case) for id, case in found.cases if case]
        for id, case in cases[:MOST_CASES]:
            told = cases_.recorded_parameters(case, found) if len(cases) > 1 else plain(case)
            click.echo(f"  {id}: {given(told, runs)}")
        if len(cases) > MOST_CASES:
            click.echo(f"  ... and {len(cases) - MOST_CASES} more cases; --yaml or `harness export` have them")
        for step, entries in zip(found.spec.steps, found.observations, strict=True):
            click.echo("\n" + textwrap.indent(step.run.rstrip(), "    "))
            _due({entry.text: entry.expectation for entry in entries if entry.expectation is not None}, step, "      ")
            for number, outcome in enumerate(step.either):
                of = f" (PyTorch {outcome.versions})" if outcome.versions else ""
                click.echo(
                    f"      {'or' if number else 'either'}{of}: {' '.join(outcome.because.split())}".rstrip(": ")
                )
                _due(outcome.expect, outcome, "        ")
        click.echo(f"\n  needs: {', '.join(sorted(found.needs))}\n")
    return 0


def _formulas(row: Origin) -> None:
    """A row as a handbook has it."""
    formulas = {**row.value, **{f"∂{x}": text for x, text in row.derivative.items()}}
    formulas |= {f"{x}.grad": text for x, text in row.gradient.items()}
    lines = [("call", line) for line in row.run.splitlines()] + [("where", line) for line in row.where.splitlines()]
    lines += formulas.items()
    width = max(len(name) for name, _ in lines)
    before = ""
    for name, text in lines:
        click.echo(f"  {name if name != before else '':<{width}}  {text}")
        before = name


def _row(name: str, specs: Sequence[CheckedSpec]) -> None:
    specs = sorted(specs, key=lambda found: found.row is not None and found.row.aspect not in ("gradient", "value"))
    first = specs[0]
    assert first.row is not None
    click.echo(click.style(name, bold=True) + f"  ({first.file}:{first.line}, {first.row.table})")
    _formulas(first.row)
    click.echo(f"  source: {', '.join(dict.fromkeys(source for s in specs for source in s.spec.source))}")
    if first.spec.note:
        click.echo(_paragraph(first.spec.note))
    click.echo("\n  asked:")
    for found in specs:
        assert found.row is not None
        standing = "" if found.spec.standing is first.spec.standing else f", {found.spec.standing.value}"
        click.echo(f"    {found.row.aspect:<22} {plural(len(found.spec.cases), 'case')}{standing}")
    for aspect, why in first.row.without.items():
        click.echo(f"    {aspect:<22} not asked: {why}")
    click.echo(
        f"\n  `harness show {first.spec.id}` prints its program; `harness explain {first.spec.id}[1]` runs a case\n"
    )


def _text(found: CheckedSpec) -> str:
    """The spec's file, or of a table the lines of the row."""
    text = found.path.read_text(encoding="utf-8")
    if found.row is None:
        return text
    first, *rest = text.splitlines(keepends=True)[found.line - 1 :]
    indent = len(first) - len(first.lstrip())
    ends = (n for n, line in enumerate(rest) if line.strip() and len(line) - len(line.lstrip()) <= indent)
    return "".join([first, *rest[: next(ends, len(rest))]])


def _paragraph(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 100, initial_indent="  ", subsequent_indent="  ")


def _due(expect: Mapping[str, object], due: Step | Outcome, indent: str) -> None:
    for text, expectation in expect.items():
        click.echo(f"{indent}{text}  ->  {bare(plain(expectation))}")
    said = f": ... {due.message} ..." if due.message else ""
    if due.raises:
        click.echo(f"{indent}raises {due.raises}{said}")
    for kind in due.warns:
        click.echo(f"{indent}warns {kind}{said}")
    for kind in due.allows:
        click.echo(f"{indent}may warn {kind}")
