"""The adjoint of a branch: the adjoints of its sides, as a branch on the same condition.

    y = branch(c, x; x -> exp(x), x -> x * x)

becomes a branch that also gives what its sides save, and

    d_x = branch(c, d_y, y, x; (d_y, y, x) -> d_y * y, (d_y, y, x) -> 2 * d_y * x)

What one side saves, the other leaves undefined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node
from ..ops import argument
from ..ops.control import items
from .adjoints import Incoming, Options, Outgoing, Reverse, Seed, added, first_bases
from .dce import Dce
from .partition import saved_values
from .saving import CACHED, is_read
from .structured import Activity, Fresh, mapped, name_of, names_in, with_adjoint
from .zeros import Zeros


@record(frozen=True)
class _Side:
    """One side of a branch with its adjoint: what it saves, and the adjoint in terms of that."""

    forward: Graph
    saved: tuple[Node, ...]
    backward: Graph
    zeros: Zeros
    unbounded: bool


def branch_adjoint(
    node: Node, incoming: Incoming, reverse: Reverse, activity: Activity, options: Options
) -> Outgoing:
    """The cotangents that go back through the side that is taken."""
    operands = node.args[1:]
    chosen = [i for i, flag in enumerate(incoming.active[1:]) if flag]
    bases = first_bases([operands[i] for i in chosen], incoming.bases)
    positions = sorted(incoming.cotangents)
    fresh = Fresh(names_in(node["then"]) | names_in(node["orelse"]))
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
        added([operands[i] for i in chosen], items(backward)),
        frozenset(operands[i] for i, b in zip(chosen, bases) if b is not None),
        replaced,
        {result: name_of(v, s.forward) for result, (s, v) in zip(results, _saved_of(sides))},
        max(side.zeros for side in sides),
        any(side.unbounded for side in sides),
    )


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
    inner = replace(
        options,
        ranges=ranges,
        depth=options.depth + 1,
        moving=_moving(body, incoming),
        infinite=incoming.infinite,
    )
    wrt = [body.inputs[i] for i in chosen]
    starts = [Seed(v, s) for v, s in zip(wrt, sums) if s is not None]
    starts += [Seed(body.outputs[p][1], s, incoming.zeros, incoming.unbounded) for p, s in seeds.items()]
    carried = [s for s in sums if s is not None]
    grown = [s for s in (*carried, *seeds.values()) if s.rank]
    adjoints, zero = reverse(starts, wrt, body, inner, grown)
    derivatives = tuple((f"to_{v['name']}", adjoints.of(v)) for v in wrt)
    joint = with_adjoint(body, derivatives, (*seeds.values(), *carried), adjoints)
    joint = options.optimise(joint, len(derivatives))
    given = (*seeds.values(), *carried)
    prices = CACHED if options.recompute else None
    saved = saved_values(joint, len(derivatives), given, body.inputs, _moving(body, incoming), prices)
    primal = joint.outputs[: len(body.outputs)]
    return _Side(
        replace(joint, inputs=body.inputs, outputs=primal),
        tuple(saved),
        replace(joint, outputs=joint.outputs[len(body.outputs) :]),
        max((zero.zeros.get(v, Zeros.NONE) for v in wrt), default=Zeros.NONE),
        any(v in zero.unbounded for v in wrt),
    )


def _moving(body: Graph, incoming: Incoming) -> frozenset[Node]:
    return frozenset(i for i, flag in zip(body.inputs, incoming.moving[1:]) if flag)


def _saved_of(sides: Sequence[_Side]) -> list[tuple[_Side, Node]]:
    return [(side, value) for side in sides for value in side.saved]


def _with_saved(node: Node, sides: Sequence[_Side], fresh: Fresh) -> tuple[Node, list[Node]]:
    """The branch that gives also what either side saves, and these results."""
    extra: list[list[tuple[str, Node]]] = [[], []]
    for k, side in enumerate(sides):
        for value in side.saved:
            name = fresh(name_of(value, side.forward))
            absent = ops.undefined(kind=value.type.kind, shape=value.shape)
            # What is read of an array that changes afterwards is copied.
            extra[k].append((name, ops.detached(value) if is_read(value) and value.rank else value))
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
    kept = [argument(fresh(name_of(r, sides[0].forward)), r.type) for r in results]
    cut = len(sides[0].saved)
    images = [dict(zip(saved[:cut], kept[:cut])), dict(zip(saved[cut:], kept[cut:]))]
    graphs = [mapped(side.backward, own) for side, own in zip(sides, images)]
    used = set().union(*(graph.nodes() for graph in graphs))
    free = [i for i, pair in enumerate(zip(*(s.forward.inputs for s in sides))) if used.intersection(pair)]
    inputs = [argument(fresh(f"{sides[0].forward.inputs[i]['name']}"), operands[i].type) for i in free]
    for k, side in enumerate(sides):
        graphs[k] = mapped(graphs[k], {side.forward.inputs[i]: new for i, new in zip(free, inputs)})
    both = [replace(graph, inputs=(*given, *kept, *inputs)) for graph in graphs]
    values = (*given.values(), *results, *(operands[i] for i in free))
    return ops.branch(condition, *values, then=both[0], orelse=both[1])
