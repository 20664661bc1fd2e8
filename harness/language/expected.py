"""Expected values: what an expectation says -> what the judge compares, in the harness's own arithmetic.

Text is an expression over the case's parameters and the program's inputs (names bound once, to a tensor of literals),
evaluated in float64 NumPy, never by the engine under test. Evaluation walks the checked tree; nothing is ever eval'd.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from harness.language.guards import MAX_ELEMENTS
from harness.problems import nearest

FUNCTIONS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "abs"), 1),
    **dict.fromkeys(("sum", "mean", "ones", "zeros", "ones_like", "zeros_like"), 1),
    "outer": 2,
}
"""What an expected value may call, with the number of arguments; each means what NumPy means by it."""
CONSTANTS: Final[Mapping[str, float]] = {"pi": math.pi, "inf": math.inf, "nan": math.nan}
"""Parameters and inputs of these names come first."""

Values = Any  # nested lists of Python numbers
Words = bool | list[Any]
"""Whether text in an expected value is a word (a dtype, the name of an operation) or the parameter that holds one, rather
than an expression; item by item for a list."""


class Tolerances(NamedTuple):
    rtol: float
    atol: float


BY_DTYPE: Final[Mapping[str, Tolerances]] = {
    "float16": Tolerances(2e-3, 1e-4),
    "bfloat16": Tolerances(1.6e-2, 1e-3),
    "float32": Tolerances(1e-5, 1e-6),
    "complex64": Tolerances(1e-5, 1e-6),
    "float64": Tolerances(1e-9, 1e-12),
    "complex128": Tolerances(1e-9, 1e-12),
}
"""A few roundings of the dtype on values of ordinary size; integers and truth values are compared exactly."""
EXACT: Final = Tolerances(0.0, 0.0)


class Numbers(NamedTuple):
    """A tensor (or nested lists, or one number) is expected."""

    values: Values
    """Rounded to ``dtype``."""
    shape: tuple[int, ...]
    dtype: str
    tolerance: Tolerances


class Form(NamedTuple):
    """A tensor of this shape or dtype is expected, whatever it holds."""

    shape: tuple[int, ...] | None
    dtype: str | None


class Items(NamedTuple):
    """A list whose items are not all numbers is expected."""

    items: tuple[Expected, ...]


class Exactly(NamedTuple):
    """null, a truth value or a text."""

    value: bool | str | None


class AnyOf(NamedTuple):
    """Any one of these is expected."""

    values: tuple[Expected, ...]


class Anything(NamedTuple):
    """Nothing is said: the expression is read for those outcomes that speak of it."""


Expected = Numbers | Form | Items | Exactly | AnyOf | Anything


class BadValue(Exception):
    """An expected value that has no meaning; ``column`` counts from 0 in the expression's text, ``line`` is in the file."""

    def __init__(self, text: str, column: int = 0, line: int = 0) -> None:
        super().__init__(text)
        self.column = column
        self.line = line


def prepare(
    value: Any,
    words: Words,
    names: Mapping[str, Any],
    default: str,
    *,
    shape: tuple[int, ...] | None = None,
    dtype: str | None = None,
    tolerance: Tolerances | None = None,
) -> Expected:
    """What the judge compares with.

    ``value``: as the spec writes it; text is an expression over ``names`` except where ``words`` says that it is a word.
    ``default``: the engine's default float dtype, which numbers with a decimal point have where nothing else is said.
    Raises `BadValue`."""
    return _expected(resolve(value, words, names), default, shape, dtype, tolerance)


def resolve(value: Any, words: Words, names: Mapping[str, Any]) -> Any:
    """``value`` with every expression in it replaced by what it evaluates to."""
    if isinstance(value, str):
        return names.get(value, value) if words is True else evaluate(value, names)
    if isinstance(value, list):
        return [resolve(item, words_at(words, index), names) for index, item in enumerate(value)]
    return value


def words_at(words: Words, index: int) -> Words:
    """What ``words`` says of one item of a list."""
    return words if isinstance(words, bool) else words[index] if index < len(words) else False


def _expected(
    value: Any, default: str, shape: tuple[int, ...] | None, dtype: str | None, tolerance: Tolerances | None
) -> Expected:
    if value is None or isinstance(value, (bool, str)):
        return Exactly(value)
    sizes = _shape(value)
    if sizes is None:
        if not isinstance(value, list):
            raise BadValue(f"{type(value).__name__} is no value that can be expected")
        if shape is not None or dtype is not None:
            raise BadValue("'shape' and 'dtype' are for numbers; this list holds other things as well")
        return Items(tuple(_expected(item, default, None, dtype, tolerance) for item in value))
    if shape is not None and shape != sizes:
        raise BadValue(f"the value has shape {list(sizes)}, but 'shape' says {list(shape)}")
    kind = dtype or dtype_of(value, default)
    return Numbers(rounded(value, kind), sizes, kind, tolerance or BY_DTYPE.get(kind, EXACT))


