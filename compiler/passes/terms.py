"""Terms of sums and factors of products: exact arithmetic of their coefficients, and nodes made of them.

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import REAL
>>> a, b = ops.argument("a", REAL), ops.argument("b", REAL)
>>> build_sum(0.0, [(-1.0, a), (1.0, b)])
sub(argument, argument): real
>>> times(2.0, 0.1), times(0.1, 0.1)
(0.2, None)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import isfinite

from autodiffc.grammar.records import record

from ..ir import OPS, Node, const

Term = tuple[float, Node]
Power = tuple[Node, int]


@record(frozen=True)
class Sum:
    """constant + Σ coefficient * node."""

    constant: float
    terms: tuple[Term, ...]


@record(frozen=True)
class Product:
    """factor * Π node ** exponent."""

    factor: float
    powers: tuple[Power, ...]


def exact(value: float, of: Fraction | None) -> float | None:
    """The value, if it is finite and equals the fraction."""
    return value if of is not None and isfinite(value) and Fraction(value) == of else None


def times(a: float, b: float) -> float | None:
    """a * b where that does not round."""
    if a in (1.0, -1.0) or b in (1.0, -1.0):
        return a * b
    return exact(a * b, Fraction(a) * Fraction(b)) if isfinite(a) and isfinite(b) else None


def plus(a: float, b: float) -> float | None:
    """a + b where that does not round."""
    if a == 0.0 or b == 0.0:
        return a + b
    return exact(a + b, Fraction(a) + Fraction(b)) if isfinite(a) and isfinite(b) else None


def inverse(a: float) -> float | None:
    """1 / a where that does not round."""
    return exact(1.0 / a, 1 / Fraction(a)) if a and isfinite(a) else None


def raised(factor: float, scale: float, exponent: int) -> float | None:
    """factor * scale ** exponent where that does not round."""
    step = scale if exponent > 0 else inverse(scale)
    result: float | None = factor
    for _ in range(abs(exponent)):
        result = None if step is None or result is None else times(result, step)
    return result


def remaining(base: Node, exponent: int) -> tuple[Power, ...]:
    return ((base, exponent),) if exponent else ()


def ratio(a: float, b: float) -> float | None:
    """a / b where that does not round."""
    if b in (1.0, -1.0):
        return a * b
    if a == b:
        return 1.0
    whole = inverse(b)
    return None if whole is None else times(a, whole)


# --- nodes -------------------------------------------------------------------------------------------


def negated(node: Node) -> Node:
    """-node, written as plainly as it can be."""
    name, args = node.op.name, node.args
    if name == "neg":
        return args[0]
    if name == "const" and isinstance(node["value"], (int, float)) and not isinstance(node["value"], bool):
        return const(-node["value"])
    if name == "sub":
        return args[1] - args[0]
    if name in ("mul", "div") and args[0].op.name in ("neg", "const"):
        return node.op(negated(args[0]), args[1])
    return -node


def scaled(coefficient: float, node: Node) -> Node:
    if coefficient == 1.0:
        return node
    return negated(node) if coefficient == -1.0 else coefficient * node


def build_sum(constant: float, terms: Iterable[Term]) -> Node:
    """constant + Σ coefficient * node, with differences where signs are negative."""
    parts = list(terms)
    if parts and parts[0][0] < 0.0:  # a positive term first reads better: b - a, not -a + b
        first = next((i for i, (c, _) in enumerate(parts) if c > 0.0), None)
        if first is not None and not constant > 0.0:
            parts.insert(0, parts.pop(first))
    total = const(constant) if constant or not parts else None
    for coefficient, node in parts:
        if total is None:
            total = scaled(coefficient, node)
        else:
            size = scaled(abs(coefficient), node)
            total = total + size if coefficient > 0.0 else total - size
    assert total is not None
    return total


def build_product(factor: float, powers: Sequence[Power]) -> Node:
    """factor * Π node ** exponent, as one fraction."""
    above = [_power(base, exponent) for base, exponent in powers if exponent > 0]
    below = [_power(base, -exponent) for base, exponent in powers if exponent < 0]
    top = _chain(above)
    if factor not in (1.0, -1.0) or top is None:
        top = const(factor) if top is None else factor * top
        factor = 1.0
    bottom = _chain(below)
    result = top if bottom is None else top / bottom
    return result if factor == 1.0 else negated(result)


def _power(base: Node, exponent: int) -> Node:
    if exponent == 1:
        return base
    return OPS["square"](base) if exponent == 2 else base ** float(exponent)


def _chain(nodes: list[Node]) -> Node | None:
    total: Node | None = None
    for node in nodes:
        total = node if total is None else total * node
    return total


def with_rest(new: Node, rest: Product) -> Node:
    """The replacement times what is left of a product."""
    if not rest.powers:
        return scaled(rest.factor, new)
    above = [p for p in rest.powers if p[1] > 0]
    below = [p for p in rest.powers if p[1] < 0]
    return build_product(rest.factor, [*above, (new, 1), *below])
