"""Common subexpressions: nodes that compute the same value become one node.

    %1 = exp(%0)                 %1 = exp(%0)
    %2 = exp(%0)          →      %2 = mul(%1, %1)
    %3 = mul(%1, %2)

Two nodes are the same if op, arguments, attributes and type are. The operands of a commutative op may be
in either order; `maximum`, `minimum` and `where` are not among those, as their order decides ties. 1 and
1.0 and True are three constants, as are 0.0 and -0.0.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import field

from autodiffc.grammar.records import record

from ..ir import Graph, Node, attr_key


class Interner:
    """Gives every node the first one that computes the same.

    >>> from autodiffc.compiler.ir import const
    >>> intern = Interner()
    >>> one = intern(const(1.0))
    >>> intern(const(1.0)) is one, intern(const(1)) is one
    (True, False)
    """

    def __init__(self) -> None:
        self._first: dict[Hashable, Node] = {}
        self.representatives: set[Node] = set()

    def __call__(self, node: Node) -> Node:
        """The representative of a node whose arguments are representatives."""
        if node in self.representatives:
            return node
        first = node if node.op.name == "argument" else self._first.setdefault(node_key(node), node)
        self.representatives.add(first)
        return first


def node_key(node: Node) -> Hashable:
    """What two nodes on the same arguments must share to be the same value."""
    args = tuple(sorted(map(id, node.args))) if node.op.commutative else node.args
    return node.op, args, attr_key(node.attrs) if node.attrs else (), node.type


@record(frozen=True)
class Cse:
    """Run again, a pass goes on with the nodes that it knows, and looks at what is new since then."""

    known: Interner = field(default_factory=Interner, compare=False, repr=False)
    name: str = "cse"

    def run(self, graph: Graph) -> Graph:
        known = self.known

        def step(node: Node, args: tuple[Node, ...]) -> Node:
            return known(node.with_args(args))

        return graph.rewrite(step, deep=self.name, done=known.representatives)


@record(frozen=True)
class Reread:
    """For the teaching form: an adjoint, and what a function is made of, reads what the model has computed.

    Each value of the model stays a step of its own (it has a name), and so does all that is made of the
    cotangent `seed`. A softmax in two functions of the same values is computed once.
    """

    seed: Node
    name: str = "reread"

    def run(self, graph: Graph) -> Graph:
        first: dict[Hashable, Node] = {}
        moving = {self.seed}

        def step(node: Node, args: tuple[Node, ...]) -> Node:
            new = node.with_args(args)
            if not moving.isdisjoint(node.args):
                moving.add(node)
                return new
            if node.op.name == "argument":
                return new
            known = first.setdefault(node_key(new), new)
            origins = graph.origins.get(node, ())
            adjoint = origins and all(origin.adjoint for origin in origins)
            return known if adjoint or node not in graph.names else new

        return graph.rewrite(step)