def _shape(value: Any) -> tuple[int, ...] | None:
    """The shape of nested lists of numbers; None where they hold something else or are ragged."""
    if isinstance(value, (int, float, complex)) and not isinstance(value, bool):
        return ()
    if not isinstance(value, list):
        return None
    inner = {_shape(item) for item in value}
    if not inner:
        return (0,)
    first = inner.pop()
    return None if inner or first is None else (len(value), *first)


def leaves(value: Any) -> list[Any]:
    """The numbers of nested lists, in order."""
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


def dtype_of(value: Any, default: str) -> str:
    kinds = {type(leaf) for leaf in leaves(value)}
    if complex in kinds:
        return {"float64": "complex128"}.get(default, "complex64")
    return "int64" if kinds == {int} else default


def rounded(value: Any, dtype: str) -> Values:
    """``value`` as a tensor of ``dtype`` would hold it, as Python numbers.

    Raises `BadValue` where the dtype cannot hold it: floats are rounded, anything else must come out as it went in."""
    entries = leaves(value)
    if not all(isinstance(entry, (int, float, complex)) for entry in entries) or _shape(value) is None:
        raise BadValue("is not numbers in nested lists of equal length")
    if any(isinstance(entry, complex) for entry in entries) and not dtype.startswith("complex"):
        raise BadValue(f"{dtype} cannot hold a complex number")
    try:
        if dtype in ("float64", "bfloat16"):
            return _mapped(value, float)
        if dtype == "complex128":
            return _mapped(value, complex)
        import numpy as np

        with np.errstate(all="ignore"):
            held = np.asarray(value).astype(dtype).tolist()
    except (TypeError, ValueError, OverflowError):
        raise BadValue(f"{dtype} cannot hold it") from None
    if dtype.startswith(("int", "uint", "bool")) and leaves(held) != entries:
        raise BadValue(f"{dtype} cannot hold it")
    return held


def _mapped(value: Any, kind: Callable[[Any], Any]) -> Values:
    return [_mapped(item, kind) for item in value] if isinstance(value, list) else kind(value)


# ---- expressions


def parse(text: str) -> ast.expr:
    """The tree of an expression. Raises `BadValue`."""
    if len(text) > 2_000:
        raise BadValue("an expression of more than 2,000 characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise BadValue(f"is not an expression: {error.msg}", max((error.offset or 1) - 1, 0)) from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise BadValue(f"is not an expression: {error or 'nested too deeply'}") from None
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > 30:
            raise BadValue("an expression nested deeper than 30 levels")
        level = [child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    _check(tree)
    return tree


def _check(tree: ast.expr) -> None:
    """Whether every part is one that `_Evaluator` knows. Raises `BadValue`."""
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=bytes()):
                pass
            case ast.Constant() | ast.List() | ast.Tuple() | ast.Subscript() | ast.Slice() | ast.Attribute(attr="T"):
                continue
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow() | ast.MatMult()):
                continue
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                continue
            case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if len(given) == FUNCTIONS.get(name):
                continue
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                count = "one argument" if FUNCTIONS[name] == 1 else f"{FUNCTIONS[name]} arguments"
                raise BadValue(f"{name} takes {count}, without keywords, in an expected value", node.col_offset)
            case ast.Call(func=ast.Name(id=name)):
                hint = nearest(name, FUNCTIONS) or "; known are " + ", ".join(FUNCTIONS)
                raise BadValue(f"function {name!r} is not known in an expected value{hint}", node.col_offset)
            case ast.Name():
                continue
            case ast.operator() | ast.unaryop() | ast.expr_context():
                continue
        raise BadValue(
            f"{ast.unparse(node)[:40]!r} has no meaning in an expected value; it knows + - * / ** @, indices, .T and "
            + ", ".join(FUNCTIONS),
            getattr(node, "col_offset", 0),
        )


def names_in(tree: ast.expr) -> list[ast.Name]:
    """The names an expression uses: parameters, inputs, constants."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called]


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression as plain Python data. Raises `BadValue`."""
    tree = parse(text)
    if isinstance(tree, ast.Name) and tree.id in names:
        return names[tree.id]  # a parameter stands for itself: integers stay integers, null stays null
    import numpy as np

    with np.errstate(all="ignore"):
        try:
            result = _Evaluator(names, np).value(tree)
        except (ArithmeticError, IndexError, TypeError, ValueError) as error:
            raise BadValue(f"{text[:60]!r} cannot be evaluated: {error}") from None
    return result.tolist() if isinstance(result, (np.ndarray, np.generic)) else result


