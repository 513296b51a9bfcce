"""The body of a function: statements, and the value with which a `return` ends it.

    def f(x):
        if x > 1.0:
            return log(x)        branch(x > 1.0, x; then: (x) -> log(x), orelse: (x) -> x - 1.0)
        return x - 1.0

What follows an `if` with a `return` in it belongs to the branches that go on.
"""

from __future__ import annotations

from autodiffc.grammar import ast

from .blocks import condition_of, step, too_deep
from .branches import choose, rest_of, side
from .expressions import Evaluator
from .scope import Binding
from .statements import is_damaged
from .values import POISON, Poison, Value, evaluate_constant
from .walk import walk


def run(evaluator: Evaluator, definition: ast.FuncDef | ast.AdjointDef) -> Value:
    """A function's value, once its parameters are in the scope."""
    returned = _run(evaluator, definition.body, ())
    if returned is not None:
        return returned.value
    misplaced = any(isinstance(part, ast.Return) for part in walk(definition.body))
    if misplaced or is_damaged(evaluator.context, definition):
        return POISON
    message = f"`{definition.name.id}` returns nothing"
    return evaluator.context.report("E0309", message, definition.name.span, help="end it with `return …`")


def _run(evaluator: Evaluator, statements: ast.Block, tail: ast.Block) -> Binding | None:
    """What statements, and then those of the tail, return."""
    for place, statement in enumerate(statements):
        rest = statements[place + 1 :]
        if isinstance(statement, ast.Return):
            if rest:
                evaluator.context.report("E0309", "nothing after `return` is reached", rest[0].span)
            return Binding(_returned(evaluator, statement), statement.span, 0)
        if isinstance(statement, ast.If) and _returns(statement):
            return _branching(evaluator, statement, rest + tail)
        step(evaluator, statement)
    return _run(evaluator, tail, ()) if tail else None


def _returned(evaluator: Evaluator, statement: ast.Return) -> Value:
    values = tuple(evaluator.value(v) for v in statement.values)
    if any(isinstance(v, Poison) for v in values):
        return POISON
    return values[0] if len(values) == 1 else values


def _returns(statement: ast.If) -> bool:
    """Whether one of the branches has a `return`, in it or in an `if` in it."""
    waiting: list[ast.Statement] = [statement]
    while waiting:
        current = waiting.pop()
        if isinstance(current, ast.If):
            waiting.extend(s for _, block in current.branches for s in block)
            waiting.extend(current.orelse)
        if isinstance(current, ast.Return):
            return True
    return False


def _branching(evaluator: Evaluator, statement: ast.If, tail: ast.Block) -> Binding | None:
    (expr, then), orelse = statement.branches[0], rest_of(statement)
    spoiled = Binding(POISON, statement.span, 0)
    condition = POISON if too_deep(evaluator, expr.span, False) else condition_of(evaluator, expr)
    if isinstance(condition, Poison):
        return spoiled
    known = evaluate_constant(condition)
    if known is not None:
        with evaluator.scope.block():
            return _run(evaluator, then if known else orelse, tail)
    sides = []
    for truth, block in ((True, then), (False, orelse)):
        with side(evaluator, statement, condition, truth) as found:
            returned = _run(evaluator, block, tail)
        if returned is None:
            message = "a path through the function that returns nothing"
            evaluator.context.report("E0309", message, expr.span, help="end every branch with `return …`")
            return spoiled
        found.values = {"": returned}
        sides.append(found)
    value = choose(evaluator, condition, sides, [""], statement.span)[""]
    return Binding(value, statement.span, 0)
