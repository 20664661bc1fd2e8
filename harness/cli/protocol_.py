"""``harness protocol``: what workers speak, and whether one speaks it."""

from __future__ import annotations

import ast
import json
import re
import typing
from collections.abc import Iterator
from typing import Any

import click

from harness.cli import options
from harness.exits import Exit

WIDTH = 110


@click.command("protocol")
@click.option("--schema", "as_schema", is_flag=True, help="Print the JSON Schema of a message instead.")
@click.option("--check", metavar="E", help="Start engine E's worker and walk it through the conversation instead.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.01, 3600),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="With --check: for one answer.",
)
@options.device
def command(as_schema: bool, check: str | None, timeout: float, device: str | None, imports: tuple[str, ...]) -> int:
    """Print the worker protocol on one screen: its version, its messages, a short example.

    --check says step by step whether a worker speaks it, and stops at the first wrong answer.
    """
    if as_schema and check:
        raise click.UsageError("--schema and --check do not go together")
    if as_schema:
        from harness import schema

        click.echo(schema.text(schema.all_schemas()["protocol"]), nl=False)
        return Exit.OK
    if check is not None:
        return _check(check, device, imports, timeout)
    from harness import protocol

    click.echo(
        f"protocol {protocol.VERSION}: one JSON object per line, on the worker's stdin and stdout; docs/protocol.md"
    )
    for title, messages in (("the harness sends", protocol.Order), ("the worker answers", protocol.Answer)):
        click.echo(f"\n{click.style(title, bold=True)}")
        for message in typing.get_args(messages):
            meaning = _plain(" ".join((message.__doc__ or "").split()))
            click.echo(f"  {message.__struct_config__.tag:<14}{meaning}")
    click.echo(f"\n{click.style('example', bold=True)} (> to the worker, < from it; each is one line)")
    for sign, line in example():
        click.echo(f"{sign} " + laid_out(json.loads(line), WIDTH).replace("\n", "\n  "))
    return Exit.OK


def _plain(text: str) -> str:
    """A docstring's sentence with the names that messages have on the wire."""
    return re.sub(r"`([A-Z][a-z]+)`", lambda found: f"`{found[1].lower()}`", text.replace("``", "`"))


def example() -> Iterator[tuple[str, bytes]]:
    """A conversation about `y = tensor(a) * 2`."""
    from harness import protocol
    from harness.cases import Case
    from harness.language.export import Program, StepTree

    steps = (StepTree(ast.parse("y = tensor(a) * 2").body, [ast.parse("y", mode="eval").body], False),)
    engine = protocol.EngineOrder(name="./mine", folder="/mine", module="", class_name="Engine", install="")
    start = protocol.Start(
        protocol=protocol.VERSION, engine=engine, device=None, imports=[], graphs=False, memory=2**32
    )
    yield ">", protocol.line(start)
    yield (
        "<",
        protocol.line(
            protocol.CapabilitiesAnswer(
                protocol=protocol.VERSION, version="0.3", runtime="node 22.1", names=["tensor"], attributes=["grad"]
            )
        ),
    )
    yield ">", protocol.program(0, Program("demo/double", "double.yaml", ("a",), steps, False))
    yield ">", protocol.line(protocol.run(1, 0, Case("demo/double", {"a": 1.5}, (1.5,), ())))
    seen = protocol.StepData(observed=[{"dtype": "float32", "shape": [], "values": 3.0}])
    yield "<", protocol.line(protocol.Result(run=1, seconds=0.0001, steps=[seen]))
    yield ">", protocol.line(protocol.Stop())


def laid_out(data: Any, width: int, indent: int = 0, taken: int = 0) -> str:
    """JSON over as few lines as ``width`` allows; ``taken``: characters that stand before it on its first line."""
    flat = json.dumps(data, ensure_ascii=False)
    if len(flat) + taken <= width or not isinstance(data, (dict, list)) or not data:
        return flat
    inner, parts = indent + 1, []
    if isinstance(data, dict):
        for key, value in data.items():
            head = f"{json.dumps(key)}: "
            parts.append(head + laid_out(value, width, inner, inner + len(head)))
    else:
        parts = [laid_out(value, width, inner, inner) for value in data]
    lines, sign = [""], "{}" if isinstance(data, dict) else "[]"
    for number, part in enumerate(parts):
        end = "," if number < len(parts) - 1 else sign[1]
        if lines[-1] and ("\n" in lines[-1] or "\n" in part or inner + len(lines[-1]) + len(part) + 2 > width):
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + part + end
    return sign[0] + ("\n" + " " * inner).join(lines)


def _check(name: str, device: str | None, imports: tuple[str, ...], timeout: float) -> int:
    import os

    from harness import conversation
    from harness.cli import common
    from harness.execution import machine
    from harness.run import target
    from harness.text import printable

    if os.name != "posix":
        raise click.UsageError("workers need a POSIX system")
    found = common.candidate(name)
    asked = target(found, device, imports, graphs=True)
    for stage in conversation.walk(asked, found.file, answer=timeout * machine.factor()):
        if not stage.wrong:
            sign, note = ("○", stage.left_out) if stage.left_out else ("✓", stage.note)
            click.echo(f"  {sign} {stage.claim}" + (f"  ({note})" if note else ""))
            continue
        click.echo(click.style(f"  ✗ {stage.claim}", fg="red", bold=True))
        click.echo("    " + stage.wrong.replace("\n", "\n      "))
        if stage.case is not None:
            from harness.cli.explain_ import show_failure
            from harness.values import inline

            if stage.case.parameters:
                told = (f"{name} = {inline(value)}" for name, value in stage.case.parameters.items())
                click.echo("  with " + ", ".join(told))
            for failure in stage.case.failures:
                show_failure(failure)
        if stage.advice:
            click.echo(f"    what to do: {printable(stage.advice)}")
        return Exit.NONCONFORMING
    click.echo(f"It speaks protocol {_version()}. Next: harness run --engine {name}")
    return Exit.OK


def _version() -> str:
    from harness import protocol

    return protocol.VERSION