class _Evaluator:
    """Walks the tree; every number is float64 (or complex128)."""

    def __init__(self, names: Mapping[str, Any], np: Any) -> None:
        self.names = names
        self.np = np
        self.elements = 0

    def counted(self, value: Any, node: ast.expr) -> Any:
        """``value``, having looked that all values together stay small."""
        self.elements += self.np.size(value) if hasattr(value, "shape") else 1
        if self.elements > MAX_ELEMENTS:
            raise BadValue(f"more than {MAX_ELEMENTS:,} elements in all", node.col_offset)
        return value

    def lifted(self, value: Any) -> Any:
        if isinstance(value, (list, int, float)) and not isinstance(value, bool):
            return self.np.asarray(
                value, dtype=complex if any(isinstance(v, complex) for v in leaves(value)) else float
            )
        return value

    def value(self, node: ast.expr) -> Any:
        return self.counted(self._value(node), node)

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value) if isinstance(value, (bool, type(None), str, complex)):
                return value
            case ast.Constant(value=int() | float() as value):
                return self.np.float64(value)
            case ast.Name(id=name) if name in self.names:
                return self.lifted(self.names[name])
            case ast.Name(id=name) if name in CONSTANTS:
                return self.np.float64(CONSTANTS[name])
            case ast.Name(id=name):
                raise BadValue(f"name {name!r} is neither a parameter nor an input of the program", node.col_offset)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                values = [self.value(element) for element in elements]
                return [v.tolist() if hasattr(v, "tolist") else v for v in values]
            case ast.BinOp(left=left, op=op, right=right):
                return self.binary(node, op, self.lifted(self.value(left)), self.lifted(self.value(right)))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.number(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.number(operand)
            case ast.Subscript(value=value, slice=index):
                return self.number(value)[self.index(index)]
            case ast.Attribute(value=value, attr="T"):
                return self.np.asarray(self.number(value)).T
            case ast.Call(func=ast.Name(id="outer"), args=[left, right]):
                sides = self.np.ravel(self.number(left))[:, None], self.np.ravel(self.number(right))[None, :]
                return self.binary(node, ast.Mult(), *sides)
            case ast.Call(func=ast.Name(id=name), args=[argument]):
                return self.function(node, name, argument)
        raise AssertionError(ast.dump(node))  # `_check` lets nothing else through

    def number(self, node: ast.expr) -> Any:
        value = self.lifted(self.value(node))
        if isinstance(value, (bool, str, type(None), list)):
            raise BadValue(f"{value!r} is not a number", node.col_offset)
        return value

    def index(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=int() as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
                return -value
            case ast.Slice(lower=lower, upper=upper, step=step):
                return slice(*(None if part is None else self.index(part) for part in (lower, upper, step)))
            case ast.Tuple(elts=elements):
                return tuple(self.index(element) for element in elements)
        raise BadValue("an index is a whole number or a slice", node.col_offset)

    def function(self, node: ast.Call, name: str, argument: ast.expr) -> Any:
        value = self.number(argument)
        if name == "sigmoid":
            return 1 / (1 + self.np.exp(-value))
        if name in ("ones", "zeros"):
            sizes = [int(size) for size in self.np.atleast_1d(value)]
            if math.prod(sizes) > MAX_ELEMENTS:
                raise BadValue(f"more than {MAX_ELEMENTS:,} elements", node.col_offset)
            return getattr(self.np, name)(sizes)
        return getattr(self.np, name)(value)

    def binary(self, node: ast.expr, op: ast.operator, left: Any, right: Any) -> Any:
        for value in (left, right):
            if isinstance(value, (bool, str, type(None), list)):
                raise BadValue(f"{value!r} is not a number", node.col_offset)
        if self.np.size(left) * self.np.size(right) > MAX_ELEMENTS:
            raise BadValue(f"more than {MAX_ELEMENTS:,} elements", node.col_offset)
        try:
            match op:
                case ast.Add():
                    return left + right
                case ast.Sub():
                    return left - right
                case ast.Mult():
                    return left * right
                case ast.Div():
                    return self.np.true_divide(left, right)
                case ast.Pow():
                    return self.np.power(left, right)
                case ast.MatMult():
                    return left @ right
        except ValueError as error:
            raise BadValue(f"{ast.unparse(node)[:40]!r}: {error}", node.col_offset) from None
        raise BadValue("this operator has no meaning in an expected value", node.col_offset)
