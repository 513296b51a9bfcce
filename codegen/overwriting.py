"""Which values may be written over others, on the line on which these are read for the last time.

    y = x * w                      np.multiply(x, w, out=x), as nothing reads x later
    d_x[...] = y + z               y may have been in d_x before

What works element by element has read an element when it writes one there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from .aliases import Aliases, Member
from .flow import WRITE, Flow
from .into import given_memory, is_module, is_ufunc, operands_of
from .sites import Site
from .trees import walk

if TYPE_CHECKING:
    from .buffers import Buffer

TURNING = frozenset({"T", "mT", "swapaxes", "transpose", "moveaxis"})


@dataclass
class Spare:
    """An argument that may hold other arrays until it is written to, as a whole on the line `end`.

    `last` are the operands of what is then written, if that is computed element by element. It is free from
    the line after `start`, on which what it has `held` is read for the last time.
    """

    buffer: Buffer
    end: int
    last: Sequence[ast.expr]
    start: int = -1
    held: Member | None = None


def spare_of(buffer: Buffer, flow: Flow, np: str) -> Spare | None:
    """What an argument can be before it is written to, which is not in a loop."""
    first = min((position for position, _, _ in flow.events.get(buffer.name, ())), default=0)
    if not first or flow.lines[first].loops:
        return None
    return Spare(buffer, first, _last(flow.lines[first].trees[0], buffer.name, np))


def _last(tree: ast.AST, name: str, np: str) -> Sequence[ast.expr]:
    """The operands of what is written to an array, element by element."""
    call = tree.value if isinstance(tree, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return ()
    out = given_memory(call, np)
    is_whole = isinstance(out, ast.Name) and out.id == name
    return call.args if is_whole and is_module(call.func.value, np) and is_ufunc(call.func.attr) else ()


class Overwriting:
    """Who may write over whom among the sites of a function.

    `inner` has the sites with the memory of one around them, `variables` those of a class of memory.
    """

    def __init__(
        self,
        flow: Flow,
        aliases: Aliases,
        sites: Collection[Site],
        inner: Mapping[Site, Site],
        variables: Callable[[Member], Sequence[str]],
    ):
        self.flow, self.aliases, self.sites, self.inner, self.variables = (
            flow,
            aliases,
            sites,
            inner,
            variables,
        )

    def may_write(self, site: Site, spent: Member) -> bool:
        """Whether a site works element by element on what is spent there, and is read nowhere else.

        What is computed for the site in its own memory would be written first.
        """
        again = spent in self._turning or (spent, site.position) in self._making
        if again or site in self._around or self.flow.lines[site.position].loops:
            return False
        return self._is_all_read(spent, site.position, operands_of(site.form, site.node))

    def spare_for(self, spares: Iterable[Spare], site: Site, start: int, end: int) -> Buffer | None:
        """The argument that can hold an array from one line to another."""
        own = self.aliases.classes.of(site.node)
        for one in spares:
            ends = end < one.end or (end == one.end and self._is_all_read(own, end, one.last))
            fits = (one.buffer.type, ()) == (site.type, site.order) and ends
            over = one.start == start and one.held is not None
            if fits and (one.start < start or (over and self.may_write(site, one.held))):
                one.start, one.held = end, own
                return one.buffer
        return None

    def _is_all_read(self, spent: Member, position: int, operands: Sequence[ast.expr]) -> bool:
        """Whether a line reads what shares a memory, and by these operands alone."""
        names = set(self.variables(spent))
        read = [
            node
            for tree in self.flow.lines[position].trees
            for node in walk(tree)
            if isinstance(node, ast.Name) and self.flow.variable(node.id, position) in names
        ]
        own = {node for node in operands if isinstance(node, ast.Name)}
        if not read or not own.issuperset(read):
            return False
        return not any(self._is_turned(self.flow.variable(node.id, position), names) for node in read)

    def _is_turned(self, variable: str, names: Collection[str]) -> bool:
        """Whether a variable may show its elements in another order than they lie in: `flip_z = z[::-1]`.

        `names` are those that share its memory. Who writes there would write what is yet to be read.
        """
        waiting, seen = [variable], {variable}
        while waiting:
            for position, kind, _ in self.flow.events.get(waiting.pop(), ()):
                tree = self.flow.lines[position].trees[0]
                if kind != WRITE or not isinstance(tree, ast.Assign):
                    continue
                if list(self.aliases.memory_at(tree.value, position)) == [tree.value]:
                    continue
                if any(map(_turns, walk(tree.value))):
                    return True
                found = (n.id for n in walk(tree.value) if isinstance(n, ast.Name))
                sources = {self.flow.variable(name, position) for name in found}.intersection(names) - seen
                waiting += sources
                seen |= sources
        return False

    @cached_property
    def _around(self) -> set[Site]:
        """The sites that lend others their memory."""
        return set(self.inner.values())

    @cached_property
    def _turning(self) -> set[Member]:
        """The classes that loops make anew."""
        return {own for own, position in self._making if self.flow.lines[position].loops}

    @cached_property
    def _making(self) -> set[tuple[Member, int]]:
        """On which lines memory of which classes is written anew."""
        return {(self.aliases.classes.of(site.node), site.position) for site in self.sites}


def _turns(node: ast.AST) -> bool:
    """Whether it shows elements in another order."""
    if isinstance(node, ast.Attribute):
        return node.attr in TURNING
    return isinstance(node, ast.Slice) and node.step is not None
