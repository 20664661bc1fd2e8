"""One case told line by line, its graph as text, and the script that reproduces it without the harness."""

from __future__ import annotations

import ast
import copy
import dataclasses
import math
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from harness import cases, execute, values
from harness.engine import Engine, Opaque
from harness.judge import shown
from harness.language.compile import complete
from harness.language.load import CheckedSpec
from harness.language.records import Step, plain
from harness.language.words import NAMES
from harness.plugins import Loaded
from harness.record import CaseLine, Check, GraphLine, Status


class Line(NamedTuple):
    """A line of the program and what was seen after it."""

    number: int
    text: str
    values: list[tuple[str, str]]
    """Names that are new or show something else than before."""
    notes: list[str]


class Told(NamedTuple):
    case: CaseLine
    lines: list[Line]


def run(checked: CheckedSpec, id: str, loaded: Loaded, collected: Any) -> Told:
    """Run one case and note what every line did."""
    session = execute.Session(loaded, collected, graphs=True)
    parameters = dict(checked.cases)[id]
    seen: dict[int, list[tuple[str, str]]] = {}
    before: dict[str, str] = {}

    def trace(line: int, names: dict[str, Any]) -> None:
        for name, value in names.items():
            if name.startswith("_") or name in parameters:
                continue
            text = _value_text(loaded.engine, value)
            if text is not None and before.get(name) != text:
                before[name] = text
                seen.setdefault(line, []).append((name, text))

    alone = dataclasses.replace(checked, chosen=frozenset([id]))
    (case,) = session.run_spec(alone, trace)
    if case.status in (Status.PASS, Status.FAIL, Status.ERROR):
        return Told(case, list(_told(checked, case, seen)))
    return Told(case, [Line(number, text, [], []) for number, text in _program_lines(checked)])


def _value_text(engine: Engine, value: Any) -> str | None:
    try:
        observed = engine.read(value)
    except Exception as error:  # an adapter that cannot read one value must not stop the telling
        return f"<unreadable: {type(error).__name__}>"
    return None if isinstance(observed, Opaque) else _short(shown(observed))


def _short(value: Any) -> str:
    """On one line of a terminal."""
    whole = values.inline(value)
    return whole if len(whole) <= values.ROOM else values.brief(value)


def _program_lines(checked: CheckedSpec) -> Iterator[tuple[int, str]]:
    for step, first in zip(checked.spec.steps, checked.lines, strict=True):
        yield from enumerate(step.run.rstrip().splitlines(), first)


def _told(checked: CheckedSpec, case: CaseLine, seen: dict[int, list[tuple[str, str]]]) -> Iterator[Line]:
    broken_off = next(
        (f.step for f in case.failures if f.what == "unexpected-error" and not _observed(checked, f)), None
    )
    for number, (step, tree) in enumerate(zip(checked.spec.steps, checked.trees, strict=True), 1):
        ends = {statement.lineno: statement.end_lineno or statement.lineno for statement in tree.body}
        values_at = {ends[line]: found for line, found in seen.items() if line in ends}
        reached = broken_off is None or number < broken_off
        for line, text in enumerate(step.run.rstrip().splitlines(), checked.lines[number - 1]):
            notes = [f"✗ {f.detail}" for f in case.failures if f.line == line and f.what == "unexpected-error"]
            if line == max(ends.values()):
                notes += list(_step_notes(checked, case, number)) if reached else ["not reached"]
            yield Line(line, text, values_at.get(line, []), notes)


def _observed(checked: CheckedSpec, failure: Check) -> bool:
    """Whether an error came from an observation: the steps behind it have run all the same."""
    return failure.expression in [entry.text for entry in checked.observations[failure.step - 1]]


def _step_notes(checked: CheckedSpec, case: CaseLine, number: int) -> Iterator[str]:
    step = checked.spec.steps[number - 1]
    failures = [failure for failure in case.failures if failure.step == number]
    if step.either:
        yield "does none of what is allowed" if any(f.allowed for f in failures) else "does one of what is allowed"
    if step.raises:
        missed = any(failure.what in ("no-error", "wrong-error") for failure in failures)
        yield f"should raise {step.raises}" if missed else f"raises {step.raises}"
    wrong = {failure.expression for failure in failures}
    judged = [entry.text for entry in checked.observations[number - 1] if entry.expectation is not None]
    yield from (
        f"{'✗' if text in wrong else '✓'} {text}" for text in [*judged, *sorted(wrong & _of_outcomes(step) - {*judged})]
    )
    for kind in step.warns:
        missed = any(failure.what == "missing-warning" and failure.expected == kind for failure in failures)
        yield f"should warn {kind}" if missed else f"warns {kind}"


