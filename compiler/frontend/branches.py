"""`if` as a statement and between values: the branch that a condition takes, and no other, is computed.

    if n > 3:                  branch(n > 3, x; then: (x) -> exp(x), orelse: (x) -> x)
        y = exp(x)
    else:
        y = x

A condition that is known now takes its branch now; in the other one only the names are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Note
from autodiffc.grammar.source import Span

from .. import ops
from ..ir import OPS, Node, const
from ..ops.checks import guarded
from ..types import TypeProblem, promote
from .blocks import HANDLERS, assigned, condition_of, execute, forget, spread, too_deep
from .bodies import close
from .context import Own
from .derivatives import own_value
from .expressions import Evaluator, same_kind
from .functions import names_in_block
from .scope import Binding, Gone
from .structure import flatten
from .values import POISON, Poison, Static, Value, as_kind, as_value_node, describe, evaluate_constant

CHEAP = 4  # operations on numbers that are computed whether they are chosen or not


@dataclass(eq=False)
class Side:
    """What one branch gives: its values by name, and the nodes made for them."""

    own: Own = field(default_factory=Own)
    values: dict[str, Binding] = field(default_factory=dict)


def _if(evaluator: Evaluator, statement: ast.If) -> None:
    (expr, then), orelse = statement.branches[0], rest_of(statement)
    names = assigned((statement,))
    condition = POISON if too_deep(evaluator, statement.span, False) else condition_of(evaluator, expr)
    if isinstance(condition, Poison):
        forget(evaluator, names)
        return
    known = evaluate_constant(condition)
    if known is not None:
        _taken(evaluator, *((then, orelse) if known else (orelse, then)))
        return
    sides = []
    for truth, block in ((True, then), (False, orelse)):
        with side(evaluator, statement, condition, truth) as found:
            execute(evaluator, block)
            values = evaluator.scope.values
            found.values = {name: values[name] for name in assigned(block) if name in values}
        sides.append(found)
    chosen = choose(evaluator, condition, sides, list(names), statement.span)
    for name, value in chosen.items():
        _define(evaluator, name, value, names[name])
    for name in names:
        if name not in evaluator.scope.values and any(name in side.values for side in sides):
            help_text = "assign it in every branch, or before the `if`"
            evaluator.scope.gone[name] = Gone(names[name], "it is assigned in some branches only", help_text)


def rest_of(statement: ast.If) -> ast.Block:
    """What is done where the first condition does not hold."""
    if len(statement.branches) == 1:
        return statement.orelse
    return (replace(statement, branches=statement.branches[1:]),)


def _define(evaluator: Evaluator, name: str, value: Value, span: Span) -> None:
    scope = evaluator.scope
    value = own_value(evaluator, ast.Name(span, name), value)
    if name in scope.values:
        scope.rebind(name, value, scope.values[name].span)
    else:
        scope.define(name, value, span)


def _taken(evaluator: Evaluator, block: ast.Block, other: ast.Block) -> None:
    """The branch that is known to be taken; in the other one only the names are looked at."""
    scope = evaluator.scope
    scope.depth += 1
    execute(evaluator, block)
    scope.depth -= 1
    names_in_block(evaluator, other)
    for name, span in assigned(other).items():
        if name not in scope.values:
            scope.gone[name] = Gone(span, "its branch is not taken", "assign it in every branch")


@contextmanager
def side(evaluator: Evaluator, key: object, condition: Node, truth: bool) -> Iterator[Side]:
    """Evaluate a branch; the scope is afterwards what it was."""
    context = evaluator.context
    found = Side()
    with context.body() as found.own, evaluator.scope.block():
        counting = context.counting
        counting.branches += ((key, int(truth), len(counting.loops)),)
        counting.suppose(condition, truth)
        yield found


def choose(
    evaluator: Evaluator, condition: Node, sides: list[Side], names: list[str], span: Span
) -> dict[str, Value]:
    """The values after a branch, of the names that have one on either side."""
    context, scope = evaluator.context, evaluator.scope
    bindings = {}
    for name in names:
        before = scope.values.get(name)
        pair = [side.values.get(name, before) for side in sides]
        if pair[0] is not None and pair[1] is not None and pair[0] is not pair[1]:
            bindings[name] = (pair[0], pair[1])
    united: dict[str, tuple[list[Node], list[Node]]] = {}
    shapes: dict[str, Value] = {}
    result: dict[str, Value] = {}
    with context.body() as own:
        for name, (a, b) in bindings.items():
            nodes = _united(evaluator, name, a, b)
            if nodes is None:
                result[name] = POISON
            elif a.value is b.value or (isinstance(a.value, Static) and a.value == b.value):
                result[name] = a.value
            else:
                united[name], shapes[name] = nodes, a.value
    groups = [[(n or "result", node) for n, pair in united.items() for node in pair[i]] for i in (0, 1)]
    checks = any(side.own.checks for side in sides)
    if not united and checks:  # it only asserts
        groups = [[("holds", const(True))], [("holds", const(True))]]
    if united or checks:
        for group, side in zip(groups, sides):
            group[0] = (group[0][0], guarded(group[0][1], side.own.checks))
        made = Own(own.nodes.union(*(side.own.nodes for side in sides)))
        closed = close(context, scope, made, (), groups)
        then, orelse = closed.graphs
        node = context.made(ops.branch(condition, *closed.given, then=then, orelse=orelse), span)
        if checks:
            context.checks.append(context.made(ops.item(node, position=0), span))
        result |= spread(evaluator, node, shapes, span)
    return result


def _united(evaluator: Evaluator, name: str, a: Binding, b: Binding) -> tuple[list[Node], list[Node]] | None:
    """The nodes of both values, made of one kind; None, and a report, where they are of other shapes."""
    if isinstance(a.value, Poison) or isinstance(b.value, Poison):
        return None
    context = evaluator.context
    what = f"`{name}`" if name else "what is returned"
    try:
        pairs = list(zip(flatten(a.value), flatten(b.value)))
        fits = len(flatten(a.value)) == len(flatten(b.value)) and all(x.shape == y.shape for x, y in pairs)
    except TypeProblem as problem:
        context.problem(problem.code, str(problem), b.span)
        return None
    if not fits:
        label = f"{describe(a.value)} in one branch, {describe(b.value)} in the other"
        notes = (Note(a.span, "the other one"),)
        context.report("E0209", f"{what} is of two types", b.span, label, notes)
        return None
    kinds = [promote(x.type.kind, y.type.kind) for x, y in pairs]
    first = [context.made(as_kind(x, kind), a.span) for (x, _), kind in zip(pairs, kinds)]
    second = [context.made(as_kind(y, kind), b.span) for (_, y), kind in zip(pairs, kinds)]
    return first, second


# --- a if c else b -------------------------------------------------------------------------------


def conditional(evaluator: Evaluator, expr: ast.Conditional, condition: Node) -> Value:
    """`a if c else b` with one condition: a branch, unless both values are at hand or cheap."""
    context, sides, values = evaluator.context, [], []
    for truth, part in ((True, expr.then), (False, expr.orelse)):
        with side(evaluator, expr, condition, truth) as found:
            values.append(evaluator.value(part))
            found.values = {"": Binding(values[-1], part.span, 0)}
        sides.append(found)
    if any(isinstance(value, Poison) for value in values):
        return POISON
    nodes = [as_value_node(value) for value in values]
    own = sides[0].own.nodes | sides[1].own.nodes
    if nodes[0].shape == nodes[1].shape and not _is_cheap(own):
        return choose(evaluator, condition, sides, [""], expr.span)[""]
    if context.bodies:
        context.bodies[-1].nodes |= own
    then, orelse = same_kind(nodes[0], nodes[1], lowest="bool")
    return context.made(OPS["where"](condition, then, orelse), expr.span)


def _is_cheap(own: set[Node]) -> bool:
    """Whether nothing is lost, and nothing can fail, where both sides are computed."""
    computed = [node for node in own if node.op.name not in ("const", "dim")]
    return len(computed) <= CHEAP and all(
        not node.rank and (node.op.elementwise or node.op.name == "getitem") for node in computed
    )


HANDLERS[ast.If] = _if
