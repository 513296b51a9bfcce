"""Squared distances of many points from few centres, as one product (-O2).

    sum(((x - mu[:, None, :]) @ A)**2, axis=2)      real[K, N] of K * N * D differences
    ->  U @ pairs([x, 1].T)                         U of A and mu alone
    sum((x[:, None, :] - mu)**2, axis=2)
    ->  sum(x**2, axis=1)[:, None] + sum(mu**2, axis=1) - x @ (2 * mu).T

The square of an affine function of x is linear in the products of pairs of (x, 1): one product of matrices
gives all distances, and another one what the adjoint sums over the points. Each pair stands there once: row s
has the products of elements that are s apart, around the end.

It is a sum of numbers that may be much larger than it, so it is for data whose distances are not small beside
these, in the mean of the points; for other data the model is computed as it stands (`alternatives.py`). No
model is changed that could weigh near points more than others (a kernel, `exp(-distances)`), decides by
distances, or takes their root: what is nearest has the fewest digits, two that are the same may differ, and
those that are 0 be less. In a logsumexp over the centres each point weighs as much as another; as exponents
need digits after the point, however large they are, there the terms are limited, times what distances are
multiplied by on their way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node, Op, const
from ..ops.indexing import whole
from ..ops.shape import swap_last
from ..types import Dim, size_of
from .alternatives import Condition

MOST = 2.0**12  # of the terms of an exponent: some 40 bits are left after the point
SHARE = 2.0**-16  # of that in the mean distance from the nearest centre: of 53 bits some 36 are left
FEW = 8  # numbers of a centre, and centres
LEAST = 100_000  # numbers of all differences, for what else there is to compute
ONE, ZERO = Dim.of(1), Dim.of(0)

# What hands on multiples and sums of distances, all of them.
LINEAR = frozenset({
    "add", "sub", "mul", "div", "neg", "sum", "mean", "reshape", "transpose", "broadcast_to", "stack",
    "concatenate", "after",
})  # fmt: skip


@record(frozen=True)
class Quadratic:
    """A model with its distances as a product, and what must hold for that, the cheapest first."""

    graph: Graph
    conditions: tuple[Condition, ...]


def quadratic(graph: Graph, wrt: frozenset[str]) -> Quadratic | None:
    """The model with its squared distances as a product; None where it has none, or several."""
    sums = [node for node in graph.nodes() if _is_square_sum(node)]
    found = [(node, form) for node in sums if (form := _with_metric(node, wrt) or _without(node, wrt))]
    if len(found) != 1:
        return None
    ((node, made),) = found
    scales = _exponents(graph, node, made.points.shape[0])
    if scales is None:
        return None
    changed, conditions = graph.with_images({node: made.distances}), tuple(made.conditions(scales))
    names = {condition.node: condition.name for condition in conditions}
    told = graph.note("two ways", "squared distances as products where the data allow it", node)
    changed = changed.with_notes([told])
    return Quadratic(replace(changed, names={**changed.names, **made.names, **names}), conditions)


def _exponents(graph: Graph, distances: Node, count: Dim) -> list[Node] | None:
    """What distances are multiplied by in a logsumexp of them; None where they can't be a product.

    That is where more is made of them than sums over all points, so many as `count`, in which each weighs as
    much as another, of multiples and of their logsumexp over the centres.
    """
    multiples: dict[Node, Node | None] = {distances: const(1.0)}  # None: behind a logsumexp
    found: dict[Node, None] = {}
    made = {distances}
    for node in graph.nodes():
        own = [arg for arg in node.args if arg in made]
        if not own:
            continue
        made.add(node)
        if all(arg.rank == 0 for arg in own) and not any(node.subgraphs()):
            continue  # what is made of a sum
        factors = [factor for arg in own if (factor := multiples.get(arg)) is not None]
        if node.op is ops.logsumexp and count in node.shape and factors:
            found.update(dict.fromkeys(factors))
            multiples[node] = None
        elif node.op.name not in LINEAR or not _is_even(node, own, count):
            return None
        else:
            multiples[node] = _multiple(node, factors, made) if factors else None
    return [*found]


def _is_even(node: Node, own: Sequence[Node], count: Dim) -> bool:
    """Whether it is as linear as its op, and weighs all points alike."""
    if node.op is ops.div and node.args[1] in own:
        return False
    others = [arg for arg in node.args if arg not in own]
    return node.op not in (ops.mul, ops.div) or (len(others) == 1 and count not in others[0].shape)


def _multiple(node: Node, factors: Sequence[Node], made: Collection[Node]) -> Node:
    """What it is of distances at most, made of what are `factors` of them."""
    factor = reduce(ops.add, factors)
    if node.op is ops.mul:
        (other,) = (arg for arg in node.args if arg not in made)
        return factor * _extreme(ops.max, other)
    if node.op is ops.div:
        return factor / _extreme(ops.min, node.args[1])
    if node.op is ops.sum:
        count = size_of(tuple(node.args[0].shape[axis] for axis in node["axis"]))
        return factor * ops.cast(ops.dim_value(count), "real")
    return factor


def _extreme(of: Op, x: Node) -> Node:
    """The largest or the smallest size of a number, or of the elements of an array."""
    sizes = ops.abs(ops.cast(x, "real"))
    return of(sizes, axis=tuple(range(x.rank)), keepdims=False) if x.rank else sizes


def _is_square_sum(node: Node) -> bool:
    """Whether it is a sum of squares over the last axis of a stack of matrices."""
    if node.op is not ops.sum or node["keepdims"] or node.args[0].op is not ops.square:
        return False
    return node.args[0].rank == 3 and node["axis"] == (2,)


def _with_metric(node: Node, wrt: frozenset[str]) -> _Pairs | None:
    """Of points real[N, D] and centres real[K, D], with matrices real[K, D, M] that make the squares."""
    product = node.args[0].args[0]
    if product.op is not ops.matmul:
        return None
    difference, metric = product.args
    if difference.op is not ops.sub or difference.rank != 3 or metric.rank != 3:
        return None
    points, centres = difference.args
    if points.rank == 3:
        points, centres = centres, points
    count, width = metric.shape[0], metric.shape[1]
    if points.rank != 2 or centres.shape != (count, ONE, width) or points.shape[1] != width:
        return None
    if points.op.name != "argument" or points["name"] in wrt or difference.shape[1] != points.shape[0]:
        return None
    return _Pairs(points, ops.reshape(centres, shape=(count, width)), metric)


def _without(node: Node, wrt: frozenset[str]) -> _Lengths | None:
    """Of points real[N, D] and centres real[K, D], for all pairs of them."""
    difference = node.args[0].args[0]
    if difference.op is not ops.sub or any(arg.rank < 2 for arg in difference.args):
        return None
    first, second, width = difference.shape
    rows, columns = difference.args
    if rows.shape != (first, ONE, width):
        rows, columns = columns, rows
    if rows.shape != (first, ONE, width) or columns.shape not in ((second, width), (ONE, second, width)):
        return None
    found = [_flat(rows, first), _flat(columns, second)]
    points = [x for x in found if x.op.name == "argument" and x["name"] not in wrt]
    if len(points) != 1:
        return None
    turned = points[0] is found[1]
    return _Lengths(points[0], found[0 if turned else 1], turned)


def _flat(x: Node, count: Dim) -> Node:
    """An array of rows without its axis of length 1."""
    shape = (count, x.shape[-1])
    plain = x.args[0] if x.op is ops.reshape else x
    return plain if plain.shape == shape else ops.reshape(x, shape=shape)


class _Form:
    """Distances as a product: of which points, what their terms sum up to, and what new values are called."""

    points: Node
    distances: Node
    terms: Node
    names: dict[Node, str]
    axis = 0  # of the centres

    def enough(self) -> Node:
        """Whether there is enough to compute for what else there is."""
        return ops.less_equal(const(LEAST), ops.dim_value(size_of(self.distances.shape) * self.width))

    @property
    def width(self) -> Dim:
        return self.points.shape[1]

    @property
    def number(self) -> Node:
        """How many points there are."""
        return ops.cast(ops.dim_value(self.points.shape[0]), "real")

    def conditions(self, scales: Iterable[Node]) -> Iterator[Condition]:
        """Sizes that pay; then terms of exponents that aren't too large, and at last what is left of them."""
        many = "squared distances as products, where they are many: first how large the terms are"
        yield Condition("are_many", self.enough(), many)
        small = [ops.less(self.terms * scale, const(MOST)) for scale in scales]
        if small:
            fine = reduce(ops.logical_and, small)
            yield Condition("are_small", fine, "as products, where the terms are small")
        nearest = ops.min(self.distances, axis=(self.axis,), keepdims=False)
        total = ops.sum(nearest, axis=(0,), keepdims=False)
        left = ops.less(const(SHARE) * self.terms * self.number, total)
        yield Condition("are_exact", left, "as the model has them, where products would cancel digits")


