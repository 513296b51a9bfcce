"""The minimum cut of a network: the cheapest way to part a source from a sink.

>>> network = Network()
>>> network.add("s", "a", 3), network.add("s", "b", 2), network.add("a", "t", 2), network.add("b", "t", 4)
(None, None, None, None)
>>> network.add("a", "b", 5)
>>> sorted(network.source_side("s", "t"))
['s']

By Dinic's maximum flow: shortest augmenting paths, found for a whole level graph at once (Dinic: Algorithm
for solution of a problem of maximum flow in networks with power estimation, 1970). The flow ends where no
path is left; what the source then still reaches is its side of a cut, the smallest of all cheapest ones.
Capacities are whole numbers, so that nothing is left over by rounding. There is no recursion.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

UNLIMITED = 2**62

Vertex = TypeVar("Vertex", bound=Hashable)


class Network(Generic[Vertex]):
    """Vertices by any hashable name, and edges with capacities.

    Edge e goes to `heads[e]`; e ^ 1 is the same edge backwards, with the capacity that the flow could be
    lessened by.
    """

    def __init__(self) -> None:
        self.numbers: dict[Vertex, int] = {}
        self.edges: list[list[int]] = []
        self.heads: list[int] = []
        self.left: list[int] = []

    def add(self, tail: Vertex, head: Vertex, capacity: int) -> None:
        """An edge; several between the same vertices add up."""
        a, b, edge = self._number(tail), self._number(head), len(self.heads)
        self.edges[a].append(edge)
        self.edges[b].append(edge + 1)
        self.heads += (b, a)
        self.left += (capacity, 0)

    def source_side(self, source: Vertex, sink: Vertex) -> set[Vertex]:
        """The vertices on the source's side of a cheapest cut, as few as can be."""
        start, end = self._number(source), self._number(sink)
        levels = self._levels(start)
        while levels[end] >= 0:
            self._block(start, end, levels)
            levels = self._levels(start)
        return {name for name, number in self.numbers.items() if levels[number] >= 0}

    def _number(self, vertex: Vertex) -> int:
        if vertex not in self.numbers:
            self.numbers[vertex] = len(self.edges)
            self.edges.append([])
        return self.numbers[vertex]

    def _levels(self, start: int) -> list[int]:
        """How many edges with room lead to each vertex; -1 where none do."""
        levels = [-1] * len(self.edges)
        levels[start] = 0
        waiting = deque([start])
        while waiting:
            vertex = waiting.popleft()
            for edge in self.edges[vertex]:
                head = self.heads[edge]
                if self.left[edge] and levels[head] < 0:
                    levels[head] = levels[vertex] + 1
                    waiting.append(head)
        return levels

    def _block(self, start: int, end: int, levels: list[int]) -> None:
        """Send what can be sent along paths that gain a level with each edge."""
        tried = [0] * len(self.edges)
        path: list[int] = []
        vertex = start
        while True:
            if vertex == end:
                vertex = self._push(path, start)
            elif (edge := self._next(vertex, tried, levels)) is not None:
                path.append(edge)
                vertex = self.heads[edge]
            elif path:
                levels[vertex] = -1
                vertex = self.heads[path.pop() ^ 1]
            else:
                return

    def _next(self, vertex: int, tried: list[int], levels: list[int]) -> int | None:
        """An edge with room to the next level; what has been found without is not looked at again."""
        edges = self.edges[vertex]
        while tried[vertex] < len(edges):
            edge = edges[tried[vertex]]
            if self.left[edge] and levels[self.heads[edge]] == levels[vertex] + 1:
                return edge
            tried[vertex] += 1
        return None

    def _push(self, path: list[int], start: int) -> int:
        """Fill a path; where it is gone on from: before the first edge that is full now."""
        amount = min(self.left[edge] for edge in path)
        for edge in path:
            self.left[edge] -= amount
            self.left[edge ^ 1] += amount
        first = next(i for i, edge in enumerate(path) if not self.left[edge])
        vertex = self.heads[path[first] ^ 1]
        del path[first:]
        return vertex
