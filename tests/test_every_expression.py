"""Every expression of the table, through the whole compiler: value and gradient at every level.

The gradient of a random weighting of the expression is compared with central differences of the naive
graph, which the interpreter evaluates without rewrites; the emitted levels are compared with each other.
"""

from __future__ import annotations

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler.interp import evaluate
from autodiffc.grammar.source import Source
from expressions import EXPRESSIONS, HEAD, SIZES, VALUES

WRT = ("x", "u", "v", "s")
REAL = [
    e
    for e, _ in EXPRESSIONS
    if e != "inf" and program_of(Source("m", f"{HEAD}output f = {e}\n")).graph.output("f").type.kind == "real"
]


def source(expression: str) -> Source:
    text = f"{HEAD}g = {expression}\noutput f = sum(g * g) / 2 + sum(cos(g + 0.2))\ngrad f wrt {', '.join(WRT)}\n"
    return Source("model.dsl", text)


@pytest.mark.parametrize("expression", REAL)
def test_value_and_gradient(expression: str) -> None:
    program = program_of(source(expression))
    arguments = [VALUES[a.name] for a in program.arguments]
    given = [a.copy() for a in arguments]
    results = []
    for level in (0, 1, 2):
        module = module_of(module_text(program, Options(level=level)), "model")
        value, grads = module.value_and_grad(*arguments)
        outputs, cache = module.forward(*arguments)
        assert outputs.f == value
        again = module.backward(cache)
        for a, b in zip(grads, again):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
        results.append((value, grads))
    for a, b in zip(arguments, given):
        np.testing.assert_array_equal(a, b)
    for value, grads in results[1:]:
        assert value == pytest.approx(results[0][0], rel=1e-13)
        for a, b in zip(grads, results[0][1]):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)
    _compare_with_differences(program.graph, results[1][0], results[1][1])


def _compare_with_differences(graph, value, grads) -> None:  # type: ignore[no-untyped-def]
    def f(arguments: dict[str, np.ndarray]) -> float:
        return float(evaluate(graph, arguments, SIZES)["f"])

    assert value == pytest.approx(f(VALUES), rel=1e-12)
    rounding = 1e-9 * (1.0 + abs(value))
    for name in WRT:
        gradient = np.asarray(getattr(grads, name))
        assert gradient.shape == VALUES[name].shape
        for place in np.ndindex(gradient.shape):
            near, far = (_difference(f, name, place, step) for step in (1e-5, 2e-5))
            slope = (4 * near - far) / 3
            assert gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-6 + rounding), (name, place)


def _difference(f, name, place, step) -> float:  # type: ignore[no-untyped-def]
    ends = []
    for sign in (1, -1):
        moved = VALUES[name].copy()
        moved[place] += sign * step
        ends.append(f({**VALUES, name: moved}))
    return (ends[0] - ends[1]) / (2 * step)
