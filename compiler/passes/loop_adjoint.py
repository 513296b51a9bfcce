"""The adjoint of a loop: a loop the other way round, on the adjoint of a step.

    h = loop(T, h_0, W; body: (t, h, W) -> tanh(h @ W))

becomes a loop that also stacks h before and after each step, and

    d_h_0, d_W = loop(T, d_h, 0, hs, …; (t, d_h, d_W, hs, …) -> (d_z @ W.T, d_W + h.T @ d_z), reverse=True)

with d_z = d_h * (1 - hs[t]**2). Which zeros and infinities a carried cotangent may hold is found by going
round until nothing new comes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from keyword import iskeyword

from .. import ops
from ..ir import Graph, Node, topological
from ..ops import argument
from ..ops.control import items, zeros_for
from ..ops.indexing import row
from .adjoints import Incoming, Options, Outgoing, Reverse, Seed, added, first_bases
from .dce import Dce
from .partition import saved_values
from .saving import STACKED, explained
from .structured import Activity, Fresh, active_inside, name_of, names_in, with_adjoint
from .zeros import ZeroAnalysis, Zeros

# So often a loop is gone through, and once only inside so many others: its adjoint then masks what may be.
ROUNDS, SEARCHED = 4, 2


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
        self.fresh = Fresh(names_in(self.body))
        self.zeros: dict[Node, Zeros] = {}
        self.unbounded: set[Node] = set()
        flags, _ = active_inside(node, incoming.active[1:], activity)
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
            prices = STACKED if self.options.recompute else None
            saved = saved_values(joint, derivatives, cotangents, free, self._moving(), prices)
        joint = explained(joint, derivatives, saved, "in each step")
        replaced, stacks = self._forward(joint, saved)
        return self._outgoing(self._backward(joint, saved, replaced, stacks), replaced)

    def _moving(self) -> frozenset[Node]:
        """The inputs that are arrays which this loop, or one around it, carries."""
        given = zip(self.inputs[self.carried :], self.incoming.moving[1 + self.carried :])
        return frozenset(
            [i for i in self.inputs[: self.carried] if i.rank] + [i for i, flag in given if flag]
        )

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
        options = replace(
            self.options,
            ranges={self.step["name"]: step_range, **ranges},
            depth=self.options.depth + 1,
            moving=self._moving(),
            infinite=self.incoming.infinite,
        )
        wrt = [self.inputs[i] for i in (*self.states, *self.given)]
        for searched in count():
            if searched == ROUNDS or self.options.depth >= SEARCHED:
                self.zeros = dict.fromkeys(self.inputs, Zeros.SELECTED)
                self.unbounded = set(self.inputs)
            adjoints, zero = self.reverse(self._seeds(), wrt, self.body, options, self._carried_arrays())
            if not self._raised(zero):
                break
        derivatives = tuple((f"to_{v['name']}", adjoints.of(v)) for v in wrt)
        given = (*self.state_cotangents, *self.sums, *self.row_stacks)
        self.reached_zeros = max((zero.zeros.get(v, Zeros.NONE) for v in wrt), default=Zeros.NONE)
        self.reached_unbounded = any(v in zero.unbounded for v in wrt)
        return with_adjoint(self.body, derivatives, given, adjoints), len(derivatives)

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

    def _raised(self, zero: ZeroAnalysis) -> bool:
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
        name = name_of(value, joint)
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
        graph = graph.with_images(images)
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
        totals = added(*map(list, zip(*pairs))) if pairs else {}
        return Outgoing(totals, absorbed, replaced, self.saved, self.reached_zeros, self.reached_unbounded)


def loop_adjoint(
    node: Node, incoming: Incoming, reverse: Reverse, activity: Activity, options: Options
) -> Outgoing:
    """The cotangents that go back through a loop."""
    return _LoopAdjoint(node, incoming, reverse, activity, options).result()
