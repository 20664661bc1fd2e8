"""The reference engine through its public surface, against closed forms, finite differences and (where installed) PyTorch."""

from __future__ import annotations

import ast
import gc
import importlib.util
import math
import random
import subprocess
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness import plugins
from harness.engine import NATIVE, Array, Opaque
from harness.language import words

FOLDER = Path(__file__).resolve().parents[2] / "engines" / "reference"


def load() -> ModuleType:
    """The engine's package, by path, under a private name: as the harness loads it."""
    name = "_test_reference_engine"
    spec = importlib.util.spec_from_file_location(
        name, FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


PACKAGE = load()
ENGINE = PACKAGE.Engine()
R = SimpleNamespace(**ENGINE.names)
tensor, grad = R.tensor, R.grad
RULES = importlib.import_module(f"{PACKAGE.__name__}.rules").RULES


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    ENGINE.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing here warns unless a test says so
        yield


def kind_of(call: Callable[[], Any]) -> str | None:
    with pytest.raises(Exception) as caught:
        call()
    kind: str | None = ENGINE.error_kind(caught.value)
    return kind


def warned(call: Callable[[], Any]) -> list[str | None]:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        call()
    assert all(w.filename == __file__ for w in seen), "a warning names the line of the user"
    return [ENGINE.warning_kind(w.message) for w in seen if isinstance(w.message, Warning)]


# -- the adapter -------------------------------------------------------------------------------------------------------


def test_every_word_of_the_language_is_bound_or_left_out_on_purpose() -> None:
    assert set(ENGINE.names) <= set(words.NAMES)
    assert set(ENGINE.attributes) <= set(words.ATTRIBUTES)
    unbound = {
        *words.NAMES.keys() - ENGINE.names.keys(),
        *(f".{a}" for a in words.ATTRIBUTES.keys() - ENGINE.attributes),
    }
    assert unbound == set(plugins.find("reference").file.lacks)
    assert all(attribute is NATIVE for attribute in ENGINE.attributes.values())


def test_read_gives_plain_data() -> None:
    assert ENGINE.read(tensor([[1.0, 2.0]])) == Array("float32", (1, 2), [[1.0, 2.0]])
    assert ENGINE.read(tensor(3)) == Array("int64", (), 3)
    assert ENGINE.read(tensor([1.0]).numpy()) == Array("float32", (1,), [1.0])
    assert ENGINE.read((tensor(1.0).dtype, None, True, "a", (2, 3))) == ["float32", None, True, "a", [2, 3]]
    assert ENGINE.read(object()) == Opaque("object")
    assert ENGINE.size(R.zeros(3, 4)) == 12
    assert ENGINE.size(1.5) == 1


def test_graph_shows_names_and_operand_order() -> None:
    x, w = tensor([1.0, 2.0], requires_grad=True), tensor([3.0, 4.0])
    y = (w * x + x).sum()
    graph = ENGINE.graph({"x": x, "w": w, "y": y, "n": 3})
    assert [(n.label, n.role) for n in graph.nodes] == [("x", "leaf"), ("sum", "root"), ("add", "op"), ("mul", "op")]
    assert set(graph.edges) == {(1, 2), (2, 3), (3, 0), (2, 0)}


def test_preamble_runs_as_a_script() -> None:
    source = ENGINE.preamble(["tensor", "grad", "no such word"])
    ast.parse(source)
    program = source + "\nx = tensor(3., requires_grad=True)\nprint(grad(x * x, x))\n"
    root = str(FOLDER.parents[1])
    run = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("(tensor(6.),)\n", "")


def test_none_attribute_is_a_kind() -> None:
    assert kind_of(lambda: tensor([1.0], requires_grad=True).grad.data) == "none-attribute"
    assert ENGINE.error_kind(ValueError("something else")) is None


# -- derivatives: every rule, against finite differences ---------------------------------------------------------------

A = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]])
B = np.array([[1.1, 0.4, -0.9], [-1.6, 2.2, 0.8]])
POSITIVE = np.abs(A) + 0.2
COMPLEX = A + 1j * B
MASK = [[True, False, True], [False, False, True]]


def sliced(a: Any, b: Any) -> Any:
    c = a.clone()
    c[:, 1:] = b
    return c


def sliced_flat(a: Any, b: Any) -> Any:
    c = a.t().clone()
    c.t().view(-1)[::2] = b  # the gradient that arrives has other strides than c
    return c.sum(0) * c.sum()


def put(a: Any, b: Any) -> Any:
    c = a.clone()
    c[[1, 0], [2, 0]] = b
    return c


Sample = tuple[Callable[..., Any], list[np.ndarray[Any, Any]]]

