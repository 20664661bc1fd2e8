"""Checked steps -> one straight-line Python function over an engine's own tensors.

The function is built from the checked tree, never from text: names of the language become the engine's objects,
attributes become the engine's own or the adapter's, and the guards stand where a program could grow without bound.
Everything else is the code one would have written by hand, which is why a case costs little more. Its line numbers are
those of the spec's file, so a traceback points at the line of the YAML that went wrong.

What the function saw comes out as a flat list, in the order of `plan`: per step what the last line raised (where an error
is due), what each expression showed, and the warnings that were given.
"""

from __future__ import annotations

import ast
import builtins
import copy
import math
import operator
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any, Final, NamedTuple, TypeVar

from harness.engine import NATIVE, Engine
from harness.language.guards import MAX_ELEMENTS, Guards, arithmetic
from harness.language.program import OPERATORS
from harness.language.words import ATTRIBUTES, BUILTINS, GROWING, LISTS, NAMES

_APPLY: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "@": operator.matmul,
}
_OPERATOR_NAMES: Final = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "//": "floordiv",
    "%": "mod",
    "**": "pow",
    "@": "matmul",
}
SMALL: Final = 4096
"""Elements of a tensor whose sizes are written as numbers: no need to look again at run time."""
_SIZED: Final = frozenset({"zeros", "ones", "Linear"})
_BINARY: Final = frozenset(
    {"add", "sub", "mul", "div", "pow", "matmul", "mm", "mse_loss", "binary_cross_entropy_with_logits"}
)


class Raised(NamedTuple):
    """An exception in place of a value."""

    error: BaseException


class StepTree(NamedTuple):
    """One step after checking."""

    body: list[ast.stmt]
    observed: list[ast.expr]
    raises: bool


class Runner(NamedTuple):
    """A compiled program, bound to an engine."""

    call: Callable[..., dict[str, Any]]
    """``call(out, *parameters)``: appends to ``out``, returns the program's names and values."""
    guards: Guards


def build(
    name: str,
    file: str,
    parameters: tuple[str, ...],
    steps: list[StepTree],
    engine: Engine,
    take_warnings: Callable[[], Any],
    *,
    largest: int,
    trace: Callable[[int, dict[str, Any]], None] | None = None,
) -> Runner:
    """Compile ``steps`` for ``engine``.

    ``largest``: an upper bound of the elements of any tensor that the program writes out; decides whether sizes are
    watched. ``trace`` is called after every statement of the top level with its line and the names so far."""
    everything = ast.Module([*(s for step in steps for s in step.body)], [])
    watch = largest**2 > MAX_ELEMENTS or _may_grow(everything)
    writer = _Writer(engine, _Kinds(everything), watch)
    code = writer.function(parameters, copy.deepcopy(steps), trace is not None)
    module = ast.fix_missing_locations(ast.Module([code], []))
    compiled: CodeType = compile(module, file, "exec", dont_inherit=True)
    guards = Guards()
    scope: dict[str, Any] = {
        # C code of an engine imports through the calling frame's builtins; no checked program can name either of these.
        "__builtins__": {"__build_class__": builtins.__build_class__, "__import__": builtins.__import__},
        "__name__": name,
        "_Error": (Exception, SystemExit),
        "_read": engine.read,
        "_Raised": Raised,
        "_warnings": take_warnings,
        "_locals": builtins.locals,
        "_trace": trace,
        "_enter": guards.enter,
        "_leave": guards.leave,
        "_each": guards.each,
        "_sized": guards.sized,
        "_fitted": guards.fitted,
        "_method": guards.method,
        **{f"_{_OPERATOR_NAMES[sign]}": arithmetic(sign, apply, watch) for sign, apply in _APPLY.items()},
        **{f"_check_{word}": arithmetic(sign, _nothing, watch) for sign, word in _OPERATOR_NAMES.items()},
        **{word: getattr(builtins, word) for word in BUILTINS if word != "range"},
        "range": guards.range,
        **{word: engine.names[word] for word in NAMES if word in engine.names},
        **{f"_get_{word}": value for word, value in engine.attributes.items() if value is not NATIVE},
        **{f"_set_{word}": value for word, value in engine.setters.items()},
        "staticmethod": staticmethod,
    }
    exec(compiled, scope)  # the tree was built here, from whitelisted nodes
    return Runner(scope["_case"], guards)


def _nothing(left: Any, right: Any) -> None:
    """Applied where only the guard is wanted."""


