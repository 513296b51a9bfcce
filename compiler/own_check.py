"""Adjoints that a model brings, against the derivatives of the functions that they are for.

    def softplus1(x): return log(1 + exp(x))          agrees
    adjoint softplus1(x, d): return d * sigmoid(x)

    def ste(x): return round(x)                       differs, and is meant to
    adjoint ste(x, d): return d

    def f(x): return x**2                             differs, and is a mistake
    adjoint f(x, d): return 3 * d * x

Each function that a model calls is taken by itself, at the arguments that it has at the point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from autodiffc.grammar.records import record

from . import sympy_check
from .comparison import Comparison, compare, merge, not_checked
from .formulas import NoFormula
from .held import NotLinear, pulled
from .interp import Body, resolve, values
from .ir import Array, Graph, Node, topological
from .ops import argument
from .ops.derivatives import DERIVATIVES
from .ops.own import governed, own_adjoint
from .scalars import TooLarge

LARGEST = 200  # elements of a function's arguments
MEANT = "it cannot be meant as a derivative"  # the function has no slope, or the adjoint is not linear


@record(frozen=True, eq=False)
class Use:
    """A function at a point: its body from its own arguments on, its adjoint, the arguments' values.

    `arguments` says for each parameter of the adjoint which input of the body it is: a value that is given
    twice is one input. The outputs of the body are called by their position.
    """

    body: Graph
    adjoint: Body
    wrt: tuple[int, ...]
    arguments: tuple[str, ...]
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
        results = [node for node in nodes if node.op is governed and node.args[1] is join]
        yield join["name"], _use(join, results, known, sizes)
    for node in nodes:
        if node.op in DERIVATIVES:
            known = known or values(graph, arguments, sizes)
            given = node.args[len(node.args) - len(node["body"].inputs) :]
            inputs = {i["name"]: known[arg] for i, arg in zip(node["body"].inputs, given)}
            yield from _uses(node["body"], inputs, sizes)
        elif node.op is not own_adjoint and node.op is not governed:
            yield from ((name, None) for body in node.subgraphs() for name in _names(body))


def _names(graph: Graph) -> Iterator[str]:
    stack = [graph]
    while stack:
        for node in stack.pop().nodes():
            stack.extend(node.subgraphs())
            if node.op is own_adjoint:
                yield node["name"]


def _use(join: Node, results: Sequence[Node], known: Mapping[Node, Array], sizes: Mapping[str, int]) -> Use:
    names = {x: f"a{k}" for k, x in enumerate(dict.fromkeys(join.args))}
    images = {x: argument(name, x.type) for x, name in names.items()}
    inputs = tuple(images.values())
    for node in topological(result.args[0] for result in results):
        if node not in images:
            images[node] = node.with_args(images[a] for a in node.args)
    body = Graph(inputs, tuple((f"y{r['position']}", images[r.args[0]]) for r in results))
    given = {name: known[x] for x, name in names.items()}
    adjoint = resolve(join["adjoint"], sizes)
    return Use(body, adjoint, join["wrt"], tuple(names[x] for x in join.args), given)


def _outcome(use: Use, rtol: float, seconds: float) -> Comparison:
    reals = [node["name"] for node in use.body.inputs if node.type.kind == "real"]
    if sum(use.values[name].size for name in reals) > LARGEST:
        return not_checked(f"more than {LARGEST} elements; try smaller --sizes")
    weights = _weights(use)
    stated = _stated(use, weights)
    labels, own, directions = [], [], []
    for name in reals:
        array = use.values[name]
        shown = use.adjoint.names[use.arguments.index(name)]
        for index in np.ndindex(array.shape):
            unit = np.zeros(array.shape)
            unit[index] = 1.0
            directions.append({name: unit})
            own.append(float(stated[name][index]))
            labels.append(shown + (f"[{', '.join(map(str, index))}]" if index else ""))
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
    outcome = compare(labels, own, reference.slopes, floors, rtol)
    meant = not np.any(reference.slopes) or not _is_linear(use, weights, stated)
    return replace(outcome, reason=MEANT) if meant else outcome


def _is_linear(use: Use, weights: Mapping[int, Array], stated: Mapping[str, Array]) -> bool:
    """Whether multiples of the cotangents give the same multiples, as with every derivative."""
    for factor in (2.0, 1e-3):
        multiple = _stated(use, {k: factor * weight for k, weight in weights.items()})
        if not all(np.allclose(multiple[name], factor * stated[name], 1e-6, 0.0) for name in stated):
            return False
    return True


def _weights(use: Use) -> dict[int, Array]:
    """A cotangent for each result."""
    generator = np.random.default_rng(0)
    return {
        int(name[1:]): generator.uniform(0.5, 1.5, resolve(node.shape, use.adjoint.sizes))
        for name, node in use.body.outputs
    }


def _stated(use: Use, weights: Mapping[int, Array]) -> dict[str, Array]:
    """What the adjoint gives for each input; zeros where it gives nothing."""
    found = {name: np.zeros(value.shape) for name, value in use.values.items()}
    given = [use.values[name] for name in use.arguments]
    for k, cotangent in zip(use.wrt, pulled(use.adjoint, given, weights)):
        found[use.arguments[k]] = found[use.arguments[k]] + cotangent
    return found
