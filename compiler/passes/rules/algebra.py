"""Algebraic rules: they make what autodiff writes read as an expert's.

    mul(broadcast_to(div(1.0, N)), mul(2.0, r))   →   mul(div(2.0, N), r)

`EXACT_RULES` give the same bits, and hold for the model's own expressions too. `ADJOINT_RULES` change the
order in which factors are multiplied, and with it the last bit; they hold where that order is ours to
choose, in adjoints. Nothing here adds up in another order, cancels, or drops a term: `x - x`, `x * 0`,
`x / x` and `x*y / y` stay as they are, for x may be inf or NaN. `x + 0.0` stays too: it makes 0.0 of -0.0.

>>> from autodiffc.compiler.passes.pattern import rewrite_literally
>>> from autodiffc.compiler.types import REAL
>>> r = ops.argument("r", REAL)
>>> [rewrite_literally(found, -(-r)) for found in EXACT_RULES if found.name == "neg-neg"]
[argument(, name=r, type=real): real]
"""

from __future__ import annotations

from collections.abc import Callable
from math import frexp, isfinite

from ... import ops
from ...ir import Node, const_value
from ...types import broadcast
from ..pattern import Binding, Rule, pattern_variable, rule, scalar_variable

x, y = map(pattern_variable, "xy")
s, t = map(scalar_variable, "st")


def _power_of_two(node: Node) -> bool:
    value = const_value(node)
    return isinstance(value, float) and value != 0.0 and isfinite(value) and abs(frexp(value)[0]) == 0.5


def _constants(b: Binding) -> bool:
    """c * (d * x) rounds once and not twice only if a factor is a power of two."""
    return isinstance(const_value(b.s), float) and isinstance(const_value(b.t), float) and (
        _power_of_two(b.s) or _power_of_two(b.t)
    )  # fmt: skip


def _power_of_two_below(b: Binding) -> bool:
    return _constants(b) and _power_of_two(b.t)


def _negative(b: Binding) -> bool:
    value = const_value(b.s)
    return isinstance(value, float) and value < 0.0


def _scalars(b: Binding) -> bool:
    """Whether s and t are scalars and x is none; or constants where all are scalars."""
    if b.s.rank or b.t.rank:
        return False
    return b.x.rank > 0 or (_two_constants(b) and const_value(b.x) is None)


def _two_constants(b: Binding) -> bool:
    return const_value(b.s) is not None and const_value(b.t) is not None


def _scalar_factor(b: Binding) -> bool:
    return b.s.rank == 0 and (b.x.rank > 0 or const_value(b.s) is not None)


def _moves_out(negated: Node, other: Node) -> bool:
    """A sign is taken out of a product, but not from what is smaller than that: there it costs least."""
    constant = const_value(negated) is not None or const_value(other) is not None
    return not constant and negated.shape == broadcast(negated.shape, other.shape)


def _is_other_than_zero(node: Node) -> bool:
    return const_value(node) not in (None, 0.0)


def _exact(name: str, left: Node, right: Node, *, where: Callable[[Binding], bool] | None = None) -> Rule:
    return rule(name, left, right, kind="exact", where=where)


