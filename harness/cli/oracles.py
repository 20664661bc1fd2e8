"""What ``harness check --oracles`` does: every table confronted with its oracles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import click

from harness.cli import common
from harness.language import documents
from harness.language.documents import Node, Place
from harness.language.load import CheckedSpec
from harness.plugins import Loaded
from harness.problems import InputError, Problem
from harness.record import CaseLine, Standing, Status
from harness.text import plural


class Told(NamedTuple):
    """What the oracles say of one row."""

    problems: list[Problem]
    differences: int
    exact: int
    worst: float


def confront(files: Iterable[Path], specs: Sequence[CheckedSpec], engine: str) -> list[Problem]:
    """Everything in which tables and their oracles disagree; says how much agrees."""
    tables = [path for path in files if is_table(path)]
    rows = [(path, name) for path in tables for name in names(path)]
    problems: list[Problem] = []
    differences = exact = 0
    worst = 0.0
    with ProcessPoolExecutor() as pool:
        for told in pool.map(row, *zip(*rows, strict=True), chunksize=4) if rows else ():
            problems += told.problems
            differences, exact = differences + told.differences, exact + told.exact
            worst = max(worst, told.worst)
    click.echo(f"{plural(len(rows), 'row')} of {plural(len(tables), 'table')}")
    click.echo(f"  {plural(differences, 'gradient')} agree with differences of the value's formula, to {worst:.0e}")
    click.echo(f"  {plural(exact, 'number')} of hard points agree with sixty digits")
    loaded = common.engine(engine, None, ())
    counts, wrong = asked(loaded, [spec for spec in specs if spec.path in set(tables)])
    others = ", ".join(f"{count:,} {status.value}" for status, count in counts.items() if status is not Status.PASS)
    click.echo(
        f"  {counts[Status.PASS]:,} cases agree with {engine} {loaded.engine.version}"
        + (f" ({others})" if others else "")
    )
    return problems + wrong


def is_table(path: Path) -> bool:
    from harness.tables import expand

    return expand.is_table(documents.read(path))


def names(path: Path) -> list[str]:
    node = documents.read(path)
    assert isinstance(node, documents.Mapping)
    _, rows = node.items["rows"]
    return [*rows.items] if isinstance(rows, documents.Mapping) else []


def row(path: Path, name: str) -> Told:
    """One row of a table: its formulas against differences, its hard points against exact arithmetic."""
    import numpy as np

    from harness.language.formulas import BadFormula
    from harness.tables import expand, oracles
    from harness.tables.numbers import BadNumbers

    shown, place, node = only(path, name)
    try:
        table, _ = expand.read(node, shown)
        with np.errstate(all="ignore"):
            by_differences, exactly = [*oracles.differences(table)], [*oracles.exact(table)]
    except (BadFormula, BadNumbers) as error:
        return Told([Problem(shown, *place, f"row {name!r}: {error}")], 0, 0, 0.0)
    except InputError as error:
        return Told(error.problems, 0, 0, 0.0)
    problems = [
        Problem(shown, *place, f"row {name!r}, {found.what}: {found.text}")
        for found in (*by_differences, *exactly)
        if found.text
    ]
    good = [found.error for found in by_differences if not found.text]
    return Told(problems, len(good), sum(not found.text for found in exactly), max(good, default=0.0))


def only(path: Path, name: str) -> tuple[str, Place, Node]:
    """The table with one row alone."""
    node = documents.read(path)
    assert isinstance(node, documents.Mapping)
    key, rows = node.items["rows"]
    assert isinstance(rows, documents.Mapping)
    alone = documents.Mapping(rows.place, {name: rows.items[name]})
    return str(path), rows.items[name][0], documents.Mapping(node.place, {**node.items, "rows": (key, alone)})


def asked(loaded: Loaded, specs: Sequence[CheckedSpec]) -> tuple[Counter[Status], list[Problem]]:
    """What an engine that knows nothing of the tables says of their cases."""
    from harness import execute
    from harness.gate import Gate

    gate = Gate(loaded.file, loaded.engine.version)
    counts: Counter[Status] = Counter()
    problems = []
    with common.steady(), execute.listening() as heard:
        session = execute.Session(loaded, heard)
        for spec in specs:
            for line in session.run_spec(spec):
                case = gate.standing(line)
                counts[case.status] += 1
                if case.standing is Standing.UNEXPECTED:
                    problems.append(Problem(spec.file, spec.line, 1, f"{case.id}: {loaded.file.name} {said(case)}"))
    return counts, problems


def said(case: CaseLine) -> str:
    if not case.failures:
        return f"ends in {case.status.value}: {case.reason}"
    from harness import values

    expected, observed = values.one_line(case.failures[0])
    return f"has another {case.failures[0].expression or case.failures[0].what}: {observed}, the table says {expected}"
