"""Fused ops in terms of their parts.

    %1 = log_softmax(%0)         %1 = max(%0), %2 = sub(%0, %1), %3 = exp(%2), %4 = sum(%3), …

Softmax, logsumexp, var and their kin are single ops while rules match and derivatives are taken: each has
an adjoint that is stable and cheap. Afterwards their parts are laid open, so that CSE lets the forward and
the backward pass share them: one exponential serves a cross-entropy and its gradient.
"""

from __future__ import annotations

from autodiffc.grammar.records import record

from ..ir import Graph, Node


@record(frozen=True)
class Expand:
    name: str = "expand"

    def run(self, graph: Graph) -> Graph:
        if all(op.expand is None for op in graph.ops):
            return graph
        after = graph.rewrite(_step, deep="expand")
        while after is not graph:  # parts may have parts
            graph, after = after, after.rewrite(_step, deep="expand")
        return graph


def _step(node: Node, args: tuple[Node, ...]) -> Node:
    new = node.with_args(args)
    if new.op.expand is None:
        return new
    return new.op.expand(*new.args, **dict(new.attrs))
