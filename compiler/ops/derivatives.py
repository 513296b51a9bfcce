"""Derivatives as values of a model: ops that hold what they differentiate as a graph.

    g = grad(sum(w * x**2), x)      gradient(x, w; body: (x, w) -> sum(w * x**2), wrt=0)
    d = jvp(tanh(x), x, v)          directional(v, x; body: (x) -> tanh(x), wrt=0)

A body is closed: what it needs of the model around it is given to it; `wrt` is the input that it is
differentiated by. `passes/derivatives.py` puts the derivative's own nodes in their places, innermost first,
before the model is differentiated. `named` makes a value of its own of one that has two names: the front end
closes bodies at it, and it is in no graph that a pass sees.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..ir import Array, Graph, Node, NonDiff, Op, declare, topological
from ..types import Type, TypeProblem
from .own import applied
from .shape import DimText

if TYPE_CHECKING:
    from ..interp import Body

_EXPANDED = NonDiff("passes/derivatives.py expands it")


def _no_text(node: Node, d: DimText) -> str:
    raise TypeError(f"{node.op.name} is expanded before it is written")


def _given(body: Graph, types: tuple[Type, ...]) -> Type:
    if tuple(node.type for node in body.inputs) != types:
        raise TypeProblem("E0209", "the inputs of what is differentiated are not what it is given")
    return body.outputs[0][1].type


def _gradient_infer(*x: Type, body: Graph, wrt: int) -> Type:
    value = _given(body, x)
    if value.rank or value.kind != "real":
        raise TypeProblem("E0305", f"a gradient is one of a real scalar, not of {value}")
    return x[wrt]


def _directional_infer(v: Type, *x: Type, body: Graph, wrt: int) -> Type:
    if v != x[wrt]:
        raise TypeProblem("E0203", f"a direction of {v} for a value of {x[wrt]}")
    return _given(body, x)


def _gradient_eval(*x: Array, body: Body, wrt: int) -> Any:
    return _evaluated("gradient", x, body, wrt)


def _directional_eval(*x: Array, body: Body, wrt: int) -> Any:
    return _evaluated("directional", x, body, wrt)


def _evaluated(name: str, args: tuple[Array, ...], body: Body, wrt: int) -> Any:
    from ..passes.derivatives import derivative_graph

    graph = derivative_graph(name, body.graph, wrt)
    return body.run(graph, dict(zip((node["name"] for node in graph.inputs), args)))[0]


gradient = declare(
    Op(
        "gradient",
        ("*x",),
        "The gradient of the body's one output, a scalar, by its input number `wrt`.",
        _gradient_infer,
        _gradient_eval,
        _EXPANDED,
        _no_text,
        work="control",
    )
)

directional = declare(
    Op(
        "directional",
        ("v", "*x"),
        "The derivative of the body's one output along v, a direction of its input number `wrt`.",
        _directional_infer,
        _directional_eval,
        _EXPANDED,
        _no_text,
        work="control",
    )
)

named = declare(
    Op(
        "named",
        ("x",),
        "x, as a value of its own that something is differentiated by.",
        lambda x: x,
        lambda x: x,
        NonDiff("it is in no graph that is differentiated"),
        py="x",
    )
)

DERIVATIVES = frozenset({gradient, directional})


def laid_open(graph: Graph) -> Graph:
    """The graph with what it differentiates as further outputs, for who asks what its arguments serve as."""
    if graph.ops.isdisjoint(DERIVATIVES):
        return graph
    targets: list[Node] = []
    roots = [node for _, node in graph.outputs]
    seen: set[Node] = set()
    while roots:
        found = [n for n in topological(roots) if n.op in DERIVATIVES and n not in seen]
        seen.update(found)
        roots = [applied(n["body"], n.args[len(n.args) - len(n["body"].inputs) :])[0] for n in found]
        targets += roots
    return replace(graph, outputs=(*graph.outputs, *(("target", node) for node in targets)))