SAMPLES: dict[str, list[Sample]] = {
    "add": [
        (lambda a, b: a.add(b, alpha=3), [A, B]),
        (lambda a, b: a + b, [A, B[0]]),
        (lambda a, b: a + b, [COMPLEX, B]),
    ],
    "sub": [(lambda a, b: a.sub(b, alpha=3), [A, B]), (lambda a, b: a - b, [A[:, :1], B]), (lambda a: 2 - a, [A])],
    "mul": [
        (lambda a, b: a * b, [A, B]),
        (lambda a, b: a * b, [A[:1], B[:, :1]]),
        (lambda a: 2 * a, [A]),
        (lambda a, b: a * b, [COMPLEX, COMPLEX[::-1].copy()]),
        (lambda a, b: a * b, [COMPLEX, B]),
    ],
    "div": [
        (lambda a, b: a / b, [A, B]),
        (lambda a, b: a / b, [A, B[1]]),
        (lambda a: 2 / a, [A]),
        (lambda a, b: a / b, [COMPLEX, COMPLEX[::-1].copy()]),
    ],
    "neg": [(lambda a: -a, [A])],
    "remainder": [
        (lambda a, b: a % b, [A + 0.13, B]),
        (lambda b: 7 % b, [B]),
        (lambda a: a % 0.7, [A + 0.13]),
    ],
    "floor": [(lambda a: a.floor(), [A + 0.13])],
    "floor_divide": [],  # see test_operation_without_a_derivative
    "pow": [(lambda a: a**3, [A]), (lambda a: a**0, [A]), (lambda a: a**1, [A]), (lambda a: a**-1.5, [POSITIVE])],
    "pow:1": [(lambda a, b: a**b, [POSITIVE, B]), (lambda b: 2.5**b, [B])],
    "exp": [(lambda a: a.exp(), [A]), (lambda a: a.exp(), [COMPLEX])],
    "log": [(lambda a: a.log(), [POSITIVE]), (lambda a: a.log(), [COMPLEX])],
    "sqrt": [(lambda a: a.sqrt(), [POSITIVE])],
    "sin": [(lambda a: a.sin(), [A]), (lambda a: a.sin(), [COMPLEX])],
    "cos": [(lambda a: a.cos(), [A]), (lambda a: a.cos(), [COMPLEX])],
    "tanh": [(lambda a: a.tanh(), [A])],
    "sigmoid": [(lambda a: a.sigmoid(), [A])],
    "softplus": [(lambda a: R.binary_cross_entropy_with_logits(a, tensor(0.25), reduction="none"), [A])],
    "relu": [(lambda a: a.relu(), [A])],
    "abs": [(lambda a: abs(a), [A]), (lambda a: abs(a), [COMPLEX])],
    "sign": [(lambda a: a.sign(), [A])],
    "where": [
        (lambda a, b: a.where(tensor(MASK), b), [A, B]),
        (lambda a, b: a.where(tensor(MASK), b), [A[0], B[:, :1]]),
    ],
    "sum": [
        (lambda a: a.sum(), [A]),
        (lambda a: a.sum(0), [A]),
        (lambda a: a.sum(-1, keepdim=True), [A]),
        (lambda a: a.sum((0, 1)), [A]),
    ],
    "mean": [(lambda a: a.mean(), [A]), (lambda a: a.mean(0), [A]), (lambda a: a.mean(dim=1, keepdim=True), [A])],
    "sum_to_size": [(lambda a: a.sum_to_size((1, 3)), [A]), (lambda a: a.sum_to_size((3,)), [A])],
    "dot": [(lambda a, b: a @ b, [A[0], B[0]])],
    "mv": [(lambda a, b: a @ b, [A, B[0]])],
    "mm": [
        (lambda a, b: a @ b, [A, B.T.copy()]),
        (lambda a, b: a.mm(b), [COMPLEX, B.T.copy()]),
        (lambda a, b: a @ b, [A[:, 0], B]),
    ],
    "bmm": [
        (lambda a, b: a @ b, [np.stack([A, B]), B.T.copy()]),
        (lambda a, b: a @ b, [A[0], np.stack([A.T, B.T])]),
        (lambda a, b: a @ b, [np.stack([A, B]), B[0]]),
    ],
    "clone": [(lambda a: a.clone(), [A])],
    "to_copy": [(lambda a: a.to("complex128"), [A])],
    "conj": [(lambda a: a.conj(), [COMPLEX])],
    "view_as_real": [(lambda a: a.view_as_real(), [COMPLEX]), (lambda a: a.real * a.imag, [COMPLEX])],
    "view_as_complex": [(lambda a: a.view_as_complex(), [A[:, :2].copy()])],
    "view": [(lambda a: a.view(3, 2), [A]), (lambda a: a.t().reshape((-1,)), [A])],
    "expand": [(lambda a: a.expand(4, -1, 3), [A]), (lambda a: a.expand(2, 3), [A[:1]])],
    "t": [(lambda a: a.t(), [A]), (lambda a: a.t(), [A[0]])],
    "transpose": [(lambda a: a.transpose(0, 2), [np.stack([A, B])])],
    "permute": [(lambda a: a.permute(1, 2, 0), [np.stack([A, B])]), (lambda a: a.T, [A])],
    "select": [(lambda a: a[1], [A]), (lambda a: a[0, -1], [A])],
    "slice": [(lambda a: a[:, ::2], [A]), (lambda a: a[None, ..., 1:], [A]), (lambda a: a[1:1], [A])],
    "index": [(lambda a: a[[1, 0, 1]], [A]), (lambda a: a[tensor(MASK)], [A]), (lambda a: a[:, [0, 0, 2]], [A])],
    "place": [(lambda a: a.place((slice(1, 3), ...), (4, 3)), [A])],
    "copy": [(lambda a, b: a.clone().copy_(b), [A, B]), (lambda a, b: a.clone().copy_(b), [A, B[0]])],
    "fill": [(lambda a, b: a.clone().fill_(b), [A, np.array(1.5)])],
    "zero": [(lambda a: a.clone().zero_(), [A])],
    "index_put": [(put, [A, B[0, :2].copy()]), (put, [A, np.array(2.0)])],
    "copy_slices": [
        (sliced, [A, B[:, 1:].copy()]),
        (sliced, [A, B[:, :1].copy()]),
        (sliced_flat, [A, B[:, 1].copy()[:1]]),
    ],
}


def as_tensors(arrays: list[Any], tracked: int) -> list[Any]:
    return [tensor(array, requires_grad=i == tracked) for i, array in enumerate(arrays)]


