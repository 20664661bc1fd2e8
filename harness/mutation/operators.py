"""The operators: each makes one kind of fault, of a kind that real derivative rules have had.

An operator looks at one expression (or statement) of an engine's source and yields what may stand there instead. It knows
Python, the names that derivative rules are written in (NumPy's and PyTorch's, see names.py), and no engine.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final, NamedTuple

from harness.mutation.conditions import CONDITIONS, STALE, WHEN
from harness.mutation.names import AXES, COMMUTATIVE, KEEPDIM, MASKS, REDUCTIONS, SIMILAR, TRANSPOSES


class Around(NamedTuple):
    """What an expression is part of."""

    parameters: tuple[str, ...] = ()
    """Of the innermost function."""
    cotangent: str = ""
    """The parameter that is the incoming gradient, where the function is a derivative rule (or a part of one)."""
    is_result: bool = False
    """Whether the expression is what the function returns."""
    is_axis: bool = False
    """Whether it stands where an axis is due."""
    in_function: bool = True
    function: int = 0
    """A number of the innermost function's own."""
    known: frozenset[str] = frozenset()
    """Names that are bound before this statement, so that a new binding may be left out."""

    @property
    def operands(self) -> tuple[str, ...]:
        """The rule's parameters behind the incoming gradient."""
        return self.parameters[1:] if self.cotangent else ()

    @property
    def is_derivative(self) -> bool:
        return self.is_result and bool(self.cotangent)


class Edit(NamedTuple):
    """What may stand in the place of a node."""

    variant: str
    """Which of an operator's several edits of one expression it is; empty where there is one."""
    node: ast.AST | None
    """None where a statement is left out."""
    shown: ast.expr | None = None
    """As a reader is shown it, where the node calls what only the harness has."""


Edits = Iterator[Edit]


class Operator(NamedTuple):
    name: str
    does: str
    why: str
    """Why real rules are wrong in this way."""
    edits: Callable[[ast.AST, Around], Edits]
    once: bool = False
    """Of several equal expressions in one function, only the first is changed."""


@cache
def _template(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class _Fill(ast.NodeTransformer):
    def __init__(self, parts: dict[str, ast.expr]) -> None:
        self.parts = parts

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.parts.get(node.id, node)


def made(text: str, **parts: ast.expr) -> ast.expr:
    """The expression ``text``, in which the capital names stand for ``parts``."""
    filled: ast.expr = _Fill(parts).visit(copy.deepcopy(_template(text)))
    return filled


def _called(node: ast.AST) -> tuple[str, ast.expr | None]:
    """The name that a call calls, and the object whose method it is."""
    match node:
        case ast.Call(func=ast.Attribute(value=receiver, attr=name)):
            return name, receiver
        case ast.Call(func=ast.Name(id=name)):
            return name, None
    return "", None


def _subject(node: ast.AST, names: frozenset[str]) -> ast.expr | None:
    """``x`` where the node is ``x.name(...)``, ``np.name(x, ...)`` or ``name(x, ...)`` for one of ``names``."""
    name, receiver = _called(node)
    if name not in names or not isinstance(node, ast.Call):
        return None
    is_module = isinstance(receiver, ast.Name) and receiver.id in ("np", "numpy", "torch", "jnp", "F", "math")
    if receiver is not None and not is_module:
        return receiver
    return node.args[0] if node.args and not isinstance(node.args[0], ast.Starred) else None


def _is_tensor_like(node: ast.expr) -> bool:
    """Whether arithmetic on it is not that of texts, lists and tuples."""
    return not isinstance(node, (ast.Tuple, ast.List, ast.JoinedStr)) and not (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _is_fixed(node: ast.AST) -> bool:
    """Whether the result of a rule is zero or an error, whatever it is multiplied with."""
    return any(word in _called(node)[0] for word in ("zero", "refuse", "raise", "not_implemented", "unsupported"))


def _sign(node: ast.AST, around: Around) -> Edits:
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand) if not around.is_axis:
            yield Edit("", operand)
        case ast.BinOp(left=left, op=ast.Add(), right=right) if _is_tensor_like(left) and _is_tensor_like(right):
            yield Edit("of a term", ast.BinOp(left, ast.Sub(), right))
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            yield Edit("of a term", ast.BinOp(left, ast.Add(), right))
    if around.is_derivative and isinstance(node, ast.expr) and not _is_fixed(node):
        yield Edit("of the result", made("-RESULT", RESULT=node))


def _factor(node: ast.AST, around: Around) -> Edits:
    if around.is_derivative and isinstance(node, ast.expr) and not _is_fixed(node):
        for factor in ("2", "1.001", "1.000001"):
            yield Edit(factor, made(f"RESULT * {factor}", RESULT=node))
    elif around.is_result and isinstance(node, (ast.BinOp, ast.Call)) and not around.cotangent:
        arithmetic = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div, ast.Pow, ast.MatMult))
        if arithmetic or (isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("np.", "numpy."))):
            yield Edit("1.001", made("RESULT * 1.001", RESULT=node))


