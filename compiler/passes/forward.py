"""Forward-mode differentiation, graph to graph: the tangents of values along given tangents.

    f = (x + y) * z     becomes     a_dot = x_dot + y_dot,  f_dot = a_dot * z + a * z_dot     (a = x + y)

An op has one rule, its VJP: a linear map of the cotangent, whose transpose is the JVP. Where an op is linear
in its arguments itself (`Op.linear`) it is applied to the tangents. Loops and branches carry the tangents
beside their values; what takes their place has more results (see `structured.substitute`).

A zero tangent (a direction that leaves the argument where it is) must not meet an infinite slope: such a
product is `masked`, as in reverse mode. It need not be where the value is infinite too and stays so: what is
computed with it has no derivative, and what `where` leaves away is left away of the tangent too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from .. import ops
from ..ir import Graph, Node, Origin, topological
from ..ops.control import zeros_for
from ..ranges import intervals_of
from .adjoints import Options
from .bodies import ranges_in
from .fold import constant_array, folded
from .forward_control import through_branch, through_loop
from .structured import substitute
from .tangents import Seeds, Tangents
from .transpose import transposed
from .zeros import SINGULAR, ZeroAnalysis, holds


def pushed_forward(
    graph: Graph, outputs: Sequence[str], seeds: Mapping[str, Node], options: Options
) -> Graph:
    """The graph with an output `NAME_dot` more for each of these outputs; tangents by names of inputs.

    Tangents that are arguments become inputs.
    """
    arguments = {node["name"]: node for node in graph.inputs}
    given = {arguments[name]: tangent for name, tangent in seeds.items()}
    values = [graph.output(name) for name in outputs]
    found = tangents(values, given, graph, options)
    new = tuple(t for t in given.values() if t.op.name == "argument" and t not in graph.inputs)
    joint = replace(
        graph,
        inputs=graph.inputs + new,
        outputs=graph.outputs + tuple((f"{n}_dot", found.of(v)) for n, v in zip(outputs, values)),
        names={**graph.names, **found.names},
        origins={**found.origins, **graph.origins},
    )
    return substitute(joint, found.replaced)


def tangents(
    outputs: Iterable[Node],
    seeds: Seeds,
    graph: Graph,
    options: Options,
    unbounded: Collection[Node] = (),
) -> Tangents:
    """Tangents of all values below the outputs that depend on what the seeds are tangents of.

    `graph` gives the names and origins of the values; its outputs don't matter. `unbounded` are values
    whose seeds may be infinite.
    """
    nodes = topological(outputs)
    sweep = _Sweep(nodes, graph, options)
    sweep.found.tangents.update(seeds)
    sweep.found.unbounded.update(unbounded)
    for node in nodes:
        if node not in seeds:
            sweep.visit(node)
    return sweep.found


class _Sweep:
    """One forward pass."""

    def __init__(self, nodes: Sequence[Node], graph: Graph, options: Options):
        self.graph = graph
        self.options = options
        self.primal = frozenset(nodes)
        self.absorbed = _absorbed(nodes, graph if options.depth else None)
        self.zero = ZeroAnalysis(
            self.primal,
            set(),
            intervals_of(nodes, options.ranges),
            poles=set(options.infinite.poles),
            overflows=set(options.infinite.overflows),
        )
        self.found = Tangents()

    def visit(self, node: Node) -> None:
        found = self.found
        if node.op is ops.item:
            tangent = found.parts.get(node.args[0], {}).get(node["position"])
            if tangent is not None:
                self._enter(node, tangent, node.args[0] in found.unbounded)
        elif not any(arg in found.tangents for arg in node.args):
            return
        elif node.op in THROUGH:
            self._through(node)
        elif node.type.kind == "real":
            self._apply(node)

    def _apply(self, node: Node) -> None:
        dots = [self.found.tangents.get(arg) for arg in node.args]
        singular = self._is_singular(node)
        if singular and self._needs_mask(node):
            tangent = self._masked(node, dots)
        elif node.op.linear:
            tangent = _LINEAR[node.op.linear](node, dots)
        else:
            tangent = transposed(node, dots, self.primal)
        tangent = tangent and (folded(tangent) or tangent)
        if tangent is None or _is_zero(tangent):
            return
        unbounded = any(arg in self.found.unbounded for arg in node.args)
        if tangent.op is ops.gate and not unbounded:
            tangent = ops.gate_finite(*tangent.args)
        self._enter(node, tangent, unbounded or singular)

    def _is_singular(self, node: Node) -> bool:
        """Whether a slope may be infinite or NaN: by the op itself, or by what it is made of."""
        if not node.op.elementwise:
            return False
        if holds(node, SINGULAR, self.zero.intervals):
            return True
        return node.op.linear != "jointly" and any(arg in self.zero.poles for arg in node.args)

    def _needs_mask(self, node: Node) -> bool:
        """Whether a slope may be infinite or NaN where the value is not, or does not stay so."""
        stays = node.op.steep is None and node not in self.absorbed
        return self.options.masked_zero and not stays

    def _masked(self, node: Node, dots: Sequence[Node | None]) -> Node | None:
        """Each argument's share, 0 where its tangent is."""
        total = None
        for i, dot in enumerate(dots):
            if dot is None:
                continue
            share = transposed(node, [dot if k == i else None for k in range(len(dots))], self.primal)
            if share is not None:
                share = share if share is dot else ops.masked(share, dot)
                total = share if total is None else total + share
        return total

    def _enter(self, node: Node, tangent: Node, unbounded: bool) -> None:
        found = self.found
        if tangent.shape != node.shape:
            tangent = ops.broadcast_to(tangent, shape=node.shape)
        found.tangents[node] = tangent
        if unbounded:
            found.unbounded.add(node)
        name = node["name"] if node.op.name == "argument" else self.graph.names.get(node)
        if name is not None and tangent not in self.primal:
            found.names.setdefault(tangent, f"{name}_dot")
        self._inherit(tangent, self.graph.origins.get(node, ()))

    def _inherit(self, root: Node, origins: tuple[Origin, ...]) -> None:
        """Nodes that a rule has just made come from where its node comes from."""
        stack = [root]
        while stack:
            node = stack.pop()
            if node not in self.primal and node not in self.found.origins and node.op.name != "argument":
                self.found.origins[node] = origins
                stack.extend(node.args)

    def _through(self, node: Node) -> None:
        """What takes the place of a loop or a branch, and the tangents of its results."""
        found, operands = self.found, node.args[1:]
        dots = [found.tangents.get(operand) for operand in operands]
        unbounded = any(operand in found.unbounded for operand in operands)
        wide = THROUGH[node.op](node, dots, unbounded, partial(self._inside, node))
        found.replaced[node] = wide.node
        found.parts[node] = dict(wide.dots)
        found.origins[wide.node] = self.graph.origins.get(node, ())
        if wide.unbounded:
            found.unbounded.add(node)

    def _inside(self, node: Node, body: Graph, seeds: Seeds, unbounded: bool) -> Tangents:
        """The tangents of the results of a body of a loop or branch."""
        options = replace(
            self.options,
            ranges=ranges_in(body, node, self.zero.intervals),
            depth=self.options.depth + 1,
            infinite=self.zero.inside(node),
        )
        return tangents(
            [value for _, value in body.outputs], seeds, body, options, seeds if unbounded else ()
        )


