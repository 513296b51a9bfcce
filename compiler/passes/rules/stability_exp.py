"""Stability rules around exponentials: softmax, sigmoid, softplus, logsumexp, the hyperbolic functions.

>>> from autodiffc.compiler.passes.pattern import apply_rules
>>> from autodiffc.compiler.types import REAL
>>> u = ops.argument("u", REAL)
>>> apply_rules(EXPONENTIAL_RULES, 1.0 / (1.0 + exp(-u)))
sigmoid(argument): real
"""

from __future__ import annotations

from collections.abc import Callable
from math import log as log_of

from ... import ops
from ...ir import Node, const
from ...ops.reduce import reduced_count
from ..pattern import Binding, Rule, attribute_variable, pattern_variable, rule
from ..terms import build_product, negated
from ..views import MOVES, Views

x, y, rows = map(pattern_variable, ("x", "y", "rows"))
axis, keepdims, last = map(attribute_variable, ("axis", "keepdims", "last"))
exp, log, sigmoid, softplus, sinh, cosh = ops.exp, ops.log, ops.sigmoid, ops.softplus, ops.sinh, ops.cosh


def _reduced(op: str, argument: Node) -> Node:
    return ops.OPS[op](argument, axis=axis, keepdims=keepdims)


def _picked(argument: Node) -> Node:
    return ops.gather(argument, rows, y, index=(("array", 0), ("array", 1)))


# --- softmax and logsumexp -------------------------------------------------------------------------


def _softmax(b: Binding) -> Node | None:
    """exp(x) / sum(exp(x)); over several axes by logsumexp."""
    if not b.aligned or not b.axis:
        return None
    if len(b.axis) == 1:
        return ops.softmax(b.x, axis=b.axis[0])
    return exp(b.x - ops.logsumexp(b.x, axis=b.axis, keepdims=True))


def _log_softmax(b: Binding) -> Node | None:
    """x - logsumexp(x)."""
    return ops.log_softmax(b.x, axis=b.axis[0]) if b.aligned and len(b.axis) == 1 else None


def _minus_log_softmax(b: Binding) -> Node | None:
    result = _log_softmax(b)
    return None if result is None else negated(result)


def through_moves(node: Node, function: Callable[[Node], Node | None]) -> Node | None:
    """A function of what is below ops that only move elements, with these put on its result."""
    moves = []
    while node.op.name in MOVES:
        moves.append(node)
        node = node.args[0]
    result = function(node)
    for move in reversed(moves if result is not None else []):
        assert result is not None
        result = move.with_args((result, *move.args[1:]))
    return result


def _log_of_softmax(node: Node) -> Node | None:
    return ops.log_softmax(node.args[0], axis=node["axis"]) if node.op.name == "softmax" else None


def _label_of_each_row(b: Binding) -> bool:
    """x[arange(N), y] of a matrix: the softmax of a row, at its label."""
    rows = b.rows
    in_order = rows.op.name == "arange" and rows["start"].known == 0 and rows["step"] == 1
    return in_order and b.x.rank == 2 and b.axis in (1, (1,)) and rows["count"] == b.x.shape[0]


def _shifted_by_max(b: Binding) -> bool:
    return bool(b.aligned and b.last in b.axis)


def _log_of_exponentials(b: Binding) -> Node | None:
    """log(exp(a) + 2*exp(b) + sum(exp(c)) + …): each term as an exponential, the logs added."""
    total = b.views.sum(b.x)
    terms = [_log_of_term(c, t) for c, t in total.terms]
    if total.constant:
        terms.insert(0, const(log_of(total.constant)) if total.constant > 0.0 else None)
    if not total.terms or None in terms:
        return None
    result, *others = (t for t in terms if t is not None)
    for other in others:
        result = ops.logaddexp(result, other)
    return result


def _log_of_term(coefficient: float, term: Node) -> Node | None:
    """log(coefficient * term) of an exponential, or of a sum or mean of exponentials."""
    if not coefficient > 0.0:
        return None
    result = through_moves(term, _log_of_exponential)
    offset = log_of(coefficient)
    return result + offset if result is not None and offset else result


