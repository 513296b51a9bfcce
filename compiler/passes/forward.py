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

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .. import ops
from ..ir import Graph, Node, NonDiff, Origin, topological
from ..ops import argument
from ..ops.control import items, zeros_for
from ..ops.own import govern_rule
from ..ranges import intervals_of
from .adjoints import Options
from .autodiff import NotDifferentiable, unbroadcast
from .bodies import ranges_in
from .fold import constant_array, folded
from .structured import Fresh, names_in, substitute
from .zeros import SINGULAR, ZeroAnalysis, holds

Seeds = Mapping[Node, Node]


@dataclass
class Tangents:
    """What a forward pass makes: tangents, their names and origins.

    `parts` are the tangents of the results of loops and branches, by position; `replaced` what stands in the
    places of these. `unbounded` are the values whose tangent may be infinite or NaN.
    """

    tangents: dict[Node, Node] = field(default_factory=dict)
    names: dict[Node, str] = field(default_factory=dict)
    origins: dict[Node, tuple[Origin, ...]] = field(default_factory=dict)
    parts: dict[Node, dict[int, Node]] = field(default_factory=dict)
    replaced: dict[Node, Node] = field(default_factory=dict)
    unbounded: set[Node] = field(default_factory=set)

    def of(self, value: Node) -> Node:
        """The tangent of a value, zeros where it doesn't depend on what has one."""
        return self.tangents.get(value) or zeros_for(value)


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
        elif node.op is ops.loop:
            self._note(node, *_through_loop(node, self))
        elif node.op is ops.branch:
            self._note(node, *_through_branch(node, self))
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

    def _note(self, node: Node, new: Node, dots: Mapping[int, Node], unbounded: bool) -> None:
        """What takes the place of a loop or a branch, and the tangents of its results."""
        self.found.replaced[node] = new
        self.found.parts[node] = dict(dots)
        self.found.origins[new] = self.graph.origins.get(node, ())
        if unbounded:
            self.found.unbounded.add(node)

    def inside(self, node: Node, body: Graph) -> Options:
        """The options for a body."""
        return replace(
            self.options,
            ranges=ranges_in(body, node, self.zero.intervals),
            depth=self.options.depth + 1,
            infinite=self.zero.inside(node),
        )

    def is_unbounded(self, arg: Node) -> bool:
        return arg in self.found.unbounded


def _is_zero(tangent: Node) -> bool:
    """Whether a tangent is known to be 0, as those of a unit vector's other elements are."""
    return tangent.op.name == "const" and not np.any(constant_array(tangent))


# Ops that are infinite or NaN where an argument is (a quotient where the first is), or drop its tangent too.
TRANSPARENT = frozenset({
    "add", "sub", "mul", "neg", "square", "abs", "sqrt", "div", "where", "gate", "gate_finite", "matmul",
    "outer", "einsum", "contract", "tensordot", "norm", "after", "governed", "maximum", "minimum", "max",
    "min",
})  # fmt: skip


def _absorbed(nodes: Sequence[Node], body: Graph | None) -> set[Node]:
    """The values that a later step may make finite again where they are infinite.

    What becomes of the results of a body is not known here.
    """
    found = {node for _, node in body.outputs} if body is not None else set()
    for node in reversed(nodes):
        transparent = node.op.name in TRANSPARENT or node.op.linear == "jointly"
        for place, arg in enumerate(node.args):
            if node in found or not transparent or (node.op.name == "div" and place):
                found.add(arg)
    return found


# --- the transpose of a VJP ----------------------------------------------------------------------


def transposed(node: Node, dots: Sequence[Node | None], primal: Collection[Node]) -> Node | None:
    """The tangent of a node from its arguments' tangents; None where it is 0.

    A VJP gives the arguments' cotangents as linear maps of the output's cotangent g. Reverse mode on these
    maps, from the arguments' tangents to g, gives the output's tangent.
    """
    g = argument("g", node.type)
    rows = [
        (contribution, dot)
        for contribution, dot in zip(_contributions(node, g), dots)
        if contribution is not None and dot is not None
    ]
    order = _made(g, [contribution for contribution, _ in rows], primal)
    shares: dict[Node, list[_Share]] = {}
    for contribution, dot in rows:
        shares.setdefault(contribution, []).append((dot, ()))
    for made in reversed(order):
        if made is not g:
            for cotangent, gates in _arrived(made, shares.pop(made, ())):
                for arg, share, more in _back(made, cotangent):
                    if arg in order:
                        shares.setdefault(arg, []).append((share, gates + more))
    result = _total(shares.get(g, ()))
    if result is not None and g in _made(g, [result], primal):
        raise NotDifferentiable(node, "its adjoint is not linear in the cotangent, so it has no transpose")
    return result


