"""What of a loop's body can be computed after the loop, of the rows that it stacks.

    loop(T, 0, …; (t, d_U, …) -> d_U + outer(h, d_z))          d_U = hs.T @ d_zs

`Late` gives values of all steps and sums over the steps: of products as one product of all rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Node, const_value, topological
from ..ops.control import is_local, may_be_missing
from ..ops.indexing import whole
from ..types import TUPLE
from .batch import affine
from .batch_control import RANDOM, is_leaf
from .early import PRODUCTS, Early, degree
from .operands import Operand, flat, with_axis


class Late:
    """Values of all steps after the loop; what is `needed` in the loop, or has no other form, it stacks."""

    def __init__(self, loop: Early, needed: set[Node]):
        self.loop = loop
        self.needed = needed
        self.known: dict[Node, Operand | None] = {}

    def stack(self, value: Node) -> Node | None:
        """The rows of a value."""
        found = self.operand(value)
        return None if found is None else with_axis(found, self.loop.length)

    def operand(self, value: Node) -> Operand | None:
        for node in topological([value], self.known):
            self.known[node] = self._found(node)
        return self.known[value]

    def _found(self, node: Node) -> Operand | None:
        loop = self.loop
        if node in loop.outside:
            return loop.outside[node]
        if node in loop.loose or not loop.loose.isdisjoint(node.args):
            return None
        if is_leaf(node):
            return Operand(node, False)
        read = node.op in (ops.gather, ops.getitem) and node.args[0] not in loop.outside
        if node not in self.needed and node.args and node.op.name not in RANDOM and not read:
            image = loop.image(node, {a: o for a in node.args if (o := self.known[a]) is not None})
            if image is not None:
                return image
        if node.type.kind == TUPLE or may_be_missing(node):
            return None
        if any(map(is_local, node.shape)) or degree(node.shape) > loop.limit:
            return None
        return Operand(loop.stack_of(node), True)

    def total(self, start: Node, terms: Sequence[Term]) -> Node | None:
        """A carried value after the last step: what it was before the first, and what each step adds."""
        empty = _is_zero(start)
        for term in reversed(terms):
            added = self._updated(start, term.node, empty) if term.updates else self.sum(term.node)
            if added is None:
                return None
            start = added if empty or term.updates else start + added
            empty = False
        return start

    def _updated(self, start: Node, term: Node, empty: bool) -> Node | None:
        """The rows put where the steps put them; by a slice, or all positions at once."""
        _, value, *positions = term.args
        items_ = term["index"]
        if not positions and term.op is ops.add_at:
            total = self.sum(value)
            put = ops.add_at(start, total, index=items_) if total is not None and not empty else None
            return ops.put(total, shape=start.shape, index=items_) if total is not None and empty else put
        rows = self.stack(value)
        axes = [i for i, item in enumerate(items_) if item[0] == "array"]
        if rows is None or len(axes) != 1 or any(item[0] == "new" for item in items_):
            return None
        axis, place = axes[0], affine(positions[0], self.loop.step)
        if place is not None and place[0]:
            index = tuple(
                ("slice", place[1], self.loop.length, place[0]) if i == axis else it
                for i, it in enumerate(items_)
            )
            return _placed(start, rows, index, axis, term.op is ops.set_at, empty)
        at = self.operand(positions[0])
        if term.op is ops.set_at or axis or at is None or not at.stacked:
            return None
        if empty:
            return ops.scatter_add(rows, at.node, shape=start.shape, index=items_)
        return ops.add_at(start, rows, at.node, index=items_)

    def sum(self, term: Node) -> Node | None:
        """The sum of a value over all steps."""
        total: Node | None = None
        pending = [(term, False)]
        while pending:
            node, negative = pending.pop()
            apart = node not in self.loop.outside and node not in self.needed
            if (
                apart
                and node.op in (ops.add, ops.sub)
                and node.args[0].type == node.args[1].type == node.type
            ):
                pending.append((node.args[1], negative != (node.op is ops.sub)))
                pending.append((node.args[0], negative))
            elif apart and node.op is ops.neg:
                pending.append((node.args[0], not negative))
            else:
                part = self._part(node, apart)
                if part is None:
                    return None
                if total is None:
                    total = -part if negative else part
                else:
                    total = total - part if negative else total + part
        return total

    def _part(self, node: Node, apart: bool) -> Node | None:
        if apart and node.op.name in PRODUCTS:
            product = self._product(node)
            if product is not None:
                return product
        if apart and node.op is ops.sum and node.rank:
            inner = self.operand(node.args[0])
            if inner is not None and inner.stacked:
                return (
                    ops.sum(inner.node, axis=(0, *(a + 1 for a in node["axis"])), keepdims=False)
                    if not node["keepdims"]
                    else None
                )
        found = self.operand(node)
        if found is None:
            return None
        if not found.stacked:
            count = ops.cast(ops.dim_value(self.loop.length), found.node.type.kind)
            return found.node * count
        return ops.sum(found.node, axis=(0,), keepdims=False)

    def _product(self, node: Node) -> Node | None:
        """The sum of products as one product of all rows."""
        a, b = node.args
        if node.op is ops.outer:
            left, right = self.operand(a), self.operand(b)
            if left is None or right is None or not (left.stacked and right.stacked):
                return None
            return ops.transpose(left.node, axes=(1, 0)) @ right.node
        if a.rank != 2 or b.rank != 2:
            return None
        if a.op is ops.transpose and a not in self.loop.outside:
            left, right = self.operand(a.args[0]), self.operand(b)
        else:
            left, right = self.operand(a), self.operand(b)
            if left is not None and left.stacked:
                left = Operand(ops.transpose(left.node, axes=(0, 2, 1)), True)
        if left is None or right is None or not (left.stacked and right.stacked):
            return None
        return ops.transpose(flat(left.node, 1), axes=(1, 0)) @ flat(right.node, 1)


def _placed(
    start: Node, rows: Node, index: tuple[tuple[object, ...], ...], axis: int, once: bool, empty: bool
) -> Node | None:
    """An array with these rows at a slice of an axis."""
    place = sum(item[0] != "at" for item in index[:axis])
    order = (*range(1, place + 1), 0, *range(place + 1, rows.rank))
    placed = rows if place == 0 else ops.transpose(rows, axes=order)
    full = index == tuple(map(whole, start.shape))
    if full:
        return placed if empty or once else start + placed
    if once:
        return None
    return (
        ops.put(placed, shape=start.shape, index=index) if empty else ops.add_at(start, placed, index=index)
    )


def _is_zero(node: Node) -> bool:
    value = node.args[0] if node.op is ops.broadcast_to else node
    return const_value(value) == 0.0 or node.op is ops.zeros_like


@record(frozen=True)
class Term:
    """What a step adds to a carried value; or an update (`node`), which changes some of its elements."""

    node: Node
    updates: bool

    @property
    def value(self) -> Node:
        return self.node.args[1] if self.updates else self.node


def terms_of(
    total: Node, state: Node, users: Mapping[Node, Sequence[Node]], uses: Mapping[Node, int]
) -> list[Term] | None:
    """What a step adds to a carried value that it uses for nothing else; None where it does more.

    `users` are those of the body's values, `uses` how often each is used, as a result too.
    """
    path = [state]
    while path[-1] is not total:
        if uses.get(path[-1], 0) != 1 or not users.get(path[-1]):
            return None
        path.append(users[path[-1]][0])
    terms: list[Term] = []
    for before, total in reversed(list(pairwise(path))):
        if uses.get(total, 0) != 1 or before.type != state.type:
            return None
        if total.op is ops.add:
            term = Term(total.args[1] if before is total.args[0] else total.args[0], False)
        elif total.op is ops.add_at or (total.op is ops.set_at and total["once"]):
            term = Term(total, True)
        else:
            return None
        onto = before is total.args[0] or not term.updates
        if not onto or term.node.type != state.type:
            return None
        terms.append(term)
    return terms or None
