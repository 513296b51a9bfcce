"""Arrays whose number, or whose sizes, only run time knows, in memory that outlives the call (-O2).

    while float(h.dot(h)) > 1.0:            new_h = h_memory()
        h_before.append(h)          ->      while float(h.dot(h)) > 1.0:
        h = np.sin(h)                           h_before.append(h)
                                                h = np.sin(h, out=new_h())

    hs = np.empty((steps, N))       ->      hs = _room(stacks, "hs", (steps, N))

What a loop keeps in a list is handed out of a supply, which begins anew where nothing of it is in use. An
array of which nothing is read when it is made again is a part of the largest that it ever was.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autodiffc.compiler.ops.control import is_local
from autodiffc.compiler.types import Type

from .flow import Flow, Loop, name_of
from .sites import Site
from .trees import walk

if TYPE_CHECKING:
    from .turns import Part

ROOM = "_room"  # the routine for arrays of various sizes


@dataclass
class Supply:
    """Arrays of one type that are handed out one after another from a line on."""

    type: Type
    sites: list[Site]
    start: int
    memory: str
    function: str  # that gives the next one


@dataclass
class Supplies:
    """The memory of those sites of a function that have none, as far as these means can give them some.

    `fresh` makes names. `rooms` are arrays of which nothing is read when they are made again.
    """

    flow: Flow
    fresh: Callable[[str], str]
    found: list[Supply] = field(default_factory=list)
    rooms: list[Site] = field(default_factory=list)

    def add(self, site: Site, part: Part) -> None:
        """Give a site memory, if that can be; as a part it tells how many arrays would do."""
        is_empty = site.form.name == "empty"
        if part.count == 1 and is_empty and varies(site.type):
            self.rooms.append(site)
        elif not part.count and not site.order and (is_empty or not varies(site.type)):
            self._supply(site, part.names)

    def _supply(self, site: Site, names: Sequence[str]) -> None:
        own = self.flow.variable(site.target, site.position)
        copies = site.form.is_statement and self.flow.is_live(own, site.position)
        start = self._start(site, names) if not copies and self._is_kept(site, names) else None
        if start is None:
            return
        alike = (s for s in self.found if (s.type, s.start) == (site.type, start))
        supply = next(alike, None)
        if supply is None:
            names = self.fresh(f"{site.target}_memory"), self.fresh(f"new_{site.target}")
            self.found.append(Supply(site.type, [site], start, *names))
        else:
            supply.sites.append(site)

    def handed_out(self) -> Iterator[tuple[Site, str]]:
        """The sites that have supplies, and the texts of their memory."""
        for supply in self.found:
            for site in supply.sites:
                shape = _shape_of(site)[0] if varies(supply.type) else ""
                yield site, f"{supply.function}({shape})"

    def rooms_in(self, stacks: str) -> Iterator[tuple[Site, str]]:
        """The sites of arrays of various sizes, and the texts of their memory: for `np.empty((steps, N))`."""
        for number, site in enumerate(self.rooms):
            alike = [room.target for room in self.rooms].count(site.target)
            name = site.target if alike == 1 else f"{site.target} {number}"
            yield site, f'{ROOM}({stacks}, "{name}", {", ".join(_shape_of(site))})'

    def begun(self) -> dict[int, list[str]]:
        """What is to be said before lines."""
        lines: dict[int, list[str]] = {}
        for supply in self.found:
            lines.setdefault(supply.start, []).append(f"{supply.function} = {supply.memory}()")
        return lines

    def _is_kept(self, site: Site, names: Sequence[str]) -> bool:
        """Whether what a site makes in a loop is kept in a list that lives on."""
        line = self.flow.lines[site.position]
        if not line.loops or not site.target:
            return False
        loop = self.flow.loops[line.loops[-1]]
        lines = self.flow.lines[loop.start : loop.end + 1]
        trees = [tree for one in lines if _may_follow(one.blocks, line.blocks) for tree in one.trees]
        shown = {site.target}
        for tree in trees * 2:  # what one step gives a name, the next one may keep
            shown.update(target for target, source in _named(tree) if source in shown)
        lists = {name for tree in trees for name in _keeping(tree, shown)}
        live = (name_of(name) for name in names if self.flow.is_live(name, site.position))
        return not lists.isdisjoint(live)

    def _start(self, site: Site, names: Sequence[str]) -> int | None:
        """The line before a loop, the innermost possible, at which nothing is in use of what a site made."""
        loops = self.flow.lines[site.position].loops
        for number in reversed(loops):
            loop, outer = self.flow.loops[number], loops[: loops.index(number)]
            for position in self._lines_before(loop, outer):
                if not outer or not any(self.flow.is_live(name, position) for name in names):
                    return position
        return None

    def _lines_before(self, loop: Loop, loops: tuple[int, ...]) -> Iterator[int]:
        """The lines before a loop that are reached as often as it is, the last first."""
        for position in reversed(range(loop.start)):
            line = self.flow.lines[position]
            around = loop.blocks[: len(line.blocks)] == line.blocks
            if around and line.loops == loops and not line.text.endswith(":"):
                yield position


def _may_follow(blocks: tuple[int, ...], others: tuple[int, ...]) -> bool:
    """Whether lines in these blocks may be in one step: they aren't in two sides of a branch."""
    return all(one == other for one, other in zip(blocks, others))


def _named(tree: ast.stmt) -> Iterator[tuple[str, str]]:
    """The variables that a line gives another one's array, or a part of it, with these."""
    if not isinstance(tree, ast.Assign):
        return
    target, value = tree.targets[0], tree.value
    both = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
    names, values = ((t.elts if isinstance(t, ast.Tuple) and both else [t]) for t in (target, value))
    for name, source in zip(names, values):
        while isinstance(source, (ast.Subscript, ast.Attribute)):
            source = source.value
        if isinstance(name, ast.Name) and isinstance(source, ast.Name):
            yield name.id, source.id


def _keeping(tree: ast.stmt, names: Collection[str]) -> Iterator[str]:
    """The lists in which a line keeps what one of these variables holds."""
    if isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Call):
        function, kept = tree.value.func, tree.value.args
        where = [function.value] if isinstance(function, ast.Attribute) and function.attr == "append" else []
    elif isinstance(tree, ast.Assign):
        where = [target.value for target in tree.targets if isinstance(target, ast.Subscript)]
        kept = [tree.value]
    else:
        return
    if any(isinstance(node, ast.Name) and node.id in names for one in kept for node in walk(one)):
        yield from (node.id for node in where if isinstance(node, ast.Name))


def varies(type: Type) -> bool:
    """Whether only run time knows how large arrays of a type are."""
    return any(map(is_local, type.shape))


def _shape_of(site: Site) -> list[str]:
    """The texts of the shape of an array that is made empty, and of its type."""
    assert isinstance(site.node, ast.Call)
    first, *others = (*site.node.args, *(k.value for k in site.node.keywords))
    shape = ast.unparse(first)
    if not isinstance(first, ast.Tuple):
        shape = f"({shape},)"
    return [shape, *map(ast.unparse, others)]
