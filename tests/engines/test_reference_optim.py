"""Modules, optimizers, clipping and parametrizations of the reference: what is registered, what a step does, who sees
which gradient."""

from __future__ import annotations

import importlib
import importlib.util
import math
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.engines.test_reference import ENGINE, PACKAGE, kind_of

W: dict[str, Any] = importlib.import_module(f"{PACKAGE.__name__}.adapter").WORDS
Module, Parameter = W["Module"], W["Parameter"]


def tensor(data: Any, **options: Any) -> Any:
    return W["tensor"](data, dtype="float64", **options)


def warned(call: Callable[[], Any]) -> list[str | None]:
    """The kinds of warnings about a line of this file."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        call()
    return [ENGINE.warning_kind(w.message) for w in seen if isinstance(w.message, Warning) and w.filename == __file__]


class Affine(Module):  # type: ignore[misc, valid-type]
    def __init__(self, w: float = 2.0) -> None:
        self.w = Parameter(tensor([w]))
        self.plain = tensor([3.0], requires_grad=True)
        self.register_buffer("b", tensor([1.0]))

    def forward(self, x: Any, k: float = 1.0) -> Any:
        return self.w * x * k + self.b


class Double(Module):  # type: ignore[misc, valid-type]
    def forward(self, x: Any) -> Any:
        return x * 2

    def right_inverse(self, y: Any) -> Any:
        return y / 2


class Exp(Module):  # type: ignore[misc, valid-type]
    def forward(self, x: Any) -> Any:
        return x.exp()


class Dot(Module):  # type: ignore[misc, valid-type]
    def __init__(self, w: list[float]) -> None:
        self.weight = Parameter(tensor(w))

    def forward(self, x: Any) -> Any:
        return (self.weight * x).sum()


# -- modules -----------------------------------------------------------------------------------------------------------


def test_what_is_assigned_decides_what_is_registered() -> None:
    outer = Module()
    outer.inner, outer.w = Affine(), None
    outer.shared = outer.inner.w
    assert [n for n, _ in outer.named_parameters()] == ["shared"]
    assert len(list(outer.parameters())) == 1
    assert [n for n, _ in outer.named_parameters(remove_duplicate=False)] == ["shared", "inner.w"]
    assert [n for n, _ in outer.named_buffers()] == ["inner.b"]
    assert [n for n, _ in outer.named_modules()] == ["", "inner"]
    assert kind_of(lambda: setattr(outer, "shared", tensor([1.0]))) == "frozen-class"
    outer.shared = None
    assert [n for n, _ in outer.named_parameters()] == ["inner.w"]
    del outer.inner
    assert list(outer.parameters()) == []
    assert not hasattr(outer, "inner")


def test_conversion_and_modes_keep_the_parameters() -> None:
    m = Affine()
    w = m.w
    (m(tensor([1.0]))).sum().backward()
    assert m.float() is m
    assert m.w is w
    assert [t.dtype.name for t in (m.w, m.w.grad, m.b, m.plain)] == ["float32"] * 3 + ["float64"]
    assert not m.eval().training
    assert m(tensor([1.0])).requires_grad
    assert not m.requires_grad_(False).w.requires_grad
    m.zero_grad()
    assert m.w.grad is None


def test_backward_hooks_see_and_replace_gradients_at_the_border() -> None:
    m, seen = Affine(), []

    def tenfold(module: Any, grad_input: Any, grad_output: Any) -> Any:
        seen.append((grad_input[0].item(), grad_output[0].item()))
        return (grad_input[0] * 10,)

    handle = m.register_full_backward_hook(tenfold)
    before = m.register_full_backward_pre_hook(lambda mod, go: (go[0] * 3,))
    x = tensor([5.0], requires_grad=True)
    m(x).sum().backward()
    assert (seen, x.grad.item(), m.w.grad.item()) == ([(6.0, 3.0)], 60.0, 15.0)
    handle.remove()
    before.remove()
    m(x).sum().backward()
    assert (x.grad.item(), m.w.grad.item()) == (62.0, 20.0)

    def look(module: Any, grad_input: Any, grad_output: Any) -> None:
        seen.append((grad_input[0], grad_output[0].item()))

    m.register_full_backward_hook(look)
    with pytest.warns(UserWarning, match="no inputs"):
        m(tensor([5.0])).sum().backward()
    assert seen[1:] == [(None, 1.0)]
    m.register_forward_pre_hook(lambda mod, inputs: inputs[0] * 0)
    m.register_forward_hook(lambda mod, inputs, output: output + 100)
    assert m(tensor([5.0])).item() == 101


# -- modules as functions ----------------------------------------------------------------------------------------------


def test_functional_call() -> None:
    call, m, x = W["func.functional_call"], Affine(), (tensor([3.0]),)
    assert call(m, {"w": tensor([5.0])}, x).item() == 16
    assert call(m, ({"w": tensor([5.0])}, {"b": tensor([100.0])}), x[0], {"k": 2.0}).item() == 130
    assert m.w.item() == 2
    assert call(m, {"other": tensor([5.0])}, x).item() == 7
    assert kind_of(lambda: call(m, {"w": tensor([5.0]), "q": tensor([5.0])}, x, strict=True)) == "key-mismatch"
    assert kind_of(lambda: call(m, ({"w": tensor([5.0])}, {"w": tensor([5.0])}), x)) == "key-mismatch"
    m.again = m.w
    assert kind_of(lambda: call(m, {"w": tensor([5.0]), "again": tensor([5.0])}, x)) == "key-mismatch"
    with pytest.raises(TypeError):
        call(m, {"w": tensor([5.0])}, (*x, None, None))
    assert m.w.item() == 2


def test_stacked_models_are_new_leaves() -> None:
    models = [Affine(2.0), Affine(7.0)]
    params, buffers = W["func.stack_module_state"](models)
    assert (params["w"].tolist(), buffers["b"].tolist()) == ([[2.0], [7.0]], [[1.0], [1.0]])
    assert params["w"].is_leaf
    assert params["w"].requires_grad
    assert not buffers["b"].requires_grad
    models[0].eval()
    assert kind_of(lambda: W["func.stack_module_state"](models)) == "invalid-argument"
    assert kind_of(lambda: W["func.stack_module_state"]([])) == "invalid-argument"


# -- parametrizations --------------------------------------------------------------------------------------------------


def test_parametrization() -> None:
    register, m = W["parametrize.register_parametrization"], Dot([1.0, 2.0])
    register(m, "weight", Double())
    register(m, "weight", Exp())
    assert [n for n, _ in m.named_parameters()] == ["parametrizations.weight.original"]
    assert m.parametrizations.weight.original.tolist() == [0.5, 1.0]
    np.testing.assert_allclose(m.weight.tolist(), np.exp([1, 2]))
    assert m.weight is not m.weight
    with W["parametrize.cached"]():
        assert m.weight is m.weight
    assert kind_of(lambda: setattr(m, "weight", tensor([1.0, 1.0]))) == "no-right-inverse"
    n = Dot([1.0, 2.0])
    register(n, "weight", Double())
    n.weight = tensor([6.0, 8.0])
    assert n.parametrizations.weight.original.tolist() == [3.0, 4.0]
    v = tensor([1.0, 3.0], requires_grad=True)
    for name, expected in (("weight", 31.0), ("parametrizations.weight.original", 62.0)):
        assert W["func.functional_call"](n, {name: v}, (tensor([1.0, 10.0]),)).item() == expected
    n(tensor([1.0, 10.0])).backward()
    assert n.parametrizations.weight.original.grad.tolist() == [2.0, 20.0]
    assert kind_of(lambda: register(n, "nothing", Double())) == "invalid-argument"

    class Cut(Module):  # type: ignore[misc, valid-type]
        def forward(self, x: Any) -> Any:
            return x[:1]

    assert kind_of(lambda: register(Dot([1.0, 2.0]), "weight", Cut())) == "invalid-argument"
    W["parametrize.remove_parametrizations"](n, "weight")
    assert (n.weight.tolist(), n.weight.is_leaf, type(n)) == ([6.0, 8.0], True, Dot)
    W["parametrize.remove_parametrizations"](m, "weight", leave_parametrized=False)
    assert m.weight.tolist() == [0.5, 1.0]


def test_weight_norm() -> None:
    m = W["Linear"](2, 1, bias=False).double()
    m.weight.data.copy_(tensor([[3.0, 4.0]]))
    W["parametrize.weight_norm"](m)
    m(tensor([1.0, 1.0])).sum().backward()
    p = m.parametrizations.weight
    assert p.original0.tolist() == [[5.0]]
    np.testing.assert_allclose(p.original0.grad.tolist(), [[1.4]])
    np.testing.assert_allclose(p.original1.grad.tolist(), [[0.16, -0.12]])


# -- optimizers --------------------------------------------------------------------------------------------------------

GRADIENTS = [[0.5, -1.0], [0.25, 3.0], None, [-2.0, 0.0], [0.1, 0.2]]
OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.2}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.5}),
    ("Adam", {"lr": 0.1, "betas": (0.9, 0.5), "amsgrad": True, "maximize": True}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.5}),
    ("RMSprop", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.5, "centered": True, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.3}),
]


def trace(make: Callable[..., Any], parameter: Any, as_tensor: Callable[[Any], Any]) -> list[Any]:
    optimizer, steps = make([parameter]), []
    for gradient in GRADIENTS:
        parameter.grad = None if gradient is None else as_tensor(gradient)
        optimizer.step()
        steps.append(parameter.tolist())
    return steps


TORCH_STEPS = """
import torch
from tests.engines.test_reference_optim import OPTIMIZERS, trace

