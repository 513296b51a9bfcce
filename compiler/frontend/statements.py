"""Statements that compute: assignments and returns, in the model and in its functions."""

from __future__ import annotations

from collections.abc import Iterator

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Note
from autodiffc.grammar.source import Span

from .. import ops
from ..ir import Node
from ..types import KIND_ORDER, Dim, Type, TypeProblem, kind_called
from .context import Context
from .derivatives import own_value
from .expressions import Evaluator
from .scope import KEYWORD_CONSTANTS, Function
from .values import POISON, Poison, Static, Value, as_kind, as_value_node, describe

LONGEST_NAME = 255


def declared_type(evaluator: Evaluator, expr: ast.TypeExpr) -> Type | None:
    """The type that an annotation states; None where it is in error."""
    kind = kind_called(expr.kind)
    if kind is None:
        evaluator.context.report(
            "E0204", f"no type `{expr.kind}`", expr.span, help="a type is real, int or bool"
        )
        return None
    dims = [evaluator.dim(d) for d in expr.dims]
    for written, dim in zip(expr.dims, dims):
        if isinstance(dim, Dim) and dim.known is not None and dim.known < 0:
            evaluator.context.report("E0204", "a dim is not negative", written.span, str(dim))
            return None
    known = tuple(d for d in dims if isinstance(d, Dim))
    if len(known) < len(dims):
        return None
    stated = Type(kind, known)
    try:
        evaluator.context.check_size(stated)
    except TypeProblem as problem:
        evaluator.context.problem(problem.code, str(problem), expr.span)
        return None
    return stated


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


def statements_below(statements: ast.Block) -> Iterator[ast.Statement]:
    """Statements and those of the blocks in them, in the order of the text."""
    stack = list(reversed(statements))
    while stack:
        statement = stack.pop()
        for body in reversed(blocks_of(statement)):
            stack.extend(reversed(body))
        yield statement


def defined_names(statements: ast.Block) -> Iterator[ast.Name]:
    """The names that statements and the blocks in them define, in the order of the text."""
    for statement in statements_below(statements):
        yield from (target for target in targets_of(statement) if isinstance(target, ast.Name))


def blocks_of(statement: ast.Statement) -> tuple[ast.Block, ...]:
    """The blocks of a loop or an `if`."""
    if isinstance(statement, ast.If):
        return (*(body for _, body in statement.branches), statement.orelse)
    return (statement.body,) if isinstance(statement, (ast.For, ast.While)) else ()


def targets_of(statement: ast.Statement) -> tuple[ast.Syntax | None, ...]:
    """What a statement by itself gives values to."""
    if isinstance(statement, ast.Assign):
        return statement.targets
    if isinstance(statement, ast.AugAssign):
        return (statement.target,)
    if isinstance(statement, ast.For):
        return (statement.variable,)
    if isinstance(statement, ast.DimDecl):
        return tuple(item.name for item in statement.items)
    if isinstance(statement, (ast.InputDecl, ast.ParamDecl)):
        return statement.names
    if isinstance(statement, (ast.ConstDecl, ast.VarDecl)):
        return (statement.name,)
    if isinstance(statement, (ast.OutputDecl, ast.LossDecl)) and statement.value is not None:
        return (statement.name,)
    return ()


def spoil(evaluator: Evaluator, *statements: ast.Statement) -> None:
    """What statements that are refused would define is not known, and no error of its own."""
    names = {name.id: name.span for name in defined_names(statements)}
    names |= {s.name.id: s.name.span for s in statements if isinstance(s, ast.FuncDef)}
    evaluator.context.assumed_known |= names.keys()
    for name in names.keys() & evaluator.scope.values.keys():
        evaluator.scope.define(name, POISON, names[name])


