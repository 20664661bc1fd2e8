"""A spec as functional engines are asked it: the same steps, the reverse pass as ``func.vjp`` of one pure function.

A tape's program marks leaves, computes, runs ``backward`` and reads ``.grad``. Where the lines in between are a pure function of
the leaves and there is one reverse pass, the same question can be put to an engine that differentiates functions:

    x = tensor([3.], requires_grad=True)      x = tensor([3.])
    y = x * x                                 def f(x):
                                                  y = x * x
                                                  return y
                                              y, pull = func.vjp(f, x)
    y.backward(tensor([2.]))                  x_grad, = pull(tensor([2.]))

``grad(..., create_graph=True)`` becomes a line of the function, with a function of its own inside. What is observed, and what it
must show, stays. Whatever else a program does with a tape (marks, modes, hooks, two passes, writes in place) is no question
to such an engine, and nothing is emulated.

Where an engine's gradients of functions of complex numbers are the conjugates of PyTorch's, its users ask for PyTorch's as
``conj(pull(conj(v)))``, and so does the rewritten program. What a program of its own asks of ``func.grad`` and the like is
another number there, which the engine's documents promise.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, TypeVar

from harness.language import program
from harness.language.expected import leaves
from harness.language.export import StepTree
from harness.language.load import CheckedSpec
from harness.language.records import plain
from harness.language.words import MUTATING, RANDOM, TAPE

GRADIENT: Final = "gradient_by_"
"""Before a leaf's name: its gradient."""
COMPLEX: Final = frozenset({"complex64", "complex128"})
DEEPEST: Final = 3
"""Each derivative runs the function anew within the function of the next."""
SECOND: Final = frozenset({"grad(create_graph)"})
"""What a derivative of a derivative needs, in the words of the program."""
PURE: Final = frozenset({".detach"})
"""Words of tapes that functional engines have as well."""


_Node = TypeVar("_Node", ast.stmt, ast.expr)


class _Impure(Exception):
    """Why a program is not one pure function and one reverse pass."""


class _Pass(NamedTuple):
    """A reverse pass."""

    roots: list[ast.expr]
    cotangents: list[ast.expr] | None
    """None: the root is one number, and its cotangent is one."""
    tuple: bool
    """Whether function and cotangents are tuples."""
    inputs: list[str] | None
    """None: all leaves, which keep their gradients."""
    statement: ast.stmt
    call: ast.Call


@dataclass
class _Line:
    """A statement of the program, and what stands in its place."""

    step: int
    inner: list[ast.stmt] = field(default_factory=list)
    """In the function: it depends on leaves."""
    outer: list[ast.stmt] = field(default_factory=list)


REVERSE: Final = frozenset(
    {f"func.{word}" for word in ("vjp", "grad", "grad_and_value", "jacrev", "hessian")}
    | {f"functional.{word}" for word in ("vjp", "jacobian", "hessian", "vhp", "hvp")}
)
"""Words that run a reverse pass of a function that the program names."""


def offered(checked: CheckedSpec, conjugate: bool = False) -> CheckedSpec:
    """``checked`` as an engine of functions is asked it; where it cannot be asked, the same with ``tape`` saying why.

    ``conjugate``: its gradients by complex numbers are the conjugates of PyTorch's."""
    conjugate = conjugate and _is_complex(checked)
    if conjugate and checked.needs & REVERSE:
        return replace(checked, conjugate=True)
    if not asks_for_a_tape(checked):
        return checked
    try:
        return _rewritten(checked, conjugate)
    except _Impure as reason:
        return replace(checked, tape=str(reason))


def asks_for_a_tape(checked: CheckedSpec) -> bool:
    return bool(checked.needs & TAPE) or "tensor(requires_grad)" in checked.needs


def _is_complex(checked: CheckedSpec) -> bool:
    """Whether leaves or cotangents may be complex: a number or a dtype says so."""
    given = [value for case in checked.spec.cases for value in case.values()]
    written = [
        part.value
        for tree in checked.trees
        for node in (*tree.body, *tree.observed)
        for part in ast.walk(node)
        if isinstance(part, ast.Constant)
    ]
    return bool(checked.needs & COMPLEX) or any(
        isinstance(value, complex) or (isinstance(value, str) and value in COMPLEX)
        for value in leaves([given, written])
    )