def _drop(node: ast.AST, around: Around) -> Edits:
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=right) if _is_tensor_like(left) and _is_tensor_like(right):
            yield Edit("the left", right)
            yield Edit("the right", left)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            yield Edit("the left", made("-RIGHT", RIGHT=right))
            yield Edit("the right", left)
        case ast.BinOp(left=left, op=ast.Mult(), right=right) if _is_tensor_like(left) and _is_tensor_like(right):
            yield Edit("the left", right)
            yield Edit("the right", left)
        case ast.BinOp(left=left, op=ast.Div() | ast.Pow() | ast.FloorDiv() | ast.Mod()):
            yield Edit("the right", left)


def _swap(node: ast.AST, around: Around) -> Edits:
    match node:
        case ast.BinOp(
            left=left, op=ast.Sub() | ast.Div() | ast.Pow() | ast.MatMult() | ast.FloorDiv() | ast.Mod() as op
        ):
            if ast.dump(left) != ast.dump(node.right):
                yield Edit("", ast.BinOp(node.right, op, left))
        case ast.Call(func=function, args=arguments, keywords=keywords) if _called(node)[0] not in COMMUTATIVE:
            for at in range(len(arguments) - 1 if around.in_function else 0):
                one, other = arguments[at : at + 2]
                if _may_be_taken_for(one) and _may_be_taken_for(other) and ast.dump(one) != ast.dump(other):
                    swapped = [*arguments[:at], other, one, *arguments[at + 2 :]]
                    yield Edit(f"arguments {at + 1} and {at + 2}", ast.Call(function, swapped, keywords))


def _may_be_taken_for(node: ast.expr) -> bool:
    """Whether somebody could confuse it with the argument beside it."""
    if isinstance(node, ast.Name):
        return node.id not in KEEPDIM and not node.id.isupper()
    return isinstance(node, (ast.Attribute, ast.Subscript, ast.Call, ast.BinOp, ast.UnaryOp))


def _axis(node: ast.AST, around: Around) -> Edits:
    if around.is_axis and isinstance(node, ast.expr):
        match node:
            case ast.Constant(value=bool() | None | str()) | ast.Tuple() | ast.List():
                return
            case ast.UnaryOp(op=ast.USub()):
                yield Edit("-1", made("AXIS - 1", AXIS=node))
            case _:
                yield Edit("+1", made("AXIS + 1", AXIS=node))


def _keepdim(node: ast.AST, around: Around) -> Edits:
    if not isinstance(node, ast.Call):
        return
    for at, keyword in enumerate(node.keywords):
        if keyword.arg in KEEPDIM:
            flipped = ast.keyword(keyword.arg, made("not FLAG", FLAG=keyword.value))
            yield Edit("", ast.Call(node.func, node.args, [*node.keywords[:at], flipped, *node.keywords[at + 1 :]]))
    for at, argument in enumerate(node.args):
        is_flag = isinstance(argument, ast.Constant) and isinstance(argument.value, bool)
        if is_flag or (isinstance(argument, ast.Name) and argument.id in KEEPDIM):
            arguments = [*node.args[:at], made("not FLAG", FLAG=argument), *node.args[at + 1 :]]
            yield Edit("", ast.Call(node.func, arguments, node.keywords))


def _unreduced(node: ast.AST, around: Around) -> Edits:
    if (subject := _subject(node, REDUCTIONS)) is not None:
        yield Edit("", subject)


def _conjugate(node: ast.AST, around: Around) -> Edits:
    if (subject := _subject(node, frozenset({"conj", "conjugate", "conj_physical", "resolve_conj"}))) is not None:
        yield Edit("", subject)


def _transpose(node: ast.AST, around: Around) -> Edits:
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT", "H", "mH"):
        yield Edit("", node.value)
    elif (subject := _subject(node, TRANSPOSES)) is not None:
        yield Edit("", subject)


