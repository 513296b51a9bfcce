"""The special functions: the error function and its complements, gelu, and the gamma function's family.

Values and texts are the routines of special_error.py, special_gamma.py and special_scalar.py. The chain of
derivatives is closed: lgamma' = digamma, digamma' = polygamma(1), polygamma(n)' = polygamma(n + 1).

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import REAL
>>> x, g = ops.argument("x", REAL), ops.argument("g", REAL)
>>> polygamma.vjp(g, polygamma(x, n=1), x)[0].args[1]
polygamma(argument, n=2): real
"""

from __future__ import annotations

from math import inf, nan, pi, sqrt

from .. import special_error, special_gamma
from ..ir import Interval, Node, Op, declare
from .arithmetic import square
from .base import COERCIONS, elementwise
from .bounds import REALS, always, decreasing, increasing
from .powers import exp
from .selection import clip, maximum

ANY: Interval = (-3.0, 3.0)
ABOVE: Interval = (0.5, 12.0)
SLOPE = 2.0 / sqrt(pi)
EDGES = ((0.0,), (-0.0,), (30.0,), (-30.0,), (inf,), (-inf,), (nan,))
POLES = ((0.0,), (-0.0,), (-1.0,), (-2.5,), (1e-300,), (1.0,), (2.0,), (1e15,), (inf,), (nan,))

# --- the error function ----------------------------------------------------------------------------


def _bell(x: Node) -> Node:
    """The slope of erf."""
    return SLOPE * exp(-square(x))


erf = elementwise(
    "erf",
    "The error function, 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x.",
    ("x",),
    vjp=lambda g, out, x: (g * _bell(x),),
    np=special_error._erf,
    py="_erf(x)",
    scalar="math.erf(x)",
    sympy=lambda sp, x: sp.erf(x),
    domain=(ANY,),
    special=EDGES,
    bounds=increasing(special_error._erf, (-1.0, 1.0)),
)

erfc = elementwise(
    "erfc",
    "1 - erf(x), exact where that is small.",
    ("x",),
    vjp=lambda g, out, x: (-(g * _bell(x)),),
    np=special_error._erfc,
    py="_erfc(x)",
    scalar="math.erfc(x)",
    sympy=lambda sp, x: sp.erfc(x),
    domain=(ANY,),
    special=EDGES,
    bounds=decreasing(special_error._erfc, (0.0, 2.0)),
)

erfcx = elementwise(
    "erfcx",
    "exp(x**2) * erfc(x), the complement without its exponential decay.",
    ("x",),
    vjp=lambda g, out, x: (g * (2.0 * x * out - SLOPE),),
    np=special_error._erfcx,
    py="_erfcx(x)",
    scalar="_erfcx_scalar(x)",
    sympy=lambda sp, x: sp.exp(x**2) * sp.erfc(x),
    domain=(ANY,),
    special=EDGES,
    overflow=lambda x: x[0] < -26.0,
    bounds=decreasing(special_error._erfcx, (0.0, inf)),
)

log_erfc = elementwise(
    "log_erfc",
    "log(erfc(x)) without underflow.",
    ("x",),
    vjp=lambda g, out, x: (-(g * (SLOPE / erfcx(x))),),
    np=special_error._log_erfc,
    py="_log_erfc(x)",
    scalar="_log_erfc_scalar(x)",
    sympy=lambda sp, x: sp.log(sp.erfc(x)),
    domain=(ANY,),
    special=EDGES,
    bounds=decreasing(special_error._log_erfc, (-inf, 0.7)),
)

DENSITY = 1.0 / sqrt(2.0 * pi)


def _normal_density(x: Node) -> Node:
    return DENSITY * exp(-0.5 * square(x))


ndtr = elementwise(
    "ndtr",
    "The normal distribution function: the probability that a standard normal variable is below x.",
    ("x",),
    vjp=lambda g, out, x: (g * _normal_density(x),),
    np=lambda x: 0.5 * special_error._erfc(-0.7071067811865476 * x),
    py="0.5 * _erfc(-0.7071067811865476 * x)",
    scalar="0.5 * math.erfc(-0.7071067811865476 * x)",
    sympy=lambda sp, x: sp.erfc(-x / sp.sqrt(2)) / 2,
    domain=(ANY,),
    special=EDGES,
    bounds=always(0.0, 1.0),
)

FAR = 1e3  # beyond it, gelu is 0 or x


def _gelu_vjp(g: Node, out: Node, x: Node) -> tuple[Node]:
    near = clip(x, -FAR, FAR)
    return (g * (ndtr(x) + near * _normal_density(near)),)