def _rewritten(checked: CheckedSpec, conjugate: bool) -> CheckedSpec:
    if any(step.is_loud or step.either for step in checked.spec.steps):
        raise _Impure("it expects an error or a warning of a tape")
    parameters = tuple(checked.spec.cases[0]) if checked.spec.cases else ()
    reading = _Reading(parameters, conjugate)
    for number, tree in enumerate(checked.trees):
        for statement in copy.deepcopy(tree.body):
            reading.statement(number, statement)
        for node, entry in zip(tree.observed, checked.observations[number], strict=True):
            due: Any = None if entry.expectation is None else plain(entry.expectation)
            reading.observe(number, copy.deepcopy(node), null=due is None and entry.expectation is not None)
    if reading.reverse is None:
        raise _Impure("it has no reverse pass")
    reading.place_function()
    trees = tuple(
        StepTree([made for line in reading.lines if line.step == number for made in line.outer], observed, tree.raises)
        for number, (tree, observed) in enumerate(zip(checked.trees, reading.observed, strict=True))
    )
    read = {name.id for tree in trees for node in (*tree.body, *tree.observed) for name in _names(node)}
    return replace(
        checked,
        trees=trees,
        arguments=tuple(name for name in parameters if name in read),
        needs=program.needs(trees, parameters) | (SECOND if reading.passes > 1 else set()),
    )


