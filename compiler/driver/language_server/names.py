"""The names of a text: where each stands and what it refers to, by the syntax tree alone.

    def f(a): return a * b       a at 17 refers to the parameter at 6, b to a value of the file

It is right for texts that are wrong elsewhere, too: what could be read of them is in the tree.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from autodiffc.compiler.frontend.statements import statements_below, targets_of
from autodiffc.compiler.frontend.walk import walk
from autodiffc.grammar import ast
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Span

Space = Literal["value", "function"]
KINDS: Mapping[type[ast.Syntax], str] = {
    ast.InputDecl: "input", ast.ParamDecl: "param", ast.DimDecl: "dim", ast.ConstDecl: "const",
    ast.VarDecl: "var", ast.OutputDecl: "output", ast.LossDecl: "loss", ast.For: "step",
}  # fmt: skip


@record(frozen=True)
class Definition:
    """Where a name gets its meaning first; `kind` is what it is there."""

    name: str
    kind: str
    span: Span


@record(frozen=True)
class Use:
    """A name in the text, with its definition; None where that is elsewhere (or nowhere)."""

    name: str
    space: Space
    span: Span
    definition: Definition | None


@dataclass(eq=False)
class _Scope:
    parent: _Scope | None = None
    values: dict[str, Definition] = field(default_factory=dict)
    functions: dict[str, Definition] = field(default_factory=dict)

    def find(self, name: str, space: Space) -> Definition | None:
        table = self.values if space == "value" else self.functions
        return table.get(name) or (self.parent.find(name, space) if self.parent is not None else None)

    def define(self, name: ast.Name, kind: str) -> None:
        table = self.functions if kind == "function" else self.values
        table.setdefault(name.id, Definition(name.id, kind, name.span))


class Names:
    """All names of a file, found by their places."""

    def __init__(self, model: ast.Model):
        self.file = _Scope()
        _define(self.file, model.statements)
        for statement in model.statements:
            if isinstance(statement, ast.FuncDef):
                self.file.define(statement.name, "function")
            elif isinstance(statement, (ast.LibraryImport, ast.FileImport)):
                for name in statement.names:
                    self.file.functions.setdefault(name.id, Definition(name.id, "import", name.span))
        found = {use.span.start: use for use in _uses(model, self.file)}
        self.uses = [found[start] for start in sorted(found)]
        self._starts = [use.span.start for use in self.uses]
        self._same: dict[tuple[str, Space, Definition | None], list[Use]] = {}
        for use in self.uses:
            self._same.setdefault((use.name, use.space, use.definition), []).append(use)

    def at(self, offset: int) -> Use | None:
        """The name that an offset is in, or at the end of."""
        k = bisect_right(self._starts, offset) - 1
        return self.uses[k] if k >= 0 and offset <= self.uses[k].span.end else None

    def same(self, use: Use) -> list[Use]:
        """All uses of the same thing."""
        return self._same[use.name, use.space, use.definition]


def _define(scope: _Scope, statements: ast.Block) -> None:
    for statement in statements_below(statements):
        kind = KINDS.get(type(statement), "value")
        for target in targets_of(statement):
            if isinstance(target, ast.Name):
                scope.define(target, kind)


def _uses(model: ast.Model, file: _Scope) -> Iterator[Use]:
    waiting: list[tuple[object, _Scope]] = [(model.statements, file)]
    while waiting:
        part, scope = waiting.pop()
        if isinstance(part, tuple):
            waiting.extend((item, scope) for item in reversed(part))
        elif isinstance(part, ast.Name):
            yield Use(part.id, "value", part.span, scope.find(part.id, "value"))
        elif isinstance(part, ast.Syntax):
            yield from _functions(part, scope)
            waiting.extend(_below(part, scope))


def _functions(part: ast.Syntax, scope: _Scope) -> Iterator[Use]:
    """The names of functions in a piece of syntax by itself."""
    names: tuple[ast.Name, ...] = ()
    if isinstance(part, ast.Call):
        names = (part.func,)
    elif isinstance(part, (ast.FuncDef, ast.AdjointDef)):
        names = (part.name,)
    elif isinstance(part, (ast.LibraryImport, ast.FileImport)):
        names = part.names
    for name in names:
        yield Use(name.id, "function", name.span, scope.find(name.id, "function"))


def _below(part: ast.Syntax, scope: _Scope) -> Iterator[tuple[object, _Scope]]:
    """What is in a piece of syntax, with the scope it is in."""
    if isinstance(part, (ast.FuncDef, ast.AdjointDef)):
        inner = _inside(part, scope)
        yield from ((parameter.name, inner) for parameter in part.params)
        yield from ((parameter.type, inner) for parameter in part.params)
        yield from ((parameter.default, scope) for parameter in part.params)
        yield part.body, inner
    elif isinstance(part, ast.Generator):
        inner = _Scope(scope)
        inner.define(part.variable, "step")
        yield from ((part.element, inner), (part.variable, inner), (part.bounds, scope))
    elif isinstance(part, ast.Call):
        yield from ((part.args, scope), (tuple(keyword.value for keyword in part.keywords), scope))
    elif isinstance(part, ast.Attribute):
        yield part.value, scope
    elif not isinstance(part, (ast.ModelDecl, ast.LibraryImport, ast.FileImport)):
        yield from ((getattr(part, f.name), scope) for f in fields(part) if f.name != "span")


def _inside(definition: ast.FuncDef | ast.AdjointDef, scope: _Scope) -> _Scope:
    """The scope of a function: parameters, the dims of their types, what the body defines."""
    inner = _Scope(scope)
    for parameter in definition.params:
        inner.define(parameter.name, "parameter")
    for parameter in definition.params:
        for dim in parameter.type.dims if parameter.type is not None else ():
            for part in walk(dim):
                if isinstance(part, ast.Name) and scope.find(part.id, "value") is None:
                    inner.define(part, "dim")
    _define(inner, definition.body)
    return inner


__all__ = ["Definition", "Names", "Use"]