THROUGH = {ops.loop: through_loop, ops.branch: through_branch}


def _is_zero(tangent: Node) -> bool:
    """Whether a tangent is known to be 0, as those of a unit vector's other elements are."""
    return tangent.op.name == "const" and not np.any(constant_array(tangent))


def _absorbed(nodes: Sequence[Node], body: Graph | None) -> set[Node]:
    """The values that a later step may make finite again where they are infinite.

    What becomes of the results of a body is not known here.
    """
    found = {node for _, node in body.outputs} if body is not None else set()
    for node in reversed(nodes):
        for place, arg in enumerate(node.args):
            if node in found or not _keeps(node, place):
                found.add(arg)
    return found


def _keeps(node: Node, place: int) -> bool:
    op = node.op
    return bool(op.linear) or op.keeps == "all" or (op.keeps == "first" and not place)


# --- linear ops ----------------------------------------------------------------------------------


def _jointly(node: Node, dots: Sequence[Node | None]) -> Node:
    """The op itself on all tangents."""
    args = [a if a.type.kind != "real" else d or zeros_for(a) for a, d in zip(node.args, dots)]
    return node.op(*args, **dict(node.attrs))


def _each(node: Node, dots: Sequence[Node | None]) -> Node:
    """The product rule."""
    terms = [
        node.op(*node.args[:i], dot, *node.args[i + 1 :], **dict(node.attrs))
        for i, dot in enumerate(dots)
        if dot is not None
    ]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


_LINEAR: dict[str, Callable[[Node, Sequence[Node | None]], Node]] = {"jointly": _jointly, "each": _each}


__all__ = ["Tangents", "pushed_forward", "tangents", "transposed"]
