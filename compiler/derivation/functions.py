"""How elementwise ops are written: `square(x)` as x², `gate(g, c)` as g·1[c].

A rule gets the arguments' formulas and which of them are arrays taken as wholes; it gives the op's formula,
or None where that has no notation for whole arrays and has to be written element by element.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..interp import DTYPES, apply
from ..ir import Array, Node
from .algebra import added, is_number, negated, quotient, times
from .tree import ONE, Between, Call, Cases, Formula, Indicator, Logic, Number, Power, Relation, Root

Args = Sequence[Formula]
Wide = Sequence[bool]
Rule = Callable[[Args, Wide], "Formula | None"]
RULES: dict[str, Rule] = {}

# Functions that are not called what the op is called.
CALLED = {
    "maximum": "max", "minimum": "min", "sigmoid": "σ", "tight_sigmoid": "σ", "tight_tanh": "tanh",
    "digamma": "ψ", "ndtr": "Φ", "lgamma": "log Γ", "lbeta": "log B", "gelu_tanh": "gelu", "sign": "sign",
    "log_erfc": "log erfc", "exp_share": "softmax", "log_sigmoid": "log σ",
    "tight_log_softmax": "log_softmax", "tight_logsumexp": "logsumexp", "log_softmax": "log softmax",
    "diagonal": "diag", "put_diagonal": "diag", "log2": "log₂", "log10": "log₁₀",
}  # fmt: skip
RELATIONS = {
    "less": "<", "less_equal": "≤", "greater": ">", "greater_equal": "≥", "equal": "=", "not_equal": "≠",
}  # fmt: skip
OPPOSITE = {"<": "≥", "≤": ">", ">": "≤", "≥": "<", "=": "≠", "≠": "="}
TURNED = {">": "<", "≥": "≤"}
SAME = ("to_real", "nonnegative", "stop_gradient", "detached", "after", "governed", "masked", "in_training")


def elementwise(node: Node, args: Args, wide: Wide) -> Formula | None:
    """The formula of an elementwise op."""
    if node.op.name == "to_real" and node.args[0].type.kind == "bool":
        return Indicator(args[0])
    rule = RULES.get(node.op.name)
    if rule is not None:
        return rule(args, wide)
    return call(node, args)


def call(node: Node, args: Args, notes: tuple[str, ...] = ()) -> Call:
    """Any op as a function of its arguments."""

    def run(sizes: dict[str, int], *values: Array) -> Array:
        typed: list[Array] = [np.asarray(v, DTYPES[a.type.kind]) for v, a in zip(values, node.args)]
        return apply(node, typed, sizes)

    return Call(CALLED.get(node.op.name, node.op.name), tuple(args), notes, run)


def product(args: Args, wide: Wide) -> Formula:
    """Numbers before arrays; arrays element by element."""
    numbers = [a for a, flag in zip(args, wide) if not flag]
    arrays = [a for a, flag in zip(args, wide) if flag]
    if not arrays:
        return times(*numbers)
    return times(*numbers, times(*arrays, way="each"))


def opposite(condition: Formula) -> Formula:
    """The condition that holds where this one doesn't (NaN aside)."""
    if isinstance(condition, Relation):
        return Relation(OPPOSITE[condition.sign], condition.left, condition.right)
    if isinstance(condition, Logic) and condition.word == "not":
        return condition.conditions[0]
    return Logic("not", (condition,))


def _gate(args: Args, wide: Wide) -> Formula:
    return product((args[0], Indicator(args[1])), wide)


def _square(args: Args, wide: Wide) -> Formula:
    if any(wide):
        return times(args[0], args[0], way="each")
    return power(args[0], Number(2.0))


def power(base: Formula, exponent: Formula) -> Formula:
    if is_number(exponent, 1.0):
        return base
    if is_number(exponent, 0.5):
        return Root(base)
    if isinstance(exponent, Number) and exponent.value < 0:
        return quotient(ONE, power(base, Number(-exponent.value)))
    return Power(base, exponent)


def _power(args: Args, wide: Wide) -> Formula | None:
    return None if any(wide) else power(args[0], args[1])


def _div(args: Args, wide: Wide) -> Formula | None:
    return None if wide[1] else quotient(args[0], args[1])


def _number_only(rule: Callable[..., Formula], args: Args, wide: Wide) -> Formula | None:
    return None if any(wide) else rule(*args)


def _where(args: Args, wide: Wide) -> Formula | None:
    condition, then, otherwise = args
    if then == otherwise:
        return then
    if is_number(otherwise, 0.0):
        return product((then, Indicator(condition)), (wide[1], wide[0]))
    if is_number(then, 0.0):
        return product((otherwise, Indicator(opposite(condition))), (wide[2], wide[0]))
    return None if any(wide) else Cases(condition, then, otherwise)


def _compare(sign: str, args: Args, wide: Wide) -> Formula:
    left, right = args
    if isinstance(left, Call) and left.name == "relu" and is_number(right, 0.0):
        left = left.args[0]
    return Relation(sign, left, right)


def _division_or_zero(x: Formula, y: Formula) -> Formula:
    return Cases(Relation("≠", y, Number(0.0)), quotient(x, y), Number(0.0))


def _cross_entropy(x: Formula, y: Formula) -> Formula:
    """log(1 + exp(x)) − y x."""
    return added(Call("log", (added(ONE, Call("exp", (x,))),)), negated(times(y, x)))


def _both(first: Any, second: Any) -> Formula:
    """Two conditions; of a value between two others as one reads it, a < x and x < b."""
    related = isinstance(first, Relation) and isinstance(second, Relation)
    if related and first.left == second.left and first.sign in TURNED and second.sign in TURNED.values():
        first = Relation(TURNED[first.sign], first.right, first.left)
    return Logic("and", (first, second))


RULES.update(
    {
        "add": lambda args, wide: added(*args),
        "sub": lambda args, wide: added(args[0], negated(args[1])),
        "neg": lambda args, wide: negated(args[0]),
        "mul": product,
        "div": _div,
        "gate": _gate,
        "gate_finite": _gate,
        "square": _square,
        "power": _power,
        "where": _where,
        "shifted": lambda args, wide: added(args[0], negated(args[1])),
        "reciprocal": partial(_number_only, lambda x: quotient(ONE, x)),
        "sqrt": partial(_number_only, Root),
        "abs": partial(_number_only, lambda x: x if isinstance(x, Root) else Between("|", x, "|")),
        "floor": partial(_number_only, lambda x: Between("⌊", x, "⌋")),
        "ceil": partial(_number_only, lambda x: Between("⌈", x, "⌉")),
        "hypot": partial(
            _number_only, lambda x, y: Root(added(power(x, Number(2.0)), power(y, Number(2.0))))
        ),
        "expm1": lambda args, wide: added(Call("exp", (args[0],)), Number(-1.0)),
        "log1p": lambda args, wide: Call("log", (added(ONE, args[0]),)),
        "divide_or_zero": partial(_number_only, _division_or_zero),
        "logical_and": lambda args, wide: _both(*args),
        "bce_with_logits": partial(_number_only, _cross_entropy),
        "floordiv": partial(_number_only, lambda x, y: Between("⌊", quotient(x, y), "⌋")),
        "logical_or": lambda args, wide: Logic("or", tuple(args)),
        "logical_not": lambda args, wide: opposite(args[0]),
    }
)
RULES.update({op: partial(_compare, sign) for op, sign in RELATIONS.items()})
RULES.update({op: lambda args, wide: args[0] for op in SAME})
