"""The adapter of micrograd."""

from __future__ import annotations

import pytest

from harness.engine import Array, Unsupported
from harness.plugins import find, load

pytest.importorskip("micrograd")


def test_a_value_is_one_number() -> None:
    """It reads as a tensor without dimensions, whatever Python number it holds; lists are refused, not taken apart."""
    engine = load(find("micrograd"), None).engine
    assert engine.read(engine.names["tensor"](2)) == Array("float64", (), 2.0)
    with pytest.raises(Unsupported, match="one number"):
        engine.names["tensor"]([1.0, 2.0])


def test_a_forgotten_gradient_is_zero() -> None:
    """None in a program is what micrograd's own zero_grad writes, so that the next backward() can add to it."""
    engine = load(find("micrograd"), None).engine
    x = engine.names["tensor"](3.0)
    (x * x).backward()
    engine.setters["grad"](x, None)
    assert x.grad == 0
    (x * 5).backward()
    assert x.grad == 5