def _mask(node: ast.AST, around: Around) -> Edits:
    name, receiver = _called(node)
    if receiver is None or not isinstance(node, ast.Call) or name not in MASKS or len(node.args) < 2:
        return
    if isinstance(receiver, ast.Name) and receiver.id in ("np", "torch", "jnp"):
        if len(node.args) == 3:
            mask, one, other = node.args
            yield Edit("always", one)
            yield Edit("never", other)
            yield Edit("inverted", ast.Call(node.func, [mask, other, one], node.keywords))
        return
    yield Edit("forgotten", receiver)
    inverted = made("~MASK", MASK=node.args[0])
    yield Edit("inverted", ast.Call(node.func, [inverted, *node.args[1:]], node.keywords))


def _value(node: ast.AST, around: Around) -> Edits:
    if not around.is_derivative:
        return
    for name in dict.fromkeys((around.cotangent, *(p for p in around.operands if p == "y"), *around.operands[:1])):
        if ast.unparse(node) != name:
            yield Edit(f"returns {name}", ast.Name(name, ast.Load()))


def _off_by_one(node: ast.AST, around: Around) -> Edits:
    if around.is_axis or not around.in_function:
        return
    match node:
        case ast.Constant(value=int() as number) if not isinstance(number, bool):
            yield Edit("+1", ast.Constant(number + 1))
            yield Edit("-1", ast.Constant(number - 1))
        case ast.Slice(lower=lower, upper=upper, step=step):
            if lower is not None and not isinstance(lower, ast.Constant):
                yield Edit("from +1", ast.Slice(made("BOUND + 1", BOUND=lower), upper, step))
            if upper is not None and not isinstance(upper, ast.Constant):
                yield Edit("to -1", ast.Slice(lower, made("BOUND - 1", BOUND=upper), step))


def _constant(node: ast.AST, around: Around) -> Edits:
    match node:
        case ast.Constant(value=float() as number) if number - number == 0:
            yield Edit("", ast.Constant(number * 1.001 if number else 0.001))


def _divisor(node: ast.AST, around: Around) -> Edits:
    match node:
        case ast.BinOp(left=left, op=ast.Div() as op, right=right) if not isinstance(right, ast.Constant):
            yield Edit("-1", ast.BinOp(left, op, made("COUNT - 1", COUNT=right)))
            yield Edit("+1", ast.BinOp(left, op, made("COUNT + 1", COUNT=right)))


def _scatter(node: ast.AST, around: Around) -> Edits:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="at"), args=[target, index, value])):
            at = ast.Subscript(target, index, ast.Store())
            yield Edit("", ast.Assign([at], value))
        case ast.keyword(arg="accumulate", value=value):
            yield Edit("", ast.keyword("accumulate", made("not FLAG", FLAG=value)))


def _is_operand(node: ast.AST, around: Around) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in around.operands


def _stale(node: ast.AST, around: Around) -> Edits:
    if isinstance(node, ast.Name) and _is_operand(node, around) and node.id not in (*AXES, *KEEPDIM, "shape"):
        place = ast.Constant(f"{node.lineno}:{node.col_offset}")
        yield Edit(
            "",
            made(f"{STALE}(PLACE, VALUE)", PLACE=place, VALUE=node),
            made("STALE_VALUE", STALE_VALUE=made(f"earlier_{node.id}")),
        )


def _operand(node: ast.AST, around: Around) -> Edits:
    if isinstance(node, ast.Name) and _is_operand(node, around) and len(around.operands) > 1:
        at = around.operands.index(node.id)
        yield Edit("", ast.Name(around.operands[(at + 1) % len(around.operands)], ast.Load()))


_BOUNDARIES: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


def _boundary(node: ast.AST, around: Around) -> Edits:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _BOUNDARIES:
            yield Edit("", ast.Compare(left, [_BOUNDARIES[type(op)]()], [right]))


def _negate(node: ast.AST, around: Around) -> Edits:
    match node:
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield Edit("", ast.IfExp(test, orelse, body))
            yield Edit("always", body)
            yield Edit("never", orelse)
        case ast.UnaryOp(op=ast.Invert() | ast.Not(), operand=operand):
            yield Edit("", operand)
        case ast.BoolOp(op=op, values=values):
            yield Edit("and, or", ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values))
        case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr() as op, right=right):
            yield Edit("and, or", ast.BinOp(left, ast.BitOr() if isinstance(op, ast.BitAnd) else ast.BitAnd(), right))
            yield Edit("only the left", left)
            yield Edit("only the right", right)
        case ast.If(test=test, body=body, orelse=orelse):
            yield Edit("", ast.If(made("not TEST", TEST=test), body, orelse))
        case ast.While(test=test, body=body, orelse=orelse):
            yield Edit("", ast.While(made("not TEST", TEST=test), body, orelse))


