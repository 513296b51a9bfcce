"""Memory that is handed out again as soon as it is free.

>>> idle = Idle[str]()
>>> idle.give("h", "class of h", until=3)
>>> idle.give("z", "class of z", until=2)
>>> idle.taken(3, lambda spent: False), idle.taken(3, lambda spent: True), idle.taken(3, lambda spent: True)
('z', 'h', None)
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Generic, TypeVar

from .aliases import Member

Memory = TypeVar("Memory")


class Idle(Generic[Memory]):
    """Pieces of memory of one kind, each in use up to a line; asked for in the order of the lines."""

    def __init__(self) -> None:
        self._given = 0
        self._busy: list[tuple[int, int, Memory, Member]] = []  # the first to be free first
        self._free: list[tuple[int, Memory]] = []  # the first that was given first

    def give(self, memory: Memory, own: Member, until: int) -> None:
        """Add memory that a class uses up to a line."""
        self._given += 1
        heappush(self._busy, (until, self._given, memory, own))

    def taken(self, line: int, may_follow: Callable[[Member], bool]) -> Memory | None:
        """Of what is free on a line, or spent on it by a class that may be followed, what was given first."""
        ending = []
        while self._busy and self._busy[0][0] <= line:
            until, number, memory, own = heappop(self._busy)
            if until < line:
                heappush(self._free, (number, memory))
            else:
                ending.append((until, number, memory, own))
        first = self._free[0][0] if self._free else self._given + 1
        chosen = next((one for one in ending if one[1] < first and may_follow(one[3])), None)
        for one in ending:
            if one is not chosen:
                heappush(self._busy, one)
        if chosen is not None:
            return chosen[2]
        return heappop(self._free)[1] if self._free else None