class _Reading:
    """A program, read statement by statement. Raises `_Impure`."""

    def __init__(self, parameters: Iterable[str], conjugate: bool) -> None:
        self.conjugate = conjugate
        self.lines: list[_Line] = []
        self.observed: list[list[ast.expr]] = []
        self.leaves: list[str] = []
        self.bound = set(parameters)
        self.dependent: set[str] = set()
        """Names whose values depend on leaves."""
        self.tuples: set[str] = set()
        """Names of several gradients."""
        self.seen: set[str] = set()
        """Names that are read outside of the function."""
        self.reverse: _Pass | None = None
        self.passes = 0
        self.made: list[ast.stmt] = []
        self.at = _Line(0)

    # ---- statements

    def statement(self, step: int, node: ast.stmt) -> None:
        line = _Line(step)
        self.lines.append(line)
        found = _gradients_of(node, self.bound)
        if found is not None:
            found = self.single(found)
        if self.reverse is not None:
            if found is not None:
                raise _Impure("it runs backward twice")
            self.after(line, node)
        elif found is not None and _keyword(found.call, "create_graph") is not None:
            self.inside(line, self.recorded(found), _stored(node))
        elif found is not None:
            self.reverse = found
            self.last(line, found)
        elif (leaf := _leaf(node)) is not None:
            self.bind({leaf})
            self.seen |= _loaded(node)
            self.leaves.append(leaf)
            self.dependent.add(leaf)
            line.outer.append(_unmarked(node))
        else:
            _check_pure(node, self.bound)
            if _loaded(node) & self.dependent:
                self.inside(line, [node], _stored(node))
            else:
                self.bind(_stored(node))
                line.outer.append(node)

    def single(self, found: _Pass) -> _Pass:
        """Of a root that is the only gradient of a tuple, that gradient: some engines know functions of one value only."""
        match found:
            case _Pass(roots=[ast.Name(id=name) as root], cotangents=[_], tuple=True) if name in self.tuples:
                item = ast.Subscript(root, ast.copy_location(ast.Constant(0), root), ast.Load())
                return found._replace(roots=[ast.copy_location(item, root)], tuple=False)
        return found

    def bind(self, names: set[str]) -> None:
        if again := names & self.bound:
            raise _Impure(f"{min(again)} is bound twice")
        self.bound |= names

    def inside(self, line: _Line, made: list[ast.stmt], stored: set[str]) -> None:
        """``made`` belongs to the function, where a name may be bound again."""
        self.bind(stored - (self.dependent - {*self.leaves}))
        self.dependent |= stored
        line.inner += made

    def after(self, line: _Line, node: ast.stmt) -> None:
        """What follows the reverse pass, with ``x.grad`` of a leaf as what it yielded."""
        node = self.with_gradients(node)
        _check_pure(node, self.bound)
        self.bind(_stored(node))
        self.seen |= _loaded(node)
        line.outer.append(node)

    def observe(self, step: int, node: ast.expr, null: bool) -> None:
        self.observed.extend([] for _ in range(step + 1 - len(self.observed)))
        if self.reverse is not None:
            found = self.with_gradients(node)
            if null and found is not node:
                raise _Impure("a leaf has no gradient, where functions have zeros")
            if null and self.is_no_gradient(node):
                found = ast.copy_location(ast.Constant(None), node)
            node = found
        _check_pure(node, self.bound)
        self.seen |= _loaded(node)
        self.observed[step].append(node)

    def with_gradients(self, node: _Node) -> _Node:
        assert self.reverse is not None
        made: _Node = _Gradients(self.leaves if self.reverse.inputs is None else []).visit(node)
        return made

    def is_no_gradient(self, node: ast.expr) -> bool:
        """Whether ``node`` reads the gradient of a tensor that is no leaf: functions keep none beside their operands."""
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr="grad"):
                return name in self.bound - self.dependent
        return False

    # ---- the function

    def within(self) -> list[ast.stmt]:
        return [copy.deepcopy(made) for line in self.lines for made in line.inner]

    def function(self, found: _Pass, leaves: Sequence[str]) -> tuple[list[ast.stmt], str]:
        """Statements that make the function and run it, and the name of what pulls cotangents back."""
        if not leaves:
            raise _Impure("no tensor is marked as a leaf")
        for name in leaves:
            if name not in self.leaves:
                raise _Impure(f"{name}, by which it differentiates, is no operand of the function")
        for node in (*found.roots, *(found.cotangents or [])):
            _check_pure(node, self.bound)
        if not any(_loaded(root) & self.dependent for root in found.roots):
            raise _Impure("the root depends on no leaf")
        if self.passes == DEEPEST:
            raise _Impure(f"more than {DEEPEST} derivatives are taken of each other")
        self.passes += 1
        name, pull = f"function_{self.passes}_", f"pull_{self.passes}_"
        made = ast.parse(f"def {name}({', '.join(leaves)}): pass").body[0]
        assert isinstance(made, ast.FunctionDef)
        root: ast.expr = ast.Tuple(found.roots, ast.Load()) if len(found.roots) > 1 else found.roots[0]
        made.body = [*self.within(), ast.Return(copy.deepcopy(root))]
        targets: list[ast.expr] = [ast.Name(name, ast.Store()) for name in self.names(found)]
        target = ast.Tuple(targets, ast.Store()) if len(targets) > 1 else targets[0]
        run = ast.Call(_read("func.vjp"), [_read(name), *map(_read, leaves)], [])
        both = ast.Tuple([target, ast.Name(pull, ast.Store())], ast.Store())
        return _placed([made, ast.Assign([both], run)], found.statement), pull

    def names(self, found: _Pass) -> list[str]:
        """What the roots are called."""
        return [
            root.id if isinstance(root, ast.Name) and root.id not in self.leaves else f"root_{self.passes}_{number}_"
            for number, root in enumerate(found.roots)
        ]

    def pulled(self, found: _Pass, pull: str) -> ast.expr:
        """The gradients, in a tuple."""
        given = found.cotangents or [ast.Call(_read("ones_like"), [_read(name)], []) for name in self.names(found)]
        if self.conjugate:
            given = [ast.Call(_read("conj"), [cotangent], []) for cotangent in given]
        argument = ast.Tuple(given, ast.Load()) if found.tuple else given[0]
        pulled = ast.Call(_read(pull), [copy.deepcopy(argument)], [])
        return _conjugates(pulled) if self.conjugate else pulled

    def recorded(self, found: _Pass) -> list[ast.stmt]:
        """Gradients that are differentiated again: lines of the function."""
        if found.cotangents is None and any(isinstance(r, ast.Name) and r.id in self.tuples for r in found.roots):
            raise _Impure("the root is several gradients")
        made, pull = self.function(found, found.inputs or self.leaves)
        if isinstance(found.statement, ast.Assign) and found.statement.value is found.call:
            self.tuples |= _stored(found.statement)
        return [*made, *_placed([_replaced(found, self.pulled(found, pull))], found.statement)]

    def last(self, line: _Line, found: _Pass) -> None:
        """The reverse pass: cotangents are pulled back here; its function is made where `place_function` puts it."""
        leaves = self.leaves if found.inputs is None else found.inputs
        self.made, pull = self.function(found, leaves)
        self.at = line
        pulled = self.pulled(found, pull)
        if found.inputs is None:
            named: list[ast.expr] = [ast.Name(GRADIENT + name, ast.Store()) for name in leaves]
            statement: ast.stmt = ast.Assign([ast.Tuple(named, ast.Store())], pulled)
        else:
            self.bind(_stored(found.statement))
            statement = _replaced(found, pulled)
        line.outer += _placed([statement], found.statement)

    def place_function(self) -> None:
        """The function runs as soon as all of its lines are there; what else is read of them is computed outside as well."""
        assert self.reverse is not None
        inner = [line for line in self.lines if line.inner]
        outside = bool(self.seen & (self.dependent - {*self.names(self.reverse), *self.leaves}))
        if (outside or self.passes > 1) and any(_draws(made) for line in inner for made in line.inner):
            raise _Impure("it draws random numbers, which are others when it runs again")
        if outside:
            for line in inner:
                line.outer = copy.deepcopy(line.inner)
        if inner:
            inner[-1].outer += self.made
        else:
            self.at.outer[:0] = self.made


