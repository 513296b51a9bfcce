"""Ops that choose: `where`, maximum and minimum, clip, and the gates that their adjoints are made of.

Ties go to the second operand: the gradient of `maximum(x, 0.0)` at 0 is 0, that of `maximum(0.0, x)` is 1.

A gate is `where(c, g, 0)`, never `g * c`: 0 * inf is not 0. The zeros that a gate makes mean "not used";
`masked` keeps such a zero when it meets an infinite slope.

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import REAL
>>> x = ops.argument("x", REAL)
>>> maximum.vjp(ops.argument("g", REAL), maximum(x, 0.0), x, 0.0)[0].op.name
'gate'
"""

from __future__ import annotations

from math import inf, nan
from typing import Any

import numpy as np

from ..ir import Interval, Node, Op, declare
from ..types import Type, TypeProblem, broadcast
from .arithmetic import equal, greater, less, logical_and, logical_not, logical_or, not_equal
from .base import elementwise
from .bounds import clamp, hull

ANY: Interval = (-3.0, 3.0)


def _gate_infer(g: Type, c: Type) -> Type:
    if c.kind != "bool":
        raise TypeProblem("E0204", f"a condition is a bool, not {c}")
    return Type(g.kind, broadcast(g.shape, c.shape))


gate: Op = declare(
    Op(
        "gate",
        ("g", "c"),
        "g where c holds, else 0.",
        _gate_infer,
        lambda g, c: np.where(c, g, np.zeros((), g.dtype)),
        lambda h, out, g, c: (gate(h, c), None),
        "np.where(c, g, 0.0)",
        "g if c else 0.0",
        lambda sp, g, c: sp.Piecewise((g, c), (0, True)),
        domain=(ANY, (0.0, 1.0)),
        special=((nan, 0.0), (inf, 0.0), (-inf, 1.0)),
        bounds=lambda g, c: hull(g, (0.0, 0.0)),
        elementwise=True,
        selector=True,
        linear="jointly",
    )
)

gate_finite = declare(
    Op(
        "gate_finite",
        ("g", "c"),
        "g where c holds, else 0, for a g that is known to be finite: there a product does, and is faster.",
        _gate_infer,
        lambda g, c: g * c,
        lambda h, out, g, c: (gate(h, c), None),
        "g * c",
        "g if c else 0.0",
        lambda sp, g, c: sp.Piecewise((g, c), (0, True)),
        domain=(ANY, (0.0, 1.0)),
        bounds=lambda g, c: hull(g, (0.0, 0.0)),
        elementwise=True,
        selector=True,
        linear="jointly",
    )
)


def _masked_vjp(h: Node, out: Node, q: Node, g: Node) -> tuple[Node, None]:
    """Where nothing was masked (q is 0 as g is) the derivative of q holds."""
    return gate(h, logical_or(not_equal(g, 0.0), equal(q, q))), None


masked = elementwise(
    "masked",
    "A contribution q to a cotangent, but 0 where the cotangent g that it was made of is 0.",
    ("q", "g"),
    vjp=_masked_vjp,
    np=lambda q, g: np.where(g == 0.0, 0.0, q),
    py="np.where(g == 0.0, 0.0, q)",
    fast=lambda node, d: "_masked(q, g)" if node.rank and node.args[0].shape == node.shape else None,
    scalar="0.0 if g == 0.0 else q",
    sympy=lambda sp, q, g: sp.Piecewise((0, sp.Eq(g, 0)), (q, True)),
    domain=(ANY, (0.5, 3.0)),
    special=((nan, 0.0), (inf, 0.0), (nan, 1.0)),
    bounds=lambda q, g: hull(q, (0.0, 0.0)),
    selector=True,
)

