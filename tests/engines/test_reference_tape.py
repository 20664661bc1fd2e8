"""The reference engine around the tape: hooks, saved-tensor hooks, inference mode, views, edges, threads, layouts.

Expected values are worked out by hand or stand in the documentation that the module under test names.
"""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.engines.test_reference import PACKAGE, _fresh, kind_of

__all__ = ["_fresh"]

WORDS: dict[str, Any] = __import__(f"{PACKAGE.__name__}.adapter", fromlist=["WORDS"]).WORDS
R = SimpleNamespace(**WORDS)
tensor, grad = R.tensor, R.grad


def leaf(*numbers: float, dtype: Any = "float64") -> Any:
    return tensor(list(numbers), dtype=dtype, requires_grad=True)


# -- hooks.py ----------------------------------------------------------------------------------------------------------


def test_the_order_of_all_hooks() -> None:
    log: list[Any] = []
    x = leaf(2.0)
    y = x * 3
    y.retain_grad()

    def said(what: str) -> Callable[..., None]:
        return lambda *arguments: log.append((what, y.grad is not None, x.grad is not None))

    x.register_post_accumulate_grad_hook(said("leaf accumulated"))
    accumulator = y.grad_fn.next_functions[0][0]
    accumulator.register_hook(said("leaf after"))
    accumulator.register_prehook(said("leaf before"))
    x.register_hook(said("leaf"))
    y.grad_fn.register_hook(said("after"))
    y.grad_fn.register_prehook(said("before"))
    y.register_hook(said("tensor"))
    y.sum().backward()
    assert log == [
        ("tensor", False, False),
        ("before", True, False),
        ("after", True, False),
        ("leaf", True, False),
        ("leaf before", True, False),
        ("leaf accumulated", True, True),
        ("leaf after", True, True),
    ]


def test_node_hooks_replace() -> None:
    x, c = leaf(1.0, 2.0), tensor([3.0, 4.0], dtype="float64")
    y = x * c
    y.grad_fn.register_prehook(lambda got: (got[0] + 1,))
    handle = y.grad_fn.register_hook(lambda made, got: (made[0] * got[0], None))
    y.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [12.0, 16.0]
    handle.remove()
    assert grad(y.sum(), x)[0].tolist() == [6.0, 8.0]


@pytest.mark.parametrize(
    ("returned", "kind"),
    [(lambda g: g[0], "hook-result"), (lambda g: (g[0], g[0]), "hook-result"), (lambda g: (3,), "hook-return-type")],
)
def test_what_node_hooks_may_return(returned: Any, kind: str) -> None:
    for register in ("register_hook", "register_prehook"):
        y = leaf(1.0).clone()
        getattr(y.grad_fn, register)(lambda *given: returned(given[0]))
        assert kind_of(y.sum().backward) == kind


def test_a_node_hook_sees_the_shape_of_the_operand() -> None:
    x = leaf(2.0)
    y = x * tensor([[1.0], [2.0]], dtype="float64")
    shapes: list[Any] = []
    y.grad_fn.register_hook(lambda made, got: shapes.append((made[0].shape, got[0].shape)))
    y.sum().backward()
    assert shapes == [((1,), (2, 1))]


def test_metadata_belongs_to_the_node() -> None:
    y = leaf(1.0) * 2
    y.grad_fn.metadata["note"] = 7
    assert y.view(1).grad_fn.next_functions[0][0].metadata == {"note": 7}


def test_post_accumulate_hooks() -> None:
    x = leaf(1.0, 2.0)
    x.register_post_accumulate_grad_hook(lambda p: p.add_(p.grad, alpha=-0.5))
    x.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", None))
    (x * x).sum().backward()
    assert (x.tolist(), x.grad) == ([0.0, 0.0], None)
    assert kind_of(lambda: (x * 1).register_post_accumulate_grad_hook(print)) == "post-hook-nonleaf"
    assert kind_of(lambda: tensor(1.0).register_post_accumulate_grad_hook(print)) == "hook-no-grad"