def define(evaluator: Evaluator, name: ast.Name, value: Value, help: str = "") -> None:
    """Give a name its value; a second definition is an error that shows the first, and leaves no value."""
    context, scope = evaluator.context, evaluator.scope
    if name.id in KEYWORD_CONSTANTS:
        context.report("E0310", f"`{name.id}` is a constant of the language", name.span)
        scope.define(name.id, POISON, name.span)
        return
    if len(name.id) > LONGEST_NAME:
        context.report("E0310", f"a name of {len(name.id)} characters", name.span, f"at most {LONGEST_NAME}")
        context.assumed_known |= {name.id}
        return
    earlier = scope.values.get(name.id)
    if earlier is not None and scope.depth and name.id not in scope.fixed:
        scope.rebind(name.id, value, name.span)
    elif earlier is not None:
        help_text = "give the second value a name of its own"
        if scope.depth and name.id in scope.fixed:
            help_text = f"{scope.fixed[name.id]} keeps its value: give the other one a name of its own"
        if isinstance(earlier.value, Static) and isinstance(value, Static):
            help_text = f"a dim gets its value where it is declared: `dim {name.id} = …`"
        notes = (Note(earlier.span, "it is first defined"),)
        if name.id not in context.assumed_known:
            context.report("E0206", f"`{name.id}` is defined twice", name.span, "", notes, help or help_text)
        scope.define(name.id, POISON, earlier.span)
        return
    else:
        scope.define(name.id, value, name.span)
    if isinstance(value, Node):
        context.name(value, name.id)


def again(evaluator: Evaluator, name: ast.Name, earlier: Function) -> None:
    """Report a second function of a name; which of the two a call means is not known."""
    notes = (Note(earlier.definition.name.span, "it is first defined"),)
    evaluator.context.report("E0206", f"the function `{name.id}` is defined twice", name.span, "", notes)
    evaluator.context.ambiguous |= {name.id}


def assign(evaluator: Evaluator, statement: ast.Assign) -> None:
    """`a = e`, `a: real[N] = e`, `a, b = e`."""
    value = evaluator.value(statement.value)
    if len(statement.targets) > 1:
        _take_apart(evaluator, statement, value)
        return
    target = statement.targets[0]
    if statement.annotation is not None and not isinstance(value, Poison):
        try:
            value = check_type(
                evaluator, statement.annotation, as_value_node(value), statement.value.span, target.span.text
            )
        except TypeProblem as problem:
            value = evaluator.context.problem(problem.code, str(problem), statement.value.span)
    _give(evaluator, target, value, statement.value.span)


def _give(evaluator: Evaluator, target: ast.Name | ast.Index, value: Value, span: Span) -> None:
    if isinstance(target, ast.Name):
        define(evaluator, target, own_value(evaluator, target, value))
    else:
        from .elements import write

        write(evaluator, target, value, span)


def augment(evaluator: Evaluator, statement: ast.AugAssign) -> None:
    """`x += e` in a block; elsewhere it is a second definition of x. `a[i] += e` adds to elements."""
    target = statement.target
    if isinstance(target, ast.Index):
        from .elements import add

        add(evaluator, statement, target)
    elif evaluator.scope.depth:
        value = ast.Binary(statement.span, statement.op, target, statement.value, statement.span)
        assign(evaluator, ast.Assign(statement.span, (target,), None, value))
    else:
        evaluator.value(statement.value)
        if target.id in evaluator.scope.values:
            define(evaluator, target, POISON, "outside a loop, give the new value a name of its own")
        else:
            evaluator.undefined(target)


def _take_apart(evaluator: Evaluator, statement: ast.Assign, value: Value) -> None:
    names = statement.targets
    if isinstance(value, Node) and value.rank and value.shape[0].known == len(names):
        rest = tuple(("slice", Dim.of(0), d, 1) for d in value.shape[1:])
        rows = range(len(names))
        value = tuple(ops.getitem(value, index=(("at", Dim.of(i)), *rest)) for i in rows)
        for row in value:
            evaluator.context.made(row, statement.value.span)
    if not isinstance(value, (tuple, Poison)) or (isinstance(value, tuple) and len(value) != len(names)):
        unknown = isinstance(value, Node) and value.rank and value.shape[0].known is None
        help_text = "how many rows it has is not known before run time: index it, `x[0]`" if unknown else ""
        message = f"{len(names)} names for what is not {len(names)} values"
        value = evaluator.context.report(
            "E0210", message, statement.value.span, describe(value), help=help_text
        )
    for position, target in enumerate(names):
        part = value[position] if isinstance(value, tuple) else POISON
        _give(evaluator, target, part, statement.value.span)


def is_damaged(context: Context, definition: ast.FuncDef | ast.AdjointDef) -> bool:
    """Whether lines of a function's body did not parse; its `return` may have been among them."""
    source, head = definition.span.source, definition.span.line
    broken = {d.span.line for d in context.diagnostics if d.code < "E02" and d.span.source is source}
    return any(
        line > head and all(source.line(n)[:1] in ("", " ", "\t") for n in range(head + 1, line + 1))
        for line in broken
    )
