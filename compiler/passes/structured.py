"""The adjoints of loops and branches: their bodies differentiated, and wrapped in a loop or branch again.

    h = loop(T, h_0, x, W; body: (t, h, x, W) -> h')

becomes a loop that also stacks what the adjoint needs of each step, and

    d_h_0, d_W = loop(T, d_h, 0, hs, …; body: (t, d_h, d_W, hs, …) -> (d_h', d_W + …), reverse=True)

Reverse mode on the body gives the adjoint of a step; `optimise` simplifies the step and its adjoint
together; a partition decides what the step saves. What is given to every step (weights, data) has a sum of
cotangents that the adjoint carries. The sum goes on from what is known of the cotangent already, so that an
array of which each step reads an element costs an element a step, in nested loops and in branches too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from keyword import iskeyword
from typing import Any, Protocol

from .. import ops
from ..ir import Graph, Interval, Node, topological
from ..ops import argument
from ..ops.control import items, zeros_for
from ..ops.indexing import whole
from ..types import TUPLE
from .dce import Dce
from .partition import fresh_name, saved_values
from .zeros import Zeros

# A graph of a step and its adjoint, of which the last outputs (so many) are derivatives, made simpler.
Optimise = Callable[[Graph, int], Graph]
Activity = Callable[[Iterable[Node], frozenset[Node]], set[Node]]
ROUNDS = 4  # until what zeros a carried cotangent may hold is known; there are as many levels


def unchanged(graph: Graph, derivatives: int) -> Graph:
    """No optimisation."""
    return graph


@dataclass(frozen=True)
class Options:
    """`ranges` are the intervals of arguments; `optimise` is run on the body of a loop with its adjoint."""

    ranges: Mapping[str, Interval] = field(default_factory=dict)
    masked_zero: bool = True
    optimise: Optimise = unchanged


@dataclass(frozen=True)
class Seed:
    """A cotangent to begin with, and what zeros and infinities it may hold."""

    value: Node
    cotangent: Node
    zeros: Zeros = Zeros.NONE
    unbounded: bool = False


class Reverse(Protocol):
    """`autodiff.reverse`."""

    def __call__(
        self,
        seeds: Sequence[Seed],
        wrt: Iterable[Node],
        graph: Graph,
        options: Options,
        sums: Collection[Node] = (),
    ) -> tuple[Any, Any]: ...


@dataclass(frozen=True)
class Incoming:
    """What is known when a loop or a branch is reached: the cotangents of its results, by position.

    `active` are flags and `ranges` intervals of the operands (the count or condition first), `bases` the
    cotangents that are known of arrays among them.
    """

    cotangents: Mapping[int, Node]
    zeros: Zeros
    unbounded: bool
    active: tuple[bool, ...]
    bases: Mapping[Node, Node]
    ranges: tuple[Interval, ...]


@dataclass(frozen=True)
class Outgoing:
    """The operands' cotangents, and the loop or branch that saves what they need.

    Those of the operands in `absorbed` go on from their bases, the others are to be added.
    """

    totals: Mapping[Node, Node]
    absorbed: frozenset[Node]
    replaced: Node
    saved: Mapping[Node, str]  # by the names that they are to have
    zeros: Zeros
    unbounded: bool


def adjoint(
    node: Node, incoming: Incoming, reverse: Reverse, activity: Activity, options: Options
) -> Outgoing:
    """The cotangents that go back through a loop or a branch."""
    if node.op is ops.loop:
        return _LoopAdjoint(node, incoming, reverse, activity, options).result()
    return _branch_adjoint(node, incoming, reverse, options)


def active_results(node: Node, active: Sequence[bool], activity: Activity) -> frozenset[int]:
    """The positions of the results that depend on active operands."""
    if node.op is ops.branch:
        return frozenset().union(*(_active_outputs(side, active[1:], activity) for side in node.subgraphs()))
    return _active_inside(node, active[1:], activity)[1]


def _active_outputs(body: Graph, active: Sequence[bool], activity: Activity) -> frozenset[int]:
    wrt = frozenset(i for i, flag in zip(body.inputs, active) if flag)
    outputs = [output for _, output in body.outputs]
    found = activity(topological(outputs), wrt)
    return frozenset(i for i, output in enumerate(outputs) if output in found)


def _active_inside(
    node: Node, active: Sequence[bool], activity: Activity
) -> tuple[tuple[bool, ...], frozenset[int]]:
    """Which of a loop's operands are active in some step, and which results."""
    flags, carried = list(active), range(node["carried"])
    while True:
        results = _active_outputs(node["body"], (False, *flags), activity)
        fresh = [i for i in carried if i in results and not flags[i]]
        if not fresh:
            break
        for i in fresh:
            flags[i] = True
    return tuple(flags), results | {i for i in carried if flags[i]}


