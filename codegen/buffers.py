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
from functools import partial

from autodiffc.compiler.ops.control import is_local
from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.types import Dim, Type, size_of
from autodiffc.grammar.records import record

from .aliases import Aliases, Member, gives_new_memory
from .blocks import Statement
from .copied import COPIED, source_of
from .fixed import Fixed, fixed_arrays, picks_rows
from .flow import WRITE, flow_of, name_of
from .idle import Idle
from .into import (
    AS_IT_IS,
    COMPARED,
    GATHERED,
    RESHAPED,
    ROOMY,
    SOMETIMES,
    Form,
    computing,
    operands_of,
    takes_memory,
    takes_scratch,
)
from .overwriting import Overwriting, spare_of
from .rewriting import rewritten
from .sites import Site, Sites
from .supplies import Supplies
from .trees import walk
from .turns import Part, Turns

SMALLEST = 512  # elements of an array of fixed size that is worth a buffer
SMALLEST_LENT = 32  # the same where a caller lends it
MOST = 4_000  # pairs of variables and sites of one class that are looked at
SCRATCH = "{}"  # the text of the memory that routines keep
NAMES = {
    "matmul": "product", "dot": "product", "multiply": "product", "divide": "quotient", "add": "total",
    "sum": "total", "subtract": "difference", "square": "square", "negative": "negative",
    **dict.fromkeys((*COMPARED.values(), "bitwise_and", "bitwise_or", "invert", "isfinite"), "mask"),
    "_row_max": "largest", "_ones": "ones", "ones": "ones", "eye": "eye", "arange": "numbers",
    "_patches": "windows", GATHERED: "gathered",
}  # fmt: skip


@dataclass(eq=False)
class Buffer:
    """Memory for arrays of one type, and the variable that holds it."""

    type: Type
    sites: list[Site]
    is_result: bool = False  # what it holds is returned
    name: str = ""
    made: str = ""  # the text of what it always holds
    picks: bool = False  # rows, by being indices
    order: tuple[int, ...] = ()  # of its axes in memory, where it is another one
    is_supply: bool = False  # of such arrays, as many as there will be
    number: str = ""  # the argument that it holds


@record(frozen=True)
class Buffered:
    """Statements that write into buffers."""

    statements: list[Statement]
    last: str
    buffers: list[Buffer]
    inside: frozenset[str]  # the variables that may show a buffer


