"""Expected gradients are confirmed by oracles that share no derivative rule with any engine: exact forward mode, differences."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mpmath", reason="mpmath is not installed here")

from harness.language.load import load_file
from harness.record import Status, read
from harness.selection import written
from tests.conftest import Harness, SpecFile
from tests.oracle import substrate
from tests.oracle.confirm import CONFIRMED, CONTRADICTED, EXCEPTED, Finding, exceptions, findings
from tests.oracle.differences import answers
from tests.oracle.quotients import slope
from tests.oracle.replay import Unanswerable
from tests.oracle.stated import questions


def test_the_exact_oracle_contradicts_no_spec(harness: Harness, tmp_path: Path) -> None:
    """A spec that the oracle fails is wrong until somebody shows that the oracle is."""
    assert harness("run", "--engine", "exact", "--report", "none", "-o", "out").code == 0
    cases = read(tmp_path / "out" / "exact.jsonl").cases.values()
    assert {case.status for case in cases} <= {Status.PASS, Status.UNSUPPORTED, Status.NOT_APPLICABLE}


@pytest.fixture(scope="module")
def found() -> list[Finding]:
    return list(findings(written(), exceptions()))


def test_no_gradient_is_contradicted(found: list[Finding]) -> None:
    """What an oracle can speak of and does not confirm is wrong, or belongs on the list of exceptions with its reason."""
    assert [finding for finding in found if finding.outcome == CONTRADICTED] == []


def test_every_exception_is_needed(found: list[Finding]) -> None:
    assert exceptions().keys() - {finding.spec for finding in found if finding.outcome == EXCEPTED} == set()


def test_most_gradients_are_confirmed(found: list[Finding]) -> None:
    assert len(found) > 1000
    assert sum(finding.outcome in CONFIRMED for finding in found) > 0.6 * len(found)


# ---- the oracles themselves


def test_a_slope_is_a_derivative() -> None:
    assert slope(lambda h: (2 + h) ** 5, 2**-5) == pytest.approx(80, rel=1e-9)
    assert slope(lambda h: 7.0, 2**-5) == 0


@pytest.mark.parametrize("function", [abs, lambda h: max(h, 0.0), lambda h: h / abs(h) if h else 0.0])
def test_no_slope_at_a_kink(function: Callable[[float], float]) -> None:
    with pytest.raises(Unanswerable, match="not smooth"):
        slope(function, 2**-5)


RIGHT = {
    """run: |
  x = tensor([1., 2.], requires_grad=True)
  (x ** 3).sum().backward()
expect:
  x.grad: 3 * x ** 2
""": "a real leaf",
    """run: |
  z = tensor([1 + 2j], requires_grad=True)
  (z * z.conj()).real.sum().backward()
expect:
  z.grad: [2 + 4j]
""": "a complex leaf",
    """run: |
  x = tensor(3., requires_grad=True)
  y = x * x
  y.register_hook(lambda g: g * 5)
  (y + x.detach() * x).backward()
expect:
  x.grad: 33.
""": "a hook, and a constant of the program",
    """run: |
  x = tensor([0.5, 2.], requires_grad=True)
  g = grad(x.exp().sum(), x, create_graph=True)[0]
  h = grad((g * g).sum(), x)[0]
expect:
  h: 2 * exp(2 * x)
""": "the second order",
    """run: |
  w = tensor([1., 2.], requires_grad=True)
  for step in range(2):
      w.grad = None
      (w * w).sum().backward()
      with no_grad():
          w -= 0.25 * w.grad
expect:
  w.grad: [1., 2.]
""": "steps of an optimizer",
}


@pytest.mark.parametrize("text", RIGHT, ids=RIGHT.values())
def test_differences_confirm_what_is_right_and_nothing_else(text: str, spec_file: SpecFile) -> None:
    right, wrong = spec_file(text), spec_file(re.sub(r"(?m)^(  \S+: )(.*)\Z", r"\g<1>[7., 7.]", text.rstrip()))
    assert {finding.outcome for finding in findings(load_file(right), {})} <= CONFIRMED
    assert {finding.outcome for finding in findings(load_file(wrong), {})} == {CONTRADICTED}


def test_differences_use_no_derivative_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the reference would run back through is gone, and the answers are as before."""

    def refused(*_: Any) -> Any:
        raise AssertionError("a rule was asked")

    monkeypatch.setattr(substrate.record.OperationNode, "backward", refused)
    monkeypatch.setattr(substrate.several.SeveralNode, "backward", refused)
    asked = [question for question in questions(written()) if question.checked.spec.area in ("backward", "vjp")]
    assert len(asked) > 20
    for question in asked:
        assert not any(isinstance(answer, AssertionError) for answer in answers(question))
