"""The pattern of a Jacobian or a Hessian as a graph of index arrays, made of the model's graph.

    y[i] = x[i + 1] - x[i]        y's indices into x: [[1, 0], [2, 1], …], of shape (N - 1, 2)

An element of Y depends on the elements of W that its row of indices lists (-1 is none; one may be there
twice). What isn't in the list is 0 whatever the values are. The graph needs the ints by which the model picks
elements, and nothing else; where sizes are known it can be evaluated, else it is emitted.

    jacobian_pattern(graph, "y", ["x"])["x"]       a graph with the output `indices`; or FULL, or NONE

Of a Hessian the entries are pairs of indices that meet in a nonlinear operation: x * y couples what x depends
on with what y depends on, exp(x) what x depends on with itself, max(x, y) nothing (Walther, "Computing sparse
Hessians with automatic differentiation", ACM TOMS 34 (2008); Gower & Mello, Optim. Methods Softw. 27 (2012)).

An op says by its adjoint what is differentiated through it (no cotangent, no dependency) and what is not
linear in it (an adjoint that depends on an argument); where the elements go is said in `sparsity_moves.py`,
`sparsity_order.py` and `sparsity_rules.py`. Loops and branches are in `sparsity_control.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from enum import Enum
from typing import Union

from .. import ops
from ..ir import Graph, Node, const, topological
from ..types import Dim, size_of
from .index_sets import IndexSets, width_of
from .nonlinear import Pairs
from .sparsity_walk import Walk

MOVES = (
    ops.reshape, ops.transpose, ops.broadcast_to, ops.getitem, ops.gather, ops.flip, ops.roll, ops.repeat,
    ops.tile, ops.concatenate, ops.stack,
)  # fmt: skip


class Extent(Enum):
    """A pattern that needs no list."""

    NONE = "none"
    FULL = "full"


Pattern = Union[Graph, Extent]


def jacobian_pattern(graph: Graph, output: str, wrt: Sequence[str]) -> dict[str, Pattern]:
    """For each wrt the elements of it that each element of an output depends on, (*shape, k)."""
    arguments = {node["name"]: node for node in graph.inputs}
    return {name: _jacobian(graph, graph.output(output), arguments[name]) for name in wrt}


def _jacobian(graph: Graph, value: Node, wrt: Node) -> Pattern:
    sets = IndexSets(size_of(wrt.shape))
    walk = Walk(sets, {node: _given(node) for node in graph.inputs})
    walk.parts[wrt] = (sets.leaf(wrt.shape, Dim.of(0)),)
    walk.run([value])
    parts = sets.coalesced(walk.parts.get(value, ()))
    if not parts:
        return Extent.NONE
    if any(not part.axes and part.node is sets.everything for part in parts):
        return Extent.FULL
    indices = sets.joined(parts, value.shape, range(value.rank), width_of(parts))
    return _pattern(graph, [("indices", indices)], sets.leaves)


def _pattern(graph: Graph, outputs: Sequence[tuple[str, Node]], leaves: Collection[Node]) -> Graph:
    """A graph of indices from 0 on, with the inputs that it needs."""
    needed = set(topological(node for _, node in outputs))
    found = Graph(tuple(node for node in graph.inputs if node in needed), tuple(outputs))
    if _has_none(found, leaves):
        one = const(1)
        return replace(found, outputs=tuple((name, node - one) for name, node in outputs))
    return found.with_images({leaf: _from_zero(leaf) for leaf in leaves})


def _from_zero(leaf: Node) -> Node:
    return ops.arange(start=leaf["start"] - 1, step=1, count=leaf["count"])


def _has_none(graph: Graph, leaves: Collection[Node]) -> bool:
    """Whether something else than moves of positions is there, which may make none of them."""
    positions = set(leaves)
    for node in graph.nodes():
        if positions.intersection(node.args):
            moved = node.args if node.op in (ops.concatenate, ops.stack) else node.args[:1]
            others = node.args[len(moved) :]  # ints that pick; one may be the same range as some positions
            if node.op not in MOVES or not positions.issuperset(moved) or positions.intersection(others):
                return True
            positions.add(node)
    return not all(node in positions for _, node in graph.outputs)


def hessian_pattern(graph: Graph, target: str, wrt: Sequence[str]) -> Pattern:
    """Which elements of all wrt, one after the other, meet: outputs `rows` and `cols`; -1 is none."""
    arguments = {node["name"]: node for node in graph.inputs}
    chosen = [arguments[name] for name in wrt]
    sets = IndexSets(sum((size_of(node.shape) for node in chosen), Dim.of(0)))
    walk = Walk(sets, {node: _given(node) for node in graph.inputs}, Pairs(sets))
    offset = Dim.of(0)
    for node in chosen:
        walk.parts[node] = (sets.leaf(node.shape, offset),)
        offset = offset + size_of(node.shape)
    walk.run([graph.output(target)])
    assert walk.pairs is not None
    if not walk.pairs.found:
        return Extent.NONE
    if walk.pairs.is_full:
        return Extent.FULL
    rows, cols = walk.pairs.entries()
    return _pattern(graph, [("rows", rows), ("cols", cols)], sets.leaves)


def _given(node: Node) -> Node | None:
    """Ints are given to the pattern's function, all else is not."""
    return node if node.type.kind == "int" else None
