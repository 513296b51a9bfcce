"""What is added to a part of an array only is added there (-O2).

    d_z + put(d_u, [:, H:])     ->     add_at(d_z, d_u, [:, H:])          d_z[:, H:] += d_u

No array of zeros is made, and nothing is added to the rest. For sums that are used for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node
from .bodies import has_body

PLAIN = frozenset({"slice", "at"})


@record(frozen=True)
class AddedParts:
    name: str = "added_parts"

    def run(self, graph: Graph) -> Graph:
        if ops.put not in graph.ops:
            return graph
        users = graph.users
        results = {node for _, node in graph.outputs}

        def step(node: Node, args: tuple[Node, ...]) -> Node:
            if has_body(node):
                return node.with_args(args).map_subgraphs(self.run)
            if node.op is not ops.add or node.args[0].type != node.args[1].type:
                return node.with_args(args)
            for place in (0, 1):
                if _is_part(node, place, users, results):
                    part = args[place]
                    return ops.add_at(args[1 - place], part.args[0], index=part["index"])
            return node.with_args(args)

        return graph.rewrite(step)


def _is_part(node: Node, place: int, users: Mapping[Node, Sequence[Node]], results: set[Node]) -> bool:
    """Whether the term at this place is a part alone, and the other is a value that may be overwritten."""
    part, rest = node.args[place], node.args[1 - place]
    if part.op is not ops.put or not (rest.op.elementwise or rest.op in (ops.matmul, ops.put, ops.add_at)):
        return False
    alone = all(len(users[arg]) == 1 and arg not in results for arg in node.args)
    return alone and all(item[0] in PLAIN for item in part["index"])
