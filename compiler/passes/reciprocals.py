"""Arrays are multiplied by the reciprocals of powers of two, not divided by these (-O2).

    -x**2 / 2.0     →     x**2 * -0.5

The quotient is the same to the bit, and NumPy multiplies in two thirds of the time that it divides in.
"""

from __future__ import annotations

from math import frexp

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node, const, const_value

LARGEST = 100  # exponent: single precision has the reciprocal too


@record(frozen=True)
class Reciprocals:
    name: str = "reciprocals"

    def run(self, graph: Graph) -> Graph:
        if ops.div not in graph.ops:
            return graph
        return graph.rewrite(lambda node, args: _multiplied(node.with_args(args)), deep=self.name)


def _multiplied(node: Node) -> Node:
    if node.op is not ops.div or not node.args[0].rank:
        return node
    divisor = const_value(node.args[1])
    if not isinstance(divisor, float) or not _is_power_of_two(divisor):
        return node
    return ops.mul(node.args[0], const(1.0 / divisor))


def _is_power_of_two(number: float) -> bool:
    """Whether a number is one, or the negative of one, that has an exact reciprocal."""
    mantissa, exponent = frexp(number)
    return abs(mantissa) == 0.5 and abs(exponent) < LARGEST
