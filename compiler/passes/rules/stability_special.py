"""Stability rules around the error function: complements, logarithms of tails, gelu.

>>> from autodiffc.compiler.passes.pattern import apply_rules
>>> from autodiffc.compiler.types import REAL
>>> u = ops.argument("u", REAL)
>>> apply_rules(SPECIAL_RULES, 1.0 - erf(u))
erfc(argument): real
"""

from __future__ import annotations

from math import log as log_of
from math import sqrt

from ... import ops
from ...ir import Node
from ..pattern import Binding, Rule, pattern_variable, rule

x, y = pattern_variable("x"), pattern_variable("y")
erf, erfc, log, log_erfc, ndtr = ops.erf, ops.erfc, ops.log, ops.log_erfc, ops.ndtr


def _log_of_tail(b: Binding) -> Node | None:
    """log(c * erfc(x)) for a number c above 0."""
    product = b.views.product(b.x)
    if len(product.powers) != 1 or not product.factor > 0.0:
        return None
    base, exponent = product.powers[0]
    if base.op.name != "erfc" or exponent != 1:
        return None
    tail = log_erfc(base.args[0])
    return tail + log_of(product.factor) if product.factor != 1.0 else tail


# -x / sqrt(2) in the ways to write it; 1 / sqrt(2) and sqrt(1 / 2) round differently.
_SCALED = (-x / sqrt(2.0), -sqrt(0.5) * x, -1.0 / sqrt(2.0) * x)

SPECIAL_RULES: tuple[Rule, ...] = (
    # R19
    rule("one-minus-erf", 1.0 - erf(x), erfc(x)),
    rule("one-plus-erf", 1.0 + erf(x), erfc(-x)),
    rule("minus-times-erf", x - x * erf(y), x * erfc(y)),
    rule("plus-times-erf", x + x * erf(y), x * erfc(-y)),
    rule("one-minus-erfc", 1.0 - erfc(x), erf(x)),
    rule("two-minus-erfc", 2.0 - erfc(x), erfc(-x)),
    rule("one-minus-ndtr", 1.0 - ndtr(x), ndtr(-x)),
    # R20
    rule("log-one-minus-erf", log(1.0 - erf(x)), log_erfc(x)),
    rule("log-one-plus-erf", log(1.0 + erf(x)), log_erfc(-x)),
    rule("log-ndtr", log(ndtr(x)), log_erfc(-sqrt(0.5) * x) - log_of(2.0)),
    rule("log-erfc", log(x), _log_of_tail),
    # R21
    *(rule(f"gelu-{i}", x * erfc(scaled), 2.0 * ops.gelu(x)) for i, scaled in enumerate(_SCALED)),
    rule("gelu-ndtr", x * ndtr(x), ops.gelu(x)),
)
