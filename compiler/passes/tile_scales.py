"""Numbers that the rows of tiles are multiplied by, taken out of the sums over them (-O2).

    d_w = tiled(r, x, s; body: sum(r / s * x, axis=0))
    ->  d_w = tiled(r, x; body: sum(r * x, axis=0)) / s

A sum is smaller than the rows that it is made of, and one for all tiles. What is scaled may be read several
times, if by steps that are linear in it alone, up to sums. Only adjoints are changed: in which order their
factors are multiplied is the compiler's choice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node
from ..types import Dim
from .tile_regions import is_number, width_of

MOVES = frozenset({ops.neg, ops.reshape, ops.transpose, ops.broadcast_to, ops.sum})
DEEP = 6  # steps that a number is followed back
PRODUCTS = frozenset({ops.mul, ops.matmul, ops.outer})


@record(frozen=True)
class Scale:
    """A product of numbers over others."""

    sign: float = 1.0
    above: tuple[Node, ...] = ()
    below: tuple[Node, ...] = ()

    def times(self, other: Scale) -> Scale:
        return Scale(self.sign * other.sign, self.above + other.above, self.below + other.below)

    def of(self, array: Node, outside: Mapping[Node, Node]) -> Node:
        """The array scaled; `outside` are the numbers there."""
        above, below = (_product([outside[node] for node in nodes]) for nodes in (self.above, self.below))
        if above is None:
            scaled = array if below is None else array / below
            return scaled if self.sign > 0.0 else -scaled
        factor = above if self.sign > 0.0 else -above
        return (factor if below is None else factor / below) * array


ONE = Scale()


@record(frozen=True)
class TileScales:
    name: str = "tile_scales"

    def run(self, graph: Graph) -> Graph:
        if ops.tiled not in graph.ops:
            return graph
        tiles: dict[Node, _Tiles] = {}

        def step(node: Node, args: tuple[Node, ...]) -> Node:
            new = node.with_args(args)
            if node.op is ops.tiled:
                found = _Tiles(new)
                tiles[found.node] = found
                return found.node
            if node.op is ops.item and args[0] in tiles:
                return tiles[args[0]].completed(new)
            return new

        return graph.rewrite(step)


class _Tiles:
    """Tiles without the scales of sums; `taken_out` are these, by the positions of the results."""

    def __init__(self, tiled: Node):
        self.body: Graph = tiled["body"]
        self.outside = dict(_numbers(tiled))
        self.passing = _passing(self.body, _sums(tiled))
        self.scales: dict[Node, Scale] = {}
        body = self.body.rewrite(self._step)
        self.taken_out = {k: self.scales[n] for k, (_, n) in enumerate(self.body.outputs) if n in self.scales}
        if self.taken_out:
            tiled = _with_body(tiled, body)
        self.node = tiled

    def completed(self, item: Node) -> Node:
        """A result of the tiles with its scale."""
        scale = self.taken_out.get(item["position"])
        return scale.of(item, self.outside) if scale else item

    def _step(self, node: Node, args: tuple[Node, ...]) -> Node:
        new = node.with_args(args)
        if node not in self.passing:
            return new
        scale = ONE
        for arg in node.args:
            scale = scale.times(self.scales.get(arg, ONE))
        own = self._own(node, new)
        if own is not None:
            scale, new = scale.times(own[0]), own[1]
        if scale != ONE:
            self.scales[node] = scale
        return new

    def _own(self, node: Node, new: Node) -> tuple[Scale, Node] | None:
        """The number that a step of an adjoint scales by, and what it scales."""
        origins = self.body.origins.get(node, ())
        if not origins or not all(origin.adjoint for origin in origins):
            return None
        if node.op is ops.neg:
            return Scale(-1.0), new.args[0]
        for array, scale in (new.args, new.args[::-1])[
            : (node.op is ops.mul) + (node.op in (ops.mul, ops.div))
        ]:
            if not scale.rank and scale in self.outside and array.type == node.type:
                return (Scale(1.0, (scale,)) if node.op is ops.mul else Scale(1.0, (), (scale,))), array
        return None


def _with_body(tiled: Node, body: Graph) -> Node:
    """Tiles that have another body, which need not read all that they were given."""
    read = set(body.nodes())
    kept = [place for place, node in enumerate(body.inputs) if node in read]
    body = replace(body, inputs=tuple(body.inputs[place] for place in kept))
    attrs = {**dict(tiled.attrs), "axes": tuple(tiled["axes"][place] for place in kept)}
    return ops.tiled(
        *(tiled.args[place] for place in kept), **{**attrs, "body": body, "width": width_of(body, over=True)}
    )


def _sums(tiled: Node) -> set[Node]:
    """The results that are sums over tiles, and nothing else."""
    results = [node for _, node in tiled["body"].outputs]
    rows = {node for node, axis in zip(results, tiled["rows"]) if axis is not None}
    return {node for node in results if node.type.kind == "real"} - rows


def _passing(body: Graph, sums: Collection[Node]) -> set[Node]:
    """What is read by linear steps alone, up to sums."""
    found: set[Node] = set()
    outputs = {node for _, node in body.outputs}
    for node in reversed(body.nodes()):
        users = body.users.get(node, ())
        ends = node in sums if node in outputs else bool(users)
        if ends and all(user in found and _is_linear(user, node) for user in users):
            found.add(node)
    return found


def _is_linear(user: Node, node: Node) -> bool:
    """Whether a step is linear in one of its arguments."""
    if user.op is ops.div:
        return user.args[0] is node is not user.args[1]
    return user.op in MOVES or (user.op in PRODUCTS and user.args.count(node) == 1)


def _numbers(tiled: Node) -> Iterable[tuple[Node, Node]]:
    """The numbers that all rows have in common, with what scales a sum by them outside."""
    body, length = tiled["body"], tiled["length"]
    known = [(inner, outer) for inner, outer in zip(body.inputs, tiled.args) if not inner.rank]
    known += [(node, node) for node in body.nodes() if not node.rank and is_number(node)]
    for inner, outer in known:
        found = _of_rows(outer, length)
        if found is not None:
            yield inner, found


def _of_rows(number: Node, length: Dim, depth: int = DEEP) -> Node | None:
    """A number for a sum of at least one row: where there is none, a sum of 0 is not divided by 0.

    None where it is not told that it is finite then.
    """
    if number.op.name == "dim":
        count = number["dim"]
        if count.known is not None:
            return number
        return ops.dim_value(count.maximum(1)) if count == length and len(count.terms) == 1 else None
    if number.op.name in ("const", "argument"):
        return number
    if not depth or not (number.op.elementwise or number.op is ops.to_real):
        return None
    args = [_of_rows(arg, length, depth - 1) for arg in number.args]
    return None if None in args else number.with_args([arg for arg in args if arg is not None])


def _product(numbers: Iterable[Node]) -> Node | None:
    """The product of numbers; None for none."""
    total: Node | None = None
    for number in numbers:
        total = number if total is None else total * number
    return total
