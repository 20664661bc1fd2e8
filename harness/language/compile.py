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
import functools
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from types import CodeType, ModuleType
from typing import Any, Final, NamedTuple, TypeVar

from harness import interrupts
from harness.engine import NATIVE, Engine, Unsupported, UserError
from harness.language.export import Program, StepTree
from harness.language.guards import Guards, arithmetic
from harness.language.words import (
    ATTRIBUTES,
    BUILTINS,
    COMPARISONS,
    KINDS,
    LISTS,
    MEMBERS,
    NAMES,
    OPERATORS,
    Trait,
    Word,
)

_BINARY: Final[Mapping[str, tuple[str, Callable[[Any, Any], Any]]]] = {
    "+": ("add", operator.add),
    "-": ("sub", operator.sub),
    "*": ("mul", operator.mul),
    "/": ("div", operator.truediv),
    "//": ("floordiv", operator.floordiv),
    "%": ("mod", operator.mod),
    "**": ("pow", operator.pow),
    "@": ("matmul", operator.matmul),
}
_COMPARED: Final[Mapping[str, tuple[str, Callable[[Any, Any], Any]]]] = {
    "==": ("eq", operator.eq),
    "!=": ("ne", operator.ne),
    "<": ("lt", operator.lt),
    "<=": ("le", operator.le),
    ">": ("gt", operator.gt),
    ">=": ("ge", operator.ge),
}
PROGRAM: Final = "_harness_program"
"""The name of the module that a program's functions belong to."""
_OUTSIDE: Final = frozenset({"open", "exec", "eval", "compile", "input", "breakpoint", "exit", "quit", "help"})
"""Builtins that reach beyond the program."""
SMALL: Final = 1024
"""Elements of a tensor that no number of operations which the fuel allows makes a burden."""


class Raised(NamedTuple):
    """An exception in place of a value."""

    error: BaseException


class Unreadable(Exception):
    """The adapter could not read a value: its fault, or that of an engine that computes only when it is read."""


class Runner(NamedTuple):
    """A compiled program, bound to an engine."""

    call: Callable[..., dict[str, Any]]
    """``call(out, *parameters)``: appends to ``out``, returns the program's names and values."""
    guards: Guards
    module: ModuleType
    """What `PROGRAM` is to be while the program runs: engines that compile functions import the module they are of."""


def check(steps: Iterable[StepTree], file: str) -> None:
    """Let Python itself look at a checked program. Raises `SyntaxError` (two parameters of one name ...) or `RecursionError`."""
    frame = _frame(["_out"])
    frame.body = [statement for step in steps for statement in (*step.body, *map(_statement, step.observed))]
    compile(ast.fix_missing_locations(ast.Module([frame], [])), file, "exec", dont_inherit=True)


def build(
    program: Program,
    engine: Engine,
    take_warnings: Callable[[], Any],
    trace: Callable[[int, dict[str, Any]], None] | None = None,
) -> Runner:
    """Compile ``program`` for ``engine``.

    ``trace`` is called after every statement of the top level with its line and the names so far."""
    return bind(code(program, engine, trace is not None), program.id, program.watch, engine, take_warnings, trace)


def code(program: Program, engine: Engine, trace: bool = False) -> CodeType:
    """``program`` as Python's own code, which depends on the engine only by which of its attributes are `NATIVE`."""
    nodes = [node for step in program.steps for node in (*step.body, *map(ast.Expr, step.observed))]
    writer = _Writer(engine, ast.Module(nodes, []), program.parameters, program.watch)
    function = writer.function(program.parameters, copy.deepcopy(list(program.steps)), trace)
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            node.id = _global(node.id)
    module = ast.fix_missing_locations(ast.Module([function], []))
    compiled: CodeType = compile(module, source_name(program.file), "exec", dont_inherit=True)
    return compiled


def source_name(file: str) -> str:
    """What Python is told is the file of a program: none that exists, since what stands in a spec's is not Python."""
    return f"<{file}>"


