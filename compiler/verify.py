"""The verifier: is a graph well formed? It observes every pass in the tests.

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import REAL
>>> verify(Graph((), (("f", ops.argument("x", REAL)),)), "lower")
Traceback (most recent call last):
    ...
autodiffc.compiler.verify.InternalError: after lower: %0 x is an argument, but not an input of the graph
  >> %0 x: real = argument()
"""

from __future__ import annotations

from collections.abc import Iterator

from .ir import Graph, Literal, Node, const
from .irtext import Numbering
from .passes.base import Pass
from .passes.dce import Dce
from .types import Type, TypeProblem

AROUND = 3  # lines of IR shown before and after the faulty one


class InternalError(Exception):
    """A fault of the compiler, never of the model: names the pass and shows the IR around it."""


def verify(graph: Graph, pass_name: str) -> None:
    """Raise InternalError at the first node that is not well formed."""
    nodes = graph.nodes()
    inputs = set(graph.inputs)
    for node in nodes:
        for problem in _problems(node, inputs):
            raise _error(graph, nodes, node, pass_name, problem)
    live = inputs.union(nodes)
    for node, name in graph.names.items():
        if node not in live:
            raise InternalError(f"after {pass_name}: {name} names {node!r}, which no output needs")


def verifying(pass_: Pass, before: Graph, after: Graph) -> None:
    """An observer of passes: verifies what each gives. Names of dead nodes are dce's to drop."""
    verify(Dce().run(after), pass_.name)


def _problems(node: Node, inputs: set[Node]) -> Iterator[str]:
    if node.is_pattern:
        yield "is a pattern variable"
    elif node.op.name == "argument":
        if node not in inputs:
            yield "is an argument, but not an input of the graph"
    elif node.op.params and not _arity_fits(node):
        yield f"has {len(node.args)} arguments, {node.op.name} takes {len(node.op.params)}"
    else:
        yield from _type_problems(node)
    for graph in node.subgraphs():
        verify(graph, f"a sub-graph of {node.op.name}")


def _arity_fits(node: Node) -> bool:
    variadic = node.op.params[-1].startswith("*")
    fixed = len(node.op.params) - variadic
    return len(node.args) >= max(fixed, 1) if variadic else len(node.args) == fixed


def _type_problems(node: Node) -> Iterator[str]:
    try:
        expected = type_of(node)
    except TypeProblem as problem:
        yield f"does not type: {problem}"
        return
    if expected != node.type:
        yield f"has type {node.type}, its op gives {expected}"


def type_of(node: Node) -> Type:
    """The type that a node's op gives it."""
    if node.op.name == "argument":
        stated: Type = node["type"]
        return stated
    if node.op.name == "const":
        value = node["value"]
        return const(value.array if isinstance(value, Literal) else value).type
    return node.op.infer(*(arg.type for arg in node.args), **dict(node.attrs))


def _error(graph: Graph, nodes: list[Node], node: Node, pass_name: str, problem: str) -> InternalError:
    numbering = Numbering(graph, nodes)
    position = nodes.index(node)
    shown = nodes[max(0, position - AROUND) : position + AROUND + 1]
    lines = [f"  {'>>' if n is node else '  '} {numbering.line(n)}" for n in shown]
    return InternalError("\n".join([f"after {pass_name}: {numbering.label(node)} {problem}", *lines]))
