"""Builds the syntax tree while the parser reduces: one method for each rule or alias of model.lark.

`x**2` arrives as binary([Name x, Leaf **, Number 2]) and leaves as Binary("**", Name x, Number 2). Every
token is kept, so a node spans its first child to its last; what a method doesn't want it skips.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from . import ast
from .source import Span

Children = list[Any]


@dataclass(slots=True)
class Leaf:
    """A token with its place."""

    type: str
    text: str
    span: Span


class _Branch(NamedTuple):
    condition: ast.Expr | None
    block: ast.Block


class _Part(NamedTuple):
    """What a bracket or a list held, for the rule around it to use."""

    items: tuple[Any, ...]
    span: Span


def misfit(name: str) -> int | None:
    """Where a name stops being one, as Python judges it."""
    if name.isidentifier() and unicodedata.normalize("NFKC", name).isidentifier():
        return None
    return next((i for i, char in enumerate(name) if not ("_" + char).isidentifier()), 0)


def name_value(text: str) -> str:
    """The name that a token stands for; one with a misfit (which is reported) ends before it."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text[: misfit(text)] or text)


def number_value(text: str) -> int | float:
    """The value of a literal; one beyond a double's range is inf."""
    digits = text.replace("_", "").lower()
    if digits[:2] in ("0x", "0o", "0b"):
        value = int(digits, 0)
        return value if value.bit_length() <= 1024 else float("inf")
    if any(char in digits for char in ".e"):
        return float(digits)
    return int(digits) if len(digits) < 400 and float(digits) != float("inf") else float(digits)


_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"'}


def string_value(text: str) -> str:
    """What a literal says; an unknown escape stands for itself, as in Python."""
    head, *rest = text[1:-1].replace("\\\\", "\0").split("\\")
    escaped = (_ESCAPES.get(part[:1], "\\" + part[:1]) + part[1:] for part in rest)
    return (head + "".join(escaped)).replace("\0", "\\")


def _span(children: Children) -> Span:
    last = next(child for child in reversed(children) if child is not None)
    first: Span = children[0].span
    return first.to(last.span)