def substitute(graph: Graph, replaced: Mapping[Node, Node]) -> Graph:
    """The graph with loops and branches in the place of others that have fewer results."""
    if not replaced:
        return graph
    made: dict[tuple[Node, tuple[Node, ...]], Node] = {}

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        if node.op is ops.item and node.args[0] in replaced:
            return ops.item(args[0], position=_moved(node, args[0]))
        if node.type.kind != TUPLE:
            return node.with_args(args)
        return made.setdefault((key := replaced.get(node, node), args), key.with_args(args))

    return graph.rewrite(step)


def _moved(item: Node, target: Node) -> int:
    """Where a result is now: the number of a loop's steps stays the last."""
    position, count = item["position"], len(item.args[0].type.items)
    last = target.op is ops.loop and position == count - 1
    return len(target.type.items) - 1 if last else position


class Fresh:
    """Names that differ from each other."""

    def __init__(self, taken: Iterable[str]):
        self.taken = set(taken)
        self.numbers: dict[str, int] = {}

    def __call__(self, base: str) -> str:
        name = base if base not in self.taken else fresh_name(base, self.taken, self.numbers)
        self.taken.add(name)
        return name


def _names_in(body: Graph) -> set[str]:
    inputs = {node["name"] for node in body.inputs}
    return inputs | set(body.names.values()) | {name for name, _ in body.outputs}


def _name_of(node: Node, graph: Graph) -> str:
    if node.op.name == "argument":
        return str(node["name"])
    return graph.names.get(node, node.op.name)


# --- branches ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Side:
    """One side of a branch with its adjoint: what it saves, and the adjoint in terms of that."""

    forward: Graph
    saved: tuple[Node, ...]
    backward: Graph
    zeros: Zeros
    unbounded: bool


def _branch_adjoint(node: Node, incoming: Incoming, reverse: Reverse, options: Options) -> Outgoing:
    operands = node.args[1:]
    chosen = [i for i, flag in enumerate(incoming.active[1:]) if flag]
    bases = first_bases([operands[i] for i in chosen], incoming.bases)
    positions = sorted(incoming.cotangents)
    fresh = Fresh(_names_in(node["then"]) | _names_in(node["orelse"]))
    names = [name for name, _ in node["then"].outputs]
    seeds = [argument(fresh(f"d_{names[p]}"), incoming.cotangents[p].type) for p in positions]
    sums = [
        None if b is None else argument(fresh(f"d_{node['then'].inputs[i]['name']}"), b.type)
        for i, b in zip(chosen, bases)
    ]
    sides = [
        _side(body, chosen, dict(zip(positions, seeds)), sums, incoming, reverse, options)
        for body in (node["then"], node["orelse"])
    ]
    replaced, results = _with_saved(node, sides, fresh)
    given = [*seeds, *(s for s in sums if s is not None)]
    values = [*(incoming.cotangents[p] for p in positions), *(b for b in bases if b is not None)]
    backward = _backward_branch(node, dict(zip(given, values)), sides, results, fresh)
    return Outgoing(
        _added([operands[i] for i in chosen], items(backward)),
        frozenset(operands[i] for i, b in zip(chosen, bases) if b is not None),
        replaced,
        {result: _name_of(v, s.forward) for result, (s, v) in zip(results, _saved_of(sides))},
        max(side.zeros for side in sides),
        any(side.unbounded for side in sides),
    )


def first_bases(operands: Sequence[Node], bases: Mapping[Node, Node]) -> list[Node | None]:
    """What each operand's cotangent goes on from; where one occurs twice, only the first."""
    seen: set[Node] = set()
    found = [None if o in seen or seen.add(o) else bases.get(o) for o in operands]  # type: ignore[func-returns-value]
    return found


def _added(operands: Sequence[Node], cotangents: Sequence[Node]) -> dict[Node, Node]:
    """The cotangent of each operand; of one that occurs twice, the sum."""
    totals: dict[Node, Node] = {}
    for operand, cotangent in zip(operands, cotangents):
        known = totals.get(operand)
        totals[operand] = cotangent if known is None else known + cotangent
    return totals