# ---- what a statement is


def _leaf(node: ast.stmt) -> str | None:
    """The name of the leaf that a statement marks."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(), keywords=keywords)):
            for given in keywords:
                if given.arg == "requires_grad":
                    if not isinstance(given.value, ast.Constant):
                        raise _Impure("its cases mark other leaves")
                    return name if given.value.value is True else None
    return None


def _unmarked(node: ast.stmt) -> ast.stmt:
    assert isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
    node.value.keywords = [given for given in node.value.keywords if given.arg != "requires_grad"]
    return node


def _gradients_of(node: ast.stmt, bound: set[str]) -> _Pass | None:
    """The reverse pass that a statement runs, if it runs one."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=root, attr="backward"), args=args) as call):
            _only(call, "gradient")
            cotangent = args[0] if args else _keyword(call, "gradient")
            given = None if cotangent is None or _is_none(cotangent) else [cotangent]
            return _Pass([root], given, False, None, node, call)
        case ast.Expr(value=ast.Call(func=ast.Name(id="backward"), args=[outputs, *args]) as call) if (
            "backward" not in bound
        ):
            _only(call, "grad_tensors")
            return _of_several(outputs, args[0] if args else _keyword(call, "grad_tensors"), None, node, call)
    calls = [part for part in ast.walk(node) if isinstance(part, ast.Call) and _is_grad(part, bound)]
    if not calls:
        return None
    call = calls[0]
    if len(calls) > 1 or not isinstance(node, ast.Assign) or len(call.args) < 2:
        raise _Impure("it runs backward twice")
    _only(call, "grad_outputs", "create_graph")
    outputs, inputs, *rest = call.args
    names = [item.id for item in _items(inputs) if isinstance(item, ast.Name)]
    if len(set(names)) < len(_items(inputs)):
        raise _Impure("it differentiates by something twice, or that has no name")
    create = _keyword(call, "create_graph")
    if create is not None and not (isinstance(create, ast.Constant) and create.value is True):
        raise _Impure("its cases record other passes")
    return _of_several(outputs, rest[0] if rest else _keyword(call, "grad_outputs"), names, node, call)


def _is_grad(call: ast.Call, bound: set[str]) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "grad" and "grad" not in bound