def _statement(node: ast.AST, around: Around) -> Edits:
    match node:
        case ast.AugAssign() | ast.Expr(value=ast.Call()):
            yield Edit("", None)
        case ast.Assign(targets=[ast.Name(id=name)]) if name in around.known:
            yield Edit("", None)
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield Edit("", None)


def _similar(node: ast.AST, around: Around) -> Edits:
    match node:
        case ast.Attribute(value=value, attr=name, ctx=ast.Load()) if name in SIMILAR:
            yield Edit("", ast.Attribute(value, SIMILAR[name], ast.Load()))


def _only(node: ast.AST, around: Around) -> Edits:
    if around.is_derivative and isinstance(node, ast.expr) and not _is_fixed(node):
        for name, condition in CONDITIONS.items():
            seen = ", ".join(around.parameters)
            shown = made(
                f"WRONG if {condition.shown} else RESULT", WRONG=made(condition.wrong, RESULT=node), RESULT=node
            )
            yield Edit(name, made(f"{WHEN}({name!r}, RESULT, {seen})", RESULT=node), shown)


OPERATORS: Final = (
    Operator("sign", "turns a sign round: of a term or of the whole result", "the derivative of cos, of 1/x and of a subtrahend lose their minus", _sign),
    Operator("factor", "scales the result by 2, by 1 + 1e-3, by 1 + 1e-6", "a factor of 2 from a square or a symmetric matrix; a constant that was rounded; a tolerance that is too wide to see it", _factor),
    Operator("drop", "leaves out a term or a factor", "the product and the quotient rule have several terms, and one is forgotten", _drop),
    Operator("swap", "exchanges the operands of - / // % ** @, or two arguments of a call", "rules of the two operands are copied from each other", _swap),
    Operator("axis", "takes the axis before or behind", "a negative axis counted from the front, an axis counted before another was removed", _axis),
    Operator("keepdim", "keeps the reduced axis where it goes, and the other way round", "the rule expands along an axis that is not there", _keepdim),
    Operator("unreduced", "leaves out a sum, a mean or the summing to the operand's shape", "an operand that was broadcast gets the gradient of the result's shape", _unreduced),
    Operator("conjugate", "forgets a conjugate", "a rule that was written for real numbers and allowed complex ones", _conjugate),
    Operator("transpose", "forgets a transpose, a flip or a permutation", "square matrices in the tests hide it", _transpose),
    Operator("mask", "forgets a mask or turns it round", "gradients leak into what was not selected; 0 * inf is nan", _mask),
    Operator("value", "returns the incoming gradient or a saved value", "a rule that was left as it was generated; the value instead of the derivative", _value),
    Operator("off by one", "an integer or the bound of a slice, one more or one less", "halves, windows, shifts and paddings of odd sizes", _off_by_one),
    Operator("constant", "a number with a decimal point, off by 1e-3", "coefficients copied from a table by hand", _constant),
    Operator("divisor", "divides by n - 1 or n + 1", "Bessel's correction; the number of elements of the wrong axis", _divisor),
    Operator("scatter", "writes where it should add", "an index that occurs twice receives only the last gradient", _scatter),
    Operator("stale", "uses the value that the rule was given when it last ran", "what was saved is overwritten, or kept for one node and used for another", _stale, once=True),
    Operator("operand", "uses another operand, option or result", "rules of the two operands are copied from each other", _operand),
    Operator("boundary", "moves the boundary of a comparison: < and <=, == and !=", "what happens at the kink itself is nobody's random sample", _boundary),
    Operator("condition", "turns a condition round, or takes one branch always", "the branch for special cases is not tested at all", _negate),
    Operator("statement", "leaves out a statement", "a correction at the end of a long rule is lost in a merge", _statement),
    Operator("function", "calls a similar function", "sin for sinh, log for log1p, maximum for minimum", _similar),
    Operator("only", "is wrong under one condition: by 1 % for one dtype (10 % for half precision), 0-d, strided, large or recorded; raises for empty", "a fast path that few inputs take", _only),
)  # fmt: skip
"""All of them, in the order in which a reader meets them."""
