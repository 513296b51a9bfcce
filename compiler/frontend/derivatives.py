"""Derivatives as values: `grad(L, W)` and `jvp(y, x, v)`.

    u = tanh(w * x)                u_x = gradient(x, w; body: (x, w) -> sum(tanh(w * x)), wrt=0)
    u_x = grad(sum(u), x)

What lies between the named value and what is differentiated becomes a graph of its own (see `bodies.py`), so
that it makes no difference in which block the call stands. A name by which something is differentiated
stands for a value of its own: `named` keeps it apart from other names of the same node.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Note

from .. import ops
from ..ir import Graph, Node, NonDiff, topological
from ..ops.derivatives import DERIVATIVES
from ..ops.own import has_own_adjoints
from ..passes.autodiff import NotDifferentiable, active_values
from ..passes.derivatives import derivative_graph
from ..types import TUPLE
from .bodies import close
from .context import NODE_LIMIT, Assumption, Context, Own
from .expressions import Evaluator
from .scope import Binding
from .values import POISON, Poison, Static, Value, as_real, describe

CODE = "E0305"
GROWTH = 4  # a derivative has at most so many times the operations of what it is one of
INSTEAD = "take its `grad`, or give the function an adjoint that is linear in the cotangent"
USAGE = {"grad": "grad(L, W)", "jvp": "jvp(y, x, v)"}
_CALL = re.compile(rf"\b(?:{'|'.join(USAGE)})\b\s*\(")


# --- names ---------------------------------------------------------------------------------------


def names_differentiated_by(model: ast.Model) -> Iterator[str]:
    """The names that a file differentiates by."""
    stack: list[object] = [model.statements] if _CALL.search(model.source.text) else []
    while stack:
        part = stack.pop()
        if isinstance(part, tuple):
            stack.extend(part)
        elif isinstance(part, ast.Syntax):
            stack.extend(getattr(part, f.name) for f in fields(part))
        if isinstance(part, ast.Call) and part.func.id in USAGE:
            places = part.args[1:] if part.func.id == "grad" else part.args[1:2]
            yield from (name.id for name in places if isinstance(name, ast.Name))


def own_value(evaluator: Evaluator, name: ast.Name, value: Value) -> Value:
    """The value that a name gets: one of its own, where something is differentiated by such a name."""
    context = evaluator.context
    if name.id in context.files.differentiated_by and isinstance(value, Node) and value.type.kind == "real":
        return context.made(ops.named(value), name.span)
    return value


def without_own(graph: Graph) -> Graph:
    """The graph in which names stand for what they are names of."""
    named = ops.named
    if named not in graph.ops:
        return graph
    return graph.rewrite(
        lambda node, args: args[0] if node.op is named else node.with_args(args), deep="named"
    )


# --- calls ---------------------------------------------------------------------------------------


def gradient(evaluator: Evaluator, expr: ast.Call) -> Value:
    """`grad(L, W)`, and `grad(L, W1, W2)`, a tuple."""
    if len(expr.args) < 2 or expr.keywords:
        return _misfit(evaluator, expr)
    target = evaluator.node(expr.args[0])
    names = [_named(evaluator, expr, arg) for arg in expr.args[1:]]
    known = [name for name in names if isinstance(name, Node)]
    if isinstance(target, Poison) or len(known) < len(names) or not _is_scalar(evaluator, expr, target):
        return POISON
    found = tuple(
        _derivative(evaluator, expr, as_real(target), arg, wrt) for arg, wrt in zip(expr.args[1:], known)
    )
    if any(isinstance(value, Poison) for value in found):
        return POISON
    return found[0] if len(found) == 1 else found


def directional(evaluator: Evaluator, expr: ast.Call) -> Value:
    """`jvp(y, x, v)`."""
    if len(expr.args) != 3 or expr.keywords:
        return _misfit(evaluator, expr)
    value, wrt = evaluator.node(expr.args[0]), _named(evaluator, expr, expr.args[1])
    direction = evaluator.node(expr.args[2])
    if isinstance(value, Poison) or isinstance(wrt, Poison) or isinstance(direction, Poison):
        return POISON
    if direction.shape != wrt.shape or direction.type.kind == "bool":
        notes = evaluator.declared(expr.args[1])
        label = f"expected {wrt.type}, found {direction.type}"
        return evaluator.context.report(
            "E0203", "a direction has the shape of what it moves", expr.args[2].span, label, notes
        )
    return _derivative(evaluator, expr, as_real(value), expr.args[1], wrt, as_real(direction))


DERIVATIVE_CALLS = {"grad": gradient, "jvp": directional}


def _misfit(evaluator: Evaluator, expr: ast.Call) -> Poison:
    for operand in expr.args:
        evaluator.value(operand)
    name = expr.func.id
    label = f"it is {USAGE[name]}"
    return evaluator.context.report("E0205", f"arguments that do not fit `{name}`", expr.span, label)


def _is_scalar(evaluator: Evaluator, expr: ast.Call, target: Node) -> bool:
    if target.type.kind != "bool" and not target.rank:
        return True
    text = " ".join(expr.args[0].span.text.split())
    short = text if len(text) < 30 else "…"
    help_text = f"reduce it: `sum({short})` or `mean({short})`" if target.rank else ""
    evaluator.context.report(
        CODE, "a gradient is one of a real scalar", expr.args[0].span, f"found {target.type}", help=help_text
    )
    return False


def _named(evaluator: Evaluator, expr: ast.Call, arg: ast.Expr) -> Node | Poison:
    """The value of a name to differentiate by."""
    context = evaluator.context
    if not isinstance(arg, ast.Name):
        evaluator.value(arg)
        help_text = "give the value a name above, compute with that name, and differentiate by it"
        message = f"`{expr.func.id}` differentiates by a named value"
        return context.report(CODE, message, arg.span, "", help=help_text)
    value = evaluator.value(arg)
    if isinstance(value, Poison):
        return POISON
    binding = evaluator.scope.find(arg.id)
    notes = () if binding is None else (Note(binding.span, f"{arg.id} is defined"),)
    if binding is None or not isinstance(value, Node) or value.type.kind != "real":
        label = describe(value) if binding is not None else "a constant of the language"
        help_text = _way_out(arg, binding, value)
        return context.report(CODE, f"`{arg.id}` is no real value", arg.span, label, notes, help_text)
    return value


def _way_out(arg: ast.Name, binding: Binding | None, value: Value) -> str:
    if isinstance(value, tuple):
        return f"take it apart: `a, b = {arg.id}`"
    if isinstance(value, Static) and binding is not None and value.dim.known is not None:
        return f"write {value.dim}.0 where it gets its value"
    return ""


# --- the graph that is differentiated ---------------------------------------------------------------


def _derivative(
    evaluator: Evaluator,
    expr: ast.Call,
    value: Node,
    name: ast.Expr,
    wrt: Node,
    direction: Node | None = None,
) -> Value:
    """The derivative of a value by another, along a direction where one is given."""
    context = evaluator.context
    context.made(value, expr.args[0].span)
    context.made(wrt, name.span)  # it may come of another file
    order = topological([value])
    past = list(_past(context, order, wrt))
    below = _below(order, [wrt])
    if value not in {wrt, *below} & active_values(order, frozenset([wrt])):
        return _independent(evaluator, expr, name, order, wrt, past)
    for own, state in past:
        own.assumptions.append(Assumption(state, wrt, name.span, expr.args[0].span))
    closed = close(context, evaluator.scope, Own(below), (), [[("value", value)]])
    body, given = closed.graphs[0], closed.given
    context.node_count += (GROWTH - 1) * cost(body)
    if context.node_count > NODE_LIMIT:
        return context.stop(expr.span)
    place = given.index(wrt)
    if direction is None:
        return context.made(ops.gradient(*given, body=body, wrt=place), expr.span)
    reason = _no_forward_mode(body, place)
    if reason:
        return context.report(CODE, "no derivative along a direction", expr.span, reason, help=INSTEAD)
    return context.made(ops.directional(direction, *given, body=body, wrt=place), expr.span)


def _no_forward_mode(body: Graph, wrt: int) -> str:
    """Why a body has no derivative along a direction; none that the compiler knows lacks one."""
    if has_own_adjoints(body):
        try:
            derivative_graph("directional", without_own(body), wrt)
        except NotDifferentiable as problem:
            return str(problem)
    return ""


def _below(order: Iterable[Node], starts: Collection[Node]) -> set[Node]:
    """The values that may have a slope in some others, arguments first."""
    found: set[Node] = set()
    for node in order:
        varies = node.type.kind in ("real", TUPLE) and node.op is not ops.stop_gradient
        if varies and node not in starts and any(arg in starts or arg in found for arg in node.args):
            found.add(node)
    return found


def _independent(
    evaluator: Evaluator,
    expr: ast.Call,
    name: ast.Expr,
    order: Sequence[Node],
    wrt: Node,
    past: Sequence[tuple[Own, Node]],
) -> Poison:
    """Report a value that does not depend on what it is to be differentiated by, or by no slope."""
    context, span = evaluator.context, expr.args[0].span
    for own, state in past:
        if {wrt, *_below(topological(own.carried[state]), [wrt])}.intersection(own.carried[state]):
            return report_past(context, state, Assumption(state, wrt, name.span, span))
    below = {wrt, *_below(order, [wrt])}
    border = [node for node in order if node not in below and below.intersection(node.args)]
    label = next((f"{n.op.name}: {n.op.vjp.reason}" for n in border if isinstance(n.op.vjp, NonDiff)), "")
    if any(node.op is ops.stop_gradient for node in border):
        label = "stop_gradient: nothing is differentiated through it"
    message = f"what is differentiated does not depend on `{name.span.text}`"
    return context.report(CODE, message, span, label, evaluator.declared(name))


# --- what a loop carries ----------------------------------------------------------------------------


def _past(context: Context, order: Iterable[Node], wrt: Node) -> Iterator[tuple[Own, Node]]:
    """The carried values of loops around us that have come about before the value `wrt` of outside them."""
    used = [node for node in order if node.op.name == "argument"]
    for own in reversed(context.bodies):
        if wrt in own.nodes or wrt in own.carried:
            return
        yield from ((own, node) for node in used if node in own.carried and node is not wrt)


def check_assumptions(context: Context, own: Own, ends: Mapping[Node, Node]) -> None:
    """Report each derivative that misses how a carried value depends on what it is by, by earlier steps."""
    for assumption in own.assumptions:
        if assumption.state in _reached(own.carried, ends, assumption.wrt):
            report_past(context, assumption.state, assumption)


def _reached(starts: Mapping[Node, Sequence[Node]], ends: Mapping[Node, Node], wrt: Node) -> set[Node]:
    """The carried values that depend on a value of outside the loop, at some step."""
    values = {state: [*first, *([ends[state]] if state in ends else [])] for state, first in starts.items()}
    order = topological(value for both in values.values() for value in both)
    found: set[Node] = set()
    while True:
        below = {wrt, *found, *_below(order, [wrt, *found])}
        fresh = {state for state, both in values.items() if below.intersection(both)} - found
        if not fresh:
            return found
        found |= fresh


def report_past(context: Context, state: Node, assumption: Assumption) -> Poison:
    name = assumption.name.text
    message = f"`{state['name']}` depends on `{name}` by the steps before"
    label = "the derivative of a step does not see these"
    help_text = f"differentiate by `{state['name']}`, or by `{name}` after the loop"
    return context.report(CODE, message, assumption.span, label, (), help_text)


@lru_cache(maxsize=1024)
def cost(graph: Graph) -> int:
    """How many operations a graph has once the derivatives in it are expanded."""
    return sum(
        1 + (GROWTH if node.op in DERIVATIVES else 1) * sum(map(cost, node.subgraphs()))
        for node in graph.nodes()
    )
