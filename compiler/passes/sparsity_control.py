"""What the results of loops and branches depend on.

    for i in range(N): y[i] = x[i] * w        a loop that fills y's indices: y_x[i] = x_x[i]

What a body's values depend on is found by a walk through the body. Index arrays that change from step to step
are made by a loop of the same steps, which carries and stacks them as the model's loop does its values, as
long as a carried value depends on as many elements after a step as before it: for a recurrence, which gathers
more with each step, as for `while`, each result depends on all that goes into the loop.

A branch depends on what either side does; where ints decide, on what the one that is taken does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .. import ops
from ..ir import Graph, Node, topological
from ..ops import argument
from ..ops.control import is_local
from ..types import INT, Dim
from .index_sets import IndexSets, Part, Parts, width_of
from .nonlinear import Pairs
from .structured import Fresh

MOST_ROUNDS = 3  # in which what a carried value depends on may still grow
MOST_DEPTH = 4  # of loops in loops that are walked through in rounds


class Walker(Protocol):
    """A walk through a graph (see `sparsity_walk.py`)."""

    sets: IndexSets
    pairs: Pairs | None
    depth: int

    def inner(
        self, images: dict[Node, Node | None], parts: dict[Node, Parts], pairs: Pairs | None, guarded: bool
    ) -> Walker: ...
    def run(self, roots: Iterable[Node]) -> None: ...
    def image(self, node: Node) -> Node | None: ...
    def of(self, node: Node) -> Parts: ...


def results_of(walk: Walker, node: Node) -> Sequence[Parts]:
    """What each result of a loop or a branch depends on."""
    if node.op is ops.branch:
        return _branch(walk, node)
    counted = node.get("condition") is None and not is_local(node["length"])
    if not counted or walk.image(node.args[0]) is None or walk.depth >= MOST_DEPTH:
        return _blurred(walk, node)
    return Loop(walk, node).results()


def outputs_of(graph: Graph) -> list[Node]:
    return [output for _, output in graph.outputs]


# --- branches ------------------------------------------------------------------------------------


def _branch(walk: Walker, node: Node) -> Sequence[Parts]:
    """The union of both sides; where ints decide, what only one has counts where that one is taken."""
    condition = walk.image(node.args[0])
    found: list[list[Parts]] = []
    for side, chosen in ((node["then"], True), (node["orelse"], False)):
        operands = list(zip(side.inputs, node.args[1:]))
        own = None if walk.pairs is None else Pairs(walk.sets)
        images = {i: walk.image(arg) for i, arg in operands}
        inner = walk.inner(images, {i: walk.of(arg) for i, arg in operands}, own, guarded=True)
        inner.run(outputs_of(side))
        found.append([inner.of(output) for output in outputs_of(side)])
        if own is not None and walk.pairs is not None:
            for (part, _), others in own.found.items():
                walk.pairs.add([_taken(walk, part, condition, chosen)], others)
    return [_either(walk, condition, a, b) for a, b in zip(*found)]


def _either(walk: Walker, condition: Node | None, then: Parts, orelse: Parts) -> Parts:
    one = [part if part in orelse else _taken(walk, part, condition, True) for part in then]
    other = [_taken(walk, part, condition, False) for part in orelse if part not in then]
    return walk.sets.union([*one, *other])


def _taken(walk: Walker, part: Part, condition: Node | None, chosen: bool) -> Part:
    """A part where a side is taken, as far as that is known."""
    return part if condition is None else walk.sets.selected(part, condition, chosen)


# --- loops ---------------------------------------------------------------------------------------


def _all_of(walk: Walker, nodes: Iterable[Node]) -> Parts:
    """Whatever one of the values depends on."""
    merged = [p for node in nodes for part in walk.of(node) for p in walk.sets.merged(part, part.axes)]
    return walk.sets.union(merged)


def _blurred(walk: Walker, node: Node) -> Sequence[Parts]:
    """Each result of a loop depends on all that goes in."""
    body: Graph = node["body"]
    union = _all_of(walk, node.args)
    if walk.pairs is not None:
        parts = {i: union for i in body.inputs if i.type.kind == "real"}
        walk.inner({}, parts, walk.pairs, guarded=True).run(outputs_of(body))
    return [union if t.kind == "real" else () for t in node.type.items]


@dataclass
class Loop:
    """A loop whose steps are counted, and the loop of index arrays that goes with it.

    `given` are the inputs of the new body and what is given to it, `slots` the index arrays of carried
    values by their positions, `counters` the carried ints that are known.
    """

    walk: Walker
    node: Node
    given: dict[Node, Node] = field(default_factory=dict)
    slots: dict[int, Node] = field(default_factory=dict)
    counters: dict[int, Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.body: Graph = self.node["body"]
        self.carried: int = self.node["carried"]
        self.operands = self.node.args[1:]
        self.inputs = self.body.inputs[1:]
        self.outputs = outputs_of(self.body)
        self.sets = self.walk.sets
        states = range(self.carried)
        self.widths = {i: width_of(self._before(i)) for i in states if self.inputs[i].type.kind == "real"}
        self.blurred: set[int] = set()
        self.counted = {i for i in states if self.walk.image(self.operands[i]) is not None}

    def _before(self, i: int) -> Parts:
        return self.sets.coalesced(self.walk.of(self.operands[i]))

    def results(self) -> Sequence[Parts]:
        """What each result depends on: the carried ones after the last step, then what is stacked."""
        inner = self._settled()
        carried = [i for i in range(self.carried) if i in self.slots]
        after = [self._joined(inner, i) for i in carried]
        stacked = [inner.of(output) for output in self.outputs[self.carried :]]
        met = list(inner.pairs.found.items()) if inner.pairs is not None else []
        wanted = dict.fromkeys(part.node for parts in stacked for part in parts)
        for (part, _), others in met:
            wanted.update(dict.fromkeys(p.node for p in (part, *others)))
        lifted, last = self._lifted(inner, dict(zip(carried, after)), list(wanted))
        if self.walk.pairs is not None:
            for (part, _), others in met:
                self.walk.pairs.add([_stacked(part, lifted)], [_stacked(p, lifted) for p in others])
        union = _all_of(self.walk, self.operands) if self.blurred else ()
        states = [
            self._final(i, last[i]) if i in last else union if i in self.blurred else ()
            for i in range(self.carried)
        ]
        return [*states, *(tuple(_stacked(p, lifted) for p in parts) for parts in stacked), ()]

    def _final(self, i: int, node: Node) -> Parts:
        return (Part(node, self._axes(i)),)

    def _axes(self, i: int) -> tuple[int, ...]:
        """The axes of a carried value that are longer than 1."""
        return tuple(a for a, dim in enumerate(self.inputs[i].shape) if dim.known != 1)

    def _joined(self, inner: Walker, i: int) -> Node:
        parts = inner.of(self.outputs[i])
        return self.sets.joined(parts, self.inputs[i].shape, self._axes(i), self.widths[i])

    # --- the walk through the body ---------------------------------------------------------------

    def _settled(self) -> Walker:
        """The walk in which carried values depend on as much after a step as before it."""
        grown: dict[int, int] = {}
        while True:
            inner = self._entered()
            inner.run(self.outputs)
            uncounted = {i for i in self.counters if inner.image(self.outputs[i]) is None}
            growing = [i for i in self.widths if i not in self.blurred and not self._fits(inner, i)]
            if not growing and not uncounted:
                return inner
            self.counted -= uncounted
            for i in growing:
                grown[i] = grown.get(i, 0) + 1
                self.widths[i] = self.widths[i].maximum(self._width(inner, i))
            self.blurred.update(i for i in growing if grown[i] >= MOST_ROUNDS)

    def _width(self, inner: Walker, i: int) -> Dim:
        return width_of(self.sets.coalesced(inner.of(self.outputs[i])))

    def _fits(self, inner: Walker, i: int) -> bool:
        return (self.widths[i] - self._width(inner, i)).is_natural

    def _entered(self) -> Walker:
        """A walk through the body, with inputs for the index arrays that it is given and that it carries."""
        self.fresh = Fresh(())
        self.step = argument(self.fresh(self.body.inputs[0]["name"]), INT)
        self.given, self.slots, self.counters = {}, {}, {}
        images: dict[Node, Node | None] = {self.body.inputs[0]: self.step}
        parts: dict[Node, Parts] = {}
        union = self._passed(_all_of(self.walk, self.operands), "all") if self.blurred else ()
        for i, (inside, operand) in enumerate(zip(self.inputs, self.operands)):
            name = inside["name"]
            if i >= self.carried:
                image = self.walk.image(operand)
                images[inside] = None if image is None else self._given(image, name)
                parts[inside] = self._passed(self.walk.of(operand), name)
            elif i in self.blurred:
                parts[inside] = union
            elif i in self.counted:
                self.counters[i] = argument(self.fresh(name), inside.type)
                images[inside] = self.counters[i]
            elif self.widths.get(i, Dim.of(0)).known != 0:
                shape = (*(inside.shape[a] for a in self._axes(i)), self.widths[i])
                self.slots[i] = argument(self.fresh(f"{name}_at"), INT.with_shape(shape))
                parts[inside] = self._final(i, self.slots[i])
        own = Pairs(self.sets) if self.walk.pairs is not None else None
        return self.walk.inner(images, parts, own, guarded=False)

    def _given(self, outer: Node, name: str) -> Node:
        inside = argument(self.fresh(name), outer.type)
        self.given[inside] = outer
        return inside

    def _passed(self, parts: Parts, name: str) -> Parts:
        """Parts of what is given to the body, inside of it."""
        return tuple(Part(self._given(part.node, f"{name}_at"), part.axes) for part in parts)

    # --- the loop of index arrays ----------------------------------------------------------------

    def _lifted(
        self, inner: Walker, after: dict[int, Node], wanted: Sequence[Node]
    ) -> tuple[dict[Node, tuple[Node, bool]], dict[int, Node]]:
        """Nodes of the body outside of it, and whether as one for each step; carried ones after the last."""
        order = topological([*wanted, *after.values()])
        moving = {self.step, *self.slots.values(), *self.counters.values()}
        found: dict[Node, tuple[Node, bool]] = {}
        for node in order:
            if node in moving or any(arg in moving for arg in node.args):
                moving.add(node)
            elif node in self.given:
                found[node] = (self.given[node], False)
            else:
                found[node] = (self.sets.known(node.with_args(found[a][0] for a in node.args)), False)
        rows = [node for node in wanted if node in moving]
        if not rows and not after:
            return found, {}
        counters = {i: inner.image(self.outputs[i]) for i in self.counters}
        states = {**after, **{i: image for i, image in counters.items() if image is not None}}
        result = self._loop(states, rows)
        positions = {i: p for p, i in enumerate(states)}
        items = [self.sets.make(ops.item, result, position=p) for p in range(len(states) + len(rows))]
        found.update({row: (items[len(states) + j], True) for j, row in enumerate(rows)})
        return found, {i: items[positions[i]] for i in after}

    def _loop(self, states: dict[int, Node], rows: Sequence[Node]) -> Node:
        """The loop that carries these nodes of the body and stacks those."""
        used = set(topological([*states.values(), *rows]))
        given = {inside: outer for inside, outer in self.given.items() if inside in used}
        inputs = [self.slots.get(i) or self.counters[i] for i in states]
        names = Fresh(())
        outputs = tuple((names(f"next{j}"), node) for j, node in enumerate([*states.values(), *rows]))
        body = Graph((self.step, *inputs, *given), outputs)
        starts = [self._start(i) for i in states]
        reverse = {"reverse": True} if self.node.get("reverse") else {}
        count = self.walk.image(self.node.args[0])
        assert count is not None
        length = self.node["length"]
        return self.sets.make(
            ops.loop,
            count,
            *starts,
            *given.values(),
            body=body,
            carried=len(states),
            length=length,
            **reverse,
        )

    def _start(self, i: int) -> Node:
        if i in self.slots:
            return self.sets.joined(self._before(i), self.inputs[i].shape, self._axes(i), self.widths[i])
        image = self.walk.image(self.operands[i])
        assert image is not None
        return image


def _stacked(part: Part, lifted: dict[Node, tuple[Node, bool]]) -> Part:
    """A part of what a loop stacks: the steps are its first axis."""
    node, has_steps = lifted[part.node]
    axes = tuple(axis + 1 for axis in part.axes)
    return Part(node, (0, *axes) if has_steps else axes)