# A cotangent, and the conditions under which it is not 0. A rule `gate(g * slope, c)` keeps a slope that is
# infinite or NaN where c fails away; its transpose does so only if the gate stays behind the product.
_Share = tuple[Node, tuple[Node, ...]]


def _back(made: Node, cotangent: Node) -> Iterator[tuple[Node, Node, tuple[Node, ...]]]:
    """The shares that a node hands to its arguments."""
    if made.op in (ops.gate, ops.gate_finite):
        yield made.args[0], cotangent, (made.args[1],)
        return
    for arg, share in zip(made.args, _contributions(made, cotangent)):
        if share is not None:
            yield arg, share if share.rank < arg.rank else unbroadcast(share, arg.shape), ()


def _arrived(made: Node, shares: Sequence[_Share]) -> Sequence[_Share]:
    """What a node's rule is applied to: each share where it acts element by element, else their sum."""
    if made.op.elementwise and len({gates for _, gates in shares}) == len(shares):
        return shares
    total = _total(shares)
    if total is None:
        return ()
    whole = made.op.elementwise or total.shape == made.shape
    return [(total if whole else ops.broadcast_to(total, shape=made.shape), ())]


def _total(shares: Sequence[_Share]) -> Node | None:
    total = None
    for share, gates in shares:
        for condition in gates:
            share = ops.gate(share, condition)
        total = share if total is None else total + share
    return total


def _contributions(node: Node, g: Node) -> Sequence[Node | None]:
    if node.op is ops.governed:
        return govern_rule(node, g)
    if isinstance(node.op.vjp, NonDiff):
        raise NotDifferentiable(node, node.op.vjp.reason)
    return node.op.vjp(g, node, *node.args)


def _made(g: Node, roots: Iterable[Node], primal: Collection[Node]) -> dict[Node, None]:
    """The nodes above g that a rule has made, arguments first."""
    order: dict[Node, None] = {}
    done: set[Node] = set()
    stack = [(root, False) for root in roots]
    while stack:
        node, ready = stack.pop()
        if node is g:
            order.setdefault(g)
        elif ready:
            if any(arg in order for arg in node.args):
                order.setdefault(node)
        elif node not in done and node not in primal:
            done.add(node)
            stack.append((node, True))
            stack.extend((arg, False) for arg in node.args)
    return order


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


# --- loops and branches --------------------------------------------------------------------------


def _through_loop(node: Node, sweep: _Sweep) -> tuple[Node, dict[int, Node], bool]:
    """The loop that carries tangents too, the tangents of its results, whether these may be infinite."""
    body: Graph = node["body"]
    carried: int = node["carried"]
    count, *operands = node.args
    step, *inputs = body.inputs
    dots = [sweep.found.tangents.get(operand) for operand in operands]
    with_dot = {i for i, dot in enumerate(dots) if dot is not None}
    unbounded = any(sweep.is_unbounded(operand) for operand in operands)
    fresh = Fresh(names_in(body))
    seeds = {i: argument(fresh(f"{inputs[i]['name']}_dot"), inputs[i].type) for i in range(len(inputs))
             if inputs[i].type.kind == "real"}  # fmt: skip
    outputs = [output for _, output in body.outputs]
    while True:
        chosen = {inputs[i]: seeds[i] for i in sorted(with_dot)}
        inner = tangents(outputs, chosen, body, sweep.inside(node, body), list(chosen) if unbounded else ())
        reached = {p for p, output in enumerate(outputs) if output in inner.tangents}
        news = {p for p in reached if p < carried} - with_dot
        with_dot |= news
        grows = not unbounded and any(outputs[p] in inner.unbounded for p in reached)
        unbounded |= grows
        if not news and not grows:
            break
    states = [i for i in sorted(with_dot) if i < carried]
    given = [i for i in sorted(with_dot) if i >= carried]
    stacked = [p for p in sorted(reached) if p >= carried]
    new_inputs = (
        step, *inputs[:carried], *(seeds[i] for i in states), *inputs[carried:], *(seeds[i] for i in given),
    )  # fmt: skip
    rows = [*range(carried), *states, *range(carried, len(outputs)), *stacked]
    is_dot = [False] * carried + [True] * len(states) + [False] * (len(outputs) - carried)
    is_dot += [True] * len(stacked)
    results = _results(body, inner, rows, is_dot, fresh)
    attrs = {
        **dict(node.attrs),
        "body": _joint(body, inner, new_inputs, results),
        "carried": carried + len(states),
    }
    if node.get("condition") is not None:
        attrs["condition"] = replace(node["condition"], inputs=_condition_inputs(node, new_inputs, inputs))
    new = ops.loop(
        count,
        *operands[:carried], *(dots[i] or zeros_for(operands[i]) for i in states),
        *operands[carried:], *(_known(dots[i]) for i in given),
        **attrs,
    )  # fmt: skip
    all_results = items(new)
    parts = {i: all_results[carried + k] for k, i in enumerate(states)}
    parts.update({p: all_results[len(outputs) + len(states) + k] for k, p in enumerate(stacked)})
    return new, parts, unbounded


