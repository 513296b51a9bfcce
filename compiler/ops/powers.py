"""Powers, roots and exponentials: power, sqrt, cbrt, hypot, exp and log in their variants.

Where a slope is infinite the derivative is the one-sided limit, outside a domain it is NaN as the value is:
the slope of `log` is +inf at 0 and NaN at -1.

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import REAL
>>> x = ops.argument("x", REAL)
>>> (x**3).op.name, ops.power.vjp(ops.argument("g", REAL), x**3, x, ops.const(3.0))[0].op.name
('power', 'mul')
"""

from __future__ import annotations

from math import inf, nan
from math import log as ln
from typing import Any

import numpy as np

from ..ir import Interval, Node, Op, Scalar, const_value
from .arithmetic import abs_, less, logical_or, not_equal, square
from .base import elementwise
from .bounds import REALS, abs_bounds, always, holds, increasing, power_bounds
from .selection import gate, nonnegative

ANY: Interval = (-3.0, 3.0)
ABOVE: Interval = (0.5, 3.0)
LARGEST_EXPONENT = 709.0  # beyond it, exp overflows and its slope is infinite

SCALAR_POWERS = {1.0: "x", 2.0: "x * x", 3.0: "x * x * x", 4.0: "x * x * x * x"}

# --- powers --------------------------------------------------------------------------------------


def _power_vjp(g: Node, out: Node, x: Node, y: Node) -> tuple[Node | None, Node | None]:
    exponent = const_value(y)
    if exponent is None:
        inside = not_equal(x, 0.0)
        slope = gate(g * y * x ** (y - 1.0), logical_or(inside, not_equal(y, 0.0)))
        return slope, gate(g * out * log(x), logical_or(inside, less(y, 0.0)))
    if exponent == 0.0:
        return None, None
    return float(exponent) * g * _raised(x, exponent - 1.0) if exponent != 1.0 else g, None


def _raised(x: Node, exponent: Scalar) -> Node:
    """x to a constant power, in the plainest op that says it."""
    if exponent == 1.0:
        return x
    if exponent == 0.5:
        return sqrt(x)
    return square(x) if exponent == 2.0 else x ** float(exponent)


def _power_text(node: Node, d: Any) -> str:
    return {2.0: "x**2", 3.0: "x * x * x", -1.0: "1.0 / x"}.get(_exponent(node), "x**y")


def _power_scalar(node: Node, d: Any) -> str:
    return SCALAR_POWERS.get(_exponent(node), "_pow(x, y)" if node.type.kind == "real" else "x**y")


def _exponent(node: Node) -> float:
    value = const_value(node.args[1])
    return 0.0 if value is None else float(value)


def _power_plain(node: Node, d: Any) -> str:
    return _power_scalar(node, d).replace("_pow(", "math.pow(")


def _power_singular(x: Interval, y: Interval) -> bool:
    """All exponents but whole constants from 0 on and those above 1 have a pole at 0 or NaN below."""
    exponent = y[0] if y[0] == y[1] else -1.0
    if exponent >= 0.0 and exponent.is_integer():
        return False
    return x[0] < 0.0 or (x[0] == 0.0 and exponent < 1.0)


power = elementwise(
    "power",
    "x to the power y; 1 where y is 0.",
    ("x", "y"),
    kinds="power",
    vjp=_power_vjp,
    np=np.power,
    py=_power_text,
    scalar=_power_scalar,
    plain=_power_plain,
    sympy=lambda sp, x, y: x**y,
    domain=(ABOVE, ANY),
    special=(
        (0.0, 0.0), (0.0, -1.0), (-0.0, -1.0), (0.0, 0.5), (-2.0, 3.0), (-2.0, 0.5), (-2.0, -1.0),
        (inf, 0.0), (0.0, -0.5), (1e200, 2.0), (-1e200, 3.0), (-inf, 2.0),
    ),
    singular=_power_singular,
    steep=lambda x, y: holds(x, 0.0) and y[0] == y[1] and 0.0 < y[0] < 1.0,
    bounds=power_bounds,
)  # fmt: skip