def _global(word: str) -> str:
    """``word`` as an identifier: compilers of functions take a dot for an attribute."""
    return word.replace(".", "__")


def bind(
    compiled: CodeType,
    id: str,
    watch: bool,
    engine: Engine,
    take_warnings: Callable[[], Any],
    trace: Callable[[int, dict[str, Any]], None] | None = None,
) -> Runner:
    """What `code` made, ready to run on ``engine``."""
    guards = Guards()
    module = ModuleType(PROGRAM, id)
    scope = vars(module)
    scope |= {
        # C code of an engine imports through the calling frame's builtins, and compilers of functions look up what they
        # write calls of; no checked program can name any of these.
        "__builtins__": {word: value for word, value in vars(builtins).items() if word not in _OUTSIDE},
        "_Error": BaseException,
        "_raised": _raised,
        "_read": _reader(engine),
        "_warnings": take_warnings,
        "_locals": builtins.locals,
        "_trace": trace,
        "_keys": _Keys(),
        "_bound": functools.partial,
        "staticmethod": staticmethod,
        "super": super,
        "ValueError": UserError,
        **{f"_{word}": getattr(guards, word) for word in _GUARDS},
        **{
            f"_{word}": arithmetic(guards, sign, apply, watch)
            for sign, (word, apply) in {**_BINARY, **_COMPARED}.items()
        },
        **{f"_check_{word}": arithmetic(guards, sign, _nothing, watch) for sign, (word, _) in _BINARY.items()},
        **{word: getattr(builtins, word) for word in BUILTINS},
        **{f"_class_{kind}": getattr(builtins, kind) for kind in KINDS},
        "range": guards.range,
        "list": lambda items=(): guards.listed(guards.items(items)),
        "tuple": lambda items=(): tuple(guards.listed(guards.items(items))),
        "dict": lambda items=(): guards.listed(dict(items)),
        "zip": lambda *several: zip(*map(guards.items, several), strict=False),
        "enumerate": lambda items, start=0: enumerate(guards.items(items), start),
        **{_global(word): engine.names[word] for word in NAMES if word in engine.names},
        **{f"_get_{word}": value for word, value in engine.attributes.items() if value is not NATIVE},
        **{f"_set_{word}": value for word, value in engine.setters.items()},
    }
    exec(compiled, scope)  # the tree was built here, from whitelisted nodes
    return Runner(scope["_case"], guards, module)


def words(runner: Runner) -> frozenset[str]:
    """The free names of the language that a program uses."""
    found: set[str] = set()
    codes: list[object] = [getattr(runner.call, "__code__", None)]
    while codes:
        if isinstance(code := codes.pop(), CodeType):
            found.update(code.co_names)
            codes.extend(code.co_consts)
    return frozenset(word for word in NAMES if _global(word) in found)


_GUARDS: Final = (
    *("enter", "leave", "function", "each", "higher", "listed", "append", "store"),
    *("sized", "expanded", "joined", "squared", "spatial", "counted", "of", "fitted", "method", "called", "taken"),
)


class _Keys:
    """``_keys[1:2, 0]`` is the index itself, as a value."""

    def __getitem__(self, key: Any) -> Any:
        return key


def _raised(error: BaseException) -> Raised:
    """Whatever an engine raises is a verdict, but for the user's own Ctrl-C."""
    if isinstance(error, interrupts.users):
        raise error
    return Raised(error)


def _reader(engine: Engine) -> Callable[[Any], Any]:
    read = engine.read

    def reading(value: Any) -> Any:
        try:
            return read(value)
        except BaseException as error:
            if isinstance(error, (Unsupported, *interrupts.users)):
                raise
            raise Unreadable(f"{type(error).__name__}: {error}") from error

    return reading


def _nothing(left: Any, right: Any) -> None:
    """Applied where only the guard is wanted."""


def is_watched(steps: Iterable[StepTree], largest: int) -> bool:
    """Whether a program's tensors may become large: ``largest`` bounds those that it writes out, some words multiply."""
    trees = (tree for step in steps for tree in (*step.body, *step.observed))
    return largest > SMALL or any(map(_may_grow, trees))