def _side(
    body: Graph,
    chosen: Sequence[int],
    seeds: Mapping[int, Node],
    sums: Sequence[Node | None],
    incoming: Incoming,
    reverse: Reverse,
    options: Options,
) -> _Side:
    ranges = dict(zip((node["name"] for node in body.inputs), incoming.ranges[1:]))
    inner = replace(options, ranges=ranges)
    wrt = [body.inputs[i] for i in chosen]
    starts = [Seed(v, s) for v, s in zip(wrt, sums) if s is not None]
    starts += [Seed(body.outputs[p][1], s, incoming.zeros, incoming.unbounded) for p, s in seeds.items()]
    carried = [s for s in sums if s is not None]
    adjoints, zero = reverse(starts, wrt, body, inner, carried)
    derivatives = tuple((f"to_{v['name']}", adjoints.of(v)) for v in wrt)
    joint = _joint(body, derivatives, (*seeds.values(), *carried), adjoints)
    joint = options.optimise(joint, len(derivatives))
    saved = saved_values(joint, len(derivatives), (*seeds.values(), *carried), body.inputs)
    primal = joint.outputs[: len(body.outputs)]
    return _Side(
        replace(joint, inputs=body.inputs, outputs=primal),
        tuple(saved),
        replace(joint, outputs=joint.outputs[len(body.outputs) :]),
        max((zero.zeros.get(v, Zeros.NONE) for v in wrt), default=Zeros.NONE),
        any(v in zero.unbounded for v in wrt),
    )


def _joint(
    body: Graph, derivatives: tuple[tuple[str, Node], ...], given: tuple[Node, ...], adjoints: Any
) -> Graph:
    """A body with its adjoint; what it is given besides are cotangents."""
    joint = replace(
        body,
        inputs=(*body.inputs, *given),
        outputs=(*body.outputs, *derivatives),
        names={**body.names, **adjoints.names},
        origins={**adjoints.origins, **body.origins},
    )
    return substitute(joint, adjoints.replaced)


def _saved_of(sides: Sequence[_Side]) -> list[tuple[_Side, Node]]:
    return [(side, value) for side in sides for value in side.saved]


def _with_saved(node: Node, sides: Sequence[_Side], fresh: Fresh) -> tuple[Node, list[Node]]:
    """The branch that gives also what either side saves, and these results."""
    extra: list[list[tuple[str, Node]]] = [[], []]
    for k, side in enumerate(sides):
        for value in side.saved:
            name = fresh(_name_of(value, side.forward))
            absent = ops.undefined(kind=value.type.kind, shape=value.shape)
            extra[k].append((name, value))
            extra[1 - k].append((name, absent))
    graphs = [
        Dce().run(replace(side.forward, outputs=(*side.forward.outputs, *more)))
        for side, more in zip(sides, extra)
    ]
    new = ops.branch(*node.args, then=graphs[0], orelse=graphs[1])
    return new, list(items(new))[len(node.type.items) :]


def _backward_branch(
    node: Node, given: Mapping[Node, Node], sides: Sequence[_Side], results: Sequence[Node], fresh: Fresh
) -> Node:
    """The adjoints of both sides as a branch on the same condition; `given` are cotangents."""
    condition, *operands = node.args
    saved = [value for side in sides for value in side.saved]
    kept = [argument(fresh(_name_of(r, sides[0].forward)), r.type) for r in results]
    cut = len(sides[0].saved)
    images = [dict(zip(saved[:cut], kept[:cut])), dict(zip(saved[cut:], kept[cut:]))]
    graphs = [_mapped(side.backward, own) for side, own in zip(sides, images)]
    used = set().union(*(graph.nodes() for graph in graphs))
    free = [i for i, pair in enumerate(zip(*(s.forward.inputs for s in sides))) if used.intersection(pair)]
    inputs = [argument(fresh(f"{sides[0].forward.inputs[i]['name']}"), operands[i].type) for i in free]
    for k, side in enumerate(sides):
        graphs[k] = _mapped(graphs[k], {side.forward.inputs[i]: new for i, new in zip(free, inputs)})
    both = [replace(graph, inputs=(*given, *kept, *inputs)) for graph in graphs]
    values = (*given.values(), *results, *(operands[i] for i in free))
    return ops.branch(condition, *values, then=both[0], orelse=both[1])


