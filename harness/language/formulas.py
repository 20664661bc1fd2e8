"""Formulas: a safe subset of NumPy, evaluated in float64, for values and derivatives that the harness computes itself.

    mu = mean(x, -1, keepdims=True); r = 1 / sqrt(mean((x - mu) ** 2, -1, keepdims=True) + eps)

A formula reads like NumPy without its prefix. Its text is checked node by node and becomes a chain of small functions;
nothing is ever eval'd, and nothing that it makes may have more than `MAX_ELEMENTS` elements. `mathematics` says which
functions it may call.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

from harness.problems import nearest

MAX_ELEMENTS: Final = 2**18
MAX_TEXT: Final = 4_000
MAX_NESTING: Final = 40
MAX_TURNS: Final = 1_000
"""Of one comprehension, items of one list."""
ATTRIBUTES: Final = frozenset({"shape", "ndim", "size", "T", "real", "imag"})

CONSTANTS: Final[Mapping[str, float]] = {"pi": math.pi, "inf": math.inf, "nan": math.nan}
"""Names of inputs and parameters come first."""

ROUNDED: Final = frozenset(
    {
        *(
            "exp",
            "expm1",
            "exp2",
            "log",
            "log1p",
            "log2",
            "log10",
            "logaddexp",
            "logaddexp2",
            "sqrt",
            "square",
            "hypot",
        ),
        *(
            "sin",
            "cos",
            "tan",
            "sinc",
            "sinh",
            "cosh",
            "tanh",
            "asin",
            "acos",
            "atan",
            "atan2",
            "asinh",
            "acosh",
            "atanh",
        ),
        *("sigmoid", "softplus", "erf", "erfc", "erfinv", "lgamma", "digamma", "polygamma", "besseli", "besselj"),
        *("sum", "mean", "prod"),
    }
)
"""Functions whose results a machine rounds; others choose, compare, or put in another order."""

Environment = dict[str, Any]
Part = Callable[[Environment], Any]
Error = Callable[[Any], Any]
"""What becomes of the result of an operation that rounds."""
_error: ContextVar[Error | None] = ContextVar("error", default=None)
_makes_errors: ContextVar[Callable[[], Error] | None] = ContextVar("makes_errors", default=None)


@contextmanager
def inexact(make: Callable[[], Error]) -> Iterator[None]:
    """Formulas that are evaluated within it err at every operation that rounds, each evaluation with ``make()``: what was
    seeded there errs alike each time, and differences between evaluations stay smooth."""
    token = _makes_errors.set(make)
    try:
        yield
    finally:
        _makes_errors.reset(token)


def _rounded(apply: Callable[..., Any]) -> Callable[..., Any]:
    def applied(*operands: Any, **options: Any) -> Any:
        out, error = apply(*operands, **options), _error.get()
        return out if error is None else error(out)

    return applied


class BadFormula(Exception):
    """A formula that has no meaning; ``line`` counts from 1 and ``column`` from 0 in its text."""

    def __init__(self, text: str, line: int = 1, column: int = 0) -> None:
        super().__init__(text)
        self.line = line
        self.column = column


class Formula(NamedTuple):
    """One expression, ready to be evaluated."""

    text: str
    names: frozenset[str]
    part: Part

    def __call__(self, names: Mapping[str, Any]) -> Any:
        """Its value where ``names`` hold arrays and parameters. Raises `BadFormula`."""
        return _evaluated(self.part, dict(names), self.text)


class Block(NamedTuple):
    """Lines of ``name = expression``."""

    text: str
    names: frozenset[str]
    """That it needs from outside."""
    binds: tuple[str, ...]
    lines: tuple[tuple[tuple[str, ...], frozenset[str], Part], ...]
    """(the names that a line binds, those that it reads, its formula)"""

    def __call__(self, names: Mapping[str, Any], partly: bool = False) -> Environment:
        """``names`` and what its lines add to them; ``partly``: but for lines whose names are not all there.

        Raises `BadFormula`."""
        scope = dict(names)
        for targets, reads, part in self.lines:
            if partly and not reads <= scope.keys():
                continue
            value = _evaluated(part, scope, self.text)
            if len(targets) == 1:
                scope[targets[0]] = value
                continue
            values = list(value) if isinstance(value, (tuple, list)) or hasattr(value, "shape") else [value]
            if len(values) != len(targets):
                raise BadFormula(f"{len(values)} values for the names {', '.join(targets)}")
            scope |= zip(targets, values, strict=True)
        return scope


def formula(text: str, functions: Mapping[str, Callable[..., Any]] | None = None) -> Formula:
    """The expression ``text``; ``functions``: what it may call, instead of `mathematics.FUNCTIONS`. Raises `BadFormula`."""
    tree = _parsed(text.strip(), "eval")
    assert isinstance(tree, ast.Expression)
    writer = _Writer(functions)
    return Formula(text, writer.free(tree.body), writer.part(tree.body))


def block(text: str) -> Block:
    """The assignments in ``text``. Raises `BadFormula`."""
    tree = _parsed(text, "exec")
    assert isinstance(tree, ast.Module)
    writer, bound, needed = _Writer(), dict[str, None](), set[str]()
    lines: list[tuple[tuple[str, ...], frozenset[str], Part]] = []
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                targets: tuple[str, ...] = (name,)
            case ast.Assign(targets=[ast.Tuple(elts=elements)], value=value) if all(
                isinstance(element, ast.Name) for element in elements
            ):
                targets = tuple(element.id for element in elements if isinstance(element, ast.Name))
            case _:
                raise BadFormula("only lines of 'name = formula'", statement.lineno, statement.col_offset)
        reads = writer.free(value)
        lines.append((targets, reads, writer.part(value)))
        needed |= reads - bound.keys()
        bound |= dict.fromkeys(targets)
    return Block(text, frozenset(needed), tuple(bound), tuple(lines))


def _parsed(text: str, mode: str) -> ast.AST:
    if len(text) > MAX_TEXT:
        raise BadFormula(f"more than {MAX_TEXT:,} characters")
    try:
        tree: ast.AST = ast.parse(text, mode=mode)
    except SyntaxError as error:
        raise BadFormula(f"is not a formula: {error.msg}", error.lineno or 1, max((error.offset or 1) - 1, 0)) from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise BadFormula(f"is not a formula: {error or 'nested too deeply'}") from None
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > MAX_NESTING:
            raise BadFormula(f"nested deeper than {MAX_NESTING} levels")
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return tree


def _evaluated(part: Part, names: Environment, text: str) -> Any:
    make = _makes_errors.get()
    token = _error.set(make() if make else None)
    try:
        return part(names)
    except BadFormula:
        raise
    except KeyError as error:
        raise BadFormula(f"{_short(text)}: name {error} is not known") from None
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, MemoryError) as error:
        raise BadFormula(f"{_short(text)} cannot be evaluated: {error}") from None
    finally:
        _error.reset(token)


def _short(text: str) -> str:
    return repr(text if len(text) < 60 else text[:57] + "...")


def bounded(value: Any) -> Any:
    """``value``, having looked that it is not too large."""
    size = getattr(value, "size", 0)
    if size > MAX_ELEMENTS or (isinstance(value, (list, tuple)) and len(value) > MAX_TURNS):
        raise BadFormula(f"more than {MAX_ELEMENTS:,} elements, or {MAX_TURNS:,} items of a list")
    return value


def _fits(left: Any, right: Any) -> None:
    """Looks at the sizes of two operands before anything is made of them."""
    sizes = getattr(left, "size", 1), getattr(right, "size", 1)
    if sizes[0] * sizes[1] > MAX_ELEMENTS:
        import numpy as np

        if math.prod(np.broadcast_shapes(left.shape, right.shape)) > MAX_ELEMENTS:
            raise BadFormula(f"more than {MAX_ELEMENTS:,} elements")


def _arithmetic(apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def applied(left: Any, right: Any) -> Any:
        if isinstance(left, (str, dict)) or isinstance(right, (str, dict)):
            raise BadFormula("text is not a number")
        _fits(left, right)
        return apply(left, right)

    return applied


def _times(left: Any, right: Any) -> Any:
    for some, count in ((left, right), (right, left)):
        if isinstance(some, (list, tuple)) and (not isinstance(count, int) or len(some) * count > MAX_TURNS):
            raise BadFormula(f"a list of more than {MAX_TURNS:,} items")
    return left * right


def _power(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        return float(left) ** right
    return left**right


_PLAIN: Final = frozenset({int, float, bool})
"""NumPy divides by their zero, Python does not."""


def _divided(left: Any, right: Any) -> Any:
    if type(left) in _PLAIN and type(right) in _PLAIN:
        import numpy as np

        return np.true_divide(left, right)
    return left / right


def _product(left: Any, right: Any) -> Any:
    if left.size * right.size // max(left.shape[-1] ** 2, 1) > MAX_ELEMENTS:
        raise BadFormula(f"more than {MAX_ELEMENTS:,} elements")
    return left @ right


_BINARY: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: _rounded(_arithmetic(operator.add)),
    ast.Sub: _rounded(_arithmetic(operator.sub)),
    ast.Mult: _rounded(_arithmetic(_times)),
    ast.Div: _rounded(_arithmetic(_divided)),
    ast.FloorDiv: _arithmetic(operator.floordiv),
    ast.Mod: _arithmetic(operator.mod),
    ast.Pow: _rounded(_arithmetic(_power)),
    ast.BitAnd: _arithmetic(operator.and_),
    ast.BitOr: _arithmetic(operator.or_),
    ast.MatMult: _product,
}
_UNARY: Final[Mapping[type[ast.unaryop], Callable[[Any], Any]]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.inv,
    ast.Not: operator.not_,
}
_COMPARED: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: _arithmetic(operator.eq),
    ast.NotEq: _arithmetic(operator.ne),
    ast.Lt: _arithmetic(operator.lt),
    ast.LtE: _arithmetic(operator.le),
    ast.Gt: _arithmetic(operator.gt),
    ast.GtE: _arithmetic(operator.ge),
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_TEXT: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {ast.Eq: operator.eq, ast.NotEq: operator.ne}


class _Writer:
    """Trees -> functions of the names."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]] | None = None) -> None:
        from harness.language.mathematics import FUNCTIONS

        self.functions = FUNCTIONS if functions is None else functions

    def free(self, tree: ast.expr) -> frozenset[str]:
        """Names that a checked tree reads and does not bind itself."""
        called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called]
        own = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        return frozenset({node.id for node in names} - own - CONSTANTS.keys())

    def part(self, node: ast.expr) -> Part:
        match node:
            case ast.Constant(value=bytes()):
                pass
            case ast.Constant(value=value):
                return lambda names: value
            case ast.Name(id=name) if name in CONSTANTS:
                constant = CONSTANTS[name]
                return lambda names: names.get(name, constant)
            case ast.Name(id=name):
                return lambda names: names[name]
            case ast.Tuple(elts=elements):
                items = self.items(elements)
                return lambda names: tuple(items(names))
            case ast.List(elts=elements):
                return self.items(elements)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return self.joined(_BINARY[type(op)], left, right)
            case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _UNARY:
                apply, inner = _UNARY[type(sign)], self.part(operand)
                return lambda names: apply(inner(names))
            case ast.Compare(left=left, ops=[compared], comparators=[right]) if type(compared) in _COMPARED:
                if any(isinstance(side, ast.Constant) and isinstance(side.value, str) for side in (left, right)):
                    return self.joined(_TEXT.get(type(compared), operator.eq), left, right)
                return self.joined(_COMPARED[type(compared)], left, right)
            case ast.BoolOp(op=word, values=values):
                truths, last = [self.part(value) for value in values], isinstance(word, ast.And)
                return lambda names: (all if last else any)(truth(names) for truth in truths)
            case ast.IfExp(test=test, body=body, orelse=other):
                asked, yes, no = self.part(test), self.part(body), self.part(other)
                return lambda names: yes(names) if asked(names) else no(names)
            case ast.Subscript(value=owner, slice=index):
                whole, key = self.part(owner), self.index(index)
                return lambda names: bounded(whole(names)[key(names)])
            case ast.Attribute(value=owner, attr=attribute) if attribute in ATTRIBUTES:
                whole = self.part(owner)
                return lambda names: getattr(whole(names), attribute)
            case ast.ListComp(elt=element, generators=[ast.comprehension() as turns]) if not turns.ifs:
                return self.comprehension(element, turns)
            case ast.Call(func=ast.Name(id=name), args=given, keywords=keywords):
                return self.call(node, name, given, keywords)
        raise BadFormula(f"{ast.unparse(node)[:40]!r} has no meaning in a formula", node.lineno, node.col_offset)

    def joined(self, apply: Callable[[Any, Any], Any], left: ast.expr, right: ast.expr) -> Part:
        first, second = self.part(left), self.part(right)
        return lambda names: apply(first(names), second(names))

    def items(self, elements: list[ast.expr]) -> Callable[[Environment], list[Any]]:
        parts = [(self.part(e.value), True) if isinstance(e, ast.Starred) else (self.part(e), False) for e in elements]

        def items(names: Environment) -> list[Any]:
            out: list[Any] = []
            for part, several in parts:
                out += part(names) if several else [part(names)]
            return out

        return items

    def index(self, node: ast.expr) -> Part:
        match node:
            case ast.Slice(lower=lower, upper=upper, step=step):
                parts = [None if bound is None else self.part(bound) for bound in (lower, upper, step)]
                return lambda names: slice(*(None if part is None else part(names) for part in parts))
            case ast.Tuple(elts=elements):
                keys = [self.index(element) for element in elements]
                return lambda names: tuple(key(names) for key in keys)
        return self.part(node)

    def comprehension(self, element: ast.expr, turns: ast.comprehension) -> Part:
        over, inner = self.part(turns.iter), self.part(element)
        targets = [turns.target] if isinstance(turns.target, ast.Name) else getattr(turns.target, "elts", [])
        if not targets or not all(isinstance(target, ast.Name) for target in targets):
            raise BadFormula("a comprehension binds names", element.lineno, element.col_offset)
        bound = [target.id for target in targets]

        def comprehended(names: Environment) -> Any:
            out = []
            for item in bounded(list(over(names))):
                names = names | dict(zip(bound, [item] if len(bound) == 1 else item, strict=True))
                out.append(inner(names))
            return out

        return comprehended

    def call(self, node: ast.Call, name: str, given: list[ast.expr], keywords: list[ast.keyword]) -> Part:
        if name not in self.functions:
            hint = nearest(name, self.functions) or "; `docs/language/tables.md` lists what is"
            raise BadFormula(f"function {name!r} is not known in a formula{hint}", node.lineno, node.col_offset)
        if any(keyword.arg is None for keyword in keywords):
            raise BadFormula("** has no meaning in a formula", node.lineno, node.col_offset)
        apply, items = self.functions[name], self.items(given)
        apply = _rounded(apply) if name in ROUNDED else apply
        named = [(str(keyword.arg), self.part(keyword.value)) for keyword in keywords]
        return lambda names: bounded(apply(*items(names), **{word: part(names) for word, part in named}))
