"""Adjoints that a model brings, against the derivatives of the functions that they are for.

    def softplus1(x): return log(1 + exp(x))          agrees
    adjoint softplus1(x, d): return d * sigmoid(x)

    def ste(x): return round(x)                       differs, and is meant to
    adjoint ste(x, d): return d

Each function that a model calls is taken by itself, at the arguments that it has at the point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from . import sympy_check
from .comparison import Comparison, compare, merge, not_checked
from .formulas import NoFormula
from .held import NotLinear, pulled
from .interp import Body, values
from .ir import Array, Graph, Node, topological
from .ops import argument
from .ops.own import governed, own_adjoint
from .scalars import TooLarge

LARGEST = 200  # elements of a function's arguments


@dataclass(frozen=True, eq=False)
class Use:
    """A function at a point: its body from its own arguments on, its adjoint, the arguments' values."""

    body: Graph
    adjoint: Body
    wrt: tuple[int, ...]
    values: Mapping[str, Array]


def compared(
    graph: Graph, arguments: Mapping[str, Array], sizes: Mapping[str, int], rtol: float, seconds: float
) -> dict[str, Comparison]:
    """How the adjoint of each function agrees with the function's derivative; nothing where there is none."""
    found: dict[str, Comparison] = {}
    for name, use in _uses(graph, arguments, sizes):
        outcome = not_checked("called in a loop or a branch") if use is None else _outcome(use, rtol, seconds)
        found[name] = merge(found[name], outcome) if name in found else outcome
    return found


def _uses(
    graph: Graph, arguments: Mapping[str, Array], sizes: Mapping[str, int]
) -> Iterator[tuple[str, Use | None]]:
    nodes = graph.nodes()
    known: dict[Node, Array] = {}
    for join in (node for node in nodes if node.op is own_adjoint):
        known = known or values(graph, arguments, sizes)
        results = [node.args[0] for node in nodes if node.op is governed and node.args[1] is join]
        given = {f"a{k}": known[x] for k, x in enumerate(join.args)}
        yield join["name"], Use(_body(results, join.args), Body(join["adjoint"], sizes), join["wrt"], given)
    for inner in (body for node in nodes for body in node.subgraphs() if node.op not in (own_adjoint, governed)):
        yield from ((name, None) for name in _names(inner))


def _names(graph: Graph) -> Iterator[str]:
    stack = [graph]
    while stack:
        for node in stack.pop().nodes():
            stack.extend(node.subgraphs())
            if node.op is own_adjoint:
                yield node["name"]


def _body(results: Sequence[Node], x: Sequence[Node]) -> Graph:
    """The results as a graph of their own, in which x are the arguments."""
    inputs = tuple(argument(f"a{k}", node.type) for k, node in enumerate(x))
    images = dict(zip(x, inputs))
    for node in topological(results):
        if node not in images:
            images[node] = node.with_args(images[a] for a in node.args)
    return Graph(inputs, tuple((f"y{k}", images[y]) for k, y in enumerate(results)))


def _outcome(use: Use, rtol: float, seconds: float) -> Comparison:
    reals = [(k, n) for k, n in enumerate(use.body.inputs) if n.type.kind == "real"]
    if sum(use.values[n["name"]].size for _, n in reals) > LARGEST:
        return not_checked(f"more than {LARGEST} elements; try smaller --sizes")
    generator = np.random.default_rng(0)
    outputs = [node.type.shape for _, node in use.body.outputs]
    shapes = [tuple(d.evaluate(use.adjoint.sizes) for d in shape) for shape in outputs]
    weights = {k: generator.uniform(0.5, 1.5, shape) for k, shape in enumerate(shapes)}
    given = [use.values[node["name"]] for node in use.body.inputs]
    stated = dict(zip(use.wrt, pulled(use.adjoint, given, weights)))
    labels, own, directions = [], [], []
    for k, node in reals:
        array = use.values[node["name"]]
        for index in np.ndindex(array.shape):
            unit = np.zeros(array.shape)
            unit[index] = 1.0
            directions.append({node["name"]: unit})
            own.append(float(stated[k][index]) if k in stated else 0.0)
            labels.append(use.adjoint.names[k] + (f"[{', '.join(map(str, index))}]" if index else ""))
    cotangents = {f"y{k}": weight for k, weight in weights.items()}
    try:
        reference = sympy_check.evaluate(
            use.body, use.values, use.adjoint.sizes, cotangents, directions, seconds=seconds
        )
    except (NoFormula, NotLinear) as problem:
        return not_checked(str(problem))
    except TooLarge:
        return not_checked("too large to expand into scalars; try smaller --sizes")
    floors = [64.0 * floor for floor in reference.floors]
    return compare(labels, own, reference.slopes, floors, rtol)
