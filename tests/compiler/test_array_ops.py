"""Every op on whole arrays of the registry: types, emitted texts, adjoints to second order, symbolic values.

A row of CASES names an op, its arguments (`int[M]<N`: ints below N) and its attributes. An op without a row
fails `test_every_op_has_a_case`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp
from array_cases import CASES, SIZES, Case, draw, parsed
from array_texts import run_texts
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import OPS, Array, Graph, Node, NonDiff
from autodiffc.compiler.passes.autodiff import differentiate
from autodiffc.compiler.passes.expand import Expand
from autodiffc.compiler.types import Type

# Ops of a model's own adjoints and assertions: test_own_adjoints.py, tests/codegen/test_assertions.py.
OWN = {"own_adjoint", "governed", "stop_gradient", "check", "after"}
# Loops and branches: tests/compiler/passes/test_structured.py.
STRUCTURED = {"loop", "item", "branch", "undefined", "tiled"}
# Derivatives as values: test_derivatives.py.
HELD = {"gradient", "directional", "named"}
LEAVES = {"argument", "const", "dim", "pattern", "random_mask"}
every_case = pytest.mark.parametrize("c", CASES, ids=str)


class Setup:
    """A case as a graph: the op's value, and the loss sum(u * value) with its gradient."""

    def __init__(self, c: Case):
        rng = np.random.default_rng(len(str(c)))
        self.inputs = tuple(ops.argument(f"a{k}", parsed(text)) for k, text in enumerate(c.arguments))
        self.node = ops.OPS[c.op](*self.inputs, **c.attrs) if self.inputs else OPS[c.op](**c.attrs)
        self.values: dict[str, Array] = {f"a{k}": draw(text, rng) for k, text in enumerate(c.arguments)}
        self.symmetric = {f"a{k}" for k, text in enumerate(c.arguments) if text.endswith("<definite")}
        self.reals = [f"a{k}" for k, a in enumerate(self.inputs) if a.type.kind == "real"]
        self.forward = Graph(self.inputs, (("y", self.node),))
        self.rng = rng

    def value(self) -> Array:
        return evaluate(self.forward, self.values, SIZES)["y"]

    @property
    def differentiable(self) -> bool:
        constant = isinstance(self.node.op.vjp, NonDiff) or self.node.op is ops.max_shift
        return bool(self.reals) and not constant

    def loss(self) -> Graph:
        u = ops.argument("u", Type("real", self.node.shape))
        self.values["u"] = self.rng.normal(size=np.shape(self.value()))
        weighted = total(u * self.node)
        graph = Graph((*self.inputs, u), (("L", weighted),))
        return differentiate(graph, "L", self.reals)

    def second(self) -> Graph:
        """The gradient of sum(v * gradient)."""
        first = self.loss()
        inputs, terms = list(first.inputs), []
        for name in self.reals:
            v = ops.argument(f"v_{name}", first.output(f"d_{name}").type)
            inputs.append(v)
            self.values[f"v_{name}"] = self.rng.normal(size=self.values[name].shape)
            terms.append(total(v * first.output(f"d_{name}")))
        directed = terms[0]
        for term in terms[1:]:
            directed = directed + term
        return differentiate(Graph(tuple(inputs), (("L", directed),)), "L", self.reals)


def total(x: Node) -> Node:
    return ops.sum(x, axis=tuple(range(x.rank)), keepdims=False)


def differences(graph: Graph, values_: dict[str, Array], name: str, symmetric: bool) -> Array:
    """Central differences of L with Richardson's extrapolation."""
    x = values_[name]
    result = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        slopes = []
        for h in (2e-3, 1e-3):
            step = np.zeros_like(x)
            step[place] = h
            if symmetric:
                step = 0.5 * (step + step.swapaxes(-1, -2))
            low, high = (evaluate(graph, {**values_, name: v}, SIZES)["L"] for v in (x - step, x + step))
            slopes.append((high - low) / (2 * h))
        result[place] = (4 * slopes[1] - slopes[0]) / 3
    return result


