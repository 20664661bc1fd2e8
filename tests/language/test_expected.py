"""Expected values: evaluated by the harness in float64, with shape and dtype part of equality."""

from __future__ import annotations

from typing import Any

import pytest

from harness.engine import Array
from harness.judge import compare
from harness.language.expected import BadValue, evaluate, prepare


def judged(expected: Any, observed: Any, **more: Any) -> str | None:
    """What is wrong with ``observed``, or None."""
    names = more.pop("names", {})
    words = more.pop("words", False)
    default = more.pop("default", "float32")
    mismatch = compare(prepare(expected, words, names, default, **more), observed)
    return None if mismatch is None else mismatch.what


def f32(values: Any, *shape: int) -> Array:
    return Array("float32", shape, values)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 * x", [2.0, 4.0]),
        ("x ** 2 + y", [4.0, 7.0]),
        ("4 / 3 * (x + 2)", [4.0, 4 / 3 * 4]),
        ("[2 * y, x[1], -1]", [6.0, 2.0, -1]),
        ("x @ x", 5.0),
        ("sum(x) / 2", 1.5),
        ("exp(0 * x)", [1.0, 1.0]),
        ("1 + 2j", 1 + 2j),
        ("inf", float("inf")),
        ("m.T", [[1.0, 3.0], [2.0, 4.0]]),
        ("ones_like(x)", [1.0, 1.0]),
        ("flag", True),
        ("n", 7),
        ("none", None),
    ],
)
def test_expressions(text: str, value: Any) -> None:
    """Expressions over parameters and inputs mean what NumPy means; a bare parameter stands for itself."""
    names = {"x": [1.0, 2.0], "y": 3.0, "m": [[1, 2], [3, 4]], "flag": True, "n": 7, "none": None}
    assert evaluate(text, names) == pytest.approx(value) if isinstance(value, float) else evaluate(text, names) == value


@pytest.mark.parametrize(
    "text",
    [
        *(
            "x.__class__",
            "open('f')",
            "__import__('os')",
            "x.dtype",
            "[i for i in x]",
            "lambda: 1",
            "x if 1 else 2",
            "f'{x}'",
        ),
        *(
            "exp(x, x)",
            "exp.at(x)",
            "zeros(10 ** 9)",
            "x[10]",
            "x['a']",
            "x << 1",
            "x @ [1, 2, 3]",
            "y",
            "'a' * 10 ** 9",
        ),
        *("ones(100000) * ones(100000)", "-" * 50 + "1", "1 +", "x and x", "10 ** 10 ** 10 @ 1", "sum(x, out=x)"),
    ],
)
def test_expressions_never_run_code_and_stay_small(text: str) -> None:
    """Whatever is not arithmetic on known names is a message."""
    with pytest.raises(BadValue):
        evaluate(text, {"x": [1.0, 2.0]})


def test_shape_and_dtype_are_part_of_equality() -> None:
    """Equal numbers in another shape or dtype are not equal."""
    assert judged([1.0, 2.0], f32([1.0, 2.0], 2)) is None
    assert judged([[1.0, 2.0]], f32([1.0, 2.0], 2)) == "shape"
    assert judged([1.0, 2.0], Array("float64", (2,), [1.0, 2.0])) == "dtype"
    assert judged([1.0, 2.0], Array("float64", (2,), [1.0, 2.0]), default="float64") is None
    assert judged([1.0, 2.0], Array("float64", (2,), [1.0, 2.0]), dtype="float64") is None
    assert judged([1, 2], f32([1.0, 2.0], 2)) == "dtype"
    assert judged([1, 2], Array("int64", (2,), [1, 2])) is None
    assert judged([], f32([], 0)) is None
    assert judged(1.0, f32([1.0], 1)) == "shape"


def test_tolerance_follows_the_dtype() -> None:
    """float32 is compared at a few roundings, float64 much tighter, whole numbers exactly."""
    assert judged([1.0], f32([1.000001], 1)) is None
    assert judged([1.0], f32([1.001], 1)) == "value"
    assert judged([1.0], Array("float64", (1,), [1.0 + 1e-7]), dtype="float64") == "value"
    assert judged([1000000], Array("int64", (1,), [1000001])) == "value"
    assert judged(0.1, f32(0.10000000149011612)) is None


def test_nan_and_inf() -> None:
    """nan is like nan, inf only like itself."""
    nan, inf = float("nan"), float("inf")
    assert judged([nan, inf], f32([nan, inf], 2)) is None
    assert judged([nan], f32([1.0], 1)) == "value"
    assert judged([1.0], f32([nan], 1)) == "value"
    assert judged([inf], f32([-inf], 1)) == "value"
    assert judged([1e38], f32([inf], 1)) == "value"


def test_complex_numbers() -> None:
    """Complex entries are compared as complex numbers, the default dtype being the complex one of the default float."""
    assert judged("1 + 2j", Array("complex64", (), 1 + 2j)) is None
    assert judged("1 + 2j", Array("complex64", (), 1 - 2j)) == "value"


def test_null_truth_values_and_numbers_do_not_mix() -> None:
    """A zero tensor is no null, 1 is no true, a text is no number."""
    assert judged(None, None) is None
    assert judged(None, f32(0.0)) == "value"
    assert judged(True, True) is None
    assert judged(True, 1) == "value"
    assert judged(1, True) == "type"
    assert judged(0.0, None) == "type"
    assert judged(True, Array("bool", (), True)) is None
    assert judged("mul", "mul", words=True) is None
    assert judged("mul", "add", words=True) == "value"


def test_lists_may_mix() -> None:
    """A list of a number, null, a truth value and a tensor is compared item by item, each place named."""
    assert judged([1.0, None, True, [1.0, 2.0]], [1.0, None, True, f32([1.0, 2.0], 2)]) is None
    mismatch = compare(prepare([1.0, None, [1.0, 2.0]], False, {}, "float32"), [2.0, None, f32([1.0, 3.0], 2)])
    assert mismatch is not None and mismatch.where == [[0], [2, 1]] and mismatch.difference == 1.0
    assert judged([1.0, None], [1.0]) == "shape"
    assert judged([1.0, 2.0], [1.0, 2.0]) is None
    assert judged([1.0, 2.0], [f32(1.0), 2.0]) is None


def test_every_differing_entry_is_named() -> None:
    """The index of each wrong entry and the largest difference are kept."""
    mismatch = compare(prepare([[1.0, 2.0], [3.0, 4.0]], False, {}, "float32"), f32([[1.0, 9.0], [3.5, 4.0]], 2, 2))
    assert mismatch is not None
    assert mismatch.where == [[0, 1], [1, 0]]
    assert mismatch.difference == 7.0


def test_shape_or_dtype_alone() -> None:
    """{shape: ...} and {dtype: ...} look at nothing else."""
    from harness.language.expected import Form

    assert compare(Form((2,), None), f32([1.0, 2.0], 2)) is None
    assert compare(Form((3,), None), f32([1.0, 2.0], 2)) is not None
    assert compare(Form(None, "float64"), f32([1.0], 1)) is not None
    assert compare(Form(None, "float64"), None) is not None