def _mapped(graph: Graph, images: Mapping[Node, Node]) -> Graph:
    """The graph with these nodes in the places of others."""
    return Dce().run(graph.rewrite(lambda node, args: images.get(node) or node.with_args(args)))


# --- loops ---------------------------------------------------------------------------------------


class _LoopAdjoint:
    """The adjoint of one loop, step by step of its making."""

    def __init__(
        self, node: Node, incoming: Incoming, reverse: Reverse, activity: Activity, options: Options
    ):
        self.node = node
        self.incoming = incoming
        self.reverse = reverse
        self.options = options
        self.body: Graph = node["body"]
        self.carried: int = node["carried"]
        self.count, *self.operands = node.args
        self.step, *self.inputs = self.body.inputs
        self.outputs = [output for _, output in self.body.outputs]
        self.fresh = Fresh(_names_in(self.body))
        self.zeros: dict[Node, Zeros] = {}
        self.unbounded: set[Node] = set()
        flags, _ = _active_inside(node, incoming.active[1:], activity)
        self._choose(flags)

    def _choose(self, flags: Sequence[bool]) -> None:
        """Which results have a cotangent in some step, and which inputs it goes back to."""
        live = {p for p in self.incoming.cotangents if p < len(self.outputs)}
        while True:
            reached = set(topological(self.outputs[i] for i in sorted(live)))
            fresh = {
                i for i in range(self.carried) if flags[i] and self.inputs[i] in reached and i not in live
            }
            if not fresh:
                break
            live |= fresh
        self.states = [i for i in range(self.carried) if i in live and flags[i]]
        self.stacked = [i for i in range(self.carried, len(self.outputs)) if i in self.incoming.cotangents]
        self.given = [
            i for i in range(self.carried, len(self.inputs)) if flags[i] and self.inputs[i] in reached
        ]

    def result(self) -> Outgoing:
        self._arguments()
        joint, derivatives = self._differentiated()
        joint = self.options.optimise(joint, derivatives)
        cotangents = (*self.state_cotangents, *self.sums, *self.row_stacks)
        if self.node.get("recompute"):
            needed = set(topological(node for _, node in joint.outputs[len(self.outputs) :]))
            saved = [i for i in self.inputs[: self.carried] if i in needed]
        else:
            free = (self.step, *self.inputs[self.carried :])
            saved = saved_values(joint, derivatives, cotangents, free)
        replaced, stacks = self._forward(joint, saved)
        return self._outgoing(self._backward(joint, saved, replaced, stacks), replaced)

    def _arguments(self) -> None:
        """The cotangents as arguments of the adjoint's body."""
        body, fresh = self.body, self.fresh
        self.state_cotangents = [
            argument(fresh(f"d_{body.inputs[1 + i]['name']}"), self.inputs[i].type) for i in self.states
        ]
        self.sums = [argument(fresh(f"d_{self.inputs[i]['name']}"), self.inputs[i].type) for i in self.given]
        self.row_stacks = [
            argument(fresh(f"d_{body.outputs[i][0]}"), self.incoming.cotangents[i].type) for i in self.stacked
        ]
        self.rows = [row(stack, self.step) for stack in self.row_stacks]

    def _differentiated(self) -> tuple[Graph, int]:
        """The body with its adjoint; the levels of zeros in carried cotangents are found by repetition."""
        step_range = (0.0, float("inf"))
        names = [node["name"] for node in self.inputs]
        ranges = dict(zip(names[self.carried :], self.incoming.ranges[1 + self.carried :]))
        options = replace(self.options, ranges={self.step["name"]: step_range, **ranges})
        wrt = [self.inputs[i] for i in (*self.states, *self.given)]
        for _ in range(ROUNDS):
            adjoints, zero = self.reverse(self._seeds(), wrt, self.body, options, self._carried_arrays())
            if not self._raised(zero):
                break
        derivatives = tuple((f"to_{v['name']}", adjoints.of(v)) for v in wrt)
        given = (*self.state_cotangents, *self.sums, *self.row_stacks)
        self.reached_zeros = max((zero.zeros.get(v, Zeros.NONE) for v in wrt), default=Zeros.NONE)
        self.reached_unbounded = any(v in zero.unbounded for v in wrt)
        return _joint(self.body, derivatives, given, adjoints), len(derivatives)

    def _carried_arrays(self) -> list[Node]:
        return [node for node in (*self.sums, *self.state_cotangents) if node.rank]

    def _seeds(self) -> list[Seed]:
        come = self.incoming
        seeds = [Seed(self.inputs[i], s) for i, s in zip(self.given, self.sums)]
        for i, cotangent in zip(self.states, self.state_cotangents):
            value = self.inputs[i]
            zeros = max(come.zeros, self.zeros.get(value, Zeros.NONE))
            seeds.append(Seed(self.outputs[i], cotangent, zeros, come.unbounded or value in self.unbounded))
        for i, cotangent in zip(self.stacked, self.rows):
            seeds.append(Seed(self.outputs[i], cotangent, come.zeros, come.unbounded))
        return seeds

    def _raised(self, zero: Any) -> bool:
        """Note what a step may bring into the carried cotangents; whether that is news."""
        news = False
        for i in self.states:
            value = self.inputs[i]
            level = zero.zeros.get(value, Zeros.NONE)
            news |= level > max(self.incoming.zeros, self.zeros.get(value, Zeros.NONE))
            self.zeros[value] = max(level, self.zeros.get(value, Zeros.NONE))
            if value in zero.unbounded and not (self.incoming.unbounded or value in self.unbounded):
                self.unbounded.add(value)
                news = True
        return news

    def _forward(self, joint: Graph, saved: Sequence[Node]) -> tuple[Node, list[Node]]:
        """The loop that also stacks what is saved, and these stacks."""
        primal = joint.outputs[: len(self.outputs)]
        extra = tuple((self.fresh(self._stack_name(v, joint)), v) for v in saved)
        body = Dce().run(replace(joint, inputs=self.body.inputs, outputs=(*primal, *extra)))
        attrs = {**dict(self.node.attrs), "body": body}
        new = ops.loop(*self.node.args, **attrs)
        return new, list(items(new))[len(self.outputs) : -1]

    def _stack_name(self, value: Node, joint: Graph) -> str:
        """hs for the values of h, h_before for what a step begins with."""
        name = _name_of(value, joint)
        plural = f"{name}_before" if value in self.inputs else f"{name}s"
        return f"{name}_values" if iskeyword(plural) else plural

    def _backward(self, joint: Graph, saved: Sequence[Node], replaced: Node, stacks: Sequence[Node]) -> Node:
        """The loop backward in time."""
        count = self.count if self.node.get("condition") is None else items(replaced)[-1]
        names = [self._stack_name(v, joint) for v in saved]
        self.saved = dict(zip(stacks, names))
        saved_stacks = [argument(self.fresh(name), s.type) for name, s in zip(names, stacks)]
        images = {value: row(stack, self.step) for value, stack in zip(saved, saved_stacks)}
        graph = replace(joint, outputs=joint.outputs[len(self.outputs) :])
        graph = graph.rewrite(lambda node, args: images.get(node) or node.with_args(args))
        needed = set(graph.nodes())
        free = [i for i in range(self.carried, len(self.inputs)) if self.inputs[i] in needed]
        inputs = (
            self.step, *self.state_cotangents, *self.sums, *self.row_stacks, *saved_stacks,
            *(self.inputs[i] for i in free),
        )  # fmt: skip
        body = Dce().run(replace(graph, inputs=inputs))
        come = self.incoming
        self.bases = first_bases([self.operands[i] for i in self.given], come.bases)
        return ops.loop(
            count,
            *(come.cotangents.get(i) or zeros_for(self.operands[i]) for i in self.states),
            *(base or zeros_for(self.operands[i]) for i, base in zip(self.given, self.bases)),
            *(come.cotangents[i] for i in self.stacked),
            *stacks,
            *(self.operands[i] for i in free),
            body=body,
            carried=len(self.states) + len(self.given),
            length=self.node["length"],
            reverse=not self.node.get("reverse"),
        )

    def _outgoing(self, backward: Node, replaced: Node) -> Outgoing:
        pairs = [
            (self.operands[i], total)
            for i, total in zip((*self.states, *self.given), items(backward))
            if self.incoming.active[1 + i]
        ]
        absorbed = frozenset(self.operands[i] for i, base in zip(self.given, self.bases) if base is not None)
        totals = _added(*map(list, zip(*pairs))) if pairs else {}
        return Outgoing(totals, absorbed, replaced, self.saved, self.reached_zeros, self.reached_unbounded)


def row(stack: Node, step: Node) -> Node:
    """What a stack holds of a step."""
    index = (("array", 0), *map(whole, stack.shape[1:]))
    return ops.gather(stack, step, index=index)
