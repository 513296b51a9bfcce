"""Stability rules where digits cancel or squares overflow: log1p, expm1, hypot, var, differences of roots.

>>> from autodiffc.compiler.passes.pattern import apply_rules
>>> from autodiffc.compiler.types import REAL
>>> u, v = ops.argument("u", REAL), ops.argument("v", REAL)
>>> apply_rules(CANCELLATION_RULES, ops.sqrt(u * u + v**2.0))
hypot(argument, argument): real
"""

from __future__ import annotations

from ... import ops
from ...ir import Node
from ..pattern import Binding, Rule, attribute_variable, pattern_variable, rule
from ..reductions import reductions
from ..terms import build_sum
from ..views import Views
from .stability_exp import halved

x, y, p, q = map(pattern_variable, "xypq")
axis, keepdims, ddof = map(attribute_variable, ("axis", "keepdims", "ddof"))
exp, log, sqrt, square, cos = ops.exp, ops.log, ops.sqrt, ops.square, ops.cos


def _reduced(op: str, argument: Node, **attrs: object) -> Node:
    return ops.OPS[op](argument, axis=axis, keepdims=keepdims, **attrs)


def _positive(b: Binding, *names: str) -> bool:
    return all(b.interval(b.values[name])[0] >= 0.0 for name in names)


# --- roots of sums of squares ------------------------------------------------------------------------


def _root_of_squares(b: Binding) -> Node | None:
    """sqrt(x*x + y*y + …) by hypot."""
    total = b.views.sum(b.x)
    roots = [_root(b.views, c, t) for c, t in total.terms]
    if total.constant or len(roots) < 2 or None in roots:
        return None
    result, *others = (r for r in roots if r is not None)
    for other in others:
        result = ops.hypot(result, other)
    return result


def _root(views: Views, coefficient: float, term: Node) -> Node | None:
    """What is squared."""
    if coefficient != 1.0:
        return None
    if term.op.name == "square":
        return term.args[0]
    product = views.product(term)
    if product.factor == 1.0 and len(product.powers) == 1 and product.powers[0][1] == 2:
        return product.powers[0][0]
    return None


def _norm_of_dot(b: Binding) -> Node | None:
    """sqrt(x @ x) of a vector."""
    if b.x.rank != 1:
        return None
    return ops.norm(b.x, axis=(0,), keepdims=False, ord=2)


# --- variance ----------------------------------------------------------------------------------------


def _variance_of_difference(b: Binding) -> Node | None:
    """mean(square(x - mean(x)))."""
    difference = b.x
    if difference.op.name != "sub":
        return None
    values, centre = difference.args
    for mean, aligned in reductions(centre, "mean"):
        if aligned and mean["axis"] == b.axis and b.views.same(mean.args[0], values):
            return ops.var(values, axis=b.axis, keepdims=b.keepdims, ddof=0)
    return None


# --- differences of roots ----------------------------------------------------------------------------


def _difference(views: Views, a: Node, b: Node) -> Node:
    """a - b without the terms that both have: 1 for (x + 1) - x."""
    left, right = views.sum(a), views.sum(b)
    terms = list(left.terms)
    kept = []
    for coefficient, term in right.terms:
        twin = next((t for t in terms if t[0] == coefficient and views.same(t[1], term)), None)
        if twin is None:
            kept.append((-coefficient, term))
        else:
            terms.remove(twin)
    if len(kept) == len(right.terms):
        return a - b
    return build_sum(left.constant - right.constant, [*terms, *kept])


def _difference_of_roots(b: Binding) -> Node:
    """(a - b) / (sqrt a + sqrt b), and 0 where both are 0."""
    difference, total = _difference(b.views, b.x, b.y), sqrt(b.x) + sqrt(b.y)
    apart = b.views.number(difference) not in (None, 0.0)
    if apart or b.interval(b.x)[0] > 0.0 or b.interval(b.y)[0] > 0.0:
        return difference / total
    return ops.where(ops.equal(total, 0.0), 0.0, difference / total)


def _square_of_sine(b: Binding) -> Node:
    return 2.0 * square(ops.sin(halved(b.views, b.x)))


def _no_quotient(b: Binding) -> bool:
    return all(exponent > 0 for _, exponent in b.views.product(b.x).powers)


CANCELLATION_RULES: tuple[Rule, ...] = (
    # R11; from a difference of logs only where both arguments are known to be in its domain
    rule("rel-entr", p * log(p / q), ops.rel_entr(p, q)),
    rule("rel-entr-inverse", p * log(q / p), -ops.rel_entr(p, q)),
    rule(
        "rel-entr-logs",
        p * (log(p) - log(q)),
        ops.rel_entr(p, q),
        where=lambda b: _positive(b, "p", "q"),
        kind="guarded",
    ),
    # R15
    rule("xlogx", x * log(x), ops.xlogy(x, x), kind="guarded"),
    # R14, and its kin over axes
    rule("sqrt-square", sqrt(square(x)), ops.abs(x)),
    rule("hypot", sqrt(x), _root_of_squares),
    rule("norm", sqrt(_reduced("sum", square(x))), _reduced("norm", x, ord=2)),
    rule("norm-dot", sqrt(ops.matmul(x, x)), _norm_of_dot),
    # R16
    rule("var", _reduced("mean", square(x)) - square(_reduced("mean", x)), _reduced("var", x, ddof=0)),
    rule("var-centred", _reduced("mean", square(x)), _variance_of_difference),
    rule("std", sqrt(_reduced("var", x, ddof=ddof)), _reduced("std", x, ddof=ddof)),
    # R23, R29: before the general log1p
    rule("arctanh", log((1.0 + x) / (1.0 - x)), 2.0 * ops.arctanh(x)),
    rule("arctanh-logs", log(1.0 + x) - log(1.0 - x), 2.0 * ops.arctanh(x)),
    rule("arcsinh", log(x + sqrt(x * x + 1.0)), ops.arcsinh(x)),
    rule("logit", log(p / (1.0 - p)), ops.logit(p)),
    rule("logit-logs", log(p) - log(1.0 - p), ops.logit(p)),
    rule("logit-inverse", log((1.0 - p) / p), -ops.logit(p)),
    rule("logit-odds", log(1.0 / p - 1.0), -ops.logit(p)),
    # R27
    rule(
        "log-prod",
        log(_reduced("prod", x)),
        _reduced("sum", log(x)),
        where=lambda b: _positive(b, "x"),
        kind="guarded",
    ),
    # R13
    rule("one-minus-cos", 1.0 - cos(x), _square_of_sine),
    # R18, R28
    rule("difference-of-squares", square(x) - square(y), (x - y) * (x + y)),
    rule("difference-of-roots", sqrt(x) - sqrt(y), _difference_of_roots),
    # what hides another rule's pattern in a reciprocal
    rule("log-reciprocal", log(1.0 / x), -log(x), where=_no_quotient),
    # R10
    rule("expm1", exp(x) - 1.0, ops.expm1(x)),
    rule("log1p", log(1.0 + x), ops.log1p(x)),
)
