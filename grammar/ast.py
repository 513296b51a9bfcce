"""The syntax tree: frozen nodes, each with its span.

`h = relu(x @ W)` is

    Assign(targets=(Name("h"),), annotation=None,
           value=Call(Name("relu"), (Binary("@", Name("x"), Name("W")),), ()))

Names are NFKC-normalised. `true`, `false`, `None` and the constants (`pi`, …) are plain `Name`s: what a
name means is the compiler's business. Statements keep their order; blocks are tuples of statements.
"""

from __future__ import annotations

from typing import Union

from .records import record
from .source import Source, Span


@record(frozen=True)
class Syntax:
    """What every node has: where it stands."""

    span: Span


# --- expressions -------------------------------------------------------------------------------


@record(frozen=True)
class Number(Syntax):
    """A literal; `value` is an int for `3`, a float for `3.0` and `1e-3`."""

    value: int | float


@record(frozen=True)
class String(Syntax):
    value: str


@record(frozen=True)
class Name(Syntax):
    id: str


@record(frozen=True)
class Unary(Syntax):
    """`op` is one of `-`, `+`, `not`."""

    op: str
    operand: Expr


@record(frozen=True)
class Binary(Syntax):
    """`op` is one of `+ - * / // % ** @ and or`."""

    op: str
    left: Expr
    right: Expr
    op_span: Span


@record(frozen=True)
class Compare(Syntax):
    """A chain `a < b <= c`: one more operand than there are operators (`== != < <= > >=`)."""

    operands: tuple[Expr, ...]
    ops: tuple[str, ...]


@record(frozen=True)
class Conditional(Syntax):
    """`then if condition else orelse`."""

    condition: Expr
    then: Expr
    orelse: Expr


@record(frozen=True)
class Keyword(Syntax):
    """`name=value` in a call."""

    name: Name
    value: Expr


@record(frozen=True)
class Call(Syntax):
    func: Name
    args: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]


@record(frozen=True)
class Attribute(Syntax):
    """`value.name`; only `.T` means anything."""

    value: Expr
    name: Name


@record(frozen=True)
class Slice(Syntax):
    """`start:stop:step` in an index; absent parts are None."""

    start: Expr | None
    stop: Expr | None
    step: Expr | None


@record(frozen=True)
class Ellipsis_(Syntax):
    """`...` in an index."""


@record(frozen=True)
class Index(Syntax):
    """`value[items]`; `None` as an item is `Name("None")`."""

    value: Expr
    items: tuple[IndexItem, ...]


@record(frozen=True)
class ListLiteral(Syntax):
    items: tuple[Expr, ...]


@record(frozen=True)
class TupleLiteral(Syntax):
    """`(a, b)` and `()`; a parenthesised single expression leaves no node."""

    items: tuple[Expr, ...]


@record(frozen=True)
class Generator(Syntax):
    """`element for variable in range(bounds)`, the sole argument of a call such as `sum`."""

    element: Expr
    variable: Name
    bounds: tuple[Expr, ...]


Expr = Union[
    Number, String, Name, Unary, Binary, Compare, Conditional, Call, Attribute, Index, ListLiteral,
    TupleLiteral, Generator,
]  # fmt: skip
IndexItem = Union[Expr, Slice, Ellipsis_]


# --- types and declarations --------------------------------------------------------------------


@record(frozen=True)
class TypeExpr(Syntax):
    """`real[N, 4*H]`; `kind` is `real`, `int` or `bool` (or another word, for the checker to refuse)."""

    kind: str
    dims: tuple[Expr, ...]


@record(frozen=True)
class Constraint(Syntax):
    """`> 0` (`op` a comparison, one bound) or `in range(K)` (`op` is `in`, one or two bounds)."""

    op: str
    bounds: tuple[Expr, ...]


@record(frozen=True)
class ModelDecl(Syntax):
    name: Name


@record(frozen=True)
class DimItem(Syntax):
    name: Name
    value: Expr | None


