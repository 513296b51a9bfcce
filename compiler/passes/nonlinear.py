"""Where values meet in an operation that is not linear: the entries of a Hessian.

    z = x * y        x's adjoint is g * y, which depends on y: x and y are coupled, and neither with itself
    z = exp(x)       x's adjoint is g * z, which depends on x: x is coupled with itself
    z = x + y        nothing

The second derivative of an op by two arguments is the derivative of the one's adjoint by the other, so the
adjoints tell all, and no op needs a fact of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .. import ops
from ..ir import Node, NonDiff
from ..ops import argument
from ..types import TUPLE, Dim, Shape, size_of
from .index_sets import MOST_REPEATS, ONE, IndexSets, Part, Parts, width_of

MOST_PAIRS = 1_000_000  # a loop in a loop could list the same ones again and again


def cotangents(node: Node) -> Sequence[Node | None] | None:
    """What an op's adjoint gives each argument; None where only its pieces can be differentiated."""
    if isinstance(node.op.vjp, NonDiff) or node.op is ops.own_adjoint or node.op is ops.governed:
        return None
    return node.op.vjp(argument("cotangent", node.type), node, *node.args)


def differentiated(node: Node) -> Sequence[bool]:
    """Through which arguments a value is differentiated: those that its adjoint gives a cotangent."""
    if node.op is ops.governed:
        return [k > 1 and k - 2 in node["wrt"] for k in range(len(node.args))]
    found = cotangents(node)
    if found is None:
        return [node.op is not ops.own_adjoint] * len(node.args)
    return [cotangent is not None for cotangent in found]


def couplings(node: Node) -> list[tuple[int, int]]:
    """The pairs of arguments by which a value has a second derivative."""
    contributions = cotangents(node)
    passes = differentiated(node)
    live = [k for k, flag in enumerate(passes) if flag]
    if contributions is None:
        return [(i, j) for i in live for j in live if i <= j]
    found: set[tuple[int, int]] = set()
    for i, contribution in enumerate(contributions):
        met = _met(contribution, node) if contribution is not None else set()
        found.update((min(i, j), max(i, j)) for j in live if node.args[j] in met)
    return sorted(found)


def _met(root: Node, node: Node) -> set[Node]:
    """The arguments of a node that an expression of them is differentiated by."""
    found: set[Node] = set()
    seen: set[Node] = set()
    stack = [root]
    while stack:
        current = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        if current in node.args:
            found.add(current)
        else:
            stack.extend(arg for arg, flag in zip(current.args, differentiated(current)) if flag)
    return {arg for arg in found if arg.type.kind == "real"}


def through(nodes: Sequence[Node], roots: Iterable[Node]) -> set[Node]:
    """The nodes through which the roots are differentiated."""
    found = set(roots)
    for node in reversed(nodes):
        if node in found:
            tuples = node.type.kind == TUPLE or node.op is ops.item
            flags = [True] * len(node.args) if tuples else differentiated(node)
            found.update(arg for arg, flag in zip(node.args, flags) if flag)
    return found


@dataclass
class Pairs:
    """Pairs of parts, element by element along the axes that both have; each is there in both orders."""

    sets: IndexSets
    found: dict[tuple[Part, Shape], dict[Part, None]] = field(default_factory=dict)  # by part and joint axes

    def add(self, first: Iterable[Part], second: Iterable[Part]) -> None:
        others = tuple(second)
        for p in first:
            for q in others:
                sizes = {**dict(zip(p.axes, p.node.shape)), **dict(zip(q.axes, q.node.shape))}
                used = sorted(sizes)
                shape = tuple(sizes[axis] for axis in used)
                one, other = p.on(used.index), q.on(used.index)
                self.found.setdefault((one, shape), {})[other] = None
                self.found.setdefault((other, shape), {})[one] = None

    @property
    def is_full(self) -> bool:
        """Whether everything meets everything, or the list of what meets would be far longer than that."""
        full = Part(self.sets.everything, ())
        return full in self.found.get((full, ()), ()) or self._is_too_long()

    def _is_too_long(self) -> bool:
        """Whether the pairs are far more than there can be, were each dim a thousand."""
        count = sum(
            (size_of((*shape, part.width, width_of(others))) for (part, shape), others in self.found.items()),
            Dim.of(0),
        )
        every = self.sets.total * self.sets.total
        large = dict.fromkeys(count.symbols | every.symbols, 1000)
        try:
            return count.evaluate(large) > max(MOST_PAIRS, MOST_REPEATS * every.evaluate(large))
        except ZeroDivisionError:
            return False

    def entries(self) -> tuple[Node, Node]:
        """Rows and columns of all pairs, one after the other."""
        groups: dict[tuple[frozenset[Part], Shape], list[Part]] = {}
        for (part, shape), others in self.found.items():
            groups.setdefault((frozenset(others), shape), []).append(part)
        blocks = [
            self._block(parts, tuple(self.found[parts[0], shape]), shape)
            for (_, shape), parts in groups.items()
        ]
        rows, cols = zip(*blocks)
        return self._joined(rows), self._joined(cols)

    def _joined(self, flat: Sequence[Node]) -> Node:
        return self.sets.make(ops.concatenate, *flat, axis=0) if len(flat) > 1 else flat[0]

    def _block(self, first: Sequence[Part], second: Sequence[Part], shape: Shape) -> tuple[Node, Node]:
        """All pairs of two unions of parts, flat."""
        sides = [self.sets.coalesced(first), self.sets.coalesced(second)]
        k, m = map(width_of, sides)
        wide = (*shape, k, m)
        return self._flat(sides[0], (*shape, k, ONE), wide), self._flat(sides[1], (*shape, ONE, m), wide)

    def _flat(self, parts: Parts, narrow: Shape, wide: Shape) -> Node:
        lead = narrow[:-2]
        array = self.sets.joined(parts, lead, range(len(lead)), width_of(parts))
        spread = self.sets.make(ops.broadcast_to, self.sets.reshaped(array, narrow), shape=wide)
        return self.sets.reshaped(spread, (size_of(wide),))
