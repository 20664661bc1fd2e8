"""The adapter of MLX: reading, the form of results, what the engine says to lack."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from harness import plugins
from harness.engine import Array, EngineUnusable, Opaque, Unsupported

mx: Any = pytest.importorskip("mlx.core", reason="MLX is not installed here")


def engine() -> Any:
    return plugins.load(plugins.find("mlx"), None).engine


def test_values_are_read_with_their_dtypes() -> None:
    made = engine()
    assert made.read(mx.array(2.0)) == Array("float32", (), 2.0)
    assert made.read((mx.array([1]), None)) == [Array("int32", (1,), [1]), None]
    assert made.read(mx.array([[True]])) == Array("bool", (1, 1), [[True]])
    assert made.read(made.names["bfloat16"]) == "bfloat16"
    assert made.read(object()) == Opaque("object")


def test_results_have_the_form_of_the_functions() -> None:
    made, x = engine(), mx.array([3.0])
    value, pull = made.names["func.vjp"](lambda x: x * x, x)
    assert (value.item(), pull(mx.ones(1))[0].item()) == (9, 6)
    both, pull = made.names["func.vjp"](lambda x: (x, x * x), x)
    assert [part.item() for part in both] == [3, 9] and pull((mx.ones(1), mx.ones(1)))[0].item() == 7
    (gradient,) = made.names["func.grad"](lambda x: (x * x).sum(), argnums=(0,))(x)
    assert gradient.item() == 6


def test_gradients_in_another_order_are_none_of_its_answers() -> None:
    with pytest.raises(Unsupported, match="order of the arguments"):
        engine().names["func.grad"](lambda x, y: x * y, argnums=(1, 0))


def test_its_own_word_for_what_it_lacks() -> None:
    made, matrix = engine(), mx.eye(2)
    _, pull = made.names["func.vjp"](mx.linalg.inv, matrix)
    with pytest.raises(ValueError) as told:
        pull(matrix)
    assert made.lacks(told.value) and not made.lacks(ValueError("shapes do not match"))


def test_another_package_of_the_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = type(engine())
    monkeypatch.setattr(sys.modules[adapter.__module__], "mx", ModuleType("mlx.core"))
    with pytest.raises(EngineUnusable, match="not Apple's"):
        adapter()