def agrees_with_differences(graph: Graph, setup: Setup) -> None:
    found = evaluate(graph, setup.values, SIZES)
    only_loss = Graph(graph.inputs, (("L", graph.output("L")),))
    for name in setup.reals:
        gradient = found[f"d_{name}"]
        expected = differences(only_loss, setup.values, name, name in setup.symmetric)
        assert gradient.shape == setup.values[name].shape
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        np.testing.assert_allclose(gradient, expected, rtol=1e-7, atol=2e-9 * scale)


def test_every_op_has_a_case() -> None:
    covered = {c.op for c in CASES}
    assert {
        op.name for op in OPS.values() if not op.elementwise
    } - LEAVES - OWN - HELD - STRUCTURED <= covered


@every_case
def test_type(c: Case) -> None:
    setup = Setup(c)
    value = setup.value()
    assert value.shape == tuple(d.evaluate(SIZES) for d in setup.node.shape)
    assert value.dtype.kind == {"real": "f", "int": "i", "bool": "b"}[setup.node.type.kind]


@every_case
def test_gradient(c: Case) -> None:
    setup = Setup(c)
    if setup.differentiable:
        agrees_with_differences(setup.loss(), setup)


@every_case
def test_second_derivative(c: Case) -> None:
    setup = Setup(c)
    if setup.differentiable:
        agrees_with_differences(setup.second(), setup)


@pytest.mark.parametrize("c", [c for c in CASES if c.linear], ids=str)
def test_adjoint_of_a_linear_op(c: Case) -> None:
    setup = Setup(c)
    found = evaluate(setup.loss(), setup.values, SIZES)
    inner = sum(np.vdot(setup.values[name], found[f"d_{name}"]) for name in setup.reals)
    np.testing.assert_allclose(inner, found["L"], rtol=1e-12, atol=1e-13)


# --- texts ---------------------------------------------------------------------------------------


@every_case
def test_text(c: Case) -> None:
    setup = Setup(c)
    result, expected = run_texts(setup.forward, setup.values, SIZES)["y"], setup.value()
    assert np.shape(result) == expected.shape
    np.testing.assert_allclose(np.asarray(result, float), expected.astype(float), rtol=1e-12, atol=1e-14)


@every_case
def test_texts_of_the_gradient(c: Case) -> None:
    setup = Setup(c)
    if not setup.differentiable:
        return
    graph = setup.second()
    result, expected = run_texts(graph, setup.values, SIZES), evaluate(graph, setup.values, SIZES)
    for name, value in expected.items():
        np.testing.assert_allclose(np.asarray(result[name], float), value, rtol=1e-10, atol=1e-11)


# --- symbols -------------------------------------------------------------------------------------

COMPARING = {"max", "min", "argmax", "argmin", "slogdet", "window_max"}  # symbols cannot be compared


def by_sympy(node: Node, arguments: list[Array]) -> Array:
    assert node.op.sympy is not None
    result = np.frompyfunc(lambda *xs: node.op.sympy(sp, *xs), len(arguments), 1)(*arguments)  # type: ignore[misc]
    return np.asarray(result, object)


@pytest.mark.parametrize("c", [c for c in CASES if c.op != "max_shift"], ids=str)  # of symbols it is 0
def test_symbolic_value(c: Case) -> None:
    setup = Setup(c)
    expanded = Expand().run(setup.forward)
    compares = any(node.op.name in COMPARING for node in expanded.nodes())
    if setup.node.type.kind != "real" or not setup.reals or compares:
        return
    symbols: dict[str, Array] = dict(setup.values)
    numbers: dict[Any, float] = {}
    for name in setup.reals:
        array = np.empty(setup.values[name].shape, object)
        for place in np.ndindex(array.shape):
            array[place] = sp.Symbol(f"{name}_{'_'.join(map(str, place))}", real=True)
            numbers[array[place]] = float(setup.values[name][place])
        symbols[name] = array
    result = evaluate(expanded, symbols, SIZES, by_sympy)["y"]
    found = [float(sp.sympify(e).xreplace(numbers)) for e in result.ravel()]
    np.testing.assert_allclose(found, setup.value().ravel(), rtol=1e-10, atol=1e-12)