sqrt = elementwise(
    "sqrt",
    "The square root; its derivative is +inf at 0.",
    ("x",),
    vjp=lambda g, out, x: (g / (2.0 * abs_(out)),),
    np=np.sqrt,
    py="np.sqrt(x)",
    scalar="_sqrt(x)",
    plain="math.sqrt(x)",
    demands={"x": "nonnegative"},
    sympy=lambda sp, x: sp.sqrt(x),
    domain=(ABOVE,),
    special=((0.0,), (-0.0,), (-1.0,), (inf,), (1e-320,)),
    singular=lambda x: x[0] <= 0.0,
    steep=lambda x: holds(x, 0.0),
    bounds=increasing(np.sqrt, (0.0, inf), (0.0, inf), slack=0.0),
    keeps="all",
)

cbrt = elementwise(
    "cbrt",
    "The real cube root; its derivative is +inf at 0.",
    ("x",),
    vjp=lambda g, out, x: (g / (3.0 * square(out)),),
    np=np.cbrt,
    py="np.cbrt(x)",
    scalar="_cbrt(x)",
    sympy=lambda sp, x: sp.Piecewise((x ** sp.Rational(1, 3), x > 0), (-((-x) ** sp.Rational(1, 3)), True)),
    domain=(ANY,),
    special=((0.0,), (-0.0,), (-8.0,), (inf,), (1e-300,)),
    singular=lambda x: holds(x, 0.0),
    steep=lambda x: holds(x, 0.0),
    bounds=increasing(np.cbrt),
)

hypot = elementwise(
    "hypot",
    "sqrt(x**2 + y**2) without overflow; its derivative is 0 at (0, 0).",
    ("x", "y"),
    vjp=lambda g, out, x, y: tuple(gate(g * (v / out), not_equal(out, 0.0)) for v in (x, y)),
    np=np.hypot,
    py="np.hypot(x, y)",
    scalar="math.hypot(x, y)",
    sympy=lambda sp, x, y: sp.sqrt(x**2 + y**2),
    domain=(ABOVE, ANY),
    special=((0.0, 0.0), (1e200, 5e199), (1e-200, 0.0), (inf, 1.0)),
    bounds=lambda x, y: (max(abs_bounds(x)[0], abs_bounds(y)[0]), inf),
)

# --- exponentials --------------------------------------------------------------------------------


def _overflows(x: Interval) -> bool:
    return x[1] > LARGEST_EXPONENT


exp = elementwise(
    "exp",
    "e to the power x.",
    ("x",),
    vjp=lambda g, out, x: (g * out,),
    np=np.exp,
    py="np.exp(x)",
    scalar="_exp(x)",
    plain="math.exp(x)",
    sympy=lambda sp, x: sp.exp(x),
    domain=(ANY,),
    special=((0.0,), (800.0,), (-800.0,), (inf,), (-inf,)),
    overflow=_overflows,
    bounds=increasing(np.exp, (0.0, inf)),
)

expm1 = elementwise(
    "expm1",
    "exp(x) - 1, exact near 0.",
    ("x",),
    vjp=lambda g, out, x: (g * exp(x),),
    np=np.expm1,
    py="np.expm1(x)",
    scalar="_expm1(x)",
    plain="math.expm1(x)",
    sympy=lambda sp, x: sp.exp(x) - 1,
    domain=(ANY,),
    special=((0.0,), (-0.0,), (1e-20,), (800.0,), (-40.0,), (-inf,)),
    overflow=_overflows,
    bounds=increasing(np.expm1, (-1.0, inf)),
)

# --- logarithms ----------------------------------------------------------------------------------


def _logarithm(name: str, doc: str, function: Any, base: float | None) -> Op:
    """A logarithm; `base` None for e."""
    scale = 1.0 if base is None else ln(base)

    def vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
        slope = g / nonnegative(x)
        return (slope if base is None else slope * (1.0 / scale),)

    return elementwise(
        name,
        f"{doc}; its derivative is +inf at 0.",
        ("x",),
        vjp=vjp,
        np=function,
        py=f"np.{name}(x)",
        scalar=f"_{name}(x)",
        plain=f"math.{name}(x)",
        demands={"x": "positive"},
        sympy=lambda sp, x: sp.log(x) if base is None else sp.log(x) / sp.log(int(base)),
        domain=(ABOVE,),
        special=((0.0,), (-0.0,), (-1.0,), (inf,), (1.0,), (1e-320,)),
        singular=lambda x: x[0] <= 0.0,
        bounds=increasing(function, REALS, (0.0, inf)),
    )