class Allocation:
    """Which statements of a function write into buffers; on request also its results.

    `given` are the function's arguments, `sizes` the dims that it reads from them, by the variables for them,
    `lent` tells whether a caller may lend the memory, who wants no other made. `spare` are the arguments that
    are written to as a whole, by rows: they are buffers until then. `tables` are arrays of the module.
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
        sizes: Mapping[str, str] = {},
        lent: bool = False,
        spare: Collection[str] = (),
        tables: Collection[str] = (),
    ):
        self.statements, self.last, self.given = statements, last, given
        self.fresh, self.np, self.results = fresh, np, results
        self.flow = flow_of(statements, last)
        found = Sites(self.flow, types, np, sizes, lent).found()
        self.smallest = SMALLEST_LENT if lent else SMALLEST
        self.sites = [site for site in found if site.place is None]
        self.places = [site for site in found if site.place is not None]
        self.aliases = Aliases(np, types, is_new, self.flow.variable)
        for position, line in enumerate(self.flow.lines):
            for tree in line.trees:
                self.aliases.read(tree, position)
        self.members = self.aliases.classes.members()
        self.returned = self.aliases.returned
        self.sizes = sizes
        self.fixed = fixed_arrays(self.flow, self.aliases, sizes, np, tables)
        self._leave_out({node for one in self.fixed for root in one.nodes for node in walk(root)})
        self.held: dict[Site, list[Buffer]] = {}
        self.turns = Turns(self.flow, self.aliases)
        self.supplies = Supplies(self.flow, self._new_name)
        self.inner = self._chained()
        self.over = Overwriting(self.flow, self.aliases, self.sites, self.inner, self._variables)
        rows = (Buffer(types[name], [], name=name) for name in spare if name in types)
        self.spare = [one for buffer in rows if (one := spare_of(buffer, self.flow, np)) is not None]

    def _leave_out(self, nodes: Collection[ast.AST]) -> None:
        """Take no notice of the sites in what is fixed."""
        self.sites = [site for site in self.sites if site.node not in nodes]

    def _chained(self) -> dict[Site, Site]:
        """Sites that can have the memory of one around them: its first operand that is of its type."""
        by_node = {site.node: site for site in self.sites}
        found: dict[Site, Site] = {}
        for site in self.sites:
            operands = [by_node[o] for o in operands_of(site.form, site.node) if o in by_node]
            same = [o for o in operands if (o.type, o.order) == (site.type, site.order)]
            if same:
                found[same[0]] = site
        return found

    def result(self) -> Buffered:
        buffers = self._coloured()
        for buffer in buffers:
            self._name(buffer)
        by_node = {site.node: (site, tuple(buffer.name for buffer in own)) for site, own in self.held.items()}
        by_node |= {site.node: (site, (_text_of(site.place),)) for site in self.places if site.place}
        by_node |= {s.node: (s, ()) for s in self.sites if s.form.name == "dot" and s.node not in by_node}
        for site in self._copies():
            buffers.append(
                Buffer(site.type, [site], name=self._new_name(f"{site.target or 'columns'}_memory"))
            )
            by_node[site.node] = (site, (buffers[-1].name,))
        for one in self.fixed if buffers else ():
            buffers.append(self._fixed(one))
            by_node |= {site.node: (site, (buffers[-1].name,)) for site in buffers[-1].sites}
        for supply in self.supplies.found:
            buffers.append(Buffer(supply.type, supply.sites, name=supply.memory, is_supply=True))
        if self.supplies.rooms:
            stacks = self._new_name("stacks")
            buffers.append(Buffer(Type("real", ()), self.supplies.rooms, name=stacks, made=SCRATCH))
            by_node |= {site.node: (site, (text,)) for site, text in self.supplies.rooms_in(stacks)}
        by_node |= {site.node: (site, (text,)) for site, text in self.supplies.handed_out()}
        calls = self._calls()
        if calls:
            buffers.append(Buffer(Type("real", ()), [], name=self._new_name("scratch"), made=SCRATCH))
        scratch = {node: (position, buffers[-1].name) for node, position in calls.items()}
        begun = self.supplies.begun()
        statements, last = rewritten(self.statements, self.last, self.flow, by_node, scratch, begun, self.np)
        classes = self.aliases.classes
        inner = [b for b in buffers if b.sites and not b.is_result and b.made in ("", SCRATCH)]
        inner += [one.buffer for one in self.spare if one.buffer.sites]
        owners = {classes.of(b.sites[0].node) for b in inner}
        inside = frozenset(name_of(variable) for own in owners for variable in self._variables(own))
        inside |= {
            name
            for site, own in by_node.values()
            if site.position == len(self.flow.lines) - 1
            for name in own
        }
        inside |= {name for position, name in scratch.values() if position == len(self.flow.lines) - 1}
        return Buffered(statements, last, buffers, inside)

    def _copies(self) -> list[Site]:
        """The sites that make a copy or give what they are given: each has a buffer of its own."""
        places = [site for site in self.sites if site.form.name in (*SOMETIMES, RESHAPED)]
        return [
            site
            for site in places
            if (TILE in site.type.shape[:-1] or site.form.name == RESHAPED)
            and not any(map(is_local, site.type.shape))
            and not self.flow.lines[site.position].loops
            and not any(self.aliases.classes.of(m) in self.returned for m in self.aliases.memory(site.node))
        ]

    def _calls(self) -> dict[ast.expr, int]:
        """The calls to routines that compute in memory of their own, and their positions."""
        return {
            node: position
            for position, line in enumerate(self.flow.lines)
            for tree in (line.trees if "\n" not in line.text and _computes(line.text) else ())
            if not isinstance(tree, (ast.If, ast.While, ast.For))
            for node in walk(tree)
            if takes_scratch(node)
        }

    def _variables(self, own: Member) -> list[str]:
        """The variables of a class, without the arguments: these never show a buffer."""
        names = [member for member in self.members.get(own, ()) if isinstance(member, str)]
        return [name for name in names if name not in self.given or self._rebound(name)]

    # --- which sites may have buffers ---------------------------------------------------------------

    def _eligible(self) -> dict[Member, list[Part]]:
        """The sites that may have buffers, by the classes of their memory."""
        found: dict[Member, list[Site]] = {}
        for site in self.sites:
            own = self.aliases.classes.of(site.node)
            is_new = site.form.name == GATHERED or list(self.aliases.memory(site.node)) == [site.node]
            whole = site.form.name not in ROOMY  # is no part of memory that a result would keep alive
            wanted = self.results and whole if own in self.returned else self._is_worth_it(site.type)
            if is_new and wanted:
                found.setdefault(own, []).append(site)
        kept = {own: parts for own, sites in found.items() if (parts := self._usable(own, sites))}
        around = {site for parts in kept.values() for part in parts for site in part.sites}
        return {own: parts for own, parts in kept.items() if self.inner.get(parts[0].sites[0]) not in around}

    def _is_worth_it(self, type: Type) -> bool:
        size = size_of(type.shape)
        return size.known is None or size.known >= self.smallest

    def _usable(self, together: Member, sites: list[Site]) -> list[Part]:
        """The sites that can have buffers; those of which only run time knows more have other memory."""
        names = self._variables(together)
        if len(names) * len(sites) > MOST:
            return []
        parts, left = self.turns.parts(sites, names)
        for site, part in left if together not in self.returned else ():
            self.supplies.add(site, part)
        return parts

    # --- who shares a buffer ------------------------------------------------------------------------

    def _coloured(self) -> list[Buffer]:
        """The buffers: classes of one type share one if the one is spent as the other begins."""
        eligible = self._eligible()
        spans = self._spans(eligible)
        buffers: list[Buffer] = []
        idle: dict[tuple[Type, tuple[int, ...]], Idle[Buffer]] = {}
        for own in sorted(eligible, key=lambda member: spans[member]):
            start, end = spans[own]
            for sites in [part.sites for part in eligible[own] for _ in range(part.count)]:
                if own in self.returned:
                    buffers.append(Buffer(sites[0].type, [], True, order=sites[0].order))
                    self._hold(buffers[-1], sites)
                    continue
                given = self.over.spare_for(self.spare, sites[0], start, end)
                if given is not None:
                    self._hold(given, sites)
                    continue
                waiting = idle.setdefault((sites[0].type, sites[0].order), Idle())
                buffer = waiting.taken(start, partial(self._may_follow, sites[0], start, spans))
                if buffer is None:
                    buffer = Buffer(sites[0].type, [], order=sites[0].order)
                    buffers.append(buffer)
                self._hold(buffer, sites)
                waiting.give(buffer, own, until=end)
        for site in reversed(self.sites):
            if site not in self.held and self.inner.get(site) in self.held:
                self.held[site] = self.held[self.inner[site]]
        return buffers

    def _may_follow(
        self, site: Site, start: int, spans: Mapping[Member, tuple[int, int]], spent: Member
    ) -> bool:
        """Whether a site may write to what is spent there, and wasn't begun there."""
        return spans[spent][0] < start and self.over.may_write(site, spent)

    def _hold(self, buffer: Buffer, sites: Sequence[Site]) -> None:
        buffer.sites += sites
        for site in sites:
            self.held.setdefault(site, []).append(buffer)

    def _spans(self, eligible: Mapping[Member, list[Part]]) -> dict[Member, tuple[int, int]]:
        """From where to where the memory of a class is in use; what a loop carries, all through the loop."""
        spans = {}
        for own, parts in eligible.items():
            positions = [site.position for part in parts for site in part.sites]
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
        first = buffer.sites[0]
        turns = any(len(self.held[site]) > 1 for site in buffer.sites)
        parts = any(site.form.name in ROOMY for site in buffer.sites)
        for site in buffer.sites if not turns and not parts else ():
            if site.target and site.target not in self.given and self._rebound(site.target) <= places:
                buffer.name = site.target
                return
        base = f"{first.target}_memory" if first.target else NAMES.get(first.form.name, "temporary")
        buffer.name = self._new_name(base)

    def _fixed(self, one: Fixed) -> Buffer:
        """The memory of a fixed array, and its name: that of its variable where that holds nothing else."""
        symbols = [self.sizes[size] for size in one.sizes]
        type = Type("int", tuple(map(Dim.symbol, symbols)))
        sites = [Site(node, at, type, Form(AS_IT_IS), name) for node, at, name in one.places]
        names = {site.target for site in sites}
        (name,) = names if len(names) == 1 else ("",)
        if not name or self._rebound(name) != {(name, site.position) for site in sites}:
            name = self._new_name(name or NAMES.get(one.maker, "fixed"))
        return Buffer(type, sites, name=name, made=one.text, picks=picks_rows(one, self.flow))

    def _new_name(self, base: str) -> str:
        name = self.fresh(base)
        while name in self.flow.events:
            name = self.fresh(base)
        return name

    def _rebound(self, name: str) -> set[tuple[str, int]]:
        """Where a name is given another array."""
        numbers = range(len(self.flow.anew.get(name, ())) + 1)
        variables = [f"{name}#{number}" if number else name for number in numbers]
        return {
            (name, position)
            for variable in variables
            for position, kind, _ in self.flow.events[variable]
            if kind == WRITE and not isinstance(self.flow.lines[position].trees[0], ast.AugAssign)
        }


def _text_of(place: ast.Subscript) -> str:
    """The text of a part of an array that a value is stored in."""
    return ast.unparse(place.value if ast.unparse(place.slice) == "..." else place)


def _computes(text: str) -> bool:
    """Whether a line may call a routine that keeps memory."""
    return any(name in text for name in computing())


def is_new(name: str) -> bool:
    return name in COPIED and (takes_memory(name) or gives_new_memory(source_of(name)))
