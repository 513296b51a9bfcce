"""Statements that compute: assignments and returns, in the model and in its functions."""

from __future__ import annotations

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Note
from autodiffc.grammar.source import Span

from .. import ops
from ..ir import Node
from ..types import KIND_ORDER, Dim, Type, TypeProblem
from .context import Context
from .expressions import Evaluator
from .scope import KEYWORD_CONSTANTS
from .values import POISON, Poison, Value, as_kind, as_value_node, describe

KINDS = ("real", "int", "bool")
_LATER = {
    ast.For: "a `for` loop",
    ast.If: "an `if` statement",
    ast.While: "a `while` loop",
    ast.VarDecl: "`var`",
    ast.AdjointDef: "a function's own `adjoint`",
    ast.FileImport: "importing a file",
    ast.Assert: "`assert`",
    ast.AugAssign: "`+=` and its kin",
}


def declared_type(evaluator: Evaluator, expr: ast.TypeExpr) -> Type | None:
    """The type that an annotation states; None where it is in error."""
    if expr.kind not in KINDS:
        evaluator.context.report(
            "E0204", f"no type `{expr.kind}`", expr.span, help="a type is real, int or bool"
        )
        return None
    dims = [_declared_dim(evaluator, d) for d in expr.dims]
    for written, dim in zip(expr.dims, dims):
        if isinstance(dim, Dim) and dim.known is not None and dim.known < 0:
            evaluator.context.report("E0204", "a dim is not negative", written.span, str(dim))
            return None
    known = tuple(d for d in dims if isinstance(d, Dim))
    return Type(expr.kind, known) if len(known) == len(dims) else None  # type: ignore[arg-type]


def _declared_dim(evaluator: Evaluator, expr: ast.Expr) -> Dim | Poison:
    if isinstance(expr, ast.Name) and evaluator.scope.find(expr.id) is None:
        return evaluator.undefined(expr, in_type=True)
    return evaluator.dim(expr)


def check_type(evaluator: Evaluator, expr: ast.TypeExpr, node: Node, span: Span, name: str) -> Value:
    """The node promoted to the stated type, or a report that it is not of it."""
    stated = declared_type(evaluator, expr)
    if stated is None:
        return POISON
    fits = KIND_ORDER[node.type.kind] <= KIND_ORDER[stated.kind] and (
        stated.kind == node.type.kind or stated.kind == "real"
    )
    if node.shape != stated.shape or not fits:
        notes = (Note(expr.span, "the type is stated"),)
        return evaluator.context.report(
            "E0209", f"`{name}` is not of its stated type", span, f"found {node.type}, stated {stated}", notes
        )
    return as_kind(node, stated.kind)


def later(context: Context, statement: ast.Statement) -> bool:
    """Report a statement that this version does not know yet."""
    what = _LATER.get(type(statement))
    if what is not None:
        context.report("E0901", f"{what} is not supported yet", statement.span)
    return what is not None


def assigned_names(statements: ast.Block) -> set[str]:
    """The names that a block would define, wherever in it: what an unsupported block leaves unknown."""
    names: set[str] = set()
    stack = list(statements)
    while stack:
        statement = stack.pop()
        if isinstance(statement, ast.Assign):
            names |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
        elif isinstance(statement, (ast.AugAssign, ast.VarDecl)):
            target = statement.target if isinstance(statement, ast.AugAssign) else statement.name
            names |= {target.id} if isinstance(target, ast.Name) else set()
        elif isinstance(statement, (ast.For, ast.While)):
            names |= {statement.variable.id} if isinstance(statement, ast.For) else set()
            stack.extend(statement.body)
        elif isinstance(statement, ast.If):
            for _, body in statement.branches:
                stack.extend(body)
            stack.extend(statement.orelse)
        elif isinstance(statement, ast.FileImport):
            names |= {n.id for n in statement.names}
        elif isinstance(statement, ast.AdjointDef):
            names.add(statement.name.id)
    return names


def define(evaluator: Evaluator, name: ast.Name, value: Value) -> None:
    """Give a name its value; a second definition is an error that shows the first."""
    context, scope = evaluator.context, evaluator.scope
    if name.id in KEYWORD_CONSTANTS:
        context.report("E0310", f"`{name.id}` is a constant of the language", name.span)
        return
    earlier = scope.values.get(name.id)
    if earlier is not None:
        context.report(
            "E0206", f"`{name.id}` is defined twice", name.span, "", (Note(earlier.span, "it is first defined"),),
            help="give the second value a name of its own",
        )  # fmt: skip
        return
    scope.define(name.id, value, name.span)
    if isinstance(value, Node):
        context.name(value, name.id)


def assign(evaluator: Evaluator, statement: ast.Assign) -> None:
    """`a = e`, `a: real[N] = e`, `a, b = e`."""
    value = evaluator.value(statement.value)
    if any(isinstance(t, ast.Index) for t in statement.targets):
        evaluator.context.report("E0901", "writing elements is not supported yet", statement.targets[0].span)
        return
    names = [t for t in statement.targets if isinstance(t, ast.Name)]
    if len(names) > 1:
        _take_apart(evaluator, statement, names, value)
        return
    if statement.annotation is not None and not isinstance(value, Poison):
        try:
            value = check_type(
                evaluator, statement.annotation, as_value_node(value), statement.value.span, names[0].id
            )
        except TypeProblem as problem:
            value = evaluator.context.problem(problem.code, str(problem), statement.value.span)
    define(evaluator, names[0], value)


def _take_apart(evaluator: Evaluator, statement: ast.Assign, names: list[ast.Name], value: Value) -> None:
    if isinstance(value, Node) and value.rank and value.shape[0].known == len(names):
        rest = tuple(("slice", Dim.of(0), d, 1) for d in value.shape[1:])
        rows = range(len(names))
        value = tuple(ops.getitem(value, index=(("at", Dim.of(i)), *rest)) for i in rows)
        for row in value:
            evaluator.context.made(row, statement.value.span)
    if not isinstance(value, (tuple, Poison)) or (isinstance(value, tuple) and len(value) != len(names)):
        label = describe(value)
        evaluator.context.report(
            "E0210",
            f"{len(names)} names take apart what is not {len(names)} values",
            statement.value.span,
            label,
        )
        value = POISON
    for position, name in enumerate(names):
        define(evaluator, name, value[position] if isinstance(value, tuple) else POISON)


class Block:
    """Runs the body of a function."""

    def __init__(self, evaluator: Evaluator):
        self.evaluator = evaluator

    def run(self, definition: ast.FuncDef) -> Value:
        """The function's value, once its parameters are in the scope."""
        context = self.evaluator.context
        for statement in definition.body:
            if isinstance(statement, ast.Return):
                return self._returned(statement)
            if isinstance(statement, ast.Assign):
                assign(self.evaluator, statement)
            elif later(context, statement):
                for name in assigned_names((statement,)):
                    self.evaluator.scope.define(name, POISON, statement.span)
            else:
                context.report("E0309", "only assignments and `return` stand in a function", statement.span)
        if any(isinstance(s, (ast.If, ast.For, ast.While)) for s in definition.body):
            return POISON
        message = f"`{definition.name.id}` returns nothing"
        return context.report("E0309", message, definition.name.span, help="end it with `return …`")

    def _returned(self, statement: ast.Return) -> Value:
        values = tuple(self.evaluator.value(v) for v in statement.values)
        if any(isinstance(v, Poison) for v in values):
            return POISON
        return values[0] if len(values) == 1 else values
