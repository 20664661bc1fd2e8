"""Runs made by hand, and a way to load a report as the harness does: by path, under a private name."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.record import (
    FORMAT,
    CaseLine,
    Check,
    EngineInfo,
    Footer,
    GraphLine,
    Header,
    Run,
    SpecLine,
    Standing,
    Status,
    StepLine,
    Totals,
)

REPORTS = Path(__file__).parents[2] / "reports"
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)> ]]> \x00\x1b[31m\r\n::error::pwned 100% | `x` "
    "[a](javascript:alert(1)) <b>\u202eevil\ufffe {{ 7*7 }} &amp; \"quoted' @someone"
)

GRAPH = GraphLine(
    nodes=[
        ("sum", "root", ["loss"]),
        ("mul", "root", ["z"]),
        ("pow", "op", []),
        ("add", "op", []),
        ("x", "leaf", ["x"]),
        ("mul", "op", []),
        ("w", "leaf", ["w", "weight"]),
    ],
    edges=[(0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (5, 4), (5, 4), (5, 6), (0, 6)],
)


def load(name: str) -> ModuleType:
    """The plug-in ``reports/NAME`` as a package under a private name."""
    private = f"_report_{name}"
    if private not in sys.modules:
        folder = REPORTS / name
        spec = importlib.util.spec_from_file_location(
            private, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[private] = module
        spec.loader.exec_module(module)
    return sys.modules[private]


def tensor(values: Any, shape: list[int], dtype: str = "float64") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "values": values}


def spec(id: str, **changes: Any) -> SpecLine:
    fields: dict[str, Any] = {
        "id": id,
        "area": id.partition("/")[0],
        "claim": f"The claim of {id}.",
        "source": ["torch.Tensor.backward", "https://pytorch.org/docs/stable/notes/autograd.html"],
        "standing": "documented",
        "file": f"specs/{id}.yaml",
        "lineno": 1,
        "steps": [StepLine(run="x = tensor([1.], requires_grad=True)\ny = x * 2", line=7, expect={"y.is_leaf": False})],
    }
    return SpecLine(**fields | changes)


def case(id: str, status: str = "pass", standing: str = "expected", **changes: Any) -> CaseLine:
    return CaseLine(
        id=id,
        spec=re.sub(r"\[\d+\]$", "", id),
        status=Status(status),
        standing=Standing(standing),
        seconds=0.0012,
        **changes,
    )


def check(**changes: Any) -> Check:
    fields: dict[str, Any] = {
        "what": "value",
        "step": 2,
        "line": 14,
        "expression": "x.grad",
        "expected": tensor([[1.0, 2.0], [3.0, -40.5]], [2, 2]),
        "observed": tensor([[1.0, 2.0], [3.5, 40.5]], [2, 2]),
        "difference": 81.0,
        "where": [[1, 0], [1, 1]],
    }
    return Check(**fields | changes)


def run(
    specs: Iterable[SpecLine] = (),
    cases: Iterable[CaseLine] = (),
    *,
    complete: bool = True,
    selected: int | None = None,
    exit: int = 0,
    stale: list[str] | None = None,
    suite: str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    areas: dict[str, str] | None = None,
    **engine: Any,
) -> Run:
    specs, cases = list(specs), list(cases)
    info: dict[str, Any] = {"name": "torch", "title": "PyTorch", "version": "2.13.0"}
    statuses: dict[str, int] = {}
    for line in cases:
        statuses[line.status] = statuses.get(line.status, 0) + 1
    return Run(
        path="run.jsonl",
        header=Header(
            format=FORMAT,
            harness="0.1.0",
            suite=suite,
            engine=EngineInfo(**info | engine),
            python="3.11.7",
            platform="Linux-6.1-x86_64",
            started="2026-11-21T22:54:15Z",
            command=f"harness run --engine {engine.get('name', 'torch')}",
            cases=len(cases) if selected is None else selected,
            areas=areas or {},
        ),
        specs={line.id: line for line in specs},
        cases={line.id: line for line in cases},
        footer=Footer(
            totals=Totals(
                cases=len(cases),
                statuses=statuses,
                unexpected=sum(line.standing is Standing.UNEXPECTED for line in cases),
                stale=sum(line.standing is Standing.STALE for line in cases),
            ),
            seconds=1.25,
            exit=exit,
            stale=stale or [],
        )
        if complete
        else None,
    )


AREAS = {"leaf": "Leaves", "backward": "Backward", "hooks": "Hooks", "ops": "Operations"}


def everything(failing: bool = True) -> Run:
    """A run with one of each: pass, unexpected failures of several kinds, known and stale deviations, outside."""
    specs = [
        spec("leaf/is-leaf"),
        spec("leaf/requires-grad", standing="convention", note="Only floating point and complex dtypes may."),
        spec(
            "backward/gradient-weights",
            claim="backward(gradient=v) on a non-scalar output computes the vector-Jacobian product: each output "
            "element's gradient is weighted by the matching element of v.",
            cases=[{"v": [2, 2, 2], "grad": [48.0, 64.0, 80.0]}, {"v": [10, 1, 11], "grad": [240.0, 32.0, 440.0]}],
            steps=[
                StepLine(
                    run="x = tensor([1., 2., 3.], requires_grad=True)\nz = 4 * (x + 2) ** 2  # not a scalar\n",
                    line=12,
                    expect={"z.is_leaf": False},
                ),
                StepLine(run="z.backward()", line=17, raises="implicit-grad-non-scalar"),
                StepLine(run="z.backward(gradient=tensor(v))", line=19, expect={"x.grad": "grad"}),
                StepLine(run="g = z.grad", line=22, warns=["nonleaf-grad-access"], expect={"g": None}),
            ],
        ),
        spec("backward/second-backward", claim="A second backward through a freed graph is an error."),
        spec("hooks/order", claim="Hooks run in the order in which they were registered."),
        spec("hooks/post-accumulate"),
        spec("ops/cumsum", cases=[{"n": n} for n in range(1, 13)]),
        spec("ops/solve"),
    ]
    bad = "unexpected" if failing else "expected"
    failure = {"status": "fail", "standing": bad} if failing else {}
    weights = check(step=3, line=19, detail="values differ in 2 of 4 entries")
    freed = check(
        what="no-error",
        step=1,
        expression="z.backward()",
        expected="graph-freed",
        observed=None,
        difference=None,
        where=[],
        line=9,
    )
    cases = [
        case("leaf/is-leaf", graph=GRAPH),
        case("leaf/requires-grad"),
        case("backward/gradient-weights[1]", parameters=specs[2].cases[0], graph=GRAPH),
        case(
            "backward/gradient-weights[2]",
            parameters=specs[2].cases[1],
            graph=GRAPH,
            failures=[weights] if failing else [],
            **failure,
        ),
        case("backward/second-backward", failures=[freed] if failing else [], **failure),
        case(
            "hooks/order",
            "fail",
            failures=[
                check(expression="seen", expected=["a", "b"], observed=["b", "a"], difference=None, where=[[0], [1]])
            ],
            reason="hooks run in the order of a set",
            link="https://example.org/issues/7",
        ),
        case("hooks/post-accumulate", standing="stale", reason="was broken before 2.1"),
        *(case(f"ops/cumsum[{n}]", "unsupported", reason="lacks op:cumsum", parameters={"n": n}) for n in range(1, 13)),
        case(
            "ops/solve",
            "crash" if failing else "pass",
            bad,
            reason="the process died with signal 11" if failing else "",
        ),
    ]
    return run(
        specs, cases, exit=int(failing), stale=["hooks/post-*", "old/*"], areas=AREAS, homepage="https://pytorch.org"
    )


def hostile() -> Run:
    """A run whose every text attacks the reader's tools."""
    attack = check(
        expression=HOSTILE,
        detail=HOSTILE,
        expected=HOSTILE,
        observed={HOSTILE: [HOSTILE]},
        difference=HOSTILE,
        where=[],
    )
    line = spec(
        HOSTILE,
        area=HOSTILE,
        claim=HOSTILE,
        source=["javascript:alert(1)", "https://x.org/ onclick=alert(1)", HOSTILE],
        standing=HOSTILE,
        note=HOSTILE,
        file=HOSTILE,
        steps=[
            StepLine(run=HOSTILE, line=1, expect={HOSTILE: HOSTILE}, raises=HOSTILE, warns=[HOSTILE], message=HOSTILE)
        ],
        cases=[{HOSTILE: HOSTILE}],
    )
    graph = GraphLine(nodes=[(HOSTILE, HOSTILE, [HOSTILE]), ("x", "leaf", [])], edges=[(0, 0), (0, 1), (1, 0), (5, -7)])
    judged = [
        case(HOSTILE, "fail", "unexpected", failures=[attack], parameters={HOSTILE: HOSTILE}, graph=graph),
        case(f"{HOSTILE}[2]", "fail", reason=HOSTILE, link="javascript:alert(1)"),
        case(f"{HOSTILE}[3]", standing="stale", reason=HOSTILE, link=HOSTILE),
        case(f"{HOSTILE}[4]", "crash", "unexpected", reason=HOSTILE),
        case(f"{HOSTILE}[5]", "unsupported", reason=HOSTILE),
    ]
    return run(
        [line],
        judged,
        stale=[HOSTILE],
        suite=HOSTILE,
        areas={HOSTILE: HOSTILE},
        name=HOSTILE,
        title=HOSTILE,
        version=HOSTILE,
        device=HOSTILE,
        homepage="javascript:alert(1)",
        source=HOSTILE,
    )


def rendered(name: str, *runs: Run) -> str:
    """The one file that a report writes for these runs."""
    (text,) = load(name).render(runs).values()
    assert isinstance(text, str)
    return text


@pytest.fixture
def build() -> ModuleType:
    """This module: the builders, for tests that need a run of their own."""
    return sys.modules[__name__]


@pytest.fixture(name="everything")
def _everything() -> Run:
    return everything()


@pytest.fixture(name="hostile")
def _hostile() -> Run:
    return hostile()


@pytest.fixture
def cut() -> Run:
    """A run that was killed after 3 of 20 cases."""
    whole = everything()
    specs, cases = list(whole.specs.values()), list(whole.cases.values())
    return run(specs[:5], cases[:3], complete=False, selected=20, areas=AREAS, version="2.4.1")