EXACT_RULES: tuple[Rule, ...] = (
    _exact("times-one", x * 1.0, x),
    _exact("over-one", x / 1.0, x),
    _exact("power-one", x**1.0, x),
    _exact("times-minus-one", x * -1.0, -x),
    _exact("over-minus-one", x / -1.0, -x),
    _exact("minus-zero", x - 0.0, x, where=lambda b: str(const_value(b.root.args[1])) == "0.0"),
    _exact("neg-neg", ops.neg(-x), x),
    _exact("add-neg", x + (-y), x - y),
    _exact("sub-neg", x - (-y), x + y),
    _exact("neg-times-neg", (-x) * (-y), x * y),
    _exact("neg-over-neg", (-x) / (-y), x / y),
    _exact("square", x * x, ops.square(x)),
    _exact("neg-square", (-x) * x, -ops.square(x)),
    _exact("neg-over-constant", (-x) / s, x / (-s), where=lambda b: isinstance(const_value(b.s), float)),
    _exact("square-abs", ops.square(ops.abs(x)), ops.square(x)),
    _exact("square-neg", ops.square(-x), ops.square(x)),
    _exact("abs-neg", ops.abs(-x), ops.abs(x)),
    _exact("constant-factors", s * (t * x), (s * t) * x, where=_constants),
    _exact("constant-divisor", (s * x) / t, (s / t) * x, where=_power_of_two_below),
    _exact("negative-factor", s * (-x), (-s) * x, where=lambda b: const_value(b.s) is not None),
    _exact("add-negative-multiple", x + s * y, x - (-s) * y, where=_negative),
    _exact("sub-negative-multiple", x - s * y, x + (-s) * y, where=_negative),
    _exact("gate-of-all", ops.gate(x, True), x),
)

_TIDY = frozenset(["neg-neg", "constant-factors", "constant-divisor", "times-one"])

# R30, exponents that have ops of their own; and what tidies the results of stability rules.
CANONICAL_RULES: tuple[Rule, ...] = (
    *(found for found in EXACT_RULES if found.name in _TIDY),
    _exact("power-two", x**2.0, ops.square(x)),
    _exact("power-half", x**0.5, ops.sqrt(x)),
    _exact("power-minus-one", x**-1.0, ops.reciprocal(x)),
)

ADJOINT_RULES: tuple[Rule, ...] = (
    rule("scalars-first", s * (t * x), (s * t) * x, where=_scalars),
    rule("scalars-over", s * (x / t), (s / t) * x, where=lambda b: _scalars(b) and const_value(b.s) != 1.0),
    rule("scalar-divisor", (s * x) / t, (s / t) * x, where=_scalars),
    rule("scalar-divisors", (x / s) / t, x / (s * t), where=_scalars),
    rule("times-reciprocal", x * (1.0 / y), x / y, where=lambda b: b.y.rank == 0),
    rule("reciprocal-scaled", s * (t / y), (s * t) / y, where=_two_constants),
    rule("constants-over", s * (x / (t * y)), (s / t) * (x / y), where=_two_constants),
    rule("scalars-first-in-product", s * ((t * x) * y), ((s * t) * x) * y, where=_scalars),
    rule("scalars-first-in-quotient", s * ((t * x) / y), ((s * t) * x) / y, where=_scalars),
    rule("neg-scaled-in-product", -((s * x) * y), ((-s) * x) * y, where=_scalar_factor),
    rule("neg-scaled-in-quotient", -((s * x) / y), ((-s) * x) / y, where=_scalar_factor),
    rule("neg-scaled", -(s * x), (-s) * x, where=_scalar_factor),
    rule("neg-over", -(s / x), (-s) / x, where=_scalar_factor),
    rule("neg-over-scalar", -(x / s), x / (-s), where=_scalar_factor),
    rule("neg-sub", -(x - y), y - x),
    rule("neg-factor", (-x) * y, -(x * y), where=lambda b: _moves_out(b.x, b.y)),
    rule("neg-dividend", (-x) / y, -(x / y), where=lambda b: _moves_out(b.x, b.y)),
    rule("neg-divisor", x / (-y), -(x / y), where=lambda b: _moves_out(b.y, b.x)),
    rule("twice", x + x, 2.0 * x),
    rule("double-angle", (x * ops.sin(0.5 * y)) * ops.cos(0.5 * y), (0.5 * x) * ops.sin(y)),
    rule("zero-first", 0.0 + x, x, where=lambda b: b.x.type == b.root.type),
    rule("masked-itself", ops.masked(-x, x), -x),
    rule("masked-by-negative", ops.masked(y, -x), ops.masked(y, x)),
    rule("masked-by-constant", ops.masked(x, s), x, where=lambda b: _is_other_than_zero(b.s)),
)