def tensor(data):
    return torch.tensor(data, dtype=torch.float64)

for name, options in OPTIMIZERS:
    make = lambda parameters: getattr(torch.optim, name)(parameters, **options)
    print(trace(make, torch.nn.Parameter(tensor([1.0, -2.0])), tensor))
"""


def test_steps_are_those_of_pytorch() -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    run = subprocess.run([sys.executable, "-c", TORCH_STEPS], capture_output=True, text=True, check=True)
    for (name, options), line in zip(OPTIMIZERS, run.stdout.splitlines(), strict=True):
        make = lambda parameters, name=name, options=options: W[name](parameters, **options)  # noqa: E731
        np.testing.assert_allclose(
            trace(make, Parameter(tensor([1.0, -2.0])), tensor), eval(line), rtol=1e-9, err_msg=f"{name} {options}"
        )


def test_a_step_writes_once_and_keeps_the_leaf() -> None:
    p = Parameter(tensor([1.0]))
    optimizer = W["SGD"]([p], lr=0.5)
    loss = (p * p).sum()
    loss.backward(retain_graph=True)
    version = p._version
    optimizer.step()
    assert (p.item(), p.is_leaf, p.requires_grad, p._version) == (0.0, True, True, version + 1)
    assert kind_of(loss.backward) == "inplace-modified-saved"


def test_groups_closure_and_zero_grad() -> None:
    a, b, seen = Parameter(tensor([1.0])), Parameter(tensor([1.0])), []
    optimizer = W["SGD"]([{"params": [a], "lr": 1.0}, {"params": b}], lr=0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = ((a + b) ** 2).sum()
        loss.backward()
        seen.append(loss.requires_grad)
        return loss

    with W["no_grad"]():
        assert optimizer.step(closure).item() == 4
    assert (a.item(), b.item(), seen) == (-3.0, pytest.approx(0.6), [True])
    kept = a.grad
    optimizer.zero_grad(set_to_none=False)
    assert a.grad is kept
    assert kept.tolist() == [0.0]
    optimizer.zero_grad()
    assert a.grad is None


def test_refused_optimizers() -> None:
    p = Parameter(tensor([1.0]))
    for call, kind in (
        (lambda: W["SGD"]([]), "invalid-argument"),
        (lambda: W["SGD"](p), "invalid-argument"),
        (lambda: W["SGD"]([p * 2]), "optim-nonleaf"),
        (lambda: W["SGD"]([1.0]), "not-a-tensor"),
        (lambda: W["SGD"]([{"params": [p]}, {"params": [p]}]), "invalid-argument"),
        (lambda: W["SGD"]([p], nesterov=True), "invalid-argument"),
        (lambda: W["SGD"]([p], lr=-1.0), "invalid-argument"),
        (lambda: W["Adam"]([p], betas=(1.0, 0.9)), "invalid-argument"),
    ):
        assert kind_of(call) == kind
    assert warned(lambda: W["SGD"]([p, p])) == ["duplicate-parameters"]


# -- clipping ----------------------------------------------------------------------------------------------------------


def with_gradient(*gradient: float) -> Any:
    p = Parameter(tensor([0.0] * len(gradient)))
    p.grad = tensor(gradient)
    return p


def test_clipping() -> None:
    a, b, c = with_gradient(3.0, 4.0), with_gradient(12.0), Parameter(tensor([0.0]))
    kept = a.grad
    assert W["clip_grad_norm_"]([a, b, c], 1.0).item() == 13
    assert a.grad is kept
    np.testing.assert_allclose(a.grad.tolist(), np.array([3, 4]) / (13 + 1e-6))
    assert W["clip_grad_norm_"](with_gradient(3.0, -4.0), 10.0, norm_type="inf").item() == 4
    assert W["get_total_norm"]([tensor([3.0]), tensor([4.0])]).item() == 5
    assert W["clip_grad_norm_"]([], 1.0).item() == 0
    v = with_gradient(-3.0, 0.5, 4.0)
    assert W["clip_grad_value_"]([v], 1.0) is None
    assert v.grad.tolist() == [-1.0, 0.5, 1.0]
    bad = with_gradient(math.nan, 4.0)
    assert kind_of(lambda: W["clip_grad_norm_"](bad, 1.0, error_if_nonfinite=True)) == "nonfinite-norm"
    assert bad.grad[1].item() == 4
    assert warned(lambda: W["clip_grad_norm_"](iter(()), 1.0)) == ["empty-parameters"]
    assert warned(lambda: W["clip_grad_norm"]([v], 10.0)) == ["deprecated-argument"]
