"""The adapter of JAX: 64-bit numbers, reading, devices."""

from __future__ import annotations

from typing import Any

import pytest

from harness import plugins
from harness.engine import Array, EngineUnusable, Opaque

pytest.importorskip("jax", reason="JAX is not installed here")


def engine(device: str | None = None) -> Any:
    return plugins.load(plugins.find("jax"), device).engine


def test_numbers_have_64_bits_unless_a_dtype_says_otherwise() -> None:
    made = engine()
    tensor = made.names["tensor"]
    assert made.read(tensor([1.5])) == Array("float64", (1,), [1.5])
    assert made.read(tensor([1])) == Array("int64", (1,), [1])
    assert made.read(tensor(0.5, dtype=made.names["bfloat16"])) == Array("bfloat16", (), 0.5)


def test_what_is_no_array_is_read_as_well() -> None:
    made = engine()
    assert made.read((made.names["float32"], made.names["tensor"](1.0).dtype)) == ["float32", "float64"]
    assert made.read([None, True]) == [None, True]
    assert made.read(object()) == Opaque("object")


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(EngineUnusable, match="abacus"):
        engine("abacus")


def test_its_own_word_for_ranks_that_it_does_not_take() -> None:
    made = engine()
    with pytest.raises(ValueError) as told:
        made.names["sum"](made.names["tensor"](1.0), dim=0)
    assert made.lacks(told.value) and not made.lacks(ValueError("shapes do not match"))
    flat = made.names["flatten"]
    assert flat(made.names["tensor"](1.0)).shape == (1,)
    assert flat(made.names["tensor"]([[[1.0]], [[2.0]]]), 0, 1).shape == (2, 1)