def test_multi_grad_hooks() -> None:
    a, b = leaf(1.0), leaf(2.0)
    c, d = a * b, a * b
    seen: list[Any] = []
    first: list[Any] = []
    every = R.register_multi_grad_hook((a, b, c, d), lambda gs: seen.append([g and g.item() for g in gs]))
    R.register_multi_grad_hook((a, c), lambda g: first.append(g.item()), mode="any")
    c.sum().backward(retain_graph=True)
    c.sum().backward(inputs=[a], retain_graph=True)
    (c + d * 3).sum().backward(retain_graph=True)
    every.remove()
    d.sum().backward()
    assert seen == [[2.0, 1.0, 1.0, None], [2.0, None, 1.0, None], [8.0, 4.0, 1.0, 3.0]]
    assert first == [1.0, 1.0, 1.0, 2.0]
    assert kind_of(lambda: R.register_multi_grad_hook((a,), print, mode="first")) == "invalid-argument"


# -- packing.py --------------------------------------------------------------------------------------------------------


def test_packed_values_keep_their_place_in_the_graph() -> None:
    cases: list[tuple[Callable[[Any], Any], float]] = [
        (lambda v: v**3, 6.0),
        (lambda v: v.exp(), np.exp(2.0)),
        (lambda v: (v * 1) ** 3, 6.0),
    ]
    for function, third in cases:
        x = tensor(2.0, dtype="float64", requires_grad=True)
        with R.saved_tensors_hooks(lambda t: t.tolist(), lambda v: tensor(v, dtype="float64")):
            y = function(x)
        for _ in range(2):
            (y,) = grad(y, x, create_graph=True)
        np.testing.assert_allclose(grad(y, x)[0].item(), third)


def test_the_innermost_pair_counts_and_passes_use_what_unpack_gives() -> None:
    log: list[str] = []

    def pair(name: str) -> Any:
        def pack(value: Any) -> Any:
            log.append(name)
            return value.detach()

        return R.saved_tensors_hooks(pack, lambda value: value * 10)

    x = leaf(1.0, 2.0)
    with pair("outer"):
        with pair("inner"):
            y = x**2
        R.in_thread(lambda: x**2)
        z = x + 1, x.sum()
        w = x**3
    assert log == ["inner", "outer"]
    assert grad(y.sum(), x)[0].tolist() == [20.0, 40.0]
    assert len(z) == 2
    assert grad(w.sum(), x)[0].tolist() == [300.0, 1200.0]


def test_hooks_on_one_saved_value() -> None:
    x = leaf(3.0)
    y = x**2
    (value,) = R.raw_saved(y)
    value.register_hooks(lambda t: t.item(), lambda number: tensor([number + 1], dtype="float64"))
    assert R.saved(y)[0].tolist() == [4.0]
    assert kind_of(lambda: value.register_hooks(abs, abs)) == "saved-hooks-already-set"
    y.sum().backward()
    assert x.grad.tolist() == [8.0]
    assert kind_of(lambda: value.register_hooks(abs, abs)) == "saved-hooks-after-free"


def test_misused_saved_tensor_hooks() -> None:
    x = leaf(1.0) * 1
    with R.saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t):
        assert kind_of(lambda: x**2) == "pack-hook-inplace"
    with R.saved_tensors_hooks(lambda t: t.detach(), lambda t: 5):
        y = x**2
    assert kind_of(y.sum().backward) == "unpack-return-type"
    with R.disable_saved_tensors_hooks("not now"):
        with pytest.raises(RuntimeError, match="not now"), R.save_on_cpu():
            pass
        (x**2).sum().backward()
    with R.save_on_cpu(), pytest.raises(RuntimeError, match="too late"), R.disable_saved_tensors_hooks("too late"):
        pass


def test_saved_tensors_may_be_written_where_that_is_allowed() -> None:
    x = leaf(2.0, 3.0)
    with R.allow_mutation_on_saved_tensors():
        b = x.clone()
        y = (b.view(2) ** 2).sum() + b.exp().sum() * 0
        b.mul_(100)
        b[0] = 7.0
        y.backward()
        assert x.grad.tolist() == [4.0, 6.0]
        z = (b**2).sum()
        assert kind_of(lambda: R.allow_mutation_on_saved_tensors().__enter__()) == "invalid-argument"
    assert kind_of(z.backward) == "invalid-argument"


