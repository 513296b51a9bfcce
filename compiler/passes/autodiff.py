"""Reverse-mode differentiation, graph to graph.

    f = (x + y) * z     becomes     d_a = 1.0 * z,  d_x = d_a,  d_y = d_a,  d_z = 1.0 * a     (a = x + y)

Only nodes between the wrt values and the target get a cotangent. At a fork the contributions add, in the
order of the users from the target backwards. Rules give a contribution in the shape of their op's output;
here is the one place where broadcasting is undone. Loops and branches are differentiated by reverse mode
on their bodies, in `loop_adjoint.py` and `branch_adjoint.py`.

A zero cotangent that means "not used" (it came through `where`, a gather, …) must not meet an infinite
slope: 0 * inf would be NaN. Where the analysis in `passes/zeros.py` can't exclude that, the contribution is
`masked`. The same analysis lets a gate be a product where the cotangent can't be infinite.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from .. import ops
from ..ir import Graph, Interval, Node, NonDiff, Origin, adjoint_of, const, topological
from ..ops.own import governed
from ..ranges import intervals_of
from ..types import TUPLE, Shape, broadcast
from .adjoints import Adjoints, Incoming, Optimise, Options, Seed, unchanged
from .branch_adjoint import branch_adjoint
from .loop_adjoint import loop_adjoint
from .structured import active_results, substitute
from .zeros import ZeroAnalysis, Zeros


class NotDifferentiable(Exception):
    """An op without a derivative lies between a wrt value and the target."""

    def __init__(self, node: Node, reason: str):
        what = f"`{node.args[1]['name']}`" if node.op is governed else node.op.name
        super().__init__(f"{what} has no derivative: {reason}")
        self.node = node
        self.reason = reason


def differentiate(
    graph: Graph,
    target: str,
    wrt: Sequence[str],
    seed: Node | None = None,
    ranges: Mapping[str, Interval] | None = None,
    masked_zero: bool = True,
    optimise: Optimise = unchanged,
    recompute: bool = False,
) -> Graph:
    """The graph with an output `d_NAME` more for each argument in `wrt`.

    `seed` is the target's cotangent, by default 1.0 for a scalar; an argument node there becomes an input.
    `ranges` are the intervals of constrained arguments; `optimise` is run on the body of a loop with its
    adjoint, before it is decided what the loop saves; `recompute`: the cheapest choice, which makes some
    values again.
    """
    arguments = {node["name"]: node for node in graph.inputs}
    chosen = [arguments[name] for name in wrt]
    value = graph.output(target)
    options = Options(ranges or {}, masked_zero, optimise, recompute=recompute)
    adjoints = gradients(value, chosen, seed, graph, options)
    outputs = tuple((f"d_{name}", adjoints.of(node)) for name, node in zip(wrt, chosen))
    given = seed is not None and seed.op.name == "argument" and seed not in graph.inputs
    new_inputs = (seed,) if seed is not None and given else ()
    joint = replace(
        graph,
        inputs=graph.inputs + new_inputs,
        outputs=graph.outputs + outputs,
        names={**graph.names, **adjoints.names},
        origins={**adjoints.origins, **graph.origins},
    )
    return substitute(joint, adjoints.replaced)


def gradients(
    target: Node,
    wrt: Iterable[Node],
    seed: Node | None,
    graph: Graph,
    options: Options | None = None,
) -> Adjoints:
    """Cotangents of every active node between the values in `wrt` and the target.

    `graph` gives the names and origins of the values; its outputs don't matter.
    """
    level = Zeros.SELECTED if target.shape else Zeros.NONE
    return reverse([Seed(target, _seed(target, seed), level)], wrt, graph, options or Options())[0]


def reverse(
    seeds: Sequence[Seed],
    wrt: Iterable[Node],
    graph: Graph,
    options: Options,
    sums: Collection[Node] = (),
) -> tuple[Adjoints, ZeroAnalysis]:
    """Cotangents of every active node between the values in `wrt` and those that the seeds are for."""
    nodes = topological(seed.value for seed in seeds)
    active = active_values(nodes, frozenset(wrt))
    zero = ZeroAnalysis(
        frozenset(nodes),
        active,
        intervals_of(nodes, options.ranges),
        options.masked_zero,
        poles=set(options.infinite.poles),
        overflows=set(options.infinite.overflows),
    )
    adjoints = Adjoints(sums=set(sums))
    for seed in seeds:
        if seed.value in active:
            adjoints.add(seed.value, seed.cotangent)
            zero.raise_to(seed.value, seed.zeros, seed.unbounded)
    for node in reversed(nodes):
        if node in adjoints.parts:
            _through_bodies(node, adjoints, zero, graph, options)
        elif adjoints.found(node) is not None:
            _name(adjoints, node, graph)
            _propagate(node, adjoints, zero, graph.origins.get(node, ()))
    return adjoints, zero


def _seed(target: Node, seed: Node | None) -> Node:
    if seed is not None:
        return seed
    return ops.broadcast_to(const(1.0), shape=target.shape) if target.shape else const(1.0)


def active_values(nodes: Iterable[Node], wrt: frozenset[Node]) -> set[Node]:
    """The real values that depend on a wrt value; loops and branches of which a result does."""
    active: set[Node] = set()
    results: dict[Node, Collection[int]] = {}
    for node in nodes:
        depends = not active.isdisjoint(node.args)
        if node.type.kind == TUPLE and depends:
            results[node] = active_results(node, tuple([a in active for a in node.args]), active_values)
            if results[node]:
                active.add(node)
        elif node.op is ops.item:
            if node.type.kind == "real" and node["position"] in results.get(node.args[0], ()):
                active.add(node)
        elif node.type.kind == "real" and (node in wrt or depends):
            active.add(node)
    return active


def _name(adjoints: Adjoints, node: Node, graph: Graph) -> None:
    name = node["name"] if node.op.name == "argument" else graph.names.get(node)
    cotangent = adjoints.cotangents[node]
    if name is not None and cotangent not in graph.names and cotangent.op.name != "argument":
        adjoints.names.setdefault(cotangent, f"d_{name}")


def _propagate(node: Node, adjoints: Adjoints, zero: ZeroAnalysis, origins: tuple[Origin, ...]) -> None:
    """Add the node's contributions to its arguments' cotangents."""
    if zero.active.isdisjoint(node.args):
        return
    cotangent = adjoints.cotangents[node]
    if node.op is ops.item:
        adjoints.parts.setdefault(node.args[0], {})[node["position"]] = cotangent
        zero.raise_to(node.args[0], zero.zeros.get(node, Zeros.NONE), node in zero.unbounded)
        return
    born = adjoint_of(origins)
    for arg, contribution in zip(node.args, _contributions(node, cotangent)):
        if contribution is None or arg not in zero.active:
            continue
        safe = zero.protect(node, arg, cotangent, contribution)
        adjoints.add(arg, unbroadcast(safe, arg.shape))
        total = adjoints.cotangents.get(arg, safe)
        _inherit(total, born, zero.primal, adjoints)
        _inherit(safe, born, zero.primal, adjoints)


def _through_bodies(
    node: Node, adjoints: Adjoints, zero: ZeroAnalysis, graph: Graph, options: Options
) -> None:
    """Give the operands of a loop or a branch the cotangents that come through its bodies."""
    bases: dict[Node, Node] = {}
    for arg in node.args:
        base = adjoints.found(arg) if arg in zero.active and arg.rank else None
        if base is not None:
            bases[arg] = base
    incoming = Incoming(
        adjoints.parts[node],
        zero.zeros.get(node, Zeros.NONE),
        node in zero.unbounded,
        tuple(arg in zero.active for arg in node.args),
        bases,
        tuple(zero.intervals[arg] for arg in node.args),
        tuple(_is_moving(arg, options) for arg in node.args),
        zero.inside(node),
    )
    adjoint = loop_adjoint if node.op is ops.loop else branch_adjoint
    result = adjoint(node, incoming, reverse, active_values, options)
    own = graph.origins.get(node, ())
    adjoints.replaced[node] = result.replaced
    adjoints.origins.update(dict.fromkeys((result.replaced, *result.saved), own))
    adjoints.names.update(result.saved)
    born = adjoint_of(own)
    for arg, total in result.totals.items():
        # What has gone through a loop as one that is carried and added to goes on so.
        before = [bases[arg]] if arg in result.absorbed else incoming.cotangents.values()
        if arg.rank and any(cotangent in adjoints.sums for cotangent in before):
            adjoints.sums.add(total)
        if arg in result.absorbed:
            adjoints.cotangents[arg] = total
        else:
            adjoints.add(arg, total)
        zero.raise_to(arg, result.zeros, result.unbounded)
        _inherit(adjoints.cotangents.get(arg, total), born, zero.primal, adjoints)


def _is_moving(node: Node, options: Options) -> bool:
    """Whether a value in a body is an array that a loop around it carries, perhaps with elements changed."""
    if not options.depth:
        return False
    while node.op in (ops.set_at, ops.add_at):
        node = node.args[0]
    return node in options.moving or (node.op is ops.item and bool(node.rank))


def _contributions(node: Node, cotangent: Node) -> tuple[Node | None, ...]:
    if isinstance(node.op.vjp, NonDiff):
        raise NotDifferentiable(node, node.op.vjp.reason)
    return node.op.vjp(cotangent, node, *node.args)


def _inherit(root: Node, origins: tuple[Origin, ...], primal: frozenset[Node], adjoints: Adjoints) -> None:
    """Nodes that a rule has just made come from where its node comes from."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node in primal or node in adjoints.origins:
            continue
        adjoints.origins[node] = origins
        stack.extend(node.args)


def unbroadcast(cotangent: Node, shape: Shape) -> Node:
    """A cotangent of broadcast shape summed back to the shape of what was broadcast."""
    if cotangent.shape == shape:
        return cotangent
    if broadcast(cotangent.shape, shape) == shape:
        return ops.broadcast_to(cotangent, shape=shape)
    added = cotangent.rank - len(shape)
    leading = tuple(range(added))
    stretched = tuple(
        added + i for i, dim in enumerate(shape) if dim.known == 1 and cotangent.shape[added + i].known != 1
    )
    total = ops.sum(cotangent, axis=leading + stretched, keepdims=not leading)
    return total if total.shape == shape else ops.reshape(total, shape=shape)
