"""``harness list``: the specs, by area."""

from __future__ import annotations

import click

from harness import profiles, selection
from harness.cli import options
from harness.language.load import CheckedSpec
from harness.text import plural


@click.command("list")
@options.selection
@options.profiled
@click.option("--json", "as_json", is_flag=True, help="One JSON array: id, area, claim, source, cases, needs, file.")
def command(
    specs: tuple[str, ...], expression: str | None, areas: tuple[str, ...], profile: str | None, as_json: bool
) -> int:
    """List specs, or what a selection would run.

    SPEC is an id, an area, a pattern with *, a spec file or a folder of spec files.
    """
    chosen = profiles.narrow(selection.select(specs, expression, areas), profiles.named(profile, specs))
    if as_json:
        import msgspec

        rows = [
            {
                "id": s.spec.id,
                "area": s.spec.area,
                "claim": " ".join(s.spec.claim.split()),
                "source": list(s.spec.source),
                "standing": s.spec.standing.value,
                "cases": sum(1 for _ in s.cases),
                "needs": sorted(s.needs),
                "file": s.file,
            }
            for s in chosen
        ]
        click.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())
        return 0
    titles = selection.areas()
    area = row = None
    folded: dict[str | None, list[CheckedSpec]] = {}
    for spec in chosen:
        folded.setdefault(selection.row_of(spec), []).append(spec)
    for spec in chosen:
        if spec.spec.area != area:
            area = spec.spec.area
            click.echo(click.style(f"{area}" + (f": {titles[area].title}" if area in titles else ""), bold=True))
        if spec.row is not None:
            if row != (row := selection.row_of(spec)):
                _row(row, folded[row])
            continue
        number = sum(1 for _ in spec.cases)
        click.echo(f"  {spec.spec.id}" + (f"  ({number} cases)" if number > 1 else ""))
    click.echo(f"{len(chosen)} specs, {sum(1 for s in chosen for _ in s.cases)} cases")
    return 0


def _row(name: str | None, specs: list[CheckedSpec]) -> None:
    """A row of a derivative table on one line: its aspects, not each of its specs."""
    number = sum(1 for spec in specs for _ in spec.cases)
    aspects = ", ".join(spec.row.aspect for spec in specs if spec.row is not None)
    click.echo(f"  {name}  ({plural(number, 'case')}: {aspects})")
