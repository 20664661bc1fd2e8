"""Program text -> a checked tree: the safe subset of Python, whitelisted node by node.

Nothing here runs anything. A tree that passes holds only: assignment, augmented assignment, calls of known words and of
the program's own functions, attributes from a fixed list, indexing, arithmetic, comparison, ``for``, ``if``, ``with`` a
grad mode, ``def``, ``class ...(Function)``, ``return``. What is left to run time (how often a loop turns, how large a
number or a tensor grows) is bounded by the compiler's guards.
"""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from harness.language.documents import Place
from harness.language.export import StepTree
from harness.language.nodes import NODES
from harness.language.words import (
    ATTRIBUTES,
    BUILTINS,
    COMPARISONS,
    IDENTITY,
    KINDS,
    LISTS,
    MEMBERS,
    MODES,
    NAMES,
    NAMESPACES,
    NUMBERS,
    OF_A_NODE,
    OPERATORS,
    PROPERTIES,
    SETTABLE,
    Word,
)
from harness.problems import Problem, nearest, shortened

MAX_SOURCE: Final = 20_000
MAX_TREE: Final = 4_000
MAX_TREE_DEPTH: Final = 40
MAX_TEXT: Final = 200
MAX_INTEGER: Final = 2**63

RESERVED: Final = frozenset({"tensor", "Tensor", "Function", "Module", "backward", "no_grad"})
"""Words that no program may give another meaning; any other it may, and cannot use the word then."""
METHODS: Final = {
    "Function": ("forward", "backward", "vjp", "jvp", "vmap", "setup_context"),
    "Module": ("__init__", "forward", "right_inverse"),
}
"""What a program's class may define, by its base."""
_HINTS: Final[dict[type[ast.AST], str]] = {
    ast.Import: "imports do not exist here; every word of the language is at hand",
    ast.ImportFrom: "imports do not exist here; every word of the language is at hand",
    ast.While: "'while' has no bound; use 'for ... in range(...)'",
    ast.Try: "errors are expected with 'raises:', not caught",
    ast.JoinedStr: "texts are not formatted here",
    ast.Global: "assign at the top level instead",
    ast.Nonlocal: "assign at the top level instead",
    ast.Await: "nothing is asynchronous here",
    ast.NamedExpr: "assign on a line of its own",
    ast.Starred: "write the arguments out",
    ast.Assert: "say what must be seen with 'expect:'",
    ast.Set: "use lists",
    ast.DictComp: "use dict() of a list comprehension",
    ast.SetComp: "use a list comprehension",
    ast.GeneratorExp: "use a list comprehension",
}


_HARMLESS: Final = frozenset({"ctx", "kind"})
"""Fields of Python's nodes that say nothing of what is run: what a name is there for, the u of u"text"."""


class Source(NamedTuple):
    """Program text and where it stands in its file, so that every message and traceback can name the line."""

    text: str
    file: str
    place: Place
    """Of the text's first character."""


class Scope:
    """What a spec's program has named so far: grows from step to step."""

    def __init__(self, parameters: Iterator[str] | list[str] | tuple[str, ...] = ()) -> None:
        self.names: set[str] = set(parameters)
        self.functions: set[str] = set()
        self.classes: set[str] = set()
        self.needs: set[str] = set()
        self.lists: set[str] = set()


def parse(
    source: Source, scope: Scope, problems: list[Problem], *, expression: bool = False
) -> ast.Module | ast.Expression | None:
    """Parse and check; names that the text assigns are added to ``scope``, what it needs of an engine to ``scope.needs``.

    Line numbers of the tree are those of the file. Returns None where anything was wrong (it is in ``problems`` then)."""
    before = len(problems)
    checker = _Checker(source, scope, problems)
    tree = checker.tree(expression)
    if tree is None:
        return None
    if isinstance(tree, ast.Expression):
        checker.expression(tree.body)
    else:
        checker.assigned_anywhere(tree)
        checker.block(tree.body)
    if len(problems) == before:
        checker.nothing_else(tree)
    if len(problems) > before:
        return None
    ast.increment_lineno(tree, source.place.line - 1)
    return tree


