"""Interval analysis: a closed interval for each value, whatever the arguments are.

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import REAL
>>> x = ops.argument("x", REAL)
>>> found = intervals(Graph((x,), (("y", 1.0 + x * x),)))
>>> list(found.values())[-1]
(1.0, inf)

NaN is in no interval: a value is in its interval or NaN. Dims count as at least 1, for with a dim of 0
there are no elements to speak of. A strict constraint `> 0` is the interval from the smallest double.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf, isnan

import numpy as np

from .ir import Array, Graph, Interval, Literal, Node, Scalar
from .ops.bounds import REALS, square_bounds
from .types import Dim

POSITIVE: Interval = (float(np.nextafter(0.0, 1.0)), inf)
KINDS: dict[str, Interval] = {"real": REALS, "int": REALS, "bool": (0.0, 1.0), "tuple": REALS}


def intervals(graph: Graph, arguments: Mapping[str, Interval] | None = None) -> dict[Node, Interval]:
    """The interval of every node; `arguments` gives those of arguments that have constraints."""
    return intervals_of(graph.nodes(), arguments)


def intervals_of(
    nodes: Iterable[Node], arguments: Mapping[str, Interval] | None = None
) -> dict[Node, Interval]:
    """The same for nodes in topological order."""
    found: dict[Node, Interval] = {}
    for node in nodes:
        found[node] = _interval(node, found, arguments or {})
    return found


def interval_of(node: Node, found: dict[Node, Interval], arguments: Mapping[str, Interval]) -> Interval:
    """The interval of a node that was made later; enters it and what is below it into `found`."""
    stack = [node]
    while stack:
        missing = [a for a in stack[-1].args if a not in found]
        if missing:
            stack.extend(missing)
        else:
            top = stack.pop()
            found[top] = _interval(top, found, arguments)
    return found[node]


def _interval(node: Node, found: Mapping[Node, Interval], arguments: Mapping[str, Interval]) -> Interval:
    otherwise = KINDS[node.type.kind]
    if node.op.name == "argument":
        return arguments.get(node["name"], otherwise)
    if node.op.name == "const":
        return _constant(node["value"])
    if node.op.name == "dim":
        return _dim(node["dim"])
    if node.op.name == "mul" and node.args[0] is node.args[1]:
        return square_bounds(found[node.args[0]])
    if node.op.name == "diagonal" and _is_factor(node.args[0]) and node["k"] == 0:
        return POSITIVE
    if node.op.bounds is None:
        return otherwise
    return node.op.bounds(*[found[a] for a in node.args])


def _is_factor(node: Node) -> bool:
    """Whether a matrix is a Cholesky factor, whose diagonal is positive, or its transpose."""
    while node.op.name == "transpose":
        node = node.args[0]
    return node.op.name == "cholesky"


def _constant(value: Scalar | Literal) -> Interval:
    if isinstance(value, Literal):
        return _extremes(value.array)
    number = float(value)
    return REALS if isnan(number) else (number, number)


def _extremes(array: Array) -> Interval:
    known = array[~np.isnan(array)] if array.dtype.kind == "f" else array
    return (float(known.min()), float(known.max())) if known.size else REALS


def _dim(dim: Dim) -> Interval:
    """A dim of positive terms is least where every dim in it is 1."""
    least = sum(coefficient for _, coefficient in dim.terms)
    plain = all(isinstance(atom, str) for monomial, _ in dim.terms for atom in monomial)
    if dim.known is not None:
        return float(dim.known), float(dim.known)
    positive = plain and all(c > 0 for m, c in dim.terms if m)
    return (float(least), inf) if positive else REALS
