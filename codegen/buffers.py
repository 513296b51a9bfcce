"""Buffers (-O2): what a function computes on the way is written into memory that outlives the call.

    h = x @ W1                              h = np.matmul(x, W1, out=h)
    …                               ->      …
    d_h = d_logits @ W2.T                   d_h = np.matmul(d_logits, W2.T, out=h)      as h is spent

New memory is dear where it is large: the system hands it out page by page. A buffer holds one value after
another, of one type, and bears a variable's name, under which the function finds it at first. What a
function returns is never in a buffer, nor what may share memory with that.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from autodiffc.compiler.ops.control import is_local
from autodiffc.compiler.types import Type, size_of

from .aliases import Aliases, Member, gives_new_memory
from .blocks import Statement
from .copied import COPIED, source_of
from .flow import WRITE, flow_of
from .into import COMPARED, operands_of, takes_memory
from .rewriting import rewritten
from .sites import Site, Sites

SMALLEST = 512  # elements of an array of fixed size that is worth a buffer
MOST = 4_000  # pairs of variables and sites of one class that are looked at
NAMES = {
    "matmul": "product", "dot": "product", "multiply": "product", "divide": "quotient", "add": "total",
    "sum": "total", "subtract": "difference", "square": "square", "negative": "negative",
    **dict.fromkeys((*COMPARED.values(), "invert", "isfinite"), "mask"),
}  # fmt: skip


@dataclass(eq=False)
class Buffer:
    """Memory for arrays of one type, and the variable that holds it."""

    type: Type
    sites: list[Site]
    is_result: bool = False  # what it holds is returned
    name: str = ""


@dataclass(frozen=True)
class Buffered:
    """Statements that write into buffers."""

    statements: list[Statement]
    buffers: list[Buffer]
    inside: frozenset[str]  # the variables that may show a buffer


class Allocation:
    """Which statements of a function write into buffers; on request also its results.

    `given` are the function's arguments.
    """

    def __init__(
        self,
        statements: Sequence[Statement],
        last: str,
        types: Mapping[str, Type],
        given: Collection[str],
        fresh: Callable[[str], str],
        np: str,
        results: bool = False,
    ):
        self.statements, self.given, self.fresh, self.np = statements, given, fresh, np
        self.results = results
        self.flow = flow_of(statements, last)
        found = Sites(self.flow, types, np).found()
        self.sites = [site for site in found if site.place is None]
        self.places = [site for site in found if site.place is not None]
        self.aliases = Aliases(np, types, _is_new)
        for line in self.flow.lines:
            for tree in line.trees:
                self.aliases.read(tree)
        self.members = self.aliases.classes.members()
        self.returned = self.aliases.returned
        self.held: dict[Site, Buffer] = {}
        self.inner = self._chained()

    def _chained(self) -> dict[Site, Site]:
        """Sites that can have the memory of one around them: its first operand that is of its type."""
        by_node = {site.node: site for site in self.sites}
        found: dict[Site, Site] = {}
        for site in self.sites:
            operands = [by_node[o] for o in operands_of(site.form, site.node) if o in by_node]
            same = [o for o in operands if o.type == site.type]
            if same:
                found[same[0]] = site
        return found

    def result(self) -> Buffered:
        buffers = self._coloured()
        for buffer in buffers:
            self._name(buffer)
        by_node = {site.node: (site, buffer.name) for site, buffer in self.held.items()}
        by_node |= {site.node: (site, _text_of(site.place)) for site in self.places if site.place}
        by_node |= {s.node: (s, "") for s in self.sites if s.form.name == "dot" and s.node not in by_node}
        statements = rewritten(self.statements, self.flow, by_node, self.np)
        classes = self.aliases.classes
        owners = {classes.of(site.node) for site, buffer in self.held.items() if not buffer.is_result}
        inside = frozenset(name for own in owners for name in self._variables(own))
        return Buffered(statements, buffers, inside)

    def _variables(self, own: Member) -> list[str]:
        """The variables of a class."""
        return [member for member in self.members.get(own, ()) if isinstance(member, str)]

    # --- which sites may have buffers ---------------------------------------------------------------

    def _eligible(self) -> dict[Member, list[Site]]:
        """The sites that may have buffers, by the classes of their memory."""
        found: dict[Member, list[Site]] = {}
        for site in self.sites:
            own = self.aliases.classes.of(site.node)
            is_new = list(self.aliases.memory(site.node)) == [site.node]
            wanted = self.results if own in self.returned else _is_worth_it(site.type)
            if is_new and wanted and not any(map(is_local, site.type.shape)):
                found.setdefault(own, []).append(site)
        kept = {own: clean for own, sites in found.items() if (clean := self._clean(own, sites))}
        around = {site for sites in kept.values() for site in sites}
        return {own: sites for own, sites in kept.items() if self.inner.get(sites[0]) not in around}

    def _clean(self, own: Member, sites: list[Site]) -> list[Site]:
        """The sites at which nothing of their class is still read; one a line, as lines may use several."""
        names = self._variables(own)
        if len(names) * len(sites) > MOST:
            return []
        kept: dict[int, Site] = {}
        for site in sites:
            if site.type == sites[0].type and not any(self.flow.is_live(n, site.position) for n in names):
                kept.setdefault(site.position, site)
        return list(kept.values())

    # --- who shares a buffer ------------------------------------------------------------------------

    def _coloured(self) -> list[Buffer]:
        """The buffers: classes of one type share one if the one is spent before the other begins."""
        eligible = self._eligible()
        spans = self._spans(eligible)
        buffers: list[Buffer] = []
        idle: dict[Type, list[tuple[int, Buffer]]] = {}
        for own in sorted(eligible, key=lambda member: spans[member]):
            start, end = spans[own]
            type = eligible[own][0].type
            is_result = own in self.returned
            waiting = [] if is_result else idle.setdefault(type, [])
            place = next((i for i, (until, _) in enumerate(waiting) if until < start), None)
            buffer = waiting.pop(place)[1] if place is not None else Buffer(type, [], is_result)
            if place is None:
                buffers.append(buffer)
            buffer.sites += eligible[own]
            self.held.update(dict.fromkeys(eligible[own], buffer))
            waiting.append((end, buffer))
        for site in reversed(self.sites):
            if site not in self.held and self.inner.get(site) in self.held:
                self.held[site] = self.held[self.inner[site]]
        return buffers

    def _spans(self, eligible: Mapping[Member, list[Site]]) -> dict[Member, tuple[int, int]]:
        """From where to where the memory of a class is in use; what a loop carries, all through the loop."""
        spans = {}
        for own, sites in eligible.items():
            positions = [site.position for site in sites]
            for name in self._variables(own):
                positions += [position for position, _, _ in self.flow.events.get(name, ())]
            spans[own] = (min(positions), max(positions))
        for loop in self.flow.loops.values():
            for name in self.flow.carried(loop):
                own = self.aliases.classes.of(name)
                if own in spans:
                    start, end = spans[own]
                    spans[own] = (min(start, loop.start), max(end, loop.end))
        return spans

    # --- what buffers are called --------------------------------------------------------------------

    def _name(self, buffer: Buffer) -> None:
        """The name of a variable that never holds anything else, or a new one."""
        places = {(site.target, site.position) for site in buffer.sites}
        for site in buffer.sites:
            if site.target and site.target not in self.given and self._rebound(site.target) <= places:
                buffer.name = site.target
                return
        first = buffer.sites[0]
        base = f"{first.target}_memory" if first.target else NAMES.get(first.form.name, "temporary")
        buffer.name = self.fresh(base)
        while buffer.name in self.flow.events:
            buffer.name = self.fresh(base)

    def _rebound(self, name: str) -> set[tuple[str, int]]:
        """Where a variable is given another array."""
        return {
            (name, position)
            for position, kind, _ in self.flow.events[name]
            if kind == WRITE and not isinstance(self.flow.lines[position].trees[0], ast.AugAssign)
        }


def _text_of(place: ast.Subscript) -> str:
    """The text of a part of an array that a value is stored in."""
    return ast.unparse(place.value if ast.unparse(place.slice) == "..." else place)


def _is_worth_it(type: Type) -> bool:
    size = size_of(type.shape)
    return size.known is None or size.known >= SMALLEST


def _is_new(name: str) -> bool:
    return name in COPIED and (takes_memory(name) or gives_new_memory(source_of(name)))
