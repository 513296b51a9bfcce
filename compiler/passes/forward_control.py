"""Forward mode through loops and branches: they carry the tangents beside their values.

    h = loop(T, h0, w; (t, h, w) -> f(h, w))

becomes, where w has a tangent,

    h, h_dot = loop(T, h0, 0, w, w_dot; (t, h, h_dot, w, w_dot) -> f(h, w), its tangent)

What takes their place has more results; `structured.substitute` puts it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from .. import ops
from ..ir import Graph, Node
from ..ops import argument
from ..ops.control import items, zeros_for
from .structured import Fresh, names_in, substitute
from .tangents import Inside, Tangents, Widened

Dots = Sequence["Node | None"]
Outputs = tuple[tuple[str, Node], ...]


def through_loop(node: Node, dots: Dots, unbounded: bool, inside: Inside) -> Widened:
    """The loop that gives tangents too, for tangents of its operands (None: it has none)."""
    return _Loop(node, dots, unbounded, inside).widened()


class _Loop:
    """One loop; `moving` are the operands that have tangents, in some step at least."""

    def __init__(self, node: Node, dots: Dots, unbounded: bool, inside: Inside):
        self.node, self.dots, self.unbounded, self.inside = node, dots, unbounded, inside
        self.body: Graph = node["body"]
        self.carried: int = node["carried"]
        self.step, *self.inputs = self.body.inputs
        self.outputs = [output for _, output in self.body.outputs]
        self.fresh = Fresh(names_in(self.body))
        self.seeds = {
            i: argument(self.fresh(f"{value['name']}_dot"), value.type)
            for i, value in enumerate(self.inputs)
            if value.type.kind == "real"
        }
        self.moving = {i for i, dot in enumerate(dots) if dot is not None}

    def widened(self) -> Widened:
        inner = self._settled()
        states = [i for i in sorted(self.moving) if i < self.carried]
        given = [i for i in sorted(self.moving) if i >= self.carried]
        stacked = [p for p in range(self.carried, len(self.outputs)) if self.outputs[p] in inner.tangents]
        count, *operands = self.node.args
        new = ops.loop(
            count,
            *operands[: self.carried],
            *(self.dots[i] or zeros_for(operands[i]) for i in states),
            *operands[self.carried :],
            *_known(self.dots[i] for i in given),
            **self._attrs(inner, states, given, stacked),
        )
        results = items(new)
        parts = {i: results[self.carried + k] for k, i in enumerate(states)}
        first = len(self.outputs) + len(states)
        parts.update({p: results[first + k] for k, p in enumerate(stacked)})
        return Widened(new, parts, self.unbounded)

    def _settled(self) -> Tangents:
        """The body's tangents, gone through until no more of what it carries gets one, or an infinite one."""
        while True:
            seeds = {self.inputs[i]: self.seeds[i] for i in sorted(self.moving)}
            inner = self.inside(self.body, seeds, self.unbounded)
            reached = {p for p, output in enumerate(self.outputs) if output in inner.tangents}
            fresh = {p for p in reached if p < self.carried} - self.moving
            grows = not self.unbounded and any(self.outputs[p] in inner.unbounded for p in reached)
            if not fresh and not grows:
                return inner
            self.moving |= fresh
            self.unbounded |= grows

    def _attrs(
        self, inner: Tangents, states: Sequence[int], given: Sequence[int], stacked: Sequence[int]
    ) -> dict[str, object]:
        """The loop's attributes, with the tangents among what it carries, is given and stacks."""
        inputs = (
            self.step,
            *self.inputs[: self.carried],
            *(self.seeds[i] for i in states),
            *self.inputs[self.carried :],
            *(self.seeds[i] for i in given),
        )
        own, first = self.body.outputs, self.carried
        dots = [_dots_of(self.body, inner, positions, self.fresh) for positions in (states, stacked)]
        outputs = (*own[:first], *dots[0], *own[first:], *dots[1])
        changed: dict[str, object] = {
            "body": _joint(self.body, inner, inputs, outputs),
            "carried": first + len(states),
        }
        if self.node.get("condition") is not None:
            changed["condition"] = self._condition(inputs)
        return {**dict(self.node.attrs), **changed}

    def _condition(self, inputs: Sequence[Node]) -> Graph:
        """The loop's condition, with inputs for the tangents, of which it knows nothing."""
        condition: Graph = self.node["condition"]
        step, *own = condition.inputs
        images = dict(zip(self.inputs, own))
        fresh = Fresh(names_in(condition))
        more = (images.get(i) or argument(fresh(i["name"]), i.type) for i in inputs[1:])
        return replace(condition, inputs=(step, *more))


def through_branch(node: Node, dots: Dots, unbounded: bool, inside: Inside) -> Widened:
    """The branch that gives tangents too, for tangents of its operands (None: it has none)."""
    condition, *operands = node.args
    active = [i for i, dot in enumerate(dots) if dot is not None]
    sides = {name: _Side(node[name], active, unbounded, inside) for name in ("then", "orelse")}
    reached = sorted(set().union(*(side.reached for side in sides.values())))
    if not reached:
        return Widened(node, {}, False)
    bodies = {name: side.widened(reached) for name, side in sides.items()}
    known = _known(dots[i] for i in active)
    new = ops.branch(condition, *operands, *known, **{**dict(node.attrs), **bodies})
    results, first = items(new), len(node["then"].outputs)
    unbounded |= any(side.is_unbounded for side in sides.values())
    return Widened(new, {p: results[first + k] for k, p in enumerate(reached)}, unbounded)


class _Side:
    """One side of a branch; `reached` are the positions of its results that have tangents."""

    def __init__(self, body: Graph, active: Sequence[int], unbounded: bool, inside: Inside):
        self.body, self.fresh = body, Fresh(names_in(body))
        values = [body.inputs[i] for i in active]
        self.seeds = {value: argument(self.fresh(f"{value['name']}_dot"), value.type) for value in values}
        self.inner = inside(body, self.seeds, unbounded)
        self.reached = {p for p, (_, value) in enumerate(body.outputs) if value in self.inner.tangents}

    @property
    def is_unbounded(self) -> bool:
        return any(self.body.outputs[p][1] in self.inner.unbounded for p in self.reached)

    def widened(self, positions: Sequence[int]) -> Graph:
        """The body that gives the tangents of these results too."""
        dots = _dots_of(self.body, self.inner, positions, self.fresh)
        inputs = (*self.body.inputs, *self.seeds.values())
        return _joint(self.body, self.inner, inputs, (*self.body.outputs, *dots))


def _known(dots: Iterable[Node | None]) -> list[Node]:
    return [dot for dot in dots if dot is not None]


def _dots_of(body: Graph, inner: Tangents, positions: Iterable[int], fresh: Fresh) -> Outputs:
    """The tangents of a body's results at some positions, named after them."""
    results = (body.outputs[p] for p in positions)
    return tuple((fresh(f"{name}_dot"), inner.of(value)) for name, value in results)


def _joint(body: Graph, inner: Tangents, inputs: tuple[Node, ...], outputs: Outputs) -> Graph:
    """A body with its tangents."""
    joint = replace(
        body,
        inputs=inputs,
        outputs=outputs,
        names={**body.names, **inner.names},
        origins={**inner.origins, **body.origins},
    )
    return substitute(joint, inner.replaced)