def _condition_inputs(node: Node, new: Sequence[Node], old: Sequence[Node]) -> tuple[Node, ...]:
    """The inputs of a loop's condition, with the tangents of which it knows nothing."""
    step, *own = node["condition"].inputs
    images = dict(zip(old, own))
    taken = Fresh(names_in(node["condition"]))
    return step, *(images.get(i) or argument(taken(i["name"]), i.type) for i in new[1:])


def _known(dot: Node | None) -> Node:
    assert dot is not None
    return dot


def _results(
    body: Graph, inner: Tangents, positions: Sequence[int], is_dot: Sequence[bool], fresh: Fresh
) -> tuple[tuple[str, Node], ...]:
    results = []
    for position, dot in zip(positions, is_dot):
        name, value = body.outputs[position]
        results.append((fresh(f"{name}_dot"), inner.of(value)) if dot else (name, value))
    return tuple(results)


def _joint(
    body: Graph, inner: Tangents, inputs: tuple[Node, ...], outputs: tuple[tuple[str, Node], ...]
) -> Graph:
    """A body with its tangents."""
    joint = replace(
        body,
        inputs=inputs,
        outputs=outputs,
        names={**body.names, **inner.names},
        origins={**inner.origins, **body.origins},
    )
    return substitute(joint, inner.replaced)


def _through_branch(node: Node, sweep: _Sweep) -> tuple[Node, dict[int, Node], bool]:
    """The branch that gives tangents too, these tangents, whether they may be infinite."""
    condition, *operands = node.args
    dots = [sweep.found.tangents.get(operand) for operand in operands]
    active = [i for i, dot in enumerate(dots) if dot is not None]
    unbounded = any(sweep.is_unbounded(operand) for operand in operands)
    sides: dict[str, tuple[Graph, Tangents, list[Node]]] = {}
    for side in ("then", "orelse"):
        body: Graph = node[side]
        fresh = Fresh(names_in(body))
        seeds = [argument(fresh(f"{body.inputs[i]['name']}_dot"), body.inputs[i].type) for i in active]
        chosen = {body.inputs[i]: seed for i, seed in zip(active, seeds)}
        values = [value for _, value in body.outputs]
        inner = tangents(values, chosen, body, sweep.inside(node, body), list(chosen) if unbounded else ())
        sides[side] = body, inner, seeds
    reached = [
        p
        for p in range(len(node["then"].outputs))
        if any(body.outputs[p][1] in inner.tangents for body, inner, _ in sides.values())
    ]
    if not reached:
        return node, {}, False
    bodies = {}
    for side, (body, inner, seeds) in sides.items():
        outputs = range(len(body.outputs))
        flags = [False] * len(outputs) + [True] * len(reached)
        results = _results(body, inner, [*outputs, *reached], flags, Fresh(names_in(body)))
        bodies[side] = _joint(body, inner, (*body.inputs, *seeds), results)
        unbounded |= any(body.outputs[p][1] in inner.unbounded for p in reached)
    new = ops.branch(
        condition, *operands, *(_known(dots[i]) for i in active), **{**dict(node.attrs), **bodies}
    )
    results_ = items(new)
    first = len(node["then"].outputs)
    return new, {p: results_[first + k] for k, p in enumerate(reached)}, unbounded


__all__ = ["Tangents", "pushed_forward", "tangents", "transposed"]