def graph_lines(graph: GraphLine) -> Iterator[str]:
    """The graph as text, one node a line."""
    called = []
    for number, (label, role, names) in enumerate(graph.nodes):
        if role == "leaf":
            called.append(f"leaf {label}" if label != "leaf" else f"leaf #{number}")
        else:
            called.append(f"{', '.join(names)}: {label}" if names else f"{label} #{number}")
    for number, (_, role, _) in enumerate(graph.nodes):
        producers = [called[target] for source, target in graph.edges if source == number]
        if role != "leaf" or not any(target == number for _, target in graph.edges):
            yield called[number] + (f"  <-  {', '.join(producers)}" if producers else "")


# ---- stand-alone scripts


def script(checked: CheckedSpec, id: str, engine: Engine) -> str:
    """Python in the engine's own API that does what the case does and prints what the spec looks at."""
    words = {need.partition("(")[0] for need in checked.needs} & set(NAMES)
    given = dict(checked.cases)[id]
    parameters = {name: given[name] for name in checked.arguments}
    words |= {value for value in parameters.values() if cases.is_dtype(value)}
    head = engine.preamble(sorted(words)).rstrip()
    if not head and words:
        head = f"# The adapter says nothing of how its users get these names: {', '.join(sorted(words))}"
    parts = [_comment(f"{checked.spec.id}: {checked.spec.claim}"), "", head, ""]
    parts += [f"{name} = {_source(value)}" for name, value in parameters.items()]
    for step, tree, entries in zip(checked.spec.steps, checked.trees, checked.observations, strict=True):
        *before, last = [python(statement) for statement in tree.body]
        parts += before
        if step.may_raise:
            kinds = " or ".join(kind for kind in (step.raises, *(o.raises or "nothing" for o in step.either)) if kind)
            parts.append(
                f"try:\n{textwrap.indent(last, '    ')}\nexcept Exception as error:\n"
                f"    print('raised', type(error).__name__, error)  # expected: {kinds}\n"
                f"else:\n    print('raised nothing')  # expected: {kinds}"
            )
        else:
            parts.append(last)
        parts += [f"# expected warning: {kind}" for kind in step.warns]
        for entry, observed in zip(entries, tree.observed, strict=True):
            text = ast.unparse(observed)
            shows = f"print({text!r}, '=', {text})"
            if step.may_raise and entry.expectation is None:  # after an error there may be nothing to show
                shows = f"try:\n    {shows}\nexcept Exception as error:\n    print({text!r}, 'cannot be read:', error)"
            dues = [entry.expectation, *(o.expect[entry.text] for o in step.either if entry.text in o.expect)]
            said = " or ".join(str(_filled(plain(due), given)) for due in dues if due is not None)
            parts.append(f"{shows}\n{_comment(f'expected: {said}')}")
    return "\n".join(parts) + "\n"


def _comment(text: str) -> str:
    """Text from a spec in a script: always a comment, never code."""
    return textwrap.fill(" ".join(text.split()), 118, initial_indent="# ", subsequent_indent="# ")


def _filled(due: Any, given: Mapping[str, Any]) -> Any:
    """What is due, with the values of the parameters that it names."""
    if isinstance(due, dict):
        return {key: _filled(value, given) for key, value in due.items()}
    if isinstance(due, list):
        return [_filled(item, given) for item in due]
    return given.get(due, due) if isinstance(due, str) else due


def _source(value: Any) -> str:
    """A parameter as Python source."""
    if isinstance(value, list):
        return f"[{', '.join(map(_source, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return value if cases.is_dtype(value) else repr(value)


def _of_outcomes(step: Step) -> set[str]:
    return {text for outcome in step.either for text in outcome.expect}


class _Complete(ast.NodeTransformer):
    """Puts back what the language leaves out."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        complete(node)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        nan = isinstance(node.value, float) and math.isnan(node.value)  # has no literal
        return ast.Call(ast.Name("float", ast.Load()), [ast.Constant("nan")], []) if nan else node


def python(statement: ast.stmt) -> str:
    """A statement of the language as plain Python."""

    return ast.unparse(ast.fix_missing_locations(_Complete().visit(copy.deepcopy(statement))))
