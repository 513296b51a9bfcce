"""Products over several axes and pools as simpler ops, whose memory can be given (-O2).

    tensordot(K, patches, 3)        →     (reshape(K) @ reshape(patches)) in the shape of the result
    x.take(_window_argmax(x))       →     the largest of each window, without its place
    broadcast_to(v, …) @ W          →     broadcast_to(v @ W, …)

A product of matrices writes into memory that is there, which np.tensordot cannot; and where axes that are
summed are the first or the last ones, their matrix is no copy. What a convolution gives is a view with two
axes swapped: the slopes of pools of it are put into memory that lies as it does.
"""

from __future__ import annotations

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node
from ..types import size_of
from .cse import Interner
from .rules.spread import product_of_equals, reshaped

LOWERED = frozenset({ops.tensordot, ops.take_flat, ops.put_flat})
REPEATED = frozenset({ops.matmul, ops.broadcast_to})


@record(frozen=True)
class Lower:
    name: str = "lower"

    def run(self, graph: Graph) -> Graph:
        if graph.ops.isdisjoint(LOWERED) and not graph.ops >= REPEATED:
            return graph
        lowering = _Lowering()
        return graph.rewrite(lambda node, args: lowering.image(node.with_args(args)), deep=self.name)


class _Lowering:
    """One look through a graph; `swapped` are values whose first two axes are swapped in memory."""

    def __init__(self) -> None:
        self.intern = Interner()
        self.swapped: set[Node] = set()

    def image(self, node: Node) -> Node:
        found = self._lowered(node)
        elementwise = found.op.elementwise and any(
            a in self.swapped and a.shape == found.shape for a in found.args
        )
        if elementwise or (found.op is ops.transpose and found["axes"][:2] == (1, 0)):
            self.swapped.add(found)
        return found

    def _lowered(self, node: Node) -> Node:
        if node.op is ops.tensordot and node.rank:
            return self._product(node)
        if node.op is ops.matmul:
            return product_of_equals(node) or node
        if node.op not in (ops.take_flat, ops.put_flat) or node.args[1].op is not ops.window_argmax:
            return node
        values, places = node.args
        (x,) = places.args
        if node.op is ops.take_flat:
            return ops.window_max(x, **dict(places.attrs)) if values is x else node
        if x not in self.swapped or values.shape != places.shape:
            return node
        places = self.intern(ops.window_argmax(_swapped(x), **dict(places.attrs)))
        return _swapped(ops.put_flat(_swapped(values), places, shape=_swapped(x).shape))

    def _product(self, node: Node) -> Node:
        """A product of two matrices."""
        (a, b), (summed_a, summed_b) = node.args, node["axes"]
        product = self._matrix(a, summed_a, True) @ self._matrix(b, summed_b, False)
        found = product_of_equals(product) or product
        return found if found.shape == node.shape else reshaped(found, node.shape)

    def _matrix(self, x: Node, summed: tuple[int, ...], last: bool) -> Node:
        """An array as a matrix, of which the last axis (or the first) holds the elements of summed axes."""
        axes = tuple(range(x.rank))
        kept = tuple(axis for axis in axes if axis not in summed)
        wanted, turned = ((kept, summed), (summed, kept))[:: 1 if last else -1]
        parts = turned if turned[0] + turned[1] == axes != wanted[0] + wanted[1] else wanted
        order = parts[0] + parts[1]
        ordered = x if order == axes else self.intern(ops.transpose(x, axes=order))
        shape = tuple(size_of(tuple(x.shape[axis] for axis in part)) for part in parts)
        matrix = ordered if ordered.shape == shape else self.intern(ops.reshape(ordered, shape=shape))
        return matrix if parts is wanted else ops.transpose(matrix, axes=(1, 0))


def _swapped(x: Node) -> Node:
    axes = (1, 0, *range(2, x.rank))
    return x.args[0] if x.op is ops.transpose and x["axes"] == axes else ops.transpose(x, axes=axes)
