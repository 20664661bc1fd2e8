"""The adapter of tinygrad, on the interpreter that it has everywhere."""

from __future__ import annotations

import pytest

from harness.engine import Array, Engine, EngineUnusable, Unsupported
from harness.plugins import find, load

pytest.importorskip("tinygrad")


@pytest.fixture
def engine() -> Engine:
    return load(find("tinygrad"), "PYTHON").engine


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "int64"])
def test_dtypes_are_named_as_in_the_language(engine: Engine, dtype: str) -> None:
    """tinygrad calls them half, float, double, int and long."""
    x = engine.names["tensor"]([1, 2], dtype=engine.names[dtype])
    assert engine.read(x) == Array(dtype, (2,), [1, 2])
    assert engine.read(engine.names[dtype]) == dtype


def test_a_number_is_a_leaf(engine: Engine) -> None:
    """It lies in memory, so that it gets a gradient; what has no memory is read all the same."""
    x = engine.names["tensor"](3.0)
    (x * x).backward()
    assert engine.read(x.grad) == Array("float32", (), 6.0)
    assert engine.read(x.gradient(x)[0]) == Array("float32", (), 1.0)


def test_gradients_are_of_one_tensor(engine: Engine) -> None:
    x = engine.names["tensor"]([1.0, 2.0])
    with pytest.raises(Unsupported):
        engine.names["grad"]([x.sum(), (2 * x).sum()], [x])


def test_what_the_operation_does_not_take_is_unsupported(engine: Engine) -> None:
    x, t = engine.names["tensor"]([[1.0, 2.0]]), engine.names["tensor"](1)
    with pytest.raises(Unsupported):
        engine.names["squeeze"](x, [0, 1])
    with pytest.raises(Unsupported):
        engine.names["nll_loss"](x[0], t)


def test_a_machine_without_the_device_says_what_would_help() -> None:
    with pytest.raises(EngineUnusable, match="--device PYTHON"):
        load(find("tinygrad"), "QCOM")