def _may_grow(tree: ast.AST) -> bool:
    """Whether tensors may become larger than what the program writes out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _has(ATTRIBUTES, node.attr, "grows"):
            return True
        if isinstance(node, ast.Name) and _has(NAMES, node.id, "grows"):
            return True
        if isinstance(node, ast.Subscript):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            if any(not isinstance(part, ast.Slice) and not _is_integer(part) for part in parts):
                return True
    return False


class _Kinds:
    """Which names certainly hold tensors: only arithmetic among other values needs a guard."""

    def __init__(self, tree: ast.Module, words: Mapping[str, Word]) -> None:
        self.words = words
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
                case (
                    ast.For(target=target)
                    | ast.comprehension(target=target)
                    | ast.withitem(optional_vars=ast.Name() as target)
                ):
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
                return name in self.words and self.words[name].result == "tensor"
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

    def __init__(self, engine: Engine, everything: ast.Module, parameters: Iterable[str], watch: bool) -> None:
        self.attributes: Mapping[str, Any] = engine.attributes
        given = _given(everything) | set(parameters)
        self.words = {name: word for name, word in NAMES.items() if name not in given}
        self.kinds = _Kinds(everything, self.words)
        self.watch = watch
        self.own = {n.name for n in ast.walk(everything) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}

    def native(self, attribute: str) -> bool:
        return attribute in MEMBERS or self.attributes.get(attribute) is NATIVE

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
        frame = _frame(["_out", *parameters])
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
        complete(node)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.generic_visit(node)
        return _call("_function", node, at=node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.AST]:
        match node.targets:
            case [ast.Attribute(value=owner, attr=attribute)] if not self.native(attribute):
                store = _call(f"_set_{attribute}", self.visit(owner), _name("_new", node), at=node)
                return [_assigned("_new", self.visit(node.value), node), _statement(store)]  # the value comes first
            case [ast.Subscript(value=owner, slice=key)] if not self.kinds.is_tensor(owner):
                stored = _call("_store", self.visit(node.value), self.visit(owner), self.key(key), at=node)
                return _statement(stored)
        self.generic_visit(node)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | list[ast.AST]:
        """``target op= value`` with a guard: what Python does, in its order, every part evaluated once.

        The operation stays in place (tensors, lists); the guard looks at both sides before anything is written."""
        sign = OPERATORS[type(node.op)]
        harmless = self.kinds.is_tensor(node.target) and (_is_number(node.value) or self.kinds.is_tensor(node.value))
        native = not isinstance(node.target, ast.Attribute) or self.native(node.target.attr)
        if native and harmless and not self.watch:
            self.generic_visit(node)
            return node
        check = _call(f"_check_{_BINARY[sign][0]}", _name("_old", node), _name("_new", node), at=node)
        compute = [
            _assigned("_new", self.visit(node.value), node),
            _statement(check),
            _at(ast.AugAssign(_name("_old", node, ast.Store()), node.op, _name("_new", node)), node),
        ]
        box, key = _name("_box", node), _name("_key", node)
        last: ast.stmt
        match node.target:
            case ast.Name(id=name):
                first = [_assigned("_old", _name(name, node), node)]
                last = _assigned(name, _name("_old", node), node)
            case ast.Subscript(value=owner, slice=index):
                first = [
                    _assigned("_box", self.visit(owner), node),
                    _assigned("_key", self.key(index), node),
                    _assigned("_old", _at(ast.Subscript(box, key, ast.Load()), node), node),
                ]
                last = _statement(_call("_store", _name("_old", node), box, key, at=node))
            case ast.Attribute(value=owner, attr=attribute):
                first = [_assigned("_box", self.visit(owner), node)]
                first.append(_assigned("_old", self.visit(_at(ast.Attribute(box, attribute, ast.Load()), node)), node))
                last = _statement(_call(f"_set_{attribute}", box, _name("_old", node), at=node))
                if native:
                    target = _at(ast.Attribute(box, attribute, ast.Store()), node)
                    last = _at(ast.Assign([target], _name("_old", node)), node)
            case _:
                raise AssertionError(ast.dump(node))
        return [*first, *compute, last]

    def key(self, index: ast.expr) -> ast.expr:
        """An index as a value."""
        if isinstance(index, (ast.Constant, ast.Name)):
            return index
        return _at(ast.Subscript(_name("_keys", index), self.visit(index), ast.Load()), index)

    # ---- expressions

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        left, right = self.kinds.is_tensor(node.left), self.kinds.is_tensor(node.right)
        plain = (left and right) or (left and _is_number(node.right)) or (right and _is_number(node.left))
        self.generic_visit(node)
        if plain and not self.watch:
            return node
        return _call(f"_{_BINARY[OPERATORS[type(node.op)]][0]}", node.left, node.right, at=node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        sign = COMPARISONS.get(type(node.ops[0])) if len(node.ops) == 1 else None
        harmless = _is_number(node.left) or _is_number(node.comparators[0])
        self.generic_visit(node)
        if sign is None or (harmless and not self.watch):
            return node
        return _call(f"_{_COMPARED[sign][0]}", node.left, node.comparators[0], at=node)

    def visit_List(self, node: ast.List) -> ast.AST:
        literal = _is_literal(node)
        self.generic_visit(node)
        return node if literal or not isinstance(node.ctx, ast.Load) else _call("_listed", node, at=node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        self.generic_visit(node)
        return _call("_listed", node, at=node)

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        return self.visit_List(node)  # type: ignore[arg-type]

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if self.watch and isinstance(node.ctx, ast.Load) and not _is_integer(node.slice):
            return _call("_taken", self.visit(node.value), self.key(node.slice), at=node)
        node.value = self.visit(node.value)
        if isinstance(node.slice, ast.Tuple):  # an index is no tuple that the program makes
            node.slice.elts = [self.visit(part) for part in node.slice.elts]
        else:
            node.slice = self.visit(node.slice)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr in LISTS or self.native(node.attr):
            return node
        if ATTRIBUTES[node.attr].called:  # a custom function's `apply` as a value
            return _call("_bound", _name(f"_get_{node.attr}", node), node.value, at=node)
        return _call(f"_get_{node.attr}", node.value, at=node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        higher = _asks_for_a_graph(node)
        match node:
            case ast.Call(func=ast.Name(id="isinstance"), args=[_, ast.Name(id=kind)]) if kind in KINDS:
                node.args[1] = _name(f"_class_{kind}", node)  # the words of that name are guarded functions
        match node.func:
            case ast.Attribute(value=owner, attr="append"):
                node.func = _name("_append", node)
                node.args.insert(0, owner)
            case ast.Attribute(value=ast.Name(id=owner), attr=word) if owner in self.own and self.native(word):
                pass  # CustomFunction.apply
            case ast.Attribute(value=owner, attr=word) if self.native(word) and _has(ATTRIBUTES, word, "sized"):
                node.func = _name("_expanded", node)
                node.args[:0] = [owner, _at(ast.Constant(word), node)]
            case ast.Attribute(value=owner, attr=word) if self.native(word) and _has(ATTRIBUTES, word, "squares"):
                if self.watch:
                    node.func = _name("_of", node)
                    node.args[:0] = [_at(ast.Constant("squared"), node), owner, _at(ast.Constant(word), node)]
            case ast.Attribute(value=owner, attr=word) if not self.native(word):
                node.func = _name(f"_get_{word}", node)
                node.args.insert(0, owner)
                self.guard(node, "_fitted" if self.watch else "")
            case ast.Attribute(value=owner, attr=word) if self.watch and not higher:
                node.func = _name("_method", node)
                node.args[:0] = [owner, _at(ast.Constant(word), node)]
            case ast.Name(id=word) if _has(self.words, word, "joins"):
                self.guard(node, "_joined")
            case ast.Name(id=word) if _has(self.words, word, "squares"):
                self.guard(node, "_squared" if self.watch else "")
            case ast.Name(id=word) if _has(self.words, word, "spatial"):
                self.guard(node, "_spatial")
            case ast.Name(id=word) if _has(self.words, word, "counts"):
                self.guard(node, "_counted")
            case ast.Name(id=word) if _has(self.words, word, "sized"):
                self.guard(node, "" if _small(node.args) else "_sized")
            case ast.Name(id=word) if word in self.words:
                self.guard(node, "_fitted" if self.watch and NAMES[word].result == "tensor" else "")
            case ast.Name(id=word) if word not in BUILTINS and word not in self.own:
                self.guard(node, "_called")
            case ast.Call() | ast.Subscript():
                self.guard(node, "_called")
        if higher:
            self.guard(node, "_higher")
        self.generic_visit(node)
        return node

    def guard(self, node: ast.Call, name: str) -> None:
        """Call through a guard: ``f(x)`` becomes ``name(f, x)``."""
        if name:
            node.args.insert(0, node.func)
            node.func = _name(name, node)


def complete(node: ast.ClassDef) -> None:
    """Put back what the language leaves out: methods of a custom function are static, a module begins with its base."""
    base = node.bases[0]
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and isinstance(base, ast.Name) and base.id == "Function":
            method.decorator_list.insert(0, _name("staticmethod", method))
        elif isinstance(method, ast.FunctionDef) and method.name == "__init__":
            begin = _at(ast.Attribute(_call("super", at=method), "__init__", ast.Load()), method)
            method.body.insert(0, _statement(_at(ast.Call(begin, [], []), method)))


def _given(tree: ast.Module) -> set[str]:
    """Names to which a program gives a meaning of its own."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return names | {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def _has(table: Mapping[str, Word], word: str, trait: Trait) -> bool:
    return word in table and trait in table[word].traits