def _log_of_exponential(node: Node) -> Node | None:
    if node.op.name == "exp":
        return node.args[0]
    if node.op.name not in ("sum", "mean") or node.args[0].op.name != "exp":
        return None
    result: Node = ops.logsumexp(node.args[0].args[0], **dict(node.attrs))
    if node.op.name == "sum":
        return result
    return result - log(ops.dim_value(reduced_count(node.args[0], node["axis"])))


# --- halves ----------------------------------------------------------------------------------------


def halved(views: Views, node: Node) -> Node:
    """node / 2: u for 2*u."""
    product = views.product(node)
    return build_product(product.factor * 0.5, product.powers)


def _tanh_of_half(b: Binding) -> Node:
    return ops.tanh(halved(b.views, b.x))


EXPONENTIAL_RULES: tuple[Rule, ...] = (
    # R1
    rule("log-softmax", log(x), lambda b: through_moves(b.x, _log_of_softmax)),
    rule("log-inverse-softmax", log(_reduced("sum", exp(x)) / exp(x)), _minus_log_softmax),
    # R5; a maximum taken off beforehand is taken off anyway
    rule("softmax", exp(x) / _reduced("sum", exp(x)), _softmax),
    rule(
        "softmax-max",
        ops.softmax(x - _reduced("max", x), axis=last),
        ops.softmax(x, axis=last),
        where=_shifted_by_max,
    ),
    rule(
        "log-softmax-max",
        ops.log_softmax(x - _reduced("max", x), axis=last),
        ops.log_softmax(x, axis=last),
        where=_shifted_by_max,
    ),
    # R2
    rule("sub-logsumexp", x - _reduced("logsumexp", x), _log_softmax),
    # the same at labels is a cross-entropy
    rule(
        "picked-log-softmax",
        _picked(ops.log_softmax(x, axis=axis)),
        -ops.cross_entropy(x, y),
        where=_label_of_each_row,
    ),
    rule(
        "logsumexp-less-picked",
        _reduced("logsumexp", x) - _picked(x),
        ops.cross_entropy(x, y),
        where=_label_of_each_row,
    ),
    # R22, the quotients
    rule("sinh-cosh", sinh(x) / cosh(x), ops.tanh(x)),
    rule("exp-tanh", (exp(x) - 1.0) / (exp(x) + 1.0), _tanh_of_half),
    rule("sigmoid-tanh", 2.0 * sigmoid(x) - 1.0, _tanh_of_half),
    # R6
    rule("exp-sigmoid", exp(x) / (1.0 + exp(x)), sigmoid(x)),
    rule("exps-sigmoid", exp(x) / (exp(x) + exp(y)), sigmoid(x - y)),
    rule("sigmoid", 1.0 / (1.0 + exp(x)), sigmoid(-x)),
    rule("exp-times-sigmoid", exp(x) * sigmoid(-x), sigmoid(x)),
    # R7, R8
    rule("log-sigmoid", log(sigmoid(x)), -softplus(-x)),
    rule("log-one-minus-sigmoid", log(1.0 - sigmoid(x)), -softplus(x)),
    rule("one-minus-sigmoid", 1.0 - sigmoid(x), sigmoid(-x)),
    # R9, R12
    rule("softplus", log(1.0 + exp(x)), softplus(x)),
    rule("log1mexp", log(1.0 - exp(x)), ops.log1mexp(-x)),
    # R4, and log(exp(x)) of R17
    rule("log-of-exponentials", log(x), _log_of_exponentials),
    # R22
    rule("sinh", exp(x) - exp(-x), 2.0 * sinh(x)),
    rule("cosh", exp(x) + exp(-x), 2.0 * cosh(x)),
    # R17
    rule("exp-times-exp", exp(x) * exp(y), exp(x + y), where=lambda b: not b.views.same(b.x, b.y)),
    rule("exp-over-exp", exp(x) / exp(y), exp(x - y)),
    rule("one-over-exp", 1.0 / exp(x), exp(-x), where=lambda b: len(b.views.product(b.root).powers) == 1),
)
