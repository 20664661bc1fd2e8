"""Paddle's adapter: reading, spelling, the package it takes for Paddle."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from harness import plugins
from harness.engine import Array, EngineUnusable, Opaque, Unsupported
from harness.language import kinds

paddle = pytest.importorskip("paddle", reason="PaddlePaddle is not installed here")


def engine() -> Any:
    return plugins.load(plugins.find("paddle"), None).engine


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64", "int64"])
def test_every_dtype_is_read_by_its_name(dtype: str) -> None:
    """Those that NumPy does not have are read as numbers, too."""
    made = engine()
    assert made.read(made.names["tensor"]([1, 2], dtype=made.names[dtype])) == Array(dtype, (2,), [1, 2])


def test_what_is_no_data_is_opaque() -> None:
    """A hook's handle is named by its class."""
    handle = paddle.to_tensor(1.0, stop_gradient=False).register_hook(lambda gradient: gradient)
    assert isinstance(engine().read(handle), Opaque)


def test_keywords_are_respelled() -> None:
    """Paddle's axis is the language's dim, but for operations that have dim."""
    made = engine()
    x = made.names["tensor"]([[1.0, 2.0], [3.0, 4.0]])
    assert made.read(made.names["sum"](x, dim=0)).values == [4, 6]
    assert made.read(made.names["cumprod"](x, dim=0)).values == [[1, 2], [3, 8]]


def test_its_kinds_are_kinds_of_the_vocabulary() -> None:
    """No row of the table names a kind that specs could not name."""
    assert {kind for kind, _, _ in engine().error_kinds} <= kinds.errors().keys()


def test_another_package_of_this_name_is_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is called paddle and has no to_tensor is something else."""
    monkeypatch.setitem(sys.modules, "paddle", ModuleType("paddle"))
    with pytest.raises(EngineUnusable, match="is not PaddlePaddle"):
        engine()


def test_options_that_stand_elsewhere_are_found_by_position() -> None:
    """Padding counts or does not count, and dropout has no axis behind its probability."""
    made = engine()
    x = made.names["tensor"]([[[1.0, 3.0]]])
    pool = made.names["avg_pool1d"]
    assert made.read(pool(x, 2, 2, 1, False, True)).values == [[[0.5, 1.5]]]
    assert made.read(pool(x, 2, 2, 1, False, False)).values == [[[1, 3]]]
    assert made.read(made.names["dropout"](x, 0.5, False)).values == [[[1, 3]]]


def test_what_pools_do_not_have_is_unsupported() -> None:
    """There are no windows with gaps."""
    made = engine()
    with pytest.raises(Unsupported):
        made.names["max_pool1d"](made.names["tensor"]([[[1.0, 3.0]]]), 1, 1, 0, 2)
