"""Arithmetic, rounding and comparison: the ops that Python's operators build, and their nearest kin.

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import REAL
>>> x = ops.argument("x", REAL)
>>> (x * x + 1.0).op.name
'add'
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from ..ir import Interval, Node, Op, const_value
from ..types import Dim
from .base import elementwise
from .bounds import (
    REALS,
    UNIT,
    abs_bounds,
    add_bounds,
    always,
    div_bounds,
    holds,
    increasing,
    mul_bounds,
    square_bounds,
    sub_bounds,
)
from .stepwise import flat

ANY: Interval = (-3.0, 3.0)
AWAY: Interval = (0.5, 3.0)

add = elementwise(
    "add",
    "The sum.",
    ("x", "y"),
    kinds="number",
    vjp=lambda g, out, x, y: (g, g),
    np=np.add,
    py="x + y",
    scalar="x + y",
    sympy=lambda sp, x, y: x + y,
    domain=(ANY, ANY),
    special=((0.0, -0.0), (inf, 1.0), (inf, -inf)),
    bounds=add_bounds,
    commutative=True,
    keeps="all",
)

sub = elementwise(
    "sub",
    "The difference.",
    ("x", "y"),
    kinds="number",
    vjp=lambda g, out, x, y: (g, -g),
    np=np.subtract,
    py="x - y",
    scalar="x - y",
    sympy=lambda sp, x, y: x - y,
    domain=(ANY, ANY),
    special=((0.0, 0.0), (inf, inf)),
    bounds=sub_bounds,
    keeps="all",
)

mul = elementwise(
    "mul",
    "The product.",
    ("x", "y"),
    kinds="number",
    vjp=lambda g, out, x, y: (g * y, g * x),
    np=np.multiply,
    py="x * y",
    scalar="x * y",
    sympy=lambda sp, x, y: x * y,
    domain=(ANY, ANY),
    special=((0.0, -2.0), (0.0, inf), (1e200, 1e200)),
    bounds=mul_bounds,
    commutative=True,
    linear="each",
)


def _div_vjp(g: Node, out: Node, x: Node, y: Node) -> tuple[Node, Node]:
    quotient = g / y
    return quotient, -(quotient * out)


def _div_scalar(node: Node, d: Any) -> str:
    return "x / y" if const_value(node.args[1]) else "_div(x, y)"


div = elementwise(
    "div",
    "The quotient, always real.",
    ("x", "y"),
    vjp=_div_vjp,
    np=np.divide,
    py="x / y",
    scalar=_div_scalar,
    plain="x / y",
    demands={"y": "nonzero"},
    sympy=lambda sp, x, y: x / y,
    domain=(ANY, AWAY),
    special=((1.0, 0.0), (-1.0, 0.0), (1.0, -0.0), (0.0, 0.0), (1.0, inf), (1e200, 1e160)),
    singular=lambda x, y: holds(y, 0.0),
    bounds=div_bounds,
    keeps="first",
)


def _by_kind(real: str, integer: str) -> Any:
    return lambda node, d: real if node.type.kind == "real" else integer


def _integer_quotient(real: str, integer: str) -> Any:
    """Python's `//` and `%` are NumPy's on ints, but by 0, where NumPy gives 0; reals need IEEE's."""

    def text(node: Node, d: Callable[[Dim], str]) -> str:
        whole = integer if const_value(node.args[1]) else f"{integer} if y else 0"
        return real if node.type.kind == "real" else whole

    return text


floordiv = elementwise(
    "floordiv",
    "The quotient rounded down, as NumPy's `//`; its derivative is 0.",
    ("x", "y"),
    kinds="number",
    vjp=lambda g, out, x, y: (None, None),
    np=np.floor_divide,
    py="x // y",
    scalar=_integer_quotient("_floordiv(x, y)", "x // y"),
    plain=_integer_quotient("x // y", "x // y"),
    sympy=lambda sp, x, y: flat(sp, "floor", x / y),
    domain=(ANY, AWAY),
    special=((7.0, 2.0), (-7.0, 2.0), (1.0, 0.0)),
)


def _mod_bounds(x: Interval, y: Interval) -> Interval:
    if y[0] > 0.0:
        return 0.0, y[1]
    return (y[0], 0.0) if y[1] < 0.0 else REALS


mod = elementwise(
    "mod",
    "The remainder with the divisor's sign, as NumPy's `%`.",
    ("x", "y"),
    kinds="number",
    vjp=lambda g, out, x, y: (g, -(g * floordiv(x, y))),
    np=np.mod,
    py="x % y",
    scalar=_integer_quotient("_mod(x, y)", "x % y"),
    plain=_integer_quotient("x % y", "x % y"),
    sympy=lambda sp, x, y: x - y * flat(sp, "floor", x / y),
    domain=(ANY, AWAY),
    special=((7.0, 2.0), (-7.0, 2.0), (7.0, -2.0), (1.0, 0.0)),
    bounds=_mod_bounds,
)

neg = elementwise(
    "neg",
    "The negative.",
    ("x",),
    kinds="number",
    vjp=lambda g, out, x: (-g,),
    np=np.negative,
    py="-x",
    scalar="-x",
    sympy=lambda sp, x: -x,
    domain=(ANY,),
    special=((0.0,), (-0.0,), (inf,)),
    bounds=lambda x: (-x[1], -x[0]),
    linear="jointly",
)

