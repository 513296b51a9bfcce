"""Which expressions of one class of memory can write into one buffer, or into two by turns.

h = tanh(h @ U)           two: the one is read while the other is written
g = h * x                 one, if what it held is read no more
"""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from autodiffc.grammar.records import record

from .aliases import Aliases
from .flow import WRITE, Flow, Loop, name_of
from .sites import Site
from .supplies import varies


@record(frozen=True)
class Part:
    """Sites of a class with one buffer, or with two by turns; `names` are the variables that may show it."""

    sites: list[Site]
    count: int
    names: list[str]


@dataclass
class Turns:
    """What the flow of a function, and who holds what memory, tell of its sites."""

    flow: Flow
    aliases: Aliases

    def parts(
        self, sites: Iterable[Site], names: Sequence[str]
    ) -> tuple[list[Part], list[tuple[Site, Part]]]:
        """The sites of a class that can have buffers, and each other one as a part of its own.

        One a line, as lines may use several. `names` are the variables of the class.
        """
        parts: dict[Hashable, list[Part]] = {}
        left: list[tuple[Site, Part]] = []
        seen: set[int] = set()
        for site in sites:
            if site.position in seen:
                continue
            held = self.aliases.holders(site.node)
            part = Part([site], 0, [name for name in names if name in held])
            own = replace(part, count=self._count(site, part))
            if not own.count or varies(site.type):
                left.append((site, own))
                continue
            seen.add(site.position)
            alike = parts.setdefault((site.type, site.order, own.count), [])
            place = next((i for i, part in enumerate(alike) if self._fit(part, own)), None)
            if place is None:
                alike.append(own)
            else:
                alike[place] = _together(alike[place], own)
        return [part for alike in parts.values() for part in alike], left

    def _fit(self, part: Part, other: Part) -> bool:
        """Whether sites can share memory: what some have made isn't read where others make it anew."""
        whole = _together(part, other)
        return all(self._count(site, whole, False) == part.count for site in whole.sites)

    def _count(self, site: Site, part: Part, is_alone: bool = True) -> int:
        """How many buffers a site of a part needs; 0 where no number will do.

        Two by turns, where it reads what it replaces. What is reached but once needs one, if it `is_alone`.
        """
        own = self.flow.variable(site.target, site.position)
        live = [name for name in part.names if self.flow.is_live(name, site.position)]
        if site.form.is_statement and own in live:
            return 0
        live = [name for name in live if self._shows(name, site.position, part.sites)]
        if not self.flow.lines[site.position].loops:
            return int(is_alone or not live)
        if live not in ([], [own]) and not self._replaces(site, live, part.names):
            return 0
        return 2 if live else 1

    def _shows(self, variable: str, position: int, sites: Sequence[Site]) -> bool:
        """Whether a variable may show on a line what sites make: not if it was given another array before."""
        events = self.flow.events[variable]
        before = reversed(range(bisect_left(events, (position,))))
        place, _, where = next((events[i] for i in before if events[i][1] == WRITE), (position, WRITE, ()))
        tree = self.flow.lines[place].trees[0]
        same = place < position and where == self.flow.lines[position].blocks
        if not same or not isinstance(tree, ast.Assign) or not isinstance(tree.targets[0], ast.Name):
            return True
        return self.aliases.may_be(tree.value, place, {site.node for site in sites})

    def _replaces(self, site: Site, live: list[str], names: Sequence[str]) -> bool:
        """Whether what is read there later on is replaced in the same step: by `h = next_h`.

        Where it is given other arrays too, nothing else may hold what is made there: it could be given back.
        """
        line = self.flow.lines[site.position]
        loop = self.flow.loops[line.loops[-1]]
        if len(live) != 1 or not site.target or loop.may_break:
            return False
        own = self.flow.variable(site.target, site.position)
        if self._given_in(loop, own) != [site.position]:
            return False
        given = self._given_in(loop, live[0])
        later = [self.flow.lines[position] for position in given if position > site.position]
        ends = [end for end in later if end.blocks == line.blocks]
        alone = len(given) == 1 or {*names} <= {own, live[0]}
        return alone and [end.text for end in ends] == [f"{name_of(live[0])} = {site.target}"]

    def _given_in(self, loop: Loop, variable: str) -> list[int]:
        """Where in a loop a variable is given another array."""
        return [
            position
            for position, kind, _ in self.flow.events[variable]
            if kind == WRITE
            and loop.start <= position <= loop.end
            and not isinstance(self.flow.lines[position].trees[0], ast.AugAssign)
        ]


def _together(part: Part, other: Part) -> Part:
    names = list(dict.fromkeys([*part.names, *other.names]))
    return Part([*part.sites, *other.sites], part.count, names)