class _Lengths(_Form):
    """|x|**2 + |c|**2 - 2 x @ c, of all points and centres; `turned`: the centres come first."""

    def __init__(self, points: Node, centres: Node, turned: bool):
        self.points, self.axis = points, 0 if turned else 1
        lengths, own = (ops.sum(ops.square(x), axis=(1,), keepdims=False) for x in (points, centres))
        doubled = centres * const(2.0)
        rows, columns = (own, lengths) if turned else (lengths, own)
        product = doubled @ swap_last(points) if turned else points @ swap_last(doubled)
        self.distances = (ops.reshape(rows, shape=(*rows.shape, ONE)) + columns) - product
        mean = ops.contract(points, points, spec="ab,ab->") / self.number
        most = ops.max(own, axis=(0,), keepdims=False)
        self.terms = ops.square(ops.sqrt(mean) + ops.sqrt(ops.maximum(most, const(0.0))))
        self.names = {self.distances: "squares", self.terms: "terms"}
        self.count = own.shape[0]

    def enough(self) -> Node:
        """Differences of a few numbers are taken as quickly."""
        least = [ops.less_equal(const(FEW), ops.dim_value(size)) for size in (self.width, self.count)]
        return ops.logical_and(ops.logical_and(*least), super().enough())


class _Pairs(_Form):
    """The product with pairs and what it is made of."""

    def __init__(self, points: Node, centres: Node, metric: Node):
        self.points = points
        self.count, width, _ = metric.shape
        size = width + 1
        shift = ops.arange(start=ZERO, step=1, count=size // 2 + 1)
        self.apart = ops.reshape(shift, shape=(size // 2 + 1, ONE))
        self.first = ops.arange(start=ZERO, step=1, count=size)
        self.second = ops.mod(self.first + self.apart, ops.dim_value(size))
        self.weights = self._weights(centres, metric, size)
        ones = ops.broadcast_to(const(1.0), shape=(ONE, points.shape[0]))
        columns = ops.transpose(points, axes=(1, 0))
        pairs = self._pairs(ops.concatenate(columns, ones, axis=0))
        self.distances, self.terms = self.weights @ pairs, self._terms()
        self.names = {
            self.second: "partner", self.weights: "weights", pairs: "pairs", self.distances: "squares",
            self.terms: "terms",
        }  # fmt: skip

    def _weights(self, centres: Node, metric: Node, size: Dim) -> Node:
        """How often each pair is in each distance: real[K, pairs]."""
        turned = swap_last(metric)
        moved = turned @ ops.reshape(centres, shape=(self.count, self.width, ONE))
        affine = ops.concatenate(turned, -moved, axis=2)
        square = ops.reshape(swap_last(affine) @ affine, shape=(self.count, size * size))
        place = self.first * ops.dim_value(size) + self.second
        picked = ops.gather(square, place, index=(whole(self.count), ("array", 0)))
        once = ops.logical_or(
            ops.equal(self.apart, const(0)), ops.equal(self.apart * const(2), ops.dim_value(size))
        )
        weights = picked * ops.where(once, const(1.0), const(2.0))
        return ops.reshape(weights, shape=(self.count, size_of(self.second.shape)))

    def _pairs(self, columns: Node) -> Node:
        """The products of all pairs of rows."""
        length = columns.shape[1]
        others = ops.gather(columns, self.second, index=(("array", 0), whole(length)))
        return ops.reshape(others * columns, shape=(size_of(self.second.shape), length))

    def _terms(self) -> Node:
        """The most that the terms of a distance, without their signs, sum up to in the mean of all points.

        The mean of a product is no larger than the root of both mean squares (Cauchy and Schwarz).
        """
        squares = ops.contract(self.points, self.points, spec="ab,ab->b")
        column = ops.reshape(ops.sqrt(squares / self.number), shape=(self.width, ONE))
        ones = ops.broadcast_to(const(1.0), shape=(ONE, ONE))
        terms = ops.abs(self.weights) @ self._pairs(ops.concatenate(column, ones, axis=0))
        return ops.max(terms, axis=(0, 1), keepdims=False)

    def enough(self) -> Node:
        """There must be centres enough to make up for the pairs."""
        many = ops.less(ops.dim_value(self.width), ops.dim_value(2 * self.count))
        return ops.logical_and(many, super().enough())