def _may_grow(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in GROWING:
            return True
        if isinstance(node, ast.Subscript) and any(
            isinstance(n, ast.Constant) and n.value is None for n in ast.walk(node.slice)
        ):
            return True
    return False


class _Kinds:
    """Which names certainly hold tensors: only arithmetic among other values needs a guard."""

    def __init__(self, tree: ast.Module) -> None:
        assigned: dict[str, list[ast.expr | None]] = {}
        for node in ast.walk(tree):
            match node:
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        if isinstance(target, ast.Name):
                            assigned.setdefault(target.id, []).append(value)
                        else:
                            for name in ast.walk(target):
                                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                                    assigned.setdefault(name.id, []).append(None)
                case ast.For(target=target) | ast.comprehension(target=target):
                    for name in ast.walk(target):
                        if isinstance(name, ast.Name):
                            assigned.setdefault(name.id, []).append(None)
                case ast.arg(arg=argument):
                    assigned.setdefault(argument, []).append(None)
        # Begin with every assigned name a tensor and take back what is not, until nothing changes.
        self.tensors = {name for name, values in assigned.items() if None not in values}
        while True:
            wrong = {n for n in self.tensors if not all(v is not None and self.is_tensor(v) for v in assigned[n])}
            if not wrong:
                return
            self.tensors -= wrong

    def is_tensor(self, node: ast.expr) -> bool:
        match node:
            case ast.Name(id=name):
                return name in self.tensors
            case ast.Call(func=ast.Name(id=name)):
                return name in NAMES and NAMES[name].result == "tensor"
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                return name in ATTRIBUTES and ATTRIBUTES[name].result == "tensor" and self.is_tensor(value)
            case ast.Attribute(value=value, attr=name):
                return name in ("grad", "data", "T") and self.is_tensor(value)
            case ast.BinOp(left=left, right=right):
                return self.is_tensor(left) or self.is_tensor(right)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.is_tensor(operand)
            case ast.Subscript(value=value):
                return self.is_tensor(value)
        return False


class _Writer(ast.NodeTransformer):
    """Rewrites the checked tree for one engine."""

    def __init__(self, engine: Engine, kinds: _Kinds, watch: bool) -> None:
        self.attributes: Mapping[str, Any] = engine.attributes
        self.kinds = kinds
        self.watch = watch

    # ---- the frame around the program

    def function(self, parameters: tuple[str, ...], steps: list[StepTree], trace: bool) -> ast.FunctionDef:
        body: list[ast.stmt] = []
        for step in steps:
            groups = [self.lines(s, trace) for s in step.body]
            statements = groups.pop() if step.raises else []
            body += [statement for group in groups for statement in group]
            if step.raises:
                nothing = _call("_out", _at(ast.Constant(None), step.body[-1]), at=step.body[-1])
                body.append(_attempt(statements, nothing))
            for expression in step.observed:
                seen = _call("_out", _call("_read", self.visit(expression), at=expression), at=expression)
                body.append(_attempt([_statement(seen)], None))
            end = step.observed[-1] if step.observed else step.body[-1]
            body.append(_statement(_call("_out", _call("_warnings", at=end), at=end)))
        body.append(ast.Return(_call("_locals", at=body[-1])))
        frame = ast.parse("def _case(): pass").body[0]  # the node's fields differ between versions of Python
        assert isinstance(frame, ast.FunctionDef)
        frame.args.args = [ast.arg("_out"), *map(ast.arg, parameters)]
        frame.body = body
        return frame

    def lines(self, statement: ast.stmt, trace: bool) -> list[ast.stmt]:
        """What one statement of the top level becomes."""
        becomes = self.visit(statement)
        written = becomes if isinstance(becomes, list) else [becomes]
        return [*written, _traced(written[-1])] if trace else written

    # ---- statements

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.iter = _call("_each", node.iter, at=node.iter)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        node.iter = _call("_each", node.iter, at=node.iter)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        place = node.body[0]
        left = _statement(_call("_leave", at=place))
        node.body = [_at(ast.Try([_statement(_call("_enter", at=place)), *node.body], [], [], [left]), place)]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        for method in node.body:
            if isinstance(method, ast.FunctionDef):
                method.decorator_list = [_name("staticmethod", method)]
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        match node.targets:
            case [ast.Attribute(value=owner, attr=attribute)] if self.attributes.get(attribute) is not NATIVE:
                call = _call(f"_set_{attribute}", self.visit(owner), self.visit(node.value), at=node)
                return _statement(call)
        self.generic_visit(node)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | list[ast.AST]:
        sign = _OPERATOR_NAMES[OPERATORS[type(node.op)]]
        guarded = self.watch or not self.kinds.is_tensor(node.target)
        match node.target:
            case ast.Attribute(value=owner, attr=attribute) if self.attributes.get(attribute) is not NATIVE:
                # What Python does for an attribute, with the adapter's getter and setter: read, write in place, store.
                current = _call(f"_get_{attribute}", self.visit(owner), at=node)
                store = _call(f"_set_{attribute}", self.visit(copy.deepcopy(owner)), _name("_new", node), at=node)
                return [
                    _assigned("_new", current, node),
                    _at(ast.AugAssign(_name("_new", node, ast.Store()), node.op, self.visit(node.value)), node),
                    _statement(store),
                ]
        read = copy.deepcopy(node.target)
        self.generic_visit(node)
        if not guarded or (_is_number(node.value) and self.kinds.is_tensor(read)):
            return node
        # In place for tensors, as Python has it; the guard looks at both sides before anything is written.
        for part in ast.walk(read):
            if isinstance(part, (ast.Name, ast.Attribute, ast.Subscript)):
                part.ctx = ast.Load()
        value, node.value = node.value, _name("_new", node)
        check = _call(f"_check_{sign}", self.visit(read), _name("_new", node), at=node)
        return [_assigned("_new", value, node), _statement(check), node]

    # ---- expressions

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        tensors = self.kinds.is_tensor(node.left), self.kinds.is_tensor(node.right)
        with_number = _is_number(node.left) or _is_number(node.right)
        self.generic_visit(node)
        if not any(tensors) or (self.watch and not with_number):
            return _call(f"_{_OPERATOR_NAMES[OPERATORS[type(node.op)]]}", node.left, node.right, at=node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr in LISTS or self.attributes.get(node.attr) is NATIVE:
            return node
        return _call(f"_get_{node.attr}", node.value, at=node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        match node.func:
            case ast.Name(id=word) if word in _SIZED and not _small(node.args):
                node.args.insert(0, node.func)
                node.func = _name("_sized", node)
            case ast.Name(id=word) if word in _BINARY and self.watch:
                node.args.insert(0, node.func)
                node.func = _name("_fitted", node)
            case ast.Attribute(value=owner, attr=word) if word not in LISTS and self.attributes.get(word) is not NATIVE:
                node.args.insert(0, owner)
                node.func = _name(f"_get_{word}", node)
                if self.watch and word in _BINARY:
                    node.args.insert(0, node.func)
                    node.func = _name("_fitted", node)
            case ast.Attribute(value=owner, attr=word) if self.watch and word in _BINARY:
                node.args[:0] = [owner, _at(ast.Constant(word), node)]
                node.func = _name("_method", node)
        self.generic_visit(node)
        return node


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _small(arguments: list[ast.expr]) -> bool:
    """Whether all sizes are literals and make a small tensor."""
    sizes = [a.value for a in arguments if isinstance(a, ast.Constant) and type(a.value) is int]
    return len(sizes) == len(arguments) and math.prod(sizes) <= SMALL


_Located = TypeVar("_Located", bound=ast.AST)


def _at(node: _Located, place: ast.AST) -> _Located:
    return ast.copy_location(node, place)


def _name(name: str, place: ast.AST, context: ast.expr_context | None = None) -> ast.Name:
    return _at(ast.Name(name, context or ast.Load()), place)


def _call(function: str, *arguments: ast.expr, at: ast.AST) -> ast.Call:
    return _at(ast.Call(_name(function, at), list(arguments), []), at)


def _statement(value: ast.expr) -> ast.Expr:
    return _at(ast.Expr(value), value)


def _assigned(name: str, value: ast.expr, place: ast.AST) -> ast.Assign:
    return _at(ast.Assign([_name(name, place, ast.Store())], value), place)


def _traced(statement: ast.stmt) -> ast.stmt:
    line = _at(ast.Constant(statement.lineno), statement)
    return _statement(_call("_trace", line, _call("_locals", at=statement), at=statement))


def _attempt(body: list[ast.stmt], otherwise: ast.expr | None) -> ast.stmt:
    """``body``, with an exception going to the output instead of up."""
    place = body[0]
    raised = _call("_out", _call("_Raised", _name("_error", place), at=place), at=place)
    handler = _at(ast.ExceptHandler(_name("_Error", place), "_error", [_statement(raised)]), place)
    return _at(ast.Try(body, [handler], [_statement(otherwise)] if otherwise else [], []), place)
