"""PyTorch's transforms and compilers as engines."""

from __future__ import annotations

from typing import Any

import pytest

from harness import plugins
from harness.engine import EngineUnusable

torch = pytest.importorskip("torch", reason="PyTorch is not installed here")


def engine(name: str) -> Any:
    return plugins.load(plugins.find(name), None).engine


def test_functions_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reverse pass runs what the backend compiled, once for each direction."""
    asked: list[Any] = []
    real = torch.compile

    def compiled(function: Any, *, backend: str) -> Any:
        asked.append(backend)
        return real(function, backend=backend)

    monkeypatch.setattr(torch, "compile", compiled)
    made = engine("torch-aot-eager")
    value, pull = made.names["func.vjp"](lambda x: x.sin(), torch.tensor([0.0]))
    assert value.tolist() == [0.0]
    assert pull(torch.tensor([3.0]))[0].tolist() == [3.0]
    assert asked == ["aot_eager"]


def test_words_that_pass_by_the_compiler_are_not_there() -> None:
    """What would be eager PyTorch's answer is not given as the compiler's."""
    names = engine("torch-aot-eager").names
    assert "functional.jacobian" not in names
    assert "func.linearize" not in names
    assert "gradcheck" not in names


def test_inductor_needs_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one, the engine says what to install."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineUnusable, match="install g"):
        engine("torch-inductor")
