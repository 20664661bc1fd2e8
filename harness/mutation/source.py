"""A source file of an engine: its text, its tree, and what of it is compiled when a part is changed."""

from __future__ import annotations
import __future__

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

from harness.engine import EngineUnusable
from harness.plugins import Candidate


class Source:
    """One file."""

    def __init__(self, path: Path, shown: str, text: str | None = None) -> None:
        """``text``: in place of what the file holds."""
        self.path = path
        self.shown = shown
        """As it is named in ids."""
        self.text = path.read_text(encoding="utf-8") if text is None else text
        try:
            self.tree = ast.parse(self.text)
        except SyntaxError as error:
            raise EngineUnusable(f"{shown}:{error.lineno}: {error.msg}") from None
        self.lines = self.text.splitlines()
        postponed = any(
            isinstance(statement, ast.ImportFrom) and statement.module == "__future__" for statement in self.tree.body
        )
        self.flags = __future__.annotations.compiler_flag if postponed else 0

    def compiled(self, part: ast.AST | None = None) -> CodeType:
        """The code of a statement of the module or of an expression in one, or of all of it."""
        body: list[ast.stmt] = [part] if isinstance(part, ast.stmt) else self.tree.body
        if isinstance(part, ast.expr):
            body = [ast.copy_location(ast.Expr(part), part)]
        code: CodeType = compile(ast.Module(body, []), str(self.path), "exec", flags=self.flags, dont_inherit=True)
        return code


class Place(NamedTuple):
    """Where a node hangs in a tree."""

    parent: ast.AST
    field: str
    at: int | None = None

    @property
    def node(self) -> ast.AST:
        found: Any = getattr(self.parent, self.field)
        return found if self.at is None else found[self.at]  # type: ignore[no-any-return]

    def put(self, node: ast.AST) -> None:
        if self.at is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.at] = node

    @contextmanager
    def holding(self, node: ast.AST | None) -> Iterator[None]:
        """The tree with another node here, or with none, while this is open."""
        before = self.node
        after = node or ast.Pass()
        ast.copy_location(after, before)
        ast.fix_missing_locations(after)
        self.put(after)
        try:
            yield
        finally:
            self.put(before)


def sources(candidate: Candidate) -> list[Source]:
    """The files that the engine.yaml names under ``mutate``, in order. Raises `EngineUnusable` where there are none."""
    name, home = candidate.file.name, candidate.home
    if candidate.file.mutate is None or home is None:
        raise EngineUnusable(
            f"engine {name} names no source files to mutate; add them to its engine.yaml: mutate: {{files: [rules.py]}}"
        )
    found: dict[Path, None] = {}
    for pattern in candidate.file.mutate.files:
        paths = sorted(path for path in home.glob(pattern) if path.suffix == ".py")
        if not paths:
            raise EngineUnusable(
                f"engine {name}: no source file fits {pattern!r}, which its engine.yaml names to mutate"
            )
        found.update(dict.fromkeys(paths))
    root = home.parent if candidate.source else home.parent.parent
    return [Source(path, path.relative_to(root).as_posix()) for path in found]
