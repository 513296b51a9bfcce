"""The built-in functions of linear algebra.

    mu = solve(A, b);  L = cholesky(K);  z = solve_triangular(L, y, lower=true)

Names and meaning are NumPy's and SciPy's; `logdet` is PyTorch's.
"""

from __future__ import annotations

from .. import ops
from ..ir import Node
from ..ops.shape import swap_last
from ..types import Dim, Kind, TypeProblem
from .einsum import normalised, without_ones
from .expressions import same_kind
from .signature import Flag, Option, Raw, Real, Tensor, Whole, builtin
from .values import ArgumentProblem, Static, Text, Value, as_kind

_PLAIN = Static(Dim.of(0))
_TRANSPOSED = {0: False, "N": False, 1: True, "T": True}


def _number(x: Node) -> Node:
    return as_kind(x, "int") if x.type.kind == "bool" else x


# --- products ------------------------------------------------------------------------------------


@builtin()
def matmul(a: Tensor, b: Tensor) -> Value:
    return ops.matmul(*same_kind(a, b))


@builtin()
def dot(a: Tensor, b: Tensor) -> Value:
    a, b = same_kind(a, b)
    if not a.rank or not b.rank:
        return a * b
    if b.rank <= 2:
        return ops.matmul(a, b)
    raise TypeProblem("E0203", f"dot of {a.type} and {b.type}: use @ or einsum for more than 2 dims")


@builtin()
def outer(a: Tensor, b: Tensor) -> Value:
    a, b = same_kind(a, b)
    if a.rank != 1 or b.rank != 1:
        raise TypeProblem("E0203", f"outer takes two vectors, not {a.type} and {b.type}")
    return ops.outer(a, b)


@builtin()
def einsum(spec: Option, *operands: Tensor) -> Value:
    kind: Kind = "real" if any(o.type.kind == "real" for o in operands) else "int"
    nodes = tuple(as_kind(o, kind) for o in operands)
    try:
        written = normalised(spec, tuple(n.rank for n in nodes))
        written, shapes = without_ones(written, [n.shape for n in nodes])
        nodes = tuple(n if n.shape == s else ops.reshape(n, shape=s) for n, s in zip(nodes, shapes))
        return ops.einsum(*nodes, spec=written)
    except TypeProblem as problem:
        raise ArgumentProblem(problem.code, str(problem), "spec") from None


@builtin()
def trace(x: Tensor) -> Value:
    return ops.trace(_number(x))


@builtin()
def diag(x: Tensor, k: Whole = 0) -> Value:
    """As NumPy: the matrix of a vector, the diagonal of a matrix."""
    if x.rank not in (1, 2):
        raise TypeProblem("E0203", f"diag takes a vector or a matrix, not {x.type}")
    return ops.diag(x, k=k) if x.rank == 1 else ops.diagonal(x, k=k)


@builtin()
def diagonal(x: Tensor, k: Whole = 0) -> Value:
    return ops.diagonal(x, k=k)


@builtin()
def tril(x: Tensor, k: Whole = 0) -> Value:
    return ops.tril(x, k=k)


@builtin()
def triu(x: Tensor, k: Whole = 0) -> Value:
    return ops.triu(x, k=k)


# --- determinants, equations, factors --------------------------------------------------------------


@builtin()
def det(A: Real) -> Value:
    return ops.det(A)


@builtin()
def slogdet(A: Real) -> Value:
    """Two values: the sign and log|det|."""
    return ops.det_sign(A), ops.log_abs_det(A)


@builtin()
def logdet(A: Real) -> Value:
    return ops.log_det(A)


@builtin()
def inv(A: Real) -> Value:
    return ops.inv(A)


@builtin()
def solve(A: Real, b: Real) -> Value:
    return ops.solve(A, b)


@builtin()
def solve_triangular(
    A: Real, b: Real, trans: Raw = _PLAIN, lower: Flag = False, unit_diagonal: Flag = False
) -> Value:
    return ops.solve_triangular(A, b, lower=lower, transposed=_transposed(trans), unit=unit_diagonal)


def _transposed(trans: Value) -> bool:
    """SciPy's option: 0 or "N" for A itself, 1 or "T" for its transpose."""
    given = trans.value if isinstance(trans, Text) else trans.dim.known if isinstance(trans, Static) else None
    if given not in _TRANSPOSED:
        raise ArgumentProblem("E0205", 'trans is 0 or "N", 1 or "T"', "trans")
    return _TRANSPOSED[given]


@builtin()
def cholesky(A: Real, upper: Flag = False) -> Value:
    """The factor L of L Lᵀ = A, from the lower triangle of A; its transpose, if upper."""
    factor = ops.cholesky(A)
    return swap_last(factor) if upper else factor