def _asks_for_a_graph(node: ast.Call) -> bool:
    """Whether a reverse pass is to be recorded, so that it can be differentiated again."""
    match node.func:
        case ast.Name(id=word) if word in NAMES:
            parameters = NAMES[word].parameters
        case ast.Attribute(attr=word) if word in ATTRIBUTES:
            parameters = ATTRIBUTES[word].parameters
        case _:
            return False
    if word.startswith("func."):  # its functions can always be differentiated again
        return True
    if "create_graph" not in parameters:
        return False
    position = parameters.index("create_graph")
    given = [*node.args[position : position + 1], *(k.value for k in node.keywords if k.arg == "create_graph")]
    return any(not (isinstance(value, ast.Constant) and value.value is False) for value in given)


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _is_integer(node: ast.expr) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant) and (type(inner.value) is int or inner.value is Ellipsis)


def _is_literal(node: ast.expr) -> bool:
    """Numbers in nested lists: as large as they look."""
    if isinstance(node, (ast.List, ast.Tuple)):
        return all(map(_is_literal, node.elts))
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


def _small(arguments: list[ast.expr]) -> bool:
    """Whether all sizes are literals and make a small tensor."""
    sizes = [a.value for a in arguments if isinstance(a, ast.Constant) and type(a.value) is int]
    return len(sizes) == len(arguments) and math.prod(sizes) <= SMALL


def _frame(parameters: list[str]) -> ast.FunctionDef:
    """``def _case(...)`` without its body; the node's fields differ between versions of Python, so Python makes it."""
    frame = ast.parse("def _case(): pass").body[0]
    assert isinstance(frame, ast.FunctionDef)
    frame.args.args = [ast.arg(name) for name in parameters]
    return frame


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
    raised = _call("_out", _call("_raised", _name("_error", place), at=place), at=place)
    handler = _at(ast.ExceptHandler(_name("_Error", place), "_error", [_statement(raised)]), place)
    return _at(ast.Try(body, [handler], [_statement(otherwise)] if otherwise else [], []), place)
