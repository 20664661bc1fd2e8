"""Forward mode, function transforms and maps of the reference engine: every rule, and each against the others.

There is more than one way to every derivative. Forward mode must be the transpose of reverse mode, a map the same as a loop,
a Hessian the same in all four orders; so each way is checked by another that shares as little as possible with it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.engines.test_reference import CASES, ENGINE, PACKAGE, SAMPLES, inner, kind_of, weights

WORDS: dict[str, Any] = PACKAGE.adapter.WORDS
R = SimpleNamespace(**{word: meaning for word, meaning in WORDS.items() if "." not in word})
tensor, grad = R.tensor, R.grad


def members(prefix: str) -> SimpleNamespace:
    """What stands behind the dotted words that begin with ``prefix``."""
    return SimpleNamespace(
        **{word[len(prefix) :]: meaning for word, meaning in WORDS.items() if word.startswith(prefix)}
    )


func, functional, forward_ad = members("func."), members("functional."), members("forward_ad.")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    ENGINE.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def close(one: Any, other: Any) -> bool:
    a, b = (x.detach().numpy() if hasattr(x, "detach") else np.asarray(x) for x in (one, other))
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=1e-9)


def direction(array: Any) -> Any:
    """Some direction to move ``array`` in, as a tensor."""
    values = np.random.default_rng(7).standard_normal(array.shape)
    return tensor((values * (1 + 0.5j) if array.dtype.kind == "c" else values).astype(array.dtype))


def float64(*numbers: float) -> Any:
    return tensor(list(numbers), dtype="float64")


# -- every rule --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "function", "arrays", "operand"), CASES)
def test_forward_mode_is_the_transpose_of_reverse_mode(
    rule: str, function: Any, arrays: list[Any], operand: int
) -> None:
    x = tensor(arrays[operand], requires_grad=True)

    def at(point: Any) -> Any:
        return function(*[point if i == operand else tensor(a) for i, a in enumerate(arrays)])

    v = direction(arrays[operand])
    y, pushed = func.jvp(at, (x.detach(),), (v,))
    w = weights(y.shape, y.dtype)
    assert (pushed.shape, pushed.dtype) == (y.shape, y.dtype)
    result = at(x)
    if not result.requires_grad:
        assert not pushed.numpy().any()
        return
    pulled = grad(result, x, tensor(w), allow_unused=True)[0]
    expected = 0.0 if pulled is None else inner(pulled.numpy(), v.numpy())
    assert inner(w, pushed.numpy()) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("function", "arrays"), [(f, arrays) for samples in SAMPLES.values() for f, arrays in samples])
def test_forward_mode_adds_up_the_operands(function: Any, arrays: list[Any]) -> None:
    points, moves = tuple(map(tensor, arrays)), tuple(map(direction, arrays))
    together = func.jvp(function, points, moves)[1].numpy()
    alone = [
        func.jvp(lambda x, i=i: function(*points[:i], x, *points[i + 1 :]), (point,), (move,))[1].numpy()
        for i, (point, move) in enumerate(zip(points, moves, strict=True))
    ]
    assert np.allclose(together, sum(alone))


@pytest.mark.parametrize(("rule", "function", "arrays", "operand"), CASES)
def test_forward_over_reverse_is_reverse_over_reverse(
    rule: str, function: Any, arrays: list[Any], operand: int
) -> None:
    v = direction(arrays[operand])

    def gradient(point: Any) -> Any:
        result = function(*[point if i == operand else tensor(a) for i, a in enumerate(arrays)])
        w = tensor(weights(result.shape, result.dtype))
        found = grad(result, point, w, create_graph=True, allow_unused=True)[0] if result.requires_grad else None
        return None if found is None else found

    x = tensor(arrays[operand], requires_grad=True)
    first = gradient(x)
    second = None if first is None or not first.requires_grad else grad(first, x, v, allow_unused=True)[0]
    with forward_ad.dual_level():
        moved = gradient(forward_ad.make_dual(tensor(arrays[operand], requires_grad=True), v))
        tangent = None if moved is None else forward_ad.unpack_dual(moved).tangent
    zero = np.zeros_like(arrays[operand])
    assert close(zero if tangent is None else tangent, zero if second is None else second)  # Hessians are symmetric


@pytest.mark.parametrize(("function", "arrays"), [(f, arrays) for samples in SAMPLES.values() for f, arrays in samples])
def test_a_map_is_a_loop(function: Any, arrays: list[Any]) -> None:
    stacked = [tensor(np.stack([a, a * 0.5, a * 1.25])) for a in arrays]
    with np.errstate(all="ignore"):
        loop = [function(*(s[i] for s in stacked)) for i in range(3)]
        together = R.vmap(function)(*stacked)
    assert all(np.allclose(together[i].numpy(), loop[i].numpy(), equal_nan=True) for i in range(3))


# -- transforms against each other -------------------------------------------------------------------------------------


def wave(x: Any) -> Any:
    return (x * x[0]).sin() + x.exp() * x.sum()


def bowl(x: Any) -> Any:
    return (wave(x) * x).sum()


POINT = (0.3, -0.7, 1.1)


def test_jacobians_agree() -> None:
    x = float64(*POINT)
    ways = [
        func.jacrev(wave)(x),
        func.jacrev(wave, chunk_size=2)(x),
        func.jacfwd(wave)(x),
        functional.jacobian(wave, x),
        functional.jacobian(wave, x, vectorize=True, strategy="forward-mode"),
        R.vmap(lambda v: func.jvp(wave, (x,), (v,))[1], out_dims=1)(tensor(np.eye(3))),
        R.vmap(func.vjp(wave, x)[1])(tensor(np.eye(3)))[0],
        R.vmap(func.linearize(wave, x)[1], out_dims=1)(tensor(np.eye(3))),
    ]
    assert all(close(way, ways[0]) for way in ways)


def test_hessians_agree() -> None:
    x, v = float64(*POINT), float64(1.0, -2.0, 0.5)
    ways = [
        func.hessian(bowl)(x),
        func.jacrev(func.jacrev(bowl))(x),
        func.jacrev(func.jacfwd(bowl))(x),
        func.jacfwd(func.jacfwd(bowl))(x),
        functional.hessian(bowl, x),
        functional.hessian(bowl, x, vectorize=True, outer_jacobian_strategy="forward-mode"),
    ]
    assert all(close(way, ways[0]) for way in ways)
    products = [
        func.jvp(func.grad(bowl), (x,), (v,))[1],
        func.grad(lambda x: func.jvp(bowl, (x,), (v,))[1])(x),
        func.grad(lambda x: (func.grad(bowl)(x) * v).sum())(x),
        functional.hvp(bowl, x, v)[1],
        functional.vhp(bowl, x, v)[1],
    ]
    assert all(close(product, ways[0] @ v) for product in products)


def test_higher_derivatives_nest_to_any_depth() -> None:
    def derived(f: Any, forward: bool) -> Any:
        return (lambda x: func.jvp(f, (x,), (tensor(1.0, dtype="float64"),))[1]) if forward else func.grad(f)

    x = tensor(0.7, dtype="float64")
    for orders in [(0, 0, 0), (1, 1, 1), (0, 1, 0), (1, 0, 1), (1, 1, 0), (0, 0, 1)]:
        f: Any = lambda x: x.sin() * x**3  # noqa: E731
        for order in orders:
            f = derived(f, bool(order))
        s, c = np.sin(0.7), np.cos(0.7)
        assert f(x).item() == pytest.approx(6 * s + 18 * 0.7 * c - 9 * 0.49 * s - 0.343 * c)


def test_perturbations_are_not_confused() -> None:
    one = tensor(1.0, dtype="float64")

    def d(f: Any) -> Any:
        return lambda x: func.jvp(f, (x,), (one,))[1]

    for outer in (func.grad, d):
        for within in (func.grad, d):
            assert outer(lambda x, within=within: x * within(lambda y: x + y)(one))(one).item() == 1.0
            assert outer(lambda x, within=within: within(lambda y: x * y * y)(x))(one).item() == 4.0


def test_per_sample_gradients_and_nested_maps() -> None:
    w, xs = float64(*POINT), tensor(np.arange(6.0).reshape(2, 3))

    def loss(w: Any, x: Any) -> Any:
        return ((w * x).sum() - 1) ** 2

    batch = R.vmap(func.grad(loss), in_dims=(None, 0))(w, xs)
    assert all(close(batch[i], func.grad(loss)(w, xs[i])) for i in range(2))
    outer = R.vmap(R.vmap(lambda a, b: a * b, in_dims=(0, None)), in_dims=(None, 0))(w, w)
    assert close(outer, np.outer(POINT, POINT).T)
    hessians = R.vmap(func.hessian(loss), in_dims=(None, 0))(w, xs)
    assert all(close(hessians[i], func.hessian(loss)(w, xs[i])) for i in range(2))
    assert close(func.grad(lambda w: R.vmap(loss, in_dims=(None, 0))(w, xs).sum())(w), batch.sum(0))


def test_mapped_indices() -> None:
    table, rows = float64(*POINT), tensor([2, 0, 2])
    assert R.vmap(lambda i: table[i] * 2)(rows).tolist() == [2 * POINT[i] for i in (2, 0, 2)]
    pairs = tensor([[0, 1], [1, 2], [2, 0]])
    assert close(R.vmap(lambda x, i: x[i], in_dims=(None, 0))(table, pairs), np.asarray(POINT)[pairs.numpy()])
    grid = R.zeros(3, 3, dtype="float64")

    def put(row: Any, i: Any) -> Any:
        row[i] = 1.0
        return row

    assert close(R.vmap(put)(grid, rows), np.eye(3)[rows.numpy()])
    assert kind_of(lambda: R.vmap(put, in_dims=(None, 0))(table, rows)) == "vmap-unsupported"


def test_nobody_can_look_at_the_numbers_of_a_mapped_tensor() -> None:
    looks: list[Callable[[Any], Any]] = [
        bool,
        float,
        int,
        lambda x: x.item(),
        lambda x: x.tolist(),
        lambda x: x.numpy(),
    ]
    for look in looks:
        assert kind_of(lambda look=look: R.vmap(look)(float64(1.0, 2.0))) == "vmap-unsupported"  # type: ignore[misc]
    assert kind_of(lambda: R.vmap(lambda x: tensor(np.sum(x._array)))(float64(1.0, 2.0))) == "vmap-unsupported"


def test_a_transform_leaves_nothing_behind() -> None:
    x = tensor([0.3, -0.7], dtype="float64", requires_grad=True)
    c = float64(1.0, 2.0)
    with pytest.raises(RuntimeError):
        func.grad(lambda t: (t * x).backward())(c)
    assert not func.grad(bowl)(c).requires_grad
    recorded = func.grad(lambda t: (t * t * x).sum())(c)
    assert close(grad(recorded.sum(), x)[0], 2 * c)
    with R.no_grad():
        assert not func.grad(bowl)(x).requires_grad
    assert x.grad is None
    assert PACKAGE.record.interpreter is None


def test_transforms_work_in_inference_mode() -> None:
    expected = func.hessian(bowl)(float64(*POINT))
    with R.inference_mode():
        x, v = float64(*POINT), float64(1.0, -2.0, 0.5)
        assert close(func.hessian(bowl)(x), expected)
        assert close(func.jvp(func.grad(bowl), (x,), (v,))[1], expected @ v)
        assert close(func.vjp(func.grad(bowl), x)[1](v)[0], expected @ v)
        assert not func.grad(bowl)(x).requires_grad
        assert R.is_inference_mode_enabled()


def test_a_pullback_may_be_used_inside_of_another_transform() -> None:
    pull = func.vjp(lambda a: a**3, float64(*POINT))[1]
    g = func.grad(lambda t: (pull(t)[0] * t).sum())(float64(1.0, 1.0, 1.0))
    assert close(g, 6 * np.square(POINT))


# -- forward mode ------------------------------------------------------------------------------------------------------


def tangent_of(function: Callable[[Any], Any], numbers: Any, moves: Any) -> Any:
    with forward_ad.dual_level():
        moved = function(forward_ad.make_dual(tensor(numbers, dtype="float64"), tensor(moves, dtype="float64")))
        return forward_ad.unpack_dual(moved).tangent.clone()


def written(x: Any) -> Any:
    y = x * 2
    y[0] = x[1] * x[1]
    y[1:].mul_(x[0])
    return y


def collected(x: Any) -> Any:
    buffer = R.zeros(3, dtype="float64")
    part = buffer[1:]
    part.copy_(x)
    buffer.add_(1.0)
    return buffer * buffer


@pytest.mark.parametrize("function", [written, collected])
def test_tangents_follow_writes_in_place(function: Any) -> None:
    expected = func.jacrev(function)(float64(3.0, 5.0)) @ float64(1.0, -1.0)
    assert close(tangent_of(function, [3.0, 5.0], [1.0, -1.0]), expected)


def test_the_tangent_of_a_result_is_its_own() -> None:
    v = float64(1.0, 1.0)
    with forward_ad.dual_level():
        y = forward_ad.make_dual(float64(2.0, 3.0), v) + 1
        y.mul_(10.0)
    assert v.tolist() == [1.0, 1.0]


def test_tangents_survive_saving_the_result() -> None:
    x = tensor([0.3, 0.7], dtype="float64", requires_grad=True)
    with forward_ad.dual_level():
        loss = forward_ad.make_dual(x, float64(1.0, -2.0)).exp().tanh().sum()  # both save their result, which dies
        g = grad(loss, x, create_graph=True)[0]
        tangent = forward_ad.unpack_dual(g).tangent
    h = func.hessian(lambda t: t.exp().tanh().sum())(x.detach())
    assert close(tangent, h @ float64(1.0, -2.0))


def test_dual_twice() -> None:
    def program() -> None:
        with forward_ad.dual_level():
            d = forward_ad.make_dual(float64(1.0), float64(1.0))
            forward_ad.make_dual(d, float64(1.0))

    assert kind_of(program) == "dual-twice"


# -- custom functions --------------------------------------------------------------------------------------------------


class Square(R.Function):  # type: ignore[misc, name-defined]
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Any) -> Any:
        return x * x

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(inputs[0])
        ctx.save_for_forward(inputs[0])

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * x * g

    @staticmethod
    def jvp(ctx: Any, t: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * x * t


def test_custom_functions_under_every_transform() -> None:
    x = float64(*POINT)
    assert close(func.jacfwd(Square.apply)(x), func.jacrev(Square.apply)(x))
    assert close(func.hessian(lambda x: Square.apply(x).sum())(x), 2 * np.eye(3))
    assert close(func.jacfwd(func.jacfwd(Square.apply))(x), func.jacrev(func.jacrev(Square.apply))(x))
    assert close(R.vmap(func.grad(lambda t: Square.apply(t)))(x), 2 * np.asarray(POINT))
    assert R.gradcheck(Square.apply, x.clone().requires_grad_(), check_forward_ad=True, check_batched_grad=True)
    assert R.gradgradcheck(Square.apply, x.clone().requires_grad_(), check_fwd_over_rev=True)


# -- checkpointing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_checkpointing_changes_no_gradient(use_reentrant: bool) -> None:
    def block(x: Any, w: Any) -> Any:
        return ((x * w).tanh() @ w).exp()

    def gradients(call: Callable[..., Any]) -> list[Any]:
        x = tensor([0.1, 0.2], dtype="float64", requires_grad=True)
        w = tensor([[1.0, -0.5], [0.5, 2.0]], dtype="float64", requires_grad=True)
        call(x, w).sum().backward()
        return [x.grad, w.grad]

    plain = gradients(block)
    again = gradients(lambda x, w: R.checkpoint(block, x, w, use_reentrant=use_reentrant))
    assert all(close(a, b) for a, b in zip(plain, again, strict=True))


def test_checkpointing_and_higher_derivatives() -> None:
    x = tensor(0.7, dtype="float64", requires_grad=True)
    for _ in range(2):
        f = R.checkpoint(
            lambda t: R.checkpoint(lambda s: s.sin() * s, t, use_reentrant=False).exp(), x, use_reentrant=False
        )
        first = grad(f, x, create_graph=True)[0]
        second = grad(first, x)[0]
    expected = func.grad(func.grad(lambda t: (t.sin() * t).exp()))(x.detach())
    assert close(second, expected)


def test_anomaly_mode_ends_with_a_reset() -> None:
    R.set_detect_anomaly(True)
    forward_ad.enter_dual_level()
    ENGINE.reset()
    assert not R.is_anomaly_enabled()
    assert PACKAGE.record.interpreter is None
