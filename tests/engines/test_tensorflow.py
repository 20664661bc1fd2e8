"""The adapter of TensorFlow: reading, functions under a tape, what the engine says to lack."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from harness import plugins
from harness.engine import Array, EngineUnusable, Opaque

tf: Any = pytest.importorskip("tensorflow", reason="TensorFlow is not installed here")


def engine() -> Any:
    return plugins.load(plugins.find("tensorflow"), None).engine


def test_values_are_read_with_their_dtypes() -> None:
    made = engine()
    assert made.read(tf.constant(2.0)) == Array("float32", (), 2.0)
    assert made.read((tf.constant([1]), None)) == [Array("int32", (1,), [1]), None]
    assert made.read(made.names["bfloat16"]) == "bfloat16"
    assert made.read(tf.IndexedSlices(tf.ones((1, 2)), [1], [2, 2])) == Array("float32", (2, 2), [[0, 0], [1, 1]])
    assert made.read(object()) == Opaque("object")


def test_what_a_function_captures_is_a_constant() -> None:
    made, x = engine(), tf.constant(3.0)
    assert made.names["func.grad"](lambda t: t * x)(x).numpy() == 3
    _, pull = made.names["func.vjp"](lambda t: t * x, x)
    assert pull(tf.constant(1.0))[0].numpy() == 3


def test_what_a_result_does_not_depend_on_has_zeros() -> None:
    _, pull = engine().names["func.vjp"](lambda x, y: x * 2, tf.constant(3.0), tf.constant(4.0))
    assert [part.numpy() for part in pull(tf.constant(1.0))] == [2, 0]


def test_its_own_word_for_what_it_lacks() -> None:
    made = engine()
    with pytest.raises(tf.errors.InvalidArgumentError) as told:
        tf.matmul(tf.ones((2, 2)), tf.ones(2))
    assert made.lacks(told.value) and not made.lacks(ValueError("shapes do not match"))


def test_another_package_of_the_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = type(engine())
    monkeypatch.setattr(sys.modules[adapter.__module__], "tf", ModuleType("tensorflow"))
    with pytest.raises(EngineUnusable, match="not Google's"):
        adapter()


def test_forward_mode_has_the_form_of_the_functions() -> None:
    made, x = engine(), tf.constant([3.0])
    value, tangent = made.names["func.jvp"](lambda x: x * x, (x,), (tf.constant([0.5]),))
    assert (value.numpy(), tangent.numpy()) == (9, 3)
    _, tangents = made.names["func.jvp"](lambda x: (x * x, tf.constant([1.0])), (x,), (tf.constant([1.0]),))
    assert [part.numpy() for part in tangents] == [6, 0]
