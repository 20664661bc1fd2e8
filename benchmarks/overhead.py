"""What the harness costs over the bare computation: the suite's own programs, through the harness and by hand.

    python benchmarks/overhead.py [--engine torch] [--rounds 30]

For every case, in one process and in turn: the program as a person would type it (no checks at all, errors caught where
the spec expects one), and the same case through the harness (run, observe, judge). Prints the ratio over the whole suite,
the worst cases, and where the time goes. Times are minima over the rounds: the least disturbed run of each.
"""

from __future__ import annotations

import argparse
import io
import math
import textwrap
import time
from collections.abc import Callable
from typing import Any

import msgspec

from harness import cases, execute, explain, plugins, selection
from harness.language.load import CheckedSpec
from harness.language.words import NAMES
from harness.plugins import Loaded


def bare(checked: CheckedSpec, loaded: Loaded) -> Callable[..., None]:
    """The spec's program as a plain function over the engine's own names; expectations are not looked at."""
    lines = [f"def case({', '.join(checked.parameters)}):"]
    for step, tree in zip(checked.spec.steps, checked.trees, strict=True):
        statements = [explain.python(statement) for statement in tree.body]
        if step.raises:
            last = statements.pop()
            statements.append(f"try:\n{textwrap.indent(last, '    ')}\nexcept Exception:\n    pass")
        lines += [textwrap.indent(statement, "    ") for statement in statements]
    scope: dict[str, Any] = {word: loaded.engine.names[word] for word in NAMES if word in loaded.engine.names}
    exec("\n".join(lines), scope)
    function: Callable[..., None] = scope["case"]
    return function


def best(rounds: int, *functions: Callable[[], Any]) -> list[float]:
    """Seconds of each function: the minimum over ``rounds``, the functions in turn."""
    least = [float("inf")] * len(functions)
    clock = time.perf_counter
    for _ in range(rounds):
        for number, function in enumerate(functions):
            begun = clock()
            function()
            least[number] = min(least[number], clock() - begun)
    return least


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--engine", default="torch")
    options.add_argument("--rounds", type=int, default=30)
    given = options.parse_args()
    loaded = plugins.load(plugins.find(given.engine), None)
    (loading,) = best(3, selection.suite)
    specs = selection.suite()
    rows: list[tuple[float, float, str]] = []
    compiling = judging = encoding = 0.0
    encoder = msgspec.json.Encoder()
    sink = io.BytesIO()
    with execute.listening() as collected:
        session = execute.Session(loaded, collected)
        for checked in specs:
            if session.refused(checked)[0] is not None:
                continue
            begun = time.perf_counter()
            program = execute.compile_spec(checked, loaded, collected.take)
            compiling += time.perf_counter() - begun
            by_hand = bare(checked, loaded)
            for case in program.cases:
                values = [loaded.engine.names[v] if cases.is_dtype(v) else v for v in case.values]
                line = session.run_case(program, case)
                assert line.status == "pass", line

                def through() -> None:
                    session.run_case(program, case)  # noqa: B023 - called within this turn of the loop

                harness_time, bare_time = best(given.rounds, through, lambda: by_hand(*values))  # noqa: B023
                rows.append((harness_time, bare_time, case.id))
                (running,) = best(given.rounds, lambda: program.runner.call([].append, *map(execute.fresh, values)))  # noqa: B023
                judging += harness_time - running
                (writing,) = best(3, lambda: sink.write(encoder.encode(line)))  # noqa: B023
                encoding += writing
                collected.ready()
    total, plain = sum(row[0] for row in rows), sum(row[1] for row in rows)
    print(f"{loaded.file.name} {loaded.engine.version}, {len(rows)} cases, minima over {given.rounds} rounds")
    each = 1e6 / len(rows)
    print(
        f"  harness over bare code, whole suite: {total / plain:.2f}  ({total * each:.0f} us over {plain * each:.0f} us a case)"
    )
    ratios = sorted((h / b, id) for h, b, id in rows)
    mean = math.exp(sum(math.log(ratio) for ratio, _ in ratios) / len(ratios))
    print(f"  the cases' own ratios: median {ratios[len(ratios) // 2][0]:.2f}, geometric mean {mean:.2f}; the largest:")
    for ratio, id in ratios[-5:][::-1]:
        print(f"    {ratio:5.2f}  {id}")
    print("  where the time goes, us a case:")
    for what, seconds in (
        ("bare program", plain),
        ("observing (compiled program over bare)", total - plain - judging),
        ("judging", judging),
        ("writing the record's line", encoding),
    ):
        print(f"    {seconds * each:7.1f}  {what}")
    print("  once:")
    print(f"    {loading * 1e3:7.1f} ms  loading and checking {len(specs)} spec files")
    print(f"    {compiling * 1e3:7.1f} ms  compiling them for the engine")


if __name__ == "__main__":
    main()
