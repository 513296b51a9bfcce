"""Small arrays of known sizes, computed number by number.

    h = sigmoid(x @ W + b)      →     h_0 = sigmoid(x_0 * W_00 + x_1 * W_10 + b_0)
                                      h_1 = sigmoid(x_0 * W_01 + x_1 * W_11 + b_1)

A call of NumPy costs as much as some ten operations on Python's floats. What an op makes of the elements is
what its reference makes of arrays of them: of objects that stand for nodes. So an op that moves, adds and
multiplies elements needs no rule here; one that looks at their values is left on arrays, as are large arrays
and those whose sizes only run time knows. A loop carries the numbers of small arrays from step to step.
"""

from __future__ import annotations

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node
from ..ops.control import item
from ..ops.unrolled import elements, packed
from ..types import TUPLE
from .unroll_numbers import Refused, Unrolled

MOST_OPS = 600  # of all numbers together
NUMBER, CALL = 40, 480  # nanoseconds of an op on floats, and on arrays
UNPACKED, PACKED = 110, 300  # of an array's elements as floats, and of floats as an array
STEPS = 20  # of a loop, for the prediction
FREE = frozenset({"argument", "const", "dim", "reshape", "transpose", "broadcast_to", "getitem"})


@record(frozen=True)
class Unroll:
    """A graph with its small arrays as numbers; the graph itself where these are too many.

    `loose` are the arguments that a branch may have left out.
    """

    loose: frozenset[str] = frozenset()
    most: int = 4 * MOST_OPS
    name: str = "unroll"

    def run(self, graph: Graph) -> Graph:
        try:
            return Unrolled(graph, [self.most], {n for n in graph.inputs if n["name"] in self.loose}).graph()
        except Refused:
            return graph


def pays(graph: Graph) -> bool:
    """Whether a model is quicker with its small arrays as numbers."""
    if not any(node.rank for node in graph.nodes()):
        return False
    try:
        after = Unrolled(graph, [MOST_OPS]).graph()
    except Refused:
        return False
    return _time(after) < _time(graph)


def _time(graph: Graph) -> int:
    """A rough prediction, in nanoseconds; what large arrays take is in both that are compared."""
    return sum(map(_cost, graph.nodes()))


def _cost(node: Node) -> int:
    if node.type.kind == TUPLE and node.op is not elements:
        times = STEPS if node.op is ops.loop else 1
        return times * sum(map(_time, node.subgraphs()))
    if node.op is elements:
        return UNPACKED
    if node.op is packed:
        return PACKED
    if node.op.name in FREE or node.op is item:
        return 0
    return CALL if node.rank or any(a.rank for a in node.args) else NUMBER