def _nodes(children: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(child for child in children if isinstance(child, ast.Syntax))


def _block(children: Iterable[Any]) -> ast.Block:
    statements: list[ast.Statement] = []
    for child in children:
        if isinstance(child, tuple):
            statements.extend(child)
        elif not isinstance(child, Leaf):
            statements.append(child)
    return tuple(statements)


def _header(children: Children) -> Span:
    """A header line's span: all but the block."""
    return _span(children[:-1])


class Builder:
    """Stateless; one serves all parses."""

    # --- expressions ---------------------------------------------------------------------------

    def name(self, c: Children) -> ast.Name:
        return ast.Name(c[0].span, name_value(c[0].text))

    def number(self, c: Children) -> ast.Number:
        return ast.Number(c[0].span, number_value(c[0].text))

    def string(self, c: Children) -> ast.String:
        return ast.String(c[0].span, string_value(c[0].text))

    def binary(self, c: Children) -> ast.Binary:
        left, op, right = c
        return ast.Binary(_span(c), op.text.replace("^", "**"), left, right, op.span)

    def unary(self, c: Children) -> ast.Unary:
        return ast.Unary(_span(c), c[0].text, c[1])

    def compare(self, c: Children) -> ast.Compare:
        return ast.Compare(_span(c), tuple(c[::2]), tuple(op.text for op in c[1::2]))

    def conditional(self, c: Children) -> ast.Conditional:
        return ast.Conditional(_span(c), c[2], c[0], c[4])

    def attribute(self, c: Children) -> ast.Attribute:
        return ast.Attribute(_span(c), c[0], c[2])

    def index(self, c: Children) -> ast.Index:
        return ast.Index(_span(c), c[0], c[2].items)

    def indices(self, c: Children) -> _Part:
        return _Part(_nodes(c), _span(c))

    def ellipsis(self, c: Children) -> ast.Ellipsis_:
        return ast.Ellipsis_(c[0].span)

    def slice(self, c: Children) -> ast.Slice:
        start, _, stop, _, step = c
        return ast.Slice(_span([child for child in c if child is not None]), start, stop, step)

    def call(self, c: Children) -> ast.Call:
        given = c[2].items if c[2] is not None else ()
        keywords = tuple(item for item in given if isinstance(item, ast.Keyword))
        return ast.Call(_span(c), c[0], given[: len(given) - len(keywords)], keywords)

    def arguments(self, c: Children) -> _Part:
        return _Part(_nodes(c), _span(c))

    def keyword(self, c: Children) -> ast.Keyword:
        return ast.Keyword(_span(c), c[0], c[2])

    def generator(self, c: Children) -> ast.Generator:
        return ast.Generator(_span(c), c[0], c[2], c[6].items)

    def grouped(self, c: Children) -> ast.Expr:
        """The expression, which takes the brackets into its span."""
        inner: ast.Expr = replace(c[1], span=_span(c))
        return inner

    def tuple_literal(self, c: Children) -> ast.TupleLiteral:
        return ast.TupleLiteral(_span(c), _nodes(c))

    def list_literal(self, c: Children) -> ast.ListLiteral:
        return ast.ListLiteral(_span(c), c[1].items if len(c) == 3 else ())

    def expressions(self, c: Children) -> _Part:
        return _Part(_nodes(c), _span(c))

    def values(self, c: Children) -> ast.Expr:
        """One expression, or a tuple written without brackets."""
        if len(c) == 1:
            only: ast.Expr = c[0]
            return only
        return ast.TupleLiteral(_span(c), _nodes(c))

    # --- declarations --------------------------------------------------------------------------

    def model(self, c: Children) -> ast.ModelDecl:
        return ast.ModelDecl(_span(c), c[1])

    def dim(self, c: Children) -> ast.DimDecl:
        return ast.DimDecl(_span(c), _nodes(c))

    def dim_item(self, c: Children) -> ast.DimItem:
        return ast.DimItem(_span(c), c[0], c[2])

    def input(self, c: Children) -> ast.InputDecl:
        return ast.InputDecl(_span(c), c[1].items, c[3], tuple(c[4:]))

    def param(self, c: Children) -> ast.ParamDecl:
        return ast.ParamDecl(_span(c), c[1].items, c[3], tuple(c[4:-2]), c[-1])

    def const(self, c: Children) -> ast.ConstDecl:
        return ast.ConstDecl(_span(c), c[1], c[3], c[5])

    def var(self, c: Children) -> ast.Block:
        return tuple(ast.VarDecl(self._each(c, name), name, c[3]) for name in c[1].items)

    def outputs(self, c: Children) -> ast.Block:
        return tuple(ast.OutputDecl(self._each(c, name), name, None, None) for name in c[1].items)

    def _each(self, c: Children, name: ast.Name) -> Span:
        """One of the declarations in a statement: the first spans the statement, the others their names."""
        return _span(c) if name is c[1].items[0] else name.span

    def typed_output(self, c: Children) -> ast.OutputDecl:
        return ast.OutputDecl(_span(c), c[1], c[3], c[5])

    def output(self, c: Children) -> ast.OutputDecl:
        return ast.OutputDecl(_span(c), c[1], None, c[3])

    def loss(self, c: Children) -> ast.LossDecl:
        return ast.LossDecl(_span(c), c[1], c[3])

    def nameless_loss(self, c: Children) -> ast.LossDecl:
        return ast.LossDecl(_span(c), None, c[2])

    def grad(self, c: Children) -> ast.GradDecl:
        return ast.GradDecl(_span(c), c[1], c[3].items)

    def library_import(self, c: Children) -> ast.LibraryImport:
        return ast.LibraryImport(_span(c), c[1], c[3].items)

    def file_import(self, c: Children) -> ast.FileImport:
        return ast.FileImport(_span(c), c[1], c[3].items)

    def names(self, c: Children) -> _Part:
        return _Part(_nodes(c), _span(c))

    imported_in_brackets = names

    def type(self, c: Children) -> ast.TypeExpr:
        return ast.TypeExpr(_span(c), name_value(c[0].text), c[2].items if c[2] is not None else ())

    def constraint(self, c: Children) -> ast.Constraint:
        bounds = c[3].items if c[0].type == "IN" else (c[1],)
        return ast.Constraint(_span(c), c[0].text, bounds)

    # --- functions -----------------------------------------------------------------------------

    def function(self, c: Children) -> ast.FuncDef | ast.AdjointDef:
        node = ast.FuncDef if c[0].type == "DEF" else ast.AdjointDef
        params = c[3].items if c[3] is not None else ()
        return node(_header(c), c[1], params, c[-1])

    def params(self, c: Children) -> _Part:
        """Names before an annotated one share its type: in `a, b: real[N]` both have it."""
        params: list[ast.FuncParam] = []
        shared: ast.TypeExpr | None = None
        for param in reversed(_nodes(c)):
            shared = param.type or shared if param.default is None else None
            params.append(replace(param, type=shared or param.type))
        return _Part(tuple(reversed(params)), _span(c))

    def plain_param(self, c: Children) -> ast.FuncParam:
        return ast.FuncParam(_span(c), c[0], c[2], None)

    def default_param(self, c: Children) -> ast.FuncParam:
        return ast.FuncParam(_span(c), c[0], c[2], c[4])

    def return_(self, c: Children) -> ast.Return:
        """`return (a, b)` is `return a, b`."""
        values = c[1].items if isinstance(c[1], ast.TupleLiteral) and c[1].items else (c[1],)
        return ast.Return(_span(c), values)

    # --- statements ----------------------------------------------------------------------------

    def assign(self, c: Children) -> ast.Assign:
        return ast.Assign(_span(c), c[0].items, None, c[2])

    def targets(self, c: Children) -> _Part:
        return _Part(_nodes(c), _span(c))

    def annotated(self, c: Children) -> ast.Assign:
        return ast.Assign(_span(c), (c[0],), c[2], c[4])

    def augmented(self, c: Children) -> ast.AugAssign:
        return ast.AugAssign(_span(c), c[0], c[1].text[:-1], c[2])

    def assertion(self, c: Children) -> ast.Assert:
        return ast.Assert(_span(c), c[1], c[3])

    def for_loop(self, c: Children) -> ast.For:
        return ast.For(_header(c), c[1], c[5].items, c[7] is not None, c[-1])

    def while_loop(self, c: Children) -> ast.While:
        return ast.While(_header(c), c[1], c[3], c[-1])

    def if_chain(self, c: Children) -> ast.If:
        clauses = [_Branch(c[1], c[3]), *c[4:]]
        branches = tuple(
            (clause.condition, clause.block) for clause in clauses if clause.condition is not None
        )
        orelse = next((clause.block for clause in clauses if clause.condition is None), ())
        return ast.If(_span(c[:3]), branches, orelse)

    def elif_clause(self, c: Children) -> _Branch:
        return _Branch(c[1], c[3])

    def else_clause(self, c: Children) -> _Branch:
        return _Branch(None, c[2])

    def indented(self, c: Children) -> ast.Block:
        block: ast.Block = c[1]
        return block

    def block(self, c: Children) -> ast.Block:
        return _block(c)

    on_one_line = line = start = block

    def broken(self, c: Children) -> ast.Block:
        return ()
