"""The adapter of MindSpore: reading, the form of results, what the engine says to lack."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from harness import plugins
from harness.engine import Array, EngineUnusable, Opaque, Unsupported

ms: Any = pytest.importorskip("mindspore", reason="MindSpore is not installed here")


def engine() -> Any:
    return plugins.load(plugins.find("mindspore"), None).engine


def test_values_are_read_with_their_dtypes() -> None:
    made = engine()
    assert made.read(ms.Tensor(2.0)) == Array("float32", (), 2.0)
    assert made.read((ms.Tensor([1]), None)) == [Array("int64", (1,), [1]), None]
    assert made.read(ms.Tensor([[True]])) == Array("bool", (1, 1), [[True]])
    assert made.read(ms.Tensor([0.5], ms.bfloat16)) == Array("bfloat16", (1,), [0.5])
    assert made.read(made.names["bfloat16"]) == "bfloat16"
    assert made.read(object()) == Opaque("object")


def test_results_have_the_form_of_the_functions() -> None:
    made, x = engine(), ms.Tensor([3.0])
    value, pull = made.names["func.vjp"](lambda x: x * x, x)
    assert (value.item(), pull(ms.Tensor([1.0]))[0].item()) == (9, 6)
    (gradient,) = made.names["func.grad"](lambda x: (x * x).sum(), argnums=(0,))(x)
    assert gradient.item() == 6
    gradient, value = made.names["func.grad_and_value"](lambda x: (x * x).sum())(x)
    assert (gradient.item(), value.item()) == (6, 9)
    gradient, aux = made.names["func.grad"](lambda x: ((x * x).sum(), x * 10), has_aux=True)(x)
    assert (gradient.item(), aux.item()) == (6, 30)


def test_functions_of_no_module_are_differentiated() -> None:
    made = engine()
    scope: dict[str, Any] = {}
    exec("def square(x): return x * x", scope)
    assert made.names["func.grad"](scope["square"])(ms.Tensor(3.0)).item() == 6


def test_an_index_that_failed_does_not_fail_the_next_case() -> None:
    made, x = engine(), ms.Tensor([2.0, 3.0])
    with pytest.raises(TypeError, match="as index"):
        ms.grad(lambda x: ms.grad(lambda x: x[0] ** 3)(x).sum())(x)
    made.reset()
    assert x[0].item() == 2


def test_tensors_without_elements_are_none_of_its_answers() -> None:
    with pytest.raises(Unsupported, match="zero"):
        engine().names["tensor"]([])


def test_its_own_word_for_what_it_lacks() -> None:
    made = engine()
    with pytest.raises(RuntimeError) as told:
        ms.mint.std(ms.Tensor([1.0, 2.0]))
    assert made.lacks(told.value) and not made.lacks(ValueError("shapes do not match"))


def test_another_package_of_the_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = type(engine())
    monkeypatch.setattr(sys.modules[adapter.__module__], "ms", ModuleType("mindspore"))
    with pytest.raises(EngineUnusable, match="not Huawei's"):
        adapter()
