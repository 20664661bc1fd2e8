"""The oracle: closed forms that can be checked by hand, and the memory that tensors share."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest

pytest.importorskip("mpmath")

from harness import plugins
from harness.engine import Array, Unsupported


@pytest.fixture
def engine() -> Any:
    loaded = plugins.load(plugins.find("exact"), None).engine
    loaded.reset()
    return loaded


@pytest.fixture
def t(engine: Any) -> Any:
    """The words of the language as attributes: ``t.tensor(...)``."""
    return type("Words", (), {word: staticmethod(value) for word, value in engine.names.items()})


def exact(tensor: Any) -> list[Any]:
    return [tensor.memory[place] for place in tensor.places()]


def test_quotient_is_exact(t: Any) -> None:
    x, y = t.tensor(2.0, requires_grad=True), t.tensor(3.0, requires_grad=True)
    (x**3 / y).backward()
    assert exact(x.grad) == [Fraction(4)]
    assert exact(y.grad) == [Fraction(-8, 9)]


def test_shown_values_are_rounded_to_the_dtype(engine: Any, t: Any) -> None:
    third = t.tensor(1.0) / 3
    assert exact(third) == [Fraction(1, 3)]
    assert engine.read(third) == Array("float32", (), 0.3333333432674408)
    assert engine.read(t.tensor(1.0, dtype="float64") / 3) == Array("float64", (), 1 / 3)
    assert engine.read(t.tensor([1.0, 3.0], dtype="bfloat16") / 3).values == [0.333984375, 1.0]
    assert engine.read(t.tensor(70000.0, dtype="float16")).values == math.inf


def test_literals_are_those_that_an_engine_holds(t: Any) -> None:
    assert exact(t.tensor(0.1)) == [Fraction(13421773, 2**27)]
    assert exact(t.tensor([0.1, 1], dtype="float64")) == [Fraction(0.1), Fraction(1)]


def test_matmul(t: Any) -> None:
    a = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    b = t.tensor([[5.0], [6.0]], requires_grad=True)
    (a @ b).backward(t.tensor([[1.0], [10.0]]))
    assert a.grad.tolist() == [[5.0, 6.0], [50.0, 60.0]]
    assert b.grad.tolist() == [[31.0], [42.0]]


def test_broadcasting_sums_back(t: Any) -> None:
    w, x = t.tensor([2.0], requires_grad=True), t.tensor([[1.0], [2.0], [4.0]])
    (w * x).mean().backward()
    assert exact(w.grad) == [Fraction(7, 3)]


@pytest.mark.parametrize(
    ("word", "at", "derivative"),
    [
        ("exp", 0.5, math.exp(0.5)),
        ("log", 0.5, 2.0),
        ("sqrt", 4.0, 0.25),
        ("sin", 0.5, math.cos(0.5)),
        ("cos", 0.5, -math.sin(0.5)),
        ("tanh", 0.5, 1 - math.tanh(0.5) ** 2),
        ("sigmoid", 0.0, 0.25),
        ("relu", 0.0, 0.0),
        ("relu", 2.0, 1.0),
        ("sqrt", 0.0, math.inf),
    ],
)
def test_functions(t: Any, word: str, at: float, derivative: float) -> None:
    x = t.tensor(at, dtype="float64", requires_grad=True)
    getattr(t, word)(x).backward()
    assert x.grad.item() == pytest.approx(derivative, rel=1e-15)


def test_powers(t: Any) -> None:
    x = t.tensor([0.0, 4.0], dtype="float64", requires_grad=True)
    n = t.tensor([2.0, 0.5], dtype="float64", requires_grad=True)
    (x**n).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]
    assert n.grad.tolist() == pytest.approx([0.0, 2 * math.log(4)])
    assert (x**-1).tolist() == [math.inf, 0.25]
    assert math.isnan((t.tensor(-1.0) ** 0.5).item())


def test_losses(t: Any) -> None:
    z = t.tensor([0.0, 1.0], dtype="float64", requires_grad=True)
    target = t.tensor([1.0, 0.0], dtype="float64")
    loss = t.binary_cross_entropy_with_logits(z, target, reduction="sum")
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2) + math.log1p(math.e))
    assert z.grad.tolist() == pytest.approx([-0.5, 1 / (1 + math.exp(-1))])
    z.grad = None
    t.mse_loss(z, target).backward()
    assert z.grad.tolist() == [-1.0, 1.0]


def test_backward_accumulates_in_place(t: Any) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    first = x.grad
    t.backward((x * x).sum())
    assert x.grad is first
    assert first.tolist() == [4.0, 8.0]


def test_gradients_are_those_of_the_moment(t: Any) -> None:
    x = t.tensor(3.0, requires_grad=True)
    y = x * x
    x.data.fill_(100.0)
    y.backward()
    assert x.grad.item() == 6.0


def test_functional_form_leaves_grad_alone(t: Any) -> None:
    x, u = t.tensor(3.0, requires_grad=True), t.tensor(1.0, requires_grad=True)
    g, unused = t.grad(x * x, [x, u], allow_unused=True)
    assert (g.item(), unused, x.grad) == (6.0, None, None)
    with pytest.raises(ValueError, match="no part"):
        t.grad(x * x, [u])
    with pytest.raises(Unsupported):
        t.grad(x * x, [x * 2])


def test_a_part_that_does_not_matter_gets_zeros(t: Any) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    (x[1] * 0).backward()
    assert x.grad.tolist() == [0.0, 0.0]


def test_several_elements_need_weights(t: Any) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match="needs weights"):
        (x * 2).backward()
    with pytest.raises(ValueError, match="shape"):
        (x * 2).backward(t.tensor([1.0]))


def test_detached_tensors_share_memory_only(t: Any) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    d = x.detach()
    d[0] = 9.0
    assert x.tolist() == [9.0, 2.0]
    assert (x.requires_grad, d.requires_grad, d.is_leaf, t.same_storage(x, d)) == (True, False, True, True)
    (x * d).sum().backward()
    assert x.grad.tolist() == [9.0, 2.0]


def test_views_share_memory_and_derivatives(t: Any) -> None:
    x, base = t.tensor([7.0], requires_grad=True), t.zeros(2)
    view = base[0:1]
    view.copy_(x)
    assert (base.requires_grad, base.is_leaf, view.requires_grad) == (True, False, True)
    (base * t.tensor([3.0, 5.0])).sum().backward()
    assert x.grad.tolist() == [3.0]


def test_reshape_copies_where_memory_is_out_of_order(t: Any) -> None:
    x = t.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert t.same_storage(x.reshape(4), x)
    assert not t.same_storage(x.T.reshape(4), x)
    assert x.T.reshape(4).tolist() == [1.0, 3.0, 2.0, 4.0]


def test_indexed_writes_carry_derivatives(t: Any) -> None:
    x, y = t.tensor([[2.0, 3.0]], requires_grad=True), t.zeros(1, 2)
    y[0, 0] = x[0, 0] ** 2
    y[0, 1] = x[0, 1] ** 2 + 2 * x[0, 0]
    y.backward(t.tensor([[0.0, 1.0]]))
    assert x.grad.tolist() == [[2.0, 6.0]]


def test_a_written_row_may_have_leading_ones(t: Any) -> None:
    rows = t.zeros(2, 2)
    rows[1] = t.tensor([[3.0, 4.0]])
    rows[0] = 7
    assert rows.tolist() == [[7.0, 7.0], [3.0, 4.0]]


def test_no_grad_writes_values_only(t: Any) -> None:
    w = t.tensor([1.0, 2.0], requires_grad=True)
    with t.no_grad():
        w -= 0.5
        w[0] = 9.0
        y = w * 2
    assert w.tolist() == [9.0, 1.5]
    assert (w.is_leaf, w.requires_grad, y.requires_grad) == (True, True, False)
    (w * w).sum().backward()
    assert w.grad.tolist() == [18.0, 3.0]


def test_assigned_data_keeps_the_leaf(t: Any) -> None:
    net = t.Linear(2, 1)
    net.weight.data = t.tensor([[1.0, 2.0]])
    net(t.tensor([3.0, 4.0])).backward()
    assert (net.weight.is_leaf, net.weight.grad.tolist(), net.bias.grad.tolist()) == (True, [[3.0, 4.0]], [1.0])
    t.SGD(net.parameters(), lr=0.5).step()
    assert net.weight.tolist() == [[-0.5, 0.0]]


def test_promotion(t: Any) -> None:
    whole, single, double = t.tensor([1, 2]), t.tensor([1.0, 2.0]), t.tensor(2.0, dtype="float64")
    assert [(single * double).dtype, (whole * double).dtype] == ["float32", "float64"]
    assert [(whole + 1).dtype, (whole + 1.5).dtype, (whole / 2).dtype] == ["int64", "float32", "float32"]
    assert [whole.sum().dtype, whole.exp().dtype, (whole > 1).dtype] == ["int64", "float32", "bool"]
    assert (t.tensor([1.0], dtype="float16") + t.tensor([1.0], dtype="bfloat16")).dtype == "float32"


def test_long_loops_stay_fast_and_precise(t: Any) -> None:
    w = t.tensor(0.3, dtype="float64", requires_grad=True)
    y = w
    for _ in range(200):
        y = y * y / 3 + w
    y.backward()
    assert exact(y)[0].__class__.__name__ == "mpf"
    fixed = (1 - math.sqrt(1 - 4 * 0.3 / 3)) * 1.5
    assert y.item() == pytest.approx(fixed, rel=1e-15)
    assert w.grad.item() == pytest.approx(1 / (1 - 2 * fixed / 3), rel=1e-14)


def test_every_word_it_lacks_is_absent(engine: Any) -> None:
    lacks = plugins.find("exact").file.lacks
    plain = [word for word in lacks if "(" not in word]
    assert not [word for word in plain if word in engine.names or word.removeprefix(".") in engine.attributes]
