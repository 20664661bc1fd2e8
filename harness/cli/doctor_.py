"""``harness doctor``: does the adapter work, before the suite throws red lines at anyone?"""

from __future__ import annotations

import click

from harness import doctor
from harness.cli import common, options
from harness.cli.explain_ import show_failure
from harness.exits import Exit
from harness.record import Status


@click.command("doctor")
@options.engine
@options.device
def command(engine: str, device: str | None, imports: tuple[str, ...]) -> int:
    """Climb from importing an engine to a first gradient. Stops at the first broken rung and says what to do."""
    loaded = common.engine(engine, device, imports)
    click.echo(f"  ✓ {loaded.file.title} {loaded.engine.version} loads, on {loaded.device}")
    for rung, case in doctor.climb(loaded):
        if case.status is Status.PASS or rung.is_left_out(case, loaded):
            sign, note = ("✓", "") if case.status is Status.PASS else ("○", f"  ({case.reason})")
            click.echo(f"  {sign} {rung.checked.spec.claim}{note}")
            continue
        click.echo(click.style(f"  ✗ {rung.checked.spec.claim}", fg="red", bold=True))
        if case.reason:
            click.echo(f"    {case.reason}")
        for failure in case.failures:
            show_failure(failure)
        click.echo(f"    what to do: {rung.advice}")
        return Exit.NONCONFORMING
    click.echo(f"The ladder holds. Next: harness run --engine {engine}")
    return Exit.OK
