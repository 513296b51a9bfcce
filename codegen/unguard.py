"""Graphs for which Python may raise where IEEE 754 has infinity or NaN.

    gate(g * (x / h), h != 0)      →     g * (x / h)          for h = 0 raises in x / h
    1 / nonnegative(x)             →     1 / x                where log(x) has been computed: x > 0

The fast form of a function on Python's floats lets exceptions happen (`Op.plain`), and the caller computes
anew with guards. What raises for some argument holds for it from there on (`Op.demands`), wherever the
order of the statements puts it: all that an output needs whatever the conditions has been computed when
the function returns. What stands on one side of a condition alone demands nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from autodiffc.compiler import ops
from autodiffc.compiler.ir import Graph, Node, const_value, fact

from .trees import children

IMPLIED = {"positive": ("positive", "nonnegative", "nonzero")}
GUARDS = frozenset({ops.nonnegative, ops.abs, ops.gate, ops.gate_finite, ops.xlogy})
THROUGH = frozenset({"neg", "abs"})  # nonzero, as their argument is
CHAIN = 12  # factors of a product that are looked at
Facts = dict[Node, frozenset[str]]


def unguarded(graph: Graph, given: Mapping[Node, frozenset[str]] = {}) -> Graph:
    """The graph without the guards that exceptions make needless; `given` is known of its inputs."""
    if not graph.bodies and graph.ops.isdisjoint(GUARDS):
        return graph
    known = _facts(graph, given)

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        new = node.with_args(args)
        if node.op is ops.xlogy and node.args[0] is node.args[1]:
            return args[0] * ops.log(args[1])
        if _is_needless(node, known):
            return args[0]
        bodies = list(node.subgraphs())
        return new.map_subgraphs(lambda body: unguarded(body, _given(body, node, known))) if bodies else new

    return graph.rewrite(step)


@fact
def raises(graph: Graph) -> bool:
    """Whether the plain form of a step may raise."""
    return any(map(is_guarded, graph.nodes())) or any(map(raises, graph.bodies))


def is_guarded(node: Node) -> bool:
    """Whether a step on Python's numbers has a plain form, and another with guards."""
    op = node.op
    if op.plain is None or op.scalar is None or not node.on_numbers:
        return False
    return _text(op.plain, node) != _text(op.scalar, node)


def _text(fact: str | Callable[..., str], node: Node) -> str:
    return fact if isinstance(fact, str) else fact(node, str)


def _is_needless(node: Node, known: Facts) -> bool:
    """Whether a guard passes its first argument on wherever nothing has raised."""
    name = node.op.name
    if name == "nonnegative":
        return _is_positive(node.args[0], known)
    if name == "abs":
        return "positive" in known.get(node.args[0], ())
    if name in ("gate", "gate_finite"):
        return _apart_from_zero(node.args[1]) is not None and _holds(node, known)
    return False


def _is_positive(node: Node, known: Facts) -> bool:
    if "positive" in known.get(node, ()):
        return True
    shifted = node.op is ops.add and 1.0 in (const_value(a) for a in node.args)
    return shifted and any("above -1" in known.get(a, ()) for a in node.args)


def _apart_from_zero(condition: Node) -> Node | None:
    """The x of `x != 0`."""
    if condition.op is not ops.not_equal:
        return None
    x, y = condition.args
    return x if const_value(y) == 0.0 else y if const_value(x) == 0.0 else None


def _holds(gate: Node, known: Facts) -> bool:
    value, condition = gate.args
    tested = _apart_from_zero(condition)
    return tested is not None and ("nonzero" in known.get(tested, ()) or tested in _divisors(value))


def _divisors(node: Node) -> Iterator[Node]:
    """What a product of quotients divides by."""
    waiting = [node]
    for _ in range(CHAIN):
        if not waiting:
            return
        current = waiting.pop()
        if current.op is ops.div:
            yield current.args[1]
            waiting.append(current.args[0])
        elif current.op in (ops.mul, ops.neg):
            waiting.extend(current.args)


def _facts(graph: Graph, given: Mapping[Node, frozenset[str]]) -> Facts:
    """What holds of the values of a graph when all of it has been computed without an exception."""
    known: Facts = dict(given)
    sure = {node for _, node in graph.outputs}
    for node in reversed(graph.nodes()):
        if node not in sure:
            continue
        lazy = _lazy(node)
        sure.update(a for p, a in zip(node.op.params, node.args) if p not in lazy)
        if is_guarded(node):
            for parameter, arg in zip(node.op.params, node.args):
                _learn(arg, node.op.demands.get(parameter, ""), known)
        if node.op is ops.xlogy and node.args[0] is node.args[1]:
            _learn(node.args[0], "positive", known)
        if node.op.name in THROUGH and "nonzero" in known.get(node, ()):
            _learn(node.args[0], "nonzero", known)
    return known


def _learn(node: Node, fact: str, known: Facts) -> None:
    if fact:
        known[node] = known.get(node, frozenset()) | set(IMPLIED.get(fact, (fact,)))


def _given(body: Graph, node: Node, known: Facts) -> dict[Node, frozenset[str]]:
    """What is known of a body's inputs; of carried values and the number of the step nothing is."""
    first = node["carried"] + 1 if node.op is ops.loop else 0
    operands = node.args[first + (node.op is not ops.loop) :]
    return {i: known[a] for i, a in zip(body.inputs[first:], operands) if a in known}


def _lazy(node: Node) -> frozenset[str]:
    """The arguments that a step may leave uncomputed."""
    if not (node.on_numbers and node.op.elementwise):
        return frozenset()
    return _lazy_names(_text(node.op.plain or node.op.scalar or node.op.py, node), node.op.params)


@lru_cache(maxsize=4096)
def _lazy_names(text: str, params: tuple[str, ...]) -> frozenset[str]:
    """The names of an expression that conditions may leave unread."""
    read: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(text, mode="eval").body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            read.add(node.id)
        elif isinstance(node, ast.IfExp):
            waiting.append(node.test)
        elif isinstance(node, ast.BoolOp):
            waiting.append(node.values[0])
        else:
            waiting.extend(children(node))
    return frozenset(params) - read
