"""Arguments that are taken for symmetric matrices: those whose elements reach a Cholesky factorisation.

    input A: real[N, N]
    L = cholesky(A + eye(N))        # reads the lower triangle; A's gradient is symmetric

Such a matrix is drawn symmetric and positive definite, and a difference moves its elements in pairs: one
by one those above the diagonal would have no effect and those below it twice their share.

>>> definite(np.array([[1.0, 2.0], [0.0, 1.0]])).tolist()
[[3.0, 1.0], [1.0, 1.0]]
"""

from __future__ import annotations

import numpy as np

from .ir import Array, Graph, Node
from .ops.derivatives import laid_open


def symmetric_arguments(graph: Graph) -> frozenset[str]:
    """The names of the arguments whose elements stand at their own places in a matrix that is factorised."""
    found: set[Node] = set()
    stack = [arg for node in laid_open(graph).nodes() if node.op.name == "cholesky" for arg in node.args]
    while stack:
        node = stack.pop()
        if node not in found and node.rank > 1 and node.shape[-1] == node.shape[-2]:
            found.add(node)
            stack.extend(node.args if _keeps_places(node) else ())
    return frozenset(node["name"] for node in found if node.op.name == "argument")


def _keeps_places(node: Node) -> bool:
    """Whether a symmetric matrix comes of symmetric ones alone."""
    swapped = (*range(node.rank - 2), node.rank - 1, node.rank - 2)
    return node.op.elementwise or node.op.name == "inv" or dict(node.attrs).get("axes") == swapped


def definite(values: Array) -> Array:
    """A positive definite matrix of the size of the values."""
    n = max(values.shape[-1], 1)
    found: Array = values @ values.swapaxes(-1, -2) / n + 0.5 * np.eye(values.shape[-1])
    return found


def mirrored(vector: Array) -> Array:
    """A symmetric direction: the lower triangle of one, and its mirror image above the diagonal."""
    found: Array = np.tril(vector) + np.tril(vector, -1).swapaxes(-1, -2)
    return found
