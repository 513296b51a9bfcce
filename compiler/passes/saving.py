"""Which values are saved for an adjoint, and which are made again of what is saved: the cheapest choice.

    forward:  %1 = sub(x, y), %2 = exp(%1), %3 = mul(%1, %2)        needed: %1, %2
    saved:    %2 alone; %1 is x - y, and x and y are there anyway

A value that the adjoint needs is kept, which costs memory and the time to write and read it; or made again,
which costs its op's time and needs its arguments. The cheapest choice is a minimum cut. Each value v has a
vertex n(v), on the source's side where v is needed, and one more, r(v), where it is made again:

    source → n(v)    unlimited       the adjoint needs v
    n(v) → r(v)      price of v      v is needed and not made again: it is kept
    r(v) → sink      time of v       v is made again
    r(v) → n(u)      unlimited       and so needs its argument u

With one edge n(v) → sink for what can't be made again. (Memory against time: Chen, Xu, Zhang, Guestrin:
Training deep nets with sublinear memory cost, 2016; Jain et al.: Checkmate: Breaking the memory wall with
optimal tensor rematerialization, 2020. Choices that need others as a cut: Picard: Maximal closure of a graph
and applications to combinatorial problems, 1976.)

Products, reductions, loops and random draws are never made again. What is made again is the same to the last
bit: an op of IEEE arithmetic on the same numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from textwrap import shorten

from autodiffc.grammar.records import record

from ..cost.formulas import bytes_of, is_scalar, kind
from ..cost.machine import machine_called
from ..cost.prediction import SLOW, Costs
from ..ir import Graph, Node, topological
from ..types import INT, TUPLE
from .mincut import UNLIMITED, Network

LARGEST = 20_000  # values that are thought about
NOTED = 100  # values of a graph
SHOWN_LENGTH = 32  # of what is written in the model, in a note

# What only shows its argument in another shape: the argument is saved in its stead.
SHOWN = frozenset(["reshape", "transpose", "broadcast_to", "patches"])
# What costs no more than reading it back.
CHEAP = frozenset(
    [
        "neg",
        "to_real",
        "to_int",
        "to_bool",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "equal",
        "not_equal",
        "logical_and",
        "logical_or",
        "logical_not",
    ]
)
# Other ops that give the same bits wherever they are done.
EXACT = frozenset(
    [
        *("add", "sub", "mul", "div", "square", "reciprocal", "abs", "sign", "sqrt", "maximum", "minimum"),
        *("clip", "relu", "leaky_relu", "where", "gate", "gate_finite", "floor", "ceil", "masked"),
        *("divide_or_zero", "shifted", "nonnegative"),
    ]
)


def is_leaf(node: Node) -> bool:
    """Whether it takes nothing: a constant, a dim, a range."""
    return not node.args and node.op.name not in ("argument", "undefined")


def is_count(node: Node) -> bool:
    """A single int that is computed of others: a position, a number of steps."""
    return node.type == INT and node.op.elementwise and all(arg.type == INT for arg in node.args)


def is_read(node: Node) -> bool:
    """What is read of an array at a single position."""
    single = node.op.name == "getitem" or (
        node.op.name == "gather" and all(a.type == INT for a in node.args[1:])
    )
    return single and bool(node.args[0].rank)


def is_view(node: Node) -> bool:
    """What shows a part of an array, or all of it."""
    return node.op.view and kind(node) == "free"


@record(frozen=True)
class Prices:
    """What it costs to keep a value and to make it again, in hundredths of a nanosecond.

    `field` is for an array of its own, `number` for a Python number, `moves` says how often its bytes go to
    or from memory, and `pages` how many of its pages are fresh; `lent`: arguments are in the caller's memory.
    Dims that only run time knows count as `assumed`. The numbers are those for a CPU without AVX512: with
    it, elementary functions might be made again, but a module is to be the same wherever it is made.
    """

    field: float
    number: float
    moves: float
    pages: float
    assumed: int
    lent: bool

    @property
    def costs(self) -> Costs:
        return Costs(machine_called("AVX2"), assumed=self.assumed)

    def keep(self, costs: Costs, node: Node) -> int:
        """The price of having a value in the other pass; a little less for what another one only shows."""
        if not node.rank:
            return round(100 * self.number)
        lent = self.lent and node.op.name == "argument"
        bytes_ = 0.0 if lent else costs.traffic(node, self.moves, self.pages)
        return round(100 * (self.field + bytes_)) + (node.op.name in SHOWN or is_view(node))

    def again(
        self, costs: Costs, node: Node, moving: Collection[Node], changed: Collection[Node]
    ) -> int | None:
        """The price of making it again; None where it can't be, or is not to be.

        Of a `moving` array no part is read again: all of it would have to be kept. And nothing is made again
        of one that the loop around this one has `changed` in the meantime.
        """
        name = node.op.name
        if not node.args or node.type.kind == TUPLE:
            return None
        if name in SHOWN or name in CHEAP or is_count(node):
            return 0
        if is_read(node) or is_view(node):
            return None if node.args[0] in moving else 0
        if name not in EXACT or any(arg in changed for arg in node.args):
            return None
        if is_scalar(node) and costs.machine.element(name) > SLOW:
            return None
        return round(100 * costs.nanoseconds(node))


# forward() has computed the value anyway: that it lives on costs a place in the cache and some of its pages.
CACHED = Prices(field=5.0, number=5.0, moves=0.0, pages=0.1, assumed=1000, lent=True)
# A step's value is copied to its row of a stack, and read there: a setitem, a getitem, two ways of its bytes.
STACKED = Prices(field=300.0, number=25.0, moves=2.0, pages=0.2, assumed=200, lent=False)


def cheapest(
    roots: Sequence[Node], free: Collection[Node], moving: Collection[Node], prices: Prices
) -> set[Node] | None:
    """The values to save so that all of `roots` can be had; None where there are too many to think about.

    `free` need no saving. Of these, and of others, `moving` ones are arrays that a loop around changes. What
    is no cheaper made than kept is never made again; where that is needed, there is nothing to choose.
    """
    costs, changed = prices.costs, {*free}.intersection(moving)
    again: dict[Node, int | None] = {}
    keep: dict[Node, int] = {}
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node in again or node in free or is_leaf(node):
            continue
        keep[node] = prices.keep(costs, node)
        time = prices.again(costs, node, moving, changed)
        again[node] = None if time is None or time >= keep[node] else time
        if again[node] is not None:
            waiting.extend(node.args)
        if len(again) > LARGEST:
            return None
    kept = {node for node in roots if node in again and again[node] is None}
    return kept | _cut(roots, {node: again[node] for node in again if node not in kept}, keep)


def _cut(roots: Iterable[Node], again: dict[Node, int | None], keep: dict[Node, int]) -> set[Node]:
    needed = {node: 2 * place for place, node in enumerate(again)}  # the next is that it is made again
    network: Network[int] = Network()
    source, sink = -1, -2
    for root in roots:
        if root in again:
            network.add(source, needed[root], UNLIMITED)
    for node, time in again.items():
        own = needed[node]
        if time is None:
            network.add(own, sink, keep[node])
            continue
        network.add(own, own + 1, keep[node])
        network.add(own + 1, sink, time)
        for arg in node.args:
            if arg in again:
                network.add(own + 1, needed[arg], UNLIMITED)
    side = network.source_side(source, sink)
    return {node for node, own in needed.items() if own in side and own + 1 not in side}


def explained(joint: Graph, derivatives: int, saved: Sequence[Node], when: str) -> Graph:
    """The graph with notes on what is saved for its last outputs (so many), and what is made again."""
    count = len(joint.outputs) - derivatives
    own = set(topological(node for _, node in joint.outputs[:count]))
    notes = [
        joint.note("saved", f"{_called(node, joint)}: {node.type}, {bytes_of(node.type)} bytes {when}", node)
        for node in saved[:NOTED]
    ]
    notes += [
        joint.note("recomputed", f"{_called(node, joint)}: {node.type} {when}, of what is at hand", node)
        for node in _made_again([node for _, node in joint.outputs[count:]], own, set(saved))[:NOTED]
    ]
    return joint.with_notes(notes)


def _made_again(roots: Iterable[Node], own: Collection[Node], saved: Collection[Node]) -> list[Node]:
    """The forward's values that the adjoint computes itself, but for those that cost nothing."""
    found: dict[Node, None] = {}
    waiting, seen = list(roots), set(saved)
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        waiting.extend(node.args)
        if node in own and node.op.name in EXACT:
            found[node] = None
    return list(found)


def _called(node: Node, graph: Graph) -> str:
    """A value by its name, or as it is written in the model."""
    if node.op.name == "argument":
        return str(node["name"])
    place = next(iter(graph.origins.get(node, ())), None)
    written = place.span.beginning(2 * SHOWN_LENGTH) if place and not place.adjoint else node.op.name
    return graph.names.get(node) or shorten(written, SHOWN_LENGTH, placeholder=" …")
