"""Both sides of every rule, evaluated: exact rules bit by bit, the others in real arithmetic."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph, Node, const
from autodiffc.compiler.passes.compiled import AttributeVariable
from autodiffc.compiler.passes.pattern import (
    Binding,
    LiteralRules,
    Matcher,
    Rule,
    instantiate,
    pattern_variable,
    rule,
)
from autodiffc.compiler.passes.rules.algebra import ADJOINT_RULES, CANONICAL_RULES, EXACT_RULES
from autodiffc.compiler.passes.rules.stability import STABILITY_RULES
from autodiffc.compiler.passes.views import Views
from autodiffc.compiler.types import REAL, Dim, Type

N = Dim.symbol("N")
ATTRIBUTES = {"axis": (0,), "keepdims": True, "aligned": True, "last": 0, "ddof": 0}
SHAPES = {"matrix": (N, N)}
SPECIAL = [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 1e-310, 3e200, 0.1]
ORDINARY = [1.0, -1.5, 0.1, 3e50, -2e-50, 7.0, -0.3, 1e10, 1.1, -9.0]
CONSTANTS = (0.5, -4.0, 2.0)


def _variables(node: Node) -> set[str]:
    found = {node["name"]} if node.op.name == "pattern" else set()
    return found.union(*(_variables(a) for a in node.args))


# Rules whose replacement is a function look for more than their pattern says, and labels are no reals: their
# spellings test them.
PATTERNS = [
    rule for rule in STABILITY_RULES if isinstance(rule.right, Node) and "rows" not in _variables(rule.left)
]


def _bound(rule: Rule, nodes: dict[str, Node]) -> Binding:
    values: dict[str, Any] = {**ATTRIBUTES, **nodes}
    return Binding(values, _as_written(rule.left, values), Views(), lambda _: (0.1, 0.9))


def _as_written(pattern: Node, values: dict[str, Any]) -> Node:
    if pattern.op.name == "pattern":
        value: Node = values[pattern["name"]]
        return value
    if not pattern.is_pattern:
        return pattern
    attrs = {k: values[v.name] if isinstance(v, AttributeVariable) else v for k, v in pattern.attrs}
    return pattern.op(*(_as_written(a, values) for a in pattern.args), **attrs)


@pytest.mark.parametrize("rule", PATTERNS, ids=lambda rule: rule.name)
def test_stability_rules_hold_in_real_arithmetic(rule: Rule) -> None:
    names = sorted(_variables(rule.left))
    nodes = {name: ops.argument(name, Type("real", SHAPES.get(name, (N,)))) for name in names}
    rng = np.random.default_rng(3)
    arguments = {name: rng.uniform(0.1, 0.9, 5) for name in names}
    arguments["matrix"] = rng.uniform(0.1, 0.9, (5, 5)) + 3.0 * np.eye(5)
    binding = _bound(rule, nodes)
    right = instantiate(rule.right, binding)
    assert right is not None
    graph = Graph(tuple(nodes.values()), (("left", binding.root), ("right", right)))
    values = evaluate(graph, arguments, {"N": 5})
    left, found = np.broadcast_arrays(values["left"], values["right"])
    np.testing.assert_allclose(found, left, rtol=1e-12, atol=1e-14)


def _instances(rule: Rule) -> list[dict[str, Node]]:
    """Variables as scalars, arrays and constants, in every combination."""
    choices = (
        lambda name: ops.argument(name, REAL),
        lambda name: ops.argument(name, Type("real", (N,))),
        *(lambda name, c=c: const(c) for c in CONSTANTS),
    )
    names = sorted(_variables(rule.left))
    return [
        {name: make(name) for name, make in zip(names, combination)}  # type: ignore[operator]
        for combination in itertools.product(choices, repeat=len(names))
    ]


@pytest.mark.parametrize("rule", [*EXACT_RULES, *CANONICAL_RULES, *ADJOINT_RULES], ids=lambda rule: rule.name)
def test_algebraic_rules(rule: Rule) -> None:
    applied = 0
    for nodes in _instances(rule):
        root = _bound(rule, nodes).root
        right = LiteralRules([rule]).rewrite(root)
        if right is None:
            continue
        applied += 1
        inputs = tuple(n for n in nodes.values() if n.op.name == "argument")
        graph = Graph(inputs, (("left", root), ("right", right)))
        points = SPECIAL if rule.kind == "exact" else ORDINARY
        for shift in range(len(points)):
            arguments = {
                node["name"]: np.roll(points, shift * i)[: 10 if node.rank else 1].reshape(
                    10 if node.rank else ()
                )
                for i, node in enumerate(inputs, 1)
            }
            values = evaluate(graph, arguments, {"N": 10})
            _compare(rule, values["left"], values["right"])
    assert applied


def _compare(rule: Rule, left: np.ndarray, right: np.ndarray) -> None:
    if rule.kind != "exact":
        np.testing.assert_allclose(right, left, rtol=1e-15)
        return
    ordinary = ~((np.abs(left) < 1e-290) & (left != 0.0)) & ~(np.isinf(left) & np.isfinite(right))
    if rule.name not in ("constant-factors", "constant-divisor"):  # which may over- or underflow on the way
        ordinary = np.ones_like(ordinary)
    np.testing.assert_array_equal(right[ordinary], left[ordinary])
    signed = ordinary & ~np.isnan(left)
    np.testing.assert_array_equal(np.signbit(right)[signed], np.signbit(left)[signed])


def test_names_are_unique() -> None:
    for rules in (STABILITY_RULES, EXACT_RULES, ADJOINT_RULES):
        assert len({rule.name for rule in rules}) == len(rules)


def test_attribute_variables_are_known_to_the_test() -> None:
    attributes = {v.name for rule in STABILITY_RULES for v in _attributes(rule.left)}
    assert attributes <= set(ATTRIBUTES)


def _attributes(node: Node) -> set[AttributeVariable]:
    own = {value for _, value in node.attrs if isinstance(value, AttributeVariable)}
    return own.union(*(_attributes(a) for a in node.args))


def test_a_fraction_and_a_square_match_with_their_sign() -> None:
    """exp(-x / 2) is found with x = -u in exp(u / 2), and -square(x) not at all in square(u)."""
    u, x = ops.argument("u", REAL), pattern_variable("x")
    fraction = rule("fraction", ops.exp(-x / 2.0), ops.sin(x))
    for sign, name in ((-1.0, "argument"), (1.0, "neg")):
        found = Matcher().rewrite(fraction, ops.exp(sign * u / 2.0))
        assert found is not None
        assert found.args[0].op.name == name
    negative = rule("negative", ops.exp(-ops.square(x)), ops.sin(x))
    assert Matcher().rewrite(negative, ops.exp(-ops.square(u))) is not None
    assert Matcher().rewrite(negative, ops.exp(ops.square(u))) is None