def test_kept_copies_are_freed_after_the_pass() -> None:
    kept: list[Any] = []

    def pack(value: Any) -> Any:
        copied = value.detach().clone()
        kept.append(weakref.ref(copied))
        return copied

    x = leaf(1.0)
    with R.saved_tensors_hooks(pack, lambda t: t):
        y = (x * x).sum()
    gc.disable()
    try:
        y.backward()
        assert [reference() for reference in kept] == [None, None]
    finally:
        gc.enable()


# -- inference.py ------------------------------------------------------------------------------------------------------


def test_inference_tensors() -> None:
    x = leaf(1.0, 2.0)
    with R.inference_mode():
        y = x * 2
        made = tensor([3.0, 4.0])
        made.add_(1)
        view_of_normal = x.view(2)
        with R.enable_grad():
            assert (R.is_grad_enabled(), (x * 2).requires_grad) == (True, False)
        with R.inference_mode(False):
            assert (x * 2).requires_grad
    assert [R.is_inference(t) for t in (y, made, made.view(2), made.detach(), view_of_normal)] == [True] * 4 + [False]
    assert [R.is_inference(t) for t in (made * 2, made.clone())] == [False, False]
    assert kind_of(lambda: x * made) == "inference-saved"
    assert kind_of(lambda: made.add_(1)) == "inference-inplace"
    assert kind_of(made.requires_grad_) == "inference-flag"
    assert kind_of(lambda: R.version(made)) == "inference-version"
    (x + made).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_modes_around_generators() -> None:
    def generator() -> Any:
        yield R.is_grad_enabled()
        yield R.is_grad_enabled()

    values = R.no_grad()(generator)()
    assert [next(values), R.is_grad_enabled(), next(values), R.is_grad_enabled()] == [False, True, False, True]
    assert list(values) == []


