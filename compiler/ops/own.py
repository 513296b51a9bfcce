"""Adjoints that a model brings itself, and values that a derivative takes as given.

`f` has an adjoint of its own and gives y1, y2 from a and b. Each result is wrapped; what is around sees
through the wrapping forward, and backward meets the function's adjoint in the place of the chain rule:

    join = own_adjoint(a, b; adjoint: (a, b, d_y1, d_y2) -> (d_a, d_b))
    r1, r2 = governed(y1, join, a, b; position=0), governed(y2, join, a, b; position=1)

The cotangents of all results meet in `join`, so that the adjoint is taken once, of all of them. After
differentiation `governed` is its first argument, and `join` is needed no more.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..held import governed_value, stopped_value
from ..ir import Graph, Node, NonDiff, Op, const, declare
from ..types import REAL
from .shape import broadcast_to

# Ops that give 0 of a first argument that is 0, and of any.
LINEAR = frozenset({"neg", "div", "sum", "mean", "reshape", "transpose", "broadcast_to", "getitem", "cumsum"})
PRODUCTS = frozenset({"mul", "matmul", "outer"})
Cotangents = tuple["Node | None", ...]


def applied(graph: Graph, args: Sequence[Node]) -> tuple[Node, ...]:
    """The outputs of a graph on other arguments, as nodes of the graph around it."""
    images = dict(zip(graph.inputs, args))
    for node in graph.nodes():
        if node not in images:
            images[node] = node.with_args(images[a] for a in node.args)
    return tuple(images[node] for _, node in graph.outputs)


def _join_vjp(g: Node, out: Node, *x: Node) -> Cotangents:
    adjoint: Graph = out["adjoint"]
    shares = _shares(g)
    results = adjoint.inputs[len(x) :]
    missing = {node for k, node in enumerate(results) if k not in shares}
    cotangents = [shares.get(k) or _zeros(node) for k, node in enumerate(results)]
    found = dict(zip(out["wrt"], applied(_without(adjoint, missing), (*x, *cotangents))))
    return tuple(found.get(k) for k in range(len(x)))


def govern_rule(result: Node, g: Node) -> Cotangents:
    """The adjoint of one result of a function alone: cotangents of the result's arguments."""
    _, _, *x = result.args
    through = _join_vjp(_share(g, position=result["position"]), result, *x)
    return None, None, *through


def _zeros(node: Node) -> Node:
    return broadcast_to(const(0.0), shape=node.shape) if node.rank else const(0.0)


def _without(adjoint: Graph, missing: set[Node]) -> Graph:
    """The adjoint without the terms of cotangents that are 0, as their results are not used."""
    if not missing:
        return adjoint
    zeros = set(missing)

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        if node.op.name in ("add", "sub") and node.args[1] in zeros and args[0].type == node.type:
            zeros.update({node} if node.args[0] in zeros else ())
            return args[0]
        if node.op.name == "add" and node.args[0] in zeros and args[1].type == node.type:
            return args[1]
        vanishing = node.args[:1] if node.op.name in LINEAR else node.args if node.op.name in PRODUCTS else ()
        zeros.update({node} if zeros.intersection(vanishing) else ())
        return node.with_args(args)

    return adjoint.rewrite(step)


def _shares(g: Node) -> dict[int, Node]:
    """The cotangent of each result, out of what has met in `join`."""
    found: dict[int, Node] = {}
    stack = [g]
    while stack:
        node = stack.pop()
        if node.op is _share:
            k, cotangent = node["position"], node.args[0]
            found[k] = found[k] + cotangent if k in found else cotangent
        else:
            stack.extend(node.args)
    return found


own_adjoint = declare(
    Op(
        "own_adjoint",
        ("*x",),
        "Where the cotangents of a function's results meet, to become those of its arguments x.\n\n"
        "`adjoint` has x and the results' cotangents as inputs; `wrt` says whose cotangents it gives.",
        lambda *x, adjoint, wrt, name: REAL,
        lambda *x, adjoint, wrt, name: 0.0,
        _join_vjp,
        py="0.0",
        work="free",
    )
)

# What a result hands to `join`, whose rule takes it apart: it is in no graph that a pass sees.
_share = Op(
    "share", ("g",), "The cotangent of one result.", lambda g, *, position: REAL, lambda g, *, position: 0.0,
    NonDiff("it is taken apart"), py="g",
)  # fmt: skip

governed = declare(
    Op(
        "governed",
        ("y", "join", "*x"),
        "y, whose cotangent goes to an adjoint that the model brings.",
        lambda y, join, *x, adjoint, wrt, position: y,
        lambda y, join, *x, adjoint, wrt, position: governed_value(y, x, adjoint, wrt, position),
        lambda g, out, y, join, *x: (None, _share(g, position=out["position"]), *(None for _ in x)),
        py="y",
        bounds=lambda y, *_: y,
        keeps="all",
        expand=lambda y, *_, **__: y,
    )
)

stop_gradient = declare(
    Op(
        "stop_gradient",
        ("x",),
        "x, as a value that nothing is differentiated through.",
        lambda x: x,
        stopped_value,
        lambda g, out, x: (None,),
        py="x",
        bounds=lambda x: x,
        expand=lambda x: x,
    )
)


def govern(
    results: Sequence[Node], x: Sequence[Node], adjoint: Graph, wrt: tuple[int, ...], name: str
) -> list[Node]:
    """The results of a function on x, under its adjoint."""
    join = own_adjoint(*x, adjoint=adjoint, wrt=wrt, name=name)
    return [governed(y, join, *x, adjoint=adjoint, wrt=wrt, position=k) for k, y in enumerate(results)]


def holds_values(graph: Graph) -> bool:
    """Whether something in a graph, or in the bodies in it, is not differentiated as it is computed."""
    return _holds(graph, (governed, stop_gradient))


def has_own_adjoints(graph: Graph) -> bool:
    """Whether something in a graph, or in the bodies in it, brings its own adjoint."""
    return _holds(graph, (governed,))


def _holds(graph: Graph, ops_: Sequence[Op]) -> bool:
    stack = [graph]
    while stack:
        for node in stack.pop().nodes():
            if node.op in ops_:
                return True
            stack.extend(node.subgraphs())
    return False
