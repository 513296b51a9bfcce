"""Products of vectors and matrices.

    ops.matmul(x, W)                          # x @ W; adjoints g @ W.T and x.T @ g
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Node, Op, declare
from ..types import Dim, Shape, Type, TypeProblem, broadcast
from .base import COERCIONS
from .shape import swap_last

# --- matmul --------------------------------------------------------------------------------------


def _matmul_infer(a: Type, b: Type) -> Type:
    if not a.rank or not b.rank:
        raise TypeProblem("E0203", f"{a} @ {b}: a scalar is no matrix; write *")
    inner = b.shape[-2] if b.rank > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise TypeProblem("E0203", f"{a} @ {b}: {a.shape[-1]} is not {inner}")
    try:
        batch = broadcast(a.shape[:-2], b.shape[:-2])
    except TypeProblem as problem:
        raise TypeProblem("E0203", f"{a} @ {b}: {str(problem).rpartition(': ')[2]}") from None
    rows = a.shape[-2:-1]
    columns = b.shape[-1:] if b.rank > 1 else ()
    return a.with_shape((*batch, *rows, *columns))


def _as_matrix(a: Node, column: bool) -> Node:
    """A vector as a matrix of one row or column, as `@` promotes it."""
    if a.rank > 1:
        return a
    one = Dim.of(1)
    return ops.reshape(a, shape=(a.shape[0], one) if column else (one, a.shape[0]))


def _promoted_vjp(g: Node, a: Node, b: Node) -> tuple[Node, Node]:
    """The adjoint of a stack of products, with vectors promoted, differentiated and squeezed."""
    wide_a, wide_b = _as_matrix(a, False), _as_matrix(b, True)
    batch = broadcast(wide_a.shape[:-2], wide_b.shape[:-2])
    wide_g = ops.reshape(g, shape=(*batch, wide_a.shape[-2], wide_b.shape[-1])) if min(a.rank, b.rank) < 2 else g
    da, db = wide_g @ swap_last(wide_b), swap_last(wide_a) @ wide_g
    if a.rank == 1:
        da = ops.reshape(da, shape=(*da.shape[:-2], a.shape[0]))
    if b.rank == 1:
        db = ops.reshape(db, shape=db.shape[:-1])
    return da, db


def _matmul_vjp(g: Node, out: Node, a: Node, b: Node) -> tuple[Node, Node]:
    ranks = (a.rank, b.rank)
    if ranks == (1, 1):
        return g * b, g * a
    if ranks == (2, 1):
        return ops.outer(g, b), swap_last(a) @ g
    if ranks == (1, 2):
        return b @ g, ops.outer(a, g)
    return _promoted_vjp(g, a, b)


def _matmul_eval(a: Array, b: Array) -> Any:
    return np.matmul(a, b)


matmul = declare(
    Op(
        "matmul",
        ("a", "b"),
        "The matrix product, with NumPy's batching and promotion of vectors.",
        _matmul_infer,
        _matmul_eval,
        _matmul_vjp,
        py="a @ b",
        coerce=COERCIONS["number"],
    )
)


# --- outer ---------------------------------------------------------------------------------------


def _outer_infer(a: Type, b: Type) -> Type:
    if a.rank != 1 or b.rank != 1:
        raise TypeProblem("E0203", f"outer takes two vectors, not {a} and {b}")
    return a.with_shape((a.shape[0], b.shape[0]))


outer = declare(
    Op(
        "outer",
        ("a", "b"),
        "The products of all pairs of elements of two vectors.",
        _outer_infer,
        np.multiply.outer,
        lambda g, out, a, b: (g @ b, swap_last(g) @ a),
        py="np.outer(a, b)",
        coerce=COERCIONS["number"],
    )
)