nonnegative = elementwise(
    "nonnegative",
    "The identity on the domain x >= 0 (of either zero +0), NaN outside: slopes such as 1/x of log need it.",
    ("x",),
    vjp=lambda g, out, x: (g,),
    np=lambda x: np.where(x >= 0.0, np.abs(x), nan),
    py="_nonnegative(x)",
    scalar="_nonnegative_scalar(x)",
    plain="abs(x) if x >= 0.0 else math.nan",
    sympy=lambda sp, x: x,
    domain=((0.5, 3.0),),
    special=((0.0,), (-0.0,), (-1.0,), (nan,)),
    bounds=lambda x: clamp(x, (0.0, inf)),
)

where = elementwise(
    "where",
    "a where c holds, else b.",
    ("c", "a", "b"),
    kinds="select",
    vjp=lambda g, out, c, a, b: (None, gate(g, c), gate(g, logical_not(c))),
    np=np.where,
    py="np.where(c, a, b)",
    scalar="a if c else b",
    sympy=lambda sp, c, a, b: sp.Piecewise((a, c), (b, True)),
    domain=((0.0, 1.0), ANY, ANY),
    special=((1.0, 2.0, nan), (0.0, inf, 3.0)),
    bounds=lambda c, a, b: hull(a, b),
    selector=True,
    linear="jointly",
)


def _taken(name: str, doc: str, symbol: str, function: Any, wins: Op, bounds: Any) -> Op:
    def vjp(g: Node, out: Node, x: Node, y: Node) -> tuple[Node, Node]:
        first = wins(x, y)
        return gate(g, first), gate(g, logical_not(first))

    return elementwise(
        name,
        f"{doc}; the second at a tie.",
        ("x", "y"),
        kinds="number",
        vjp=vjp,
        np=function,
        py=f"np.{name}(x, y)",
        scalar=lambda node, d: (
            f"{'max' if symbol == '>' else 'min'}(x, y)"
            if node.type.kind == "int"
            else f"x if x {symbol} y or x != x else y"
        ),
        sympy=lambda sp, x, y: sp.Piecewise((x, x > y if symbol == ">" else x < y), (y, True)),
        domain=(ANY, ANY),
        special=((1.0, 1.0), (nan, 1.0), (1.0, nan), (inf, -inf)),
        bounds=bounds,
        selector=True,
        keeps="all",
    )


maximum = _taken(
    "maximum",
    "The larger operand",
    ">",
    np.maximum,
    greater,
    lambda x, y: (max(x[0], y[0]), max(x[1], y[1])),
)
minimum = _taken(
    "minimum",
    "The smaller operand",
    "<",
    np.minimum,
    less,
    lambda x, y: (min(x[0], y[0]), min(x[1], y[1])),
)


def _clip_vjp(g: Node, out: Node, x: Node, lo: Node, hi: Node) -> tuple[Node, Node, Node]:
    """`minimum(maximum(x, lo), hi)` differentiated: at a bound, x gets nothing."""
    above, below = greater(x, lo), less(x, hi)
    low_wins = logical_and(less(lo, hi), logical_not(above))
    high_wins = logical_not(logical_and(below, less(lo, hi)))
    return gate(g, logical_and(above, below)), gate(g, low_wins), gate(g, high_wins)


clip = elementwise(
    "clip",
    "x kept between lo and hi; its derivative is 0 at the bounds.",
    ("x", "lo", "hi"),
    kinds="number",
    vjp=_clip_vjp,
    np=np.clip,
    py="np.clip(x, lo, hi)",
    scalar="min(max(x, lo), hi)",
    sympy=lambda sp, x, lo, hi: sp.Piecewise(
        (hi, sp.Or(sp.Not(x < hi), sp.Not(lo < hi))), (x, x > lo), (lo, True)
    ),
    domain=(ANY, (-2.0, -1.0), (1.0, 2.0)),
    special=((-2.0, -1.0, 1.0), (5.0, -1.0, 1.0), (nan, -1.0, 1.0), (0.0, 2.0, 1.0)),
    bounds=lambda x, lo, hi: (min(max(x[0], lo[0]), hi[0]), min(max(x[1], lo[1]), hi[1])),
    selector=True,
)
