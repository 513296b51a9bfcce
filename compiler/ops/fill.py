"""Arrays that are made rather than computed: ranges, the identity; and triangles and diagonals of matrices.

ops.eye(n=N, m=N, k=0)                    # np.eye(N)
ops.arange(start=Dim.of(0), step=1, count=N)     # np.arange(N), ints
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..ir import OPS, Array, Interval, Node, NonDiff, Op, declare
from ..types import REAL, Dim, Type, TypeProblem
from .base import COERCIONS
from .shape import DimText

GIVEN = NonDiff("it has no argument")


def _hull_zero(x: Interval) -> Interval:
    return min(x[0], 0.0), max(x[1], 0.0)


# --- constants of a shape ------------------------------------------------------------------------


seed = declare(
    Op(
        "seed",
        (),
        "The cotangent of the target, which is 1: a value with a name, where a constant would have none.",
        lambda: REAL,
        lambda: 1.0,
        GIVEN,
        py="1.0",
        bounds=lambda: (1.0, 1.0),
        work="free",
    )
)


def _arange_py(node: Node, d: DimText) -> str:
    start, step, count = Dim.of(node["start"]), node["step"], Dim.of(node["count"])
    if step == 1 and start.known == 0:
        return f"np.arange({d(count)})"
    return f"np.arange({d(start)}, {d(start + count * step)}" + (")" if step == 1 else f", {step})")


arange = declare(
    Op(
        "arange",
        (),
        "The ints start, start + step, … `count` of them.",
        lambda *, start, step, count: Type("int", (Dim.of(count),)),
        lambda *, start, step, count: start + step * np.arange(count),
        GIVEN,
        py=_arange_py,
    )
)


def _eye_py(node: Node, d: DimText) -> str:
    n, m, k = Dim.of(node["n"]), Dim.of(node["m"]), node["k"]
    columns = "" if n == m else f", {d(m)}"
    return f"np.eye({d(n)}{columns}{f', k={k}' if k else ''}, dtype=_REAL)"


eye = declare(
    Op(
        "eye",
        (),
        "Ones on the k-th diagonal, zeros elsewhere.",
        lambda *, n, m, k: Type("real", (Dim.of(n), Dim.of(m))),
        lambda *, n, m, k: np.eye(n, m, k),
        GIVEN,
        py=_eye_py,
        bounds=lambda: (0.0, 1.0),
    )
)


def _linspace_infer(start: Type, stop: Type, *, count: Dim) -> Type:
    if start.rank or stop.rank:
        raise TypeProblem("E0203", f"linspace goes from a scalar to a scalar, not {start} to {stop}")
    return Type("real", (Dim.of(count),))


def _linspace_vjp(g: Node, out: Node, start: Node, stop: Node) -> tuple[Node, Node]:
    count = out["count"]
    return g * ops.linspace(1.0, 0.0, count=count), g * ops.linspace(0.0, 1.0, count=count)


def _linspace_eval(start: Any, stop: Any, *, count: int) -> Array:
    share = np.linspace(0.0, 1.0, count)
    if np.asarray(start).dtype == object or np.asarray(stop).dtype == object:
        return np.asarray(start * (1 - share) + stop * share)
    return np.linspace(start, stop, count)


linspace = declare(
    Op(
        "linspace",
        ("a", "b"),
        "Reals at equal distances from a to b, both included.",
        _linspace_infer,
        _linspace_eval,
        _linspace_vjp,
        py=lambda node, d: f"np.linspace(a, b, {d(Dim.of(node['count']))}, dtype=_REAL)",
        coerce=COERCIONS["real"],
        bounds=lambda a, b: (min(a[0], b[0]), max(a[1], b[1])),
    )
)


# --- triangles -----------------------------------------------------------------------------------


def _triangle_fast(text: str, x: Node) -> str | None:
    """By a routine, but for what sizes alone determine."""
    fixed = x.op is ops.broadcast_to and ops.const_value(x.args[0]) is not None
    return None if fixed else text.replace("np.", "_", 1)


def _triangle(name: str, doc: str, function: Callable[..., Any]) -> Op:
    def infer(x: Type, *, k: int) -> Type:
        if x.rank < 2:
            raise TypeProblem("E0203", f"{name} takes a matrix, not {x}")
        return x

    def vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
        return (OPS[name](g, k=out["k"]),)

    def text(node: Node, d: DimText) -> str:
        return f"np.{name}(x, {node['k']})" if node["k"] else f"np.{name}(x)"

    return declare(
        Op(
            name,
            ("x",),
            doc,
            infer,
            lambda x, *, k: function(x, k),
            vjp,
            py=text,
            fast=lambda node, d: _triangle_fast(text(node, d), node.args[0]),
            bounds=_hull_zero,
            selector=True,
            linear="jointly",
        )
    )


tril = _triangle("tril", "The elements on and below the k-th diagonal, 0 above.", np.tril)
triu = _triangle("triu", "The elements on and above the k-th diagonal, 0 below.", np.triu)


# --- diagonals -----------------------------------------------------------------------------------


def diagonal_length(n: Dim, m: Dim, k: int) -> Dim:
    """How long the k-th diagonal of an n×m matrix is."""
    length = n.minimum(m - k) if k >= 0 else (n + k).minimum(m)
    return length if length.is_natural or not k else length.maximum(0)


def _diagonal_infer(x: Type, *, k: int) -> Type:
    if x.rank != 2:
        raise TypeProblem("E0203", f"diagonal takes a matrix, not {x}")
    n, m = x.shape
    return x.with_shape((diagonal_length(n, m, k),))


def _diagonal_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    n, m = x.shape
    return (ops.put_diagonal(g, n=n, m=m, k=out["k"]),)


diagonal = declare(
    Op(
        "diagonal",
        ("x",),
        "The k-th diagonal of a matrix.",
        _diagonal_infer,
        lambda x, *, k: np.diagonal(x, k),
        _diagonal_vjp,
        py=lambda node, d: f"x.diagonal({node['k'] or ''})",
        bounds=lambda x: x,
        selector=True,
        view=True,
        linear="jointly",
    )
)


def _put_diagonal_infer(g: Type, *, n: Dim, m: Dim, k: int) -> Type:
    length = diagonal_length(n, m, k)
    if g.shape != (length,):
        raise TypeProblem("E0203", f"{g} on a diagonal of {length} elements")
    return g.with_shape((n, m))


def _put_diagonal_eval(g: Array, *, n: int, m: int, k: int) -> Array:
    out = np.zeros((n, m), g.dtype)
    places = np.arange(len(g))
    out[places + max(-k, 0), places + max(k, 0)] = g
    return out


def _put_diagonal_py(node: Node, d: DimText) -> str:
    n, m, k = node["n"], node["m"], node["k"]
    if n == m and not k:
        return "np.diag(g)"
    i = f"np.arange({d(diagonal_length(n, m, k))})"
    place = f"{i} + {-k}, {i}" if k < 0 else f"{i}, {i} + {k}"
    return f"out = np.zeros(({d(n)}, {d(m)}), _REAL)\nout[{place}] = g"


put_diagonal = declare(
    Op(
        "put_diagonal",
        ("g",),
        "Zeros but for the k-th diagonal: the adjoint of diagonal.",
        _put_diagonal_infer,
        _put_diagonal_eval,
        lambda h, out, g: (ops.diagonal(h, k=out["k"]),),
        py=_put_diagonal_py,
        fast=lambda node, d: "_diag(g)" if node["n"] == node["m"] and not node["k"] else None,
        bounds=_hull_zero,
        linear="jointly",
    )
)


def _diag_infer(v: Type, *, k: int) -> Type:
    if v.rank != 1:
        raise TypeProblem("E0203", f"diag takes a vector, not {v}")
    size = v.shape[0] + abs(k)
    return v.with_shape((size, size))


def _diag_vjp(g: Node, out: Node, v: Node) -> tuple[Node]:
    k, (length,), (n, m) = out["k"], v.shape, g.shape
    if diagonal_length(n, m, k) == length:
        return (ops.diagonal(g, k=k),)
    # N - 1 elements on a diagonal that has max(N - 1, 0), since nothing says that N > 0.
    corner = [("slice", Dim.of(max(start, 0)), length, 1) for start in (-k, k)]
    return (ops.diagonal(ops.getitem(g, index=tuple(corner)), k=0),)


diag = declare(
    Op(
        "diag",
        ("v",),
        "The square matrix with a vector as its k-th diagonal.",
        _diag_infer,
        lambda v, *, k: _put_diagonal_eval(v, n=len(v) + abs(k), m=len(v) + abs(k), k=k),
        _diag_vjp,
        py=lambda node, d: f"np.diag(v, {node['k']})" if node["k"] else "np.diag(v)",
        fast=lambda node, d: f"_diag(v, {node['k']})" if node["k"] else "_diag(v)",
        bounds=_hull_zero,
        linear="jointly",
    )
)


def _trace_infer(x: Type, *, k: int = 0) -> Type:
    if x.rank != 2:
        raise TypeProblem("E0203", f"trace takes a matrix, not {x}")
    return x.with_shape(())


def _trace_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    n, m = x.shape
    k = dict(out.attrs).get("k", 0)
    spread = ops.broadcast_to(g, shape=(diagonal_length(n, m, k),))
    return (ops.put_diagonal(spread, n=n, m=m, k=k),)


trace = declare(
    Op(
        "trace",
        ("x",),
        "The sum of a matrix's diagonal.",
        _trace_infer,
        lambda x, *, k=0: np.diagonal(x, k).sum(),
        _trace_vjp,
        work="reduction",
        py=lambda node, d: f"x.trace({dict(node.attrs).get('k') or ''})",
        selector=True,
        coerce=COERCIONS["number"],
        linear="jointly",
    )
)
