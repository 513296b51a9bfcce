"""The check proves right gradients and catches wrong ones: for every op of the registry a rule is spoilt."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from autodiffc.api import Options, module_of, module_text
from autodiffc.compiler import sympy_check
from autodiffc.compiler.gradcheck import check
from autodiffc.compiler.ir import OPS, Graph, Node, NonDiff, Op
from autodiffc.compiler.model import Program
from op_examples import DIFFERENTIABLE, NO_DERIVATIVE, PLAIN, example


def verdicts(op: Op, program: Program) -> dict[str, str]:
    options = Options(numerics="precise" if op.name in PLAIN else "stable")
    module = module_of(module_text(program, options), program.name)
    return {row.name: row.verdict for row in check(program, module, seed=1).rows}


Parts = tuple["Node | None", ...]

SPOILT: dict[str, Callable[[Node], Node | None]] = {
    "scaled by 1.01": lambda part: 1.01 * part,
    "of the other sign": lambda part: -part,
    "dropped": lambda part: None,
}


@contextmanager
def ruled(op: Op, rule: Callable[..., Parts]) -> Iterator[None]:
    """The op with another rule."""
    own = op.vjp
    object.__setattr__(op, "vjp", rule)
    try:
        yield
    finally:
        object.__setattr__(op, "vjp", own)


@contextmanager
def spoilt(op: Op, position: int, change: Callable[[Node], Node | None]) -> Iterator[list[int]]:
    """The op with one part of its rule wrong; the list counts how often the wrong part was given."""
    rule, given = op.vjp, []
    assert not isinstance(rule, NonDiff)

    def wrong(g: Node, out: Node, *args: Node) -> Parts:
        parts = list(rule(g, out, *args))
        if all(part is None for part in parts) and args[position].type.kind == "real":
            parts[position] = g  # a piecewise constant op: the wrong rule lets the cotangent pass
            given.append(position)
        elif parts[position] is not None:
            parts[position] = change(parts[position])
            given.append(position)
        return tuple(parts)

    with ruled(op, wrong):
        yield given


def remembered(op: Op, evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """The reference of a graph, computed once at each point: without the op's rule, so for all its rules."""
    found: dict[bytes, Any] = {}

    def refused(g: Node, out: Node, *args: Node) -> Parts:
        raise AssertionError("the reference asks for the rule that it is to check")

    def reference(graph: Graph, *point: Any, **bounds: Any) -> Any:
        key = pickle.dumps((point, bounds))
        if key not in found:
            with ruled(op, refused):
                found[key] = evaluate(graph, *point, **bounds)
        return found[key]

    return reference


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_right_rule_passes_and_wrong_ones_are_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    op = OPS[name]
    program = example(op)
    monkeypatch.setattr(sympy_check, "evaluate", remembered(op, sympy_check.evaluate))
    right = verdicts(op, program)
    assert right
    assert set(right.values()) == {"ok"}
    (use,) = (node for node in program.graph.nodes() if node.op.name == PLAIN.get(name, name))
    caught = 0
    for position in range(len(use.args)):
        for how, change in SPOILT.items():
            with spoilt(op, position, change) as given:
                found = verdicts(op, program)
            if given:
                caught += 1
                assert "DIFFERS" in found.values(), f"part {position} of {name}'s rule {how} was not seen"
    assert caught, f"{name}'s rule was never asked: the example does not show it"


@pytest.mark.parametrize("name", sorted(NO_DERIVATIVE))
def test_an_op_without_an_example_has_no_derivative(name: str) -> None:
    rule = OPS[name].vjp
    assert not isinstance(rule, NonDiff)
    assert not any(rule(None, None, *OPS[name].params))
