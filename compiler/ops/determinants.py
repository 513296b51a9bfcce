"""Determinants, their signs and logarithms; all of stacks of matrices too.

    ops.log_abs_det(A)        # np.linalg.slogdet(A)[1]; adjoint g * inv(A).T

The derivative of det is the matrix of cofactors, which exists for singular matrices too. With the singular
value decomposition a = U diag(s) Vᵀ it is det(U) det(V) U diag(Π_{j≠i} s_j) Vᵀ (M. Giles, *An extended
collection of matrix derivative results*, 2008): up to that sign, det(a + E) is a polynomial in the elements
of Uᵀ E V whose coefficients are products of singular values. Its second order is the cofactors' derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ir import Array, Node, NonDiff, Op, declare
from ..types import Dim, Type
from . import symbolic
from .base import COERCIONS
from .shape import DimText, swap_last
from .solving import factorisation, square_matrix


def _batch(name: str) -> Any:
    def infer(a: Type) -> Type:
        return square_matrix(a, name).with_shape(a.shape[:-2])

    return infer


def _per_matrix(x: Node) -> Node:
    """One number for each matrix, to broadcast against its elements."""
    return ops.reshape(x, shape=(*x.shape, Dim.of(1), Dim.of(1))) if x.rank else x


def _inner(x: Node, y: Node) -> Node:
    """⟨x, y⟩ of each pair of matrices."""
    return ops.sum(x * y, axis=(x.rank - 2, x.rank - 1), keepdims=False)


# --- det -----------------------------------------------------------------------------------------


def _det_eval(a: Array) -> Any:
    return symbolic.faddeev(a)[0] if a.dtype == object else np.linalg.det(a)


det = declare(
    Op(
        "det",
        ("a",),
        "The determinant.",
        _batch("det"),
        _det_eval,
        lambda g, out, a: (_per_matrix(g) * ops.cofactors(a),),
        py="np.linalg.det(a)",
        coerce=COERCIONS["real"],
        work="factorisation",
        flops=factorisation(2),
    )
)


def _others(s: Array) -> Any:
    """For each element the product of the others."""
    n = s.shape[-1]
    return np.where(np.eye(n, dtype=bool), 1.0, s[..., None, :]).prod(-1)


def _by_singular_values(a: Array) -> tuple[Array, Array, Array, Array]:
    u, s, vt = np.linalg.svd(a)
    return (np.linalg.det(u) * np.linalg.det(vt))[..., None, None], u, s, vt


def _cofactors_eval(a: Array) -> Array:
    if a.dtype == object:
        return symbolic.swapped(symbolic.faddeev(a)[1])
    sign, u, s, vt = _by_singular_values(a)
    return np.asarray(sign * ((u * _others(s)[..., None, :]) @ vt))


cofactors = declare(
    Op(
        "cofactors",
        ("a",),
        "The matrix of cofactors, det(a) inv(a)ᵀ: the derivative of det.",
        lambda a: square_matrix(a, "cofactors"),
        _cofactors_eval,
        lambda g, out, a: (ops.cofactors_adjoint(g, a),),
        py="_cofactors(a)",
        coerce=COERCIONS["real"],
        work="factorisation",
        flops=factorisation(6),
    )
)


def _adjoint_eval(h: Array, a: Array) -> Any:
    n = a.shape[-1]
    if a.dtype == object or h.dtype == object:
        det, adjugate = symbolic.faddeev(a.astype(object))
        y = symbolic.swapped(adjugate)
        weight = (h * y).sum(axis=(-2, -1), keepdims=True)
        return (weight * y - y @ symbolic.swapped(h) @ y) / det[..., None, None]
    sign, u, s, vt = _by_singular_values(a)
    turned = symbolic.swapped(u) @ h @ symbolic.swapped(vt)
    eye = np.eye(n, dtype=bool)
    pairs = np.where(eye, 0.0, _others(np.where(eye, 1.0, s[..., None, :])))
    mixed = -pairs * symbolic.swapped(turned)
    mixed += eye * (pairs @ np.diagonal(turned, axis1=-2, axis2=-1)[..., None])
    return sign * (u @ mixed @ vt)


def _adjoint_vjp(g: Node, out: Node, h: Node, a: Node) -> tuple[Node, Node]:
    """It is symmetric in g and h. By a, with Y = inv(a)ᵀ: det (⟨g,Y⟩⟨h,Y⟩ - ⟨g, Y hᵀ Y⟩) differentiated."""
    y = swap_last(ops.inv(a))
    z, on_g, on_h = _per_matrix(ops.det(a)), _per_matrix(_inner(g, y)), _per_matrix(_inner(h, y))
    value = on_g * on_h - _per_matrix(_inner(g, y @ swap_last(h) @ y))
    dy = on_g * h + on_h * g - g @ swap_last(y) @ h - h @ swap_last(y) @ g
    return ops.cofactors_adjoint(g, a), z * (value * y - y @ swap_last(dy) @ y)


cofactors_adjoint = declare(
    Op(
        "cofactors_adjoint",
        ("h", "a"),
        "The adjoint of cofactors: det(a) (⟨h,Y⟩ Y - Y hᵀ Y) with Y = inv(a)ᵀ, for singular a too.",
        lambda h, a: square_matrix(a, "cofactors_adjoint"),
        _adjoint_eval,
        _adjoint_vjp,
        py="_cofactors_adjoint(h, a)",
        coerce=COERCIONS["real"],
        work="factorisation",
        flops=factorisation(18),
    )
)


# --- sign and logarithm --------------------------------------------------------------------------


def _slogdet_eval(a: Array) -> Array:
    if a.dtype != object:
        return np.stack(np.linalg.slogdet(a))
    det = symbolic.faddeev(a)[0]
    return np.stack([np.sign(det), np.log(abs(det))])


slogdet = declare(
    Op(
        "slogdet",
        ("a",),
        "Sign and log|det| one after the other; the text gives NumPy's tuple, which is read by its items.",
        lambda a: square_matrix(a, "slogdet").with_shape((Dim.of(2), *a.shape[:-2])),
        _slogdet_eval,
        NonDiff("it is made after differentiation"),
        py="np.linalg.slogdet(a)",
        coerce=COERCIONS["real"],
        work="factorisation",
        flops=factorisation(2),
    )
)


def _part_py(node: Node, d: DimText) -> str:
    return f"x[{node['k']}]"


slogdet_part = declare(
    Op(
        "slogdet_part",
        ("x",),
        "The sign (0) or the logarithm (1) that slogdet gives.",
        lambda x, *, k: x.with_shape(x.shape[1:]),
        lambda x, *, k: x[k],
        NonDiff("it is made after differentiation"),
        py=_part_py,
        work="free",
    )
)


det_sign = declare(
    Op(
        "det_sign",
        ("a",),
        "The sign of the determinant; its derivative is 0.",
        _batch("slogdet"),
        lambda a: _slogdet_eval(a)[0],
        lambda g, out, a: (None,),
        py="np.linalg.slogdet(a)[0]",
        coerce=COERCIONS["real"],
        work="factorisation",
        flops=factorisation(2),
        bounds=lambda a: (-1.0, 1.0),
        expand=lambda a: ops.slogdet_part(ops.slogdet(a), k=0),
    )
)


log_abs_det = declare(
    Op(
        "log_abs_det",
        ("a",),
        "log|det a|, -inf for a singular matrix.",
        _batch("slogdet"),
        lambda a: _slogdet_eval(a)[1],
        lambda g, out, a: (_per_matrix(g) * swap_last(ops.inv(a)),),
        py="np.linalg.slogdet(a)[1]",
        coerce=COERCIONS["real"],
        work="factorisation",
        flops=factorisation(2),
        expand=lambda a: ops.slogdet_part(ops.slogdet(a), k=1),
    )
)


def _log_det_eval(a: Array) -> Any:
    sign, value = _slogdet_eval(a)
    return value + np.log(sign)


def _log_det_vjp(g: Node, out: Node, a: Node) -> tuple[Node]:
    known = ops.where(ops.less(ops.det_sign(a), 0.0), float("nan"), g)
    return (_per_matrix(known) * swap_last(ops.inv(a)),)


log_det = declare(
    Op(
        "log_det",
        ("a",),
        "The logarithm of the determinant: NaN below 0, and its derivative too.",
        _batch("logdet"),
        _log_det_eval,
        _log_det_vjp,
        py="np.linalg.slogdet(a)[1]",
        coerce=COERCIONS["real"],
        work="factorisation",
        flops=factorisation(2),
        expand=lambda a: ops.log_abs_det(a) + ops.log(ops.det_sign(a)),  # 0, or -inf, or NaN
    )
)