log = _logarithm("log", "The natural logarithm", np.log, None)
log2 = _logarithm("log2", "The logarithm to base 2", np.log2, 2.0)
log10 = _logarithm("log10", "The logarithm to base 10", np.log10, 10.0)

log1p = elementwise(
    "log1p",
    "log(1 + x), exact near 0.",
    ("x",),
    vjp=lambda g, out, x: (g / nonnegative(1.0 + x),),
    np=np.log1p,
    py="np.log1p(x)",
    scalar="_log1p(x)",
    plain="math.log1p(x)",
    demands={"x": "above -1"},
    sympy=lambda sp, x: sp.log(1 + x),
    domain=((-0.5, 3.0),),
    special=((0.0,), (-0.0,), (1e-20,), (-1.0,), (-2.0,), (inf,)),
    singular=lambda x: x[0] <= -1.0,
    bounds=increasing(np.log1p, REALS, (-1.0, inf)),
)


def _log_weight_vjp(g: Node, out: Node, a: Node, b: Node) -> tuple[Node, Node]:
    slope = g * (out * log_weight(b, a))
    return slope, -slope


log_weight = elementwise(
    "log_weight",
    "exp(a) / (exp(a) + exp(b)), a's share of logaddexp(a, b); a half each where both are +inf.",
    ("a", "b"),
    vjp=_log_weight_vjp,
    np=lambda a, b: np.where(
        a == b, np.where(a == -inf, 0.0, 0.5) + 0.0 * np.isnan(a), 1.0 / (1.0 + np.exp(b - a))
    ),
    py="_log_weight(a, b)",
    scalar="_log_weight_scalar(a, b)",
    sympy=lambda sp, a, b: 1 / (1 + sp.exp(b - a)),
    domain=(ANY, ANY),
    special=((inf, inf), (-inf, -inf), (inf, 0.0), (0.0, inf), (800.0, -800.0), (-800.0, 800.0)),
    bounds=always(0.0, 1.0),
)

logaddexp = elementwise(
    "logaddexp",
    "log(exp(a) + exp(b)) without overflow.",
    ("a", "b"),
    vjp=lambda g, out, a, b: (g * log_weight(a, b), g * log_weight(b, a)),
    np=np.logaddexp,
    py="np.logaddexp(a, b)",
    scalar="_logaddexp(a, b)",
    sympy=lambda sp, a, b: sp.log(sp.exp(a) + sp.exp(b)),
    domain=(ANY, ANY),
    special=((inf, inf), (-inf, -inf), (inf, -inf), (800.0, -800.0), (800.0, 800.0)),
    bounds=lambda a, b: (max(a[0], b[0]), max(a[1], b[1]) + 1.0),
)


def _xlog(name: str, doc: str, log_of: Any, argument: Any, edge: float, sympy: Any) -> Op:
    """x * log(·) with the value 0 where x is 0."""

    def vjp(g: Node, out: Node, x: Node, y: Node) -> tuple[Node, Node]:
        if x is y and edge == 0.0:
            return g * log(y), g
        return g * log_of(y), gate(g * (x / nonnegative(argument(y))), not_equal(x, 0.0))

    return elementwise(
        name,
        doc,
        ("x", "y"),
        vjp=vjp,
        np=lambda x, y: np.where((x == 0.0) & ~np.isnan(y), 0.0, x * log_of.eval(y)),
        py=f"_{name}(x, y)",
        scalar=f"_{name}_scalar(x, y)",
        sympy=lambda sp, x, y: sympy(sp, x, y),
        domain=(ANY, ABOVE),
        special=((0.0, edge), (0.0, inf), (0.0, -3.0), (0.0, nan), (1.0, edge), (2.0, -3.0)),
        singular=lambda x, y: y[0] <= edge,
        steep=lambda x, y: holds(x, 0.0) and holds(y, edge),
    )


xlogy = _xlog("xlogy", "x * log(y), 0 where x is 0.", log, lambda y: y, 0.0, lambda sp, x, y: x * sp.log(y))
xlog1py = _xlog(
    "xlog1py", "x * log(1 + y), 0 where x is 0.", log1p, lambda y: 1.0 + y, -1.0,
    lambda sp, x, y: x * sp.log(1 + y),
)  # fmt: skip