abs_ = elementwise(
    "abs",
    "The absolute value; its derivative is 0 at 0.",
    ("x",),
    kinds="number",
    vjp=lambda g, out, x: (g * sign(x),),
    np=np.abs,
    py="np.abs(x)",
    scalar="abs(x)",
    sympy=lambda sp, x: sp.Abs(x),
    domain=(ANY,),
    special=((0.0,), (-0.0,), (-inf,)),
    bounds=abs_bounds,
    keeps="all",
)


sign: Op = elementwise(
    "sign",
    "-1, 0 or 1; its derivative is 0.",
    ("x",),
    kinds="number",
    vjp=lambda g, out, x: (None,),
    np=np.sign,
    py="np.sign(x)",
    scalar=_by_kind("_sign(x)", "(x > 0) - (x < 0)"),
    plain=_by_kind("1.0 if x > 0.0 else -1.0 if x < 0.0 else x", "(x > 0) - (x < 0)"),
    sympy=lambda sp, x: sp.Piecewise((1, x > 0), (-1, x < 0), (0, True)),
    domain=(ANY,),
    special=((0.0,), (-0.0,), (-inf,)),
    bounds=increasing(np.sign, slack=0.0),
)

square = elementwise(
    "square",
    "x times x.",
    ("x",),
    kinds="number",
    vjp=lambda g, out, x: (2.0 * g * x,),
    np=np.square,
    py="x**2",
    scalar="x * x",
    sympy=lambda sp, x: x**2,
    domain=(ANY,),
    special=((0.0,), (1e200,), (-inf,)),
    bounds=square_bounds,
    keeps="all",
)

reciprocal = elementwise(
    "reciprocal",
    "1 / x.",
    ("x",),
    vjp=lambda g, out, x: (-(g * out * out),),
    np=np.reciprocal,
    py="1.0 / x",
    scalar="_div(1.0, x)",
    plain="1.0 / x",
    demands={"x": "nonzero"},
    sympy=lambda sp, x: 1 / x,
    domain=(AWAY,),
    special=((0.0,), (-0.0,), (inf,)),
    singular=lambda x: holds(x, 0.0),
    bounds=lambda x: div_bounds((1.0, 1.0), x),
)


def _rounding(name: str, doc: str, function: Any, py: str) -> Op:
    return elementwise(
        name,
        f"{doc}; its derivative is 0.",
        ("x",),
        vjp=lambda g, out, x: (None,),
        np=function,
        py=py,
        scalar=f"_{name}(x)",
        plain=f"float({'' if name == 'round' else 'math.'}{name}(x))",
        sympy=lambda sp, x: flat(sp, name, x),
        domain=((0.1, 0.4),),
        special=((0.5,), (1.5,), (-2.5,), (-0.2,), (inf,)),
        bounds=increasing(function, slack=0.0),
    )


floor = _rounding("floor", "The largest integer not above x, as a real", np.floor, "np.floor(x)")
ceil = _rounding("ceil", "The smallest integer not below x, as a real", np.ceil, "np.ceil(x)")
round_ = _rounding("round", "The nearest integer, ties to even, as a real", np.round, "np.round(x)")


# --- comparison and logic ------------------------------------------------------------------------


def _comparison(name: str, symbol: str, function: Any, relation: str, **facts: Any) -> Op:
    return elementwise(
        name,
        f"Whether x {symbol} y.",
        ("x", "y"),
        kinds="compare",
        vjp=lambda g, out, x, y: (None, None),
        np=function,
        py=f"x {symbol} y",
        scalar=f"x {symbol} y",
        sympy=lambda sp, x, y: getattr(sp, relation)(x, y),
        domain=(ANY, ANY),
        special=((1.0, 1.0), (0.0, -0.0), (inf, inf)),
        bounds=always(*UNIT),
        **facts,
    )


less = _comparison("less", "<", np.less, "Lt")
less_equal = _comparison("less_equal", "<=", np.less_equal, "Le")
greater = _comparison("greater", ">", np.greater, "Gt")
greater_equal = _comparison("greater_equal", ">=", np.greater_equal, "Ge")
equal = _comparison("equal", "==", np.equal, "Eq", commutative=True)
not_equal = _comparison("not_equal", "!=", np.not_equal, "Ne", commutative=True)


def _logical(
    name: str, doc: str, params: tuple[str, ...], function: Any, py: str, scalar: str, sympy: str
) -> Op:
    return elementwise(
        name,
        doc,
        params,
        kinds="bool",
        vjp=lambda g, out, *args: (None,) * len(args),
        np=function,
        py=py,
        scalar=scalar,
        sympy=lambda sp, *args: getattr(sp, sympy)(*args),
        domain=(UNIT,) * len(params),
        bounds=always(*UNIT),
        commutative=len(params) == 2,
    )


logical_and = _logical("logical_and", "Both.", ("x", "y"), np.logical_and, "x & y", "x and y", "And")
logical_or = _logical("logical_or", "Either or both.", ("x", "y"), np.logical_or, "x | y", "x or y", "Or")
logical_not = _logical("logical_not", "The opposite.", ("x",), np.logical_not, "~x", "not x", "Not")
