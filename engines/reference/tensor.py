"""Tensors: numbers in memory plus their place in a graph.

A `Tensor` here is its *state* and the rules about this state: leaf or computed, the ``requires_grad`` flag, ``.grad``,
detached aliases, conversion to plain numbers. Operations are methods too; each module adds those of its concept with
the decorator `method` (ops.py the arithmetic, views.py ``view`` and indexing, inplace.py ``add_``, hooks.py
``register_hook``, autograd.py ``backward``), so that one file tells one story.

Keeps torch.Tensor.is_leaf, torch.Tensor.requires_grad, torch.Tensor.grad and notes/autograd#setting-requires-grad:

- A tensor is a *leaf* if no recorded operation made it. Only floating and complex tensors can require a gradient.
- The flag of a leaf may change at any time; that of a computed tensor follows from its operands.
- Gradients accumulate in ``.grad`` of the leaves that require them, and of computed tensors that retain them.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from .dtypes import DIFFERENTIABLE, Array, DType, as_dtype
from .errors import AutogradError, AutogradTypeError, warn
from .graph import AccumulateGrad, Edge, Node, Shape
from .layout import copied, first_gradient, warn_about_layout
from .modes import mode
from .printing import text_of
from .versions import UNCOUNTED, Count, announce_write

if TYPE_CHECKING:
    from .hooks import Hooks
    from .views import View

Function = TypeVar("Function", bound=Callable[..., Any])


class Tensor:
    __slots__ = (
        "__weakref__",
        "_accumulator",
        "_array",
        "_flag",
        "_grad",
        "_grad_dtype",  # set only where it was chosen
        "_hooks",
        "_node",
        "_output",
        "_tangents",  # set in forward mode only, see forward.py
        "_view",
        "_writes",
    )
    __array_ufunc__ = None  # NumPy leaves `array * tensor` to the tensor

    def __init__(self, array: Array) -> None:
        self._array = array
        self._writes: Count = [0]
        """How many in-place writes the memory has seen: one cell, shared by all tensors on it; see versions.py."""
        self._flag = False
        """Whether a leaf requires a gradient; True for every tensor with a creator."""
        self._node: Node | None = None
        """The creator, and which of its results this tensor is."""
        self._output = 0
        self._view: View | None = None
        """What this tensor is a view of; see views.py."""
        self._grad: Tensor | None = None
        self._accumulator: weakref.ref[AccumulateGrad] | None = None
        self._hooks: Hooks | None = None
        """Hooks of a leaf; those of a computed tensor are with its node."""

    _tangents: WeakKeyDictionary[Any, Tensor] | None

    if TYPE_CHECKING:  # methods that other modules add

        def __getattr__(self, name: str) -> Any: ...

        def __add__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __eq__(self, other: object) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: object) -> Tensor: ...  # type: ignore[override]
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __getitem__(self, index: Any) -> Tensor: ...

    # -- place in the graph --------------------------------------------------------------------------------------------

    @property
    def grad_fn(self) -> Node | None:
        """The creator; None for a leaf. That of a view is renewed here if its base was written in the meantime."""
        if self._view is not None:
            self._view.refresh(self)
        return self._node

    @property
    def output_nr(self) -> int:
        return self._output

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None

    @property
    def requires_grad(self) -> bool:
        return self._flag or (self._view is not None and self._view.base.requires_grad)

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        if not self.is_leaf:
            hint = "" if flag else " If you want to use a computed variable in a subgraph that doesn't require "
            hint += "" if flag else "differentiation use var_no_grad = var.detach()."
            raise AutogradError(
                "nonleaf-flag-change", "you can only change requires_grad flags of leaf variables." + hint
            )
        if flag and self._array.dtype.kind not in DIFFERENTIABLE:
            raise AutogradError(
                "non-float-requires-grad", "only Tensors of floating point and complex dtype can require gradients"
            )
        if flag and self._writes is UNCOUNTED and not mode.inference:
            raise AutogradError(
                "inference-flag", "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
            )
        self._flag = bool(flag)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        if mode.transforming:
            raise AutogradError(
                "inside-transform",
                "You are attempting to call Tensor.requires_grad_() (or perhaps using torch.autograd.functional.* APIs) "
                "inside of a function being transformed by a functorch transform. This is unsupported, please attempt to "
                "use the functorch transforms (e.g. grad, vjp, jacrev, jacfwd, hessian) or call requires_grad_() outside "
                "of a function being transformed instead.",
            )
        if not requires_grad or self.is_leaf:
            self.requires_grad = requires_grad
        return self

    def edge(self) -> Edge | None:
        """Where gradients with respect to this tensor go; None where nobody wants them."""
        node = self._node if self._view is None else self.grad_fn
        if node is not None:
            return (node, self._output)
        if not self._flag:
            return None
        accumulator = None if self._accumulator is None else self._accumulator()
        if accumulator is None:
            accumulator = AccumulateGrad(self, self._hooks)
            self._accumulator = weakref.ref(accumulator)
        return (accumulator, 0)

    def placed_at(self, edge: Edge) -> Tensor:
        """This tensor, at a place that the graph has already."""
        node, self._output = edge
        self._flag = True
        if isinstance(node, AccumulateGrad):
            self._accumulator = weakref.ref(node)
        else:
            self._node = node
        return self

    def rebase(self, result: Tensor) -> None:
        """Take the history of ``result``. Hooks stay with the old creator; a retained gradient moves along."""
        old, new = self._node, result._node
        if old is not None and old.hooks is not None and new is not None:
            old.hooks.move_retained(self._output, new, result._output)
        self._node, self._output, self._flag = new, result._output, new is not None

    def detach(self) -> Tensor:
        """The same memory, untracked. Writes through it are seen by the version check (torch.Tensor.detach)."""
        alias = Tensor(self._array)
        alias._writes = self._writes
        return alias

    def detach_(self) -> Tensor:
        """Take this tensor itself out of the graph. Results computed from it before keep their history."""
        if self._view is not None:
            raise AutogradError(
                "detach-view-inplace", "Can't detach views in-place. Use detach() instead, or clone() the view first."
            )
        self._node, self._output, self._flag, self._hooks = None, 0, False, None
        return self

    @property
    def data(self) -> Tensor:
        """The same memory, untracked, with a version counter of its own: writes through it go unnoticed."""
        return Tensor(self._array)

    @data.setter
    def data(self, other: Tensor) -> None:
        if self.requires_grad and other.dtype.kind not in DIFFERENTIABLE:
            raise AutogradError(
                "data-assign-dtype",
                "data set to a tensor that requires gradients must be floating point or complex dtype",
            )
        self._array = other._array

    @property
    def _version(self) -> int:
        return self._writes[0]

    # -- the gradient --------------------------------------------------------------------------------------------------

    @property
    def retains_grad(self) -> bool:
        node = self._node
        if node is None or node.hooks is None:
            return False
        retaining = node.hooks.retained.get(self._output)
        return retaining is not None and retaining() is self

    @property
    def grad(self) -> Tensor | None:
        if self._grad is None and self._node is not None and not self.retains_grad:
            warn(
                "nonleaf-grad-access",
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't "
                "be populated during autograd.backward(). If you indeed want the .grad field to be populated for a "
                "non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by "
                "mistake, make sure you access the leaf Tensor instead.",
            )
        return self._grad

    @grad.setter
    def grad(self, gradient: Tensor | None) -> None:
        if gradient is not None:
            if not isinstance(gradient, Tensor):
                raise AutogradTypeError(
                    "grad-assign-type",
                    f"assigned grad expected to be a Tensor or None but got grad of type {type(gradient).__name__}",
                )
            if gradient is self:
                raise AutogradError("grad-assign-self", "can't assign Variable as its own grad")
            if gradient.shape != self.shape:
                raise AutogradError(
                    "grad-assign-shape",
                    f"attempting to assign a gradient of size '{list(gradient.shape)}' to a tensor of size "
                    f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size",
                )
            expected = self.grad_dtype if self.is_leaf else self.dtype
            if expected is not None and expected != gradient.dtype:  # a dtype equals None in NumPy
                raise AutogradError(
                    "grad-assign-dtype",
                    f"attempting to assign a gradient with dtype '{gradient.dtype}' to a tensor with grad_dtype "
                    f"'{expected}'. The gradient must match the tensor's grad_dtype",
                )
        self._grad = gradient

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def grad_dtype(self) -> DType | None:
        """What gradients of this leaf are cast to: its own dtype unless set otherwise; None: left as they arrive."""
        self._refuse_grad_dtype()
        chosen: DType | None = getattr(self, "_grad_dtype", self.dtype)
        return chosen

    @grad_dtype.setter
    def grad_dtype(self, dtype: Any) -> None:
        present = self.grad
        self._refuse_grad_dtype()
        dtype = None if dtype is None else as_dtype(dtype)
        if present is not None and dtype is not None and dtype != present.dtype:
            raise AutogradError(
                "grad-assign-dtype",
                f"Cannot set grad_dtype to '{dtype}' because there is already a gradient with dtype "
                f"'{present.dtype}'. Please clear the gradient (.grad = None) before changing grad_dtype.",
            )
        self._grad_dtype = dtype
        accumulator = None if self._accumulator is None else self._accumulator()
        if accumulator is not None:
            accumulator.expect(self._grad_dtype)

    def _refuse_grad_dtype(self) -> None:
        if not self.is_leaf:
            raise AutogradError("grad-dtype-nonleaf", "grad_dtype can only be accessed or set on leaf tensors.")

    def accumulate(self, gradient: Tensor) -> None:
        """Add to ``.grad`` (torch.autograd#default-gradient-layouts).

        The first gradient is copied, because others may hold the same memory. Later ones are added in place, so that
        an alias sees the sum; with ``create_graph`` out of place, because the sum is part of a graph."""
        present = self._grad
        if mode.recording:
            self._grad = gradient.clone() if present is None else present + gradient
        elif present is None:
            self._grad = untracked(first_gradient(gradient._array, self._array))
        else:
            announce_write(present)
            np.add(present._array, gradient._array, out=present._array)
            if present._array.strides != self._array.strides:
                warn_about_layout(present._array, self._array)

    # -- numbers -------------------------------------------------------------------------------------------------------

    @property
    def dtype(self) -> DType:
        return self._array.dtype

    @property
    def shape(self) -> Shape:
        return self._array.shape

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        """A copy with a gradient of its own; history cannot be copied."""
        if not self.is_leaf:
            raise AutogradError(
                "deepcopy-nonleaf",
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.",
            )
        twin = memo[id(self)] = type(self).__new__(type(self))
        Tensor.__init__(twin, copied(self._array))
        twin._flag, twin._grad = self._flag, deepcopy(self._grad, memo)
        if hasattr(self, "_grad_dtype"):
            twin._grad_dtype = self._grad_dtype
        return twin

    def dim(self) -> int:
        return self._array.ndim

    def numel(self) -> int:
        return self._array.size

    def numpy(self) -> Array:
        """The same memory as a NumPy array."""
        if self.requires_grad and mode.recording:
            raise AutogradError(
                "numpy-requires-grad",
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
            )
        return self._array

    def tolist(self) -> Any:
        return self._array.tolist()

    def item(self) -> Any:
        if self._array.size != 1:
            raise AutogradError(
                "item-multi-element", f"a Tensor with {self._array.size} elements cannot be converted to Scalar"
            )
        return self._array.item()

    def __float__(self) -> float:
        return float(self._scalar())

    def __int__(self) -> int:
        return int(self._scalar())

    def _scalar(self) -> Any:
        if self.requires_grad:
            warn(
                "scalar-conversion",
                "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior. Consider using "
                "tensor.detach() first.",
                depth=2,
            )
        return self.item()

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise AutogradError("item-multi-element", "Boolean value of Tensor with more than one value is ambiguous")
        return bool(self._array)

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self._array)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        node = self.grad_fn
        if node is not None:
            return text_of(self._array, f"grad_fn=<{node.name()}>")
        return text_of(self._array, "requires_grad=True" if self._flag else "")


def untracked(array: Array) -> Tensor:
    """A new tensor without history; in inference mode one that can never have any."""
    tensor = Tensor(array)
    if mode.inference:
        tensor._writes = UNCOUNTED
    return tensor


def method(function: Function, *names: str) -> Function:
    """Add ``function`` to `Tensor`, under its own name or the given ones."""
    for name in names or (function.__name__,):
        setattr(Tensor, name, function)
    return function