def _of_several(
    outputs: ast.expr, cotangents: ast.expr | None, inputs: list[str] | None, node: ast.stmt, call: ast.Call
) -> _Pass:
    roots = _items(outputs)
    if cotangents is None or _is_none(cotangents):
        if len(roots) > 1:
            raise _Impure("several roots have no cotangents")
        return _Pass(roots, None, False, inputs, node, call)
    given = _items(cotangents)
    if any(map(_is_none, given)):
        raise _Impure("a root has no cotangent")
    listed = isinstance(cotangents, (ast.List, ast.Tuple))
    if listed and isinstance(outputs, (ast.List, ast.Tuple)) and len(roots) == 1:
        return _Pass(roots, given, False, inputs, node, call)
    return _Pass(roots, given, listed, inputs, node, call)


def _items(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, (ast.List, ast.Tuple)) else [node]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((given.value for given in call.keywords if given.arg == name), None)


def _only(call: ast.Call, *names: str) -> None:
    for given in call.keywords:
        if given.arg not in names:
            raise _Impure(f"{given.arg} speaks of a graph")


def _check_pure(node: ast.AST, bound: set[str]) -> None:
    """Raises `_Impure` where ``node`` does more than to name values."""
    for part in ast.walk(node):
        match part:
            case ast.AugAssign() | ast.Subscript(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()):
                raise _Impure("it writes in place")
            case ast.With() | ast.ClassDef() | ast.Delete() | ast.Raise() | ast.Expr():
                raise _Impure("it does more than to compute values")
            case ast.Name(id=name) if name in TAPE and name not in bound:
                raise _Impure(f"{name} is a word of tapes")
            case ast.Attribute(attr=name) if f".{name}" in TAPE - PURE:
                raise _Impure(f".{name} is a word of tapes")
            case ast.Attribute(attr=name) if name in MUTATING:
                raise _Impure(f".{name} writes in place")
            case ast.keyword(arg="requires_grad"):
                raise _Impure("it marks a leaf within a line")
            case ast.keyword(arg="out"):
                raise _Impure("it writes in place")


def _draws(node: ast.AST) -> bool:
    return any(name.id in RANDOM for name in _names(node)) or any(
        isinstance(part, ast.Attribute) and part.attr in RANDOM for part in ast.walk(node)
    )


# ---- trees


def _names(node: ast.AST) -> Iterator[ast.Name]:
    return (part for part in ast.walk(node) if isinstance(part, ast.Name))


def _stored(node: ast.AST) -> set[str]:
    """The names that a statement binds."""
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    return {name.id for name in _names(node) if isinstance(name.ctx, ast.Store)}


def _loaded(node: ast.AST) -> set[str]:
    return {name.id for name in _names(node) if isinstance(name.ctx, ast.Load)}


def _read(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _conjugates(several: ast.expr) -> ast.expr:
    """The conjugates of a tuple's items."""
    items = ast.comprehension(ast.Name("item_", ast.Store()), several, [], 0)
    return ast.Call(_read("tuple"), [ast.ListComp(ast.Call(_read("conj"), [_read("item_")], []), [items])], [])


def _placed(nodes: Iterable[ast.stmt], at: ast.stmt) -> list[ast.stmt]:
    """``nodes``, of which those that are new stand where ``at`` stands."""
    nodes = list(nodes)
    for node in nodes:
        for part in ast.walk(node):
            if "lineno" in part._attributes and not (
                isinstance(part, (ast.stmt, ast.expr)) and hasattr(part, "lineno")
            ):
                ast.copy_location(part, at)
    return nodes


def _replaced(found: _Pass, gradients: ast.expr) -> ast.stmt:
    """The statement of a reverse pass with ``gradients`` in place of the call."""
    made: ast.stmt = _Replace(found.call, gradients).visit(found.statement)
    return made


class _Gradients(ast.NodeTransformer):
    """``x.grad`` as the name of the gradient by ``x``."""

    def __init__(self, leaves: Sequence[str]) -> None:
        self.leaves = leaves

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr="grad", ctx=ast.Load()) if name in self.leaves:
                return ast.copy_location(_read(GRADIENT + name), node)
        return self.generic_visit(node)


class _Replace(ast.NodeTransformer):
    """Another expression in place of one."""

    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else self.generic_visit(node)
