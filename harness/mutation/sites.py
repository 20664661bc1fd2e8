"""The mutants of a source file: every expression and statement of its functions, with what each operator makes of it.

Left alone are annotations, docstrings, texts, and what only refuses arguments (``raise``, ``if`` with nothing but a
``raise``): those are no derivatives, and the suite's areas about errors have their own faults.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from harness.mutation.names import AXES
from harness.mutation.operators import OPERATORS, Around, Edit
from harness.mutation.source import Place, Source


class Site(NamedTuple):
    """A node that operators may change."""

    place: Place
    around: Around
    op: str
    """The operation that it is about, as the source names it."""
    unit: Place
    """What is compiled when it is changed: the outermost lambda that it is in, or the statement of the module."""
    cover: Place | None
    """The expression or statement whose evaluation says that this one mattered; None outside of functions."""


@dataclass(frozen=True)
class Mutant:
    """One fault."""

    id: str
    """``file:line:column operator``, as the source is now."""
    source: Source
    site: Site
    operator: str
    edit: Edit

    @property
    def line(self) -> int:
        return int(self._node.lineno)

    @property
    def column(self) -> int:
        return int(self._node.col_offset) + 1

    @property
    def _node(self) -> ast.expr:
        return _located(self.site.place)

    @cached_property
    def expression(self) -> str:
        """The text of what is changed, in one spelling however it is laid out."""
        return ast.unparse(self.site.place.node)

    @property
    def instead(self) -> str:
        """What stands there then."""
        node = self.edit.shown or self.edit.node
        return ast.unparse(ast.fix_missing_locations(node)) if node is not None else "pass"

    @property
    def diff(self) -> tuple[str, str]:
        """The line (or lines, joined) before and after."""
        node = self._node
        end = node.end_lineno or node.lineno
        lines = [line.encode() for line in self.source.lines[node.lineno - 1 : end]]
        before = b" ".join([lines[0], *(line.strip() for line in lines[1:])])
        head, tail = lines[0][: node.col_offset], lines[-1][node.end_col_offset :]
        instead = self.instead
        enclosed = head.rstrip().endswith(b"(") and tail.lstrip().startswith(b")")
        is_inner = isinstance(self.site.place.parent, (ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.Attribute))
        if is_inner and not enclosed and isinstance(self.edit.shown or self.edit.node, _LOOSE):
            instead = f"({instead})"
        return before.decode().strip(), (head.decode() + instead + tail.decode()).strip()


_LOOSE = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.IfExp)
"""What needs parentheses inside of other arithmetic."""


def _located(place: Place) -> ast.expr:
    node = place.node if hasattr(place.node, "lineno") else place.parent
    assert isinstance(node, (ast.expr, ast.stmt, ast.keyword))
    return node  # type: ignore[return-value]


def mutants(source: Source, cotangents: Sequence[str]) -> list[Mutant]:
    """All of a file, in the order of its text."""
    found, taken = list[Mutant](), Counter[str]()
    done = set[tuple[str, int, str]]()
    for site in _sites(source, cotangents):
        node = _located(site.place)
        for operator in OPERATORS:
            if operator.once:
                key = operator.name, site.around.function, ast.unparse(site.place.node)
                if key in done:
                    continue
                done.add(key)
            for edit in operator.edits(site.place.node, site.around):
                name = f"{operator.name} {edit.variant}".strip()
                id = f"{source.shown}:{node.lineno}:{node.col_offset + 1} {name}"
                taken[id] += 1
                number = f" #{taken[id]}" if taken[id] > 1 else ""
                found.append(Mutant(id + number, source, site, name, edit))
    return found


def _sites(source: Source, cotangents: Sequence[str]) -> Iterator[Site]:
    for number, statement in enumerate(source.tree.body):
        if not isinstance(statement, (ast.Import, ast.ImportFrom, ast.AnnAssign | ast.Assign)) or _has_value(statement):
            place = Place(source.tree, "body", number)
            yield from _Walk(number, cotangents, place).statement(place, Around(in_function=False), "")


def _has_value(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None


class _Walk:
    """Through one statement of a module."""

    def __init__(self, number: int, cotangents: Sequence[str], unit: Place) -> None:
        self.number = number
        self.unit = unit
        self.cotangents = cotangents
        self.functions = 0

    def site(self, place: Place, around: Around, op: str, cover: Place | None) -> Site:
        return Site(place, around, op or "module", self.unit, cover)

    def _function(self, arguments: ast.arguments) -> Around:
        names = tuple(a.arg for a in (*arguments.posonlyargs, *arguments.args))
        cotangent = names[0] if names and names[0] in self.cotangents else ""
        every = (*names, *(a.arg for a in arguments.kwonlyargs))
        self.functions += 1
        return Around(every, cotangent, function=self.number * 1000 + self.functions, known=frozenset(every))

    def body(self, parent: ast.AST, field: str, around: Around, op: str) -> Iterator[Site]:
        for index, statement in enumerate(getattr(parent, field)):
            yield from self.statement(Place(parent, field, index), around, op)
            around = around._replace(known=around.known | _bound(statement))

    def statement(self, place: Place, around: Around, op: str) -> Iterator[Site]:
        node = place.node
        match node:
            case ast.FunctionDef(args=arguments, name=name):
                yield from self.body(node, "body", self._function(arguments), op or name)
                return
            case ast.ClassDef(name=name):
                for index, inner in enumerate(node.body):
                    if isinstance(inner, ast.FunctionDef):
                        yield from self.statement(Place(node, "body", index), Around(), f"{name}.{inner.name}")
                return
            case (
                ast.Raise()
                | ast.Assert()
                | ast.Import()
                | ast.ImportFrom()
                | ast.Pass()
                | ast.Global()
                | ast.Nonlocal()
            ):
                return
            case ast.Expr(value=ast.Constant()):
                return
            case ast.If(body=[ast.Raise()], orelse=[]):
                return
        cover = place if around.in_function else None
        if around.in_function:
            yield self.site(place, around, op, cover)
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "decorator_list", "returns", "target", "targets", "type_comment"):
                if field in ("target", "targets"):
                    yield from self._target(node, field, around, op, cover)
            elif isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield from self.body(node, field, around, op)
            elif isinstance(value, ast.expr):
                result = around._replace(is_result=isinstance(node, ast.Return))
                yield from self.expression(Place(node, field), result, op or _named(node), cover)
            elif isinstance(value, list):
                for index, item in enumerate(value):
                    yield from self._part(Place(node, field, index), item, around, op, cover)

    def _target(self, node: ast.AST, field: str, around: Around, op: str, cover: Place | None) -> Iterator[Site]:
        """What is written is not changed, but where in it: the index."""
        targets = getattr(node, field)
        for target in targets if isinstance(targets, list) else [targets]:
            if isinstance(target, ast.Subscript) and around.in_function:
                yield from self.expression(Place(target, "slice"), around, op, cover)

    def _part(self, place: Place, item: ast.AST, around: Around, op: str, cover: Place | None) -> Iterator[Site]:
        """A clause that is neither statement nor expression: of a ``with``, a ``try``, a ``match``."""
        match item:
            case ast.withitem():
                yield from self.expression(Place(item, "context_expr"), around, op, cover)
            case ast.ExceptHandler() | ast.match_case():
                yield from self.body(item, "body", around, op)
            case ast.expr():
                yield from self.expression(place, around, op, cover)

    def expression(self, place: Place, around: Around, op: str, cover: Place | None) -> Iterator[Site]:
        node = place.node
        if isinstance(node, ast.Lambda):
            inner = self._function(node.args)._replace(is_result=True)
            outer = self.unit
            if not around.in_function:
                self.unit = place
            yield from self.expression(Place(node, "body"), inner, op, None)
            self.unit = outer
            return
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | None)):
            return
        if isinstance(node, ast.Tuple) and around.is_result and around.cotangent:
            for index in range(len(node.elts)):  # a rule for several operands returns one gradient for each
                yield from self.expression(Place(node, "elts", index), around, op, cover)
            return
        can_be_probed = isinstance(node, ast.expr) and not isinstance(node, (ast.Slice, ast.Starred))
        can_be_probed = can_be_probed and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        if can_be_probed:
            cover = place
        yield self.site(place, around, op, cover if around.in_function else None)
        yield from self.inside(node, around._replace(is_result=False, is_axis=False), op, cover)

    def inside(self, node: ast.AST, around: Around, op: str, cover: Place | None) -> Iterator[Site]:
        for field, value in ast.iter_fields(node):
            several = isinstance(value, list)
            for index, item in enumerate(value if several else [value]):
                place = Place(node, field, index if several else None)
                named = op or _called(node, index)
                match item:
                    case ast.keyword(arg=name):
                        yield self.site(place, around, named, cover)
                        along = around._replace(is_axis=name in AXES)
                        yield from self.expression(Place(item, "value"), along, named, cover)
                    case ast.comprehension():
                        yield from self.expression(Place(item, "iter"), around, named, cover)
                        for at in range(len(item.ifs)):
                            yield from self.expression(Place(item, "ifs", at), around, named, None)
                    case ast.expr():
                        if field == "func" and isinstance(item, ast.Name):
                            continue
                        is_axis = isinstance(node, ast.Call) and isinstance(item, ast.Name) and item.id in AXES
                        yield from self.expression(place, around._replace(is_axis=is_axis), named, cover)


def _bound(statement: ast.stmt) -> frozenset[str]:
    return frozenset(
        node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )


def _named(statement: ast.AST) -> str:
    """The operation that a statement of a module defines: ``define("tan", ...)``."""
    match statement:
        case ast.Assign(value=ast.Call(args=[ast.Constant(value=str() as name), *_])):
            return name
        case ast.Expr(value=ast.Call(args=[ast.Constant(value=str() as name), *_])):
            return name
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value)
        ):
            return "" if isinstance(value, ast.Dict) else name
    return ""


def _called(node: ast.AST, index: int) -> str:
    """The operation that an entry of a table is about: its key."""
    match node:
        case ast.Dict(keys=keys) if isinstance(keys[index], ast.Constant):
            return str(ast.literal_eval(keys[index] or ast.Constant("")))
    return ""
