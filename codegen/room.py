"""An order of a function's steps in which what the adjoint makes has the memory of what it has used up (-O2).

    d_h = d_z @ V.T                             d_V = h.T @ d_z
    d_V = h.T @ d_z                  ->         mask = h > 0
    d_h *= h > 0                                d_h = d_z @ V.T, in the memory of h

The order of the model's lines stays but for such readers: they come sooner.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice

from autodiffc.compiler.ir import Node
from autodiffc.compiler.types import Type

from .schedule import Step
from .sparing import Rows, array_size

FEW = 4  # readers, and arrays that are looked at


def making_room(
    steps: Sequence[Step], results: Collection[Node], before: Mapping[Node, Sequence[Node]] = {}
) -> tuple[list[Step], set[Node]]:
    """The steps, with the last readers of an array before the adjoint's step that could have its memory.

    Also those that come sooner so. `results` are needed after the steps; `before` has for some nodes others
    that come before them, though they are not among their arguments.
    """
    return _MakingRoom(steps, results, before).order()


class _MakingRoom:
    """The steps so far, what is in use after them, and what comes sooner than it would."""

    def __init__(
        self, steps: Sequence[Step], results: Collection[Node], before: Mapping[Node, Sequence[Node]]
    ):
        self.steps, self.rows, self.before = steps, Rows(steps, results, array_size), before
        self.left = {own: len(places) for own, places in self.rows.readers.items()}
        self.alive: dict[Type, dict[Node, None]] = {}
        self.done: dict[Node, None] = {}
        self.sooner: set[Node] = set()
        self.found: list[Step] = []

    def order(self) -> tuple[list[Step], set[Node]]:
        for node, group in self.steps:
            if node in self.done:
                continue
            for place in self._last_readers(node) if group.adjoint and self.rows.size[node] else ():
                reader = self.steps[place].node
                self.sooner.add(reader)
                self._take(Step(reader, group))
            self._take(Step(node, group))
        return self.found, self.sooner

    def _take(self, step: Step) -> None:
        node = step.node
        self.found.append(step)
        self.done[node] = None
        if self.rows.size[node]:
            self.alive.setdefault(node.type, {})[node] = None
        for own in self.rows.read_by(node):
            self.left[own] -= 1
            if not self.left[own]:
                self.alive.get(own.type, {}).pop(own, None)

    def _last_readers(self, node: Node) -> Sequence[int]:
        """The places of those that leave the memory for a node, if there are such and they need less."""
        alike = self.alive.get(node.type, {})
        if any(own in alike and self.left[own] == 1 for own in self.rows.read_by(node)):
            return ()  # what it works on is spent
        for own in islice(reversed(alike), FEW):
            places = self._waiting(own)
            made = sum(self.rows.size[self.steps[place].node] for place in places)
            if places and 2 * made <= self.rows.size[own] and self._are_ready(places, node):
                return places
        return ()

    def _waiting(self, own: Node) -> list[int]:
        """The places of what is still to read an array; none where it is a result, or they are many."""
        if self.left[own] > FEW:
            return []
        places = self.rows.readers[own]
        if places[-1] == len(self.steps):
            return []
        return [place for place in places if self.steps[place].node not in self.done]

    def _are_ready(self, places: Sequence[int], node: Node) -> bool:
        """Whether steps of the adjoint could come before a node, as simple ones that need it not."""
        coming = {self.steps[place].node for place in places}
        needed = [a for reader in coming for a in (*reader.args, *self.before.get(reader, ()))]
        return (
            node not in coming
            and all(self.steps[p].group.adjoint and not list(self.steps[p].node.subgraphs()) for p in places)
            and all(a in self.done or a in coming or a not in self.rows.owner for a in needed)
        )
