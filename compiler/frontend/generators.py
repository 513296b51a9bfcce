"""`sum(f(i) for i in range(N))`: a loop that adds; or one that stacks its values, for any other reduction.

sum(w[i] * x[i] for i in range(N))     loop(N, 0.0, w, x; body: (i, total, w, x) -> total + w[i] * x[i])
max(abs(x[i]) for i in range(N))       max of the stack, along its first axis
"""

from __future__ import annotations

from autodiffc.grammar import ast

from .. import ir, ops
from ..ir import OPS, Graph, Node
from ..ops.checks import guarded
from ..types import INT, Dim, Kind, Type
from .blocks import too_deep
from .bodies import close
from .context import Own
from .expressions import Evaluator
from .ranges import Steps, steps_of
from .signature import BUILTINS, fit
from .values import POISON, Poison, Static, Value, as_kind, as_real

_ADDED = {"sum": ("add", 0), "mean": ("add", 0), "prod": ("mul", 1)}


def reduced(evaluator: Evaluator, expr: ast.Call, generator: ast.Generator) -> Value:
    """The value of a reduction over what a generator gives."""
    name, context = expr.func.id, evaluator.context
    if "axis" not in BUILTINS[name].names:
        message = f"`{name}` reduces no generator"
        return context.report("E0205", message, generator.span, help="sum, mean, prod, max and min do")
    if too_deep(evaluator, generator.span, True):
        return POISON
    steps = steps_of(evaluator, generator.variable, generator.bounds, generator.span)
    if steps is None:
        return POISON
    number = ops.argument(steps.name, INT)
    with context.body() as own, evaluator.scope.block():
        steps.begin(evaluator, number)
        element = evaluator.node(generator.element)
    if isinstance(element, Poison):
        return POISON
    if name in _ADDED:
        return _accumulated(evaluator, expr, generator, steps, number, own, element)
    if any(symbol.startswith("_steps") for symbol in steps.length.symbols):
        help_text = "write the loop out, with the value so far as a carried value"
        message = f"`{name}` over a range whose length only run time knows"
        return context.report("E0205", message, generator.span, help=help_text)
    stacked = _loop(evaluator, generator, steps, own, [number], [], [("rows", element)])
    return context.made(_node(fit(BUILTINS[name], [stacked], {"axis": Static(Dim.of(0))})), expr.span)


def _node(value: Value) -> Node:
    assert isinstance(value, Node)
    return value


def _accumulated(
    evaluator: Evaluator,
    expr: ast.Call,
    generator: ast.Generator,
    steps: Steps,
    number: Node,
    own: Own,
    element: Node,
) -> Node:
    """The sum, the mean or the product, step by step."""
    context, name = evaluator.context, expr.func.id
    op, first = _ADDED[name]
    kind: Kind = "real" if name == "mean" or element.type.kind == "real" else "int"
    total = ops.argument("total", Type(kind, element.shape))
    context.bodies.append(own)
    new = context.made(OPS[op](total, as_kind(element, kind)), generator.span)
    context.bodies.pop()
    start = ir.const(float(first) if kind == "real" else first)
    initial = ops.broadcast_to(start, shape=element.shape) if element.rank else start
    result = _loop(evaluator, generator, steps, own, [number, total], [initial], [("total_new", new)])
    if name == "mean":
        result = result / as_real(steps.count)
    return context.made(result, expr.span)


def _loop(
    evaluator: Evaluator,
    generator: ast.Generator,
    steps: Steps,
    own: Own,
    parameters: list[Node],
    initial: list[Node],
    results: list[tuple[str, Node]],
) -> Node:
    """The first result of a loop over the generator's steps."""
    context = evaluator.context
    results = [(name, guarded(node, own.checks)) for name, node in results]
    closed = close(context, evaluator.scope, own, parameters, [results])
    body: Graph = closed.graphs[0]
    node = ops.loop(
        steps.count, *initial, *closed.given, body=body, carried=len(initial), length=steps.length
    )
    result = context.made(ops.item(node, position=0), generator.span)
    if own.checks:
        context.checks.append(result)
    return result
