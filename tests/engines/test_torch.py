"""PyTorch's adapter: kinds, devices, reading."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from harness import plugins
from harness.engine import Array, EngineUnusable, Opaque
from harness.language import kinds

torch = pytest.importorskip("torch", reason="PyTorch is not installed here")


def engine(device: str | None = None) -> Any:
    return plugins.load(plugins.find("torch"), device).engine


def test_its_kinds_are_kinds_of_the_vocabulary() -> None:
    """No row of the tables names a kind that specs could not name."""
    made = engine()
    assert {kind for kind, _, _ in made.error_kinds} <= kinds.errors().keys()
    assert {kind for kind, _, _ in made.warning_kinds} <= kinds.warnings().keys()


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("a leaf Variable that requires grad is being used in an in-place operation.", "leaf-inplace"),
        ("a view of a leaf Variable that requires grad is being used in an in-place operation.", "leaf-view-inplace"),
        ("grad can be implicitly created only for scalar outputs", "implicit-grad-non-scalar"),
        ("grad can be implicitly created only for real scalar outputs but got complex", "implicit-grad-non-real"),
        ("got 2 tensors and 1 gradients", "grad-count-mismatch"),
        ("CUDA error: out of memory", None),
    ],
)
def test_an_error_has_the_kind_of_its_longest_fragment(message: str, kind: str | None) -> None:
    """Messages that contain each other are told apart; what is unknown is of no kind."""
    assert engine().error_kind(RuntimeError(message)) == kind


def test_a_kernel_that_a_dtype_does_not_have_is_lacking() -> None:
    """PyTorch's own words for a kernel that was not written are no fault of it; other errors may be."""
    made = engine()
    assert made.lacks(RuntimeError("\"slow_conv_dilated<>\" not implemented for 'Half'"))
    assert not made.lacks(NotImplementedError("Trying to use forward AD with renorm, which is not implemented"))


def test_words_of_a_module_that_a_release_does_not_have_are_not_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 2.0 there is no torch.func: its transforms are unsupported, and all else is there."""
    monkeypatch.setitem(sys.modules, "torch.func", None)
    names = engine().names
    assert not [word for word in names if word.startswith("func.") or word == "vmap"]
    assert {"tensor", "linalg.det", "functional.jacobian"} <= names.keys()


def test_a_device_that_is_not_there_is_a_message() -> None:
    """No such device, or a name that is none: the engine is unusable, with PyTorch's own reason and what to do."""
    for name in ("no-such-device", "privateuseone"):
        with pytest.raises(EngineUnusable, match="out-of-tree device needs --import"):
            engine(name)


def test_another_device_gets_its_tensors_and_is_not_asked_for_what_only_the_cpu_has() -> None:
    """Factories make tensors on the device; numpy() and the printed form belong to the CPU."""
    made = engine("meta")
    for word in ("tensor", "zeros", "ones"):
        argument = [1.0] if word == "tensor" else 2
        assert made.names[word](argument, requires_grad=True).device.type == "meta"
    assert made.names["Linear"](2, 3).weight.device.type == "meta"
    assert "numpy" not in made.attributes and "repr" not in made.names
    on_the_cpu = engine()
    assert "numpy" in on_the_cpu.attributes and "repr" in on_the_cpu.names


def test_reading_changes_nothing() -> None:
    """Tensors, tracked or not, dtypes, sizes, lists: copied, with shape and dtype, and no flag or version moves."""
    made = engine()
    x = torch.tensor([[1.0, 2.0]], requires_grad=True)
    y = x * 2
    assert made.read(y) == Array("float32", (1, 2), [[2.0, 4.0]])
    assert made.read(torch.nn.Parameter(torch.ones(1, dtype=torch.float64))) == Array("float64", (1,), [1.0])
    assert made.read([x.dtype, x.shape, None, True, 1.5]) == ["float32", [1, 2], None, True, 1.5]
    assert made.read(object()) == Opaque("object")
    assert (x._version, y._version, x.requires_grad, y.is_leaf) == (0, 0, True, False)


def test_the_graph_is_that_of_the_program() -> None:
    """Leaves by the program's names, roots by the names of their results, edges from consumer to producer."""
    made = engine()
    a = torch.tensor(2.0, requires_grad=True)
    b = a * 3
    c = b + a
    graph = made.graph({"a": a, "c": c, "n": 5})
    found = {node.label: node for node in graph.nodes}
    assert found["a"].role == "leaf" and found["add"].names == ("c",) and found["mul"].role == "op"
    edges = {(graph.nodes[consumer].label, graph.nodes[producer].label) for consumer, producer in graph.edges}
    assert edges == {("add", "mul"), ("add", "a"), ("mul", "a")}


@pytest.mark.parametrize("name", ["from_file", "__class__", "save", "mul", "mul.__init__"])
def test_a_program_gets_no_primitive_operation_but_those_of_a_list(name: str) -> None:
    """Among all of PyTorch's primitive operations are some that read and write files; a spec may come from a stranger."""
    with pytest.raises(ValueError, match="is none of"):
        engine().names["aten"](name)


def test_modes_that_a_program_leaves_on_are_off_for_the_next() -> None:
    """Grad mode, anomaly mode, levels of forward mode that were entered by hand."""
    made = engine()
    before = made.state()
    torch.set_grad_enabled(False)
    torch.autograd.set_detect_anomaly(True)
    torch.autograd.forward_ad.enter_dual_level()
    made.reset()
    assert made.state() == before
    with torch.autograd.forward_ad.dual_level():  # a second level would be refused
        pass