def labels_behind(result: Any) -> set[str]:
    found, waiting = set(), [result.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found:
            found.add(node)
            waiting.extend(operand for operand, _ in node.next_functions)
    return {node.label for node in found}


def weights(shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """Fixed, uneven cotangents."""
    values: np.ndarray[Any, Any] = np.cos(np.arange(math.prod(shape)) * 1.7 + 0.3).reshape(shape)
    return values + 1j * values[::-1] if dtype.kind == "c" else values


def numeric_gradient(function: Callable[[Any], float], at: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Of a real function, by central differences; for a complex argument d/d(real) + i d/d(imaginary)."""
    step = 1e-6
    result = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        for direction in (1, 1j) if at.dtype.kind == "c" else (1,):
            moved = [at.copy(), at.copy()]
            moved[0][index] += step * direction
            moved[1][index] -= step * direction
            result[index] += direction * (function(moved[0]) - function(moved[1])) / (2 * step)
    return result


def inner(weight: np.ndarray[Any, Any], value: np.ndarray[Any, Any]) -> float:
    return float(np.sum(np.real(np.conj(weight) * value)))


CASES = [
    pytest.param(rule, function, arrays, operand, id=f"{rule}-{number}-{operand}")
    for rule, samples in SAMPLES.items()
    for number, (function, arrays) in enumerate(samples)
    for operand in range(len(arrays))
]


def test_every_rule_has_a_sample() -> None:
    assert list(SAMPLES) == list(RULES)


@pytest.mark.parametrize(("rule", "function", "arrays", "operand"), CASES)
def test_rule_against_finite_differences(rule: str, function: Any, arrays: list[Any], operand: int) -> None:
    inputs = as_tensors(arrays, operand)
    result = function(*inputs)
    assert rule.partition(":")[0] in labels_behind(result)
    weight = weights(result.shape, result.dtype)

    def gradient_at(array: Any, create_graph: bool = False) -> tuple[Any, Any]:
        x = tensor(array, requires_grad=True)
        operands = [x if i == operand else tensor(a) for i, a in enumerate(arrays)]
        return x, grad(function(*operands), x, tensor(weight), create_graph=create_graph)[0]

    def loss(array: Any) -> float:
        operands = [tensor(array if i == operand else a) for i, a in enumerate(arrays)]
        return inner(weight, function(*operands).numpy())

    x, first = gradient_at(arrays[operand], create_graph=True)
    assert first.shape == x.shape
    assert first.dtype == x.dtype
    np.testing.assert_allclose(first.detach().numpy(), numeric_gradient(loss, arrays[operand]), rtol=1e-6, atol=1e-7)

    if first.requires_grad:  # and the derivative of the derivative
        second_weight = weights(first.shape, first.dtype)[..., ::-1] if first.shape else np.array(0.7)
        second = grad(first, x, tensor(second_weight.copy()), allow_unused=True)[0]
        expected = numeric_gradient(lambda a: inner(second_weight, gradient_at(a)[1].numpy()), arrays[operand])
        got = np.zeros_like(expected) if second is None else second.numpy()
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_operation_without_a_derivative() -> None:
    x = tensor([5.0, -5.0], requires_grad=True)
    y = x // 2
    assert (y.tolist(), (7 // x).tolist(), y.requires_grad) == ([2.0, -3.0], [1.0, -2.0], True)
    assert kind_of(y.sum().backward) == "no-derivative"
    z = tensor([7.0, -7.0])
    z //= 2
    z %= 3
    assert (z.tolist(), R.version(z)) == ([0.0, 2.0], 2)


def test_third_derivative() -> None:
    x = tensor(2.0, requires_grad=True)
    y = x**4
    for expected in (32.0, 48.0, 48.0, 24.0):
        (y,) = grad(y, x, create_graph=True)
        assert y.item() == expected


def test_hessian_of_a_composed_function() -> None:
    x = tensor([0.3, -0.8], dtype="float64", requires_grad=True)
    (g,) = grad((x.sin() * x.exp()).sum() + x[0] * x[1], x, create_graph=True)
    rows = [grad(g[i], x, retain_graph=True)[0].tolist() for i in range(2)]
    own = [2 * math.cos(v) * math.exp(v) for v in (0.3, -0.8)]
    np.testing.assert_allclose(rows, [[own[0], 1], [1, own[1]]], rtol=1e-12)


@pytest.mark.parametrize("create_graph", [False, True])
def test_conventions_where_no_derivative_exists(create_graph: bool) -> None:
    x = tensor([-1.0, 0.0, 1.0], requires_grad=True)
    conventions: list[tuple[Callable[[Any], Any], list[float]]] = [
        (lambda v: v.relu(), [0, 0, 1]),
        (lambda v: abs(v), [-1, 0, 1]),
        (lambda v: v**0, [0, 0, 0]),
        (lambda v: v**1, [1, 1, 1]),
        (lambda v: R.binary_cross_entropy_with_logits(v * 0, tensor([1.0, 0.0, 0.5]), reduction="none"), [0, 0, 0]),
    ]
    for function, expected in conventions:
        assert grad(function(x).sum(), x, create_graph=create_graph)[0].tolist() == expected
    z = tensor([0.0], requires_grad=True)
    R.binary_cross_entropy_with_logits(z, tensor([1.0])).backward()
    assert z.grad.tolist() == [-0.5]


# -- dtypes and broadcasting -------------------------------------------------------------------------------------------


def test_result_types() -> None:
    f32, f64, i64 = tensor([1.0]), tensor([1.0], dtype="float64"), tensor([1])
    scalar64 = tensor(2.0, dtype="float64")
    for result, expected in (
        (f32 * 2, "float32"),
        (2.5 * f32, "float32"),
        (f32 * scalar64, "float32"),
        (scalar64 * f32, "float32"),
        (f32 * f64, "float64"),
        (i64 * 2, "int64"),
        (i64 * 2.5, "float32"),
        (i64 * scalar64, "float64"),
        (i64 / 2, "float32"),
        (i64 * f32, "float32"),
        (tensor(2.0) * tensor(2.0, dtype="float64"), "float64"),
        (tensor([True]) * 2, "int64"),
        (tensor([True]).sum(), "int64"),
        (f32 * 1j, "complex64"),
        (f64 * tensor(1j), "complex128"),
        (i64.exp(), "float32"),
        (tensor(2.0) * 3, "float32"),
        (tensor(2.0) ** 2, "float32"),
        (tensor([2.0], dtype="float16") * 3, "float16"),
        (tensor([2.0, 4.0]).mean(), "float32"),
        (tensor([]), "float32"),
    ):
        assert result.dtype.name == expected


def test_each_leaf_gets_its_own_shape_and_dtype_back() -> None:
    column = tensor([[1.0], [2.0]], requires_grad=True)
    row = tensor([10.0, 20.0, 30.0], dtype="float64", requires_grad=True)
    scalar = tensor(2.0, requires_grad=True)
    (column * row * scalar).sum().backward()
    assert ENGINE.read(column.grad) == Array("float32", (2, 1), [[120.0], [120.0]])
    assert ENGINE.read(row.grad) == Array("float64", (3,), [6.0, 6.0, 6.0])
    assert ENGINE.read(scalar.grad) == Array("float32", (), 180.0)


def test_cotangents_are_cast_and_checked() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    (x * 2).backward(tensor([3, 4]))
    assert ENGINE.read(x.grad) == Array("float32", (2,), [6.0, 8.0])
    y = x * 2
    assert kind_of(lambda: y.backward()) == "implicit-grad-non-scalar"
    assert kind_of(lambda: y.backward(tensor(1.0))) == "grad-shape-mismatch"
    assert kind_of(lambda: y.backward(tensor([1j, 1j]))) == "grad-complex-mismatch"
    assert kind_of(lambda: y.backward([1.0, 1.0])) == "grad-arg-type"
    assert kind_of(lambda: y.backward(1.0)) == "grad-arg-not-iterable"
    assert kind_of(lambda: R.backward([y, y], [tensor([1.0, 1.0])])) == "grad-count-mismatch"
    assert kind_of(lambda: (x.detach() * 2).backward(tensor([1.0, 1.0]))) == "no-grad-fn"
    assert kind_of(lambda: (x[:0] * 2).backward()) == "implicit-grad-non-scalar"
    assert kind_of(lambda: (x[0] * 1j).backward()) == "implicit-grad-non-real"


# -- accumulation and freed graphs -------------------------------------------------------------------------------------


def test_gradients_accumulate_in_place_and_are_not_shared() -> None:
    a, b = tensor([1.0, 2.0], requires_grad=True), tensor([1.0, 2.0], requires_grad=True)
    (a + b).sum().backward()
    kept = a.grad
    a.grad.mul_(10)
    (a * 2).sum().backward()
    assert a.grad is kept
    assert (a.grad.tolist(), b.grad.tolist()) == ([12.0, 12.0], [1.0, 1.0])
    with R.no_grad():
        (a * 1).detach()
    assert warned(lambda: (a * a).sum().backward(create_graph=True)) == ["create-graph-cycle"]
    assert a.grad is not kept
    assert a.grad.requires_grad


def test_freed_graph() -> None:
    x = tensor(3.0, requires_grad=True)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert kind_of(y.backward) == "graph-freed"
    assert x.grad.item() == 12.0


def test_nothing_saved_nothing_freed() -> None:
    x = tensor([[1.0, 2.0]], requires_grad=True)
    y = ((x + 1).mean() - x.sum()) + x[0].view(2, 1).t().clone()[0, 1]
    y.backward()
    y.backward()
    assert x.grad.tolist() == [[-1.0, 1.0]]
    z = (x * 2).sum()  # the constant is saved
    z.backward()
    assert kind_of(z.backward) == "graph-freed"


def test_only_what_a_rule_names_is_saved_and_backward_releases_it() -> None:
    a, b = tensor(2.0, requires_grad=True), tensor(3.0)
    assert [R.saved(r) for r in (a * b, a + a, a.sum())] == [[b], [], []]
    assert len(R.saved(a * a)) == 2
    kept = a * 1.0
    reference = weakref.ref(kept)
    y = kept * kept
    del kept
    assert reference() is not None
    y.backward()
    assert reference() is None, "freed with the graph, without the garbage collector"


def test_a_graph_is_freed_by_reference_counting() -> None:
    gc.collect()
    gc.disable()
    try:
        x = tensor([1.0, 2.0], requires_grad=True)
        y = (x.exp().sigmoid() * x)[0:1]
        y += 1
        references = [weakref.ref(y), weakref.ref(y.grad_fn), weakref.ref(x)]
        del x, y
        assert [reference() for reference in references] == [None] * 3
    finally:
        gc.enable()


def test_a_node_runs_once_after_all_its_consumers() -> None:
    seen = []
    x = tensor(3.0, requires_grad=True)
    y = x * 1
    y.register_hook(lambda g: seen.append(g.item()))
    z = y
    for _ in range(60):  # 2 ** 60 paths
        z = z + z
    z.backward()
    assert seen == [2.0**60]


# -- depth -------------------------------------------------------------------------------------------------------------


def test_deep_chain() -> None:
    x = tensor(1.0, requires_grad=True)
    start = time.perf_counter()
    steps: list[Callable[[Any], Any]] = [lambda y: y + 1, lambda y: y * 1.0, lambda y: y.sin()]
    for make in steps:
        y = x
        for _ in range(60_000):
            y = make(y)
        y.backward(retain_graph=True)
        (g,) = grad(y, x)
        assert g.requires_grad is False
        del y
    assert time.perf_counter() - start < 120


def test_deep_chain_in_a_small_stack() -> None:
    """Destruction of a long chain must not recurse either; a thread with a small stack would die of it.

    CPython 3.13 lets the destruction of any nested objects go 10,000 frames deep before it defers, which needs an ordinary
    stack: a plain linked list kills a thread of 256 KiB there."""
    finished = []

    def work() -> None:
        x = tensor(1.0, requires_grad=True)
        y = x
        for _ in range(100_000):
            y = y.cos()
        del y
        finished.append(True)

    size = threading.stack_size((256 if sys.version_info < (3, 13) else 8192) * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
    assert finished == [True]


# -- in place and views ------------------------------------------------------------------------------------------------


def test_version_counter_guards_saved_values() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    writes: list[Callable[[Any], Any]] = [
        lambda y: y.add_(0),
        lambda y: y[0].mul_(2),
        lambda y: y.view(2, 1).zero_(),
        lambda y: y.detach().add_(1),
        lambda y: y.__setitem__(0, 5.0),
    ]
    for spoil in writes:
        y = x * 1.0
        z = (y * y).sum()
        spoil(y)
        assert kind_of(z.backward) == "inplace-modified-saved"
    y = x.exp()
    y.add_(1)
    assert kind_of(lambda: y.sum().backward()) == "inplace-modified-saved"
    y = x.sin()
    y.add_(1)
    y.sum().backward()  # sin saved its operand
    w = tensor([1.0, 2.0], requires_grad=True)
    loss = (w * w).sum()
    w.data.add_(10)  # the documented hole
    loss.backward()
    assert w.grad.tolist() == [22.0, 24.0]


def test_versions_are_shared_by_memory() -> None:
    x = tensor([1.0, 2.0])
    view, detached, data = x.view(2), x.detach(), x.data
    view.add_(1)
    detached.add_(1)
    x[0] = 1.0
    assert [R.version(t) for t in (x, view, detached, data)] == [3, 3, 3, 0]


def test_leaves_are_not_written_while_recording() -> None:
    w = tensor([1.0, 2.0], requires_grad=True)
    assert kind_of(lambda: w.add_(1)) == "leaf-inplace"
    assert kind_of(lambda: w.__setitem__(0, 1.0)) == "leaf-view-inplace"
    assert kind_of(lambda: w.view(2).mul_(2)) == "leaf-view-inplace"
    assert kind_of(lambda: w.__setitem__([0], 1.0)) == "leaf-inplace"
    assert (w.tolist(), R.version(w)) == ([1.0, 2.0], 0)
    with R.no_grad():
        w -= 0.5
        w[0] = 9.0
    assert (w.tolist(), w.is_leaf, R.version(w)) == ([9.0, 1.5], True, 2)


def test_in_place_refusals() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    assert kind_of(lambda: (x[0] * 1).add_(x)) == "inplace-shape"
    assert kind_of(lambda: tensor([1]).add_(tensor([1.0]))) == "inplace-dtype"
    assert kind_of(lambda: tensor([1.0]).expand(3).add_(1)) == "overlap-write"
    assert kind_of(lambda: (x * 2)[0:1].detach_()) == "detach-view-inplace"
    b = x.clone()
    with R.no_grad():
        v = b.view(2)
    assert kind_of(lambda: v.add_(1)) == "no-grad-view-inplace"


def test_earlier_consumers_keep_the_old_history() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    z = y + 1
    y.mul_(10)
    (z.sum() + y.sum()).backward()
    assert x.grad.tolist() == [22.0, 22.0]


def test_write_to_a_view_rewrites_base_and_siblings() -> None:
    x, w = tensor([1.0, 2.0, 3.0], requires_grad=True), tensor([4.0, 5.0], requires_grad=True)
    b = x * 1.0
    u, v, whole = b[0:2], b[1:3], b.view(3, 1)
    u *= w
    assert (b.tolist(), v.tolist()) == ([4.0, 10.0, 3.0], [10.0, 3.0])
    assert (R.op_name(b), R.op_name(u), R.op_name(v)) == ("copy_slices", "slice", "slice")
    (v * tensor([1.0, 10.0]) + whole.sum()).sum().backward()
    # v = (w1 x1, x2); whole.sum() = w0 x0 + w1 x1 + x2, twice
    assert x.grad.tolist() == [8.0, 15.0, 12.0]
    assert w.grad.tolist() == [2.0, 6.0]


def test_write_to_the_base_reaches_views_of_views() -> None:
    x = tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    b = x.clone()
    v = b.view(2, 2)[1]
    b.mul_(3)
    v[0] = 0.0
    (v * tensor([1.0, 10.0])).sum().backward()
    assert (b.tolist(), x.grad.tolist()) == ([3.0, 6.0, 0.0, 12.0], [0.0, 0.0, 0.0, 30.0])


def test_untracked_base_becomes_tracked() -> None:
    x = tensor([7.0], requires_grad=True)
    b = R.zeros(2)
    v, other = b[0:1], b[1:]
    v.copy_(x)
    assert [t.requires_grad for t in (b, v, other)] == [True] * 3
    assert [t.is_leaf for t in (b, v, other)] == [False] * 3
    (b * tensor([3.0, 5.0])).sum().backward()
    assert x.grad.tolist() == [3.0]


def test_in_place_with_a_tracked_factor_can_be_differentiated_twice() -> None:
    x, w = tensor(2.0, requires_grad=True), tensor(3.0, requires_grad=True)
    y = x * x
    y.mul_(w)
    y.mul_(w * x)  # x^3 w^2
    gx, gw = grad(y, [x, w], create_graph=True)
    assert (gx.item(), gw.item()) == (12 * 9, 8 * 6)
    assert grad(gx, w)[0].item() == 12 * 6
    y.mul_(y)  # saves itself as the other factor, and writes it
    assert kind_of(y.backward) == "inplace-modified-saved"


def test_detach_data_and_numpy() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    assert kind_of(y.numpy) == "numpy-requires-grad"
    x.detach().numpy()[0] = 9.0
    assert x.tolist() == [9.0, 2.0]
    assert y.detach_() is y
    assert (y.is_leaf, y.requires_grad) == (True, False)
    assert R.same_storage(x, x.detach()[1:])
    assert not R.same_storage(x, x.clone())


# -- flags, gradients, modes -------------------------------------------------------------------------------------------


def test_flag_rules() -> None:
    x = tensor([1.0], requires_grad=True)
    y = x * 2
    assert y.requires_grad_() is y
    assert kind_of(lambda: y.requires_grad_(False)) == "nonleaf-flag-change"
    assert kind_of(lambda: setattr(y, "requires_grad", True)) == "nonleaf-flag-change"
    assert kind_of(lambda: tensor([1], requires_grad=True)) == "non-float-requires-grad"
    assert kind_of(lambda: tensor([1]).requires_grad_()) == "non-float-requires-grad"
    out = (x * 3).sum()
    x.requires_grad_(False)
    out.backward()
    assert x.grad is None


def test_grad_attribute() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    assert warned(lambda: y.grad) == ["nonleaf-grad-access"]
    y.retain_grad()
    assert y.grad is None
    y.sum().backward()
    retained: Any = y.grad
    assert retained.tolist() == [1.0, 1.0]
    assert kind_of(lambda: setattr(x, "grad", tensor([1.0]))) == "grad-assign-shape"
    assert kind_of(lambda: setattr(x, "grad", tensor([1, 1]))) == "grad-assign-dtype"
    assert kind_of(lambda: setattr(x, "grad", 3)) == "grad-assign-type"
    assert kind_of(lambda: setattr(x, "grad", x)) == "grad-assign-self"
    del x.grad
    assert x.grad is None
    assert kind_of(tensor([1.0]).retain_grad) == "retain-grad-no-grad"


def test_modes_nest_restore_and_decorate() -> None:
    x = tensor([1.0], requires_grad=True)

    def boom() -> None:
        with R.no_grad():
            raise ValueError

    with pytest.raises(ValueError):
        boom()
    with R.no_grad():
        assert not (x * 2).requires_grad
        with R.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    with R.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad
    for decorate in (R.no_grad, R.no_grad(), lambda function: R.set_grad_enabled(False)(function)):
        assert not decorate(lambda: x * 2)().requires_grad
        assert (x * 2).requires_grad
    R.set_grad_enabled(False)
    others: list[bool] = []
    thread = threading.Thread(target=lambda: others.append((x * 2).requires_grad))
    thread.start()
    thread.join()
    assert (others, (x * 2).requires_grad) == ([True], False)


def test_scalar_conversions_and_transposes_warn() -> None:
    x = tensor(2.0, requires_grad=True)
    assert warned(lambda: float(x)) == ["scalar-conversion"]
    assert warned(lambda: tensor([x, 1.0])) == ["scalar-conversion"]
    assert warned(lambda: tensor(x)) == ["tensor-copy-construct"]
    assert warned(lambda: tensor([1.0]).T) == ["transpose-attr-not-2d"]
    assert x.item() == 2.0
    assert kind_of(tensor([1.0, 2.0]).item) == "item-multi-element"


def test_grad_and_inputs() -> None:
    a, b, c = (tensor(v, requires_grad=True) for v in (2.0, 3.0, 5.0))
    m = a * b
    assert [g.item() for g in grad(m * m, [m, a], retain_graph=True)] == [12.0, 36.0]
    assert grad(m, [a, c], allow_unused=True, retain_graph=True)[1] is None
    assert kind_of(lambda: grad(m, c, retain_graph=True)) == "unused-input"
    assert kind_of(lambda: grad(m, tensor(1.0))) == "differentiated-no-grad"
    assert kind_of(lambda: m.backward(inputs=[])) == "inputs-empty"
    assert kind_of(lambda: m.backward(inputs=[tensor(1.0)])) == "inputs-no-grad"
    m.backward(inputs=[a, m])
    assert (a.grad.item(), b.grad, m.grad.item()) == (3.0, None, 1.0)
    assert grad(a, a)[0].item() == 1.0


# -- hooks -------------------------------------------------------------------------------------------------------------


def test_hooks_run_in_order_replace_and_are_removed() -> None:
    seen: list[Any] = []
    x = tensor(2.0, requires_grad=True)
    y = x * 3
    y.retain_grad()
    first = y.register_hook(lambda g: seen.append(g.item()))
    y.register_hook(lambda g: g * 10)
    second = y.register_hook(lambda g: seen.append(g.item()))
    x.register_hook(lambda g: g + 1)
    y.backward(retain_graph=True)
    assert (seen, y.grad.item(), x.grad.item()) == ([1.0, 10.0], 10.0, 31.0)
    first.remove()
    first.remove()
    with second:
        pass
    y.backward()
    assert seen == [1.0, 10.0]


def test_hooks_are_checked() -> None:
    for replacement, kind in (
        (3, "hook-return-type"),
        (tensor([1.0, 1.0, 1.0]), "hook-return-size"),
        (tensor([1, 1]), "hook-return-dtype"),
    ):
        x = tensor([1.0, 2.0], requires_grad=True)
        x.register_hook(lambda g, replacement=replacement: replacement)
        assert kind_of(x.sum().backward) == kind
        assert x.grad is None
    assert kind_of(lambda: tensor(1.0).register_hook(print)) == "hook-no-grad"


def test_hooks_stay_with_the_node_and_retained_gradients_move() -> None:
    seen = []
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.mul_(5)
    (y * 3).sum().backward()
    assert (seen, y.retains_grad, y.grad.tolist()) == ([[15.0, 15.0]], True, [3.0, 3.0])


def test_leaf_hooks_outlive_graphs() -> None:
    x = tensor(3.0, requires_grad=True)
    x.register_hook(lambda g: g * 2)
    for _ in range(2):
        (x * 1).backward()
    assert x.grad.item() == 4.0
    assert grad(x * 5, x)[0].item() == 10.0


# -- custom functions --------------------------------------------------------------------------------------------------


class Scale(R.Function):  # type: ignore[misc, name-defined]
    @staticmethod
    def forward(ctx: Any, x: Any, factor: float) -> Any:
        ctx.save_for_backward(x)
        ctx.factor = factor
        return x * x * factor

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        assert ctx.needs_input_grad == (True, False)
        (x,) = ctx.saved_tensors
        return 2 * ctx.factor * x * g, None


def test_custom_function_first_and_second_order() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    y = Scale.apply(x, 3.0)
    assert (y.grad_fn.name(), R.op_name(y)) == ("ScaleBackward", "Scale")
    (g,) = grad(y.sum(), x, create_graph=True)
    assert g.tolist() == [6.0, 12.0]
    assert grad(g.sum(), x)[0].tolist() == [6.0, 6.0]
    z = Scale.apply(x * 1.0, 1.0)
    z.sum().backward()
    assert kind_of(lambda: z.sum().backward()) == "graph-freed"
    h = x * 1.0
    z = Scale.apply(h, 1.0)
    h.add_(1)
    assert kind_of(lambda: z.sum().backward()) == "inplace-modified-saved"


def test_custom_function_outputs() -> None:
    class Both(R.Function):  # type: ignore[misc, name-defined]
        def forward(ctx: Any, x: Any) -> Any:
            y = x.exp()
            ctx.save_for_backward(y)
            return y, x

        def backward(ctx: Any, g: Any, h: Any) -> Any:
            return g * ctx.saved_tensors[0] + h

    x = tensor(0.0, requires_grad=True)
    y, same = Both.apply(x)
    assert same is not x
    assert (y.output_nr, same.output_nr) == (0, 1)
    (g,) = grad(y, x, create_graph=True)
    assert grad(g, x)[0].item() == 1.0
    with R.no_grad():
        assert not Both.apply(x)[0].requires_grad


@pytest.mark.parametrize(
    ("returned", "kind"),
    [
        (lambda g: (g,), "wrong-gradient-count"),
        (lambda g: (g, g, None), "gradient-for-non-tensor"),
        (lambda g: (1.0, None), "wrong-gradient-type"),
        (lambda g: (g.sum(), None), "wrong-gradient-shape"),
        (lambda g: (g, None, g), "wrong-gradient-count"),
    ],
)
def test_custom_function_gradients_are_checked(returned: Any, kind: str) -> None:
    class Odd(R.Function):  # type: ignore[misc, name-defined]
        def forward(ctx: Any, x: Any, n: float) -> Any:
            return x * n

        def backward(ctx: Any, g: Any) -> Any:
            return returned(g)

    x = tensor([1.0, 2.0], requires_grad=True)
    assert kind_of(lambda: Odd.apply(x, 2.0).sum().backward()) == kind


def test_incomplete_custom_functions() -> None:
    class Nothing(R.Function):  # type: ignore[misc, name-defined]
        pass

    class OnlyForward(R.Function):  # type: ignore[misc, name-defined]
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(3.0) if x.numel() > 1 else None
            return x * 1

    x = tensor([1.0], requires_grad=True)
    assert kind_of(lambda: Nothing.apply(x)) == "not-implemented"
    assert kind_of(lambda: OnlyForward.apply(x).backward()) == "not-implemented"
    assert kind_of(lambda: OnlyForward.apply(tensor([1.0, 2.0]))) == "save-non-tensor"


# -- nn and printing ---------------------------------------------------------------------------------------------------


def test_linear_and_sgd() -> None:
    net = R.Linear(2, 1)
    with R.no_grad():
        net.weight.copy_(tensor([[1.0, 2.0]]))
        net.bias.copy_(tensor([0.5]))
    optimizer = R.SGD(net.parameters(), lr=0.1)
    R.mse_loss(net(tensor([[1.0, 1.0]])), tensor([[0.5]])).backward()
    optimizer.step()
    np.testing.assert_allclose(net.weight.tolist(), [[0.4, 1.4]], rtol=1e-6)
    np.testing.assert_allclose(net.bias.tolist(), [-0.1], rtol=1e-5)
    optimizer.zero_grad()
    assert net.weight.grad is None
    assert net.requires_grad_(False) is net
    assert not net(tensor([1.0, 1.0])).requires_grad
    assert R.Linear(2, 3, bias=False)(R.ones(2)).shape == (3,)
    assert kind_of(lambda: R.SGD([tensor([1.0], requires_grad=True) * 2], lr=0.1)) == "optim-nonleaf"


def test_parameter_and_variable() -> None:
    x = tensor([2.0], requires_grad=True)
    p = R.Parameter(x * 2)
    assert (p.is_leaf, p.requires_grad, R.Parameter(x, requires_grad=False).requires_grad) == (True, True, False)
    v = R.Variable(tensor([1.0]), requires_grad=True)
    assert type(v) is R.Tensor
    assert isinstance(p, R.Variable)
    assert not isinstance(1.0, R.Variable)


def test_printed_forms() -> None:
    x = tensor(1.0, requires_grad=True)
    assert repr(x) == "tensor(1., requires_grad=True)"
    assert repr(x + 2) == "tensor(3., grad_fn=<AddBackward0>)"
    assert repr(x.mean()) == "tensor(1., grad_fn=<MeanBackward0>)"
    assert repr(tensor([0.5, -2.0])) == "tensor([ 0.5000, -2.0000])"
    assert repr(tensor([[1, 20], [3, 4]])) == "tensor([[ 1, 20],\n        [ 3,  4]])"
    assert repr(tensor([True, False])) == "tensor([ True, False])"
    assert repr(tensor([1.0], dtype="float64")) == "tensor([1.], dtype=torch.float64)"
    assert repr(tensor([1e-6, 1.0])) == "tensor([1.0000e-06, 1.0000e+00])"
    assert repr(tensor([])) == "tensor([])"
    assert repr(tensor([float("nan"), 1.5])) == "tensor([   nan, 1.5000])"


# -- against PyTorch ---------------------------------------------------------------------------------------------------


VIEWS = (
    "view(6)",
    "view(6)[1:4]",
    "view(3, 2)[1]",
    "[:, 1:]",
    "[0]",
    "t()",
    "t()[0]",
    "t()[:, 0:1]",
    "[1, 1:]",
    "[0, 2]",
)
WRITES = (
    "mul_(2.)", "mul_(w[1])", "mul_(s)", "mul_({v}.detach())", "mul_({v})", "add_(1.)", "add_(w[0])", "add_(x[1, 2], alpha=.5)",
    "sub_({v}.sum())", "zero_()", "fill_(w[1])", "fill_(.5)", "copy_(x[0, 1])", "sigmoid_()", "sin_()", "div_(w[2])", "pow_(2)",
)  # fmt: skip


def random_program(seed: int) -> str:
    """Views, writes through them, and reads, at random."""
    choose = random.Random(seed)
    lines = ["x = tensor([[.5, -1., 2.], [1.5, 3., -.5]], requires_grad=True)"]
    lines += ["w = tensor([1., -2., .5], requires_grad=True)", "s = w.sum()"]
    lines += [choose.choice(["a = x * 1.", "a = x.clone()", "a = zeros(2, 3)", "a = x + w", "a = x.t().clone().t()"])]
    lines += ["b = a + w"]
    names = ["a", "b"]
    for number in range(choose.randint(2, 8)):
        v = choose.choice(names)
        action = choose.randrange(8)
        if action <= 2:
            step = choose.choice(VIEWS)
            of = choose.choice("ab")
            lines.append(f"v{number} = {of}{'' if step[0] == '[' else '.'}{step}")
            names.append(f"v{number}")
        elif action <= 5:
            lines.append(f"{v}.{choose.choice(WRITES).format(v=v)}")
        elif action == 6:
            lines.append(f"s = s + {v}.{choose.choice(['sum()', 'mean()', 'sum() * w[0]'])}")
        else:
            lines.append(choose.choice([f"with no_grad():\n    {v}.add_(1.)", "b = b + x * w", f"{v}[...] = w[0]"]))
    return "\n".join([*lines, "loss = s + " + " + ".join(f"({n} * {n}).sum()" for n in names)])


def outcome(program: str, names: dict[str, Any]) -> Any:
    """Gradients and second-order gradients, or that there was an error."""
    space = dict(names)
    try:
        exec(program, space)
        first = space["grad"](space["loss"], [space["x"], space["w"]], create_graph=True, allow_unused=True)
        total = sum((g * g).sum() for g in first if g is not None)
        second = (
            space["grad"](total, [space["x"], space["w"]], allow_unused=True)
            if getattr(total, "requires_grad", False)
            else (None, None)
        )
    except (RuntimeError, ValueError, IndexError) as error:
        return "error", str(error)
    numbers = [None if g is None else g.tolist() for g in (*first, *second)]
    return numbers, [space["a"].tolist(), space["b"].tolist(), space["a"].requires_grad, space["a"].is_leaf]


@pytest.mark.parametrize("seed", range(150))
def test_random_in_place_programs_agree_with_pytorch(seed: int) -> None:
    torch = pytest.importorskip("torch")
    theirs = {"tensor": torch.tensor, "zeros": torch.zeros, "no_grad": torch.no_grad, "grad": torch.autograd.grad}
    program = random_program(seed)
    expected, got = outcome(program, theirs), outcome(program, dict(ENGINE.names))
    if "error" in (expected[0], got[0]):
        assert got[0] == expected[0], f"{program}\n{expected}\n{got}"
        return
    for ours, reference in zip(got[0] + got[1], expected[0] + expected[1], strict=True):
        if reference is None:
            assert ours is None, program
        else:
            np.testing.assert_allclose(np.array(ours), np.array(reference), rtol=2e-4, atol=1e-5, err_msg=program)