gelu = elementwise(
    "gelu",
    "x times the normal distribution function at x, 0 at -inf.",
    ("x",),
    vjp=_gelu_vjp,
    np=special_error._gelu,
    py="_gelu(x)",
    expand=lambda x: maximum(x, -FAR) * ndtr(x),
    scalar="max(x, -1e3) * (0.5 * math.erfc(-0.7071067811865476 * x))",
    sympy=lambda sp, x: x * sp.erfc(-x / sp.sqrt(2)) / 2,
    domain=(ANY,),
    special=EDGES,
    bounds=lambda x: (-0.17, max(0.0, x[1])),
)

# --- the gamma function ----------------------------------------------------------------------------


def _at_poles(*intervals: Interval) -> bool:
    return any(x[0] <= 0.0 for x in intervals)


lgamma = elementwise(
    "lgamma",
    "log(abs(gamma(x))); +inf at the poles 0, -1, -2, ….",
    ("x",),
    vjp=lambda g, out, x: (g * digamma(x),),
    np=special_gamma._lgamma,
    py="_lgamma(x)",
    fast=lambda node, d: "_few_or_many(x, _lgamma_scalar, _lgamma)",
    scalar="_lgamma_scalar(x)",
    sympy=lambda sp, x: sp.re(sp.loggamma(x)),
    domain=(ABOVE,),
    special=POLES,
    singular=_at_poles,
    bounds=lambda x: (-0.1215, inf) if x[0] >= 0.0 else REALS,
)

_digamma_bounds = increasing(special_gamma._digamma)

digamma: Op = elementwise(
    "digamma",
    "The derivative of lgamma; -inf at 0, NaN at the other poles.",
    ("x",),
    vjp=lambda g, out, x: (g * polygamma(x, n=1),),
    np=special_gamma._digamma,
    py="_digamma(x)",
    fast=lambda node, d: "_few_or_many(x, _digamma_scalar, _digamma)",
    scalar="_digamma_scalar(x)",
    sympy=lambda sp, x: sp.digamma(x),
    domain=(ABOVE,),
    special=POLES,
    singular=_at_poles,
    bounds=lambda x: _digamma_bounds(x) if x[0] > 0.0 else REALS,
)

polygamma: Op = declare(
    Op(
        "polygamma",
        ("x",),
        "The n-th derivative of digamma, n from 1 on; NaN at the poles -1, -2, ….",
        lambda x, *, n: x,
        lambda x, *, n: special_gamma._polygamma(n, x),
        lambda g, out, x: (g * polygamma(x, n=out["n"] + 1),),
        py=lambda node, d: f"_polygamma({node['n']}, x)",
        scalar=lambda node, d: f"_polygamma_scalar({node['n']}, x)",
        sympy=lambda sp, x, *, n: sp.polygamma(n, x),
        domain=(ABOVE,),
        special=POLES,
        singular=_at_poles,
        coerce=COERCIONS["real"],
        elementwise=True,
    )
)

lbeta = elementwise(
    "lbeta",
    "The logarithm of the beta function: lgamma(a) + lgamma(b) - lgamma(a + b).",
    ("a", "b"),
    vjp=lambda g, out, a, b: (g * digamma_drop(a, b), g * digamma_drop(b, a)),
    np=special_gamma._lbeta,
    py="_lbeta(a, b)",
    scalar="_lbeta_scalar(a, b)",
    sympy=lambda sp, a, b: sp.loggamma(a) + sp.loggamma(b) - sp.loggamma(a + b),
    domain=(ABOVE, ABOVE),
    special=((0.0, 1.0), (1.0, 1e12), (1e12, 1e12), (1e-300, 3.0), (2.5, inf), (inf, inf), (nan, 1.0)),
    singular=_at_poles,
)


def _digamma_drop_vjp(g: Node, out: Node, a: Node, b: Node) -> tuple[Node, Node]:
    below = polygamma(a + b, n=1)
    return g * (polygamma(a, n=1) - below), -(g * below)


digamma_drop: Op = elementwise(
    "digamma_drop",
    "digamma(a) - digamma(a + b), exact where b is small beside a.",
    ("a", "b"),
    vjp=_digamma_drop_vjp,
    np=special_gamma._digamma_drop,
    py="_digamma_drop(a, b)",
    scalar="_digamma_drop_scalar(a, b)",
    sympy=lambda sp, a, b: sp.digamma(a) - sp.digamma(a + b),
    domain=(ABOVE, ABOVE),
    special=((1e12, 1.0), (1.0, 1e-12), (3.0, -1.0), (nan, 1.0)),
    singular=_at_poles,
)