@record(frozen=True)
class DimDecl(Syntax):
    items: tuple[DimItem, ...]


@record(frozen=True)
class InputDecl(Syntax):
    names: tuple[Name, ...]
    type: TypeExpr
    constraints: tuple[Constraint, ...]


@record(frozen=True)
class ParamDecl(Syntax):
    names: tuple[Name, ...]
    type: TypeExpr
    constraints: tuple[Constraint, ...]
    init: Expr | None


@record(frozen=True)
class ConstDecl(Syntax):
    name: Name
    type: TypeExpr | None
    value: Expr


@record(frozen=True)
class VarDecl(Syntax):
    name: Name
    type: TypeExpr


@record(frozen=True)
class OutputDecl(Syntax):
    """`output p`, `output p = e`, `output p: real[N] = e`, `output p, q` (one node for each name)."""

    name: Name
    type: TypeExpr | None
    value: Expr | None


@record(frozen=True)
class LossDecl(Syntax):
    """`loss L = e`, `loss = e` (name None), `loss L`."""

    name: Name | None
    value: Expr | None


@record(frozen=True)
class GradDecl(Syntax):
    target: Name
    wrt: tuple[Name, ...]


@record(frozen=True)
class FuncParam(Syntax):
    """Parameters that share one annotation (`a, b: real[N]`) each carry it."""

    name: Name
    type: TypeExpr | None
    default: Expr | None


@record(frozen=True)
class FuncDef(Syntax):
    """`span` covers the header line; the body's statements have their own."""

    name: Name
    params: tuple[FuncParam, ...]
    body: Block


@record(frozen=True)
class AdjointDef(Syntax):
    """`adjoint f(x, d_out): …`."""

    name: Name
    params: tuple[FuncParam, ...]
    body: Block


@record(frozen=True)
class Return(Syntax):
    """`return a` or `return a, b` (values has both)."""

    values: tuple[Expr, ...]


@record(frozen=True)
class LibraryImport(Syntax):
    """`from nn import a, b`."""

    module: Name
    names: tuple[Name, ...]


@record(frozen=True)
class FileImport(Syntax):
    """`from "file.dsl" import a, b`."""

    path: String
    names: tuple[Name, ...]


# --- statements --------------------------------------------------------------------------------


@record(frozen=True)
class Assign(Syntax):
    """`a = e`, `a: real[N] = e`, `a, b = e` (several targets), `hs[t] = e` (an Index target)."""

    targets: tuple[Name | Index, ...]
    annotation: TypeExpr | None
    value: Expr


@record(frozen=True)
class AugAssign(Syntax):
    """`x += e`; `op` is the operator without `=`."""

    target: Name | Index
    op: str
    value: Expr


@record(frozen=True)
class For(Syntax):
    """`for variable in range(bounds) [checkpoint]:`; `span` covers the header line."""

    variable: Name
    bounds: tuple[Expr, ...]
    checkpoint: bool
    body: Block


@record(frozen=True)
class If(Syntax):
    """`branches` are the `if` and the `elif`s in order; `orelse` is empty where there is no `else`."""

    branches: tuple[tuple[Expr, Block], ...]
    orelse: Block


@record(frozen=True)
class While(Syntax):
    """`while condition [max limit]:`."""

    condition: Expr
    limit: Expr | None
    body: Block


@record(frozen=True)
class Assert(Syntax):
    """`assert condition[, "message"]`."""

    condition: Expr
    message: String | None


Statement = Union[
    ModelDecl, DimDecl, InputDecl, ParamDecl, ConstDecl, VarDecl, OutputDecl, LossDecl, GradDecl, FuncDef,
    AdjointDef, Return, LibraryImport, FileImport, Assign, AugAssign, For, If, While, Assert,
]  # fmt: skip
Block = tuple[Statement, ...]


@record(frozen=True)
class Model:
    """A whole file."""

    source: Source
    statements: Block
