"""``harness doctor``: does the adapter work, before the suite throws red lines at anyone?"""

from __future__ import annotations

from typing import Any

import click

from harness import doctor, plugins
from harness.cli import common, executing, options
from harness.cli.explain_ import show_failure
from harness.engine import EngineUnusable
from harness.exits import Exit
from harness.gate import Gate
from harness.language.advised import Advised
from harness.record import CaseLine, Standing, Status
from harness.run import target
from harness.values import printable


@click.command("doctor")
@options.engine
@options.device
@executing.limits
def command(engine: str, device: str | None, imports: tuple[str, ...], **execution: Any) -> int:
    """Climb from importing an engine to a first gradient. Stops at the first broken rung and says what to do."""
    candidate = common.candidate(engine)
    executor = executing.executor(jobs=1, **execution)
    try:
        (answer,) = executor.open([target(candidate, device, imports, graphs=False)])
        if isinstance(answer, EngineUnusable):
            raise answer
        plugins.check_version(candidate, answer.version)
        click.echo(f"  ✓ {candidate.file.title} {answer.version} loads, on {device or 'cpu'}")
        gate = Gate(candidate.file, answer.version)
        for rung, case in doctor.climb(executor, candidate.file, answer.words):
            known = gate.standing(case)
            left_out = doctor.is_left_out(rung, case, candidate.file, answer.words)
            if known.standing is Standing.UNEXPECTED or (case.status is Status.UNSUPPORTED and not left_out):
                _broken(rung, case)
                return Exit.NONCONFORMING
            sign = "✓" if case.status is Status.PASS else "○" if left_out else "△"
            note = "" if case.status is Status.PASS else f"  ({known.reason})"
            click.echo(f"  {sign} {rung.checked.spec.claim}{note}")
    finally:
        executor.close()
    click.echo(f"The ladder holds. Next: harness run --engine {engine}")
    return Exit.OK


def _broken(rung: Advised, case: CaseLine) -> None:
    click.echo(click.style(f"  ✗ {rung.checked.spec.claim}", fg="red", bold=True))
    if case.reason:
        click.echo(f"    {printable(case.reason)}")
    for line in case.output.splitlines():
        click.echo(f"      {printable(line)}")
    for failure in case.failures:
        show_failure(failure)
    click.echo(f"    what to do: {rung.advice}")
    if case.status is Status.UNSUPPORTED:
        click.echo(
            "    If the engine has no such thing by design, say so under `lacks` in engine.yaml, and the ladder goes on."
        )