def test_modes_belong_to_threads() -> None:
    with R.no_grad():
        assert R.in_thread(R.is_grad_enabled)
    with R.inference_mode():
        assert not R.in_thread(R.is_inference_mode_enabled)
    R.in_thread(lambda: R.set_grad_enabled(False))
    assert R.is_grad_enabled()
    with pytest.raises(ZeroDivisionError):
        R.in_thread(lambda: 1 // 0)


def test_the_multithreading_switch() -> None:
    with R.set_multithreading_enabled(False):
        assert not R.is_multithreading_enabled()
    assert R.is_multithreading_enabled()


# -- views.py, several.py, versions.py ---------------------------------------------------------------------------------


def test_results_of_one_operation_share_a_node() -> None:
    x = tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    first, second = x.unbind()
    assert (first.grad_fn is second.grad_fn, first.output_nr, second.output_nr) == (True, 0, 1)
    assert (R.same_storage(x, second), R.is_view(second), first.grad_fn.name()) == (True, True, "UnbindBackward0")
    (second * second).sum().backward()
    assert x.grad.tolist() == [[0, 0, 0], [6, 8, 10]]
    assert [part.shape for part in x.split(2, dim=1)] == [(2, 2), (2, 1)]
    assert [part.shape for part in x.split([1, 2], dim=-1)] == [(2, 1), (2, 2)]
    assert [part.shape for part in x.chunk(2, dim=1)] == [(2, 2), (2, 1)]
    assert kind_of(lambda: x.split([1, 1], dim=1)) == "invalid-argument"


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_stack_and_cat_undo_unbind_and_split(dim: int) -> None:
    x = tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    weight = tensor(np.arange(6.0).reshape(2, 3) ** 2)
    for rebuilt in (R.stack(x.unbind(dim), dim), R.cat(x.split(2, dim), dim)):
        assert rebuilt.tolist() == x.tolist()
        (g,) = grad((rebuilt * rebuilt * weight).sum(), x, create_graph=True)
        assert g.tolist() == (2 * x * weight).tolist()
        assert grad(g.sum(), x)[0].tolist() == (2 * weight).tolist()


def test_views_that_may_not_be_written() -> None:
    x = leaf(1.0, 2.0)
    base = x.clone()
    several = base.unbind()[0]
    with R.no_grad():
        unrecorded = base.view(2)
    with R.inference_mode():
        inferred = base.view(2)
    views = {"multi-view-inplace": several, "no-grad-view-inplace": unrecorded, "inference-view-inplace": inferred}
    for kind, view in views.items():
        assert kind_of(partial(view.mul_, 2)) == kind
    base.mul_(2)
    for kind, view in views.items():
        assert kind_of(partial(getattr, view, "grad_fn")) == kind
    plain = R.zeros(2)
    plain.unbind()[0].add_(1)
    assert plain.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("mode", ["no_grad", "inference_mode"])
def test_the_history_of_a_view_is_renewed_in_any_mode(mode: str) -> None:
    x = leaf(1.0, 2.0)
    base = x.clone()
    view = base.view(1, 2)
    base.mul_(3)
    with WORDS[mode]():
        assert view.grad_fn.name() == "ViewBackward0"
    assert not R.is_inference(view)
    assert grad(view.sum(), x)[0].tolist() == [3.0, 3.0]


def test_increment_version() -> None:
    x = leaf(1.0) * 1
    y = x * x
    R.increment_version([x])
    assert (R.version(x), kind_of(y.sum().backward)) == (1, "inplace-modified-saved")


def test_contiguous() -> None:
    x = tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert x.contiguous() is x
    turned = x.t().contiguous()
    assert (R.same_storage(x, turned), R.strides(turned), R.op_name(turned)) == (False, [2, 1], "clone")


def test_out() -> None:
    x, buffer = leaf(1.0, 2.0), R.zeros(2, dtype="float64")
    assert kind_of(lambda: R.mul(x, x, out=buffer)) == "out-requires-grad"
    with R.no_grad():
        assert R.mul(x, x, out=buffer) is buffer
    assert buffer.tolist() == [1.0, 4.0]


# -- edges.py, autograd.py ---------------------------------------------------------------------------------------------


def test_edges_name_places() -> None:
    a = leaf(1.0, 2.0)
    b = a * 3
    edge = R.get_gradient_edge(b)
    assert (edge.node is b.grad_fn, edge.output_nr) == (True, 0)
    b.mul_(10)
    old, new = grad(b.sum(), [edge, b], retain_graph=True)
    assert (old.tolist(), new.tolist()) == ([10.0, 10.0], [1.0, 1.0])
    assert grad(edge, a, tensor([1.0, 2.0], dtype="float64"), retain_graph=True)[0].tolist() == [3.0, 6.0]
    assert kind_of(lambda: grad(edge, a)) == "implicit-grad-non-scalar"
    R.backward(b.sum(), inputs=[R.get_gradient_edge(a)])
    assert a.grad.tolist() == [30.0, 30.0]
    assert kind_of(lambda: R.get_gradient_edge(tensor(1.0))) == "no-gradient-edge"


def test_the_arguments_of_grad() -> None:
    x, unused = leaf(1.0, 2.0, 3.0), leaf(1.0)
    y = x * x
    jacobian = grad(y, x, R.eye(3, dtype="float64"), is_grads_batched=True, retain_graph=True)[0]
    assert jacobian.tolist() == [[2, 0, 0], [0, 4, 0], [0, 0, 6]]
    zero = grad(y.sum(), {"x": x, "unused": unused}, materialize_grads=True, create_graph=True)["unused"]
    assert (zero.tolist(), zero.requires_grad) == ([0.0], True)
    assert grad(y.sum(), [x, unused], allow_unused=True, retain_graph=True)[1] is None
    assert kind_of(lambda: grad(y.sum(), x, materialize_grads=True, allow_unused=False)) == "invalid-argument"
    assert kind_of(lambda: grad(y, x, R.ones(2, 2), is_grads_batched=True)) == "grad-shape-mismatch"
    assert kind_of(lambda: grad(y.sum(), [])) == "inputs-empty"


# -- leaves: dtypes, layouts, copies -----------------------------------------------------------------------------------


def test_grad_dtype() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    y = (x * 3).sum()
    assert x.grad_dtype == R.float32
    x.grad_dtype = R.float64  # also for graphs that exist
    y.backward()
    assert x.grad.dtype == R.float64
    assert kind_of(lambda: setattr(x, "grad_dtype", R.float32)) == "grad-assign-dtype"
    x.grad = x.grad_dtype = None
    x.backward(tensor([1.0, 2.0], dtype="float16"))
    assert x.grad.dtype == R.float16
    assert kind_of(lambda: (x * 2).grad_dtype) == "grad-dtype-nonleaf"


def test_layout_of_gradients() -> None:
    turned = tensor(np.ones((2, 3))).t().requires_grad_()
    (turned * 2).sum().backward()
    assert R.strides(turned.grad) == R.strides(turned) == [1, 3]
    spread = R.zeros(1, 3).expand(2, 3).requires_grad_()
    (spread * R.ones(2, 3)).sum().backward()
    assert (R.strides(spread), R.strides(spread.grad)) == ([0, 1], [3, 1])
    assert R.strides(spread.clone()) == [3, 1]
    assert R.strides(turned.clone()) == [1, 3]
    given = R.ones(2, 3, requires_grad=True)
    given.grad = R.zeros(3, 2).t()
    with pytest.warns(UserWarning, match="layout"):
        (given * 2).sum().backward()
    assert (R.strides(given.grad), given.grad.tolist()) == ([1, 2], [[2.0] * 3] * 2)


def test_deepcopy() -> None:
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    twin = copy.deepcopy(x)
    assert (twin.tolist(), twin.requires_grad, twin.grad.tolist()) == ([1.0, 2.0], True, [2.0, 4.0])
    assert not R.same_storage(x, twin)
    assert not R.same_storage(x.grad, twin.grad)
    assert kind_of(lambda: copy.deepcopy(x * 2)) == "deepcopy-nonleaf"


# -- complex_numbers.py ------------------------------------------------------------------------------------------------


def test_parts_of_complex_tensors_are_views() -> None:
    z = tensor([1 + 2j, 3 - 4j], requires_grad=True)
    w = z * 1
    w.imag.mul_(10)
    assert w.tolist() == [1 + 20j, 3 - 40j]
    w.abs().pow(2).sum().backward()
    np.testing.assert_allclose(z.grad.numpy(), [2 + 400j, 6 - 800j], rtol=1e-5)
    pairs = tensor([[1.0, 2.0]], requires_grad=True)
    R.view_as_complex(pairs).imag.sum().backward()
    assert pairs.grad.tolist() == [[0.0, 1.0]]
    assert kind_of(lambda: tensor(1.0).imag) == "invalid-argument"


# -- memory of gradients that is used again (sharing.py) ----------------------------------------------------------------


@pytest.mark.parametrize("younger", [0, 1])
def test_what_somebody_holds_is_neither_summed_in_place_nor_stored(younger: int) -> None:
    """A hook keeps one of the two gradients that are added for a leaf: it stays what it was."""
    kept = []
    x = R.tensor([0.5, 1.0], requires_grad=True, dtype="float64")
    terms = [R.sin(x), R.cos(x)]
    terms[younger].grad_fn.register_hook(lambda produced, _: kept.append(produced[0]))
    (terms[0] + terms[1]).backward(R.ones(2, dtype="float64"))
    sine, cosine = np.sin([0.5, 1.0]), np.cos([0.5, 1.0])
    np.testing.assert_allclose(kept[0].numpy(), -sine if younger else cosine)
    np.testing.assert_allclose(x.grad.numpy(), cosine - sine)


def test_what_arrives_at_two_leaves_is_stored_apart() -> None:
    x, y = (R.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    (x + y).sin().sum().backward()
    x.grad.zero_()
    assert y.grad.tolist() != [0.0, 0.0]


def test_a_kept_cotangent_is_not_stored_itself() -> None:
    x, weights = R.tensor([1.0, 2.0], requires_grad=True), R.ones(2)
    x.backward(weights)
    x.grad.zero_()
    assert weights.tolist() == [1.0, 1.0]


def test_a_recorded_pass_leaves_the_temporaries_of_rules_alone() -> None:
    x = R.tensor([0.5], requires_grad=True, dtype="float64")
    (first,) = R.grad(R.tanh(x), x, create_graph=True)
    (second,) = R.grad(first, x)
    y = np.tanh(0.5)
    np.testing.assert_allclose(second.numpy(), [-2 * y * (1 - y * y)])