def needs(steps: Iterable[StepTree], parameters: Iterable[str]) -> frozenset[str]:
    """What checked trees need of an engine, once more: for trees that were made of others."""
    scope = Scope([*parameters])
    checker = _Checker(Source("", "", Place(1, 1)), scope, [])
    for step in steps:
        checker.assigned_anywhere(ast.Module(step.body, []))
        checker.block(step.body)
        for expression in step.observed:
            checker.expression(expression)
    return frozenset(scope.needs)


class _Checker:
    def __init__(self, source: Source, scope: Scope, problems: list[Problem]) -> None:
        self.source = source
        self.scope = scope
        self.problems = problems
        self.local: set[str] = set()  # parameters and locals of the def that is being checked
        self.inside: str | None = None  # its name
        self.later: set[str] = set()  # names a def may use although they are assigned after it

    # ---- text

    def problem(self, node: ast.AST | None, text: str) -> None:
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        place = self.source.place
        self.problems.append(Problem(self.source.file, place.line + line - 1, place.column + column, text))

    def tree(self, expression: bool) -> ast.Module | ast.Expression | None:
        text = self.source.text
        if len(text) > MAX_SOURCE:
            self.problem(None, f"program of {len(text):,} characters; at most {MAX_SOURCE:,}")
            return None
        try:
            tree: ast.Module | ast.Expression
            tree = ast.parse(text, mode="eval") if expression else ast.parse(text)
        except SyntaxError as error:
            at = ast.Pass(lineno=error.lineno or 1, col_offset=max((error.offset or 1) - 1, 0))
            self.problem(at, f"is not a program: {error.msg}")
            return None
        except (ValueError, MemoryError, RecursionError, OverflowError) as error:
            self.problem(None, f"is not a program: {error or 'nested too deeply'}")
            return None
        if not expression and isinstance(tree, ast.Module) and not tree.body:
            self.problem(None, "holds no statement")
            return None
        return self.dotted(tree) if self._small(tree) else None

    def dotted(self, tree: ast.Module | ast.Expression) -> ast.Module | ast.Expression:
        """``func.grad`` is one word of the language: from here on, one name."""
        found: ast.Module | ast.Expression = _Dotted().visit(tree)
        return found

    def _small(self, tree: ast.AST) -> bool:
        level, count, depth = [tree], 0, 0
        while level:
            count += len(level)
            depth += 1
            if count > MAX_TREE or depth > MAX_TREE_DEPTH:
                self.problem(
                    None, f"program too large: more than {MAX_TREE:,} parts or nested deeper than {MAX_TREE_DEPTH}"
                )
                return False
            level = [child for node in level for child in ast.iter_child_nodes(node)]
        return True

    def unknown(self, node: ast.AST, what: str) -> None:
        hint = _HINTS.get(type(node), "")
        self.problem(node, f"{what} is not part of the language{'; ' + hint if hint else ''}")

    # ---- statements

    def assigned_anywhere(self, tree: ast.Module) -> None:
        for statement in tree.body:
            for node in same_scope(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    self.later.add(node.id)

    def block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                self.expression(value)
                for target in targets:
                    self.target(target, alone=len(targets) == 1)
                    if isinstance(target, ast.Name) and isinstance(value, (ast.List, ast.ListComp)):
                        self.scope.lists.add(target.id)
            case ast.AugAssign(target=target, op=op, value=value):
                self.expression(value)
                self.operator(node, op, suffix="=")
                if isinstance(target, ast.Name):
                    self.load(target, target.id)
                else:
                    self.expression(_as_load(target))
                self.target(target, alone=True)
            case ast.Expr(value=value):
                self.expression(value)
            case ast.For(target=target, iter=iterable, body=body, orelse=[]):
                self.expression(iterable)
                self.target(target)
                self.block(body)
            case ast.If(test=test, body=body, orelse=orelse):
                self.expression(test)
                self.block(body)
                self.block(orelse)
            case ast.With(items=items, body=body):
                for item in items:
                    self.mode(item)
                self.block(body)
            case ast.FunctionDef():
                self.function(node)
            case ast.ClassDef():
                self.own_class(node)
            case ast.Raise(
                exc=ast.Call(func=ast.Name(id="ValueError"), args=[ast.Constant(value=str() as text)], keywords=[]),
                cause=None,
            ):
                self.constant(node, text)
                self.scope.needs.add("raise")
            case ast.Raise():
                self.problem(node, "what a program raises is ValueError of one text: raise ValueError('...')")
            case ast.Delete(targets=targets):
                self.scope.needs.add("del")
                for target in targets:
                    self.deleted(target)
            case ast.Return(value=value) if self.inside is not None:
                if value is not None:
                    self.expression(value)
            case ast.Pass():
                pass
            case ast.For():
                self.problem(node, "'else' of a loop is not part of the language")
            case ast.Return():
                self.problem(node, "'return' outside of a def")
            case _:
                self.unknown(node, f"{_word(node)!r}")

    def target(self, node: ast.expr, *, alone: bool = False) -> None:
        """What is assigned to; entries and attributes are, one at a time."""
        match node:
            case ast.Name(id=name):
                self.bind(node, name)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                for element in elements:
                    self.target(element)
            case ast.Subscript() | ast.Attribute() if not alone:
                self.problem(node, "entries and attributes are assigned one at a time, in a statement of their own")
            case ast.Subscript(value=value, slice=index):
                self.expression(value)
                self.index(index)
                self.scope.needs.add("[]=")
            case ast.Attribute(value=value, attr=name):
                self.expression(value)
                if name not in SETTABLE:
                    self.problem(node, f"'.{name}' cannot be assigned; only {_listed(SETTABLE)} can")
                if name not in MEMBERS:
                    self.scope.needs.add(f".{name} =")
            case _:
                self.unknown(node, "this target of an assignment")

    def deleted(self, node: ast.expr) -> None:
        if isinstance(node, ast.Name) and node.id in (self.local if self.inside is not None else self.scope.names):
            (self.local if self.inside is not None else self.scope.names).discard(node.id)
        else:
            self.problem(node, "'del' takes names that the program has assigned")

    def nothing_else(self, tree: ast.AST) -> None:
        """Look once more, field by field, that the tree holds nothing but what the table of nodes has: Python's grammar has
        corners (and gets new ones) of which the rules above have never heard."""
        for node in ast.walk(tree):
            kind = NODES.get(type(node).__name__)
            for name, value in ast.iter_fields(node):
                known = isinstance(node, (ast.Module, ast.Expression)) or (kind is not None and name in kind.fields)
                if not known and name not in _HARMLESS and value not in (None, [], 0):
                    self.problem(node, f"{name!r} of {_word(node)} is not part of the language")

    def bind(self, node: ast.AST, name: str) -> None:
        if name.startswith("_"):
            self.problem(node, f"name {name!r} begins with an underscore; choose another")
        elif name in BUILTINS or name in NAMESPACES or name in NUMBERS or name in RESERVED:
            self.problem(node, f"{name!r} is a word of the language; choose another name")
        elif name in NAMES and name in self.scope.needs:
            self.problem(node, f"{name!r} is a word of the language that this program uses; choose another name")
        elif hasattr(builtins, name) or keyword.issoftkeyword(name):
            self.problem(node, f"{name!r} is a word of Python; choose another name")
        elif self.inside is not None:
            self.local.add(name)
        elif name in self.scope.functions or name in self.scope.classes:
            self.problem(node, f"{name!r} is a function of this program; choose another name")
        else:
            self.scope.names.add(name)

    def mode(self, item: ast.withitem) -> None:
        call = item.context_expr
        if isinstance(call, ast.Call) and _is_mode(call.func):
            self.expression(call)
        else:
            self.problem(call, f"'with' takes a mode: {_listed(f'{mode}()' for mode in MODES)}")
        if isinstance(item.optional_vars, ast.Name):
            self.scope.needs.add("as")
            self.bind(item.optional_vars, item.optional_vars.id)
        elif item.optional_vars is not None:
            self.problem(item.optional_vars, "'as' takes one name")

    def decorators(self, node: ast.FunctionDef, *, method: bool) -> None:
        for decorator in node.decorator_list:
            word = decorator.func if isinstance(decorator, ast.Call) else decorator
            name = word.id if isinstance(word, ast.Name) else ""
            self.scope.needs.add("decorator")
            if method and isinstance(decorator, ast.Name) and name in NAMES and "decorator" in NAMES[name].traits:
                self.scope.needs.add(name)
            elif name in MODES and isinstance(decorator, ast.Call):
                self.expression(decorator)
            elif name in MODES and not method:
                self.scope.needs.add(name)
            else:
                known = ["once_differentiable"] if method else [f"{mode}()" for mode in sorted(MODES)]
                self.problem(decorator, f"a decorator is a mode or a word for it: {', '.join(known)}")

    def function(self, node: ast.FunctionDef, *, method: bool = False) -> None:
        self.decorators(node, method=method)
        if self.inside is not None and not method:
            self.scope.needs.add("def")
        arguments = node.args
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
            self.problem(node, "a def takes plain parameters only: no * and no **")
        for default in arguments.defaults:
            if not isinstance(default, ast.Constant):
                self.problem(default, "a default value is a plain number, text or None")
            else:
                self.constant(default, default.value)
        if not method:
            self.bind(node, node.name)
            self.scope.names.discard(node.name)
        outside, around = self.inside, set(self.local)
        self.inside = node.name
        for argument in arguments.args:
            self.bind(argument, argument.arg)
            if argument.annotation is not None:  # Python would evaluate it
                self.problem(argument.annotation, "types are not written here: a parameter is a plain name")
        if node.returns is not None:
            self.problem(node.returns, "types are not written here")
        for child in same_scope(*node.body):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                self.local.add(child.id)  # what may be wrong with it is said where it is assigned
        self.block(node.body)
        self.inside, self.local = outside, around
        if outside is not None:
            self.local.add(node.name)
        elif not method:
            self.scope.functions.add(node.name)

    def own_class(self, node: ast.ClassDef) -> None:
        base = node.bases[0].id if len(node.bases) == 1 and isinstance(node.bases[0], ast.Name) else ""
        if base not in METHODS or node.keywords or node.decorator_list:
            self.problem(node, "a class is a custom function or a module: class NAME(Function), class NAME(Module)")
            return
        if self.inside is not None:
            self.problem(node, "a class inside a def is not part of the language")
            return
        self.scope.needs.add(base)
        for statement in node.body:
            match statement:
                case ast.FunctionDef(name=name) if name in METHODS[base]:
                    self.function(statement, method=True)
                case ast.Assign(targets=[ast.Name(id="generate_vmap_rule")], value=ast.Constant(value=bool())) if (
                    base == "Function"
                ):
                    self.scope.needs.add("vmap")
                case _:
                    known = ", ".join(f"'def {name}'" for name in METHODS[base])
                    self.problem(statement, f"a class of base {base} holds {known} only")
        self.bind(node, node.name)
        self.scope.names.discard(node.name)
        self.scope.classes.add(node.name)

    # ---- expressions

    def expression(self, node: ast.expr) -> None:
        match node:
            case ast.Constant(value=value):
                self.constant(node, value)
            case ast.Name(id=name):
                self.name(node, name)
            case ast.Attribute(value=ast.Name(id=owner), attr="apply") if owner in self.scope.classes:
                self.scope.needs.add(".apply")
            case ast.Attribute(value=value, attr=name):
                self.expression(value)
                self.attribute(node, name)
                if name in LISTS or (name in ATTRIBUTES and name not in PROPERTIES):
                    self.problem(node, f"'.{name}' must be called")
            case ast.Call():
                self.call(node)
            case ast.BinOp(left=left, op=op, right=right):
                self.expression(left)
                self.expression(right)
                self.operator(node, op)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not() as op, operand=operand):
                self.expression(operand)
                if isinstance(op, ast.USub) and not isinstance(operand, ast.Constant):
                    self.scope.needs.add("-x")
            case ast.BoolOp(values=values):
                for value in values:
                    self.expression(value)
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                for value in (left, *comparators):
                    self.expression(value)
                if not all(type(op) in COMPARISONS or type(op) in IDENTITY for op in ops):
                    self.problem(node, "'in' is not part of the language")
                self.scope.needs |= {COMPARISONS[type(op)] for op in ops if type(op) in COMPARISONS}
            case ast.IfExp(test=test, body=body, orelse=orelse):
                for value in (test, body, orelse):
                    self.expression(value)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                for element in elements:
                    self.expression(element)
            case ast.ListComp():
                self.comprehension(node)
            case ast.Lambda():
                self.anonymous(node)
            case ast.Dict(keys=keys, values=values):
                self.scope.needs.add("dict")
                for key in keys:
                    if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                        self.problem(key or node, "the keys of a dictionary are texts")
                    else:
                        self.constant(key, key.value)
                for value in values:
                    self.expression(value)
            case ast.Subscript(value=value, slice=index):
                self.expression(value)
                self.index(index)
                self.scope.needs.add("[]")
            case _:
                self.unknown(node, _word(node))

    def constant(self, node: ast.AST, value: object) -> None:
        if isinstance(value, bytes):
            self.problem(node, "bytes are not part of the language")
        elif isinstance(value, str) and len(value) > MAX_TEXT:
            self.problem(node, f"a text of {len(value):,} characters; at most {MAX_TEXT}")
        elif isinstance(value, complex):
            self.scope.needs.add("complex64")
        elif type(value) is int and abs(value) >= MAX_INTEGER:
            self.problem(node, "an integer that does not fit in 64 bits")

    def load(self, node: ast.AST, name: str) -> None:
        known = self.scope.names | self.local | (self.later if self.inside else set())
        if name not in known and name not in self.scope.functions and name not in self.scope.classes:
            words = [*known, *self.scope.functions, *self.scope.classes, *NAMES, *BUILTINS]
            self.problem(node, f"name {shortened(name)} is not defined{nearest(name, words)}")

    def name(self, node: ast.AST, name: str) -> None:
        """A name as a value (not called)."""
        if name in self.local or name in self.scope.names or name in self.scope.functions or name in self.scope.classes:
            return
        if name in NAMES:
            if not NAMES[name].traits & {"dtype", "class"}:
                self.problem(node, f"{name!r} must be called")
            self.scope.needs.add(name)
        elif name in BUILTINS:
            self.problem(node, f"{name!r} must be called")
        else:
            self.load(node, name)

    def attribute(self, node: ast.AST, name: str) -> None:
        if name in ATTRIBUTES:
            if name not in MEMBERS:
                self.scope.needs.add(f".{name}")
        elif name not in LISTS:
            self.problem(
                node,
                f"attribute {shortened('.' + name)} is not part of the language{nearest(name, [*ATTRIBUTES, *LISTS])}",
            )

    def call(self, node: ast.Call) -> None:
        entry: Word | None = None
        word = ""
        match node.func:
            case ast.Name(id=name) if name in self.local or name in self.scope.names:
                pass  # a module or another callable that the engine or the program made
            case ast.Name(id=name) if name in self.scope.functions or name in self.scope.classes:
                pass
            case ast.Name(id=name) if name in NAMES:
                word, entry = name, NAMES[name]
                self.scope.needs.add(name)
                if not entry.called:
                    hint = "is a dtype" if "dtype" in entry.traits else "is a class,"
                    self.problem(node, f"{name!r} {hint} and cannot be called")
            case ast.Name(id=name) if name in BUILTINS:
                self.scope.needs |= {"abs", "dict"} & {name}
            case ast.Name(id=name) if name == self.inside:
                self.problem(node, f"{name!r} calls itself; recursion is not part of the language")
            case ast.Attribute(value=ast.Name(id=owner), attr="apply") if owner in self.scope.classes:
                self.scope.needs.add(".apply")
            case ast.Attribute(value=value, attr=name):
                self.expression(value)
                self.attribute(node.func, name)
                if name == "register_hook" and isinstance(value, ast.Attribute) and value.attr == "grad_fn":
                    self.scope.needs.add(OF_A_NODE)
                if name in LISTS and not (
                    isinstance(value, ast.Name) and (value.id in self.scope.lists or value.id in self.local)
                ):
                    self.problem(node.func, f"'.{name}' is for lists that the program made")
                if name in ATTRIBUTES:
                    word, entry = f".{name}", ATTRIBUTES[name]
            case ast.Name():
                self.load(node.func, node.func.id)
            case ast.Call() | ast.Subscript():
                self.expression(node.func)
            case _:
                self.problem(node.func, "only words, functions and methods can be called")
        parameters = entry.parameters if entry is not None else ()
        optional = entry.optional if entry is not None else frozenset()
        positional = parameters[: len(node.args)] if "..." not in parameters else ()
        self.scope.needs |= {f"{word}({name})" for name in positional if name in optional}
        for position, argument in enumerate(node.args):
            if not (position and _is_class(node.func, argument)):
                self.expression(argument)
        for given in node.keywords:
            if given.arg is None:
                self.problem(given.value, "** is not part of the language")
            elif given.arg not in parameters and entry is not None and "**" not in parameters:
                known = [name for name in parameters if name != "..."]
                hint = nearest(given.arg, known) or (f"; known are {', '.join(known)}" if known else "")
                self.problem(given, f"{word or 'this call'} has no keyword {given.arg!r}{hint}")
            elif given.arg in optional:
                self.scope.needs.add(f"{word}({given.arg})")
            self.expression(given.value)

    def operator(self, node: ast.AST, op: ast.operator, suffix: str = "") -> None:
        if type(op) not in OPERATORS:
            self.problem(node, "this operator is not part of the language")
        else:
            self.scope.needs.add(OPERATORS[type(op)] + suffix)

    def comprehension(self, node: ast.ListComp) -> None:
        outside = set(self.local)
        for generator in node.generators:
            self.expression(generator.iter)
            for child in ast.walk(generator.target):
                if isinstance(child, ast.Name):
                    if child.id in RESERVED or child.id in BUILTINS or child.id.startswith("_"):
                        self.bind(child, child.id)  # says what is wrong with it
                    self.local.add(child.id)
                elif not isinstance(child, (ast.Tuple, ast.expr_context)):
                    self.problem(child, "a comprehension runs over plain names")
            for test in generator.ifs:
                self.expression(test)
        self.expression(node.elt)
        self.local = outside

    def anonymous(self, node: ast.Lambda) -> None:
        self.scope.needs.add("lambda")
        arguments = node.args
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs or arguments.defaults:
            self.problem(node, "a lambda takes plain parameters only: no defaults, no * and no **")
        outside, around = self.inside, set(self.local)
        self.inside = self.inside or "lambda"
        for argument in arguments.args:
            self.bind(argument, argument.arg)
        self.expression(node.body)
        self.inside, self.local = outside, around

    def index(self, node: ast.expr) -> None:
        match node:
            case ast.Slice(lower=lower, upper=upper, step=step):
                for part in (lower, upper, step):
                    if part is not None:
                        self.expression(part)
            case ast.Tuple(elts=elements):
                for element in elements:
                    self.index(element)
            case _:
                self.expression(node)


