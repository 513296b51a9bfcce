"""Patterns of Jacobians and Hessians as matrices of bools, and the matrices that they must cover.

    covers(graph, "y", values, sizes)     the pattern has every element that the adjoint gives; how many of how many

The Jacobian comes of reverse mode, a row at a time, the Hessian of differences of the gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Array, Graph, Node
from autodiffc.compiler.passes.autodiff import differentiate
from autodiffc.compiler.passes.sparsity import Extent, Pattern, hessian_pattern, jacobian_pattern
from autodiffc.compiler.verify import verify

Values = Mapping[str, Array]
Sizes = Mapping[str, int]
STEP = 1e-5


def reals(graph: Graph) -> list[str]:
    return [node["name"] for node in graph.inputs if node.type.kind == "real"]


def matrix(pattern: Pattern, values: Values, sizes: Sizes, height: int, width: int) -> Array:
    """A pattern as a matrix of bools."""
    found = np.full((height, width), pattern is Extent.FULL)
    if isinstance(pattern, Graph):
        verify(pattern, "pattern")
        assert all(node.type.kind == "int" for node in pattern.inputs)
        lists = evaluate(pattern, values, sizes)
        if "indices" in lists:
            cols = lists["indices"].reshape(height, lists["indices"].shape[-1])
            rows, cols = np.repeat(np.arange(height), cols.shape[1]), cols.ravel()
        else:
            rows, cols = lists["rows"], lists["cols"]
        there = (rows >= 0) & (cols >= 0)
        found[rows[there], cols[there]] = True
    return found


def jacobians(graph: Graph, output: str, values: Values, sizes: Sizes) -> dict[str, Array]:
    """The Jacobian of an output by each real input."""
    names, value = reals(graph), graph.output(output)
    seed = ops.argument("seed", value.type)
    joint = differentiate(graph, output, names, seed)
    shape = tuple(dim.evaluate(sizes) for dim in value.shape)
    count = int(np.prod(shape, dtype=int))
    found = {name: np.zeros((count, np.size(values[name]))) for name in names}
    for row, direction in enumerate(np.eye(count)):
        slopes = evaluate(joint, {**values, "seed": direction.reshape(shape)}, sizes)
        for name in names:
            found[name][row] = np.ravel(slopes[f"d_{name}"])
    return found


def jacobian_patterns(graph: Graph, output: str, values: Values, sizes: Sizes) -> dict[str, Array]:
    names, shape = reals(graph), [dim.evaluate(sizes) for dim in graph.output(output).shape]
    count = int(np.prod(shape, dtype=int))
    patterns = jacobian_pattern(graph, output, names)
    return {name: matrix(patterns[name], values, sizes, count, np.size(values[name])) for name in names}


def weighted(graph: Graph, output: str) -> Graph:
    """A scalar: the sum of the products of an output's elements with weights `u`."""
    value = graph.output(output)
    u: Node = ops.argument("u", value.type)
    total = u * value
    if value.rank:
        total = ops.sum(total, axis=tuple(range(value.rank)), keepdims=False)
    return replace(graph, inputs=(*graph.inputs, u), outputs=(("L", total),))


def hessian(graph: Graph, target: str, wrt: Sequence[str], values: Values, sizes: Sizes) -> Array:
    """Differences of the gradient; symmetric, so that a kink in the one direction alone doesn't count."""
    joint = differentiate(graph, target, wrt)

    def gradient(at: Values) -> Array:
        found = evaluate(joint, at, sizes)
        return np.concatenate([np.ravel(found[f"d_{name}"]) for name in wrt])

    columns = []
    for name in wrt:
        for i in range(np.size(values[name])):
            ends = []
            for step in (STEP, -STEP):
                moved = np.array(values[name], float)
                moved.reshape(-1)[i] += step
                ends.append(gradient({**values, name: moved}))
            columns.append((ends[0] - ends[1]) / (2 * STEP))
    found = np.array(columns).reshape(len(columns), len(columns))
    return np.where(np.abs(found) < np.abs(found.T), found, found.T)


def hessian_matrix(graph: Graph, target: str, wrt: Sequence[str], values: Values, sizes: Sizes) -> Array:
    """The pattern of a Hessian as a matrix of bools."""
    count = sum(np.size(values[name]) for name in wrt)
    return matrix(hessian_pattern(graph, target, wrt), values, sizes, count, count)
