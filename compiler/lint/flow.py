"""What is known of each value, in the bodies of loops and branches too: an interval, on what it depends.

    h = 1.0
    for t in range(T):
        h = h + exp(x[t])        h is at least 1 in each step
    L = log(h)                   log of what is above 0

`intervals` (compiler/ranges.py) is right about doubles, which this is not: here numbers are neither huge nor
tiny, so that a product of positive values is positive, and exp never 0. That is what a person means who
says that log(exp(x)) is safe. What a loop carries keeps an end of its interval that no step moves. The zeros
that a `var` begins with don't count, as its elements are written before they are read.

Where a condition decides whether a value is used, `guard` has what the condition depends on:

    where(x > 0, log(x), 0)      log(x) is guarded by x

Sets of leaves (arguments and steps' numbers) are the bits of an int.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Interval, Node
from ..ops.bounds import REALS, hull
from ..ops.control import UNLIMITED
from ..passes.zeros import bodies_of
from ..ranges import interval_of
from ..types import TUPLE
from .conditions import narrowed

TINY, HUGE = 1e-30, 1e30
BELOW_ONE = 1.0 - 2.0**-52
EMPTY: Interval = (inf, -inf)
ROUNDS, DEEPEST = 3, 3  # what a loop carries is followed so often, in loops so deep
# The open intervals in which values lie whatever comes in.
OPEN: Mapping[str, Interval] = {
    "exp": (TINY, HUGE), "sigmoid": (TINY, BELOW_ONE), "softmax": (TINY, BELOW_ONE), "softplus": (TINY, HUGE),
    "erfc": (TINY, 2.0 * BELOW_ONE), "ndtr": (TINY, BELOW_ONE), "tanh": (-BELOW_ONE, BELOW_ONE),
    "erf": (-BELOW_ONE, BELOW_ONE),
}  # fmt: skip
VANISHING = frozenset(["exp", "erfc", "ndtr"])  # those that underflow where their argument is no extreme
# Ops that give positive values of positive ones, and none below 0 of those that are not.
POSITIVE = frozenset(["matmul", "outer", "einsum", "tensordot", "prod", "cumprod", "power", "sum", "cumsum"])
PASSED_ON = frozenset(["getitem", "gather", "item", "after", "to_real"])


@record(frozen=True)
class Known:
    """What is known of a value; `argument` is the argument of the model that it is a part of."""

    interval: Interval
    leaves: int = 0
    argument: str = ""


@record(frozen=True, eq=False)
class Site:
    """A node, in a graph or in a body, with what is known of its arguments."""

    graph: Graph
    node: Node
    args: tuple[Known, ...]
    guard: int


@dataclass
class Flow:
    """Goes through a graph and the bodies in it.

    `vanishing`: exp and its kin may underflow to 0.
    """

    vanishing: bool = False
    empty: frozenset[Node] = frozenset()  # arrays that are there to be filled
    leaves: int = 0
    depth: int = 0
    _inner: dict[Node, list[list[Known]]] = field(default_factory=dict)  # of the inputs of bodies

    def sites(self, graph: Graph, inputs: Sequence[Known], guard: int = 0) -> Iterator[Site]:
        """Every node that has arguments."""
        known = self.values(graph, inputs)
        guards = _guards(graph, known, guard)
        inner = {node: self._inner[node] for node in graph.nodes() if node in self._inner}
        for node in graph.nodes():
            args = tuple(known[a] for a in node.args)
            yield Site(graph, node, args, guards[node])
            if node in inner:
                taken = args[0].leaves if node.op is ops.branch else 0
                for body, given in zip(bodies_of(node), inner[node]):
                    yield from self.sites(body, given, guards[node] | taken)

    def leaf(self) -> int:
        """A leaf of its own."""
        self.leaves += 1
        return 1 << self.leaves

    def values(self, graph: Graph, inputs: Sequence[Known]) -> dict[Node, Known]:
        """What is known of every node of a graph."""
        known = dict(zip(graph.inputs, inputs))
        found: dict[Node, Interval] = {node: k.interval for node, k in known.items()}
        for node in graph.nodes():
            if node not in known:
                known[node] = self._value(node, known, found)
                found[node] = known[node].interval
        return known

    def _value(self, node: Node, known: Mapping[Node, Known], found: dict[Node, Interval]) -> Known:
        args = [known[a] for a in node.args]
        leaves = 0
        for arg in args:
            leaves |= arg.leaves
        if node.type.kind == TUPLE and bodies_of(node):
            self._results[node] = self._control(node, args)
            return Known(REALS, leaves)
        if node.op is ops.item and node.args[0] in self._results:
            return Known(self._results[node.args[0]][node["position"]], leaves)
        interval = EMPTY if node in self.empty else self._moderate(node, args, interval_of(node, found, {}))
        passes = node.args and (node.op.view or node.op.name in PASSED_ON)
        return Known(interval, leaves, args[0].argument if passes else "")

    _results: dict[Node, list[Interval]] = field(default_factory=dict)

    def _moderate(self, node: Node, args: Sequence[Known], interval: Interval) -> Interval:
        """An interval of numbers that are neither huge nor, where zero is only its end, tiny."""
        low, high = interval
        lows = [arg.interval[0] for arg in args]
        name = node.op.name
        if name in OPEN and not (self.vanishing and name in VANISHING):
            low, high = max(low, OPEN[name][0]), min(high, OPEN[name][1])
        if name == "arange" and node["step"] > 0:
            low = float(-HUGE if node["start"].known is None else node["start"].known)
        if name in POSITIVE and low <= 0.0 and min(lows[:1] if name == "power" else lows) > 0.0:
            low = TINY
        if name in POSITIVE and name != "power" and low < 0.0 <= min(lows):
            low = 0.0
        return (max(low, -HUGE), min(high, HUGE)) if low <= high else interval

    def _control(self, node: Node, args: Sequence[Known]) -> list[Interval]:
        """The intervals of the results of a loop or a branch."""
        self.depth += 1
        found = self._branch(node, args[1:]) if node.op is ops.branch else self._loop(node, args[0], args[1:])
        self.depth -= 1
        return found

    def _branch(self, node: Node, args: Sequence[Known]) -> list[Interval]:
        self._inner[node] = [list(args)] * 2
        sides = [self._outputs(body, args) for body in bodies_of(node)]
        return [hull(*ends) for ends in zip(*sides)]

    def _loop(self, node: Node, count: Known, args: Sequence[Known]) -> list[Interval]:
        """Carried values begin where they begin; an end that a step moves is given up.

        What comes out of a loop that takes a step at least has been through one. A step is taken where the
        condition holds; where nothing else ends the loop, it does not hold at the end.
        """
        body, carried = node["body"], node["carried"]
        step = Known((0.0, HUGE), self.leaf())
        moving = step.leaves
        for arg in args:
            moving |= arg.leaves
        state = [Known(arg.interval, moving) for arg in args[:carried]]
        condition: Graph | None = node.get("condition")
        for _ in range(ROUNDS if self.depth <= DEEPEST else 0):
            inner = _where(condition, True, [step, *state, *args[carried:]])
            after = self._outputs(body, inner)
            wider = [Known(_widened(s.interval, a), moving) for s, a in zip(state, after)]
            if wider == state:
                break
            state = wider
        else:
            state = [Known(REALS, moving) for _ in state]
            inner = _where(condition, True, [step, *state, *args[carried:]])
            after = self._outputs(body, inner)
        self._inner[node] = [inner]
        if count.interval[0] >= 1.0 and condition is None:
            return [*after, (0.0, HUGE)]
        if count.interval[0] >= UNLIMITED:
            state = _where(condition, False, [step, *state, *args[carried:]])[1 : carried + 1]
        return [*(s.interval for s in state), *after[carried:], (0.0, HUGE)]

    def _outputs(self, body: Graph, inputs: Sequence[Known]) -> list[Interval]:
        known = self.values(body, inputs)
        return [known[node].interval for _, node in body.outputs]


def _where(condition: Graph | None, holds: bool, inputs: list[Known]) -> list[Known]:
    """What is known of the inputs of a loop's body where its condition holds, or does not."""
    if condition is None:
        return inputs
    found = narrowed(condition, holds, [k.interval for k in inputs])
    return [replace(known, interval=interval) for known, interval in zip(inputs, found)]


def _widened(before: Interval, after: Interval) -> Interval:
    """An interval that holds both; what moves an end is taken to move it as far as its sign allows."""
    if before == EMPTY:
        return after
    low, high = hull(before, after)
    if low < before[0]:
        low = TINY if low > 0.0 else 0.0 if low == 0.0 else -HUGE
    if high > before[1]:
        high = 0.0 if high <= 0.0 else HUGE
    return low, high


def _guards(graph: Graph, known: Mapping[Node, Known], outer: int) -> dict[Node, int]:
    """For each node what the conditions depend on that every use of it stands under."""
    guards: dict[Node, int] = {node: outer for _, node in graph.outputs}
    checked = 0
    for node in graph.nodes():
        if node.op is ops.check:
            checked |= known[node].leaves
    for node in reversed(graph.nodes()):
        for position, arg in enumerate(node.args):
            chosen = node.op is ops.where and position > 0
            guard = guards[node] | (known[node.args[0]].leaves if chosen else 0)
            guards[arg] = guards[arg] & guard if arg in guards else guard
    return {node: guard | checked for node, guard in guards.items()}
