"""Inverses, systems of linear equations, Cholesky's factorisation; all on stacks of matrices too.

ops.solve(A, b)                                                         # np.linalg.solve(A, b)
ops.solve_triangular(L, b, lower=True, transposed=False, unit=False)    # reads the lower triangle alone

A right-hand side of rank 1 is a vector, any other a stack of matrices, as in NumPy 2. The adjoints are those
of M. Giles, *An extended collection of matrix derivative results* (2008), and, for Cholesky, of I. Murray,
*Differentiation of the Cholesky decomposition* (2016). They are made of the same ops: what was solved with A
forward is solved with its transpose backward, and Cholesky's factor serves both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Node, Op, declare
from ..types import Dim, Type, TypeProblem, broadcast, size_of
from . import symbolic
from .base import COERCIONS
from .shape import DimText, swap_last

Attrs = dict[str, bool]


def square_matrix(x: Type, name: str) -> Type:
    """The type of a square matrix or of a stack of them; TypeProblem for any other."""
    if x.rank < 2:
        raise TypeProblem("E0203", f"{name} takes a square matrix, not {x}")
    if x.shape[-1] != x.shape[-2]:
        rows, columns = x.shape[-2:]
        raise TypeProblem("E0203", f"{name} takes a square matrix, not {x}: {rows} is not {columns}")
    return x


# --- inverse -------------------------------------------------------------------------------------


def _inv_eval(a: Array) -> Any:
    if a.dtype != object:
        return np.linalg.inv(a)
    det, adjugate = symbolic.faddeev(a)
    return adjugate / det[..., None, None]


def _inv_vjp(g: Node, out: Node, a: Node) -> tuple[Node]:
    z = swap_last(out)
    return (-(z @ g @ z),)


# Golub and Van Loan: Matrix Computations, 4th edition, 2013, sections 3.1, 3.2, 4.2.


def factorisation(thirds: int) -> Callable[[Node], Dim]:
    """So many thirds of n³ operations for each matrix of n rows."""
    return lambda node: thirds * size_of(node.args[0].shape) * node.args[0].shape[-1] // 3


def _solve_flops(node: Node) -> Dim:
    return factorisation(2)(node) + 2 * size_of(node.args[1].shape) * node.args[0].shape[-1]


inv = declare(
    Op(
        "inv",
        ("a",),
        "The inverse of a matrix.",
        lambda a: square_matrix(a, "inv"),
        _inv_eval,
        _inv_vjp,
        py="np.linalg.inv(a)",
        coerce=COERCIONS["real"],
        work="factorisation",
        flops=factorisation(6),
    )
)


# --- equations -----------------------------------------------------------------------------------


def _equations_infer(a: Type, b: Type, name: str) -> Type:
    square_matrix(a, name)
    if not b.rank:
        raise TypeProblem("E0203", f"{name} of {a} and {b}: the right-hand side is a vector or a matrix")
    rows = b.shape[-2] if b.rank > 1 else b.shape[0]
    if a.shape[-1] != rows:
        raise TypeProblem("E0203", f"{name} of {a} and {b}: {a.shape[-1]} is not {rows}")
    try:
        batch = broadcast(a.shape[:-2], b.shape[:-2])
    except TypeProblem as problem:
        raise TypeProblem("E0203", f"{name} of {a} and {b}: {str(problem).rpartition(': ')[2]}") from None
    return a.with_shape((*batch, *b.shape[-2:]))


def _columns(b: Node) -> Node:
    """A stack of vectors as a stack of matrices of one column."""
    return ops.reshape(b, shape=(*b.shape, Dim.of(1)))


def _on_matrices(function: Callable[[Array, Array], Array], a: Array, b: Array) -> Array:
    return function(a, b[:, None])[..., 0] if b.ndim == 1 else function(a, b)


def _solve_eval(a: Array, b: Array) -> Array:
    if a.dtype == object or b.dtype == object:
        return _on_matrices(lambda m, c: _inv_eval(m.astype(object)) @ c, a, b)
    return _on_matrices(lambda m, c: np.linalg.solve(m, c.reshape((1,) * (m.ndim - c.ndim) + c.shape)), a, b)


def _solve_py(node: Node, d: DimText) -> str:
    """NumPy 1 takes for a vector what has one dim less than the matrix, NumPy 2 what has one dim."""
    a, b = (arg.rank for arg in node.args)
    if b == 1 and a > 2:
        return f"np.linalg.solve(a, b[{'None, ' * (a == 3)}:, None])[..., 0]"
    return "np.linalg.solve(a, b[None])" if 1 < b == a - 1 else "np.linalg.solve(a, b)"


def _outer(x: Node, y: Node, vectors: bool) -> Node:
    """x yᵀ; of stacks of vectors the outer product of each pair."""
    if not vectors:
        return x @ swap_last(y)
    if x.rank == y.rank == 1:
        return ops.outer(x, y)
    return _columns(x) @ swap_last(_columns(y))


def _solve_back(solution: Callable[[Node], Node], g: Node, b: Node) -> Node:
    """The cotangent of the right-hand side, in the shape of the result."""
    if b.rank > 1 or g.rank == 1:
        return solution(g)
    return ops.reshape(solution(_columns(g)), shape=g.shape)


def _solve_vjp(g: Node, out: Node, a: Node, b: Node) -> tuple[Node, Node]:
    db = _solve_back(lambda c: ops.solve(swap_last(a), c), g, b)
    return -_outer(db, out, b.rank == 1), db


solve = declare(
    Op(
        "solve",
        ("a", "b"),
        "The x with a x = b.",
        lambda a, b: _equations_infer(a, b, "solve"),
        _solve_eval,
        _solve_vjp,
        py=_solve_py,
        coerce=COERCIONS["real"],
        work="factorisation",
        flops=_solve_flops,
    )
)


# --- triangular equations --------------------------------------------------------------------------


def _triangular_eval(t: Array, b: Array, *, lower: bool, transposed: bool, unit: bool) -> Array:
    if unit:
        n = t.shape[-1]
        t = np.where(np.eye(n, dtype=bool), np.ones(n, t.dtype), t)
    if transposed:
        t, lower = symbolic.swapped(t), not lower
    return _on_matrices(lambda m, c: symbolic.substituted(m, c, lower), t, b)


def _triangular_vjp(g: Node, out: Node, t: Node, b: Node) -> tuple[Node, Node]:
    lower, transposed, unit = out["lower"], out["transposed"], out["unit"]

    def solution(c: Node) -> Node:
        return ops.solve_triangular(t, c, lower=lower, transposed=not transposed, unit=unit)

    db = _solve_back(solution, g, b)
    left, right = (out, db) if transposed else (db, out)
    product = _outer(left, right, b.rank == 1)
    strict = int(unit)
    dt = ops.tril(product, k=-strict) if lower else ops.triu(product, k=strict)
    return -dt, db


def _triangular_py(node: Node, d: DimText) -> str:
    options = f"lower={node['lower']}"
    for name in ("transposed", "unit"):
        options += f", {name}=True" if node[name] else ""
    return f"_solve_triangular(t, b, {options})"


def _triangular_infer(t: Type, b: Type, **options: bool) -> Type:
    return _equations_infer(t, b, "solve_triangular")


solve_triangular = declare(
    Op(
        "solve_triangular",
        ("t", "b"),
        "The x with t x = b, or tᵀ x = b, for a triangle of t; the other one is not read.",
        _triangular_infer,
        _triangular_eval,
        _triangular_vjp,
        py=_triangular_py,
        coerce=COERCIONS["real"],
        work="factorisation",
        flops=lambda node: size_of(node.args[1].shape) * node.args[0].shape[-1],
    )
)


# --- Cholesky ------------------------------------------------------------------------------------


def _cholesky_eval(a: Array) -> Any:
    return symbolic.cholesky(a) if a.dtype == object else np.linalg.cholesky(a)


def _cholesky_vjp(g: Node, out: Node, a: Node) -> tuple[Node]:
    """(S + Sᵀ)/2 with S = L⁻ᵀ Φ(Lᵀ G) L⁻¹; Φ takes the lower triangle and half of the diagonal."""

    def back(c: Node) -> Node:
        return ops.solve_triangular(out, c, lower=True, transposed=True, unit=False)

    product = swap_last(out) @ ops.tril(g, k=0)
    phi = 0.5 * (ops.tril(product, k=0) + ops.tril(product, k=-1))
    s = back(swap_last(back(phi)))
    return (0.5 * (s + swap_last(s)),)


cholesky = declare(
    Op(
        "cholesky",
        ("a",),
        "The lower triangular L with L Lᵀ = a; the lower triangle of a is read alone.",
        lambda a: square_matrix(a, "cholesky"),
        _cholesky_eval,
        _cholesky_vjp,
        py="np.linalg.cholesky(a)",
        coerce=COERCIONS["real"],
        work="factorisation",
        flops=factorisation(1),
    )
)
