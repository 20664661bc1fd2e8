"""The adapter of HIPS autograd: reading, containers, what the engine says to lack."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness import plugins
from harness.engine import Array, Opaque

pytest.importorskip("autograd", reason="HIPS autograd is not installed here")
pytest.importorskip("scipy", reason="SciPy is not installed here")


def engine() -> Any:
    return plugins.load(plugins.find("autograd"), None).engine


def test_values_are_read_with_their_dtypes() -> None:
    made = engine()
    assert made.read(np.float32(2)) == Array("float32", (), 2.0)
    assert made.read((np.array([1]), None)) == [Array("int64", (1,), [1]), None]
    assert made.read(made.names["float16"]) == made.read(np.dtype("float16")) == "float16"
    assert made.read(object()) == Opaque("object")


def test_several_results_are_traced() -> None:
    """A plain tuple would cut the trace, and every gradient would be 0."""
    _, pull = engine().names["func.vjp"](lambda x: (x * 2, x * 3), np.ones(2))
    assert [part.tolist() for part in pull((np.ones(2), np.ones(2)))] == [[5, 5]]


def test_its_own_word_for_what_it_lacks() -> None:
    made = engine()
    import autograd.numpy

    with pytest.raises(NotImplementedError) as told:
        made.names["func.vjp"](autograd.numpy.cumprod, np.ones(2))
    assert made.lacks(told.value) and not made.lacks(ValueError("shapes do not match"))
