"""Who reads which name: what a file's outputs, loss and assertions need, and what nothing needs.

    a = x + 1
    b = a * 2           b is read by nothing, and a and x by b alone
    output y = 3.0

A name is needed if something needed reads it. What stands in a block reads the conditions of the block too.
Values and functions have names of their own: ("value", "sum") is not ("function", "sum").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Literal

from autodiffc.grammar import ast
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Span

Key = tuple[Literal["value", "function"], str]
Kind = Literal[
    "input", "param", "dim", "const", "value", "var", "output", "step", "parameter", "function", "import"
]


@record(frozen=True)
class Definition:
    """A name, where it gets its value, and what that reads. `together`: the others of `a, b = f(x)`."""

    key: Key
    kind: Kind
    span: Span
    reads: frozenset[Key]
    together: tuple[str, ...] = ()


@dataclass
class Usage:
    """The names of a file or of a function; `inner` are the functions of a file."""

    definitions: list[Definition] = field(default_factory=list)
    roots: set[Key] = field(default_factory=set)
    inner: list[tuple[ast.FuncDef, Usage]] = field(default_factory=list)

    def needed(self) -> set[Key]:
        """The names that the results need, of those defined here and of others."""
        reads: dict[Key, set[Key]] = {}
        for definition in self.definitions:
            reads.setdefault(definition.key, set()).update(definition.reads)
        found: set[Key] = set()
        stack = list(self.roots)
        while stack:
            key = stack.pop()
            if key not in found:
                found.add(key)
                stack.extend(reads.get(key, ()))
        return found

    def from_outside(self) -> set[Key]:
        """The names of the file that a function needs."""
        return self.needed() - {definition.key for definition in self.definitions}

    def define(self, kind: Kind, name: ast.Name, reads: Iterable[Key], *together: str) -> None:
        space: Literal["value", "function"] = "function" if kind == "function" else "value"
        self.definitions.append(Definition((space, name.id), kind, name.span, frozenset(reads), together))


def usage_of(statements: ast.Block) -> Usage:
    """The names of a file, or of the body of a function."""
    usage = Usage()
    stack: list[tuple[ast.Statement, frozenset[Key]]] = [(s, frozenset()) for s in reversed(statements)]
    while stack:
        statement, around = stack.pop()
        for inner, block in _blocks(usage, statement, around):
            stack.extend((s, inner) for s in reversed(block))
    return usage


def _blocks(
    usage: Usage, statement: ast.Statement, around: frozenset[Key]
) -> Iterator[tuple[frozenset[Key], ast.Block]]:
    """Take in a statement; its blocks, with what is read around them."""
    if isinstance(statement, ast.For):
        inner = around | reads(statement.bounds)
        usage.define("step", statement.variable, inner)
        yield inner, statement.body
    elif isinstance(statement, ast.While):
        yield around | reads((statement.condition, statement.limit)), statement.body
    elif isinstance(statement, ast.If):
        inner = around | reads(tuple(condition for condition, _ in statement.branches))
        for block in (*(body for _, body in statement.branches), statement.orelse):
            yield inner, block
    elif isinstance(statement, (ast.FuncDef, ast.AdjointDef)):
        _function(usage, statement)
    else:
        _declared(usage, statement, around)


def _function(usage: Usage, statement: ast.FuncDef | ast.AdjointDef) -> None:
    inner = usage_of(statement.body)
    for parameter in statement.params:
        inner.define("parameter", parameter.name, ())
    own = {parameter.name.id for parameter in statement.params}
    types = reads(tuple((p.type, p.default) for p in statement.params)) - {("value", name) for name in own}
    usage.define("function", statement.name, inner.from_outside() | types)
    if isinstance(statement, ast.FuncDef):
        usage.inner.append((statement, inner))


def _declared(usage: Usage, statement: ast.Statement, around: frozenset[Key]) -> None:
    if isinstance(statement, (ast.Assign, ast.AugAssign)):
        _assigned(usage, statement, around)
    elif isinstance(statement, (ast.InputDecl, ast.ParamDecl)):
        kind: Kind = "input" if isinstance(statement, ast.InputDecl) else "param"
        for name in statement.names:
            usage.define(kind, name, reads(_declaration(statement)))
    elif isinstance(statement, ast.DimDecl):
        for item in statement.items:
            usage.define("dim", item.name, reads(item.value))
    elif isinstance(statement, ast.ConstDecl):
        usage.define("const", statement.name, reads((statement.type, statement.value)))
    elif isinstance(statement, ast.VarDecl):
        usage.define("var", statement.name, reads(statement.type))
    elif isinstance(statement, (ast.OutputDecl, ast.LossDecl)):
        _result(usage, statement)
    elif isinstance(statement, ast.GradDecl):
        usage.roots.add(("value", statement.target.id))
    elif isinstance(statement, (ast.LibraryImport, ast.FileImport)):
        for name in statement.names:
            usage.define("import", name, ())
    elif isinstance(statement, (ast.Return, ast.Assert)):
        usage.roots.update(around | reads(statement))


def _declaration(statement: ast.InputDecl | ast.ParamDecl) -> tuple[object, ...]:
    """What a declaration reads: all of it but the names."""
    start = statement.init if isinstance(statement, ast.ParamDecl) else None
    return statement.type, statement.constraints, start


def _assigned(usage: Usage, statement: ast.Assign | ast.AugAssign, around: frozenset[Key]) -> None:
    targets = statement.targets if isinstance(statement, ast.Assign) else (statement.target,)
    stated = statement.annotation if isinstance(statement, ast.Assign) else None
    read = around | reads((stated, statement.value))
    names = [t.id for t in targets if isinstance(t, ast.Name)]
    for target in targets:
        base: ast.Expr = target
        while isinstance(base, ast.Index):
            read |= reads(base.items)
            base = base.value
        if isinstance(base, ast.Name):
            usage.define("value", base, read, *(names if len(targets) > 1 else ()))


def _result(usage: Usage, statement: ast.OutputDecl | ast.LossDecl) -> None:
    stated = statement.type if isinstance(statement, ast.OutputDecl) else None
    read = reads((stated, statement.value))
    if statement.name is None:
        usage.roots |= read
    else:
        if statement.value is not None:
            usage.define("output", statement.name, read)
        usage.roots |= {*reads(stated), ("value", statement.name.id)}


def reads(root: object) -> frozenset[Key]:
    """The names in a piece of syntax, but for those that a generator gives its elements."""
    found: set[Key] = set()
    stack: list[tuple[object, frozenset[str]]] = [(root, frozenset())]
    while stack:
        part, hidden = stack.pop()
        if isinstance(part, tuple):
            stack.extend((p, hidden) for p in part)
        elif isinstance(part, ast.Name):
            found.update([("value", part.id)] if part.id not in hidden else ())
        elif isinstance(part, ast.Generator):
            stack += [(part.bounds, hidden), (part.element, hidden | {part.variable.id})]
        elif isinstance(part, ast.Call):
            found.add(("function", part.func.id))
            stack += [(part.args, hidden), (part.keywords, hidden)]
        elif isinstance(part, (ast.Keyword, ast.Attribute)):
            stack.append((part.value, hidden))
        elif isinstance(part, ast.Syntax):
            stack.extend((getattr(part, f.name), hidden) for f in fields(part) if f.name != "span")
    return frozenset(found)
