"""An order of a tile's steps in which few rows are in use at once (-O2).

    forward: t, e, p = t * e, q, r = q / p, L     backward: d_q, d_p, d_e, d_t, d_x
    -> t, e, p, d_e, d_t, q, r, …                 what ends as many rows as it makes comes first

The cache holds a tile's rows the better the fewer they are. The adjoint's seeds are known, so that its steps
need not wait for the end of the forward pass. Where little is gained the order of the model's lines stays.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property

from autodiffc.compiler.cost import kind
from autodiffc.compiler.ir import Node
from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.types import Dim, size_of

from .schedule import Step

USUAL = 8  # the size of a dim, and the bits of a bool beside those of others
SMALLEST = 512  # elements of an array of fixed size that is worth it
LESS = 7 / 8  # of the rows, where another order is worth it


def sparing(
    steps: Sequence[Step], results: Collection[Node], before: Mapping[Node, Sequence[Node]] = {}
) -> list[Step]:
    """The steps in another order, if that keeps clearly fewer rows; `results` are needed after them.

    `before` has for some nodes others that come before them, though they are not among their arguments.
    """
    rows = Rows(steps, results)
    other = rows.ended_soon(before)
    usual = rows.most(steps)
    return other if usual and rows.most(other) <= LESS * usual else list(steps)


def ending(steps: Sequence[Step], results: Collection[Node]) -> set[Node]:
    """The nodes that end rows, and that the next step doesn't read: they should not wait for their reader."""
    rows = Rows(steps, results)
    left = {own: len(places) for own, places in rows.readers.items()}
    found: set[Node] = set()
    for i, (node, _) in enumerate(steps):
        ended = 0
        for own in rows.read_by(node):
            left[own] -= 1
            ended += 0 if left[own] else rows.size[own]
        if ended and i + 1 < len(steps) and node not in steps[i + 1].node.args:
            found.add(node)
    return found


class Rows:
    """The rows that steps make and read."""

    def __init__(
        self, steps: Sequence[Step], results: Collection[Node], size: Callable[[Node], int] | None = None
    ):
        size, kept = size or _row_size, set(results)
        self.steps, self.results = steps, results
        self.owner: dict[Node, Node] = {}  # whose memory a view shows
        self.size: dict[Node, int] = {}  # of what is made here
        for node, _ in steps:
            is_view = bool(node.args) and kind(node) == "free"
            self.owner[node] = self.owner.get(node.args[0], node) if is_view else node
            self.size[node] = 0 if is_view or node in kept else size(node)

    @cached_property
    def readers(self) -> dict[Node, list[int]]:
        """The places of the steps that read each memory; that of results is read after all of them."""
        found: dict[Node, list[int]] = {node: [] for node in self.size}
        for place, (node, _) in enumerate(self.steps):
            for own in self.read_by(node):
                found[own].append(place)
        for node in self.results:
            if node in self.owner:
                found[self.owner[node]].append(len(self.steps))
        return found

    def read_by(self, node: Node) -> dict[Node, None]:
        """The memory made here that a step reads."""
        return dict.fromkeys(self.owner[a] for a in node.args if a in self.owner)

    def most(self, steps: Sequence[Step]) -> int:
        """The size of the rows in use at once, where it is largest."""
        left = {own: len(places) for own, places in self.readers.items()}
        alive = most = 0
        for node, _ in steps:
            ended = 0
            for own in self.read_by(node):
                left[own] -= 1
                ended += 0 if left[own] else self.size[own]
            alive += self.size[node]
            over = node.op.elementwise and 0 < self.size[node] <= ended  # written over an operand
            most = max(most, alive - self.size[node] if over else alive)
            alive -= ended + (self.size[node] if not left[self.owner[node]] else 0)
        return most

    def ended_soon(self, before: Mapping[Node, Sequence[Node]]) -> list[Step]:
        """The order that always takes what makes the least more than it ends.

        Of equals it takes what is in the pass, forward or backward, of the step before; else the earlier.
        """
        following, waiting = self._following(before)
        left = {own: len(places) for own, places in self.readers.items()}
        ready: dict[bool, list[tuple[int, int]]] = {False: [], True: []}

        def offer(i: int) -> None:
            node, group = self.steps[i]
            ended = sum(self.size[own] for own in self.read_by(node) if left[own] == 1)
            heapq.heappush(ready[group.adjoint], (self.size[node] - ended, i))

        for i, count in enumerate(waiting):
            if not count:
                offer(i)
        order: list[int] = []
        done: set[int] = set()
        adjoint = False
        while ready[False] or ready[True]:
            adjoint = _next_pass(ready, adjoint)
            _, i = heapq.heappop(ready[adjoint])
            if i in done:
                continue
            done.add(i)
            order.append(i)
            for own in self.read_by(self.steps[i].node):
                left[own] -= 1
                for last in self.readers[own] if left[own] == 1 else ():
                    if last < len(waiting) and not waiting[last] and last not in done:
                        offer(last)
            for user in following[i]:
                waiting[user] -= 1
                if not waiting[user]:
                    offer(user)
        return [self.steps[i] for i in order]

    def _following(self, before: Mapping[Node, Sequence[Node]]) -> tuple[list[list[int]], list[int]]:
        """For each step those that need it, and how many it needs itself."""
        place = {node: i for i, (node, _) in enumerate(self.steps)}
        following: list[list[int]] = [[] for _ in place]
        waiting = []
        for i, (node, _) in enumerate(self.steps):
            needed = {place[a] for a in (*node.args, *before.get(node, ())) if a in place}
            waiting.append(len(needed))
            for other in needed:
                following[other].append(i)
        return following, waiting


def _next_pass(ready: Mapping[bool, list[tuple[int, int]]], adjoint: bool) -> bool:
    """Whether the next step is one of the adjoint's; of equals, one that adds rows is the forward pass's."""
    if not ready[False] or not ready[True]:
        return bool(ready[True])
    forward, backward = ready[False][0][0], ready[True][0][0]
    return backward < forward or (backward == forward <= 0 and adjoint)


def _row_size(node: Node) -> int:
    """The bits of a row; 0 for what has none."""
    return _bits(node, [dim for dim in node.shape if dim != TILE]) if TILE in node.shape else 0


def array_size(node: Node) -> int:
    """The bits of an array; 0 for one of a few elements."""
    if node.type.kind == "tuple" or not node.rank:
        return 0
    size = size_of(node.shape)
    return 0 if size.known is not None and size.known < SMALLEST else _bits(node, node.shape)


def _bits(node: Node, shape: Sequence[Dim]) -> int:
    """The bits of so many elements of a node, all dims being equal."""
    size = size_of(tuple(shape))
    each = 1 if node.type.kind == "bool" else USUAL
    return each * size.evaluate(dict.fromkeys(size.symbols, USUAL))
