"""Graphs as text and back: what `--dump=ir` shows and what the tests of passes are written in.

One node a line, arguments first; a comment has its line in the source (`'` marks an adjoint):

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import REAL
>>> x = ops.argument("x", REAL)
>>> print(print_graph(Graph((x,), (("f", ops.exp(x) * 2.0),))), end="")
%0 x: real = argument()
%1: real = exp(%0)
%2: real = const(2.0)
%3: real = mul(%1, %2)
return f=%3

`parse_graph` reads that back. Dims stand in angle brackets where they are attributes (`shape=(<N>, <2*D>)`)
so that the dim 3 is not the number 3; an array constant is `real[[1.0, 2.0]]`. What is not in the text does
not come back: the places in the source.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .ir import Graph, Literal, Node
from .types import Dim, Type


class Numbering:
    """Numbers the nodes of a graph, and writes them."""

    def __init__(self, graph: Graph, nodes: Iterable[Node]):
        self.graph = graph
        self.numbers: dict[Node, int] = {}
        for node in (*graph.inputs, *nodes):
            self.numbers.setdefault(node, len(self.numbers))

    def label(self, node: Node) -> str:
        """`%3 h`: the number, and the name where there is one."""
        name = node["name"] if node.op.name == "argument" else self.graph.names.get(node, "")
        return f"%{self.numbers[node]} {name}".rstrip()

    def line(self, node: Node) -> str:
        """`%3 h: real[N] = exp(%1)  # 17:5 h = exp(x)`."""
        parts = [f"%{self.numbers[arg]}" for arg in node.args]
        if node.op.name == "const":
            parts = [value_text(node["value"])]
        elif node.op.name != "argument":
            parts += [f"{name}={value_text(value)}" for name, value in node.attrs]
        text = f"{self.label(node)}: {node.type} = {node.op.name}({', '.join(parts)})"
        comment = self._comment(node)
        return f"{text}  # {comment}" if comment else text

    def _comment(self, node: Node) -> str:
        origins = self.graph.origins.get(node, ())
        if not origins:
            return ""
        places = [f"{o.span.line}:{o.span.column}" + "'" * o.adjoint for o in origins]
        return f"{' '.join(places)} {origins[0].span.text.splitlines()[0]}"


def print_graph(graph: Graph) -> str:
    """The graph as text, a line for each node and one for the outputs."""
    nodes = graph.nodes()
    numbering = Numbering(graph, nodes)
    outputs = ", ".join(f"{name}=%{numbering.numbers[node]}" for name, node in graph.outputs)
    lines = [numbering.line(node) for node in numbering.numbers]
    return "\n".join([*lines, f"return {outputs}".rstrip()]) + "\n"


def value_text(value: Any) -> str:
    """An attribute as text; `irparse` reads it."""
    if isinstance(value, Dim):
        return f"<{value}>"
    if isinstance(value, Literal):
        return f"{Type(value.kind, tuple(map(Dim.of, value.shape)))} {value}"
    if isinstance(value, tuple):
        inner = ", ".join(map(value_text, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, Graph):
        body = "".join(f"    {line}\n" for line in print_graph(value).splitlines())
        return f"{{\n{body}}}"
    return repr(value)
