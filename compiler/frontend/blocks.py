"""Blocks of statements, and what loops and branches have in common.

if c:                  a block assigns: what has a value already is changed,
    h = f(h)           what else it assigns has no value after it
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autodiffc.grammar import ast
from autodiffc.grammar.source import Span

from .. import ops
from ..ir import Node
from ..types import Type, TypeProblem
from .asserts import assertion
from .elements import declare_variable
from .expressions import Evaluator
from .statements import assign, augment, blocks_of, targets_of
from .structure import flatten, rebuild
from .values import POISON, Poison, Value

LOOP_DEPTH_LIMIT = 15  # CPython's, of blocks in blocks, is 20
DEPTH_LIMIT = 40
_DECLARATIONS = (
    ast.InputDecl, ast.ParamDecl, ast.DimDecl, ast.ConstDecl, ast.OutputDecl, ast.LossDecl, ast.GradDecl,
)  # fmt: skip
Handler = Callable[[Evaluator, Any], None]
HANDLERS: dict[type, Handler] = {  # control.py and branches.py add theirs
    ast.Assign: assign,
    ast.AugAssign: augment,
    ast.VarDecl: declare_variable,
    ast.Assert: assertion,
}


def execute(evaluator: Evaluator, statements: ast.Block) -> None:
    """The statements of a block, one after the other."""
    for statement in statements:
        step(evaluator, statement)


def step(evaluator: Evaluator, statement: ast.Statement) -> None:
    """A statement that computes; a report for any other."""
    try:
        handler = HANDLERS.get(type(statement))
        if handler is None:
            _misplaced(evaluator, statement)
        elif not evaluator.context.is_endless:
            handler(evaluator, statement)
    except TypeProblem as problem:
        evaluator.context.problem(problem.code, str(problem), statement.span)
        forget(evaluator, assigned((statement,)))


def _misplaced(evaluator: Evaluator, statement: ast.Statement) -> None:
    if isinstance(statement, ast.Return):
        if evaluator.context.calls:
            help_text = "give the result a name in the loop, and return that name below it"
            evaluator.context.report("E0309", "`return` inside a loop", statement.span, help=help_text)
        else:
            evaluator.context.report("E0309", "`return` outside a function", statement.span)
        return
    what = "a declaration" if isinstance(statement, _DECLARATIONS) else "such a statement"
    evaluator.context.report(
        "E0309", f"{what} inside a block", statement.span, help="move it out of the block"
    )
    forget(evaluator, assigned((statement,)))


def assigned(statements: ast.Block) -> dict[str, Span]:
    """The names that statements and the blocks in them give values, in the order of the text."""
    found: dict[str, Span] = {}
    waiting = list(reversed(statements))
    while waiting:
        statement = waiting.pop()
        for block in reversed(blocks_of(statement)):
            waiting.extend(reversed(block))
        if not isinstance(statement, ast.For):
            for target in targets_of(statement):
                while isinstance(target, ast.Index):
                    target = target.value
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, target.span)
    return found


def forget(evaluator: Evaluator, names: Iterable[str]) -> None:
    """Names whose values are not known because of an error."""
    for name in names:
        evaluator.context.assumed_known |= {name}
        if name in evaluator.scope.variables:
            evaluator.context.touched.add(evaluator.scope.variables[name])
        if name in evaluator.scope.values and name not in evaluator.scope.fixed:
            evaluator.scope.rebind(name, POISON, evaluator.scope.values[name].span)


def too_deep(evaluator: Evaluator, span: Span, is_loop: bool) -> bool:
    context = evaluator.context
    loops, blocks = len(context.counting.loops) + is_loop, len(context.bodies)
    if loops > LOOP_DEPTH_LIMIT or blocks >= DEPTH_LIMIT:
        context.report(
            "E0106", "nested too deeply", span, help="put the inner part into a function of arrays"
        )
        return True
    return False


def condition_of(evaluator: Evaluator, expr: ast.Expr) -> Node | Poison:
    """A condition by which a block is taken: one bool."""
    node = evaluator.node(expr)
    if isinstance(node, Poison):
        return node
    if node.type.kind != "bool":
        help_text = "compare it, as in `x != 0`"
        return evaluator.context.report(
            "E0204", "a condition is a bool, not a number", expr.span, str(node.type), help=help_text
        )
    if node.rank:
        help_text = "reduce it with any(…) or all(…), or choose elementwise: where(c, a, b)"
        return evaluator.context.report(
            "E0204", "a condition is one bool, not an array", expr.span, str(node.type), help=help_text
        )
    return node


def types_text(types: Sequence[Type]) -> str:
    return ", ".join(map(str, types))


def spread(evaluator: Evaluator, node: Node, shapes: dict[str, Value], span: Span) -> dict[str, Value]:
    """The results of a loop or a branch by name, each put together as its example is."""
    context, position = evaluator.context, 0
    found: dict[str, Value] = {}
    for name, shape in shapes.items():
        parts = [ops.item(node, position=position + i) for i in range(len(flatten(shape)))]
        position += len(parts)
        for part in parts:
            context.made(part, span)
        if len(parts) == 1 and name:
            context.name(parts[0], name)
        found[name] = rebuild(shape, parts)
    return found