class _Dotted(ast.NodeTransformer):
    """Makes one name of a namespace and what follows its dot, and numbers of their names."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in NUMBERS and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Constant(NUMBERS[node.id]), node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        match node:
            case ast.Attribute(value=ast.Name(id=space), attr=word, ctx=ast.Load()) if space in NAMESPACES:
                return ast.copy_location(ast.Name(f"{space}.{word}", ast.Load()), node)
        return self.generic_visit(node)


def same_scope(*statements: ast.AST) -> Iterator[ast.AST]:
    """Every node below ``statements`` that is in the same scope (not in a def, a class or a comprehension)."""
    todo: list[ast.AST] = list(statements)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.ListComp, ast.Lambda)):
            todo.extend(ast.iter_child_nodes(node))


def _is_mode(function: ast.expr) -> bool:
    """Whether what a call gives can be entered and left."""
    if isinstance(function, ast.Attribute):
        return function.attr in ATTRIBUTES and "context" in ATTRIBUTES[function.attr].traits
    return isinstance(function, ast.Name) and function.id in MODES


def _is_class(function: ast.expr, argument: ast.expr) -> bool:
    """Whether a class of Python's own is what `isinstance` asks for."""
    return (
        isinstance(function, ast.Name)
        and function.id == "isinstance"
        and isinstance(argument, ast.Name)
        and argument.id in KINDS
    )


def _as_load(node: ast.expr) -> ast.expr:
    """The target of an augmented assignment as the value that is read first."""
    if isinstance(node, ast.Attribute):
        return ast.copy_location(ast.Attribute(node.value, node.attr, ast.Load()), node)
    if isinstance(node, ast.Subscript):
        return ast.copy_location(ast.Subscript(node.value, node.slice, ast.Load()), node)
    return node


def _word(node: ast.AST) -> str:
    return {
        "JoinedStr": "an f-string",
        "NamedExpr": "':='",
        "GeneratorExp": "a generator",
        "AsyncFunctionDef": "'async'",
    }.get(type(node).__name__, type(node).__name__.lower().removesuffix("from"))


def _listed(words: Iterator[str] | frozenset[str]) -> str:
    return ", ".join(sorted(words))
