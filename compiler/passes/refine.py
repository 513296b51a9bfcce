"""The precise profile: ops whose adjoints lose digits in the far tails, in the form that keeps them.

    %1 = sigmoid(%0)        ->      %1 = tight_sigmoid(%0)

Runs before differentiation, so that the rules of `ops/precise.py` are the ones that are used.
"""

from __future__ import annotations

from autodiffc.grammar.records import record

from ..ir import Graph, Node
from ..ops.precise import PRECISE


@record(frozen=True)
class Refine:
    name: str = "refine"

    def run(self, graph: Graph) -> Graph:
        return graph.rewrite(_step, deep=self.name)


def _step(node: Node, args: tuple[Node, ...]) -> Node:
    op = PRECISE.get(node.op.name)
    return node.with_args(args) if op is None else op(*args, **dict(node.attrs))
