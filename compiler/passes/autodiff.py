"""Reverse-mode differentiation, graph to graph.

    f = (x + y) * z     becomes     d_a = 1.0 * z,  d_x = d_a,  d_y = d_a,  d_z = 1.0 * a     (a = x + y)

Only nodes between the wrt values and the target get a cotangent. At a fork the contributions add, in the
order of the users from the target backwards. Rules give a contribution in the shape of their op's output;
here is the one place where broadcasting is undone.

A zero cotangent that means "not used" (it came through `where`, a gather, …) must not meet an infinite
slope: 0 * inf would be NaN. Where the analysis in `passes/zeros.py` can't exclude that, the contribution is
`masked`. The same analysis lets a gate be a product where the cotangent can't be infinite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .. import ops
from ..ir import Graph, Interval, Node, NonDiff, Origin, const, topological
from ..ranges import intervals_of
from ..types import Shape, broadcast
from .zeros import ZeroAnalysis


class NotDifferentiable(Exception):
    """An op without a derivative lies between a wrt value and the target."""

    def __init__(self, node: Node, reason: str):
        super().__init__(f"{node.op.name} has no derivative: {reason}")
        self.node = node
        self.reason = reason


@dataclass
class Adjoints:
    """What a reverse pass makes: cotangents, and the names and origins of the new nodes."""

    cotangents: dict[Node, Node] = field(default_factory=dict)
    names: dict[Node, str] = field(default_factory=dict)
    origins: dict[Node, tuple[Origin, ...]] = field(default_factory=dict)

    def of(self, value: Node) -> Node:
        """The cotangent of a value, zeros where the target doesn't depend on it."""
        return self.cotangents.get(value) or zeros(value.shape)


def zeros(shape: Shape) -> Node:
    return ops.broadcast_to(const(0.0), shape=shape) if shape else const(0.0)


def differentiate(
    graph: Graph,
    target: str,
    wrt: Sequence[str],
    seed: Node | None = None,
    ranges: Mapping[str, Interval] | None = None,
    masked_zero: bool = True,
) -> Graph:
    """The graph with an output `d_NAME` more for each argument in `wrt`.

    `seed` is the target's cotangent, by default 1.0 for a scalar; an argument node there becomes an input.
    `ranges` are the intervals of constrained arguments.
    """
    arguments = {node["name"]: node for node in graph.inputs}
    chosen = [arguments[name] for name in wrt]
    adjoints = gradients(graph.output(target), chosen, seed, graph, ranges, masked_zero)
    outputs = tuple((f"d_{name}", adjoints.of(node)) for name, node in zip(wrt, chosen))
    given = seed is not None and seed.op.name == "argument" and seed not in graph.inputs
    new_inputs = (seed,) if seed is not None and given else ()
    return replace(
        graph,
        inputs=graph.inputs + new_inputs,
        outputs=graph.outputs + outputs,
        names={**graph.names, **adjoints.names},
        origins={**adjoints.origins, **graph.origins},
    )


def gradients(
    target: Node,
    wrt: Iterable[Node],
    seed: Node | None,
    graph: Graph,
    ranges: Mapping[str, Interval] | None = None,
    masked_zero: bool = True,
) -> Adjoints:
    """Cotangents of every active node between the values in `wrt` and the target.

    `graph` gives the names and origins of the values; its outputs don't matter.
    """
    nodes = topological([target])
    active = _active(nodes, frozenset(wrt))
    zero = ZeroAnalysis(frozenset(nodes), active, intervals_of(nodes, ranges), masked_zero)
    adjoints = Adjoints({target: _seed(target, seed)} if target in active else {})
    if target.shape:
        zero.seed(target)
    for node in reversed(nodes):
        if node in adjoints.cotangents:
            _name(adjoints, node, graph)
            _propagate(node, adjoints, zero, graph.origins.get(node, ()))
    return adjoints


def _seed(target: Node, seed: Node | None) -> Node:
    if seed is not None:
        return seed
    return ops.broadcast_to(const(1.0), shape=target.shape) if target.shape else const(1.0)


def _active(nodes: Iterable[Node], wrt: frozenset[Node]) -> set[Node]:
    """The real values that depend on a wrt value."""
    active: set[Node] = set()
    for node in nodes:
        if node.type.kind == "real" and (node in wrt or any(a in active for a in node.args)):
            active.add(node)
    return active


def _name(adjoints: Adjoints, node: Node, graph: Graph) -> None:
    name = node["name"] if node.op.name == "argument" else graph.names.get(node)
    cotangent = adjoints.cotangents[node]
    if name is not None and cotangent not in graph.names and cotangent.op.name != "argument":
        adjoints.names.setdefault(cotangent, f"d_{name}")


def _propagate(node: Node, adjoints: Adjoints, zero: ZeroAnalysis, origins: tuple[Origin, ...]) -> None:
    """Add the node's contributions to its arguments' cotangents."""
    if not any(arg in zero.active for arg in node.args):
        return
    cotangent = adjoints.cotangents[node]
    born = tuple(replace(origin, adjoint=True) for origin in origins)
    for arg, contribution in zip(node.args, _contributions(node, cotangent)):
        if contribution is None or arg not in zero.active:
            continue
        safe = zero.protect(node, arg, cotangent, contribution)
        total = unbroadcast(safe, arg.shape)
        if arg in adjoints.cotangents:
            total = adjoints.cotangents[arg] + total
        adjoints.cotangents[arg] = total
        _inherit(total, born, zero.primal, adjoints)


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
