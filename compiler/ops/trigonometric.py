"""Circular and hyperbolic functions and their inverses.

Slopes are in the factored forms that keep their digits at the ends of the domain: 1 / sqrt((1-x)*(1+x)).

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import REAL
>>> z = tanh(ops.argument("x", REAL))
>>> tanh.vjp(ops.argument("g", REAL), z, z.args[0])[0].op.name
'mul'
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, pi
from typing import Any

import numpy as np

from ..ir import Interval, Node, Op
from .base import elementwise
from .bounds import abs_bounds, always, decreasing, holds, increasing
from .powers import LARGEST_EXPONENT, hypot, sqrt
from .selection import nonnegative

ANY: Interval = (-3.0, 3.0)
INSIDE: Interval = (-0.9, 0.9)
EXTREMES = ((0.0,), (-0.0,), (inf,), (-inf,))


def _unary(
    name: str, doc: str, slope: Callable[[Node, Node], Node], sympy: str, domain: Interval, **facts: Any
) -> Op:
    """An op with NumPy's name whose slope is `slope(out, x)`, multiplied by the cotangent."""
    scalar = facts.pop("scalar", f"math.{sympy}(x)")
    return elementwise(
        name,
        doc,
        ("x",),
        vjp=lambda g, out, x: (g * slope(out, x),),
        np=getattr(np, name),
        py=f"np.{name}(x)",
        scalar=scalar,
        plain=f"math.{sympy}(x)",
        sympy=lambda sp, x: getattr(sp, sympy)(x),
        domain=(domain,),
        **facts,
    )


def _inverse(
    name: str, doc: str, below: Callable[[Node], Node], sympy: str, domain: Interval, **facts: Any
) -> Op:
    """An op with NumPy's name whose slope is 1 / `below(x)`."""
    return elementwise(
        name,
        doc,
        ("x",),
        vjp=lambda g, out, x: (g / below(x),),
        np=getattr(np, name),
        py=f"np.{name}(x)",
        scalar=facts.pop("scalar", f"_{sympy}(x)"),
        plain=f"math.{sympy}(x)",
        sympy=lambda sp, x: getattr(sp, sympy)(x),
        domain=(domain,),
        **facts,
    )


sin = _unary("sin", "The sine.", lambda out, x: cos(x), "sin", ANY, scalar="_sin(x)",
             special=EXTREMES, bounds=always(-1.0, 1.0))  # fmt: skip
cos: Op = _unary("cos", "The cosine.", lambda out, x: -sin(x), "cos", ANY, scalar="_cos(x)",
             special=EXTREMES, bounds=always(-1.0, 1.0))  # fmt: skip
tan = _unary("tan", "The tangent.", lambda out, x: 1.0 + out * out, "tan", (-1.2, 1.2), scalar="_tan(x)",
             special=EXTREMES)  # fmt: skip
tanh = _unary("tanh", "The hyperbolic tangent.", lambda out, x: 1.0 - out * out, "tanh", ANY,
              special=(*EXTREMES, (25.0,)), bounds=increasing(np.tanh, (-1.0, 1.0)))  # fmt: skip


def _overflows(x: Interval) -> bool:
    return abs_bounds(x)[1] > LARGEST_EXPONENT


sinh = _unary("sinh", "The hyperbolic sine.", lambda out, x: cosh(x), "sinh", ANY, scalar="_sinh(x)",
              special=(*EXTREMES, (800.0,)), overflow=_overflows, bounds=increasing(np.sinh))  # fmt: skip
cosh: Op = _unary("cosh", "The hyperbolic cosine.", lambda out, x: sinh(x), "cosh", ANY, scalar="_cosh(x)",
              special=(*EXTREMES, (800.0,)), overflow=_overflows,
              bounds=lambda x: increasing(np.cosh, (1.0, inf))(abs_bounds(x)))  # fmt: skip


def _reaches_one(x: Interval) -> bool:
    return abs_bounds(x)[1] >= 1.0


def _on_one(x: Interval) -> bool:
    return holds(x, 1.0) or holds(x, -1.0)


ENDS = ((1.0,), (-1.0,), (2.0,), (0.0,), (-0.0,))

arcsin = _inverse("arcsin", "The inverse sine.", lambda x: sqrt((1.0 - x) * (1.0 + x)), "asin", INSIDE,
                  special=ENDS, singular=_reaches_one, steep=_on_one,
                  bounds=increasing(np.arcsin, (-pi / 2, pi / 2), (-1.0, 1.0)))  # fmt: skip
arccos = elementwise(
    "arccos",
    "The inverse cosine.",
    ("x",),
    vjp=lambda g, out, x: (-(g / sqrt((1.0 - x) * (1.0 + x))),),
    np=np.arccos,
    py="np.arccos(x)",
    scalar="_acos(x)",
    plain="math.acos(x)",
    sympy=lambda sp, x: sp.acos(x),
    domain=(INSIDE,),
    special=ENDS,
    singular=_reaches_one,
    steep=_on_one,
    bounds=decreasing(np.arccos, (0.0, pi), (-1.0, 1.0)),
)
arctan = _inverse("arctan", "The inverse tangent.", lambda x: 1.0 + x * x, "atan", ANY, scalar="math.atan(x)",
                  special=(*EXTREMES, (1e200,)), bounds=increasing(np.arctan, (-pi / 2, pi / 2)))  # fmt: skip
arcsinh = _inverse("arcsinh", "The inverse hyperbolic sine.", lambda x: hypot(1.0, x), "asinh", ANY,
                   scalar="math.asinh(x)", special=(*EXTREMES, (1e200,)),
                   bounds=increasing(np.arcsinh))  # fmt: skip
arccosh = _inverse("arccosh", "The inverse hyperbolic cosine.",
                   lambda x: sqrt(x - 1.0) * sqrt(x + 1.0), "acosh", (1.2, 3.0),
                   special=((1.0,), (0.5,), (inf,), (1.0 + 1e-10,)), singular=lambda x: x[0] <= 1.0,
                   steep=lambda x: holds(x, 1.0),
                   bounds=increasing(np.arccosh, (0.0, inf), (1.0, inf)))  # fmt: skip
arctanh = _inverse("arctanh", "The inverse hyperbolic tangent.",
                   lambda x: nonnegative((1.0 - x) * (1.0 + x)), "atanh", INSIDE,
                   special=ENDS, singular=_reaches_one,
                   bounds=increasing(np.arctanh, domain=(-1.0, 1.0)))  # fmt: skip


def _arctan2_vjp(g: Node, out: Node, y: Node, x: Node) -> tuple[Node, Node]:
    h = hypot(x, y)
    return g * (x / h) / h, -(g * (y / h) / h)


arctan2 = elementwise(
    "arctan2",
    "The angle of the point (x, y); its derivative at the origin is NaN.",
    ("y", "x"),
    vjp=_arctan2_vjp,
    np=np.arctan2,
    py="np.arctan2(y, x)",
    scalar="math.atan2(y, x)",
    sympy=lambda sp, y, x: sp.atan2(y, x),
    domain=(ANY, ANY),
    special=((0.0, 0.0), (0.0, -1.0), (-0.0, -1.0), (1e200, 1e200), (1e-200, 1e-200)),
    singular=lambda y, x: holds(y, 0.0) and holds(x, 0.0),
    steep=lambda y, x: holds(y, 0.0) and holds(x, 0.0),
    bounds=always(-pi - 1e-15, pi + 1e-15),
)
