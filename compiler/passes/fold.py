"""Constant folding: what depends on constants alone is computed now.

    %0 = const(2.0)
    %1 = sqrt(%0)         →      %1 = const(1.4142135623730951)

Only scalars and small arrays are folded: a large array would be a large text. What raises stays, to raise
at run time; NaN and inf are values like others. A dim whose size is known becomes that number, and a number
that a loop or a branch is given stands in its body.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Literal, Node, const
from ..types import TUPLE, Dim, size_of

LARGEST = 64
MOST_WORK = 10**8  # of an einsum on constants
DTYPES: dict[str, type] = {"real": np.float64, "int": np.int64, "bool": np.bool_}


class Unknown(Exception):
    """An attribute whose value only run time knows."""


# Whose text says more than the elements would, and whose routines round otherwise than their reference.
KEPT = frozenset({"broadcast_to", "solve_triangular", "cofactors", "cofactors_adjoint"})


def known_value(value: Any) -> Any:
    """An attribute with its dims as numbers; Unknown where one has no number yet."""
    if isinstance(value, Dim):
        if value.known is None:
            raise Unknown
        return value.known
    return tuple(map(known_value, value)) if isinstance(value, tuple) else value


def constant_array(node: Node) -> Any:
    """The value of a constant node as NumPy sees it."""
    value = node["value"]
    return value.array if isinstance(value, Literal) else np.asarray(value, DTYPES[node.type.kind])


def folded(node: Node) -> Node | None:
    """The constant that a node on constants comes to; None where it is to be computed at run time."""
    if node.op.name == "dim":
        size = node["dim"].known
        return None if size is None else const(int(size))
    for arg in node.args:
        if arg.op.name != "const":
            return None
    if not node.args or node.op.name in KEPT:
        return None
    if node.type.kind == TUPLE:
        return None  # a loop, which takes what time it takes
    return _computed(node) if is_affordable(node, LARGEST) else None


def is_affordable(node: Node, largest: int) -> bool:
    """Whether a node is small, and so little work that it can be computed while compiling."""
    sizes = [size_of(arg.shape).known for arg in (node, *node.args)]
    if any(size is None for size in sizes):
        return False
    result, *operands = (size or 0 for size in sizes)
    return result <= largest and (node.op.elementwise or prod(operands) <= MOST_WORK)


def _computed(node: Node) -> Node | None:
    try:
        with np.errstate(all="ignore"):
            attrs = {name: known_value(value) for name, value in node.attrs}
            value = np.asarray(node.op.eval(*map(constant_array, node.args), **attrs))
    except (Unknown, ArithmeticError, LookupError, TypeError, ValueError):  # it is to raise at run time
        return None
    result = const(value.astype(DTYPES[node.type.kind]))
    return result if result.type == node.type else None


@record(frozen=True)
class Fold:
    name: str = "fold"

    def run(self, graph: Graph) -> Graph:
        return graph.rewrite(_step, deep=self.name, done=_on_variables(graph))


def _on_variables(graph: Graph) -> set[Node]:
    """The nodes of which nothing can be folded as long as their arguments stay."""
    nodes = graph.nodes()
    constants = {node for node in nodes if node.op.name == "const"}
    folds = constants.issuperset
    return {node for node in nodes if not folds(node.args) or (not node.args and node.op is not ops.dim)}


def _step(node: Node, args: tuple[Node, ...]) -> Node:
    new = node.with_args(args)
    if new.op is ops.loop or new.op is ops.branch:
        return _with_constants(new)
    return folded(new) or new


def _with_constants(node: Node) -> Node:
    """A loop or a branch whose bodies have the numbers themselves that they are given."""
    first = 1 + (node["carried"] if node.op is ops.loop else 0)
    given = [place for place, arg in enumerate(node.args) if place >= first and is_number(arg)]
    if not given:
        return node
    offset = node.op is ops.branch  # its condition is no input

    def step(body: Graph) -> Graph:
        images = {body.inputs[p - offset]: node.args[p] for p in given}
        read = {a for n in body.nodes() for a in n.args} | {output for _, output in body.outputs}
        return body.with_images(images) if read & images.keys() else body

    return node.map_subgraphs(step)


def is_number(node: Node) -> bool:
    return node.op.name == "const" and not node.rank
