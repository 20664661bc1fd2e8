"""The adapter of MyGrad."""

from __future__ import annotations

from typing import Any

import pytest

from harness.engine import Array, Engine, Unsupported
from harness.plugins import find, load

pytest.importorskip("mygrad")


@pytest.fixture
def engine() -> Engine:
    return load(find("mygrad"), None).engine


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
def test_dtypes_are_kept(engine: Engine, dtype: str) -> None:
    """A tensor, the array of a gradient and a comparison all read as arrays, with the dtype they have."""
    x = engine.names["tensor"]([1, 2], dtype=engine.names[dtype])
    assert engine.read(x) == Array(dtype, (2,), [1, 2])
    assert engine.read(engine.names[dtype]) == dtype
    assert engine.read(x > 1) == Array("bool", (2,), [False, True])


def test_a_leaf_is_a_variable_where_the_flag_says_so(engine: Engine) -> None:
    """Floats are variables by MyGrad's default; the language's default is no flag."""

    def tracked(**keywords: Any) -> Any:
        return engine.attributes["requires_grad"](engine.names["tensor"]([1.0], **keywords))  # type: ignore[operator]

    assert (tracked(), tracked(requires_grad=True)) == (False, True)


def test_what_would_need_other_operations_is_refused(engine: Engine) -> None:
    """max() over an axis has no positions here, and a sum of losses no function."""
    x = engine.names["tensor"]([[1.0, 2.0]])
    with pytest.raises(Unsupported):
        engine.names["max"](x, 1)
    with pytest.raises(Unsupported):
        engine.names["cross_entropy"](x, engine.names["tensor"]([0]), reduction="sum")
