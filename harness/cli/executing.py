"""How a run is executed: the options that say so, and the executor that they mean."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import click

from harness.cli import common
from harness.cli.options import several
from harness.execution import Executor, Limits
from harness.plugins import Candidate

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
ISOLATE = ("none", "worker", "case")


def _size(context: click.Context, option: click.Parameter, value: str | None) -> int:
    """``4G`` -> bytes."""
    if value is None:
        return 0
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", value.strip(), re.IGNORECASE)
    size = int(float(found[1]) * UNITS[found[2].upper()]) if found and len(value) < 20 else -1
    if size < 64 * 2**20:
        raise click.UsageError(f"--memory {value!r}: write a size such as 4G or 800M, 64M at least")
    return size


limits = several(
    click.option(
        "--isolate",
        type=click.Choice(ISOLATE),
        default="worker" if os.name == "posix" else "none",
        show_default=True,
        help="none: in this process. worker: in processes that many cases share. case: each case in a fresh one.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(0.01, 86_400),
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        help="For one case, on a machine of usual speed; more on a slower one.",
    ),
    click.option("--memory", callback=_size, metavar="SIZE", help="For one worker: 4G, 800M.  [default: a fair share]"),
)

options = several(
    click.option(
        "-j",
        "--jobs",
        type=click.IntRange(1, 4096),
        metavar="N",
        help="Worker processes that may be busy at once.  [default: the cores of this machine]",
    ),
    click.option(
        "--executor",
        "kind",
        type=click.Choice(("local", "ray")),
        default="local",
        show_default=True,
        help="Where workers run: on this machine, or on the nodes of a Ray cluster.",
    ),
    click.option(
        "--address",
        metavar="A",
        help="The Ray cluster that this machine belongs to: host:port, or auto.  [default: a Ray of this machine alone]",
    ),
    limits,
    click.option(
        "--python",
        "pythons",
        multiple=True,
        metavar="[E=]PATH",
        help="Run engines (or only engine E) in this interpreter; several make several runs (repeatable).",
    ),
)


def executor(
    jobs: int | None, isolate: str, timeout: float, memory: int, kind: str = "local", address: str | None = None
) -> Executor:
    """What the options mean. Raises `click.UsageError` where they contradict each other."""
    from harness.execution import machine

    if kind == "ray":
        return _ray(jobs, isolate, Limits(timeout, memory), address)
    if address is not None:
        raise click.UsageError("--address is of a Ray cluster: it needs --executor ray")
    if isolate == "none":
        from harness.execution.inline import Inline

        return Inline(common.steady)
    if os.name != "posix":
        raise click.UsageError("workers need a POSIX system; use --isolate none here")
    from harness.execution.local import Local

    return Local(jobs or machine.cores(), Limits(timeout * machine.factor(), memory), each_alone=isolate == "case")


def _ray(jobs: int | None, isolate: str, limits: Limits, address: str | None) -> Executor:
    """Limits as they were given: each node knows how fast it is."""
    if isolate == "none":
        raise click.UsageError("--executor ray runs engines in processes of its nodes: --isolate none is not for it")
    try:
        from harness.execution.ray import NoCluster, Ray

        return Ray(jobs, limits, address or "", each_alone=isolate == "case")
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise click.UsageError('--executor ray needs Ray: pip install "autograd-conformance[ray]"') from None
    except NoCluster as error:
        raise click.UsageError(f"--executor ray: {error}") from None


def in_pythons(candidates: Sequence[Candidate | Any], pythons: Sequence[str]) -> list[Candidate | Any]:
    """Every engine once for every interpreter that ``--python`` names for it; without one, as its engine.yaml says."""
    chosen: list[tuple[str, str]] = []
    names = [candidate.file.name for candidate in candidates if isinstance(candidate, Candidate)]
    for given in pythons:
        engine, sign, path = given.partition("=")
        if sign and "/" not in engine:
            if engine not in names:
                raise click.UsageError(f"--python {given}: no engine {engine!r} in this run (but {', '.join(names)})")
            chosen.append((engine, path))
        else:
            chosen.append(("", given))
    out: list[Candidate | Any] = []
    for candidate in candidates:
        if not isinstance(candidate, Candidate):
            out.append(candidate)
            continue
        own = [path for engine, path in chosen if engine == candidate.file.name]
        mine = own or [path for engine, path in chosen if not engine]
        if mine and candidate.file.command:
            raise click.UsageError(
                f"--python: engine {candidate.file.name} is no Python; its engine.yaml has a command"
            )
        out += [candidate._replace(python=_interpreter(path)) for path in mine] or [candidate]
    return out


def _interpreter(path: str) -> str:
    """An interpreter's path; that of a virtual environment means the one in it."""
    path = os.path.expanduser(path)
    for inner in ("bin/python", "Scripts/python.exe"):
        if os.path.isfile(os.path.join(path, inner)):
            path = os.path.join(path, inner)
    return path if os.sep not in path else os.path.abspath(path)
