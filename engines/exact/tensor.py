"""Tensors of dual numbers: memory that views and aliases share, and the operations on it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.engine import Unsupported

from .dtypes import floating, of_numbers, plain, promoted, rounded, stored, summed
from .dual import Dual, Partials
from .scalars import Number, number

Elements = NDArray[Any]
"""An array of `Dual`."""


class set_grad_enabled:
    """Whether derivatives are carried along: at once, and until the end of a ``with``."""

    now: ClassVar[bool] = True

    def __init__(self, enabled: bool) -> None:
        self.before = set_grad_enabled.now
        set_grad_enabled.now = enabled

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        set_grad_enabled.now = self.before


@contextmanager
def no_grad() -> Iterator[None]:
    with set_grad_enabled(False):
        yield


@contextmanager
def enable_grad() -> Iterator[None]:
    with set_grad_enabled(True):
        yield


@dataclass(slots=True)
class Tangents:
    """How the elements of a piece of memory depend on leaves."""

    leaves: dict[int, Tensor] = field(default_factory=dict)
    """The number of a leaf's first element as an input -> the leaf."""
    partials: dict[int, Partials] = field(default_factory=dict)
    """Place in memory -> derivatives of what is there."""


class Tensor:
    """A view of memory. Views share memory and tangents; ``detach()`` and ``data`` share memory only."""

    _inputs: ClassVar[int] = 0

    def __init__(
        self, memory: list[Number], at: NDArray[np.intp], dtype: str, tangents: Tangents | None = None
    ) -> None:
        self.memory = memory
        self.at = at
        """The place in memory of every element."""
        self.dtype = dtype
        self.tangents = tangents or Tangents()
        self.grad: Tensor | None = None

    @classmethod
    def of(cls, elements: Any, dtype: str, *sources: Tensor) -> Tensor:
        """A tensor in memory of its own, computed from ``sources``."""
        array = np.asarray(elements, dtype=object)
        duals = [e if isinstance(e, Dual) else Dual(Fraction(e)) for e in array.flat]  # an empty sum is a plain 0
        made = cls([stored(dual.value, dtype) for dual in duals], np.arange(array.size).reshape(array.shape), dtype)
        if set_grad_enabled.now:
            made.tangents.leaves = {first: leaf for source in sources for first, leaf in source.tangents.leaves.items()}
            made.tangents.partials = {place: dual.partials for place, dual in enumerate(duals)}
        return made

    def places(self) -> list[int]:
        """`at`, flat."""
        return [*map(int, self.at.flat)]

    def elements(self) -> Elements:
        partials = self.tangents.partials if set_grad_enabled.now else {}
        return _array([Dual(self.memory[place], partials.get(place)) for place in self.places()], self.shape)

    # ---- what it is

    @property
    def shape(self) -> tuple[int, ...]:
        return self.at.shape

    def dim(self) -> int:
        return self.at.ndim

    def numel(self) -> int:
        return self.at.size

    def __len__(self) -> int:
        return len(self.at)

    def tolist(self) -> Any:
        return _array([plain(self.memory[place], self.dtype) for place in self.places()], self.shape).tolist()

    def item(self) -> Any:
        (place,) = self.places()
        return plain(self.memory[place], self.dtype)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    # ---- leaves

    @property
    def requires_grad(self) -> bool:
        return bool(self.tangents.leaves)

    @requires_grad.setter
    def requires_grad(self, required: bool) -> None:
        self.requires_grad_(required)

    @property
    def is_leaf(self) -> bool:
        return all(leaf is self for leaf in self.tangents.leaves.values())

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        if requires_grad and not self.requires_grad:
            first = Tensor._inputs
            Tensor._inputs += max(self.numel(), 1)  # an empty leaf has a number, too
            partials: dict[int, Partials] = {place: {first + i: Fraction(1)} for i, place in enumerate(self.places())}
            self.tangents = Tangents({first: self}, partials)
        elif not requires_grad and not self.is_leaf:
            raise ValueError("what was computed cannot be told to require no grad")
        elif not requires_grad:
            self.tangents = Tangents()
        return self

    def detach(self) -> Tensor:
        return Tensor(self.memory, self.at, self.dtype)

    def detach_(self) -> Tensor:
        self.tangents = Tangents()
        return self

    @property
    def data(self) -> Tensor:
        return self.detach()

    @data.setter
    def data(self, new: Tensor) -> None:
        required = self.requires_grad
        self.requires_grad_(False)
        self.memory, self.at, self.dtype = new.memory, new.at, new.dtype
        self.requires_grad_(required)

    def backward(self, gradient: Tensor | None = None, inputs: Any = None) -> None:
        backward(self, gradient, inputs=inputs)

    # ---- views

    def _view(self, at: Any) -> Tensor:
        return Tensor(self.memory, np.asarray(at), self.dtype, self.tangents if set_grad_enabled.now else None)

    @property
    def T(self) -> Tensor:
        return self._view(self.at.T)

    def t(self) -> Tensor:
        return self.T

    def reshape(self, *sizes: Any) -> Tensor:
        at = self.at.reshape(*sizes)
        # Places are laid out as the elements would be: where NumPy had to copy them, so would an engine.
        if np.may_share_memory(at, self.at):
            return self._view(at)
        return Tensor.of(self.elements().reshape(*sizes), self.dtype, self)

    view = reshape

    def __getitem__(self, index: Any) -> Tensor:
        found = _index(index)
        if any(isinstance(part, (list, np.ndarray)) for part in (found if isinstance(found, tuple) else (found,))):
            if not all(np.size(part) for part in (found if isinstance(found, tuple) else (found,))):
                raise Unsupported("an index that is empty")
            return Tensor.of(self.elements()[found], self.dtype, self)
        return self._view(self.at[found])

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def clone(self) -> Tensor:
        return Tensor.of(self.elements(), self.dtype, self)

    # ---- writing

    def _write(self, at: Any, value: Operand) -> Tensor:
        source, target = _operand(value, self.dtype), self._view(at)
        elements = np.empty(target.shape, dtype=object)
        elements[...] = source.elements()
        for place, dual in zip(target.places(), elements.flat, strict=True):
            self.memory[place] = stored(dual.value, self.dtype)
            if set_grad_enabled.now:
                self.tangents.partials[place] = dual.partials
        if set_grad_enabled.now:
            self.tangents.leaves |= source.tangents.leaves
        return self

    def __setitem__(self, index: Any, value: Operand) -> None:
        self._write(self.at[_index(index)], value)

    def copy_(self, other: Operand) -> Tensor:
        return self._write(self.at, other)

    fill_ = copy_

    def zero_(self) -> Tensor:
        return self.fill_(0)

    def add_(self, other: Operand, alpha: float = 1) -> Tensor:
        return self.copy_(self.add(other, alpha))

    def sub_(self, other: Operand, alpha: float = 1) -> Tensor:
        return self.copy_(self.sub(other, alpha))

    def mul_(self, other: Operand) -> Tensor:
        return self.copy_(self * other)

    def __iadd__(self, other: Operand) -> Tensor:
        return self.copy_(self + other)

    def __isub__(self, other: Operand) -> Tensor:
        return self.copy_(self - other)

    def __imul__(self, other: Operand) -> Tensor:
        return self.copy_(self * other)

    def __itruediv__(self, other: Operand) -> Tensor:
        return self.copy_(self / other)

    def __ipow__(self, other: Operand) -> Tensor:
        return self.copy_(self**other)

    # ---- arithmetic

    def _each(self, function: Callable[[Dual], Dual], dtype: str) -> Tensor:
        return Tensor.of(np.frompyfunc(function, 1, 1)(self.elements()), dtype, self)

    def __neg__(self) -> Tensor:
        return self._each(operator.neg, self.dtype)

    def __abs__(self) -> Tensor:
        return self._each(operator.abs, self.dtype)

    def __add__(self, other: Operand) -> Tensor:
        return _both(operator.add, self, other)

    def __sub__(self, other: Operand) -> Tensor:
        return _both(operator.sub, self, other)

    def __mul__(self, other: Operand) -> Tensor:
        return _both(operator.mul, self, other)

    def __truediv__(self, other: Operand) -> Tensor:
        return _both(operator.truediv, self, other, floating)

    def __pow__(self, other: Operand) -> Tensor:
        return _both(operator.pow, self, other)

    def __radd__(self, other: float) -> Tensor:
        return _both(operator.add, other, self)

    def __rsub__(self, other: float) -> Tensor:
        return _both(operator.sub, other, self)

    def __rmul__(self, other: float) -> Tensor:
        return _both(operator.mul, other, self)

    def __rtruediv__(self, other: float) -> Tensor:
        return _both(operator.truediv, other, self, floating)

    def __rpow__(self, other: float) -> Tensor:
        return _both(operator.pow, other, self)

    def __matmul__(self, other: Tensor) -> Tensor:
        if self.shape[-1] == 0:
            raise Unsupported("derivatives are carried by elements; a sum of none has nothing to carry")
        return Tensor.of(self.elements() @ other.elements(), promoted([self.dtype, other.dtype], [], []), self, other)

    def add(self, other: Operand, alpha: float = 1) -> Tensor:
        return self + other * alpha

    def sub(self, other: Operand, alpha: float = 1) -> Tensor:
        return self - other * alpha

    mul, div, pow, matmul, mm = __mul__, __truediv__, __pow__, __matmul__, __matmul__

    def exp(self) -> Tensor:
        return self._each(Dual.exp, floating(self.dtype))

    def log(self) -> Tensor:
        return self._each(Dual.log, floating(self.dtype))

    def sqrt(self) -> Tensor:
        return self._each(Dual.sqrt, floating(self.dtype))

    def sin(self) -> Tensor:
        return self._each(Dual.sin, floating(self.dtype))

    def cos(self) -> Tensor:
        return self._each(Dual.cos, floating(self.dtype))

    def tanh(self) -> Tensor:
        return self._each(Dual.tanh, floating(self.dtype))

    def sigmoid(self) -> Tensor:
        return self._each(Dual.sigmoid, floating(self.dtype))

    def relu(self) -> Tensor:
        return self._each(Dual.relu, self.dtype)

    def sum(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        axis = tuple(dim) if isinstance(dim, list) else dim
        return Tensor.of(self.elements().sum(axis=axis, keepdims=keepdim), summed(self.dtype), self)

    def mean(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        total = self.sum(dim, keepdim)
        return total / (self.numel() // max(total.numel(), 1))

    # ---- comparison: no derivative

    def _compare(self, comparison: Callable[[Number, Number], bool], other: Operand) -> Tensor:
        return _both(lambda left, right: left.holds(comparison, right), self, other, lambda _: "bool").detach()

    def __eq__(self, other: Any) -> Any:
        return self._compare(operator.eq, other)

    def __ne__(self, other: Any) -> Any:
        return self._compare(operator.ne, other)

    def __lt__(self, other: Operand) -> Tensor:
        return self._compare(operator.lt, other)

    def __le__(self, other: Operand) -> Tensor:
        return self._compare(operator.le, other)

    def __gt__(self, other: Operand) -> Tensor:
        return self._compare(operator.gt, other)

    def __ge__(self, other: Operand) -> Tensor:
        return self._compare(operator.ge, other)

    __hash__ = object.__hash__


Operand = Tensor | float


def _array(items: list[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array.reshape(shape)


def _operand(value: Operand, dtype: str) -> Tensor:
    """``value`` as a tensor; a Python number becomes what an engine would make of it in ``dtype``."""
    return value if isinstance(value, Tensor) else Tensor.of(Dual(rounded(number(value), dtype)), dtype)


def _both(
    function: Callable[[Dual, Dual], Dual], left: Operand, right: Operand, result: Callable[[str], str] = str
) -> Tensor:
    """``function`` of every pair of elements, broadcast; ``result`` maps the promoted dtype to that of the result."""
    tensors = [x for x in (left, right) if isinstance(x, Tensor)]
    common = promoted(
        [x.dtype for x in tensors if x.dim()],
        [x.dtype for x in tensors if not x.dim()],
        [of_numbers([x]) for x in (left, right) if not isinstance(x, Tensor)],
    )
    dtype = result(common)
    pair = [_operand(x, floating(common) if dtype != common else common) for x in (left, right)]
    return Tensor.of(np.frompyfunc(function, 2, 1)(*(x.elements() for x in pair)), dtype, *tensors)


def _index(index: Any) -> Any:
    """``index`` as NumPy takes it."""
    if isinstance(index, tuple):
        return tuple(_index(part) for part in index)
    if isinstance(index, Tensor):
        return np.array(index.tolist(), dtype=None if index.numel() else int) if index.dim() else index.item()
    return np.array(index, dtype=int) if index == [] else index


# ---- making tensors


def tensor(data: Any, dtype: str | None = None, requires_grad: bool = False) -> Tensor:
    if isinstance(data, Tensor):
        raise Unsupported("tensors are made from numbers")
    numbers = np.array(data, dtype=object)
    kind = dtype or of_numbers(numbers.flat)
    elements = [Dual(rounded(number(value), kind)) for value in numbers.flat]
    return Tensor.of(_array(elements, numbers.shape), kind).requires_grad_(requires_grad)


def _full(shape: tuple[int, ...], value: int, dtype: str, requires_grad: bool) -> Tensor:
    return Tensor.of(np.full(shape, value, dtype=object), dtype).requires_grad_(requires_grad)


def zeros(*sizes: Any, dtype: str = "float32", requires_grad: bool = False) -> Tensor:
    return _full(_shape(sizes), 0, dtype, requires_grad)


def ones(*sizes: Any, dtype: str = "float32", requires_grad: bool = False) -> Tensor:
    return _full(_shape(sizes), 1, dtype, requires_grad)


def zeros_like(other: Tensor, dtype: str | None = None, requires_grad: bool = False) -> Tensor:
    return _full(other.shape, 0, dtype or other.dtype, requires_grad)


def ones_like(other: Tensor, dtype: str | None = None, requires_grad: bool = False) -> Tensor:
    return _full(other.shape, 1, dtype or other.dtype, requires_grad)


def _shape(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes


# ---- gradients


def backward(tensors: Any, grad_tensors: Any = None, inputs: Any = None) -> None:
    """Add sum_i w_i * d root_i / d leaf to the ``.grad`` of every leaf (of ``inputs``, where given)."""
    wanted = None if inputs is None else _leaves(inputs)
    for leaf, gradient in _gradients(tensors, grad_tensors):
        if leaf.requires_grad and (wanted is None or any(leaf is one for one in wanted)):
            with no_grad():
                leaf.grad = gradient if leaf.grad is None else leaf.grad.add_(gradient)


def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, allow_unused: bool = False) -> tuple[Tensor | None, ...]:
    """The same sums, handed back for each of ``inputs``."""
    found: list[Tensor | None] = []
    gradients = list(_gradients(outputs, grad_outputs))
    for wanted in _leaves(inputs):
        parts = [gradient for leaf, gradient in gradients if leaf is wanted]
        if not parts and not allow_unused:
            raise ValueError("an input has no part in the outputs")
        with no_grad():
            found.append(sum(parts[1:], start=parts[0]) if parts else None)
    return tuple(found)


def _leaves(inputs: Any) -> list[Tensor]:
    found = _list(inputs)
    if not all(one.is_leaf for one in found):
        raise Unsupported("derivatives are carried by leaves only, not by what was computed from them")
    return found


def _list(given: Any) -> list[Any]:
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _gradients(roots: Any, weights: Any) -> Iterator[tuple[Tensor, Tensor]]:
    """Each leaf behind each root, with the weighted sum of the derivatives by it."""
    tensors = _list(roots)
    given_weights = [None] * len(tensors) if weights is None else _list(weights)
    if len(given_weights) != len(tensors):
        raise Unsupported("every root has its weights, no more and no fewer")
    for root, given in zip(tensors, given_weights, strict=True):
        weight = _weight(root) if given is None else given
        if weight.shape != root.shape:
            raise ValueError(f"weights of shape {weight.shape} for a root of shape {root.shape}")
        totals: Partials = {}
        for place, factor in zip(root.places(), weight.places(), strict=True):
            for key, partial in root.tangents.partials.get(place, {}).items():
                totals[key] = totals.get(key, Fraction(0)) + weight.memory[factor] * partial
        for first, leaf in root.tangents.leaves.items():
            sums = [Dual(totals.get(first + i, Fraction(0))) for i in range(leaf.numel())]
            yield leaf, Tensor.of(_array(sums, leaf.shape), leaf.dtype)


def _weight(root: Tensor) -> Tensor:
    if root.numel() != 1:
        raise ValueError("a root of several elements needs weights")
    return ones_like(root)
