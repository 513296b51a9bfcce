"""Arrays as numbers: every op that `Unroll` takes gives the same as on arrays, at the edges too."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from array_cases import CASES, SIZES, Case, draw, parsed
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import OPS, Array, Graph, Node, Op
from autodiffc.compiler.passes.unroll import Unroll, pays
from autodiffc.compiler.passes.unroll_small import MOVES, REDUCED, SUMS
from autodiffc.compiler.types import Dim, Kind, Type
from autodiffc.grammar.source import Source
from drawn import drawn_arguments
from hypothesis import given, settings
from hypothesis import strategies as st

TAKEN = MOVES | SUMS | REDUCED.keys()
STATIC = [c for c in CASES if c.op in TAKEN]
ELEMENTWISE = [op for op in OPS.values() if op.elementwise and op.domain]
EDGES = (np.inf, -np.inf, np.nan, 0.0, -0.0, 1.0)
TEXT = """
input x: real[3]
input y: real[2]
param W1: real[3, 4]
param b1: real[4]
param W2: real[4, 2]
param b2: real[2]
h = {activation}(x @ W1 + b1)
p = {outer}(h @ W2 + b2)
loss L = {loss}
"""
LOSSES = (
    "sum((p - y)**2)",
    "max(abs(p - y))",
    "mean(cross_entropy(p, softmax(y)))",
    "norm(p) + y[0]**2 * p[1]",
)


def numbers(value: Any) -> Any:
    """The same type or attribute with numbers in the place of dims."""
    if isinstance(value, Dim):
        return Dim.of(value.evaluate(SIZES))
    if isinstance(value, Type):
        return value.with_shape(tuple(map(numbers, value.shape)))
    return tuple(map(numbers, value)) if isinstance(value, tuple) else value


def same(graph: Graph, after: Graph, values: Mapping[str, Array]) -> None:
    expected, found = evaluate(graph, values, {}), evaluate(after, values, {})
    for name, _ in graph.outputs:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-13, atol=1e-14)


def is_unrolled(graph: Graph) -> bool:
    return not any(n.rank and n.op.name not in ("argument", "packed") for n in graph.nodes())


@pytest.mark.parametrize("c", STATIC, ids=str)
def test_a_static_op_on_arrays_is_one_on_numbers(c: Case) -> None:
    rng = np.random.default_rng(len(str(c)))
    inputs = tuple(ops.argument(f"a{k}", numbers(parsed(t))) for k, t in enumerate(c.arguments))
    values = {f"a{k}": draw(t, rng) for k, t in enumerate(c.arguments)}
    held: list[Node] = [ops.const(values[a["name"]]) if a.type.kind == "int" else a for a in inputs]
    node = OPS[c.op](*held, **{name: numbers(value) for name, value in c.attrs.items()})
    graph = Graph(inputs, (("y", node),))
    after = Unroll().run(graph)
    sizes = [int(np.prod([d.known or 0 for d in n.shape])) for n in (node, *inputs)]
    assert is_unrolled(after) or not all(0 < size <= 64 for size in sizes) or not inputs
    same(graph, after, values)


@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_an_elementwise_op_is_itself_on_each_element(op: Op) -> None:
    rng = np.random.default_rng(1)
    kinds: list[Kind] = [
        "bool" if d == (0.0, 1.0) and op.name in ("where", "gate", "gate_finite") else "real"
        for d in op.domain
    ]
    if "logical" in op.name:
        kinds = ["bool"] * len(op.params)
    inputs = tuple(ops.argument(p, Type(k, (Dim.of(3),))) for p, k in zip(op.params, kinds))
    attrs = {"n": 2} if op.name == "polygamma" else {}
    graph = Graph(inputs, (("y", op(*inputs, **attrs)),))
    after = Unroll().run(graph)
    assert is_unrolled(after)
    columns = {p: rng.uniform(low, high, 3) for p, (low, high) in zip(op.params, op.domain)}
    same(graph, after, {p: v > 0.5 if k == "bool" else v for (p, v), k in zip(columns.items(), kinds)})


@pytest.mark.parametrize("name", ["max", "min", "max_shift", "norm", "prod"])
def test_extremes_keep_nan_and_infinity(name: str) -> None:
    x = ops.argument("x", Type("real", (Dim.of(2), Dim.of(3))))
    graph = Graph(
        (x,), (("y", OPS[name](x, axis=(1,), keepdims=False, **({"ord": 2} if name == "norm" else {}))),)
    )
    after = Unroll().run(graph)
    for first, second in itertools.product(EDGES, repeat=2):
        same(graph, after, {"x": np.array([[first, second, 0.5], [1.0, first, second]])})


def test_what_is_not_small_or_static_stays() -> None:
    for shape in ((Dim.symbol("N"),), (Dim.of(1000),), (Dim.of(0),)):
        x = ops.argument("x", Type("real", shape))
        graph = Graph((x,), (("y", ops.exp(x)),))
        assert [n.op.name for n in Unroll().run(graph).nodes()] == ["argument", "exp"]
        assert not pays(graph)


def test_one_call_on_arrays_is_quicker_than_many_numbers() -> None:
    x = ops.argument("x", Type("real", (Dim.of(30),)))
    assert not pays(Graph((x,), (("y", ops.exp(x)),)))


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["sigmoid", "tanh", "relu", "softplus", "silu"]),
    st.sampled_from(["sigmoid", "softmax", "tanh"]),
    st.sampled_from(LOSSES),
    st.sampled_from(["float64", "float32"]),
    st.integers(0, 10**6),
    st.sampled_from([1.0, 30.0, 1e3]),
)
def test_small_models_are_the_same_at_all_levels(
    activation: str, outer: str, loss: str, dtype: str, seed: int, scale: float
) -> None:
    text = TEXT.format(activation=activation, outer=outer, loss=loss)
    rng = np.random.default_rng(seed)
    shapes = ((3,), (2,), (3, 4), (4,), (4, 2), (2,))
    arguments = [scale * rng.normal(size=shape) for shape in shapes]
    exact, *others = (
        module_of(module_text(program_of(Source("m.dsl", text)), Options(level=level, dtype=kind)), "m")
        for level, kind in ((0, "float64"), (1, dtype), (2, dtype))
    )
    with np.errstate(all="ignore"):
        value, grads = exact.value_and_grad(*arguments)
        for module in others:
            close = (
                {"rtol": 1e-11, "atol": 1e-11}
                if dtype == "float64"
                else {"rtol": 5e-2, "atol": 1e-3 * scale**2}
            )
            found, gradients = module.value_and_grad(*arguments)
            np.testing.assert_allclose(found, value, **close)
            for a, b in zip(gradients, grads):
                assert a.dtype == np.dtype(dtype)
                np.testing.assert_allclose(a, b, **close)
            outputs, cache = module.forward(*arguments)
            assert found == outputs.L or np.isnan(found)
            for a, b in zip(module.backward(cache), grads):
                np.testing.assert_allclose(a, b, **close)


def test_results_are_the_callers_own() -> None:
    text = TEXT.format(activation="tanh", outer="tanh", loss=LOSSES[0])
    module = module_of(module_text(program_of(Source("m.dsl", text)), Options(level=2)), "m")
    arguments = [np.ones(shape) for shape in ((3,), (2,), (3, 4), (4,), (4, 2), (2,))]
    _, first = module.value_and_grad(*arguments)
    kept = [g.copy() for g in first]
    _, second = module.value_and_grad(*(2.0 * a for a in arguments))
    for gradient in second:
        gradient += 1.0  # they are writable, and nothing else's memory
    for a, b in zip(first, kept):
        np.testing.assert_array_equal(a, b)
    assert all(np.all(a == 1.0) for a in arguments)


@pytest.mark.parametrize("level", [1, 2])
def test_whatever_numpy_takes_is_taken_and_the_rest_refused(level: int) -> None:
    text = "param w: real[3]\ninput x: real[2, 3]\nloss L = sum((x @ w)**2)\n"
    module = module_of(module_text(program_of(Source("m.dsl", text)), Options(level=level)), "m")
    x, w = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 3.0])
    value, grads = module.value_and_grad(x, w)
    for others in (
        ([[0, 1, 2], [3, 4, 5]], [1, 2, 3]),
        (x.astype(np.float32), w.astype(int)),
        (np.asfortranarray(x), w[::-1][::-1]),
        (x.astype(">f8"), w),
    ):
        found, gradients = module.value_and_grad(*others)
        assert found == value
        np.testing.assert_array_equal(gradients.w, grads.w)
    for wrong in ((x, w[:2]), (x[0], w), (x[None], w), (x, w[None]), (x, 1.0), (x.T, w)):
        with pytest.raises(ValueError, match="expected"):
            module.value_and_grad(*wrong)
    for wrong in ((x, w * 1j), (np.ma.masked_array(x), w), (x, "abc")):
        with pytest.raises(TypeError, match="expected"):
            module.value_and_grad(*wrong)


LOOPS = {
    "particle": """
        dim T
        input force: real[T, 3]
        param p0, v0: real[3]
        param k: real
        p = p0
        v = v0
        cost = 0.0
        for t in range(T):
            v = v + 0.01 * (force[t] - k * p - 0.1 * v * norm(v))
            p = p + 0.01 * v
            cost = cost + sum(p**2)
        loss L = cost
    """,
    "filter": """
        dim T
        input z: real[T]
        param F, Q: real[2, 2]
        s = zeros(2)
        P = eye(2)
        total = 0.0
        for t in range(T):
            s = F @ s
            P = F @ P @ F.T + Q @ Q.T
            S = P[0, 0] + 0.1
            K = P[:, 0] / S
            e = z[t] - s[0]
            s = s + K * e
            P = P - outer(K, P[0, :])
            total = total + log(S) + e * e / S
        loss L = total
    """,
    "chain": """
        dim T
        input x: real[T, 3]
        param A: real[3, 3]
        alpha = softmax(A[0])
        total = 0.0
        t = 0
        while t < T and total > -50.0:
            q = (alpha @ softmax(A, axis=1)) * exp(x[t])
            c = sum(q)
            alpha = q / c
            total = total + log(c)
            t = t + 1
        loss L = -total
    """,
}


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("steps", [0, 1, 7])
def test_loops_carry_numbers(name: str, steps: int) -> None:
    program = program_of(Source("m.dsl", textwrap.dedent(LOOPS[name])))
    arguments = drawn_arguments(program, {"T": steps}, seed=1, high=1.0)
    plain, quick = (module_of(module_text(program, Options(level=level)), "m") for level in (0, 2))
    assert "tolist()" in module_text(program, Options(level=2)) or not steps
    value, grads = plain.value_and_grad(**arguments)
    found, gradients = quick.value_and_grad(**arguments)
    outputs, cache = quick.forward(**arguments)
    np.testing.assert_allclose(found, value, rtol=1e-12)
    assert found == outputs.L
    for wanted, direct, kept in zip(grads, gradients, quick.backward(cache)):
        np.testing.assert_allclose(direct, wanted, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(kept, wanted, rtol=1e-9, atol=1e-12)


def test_what_is_put_into_a_gradient_is_not_added_to_zeros() -> None:
    text = "param x: real[4]\nloss f = (x[1] - x[0]**2)**2 + sin(x[2]) * x[1] + x[0]\n"
    program = program_of(Source("m.dsl", text))
    quick = module_text(program, Options(level=2))
    assert "0.0 +" not in quick
    assert "+ 0.0" not in quick
    x = np.array([0.3, -0.0, 1.5, 2.0])
    for level in (0, 2):
        _, grads = module_of(module_text(program, Options(level=level)), "m").value_and_grad(x)
        slopes = [1.0 + 4 * 0.3**3, -2 * 0.3**2 + np.sin(1.5), 0.0, 0.0]
        np.testing.assert_allclose(grads.x, slopes, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_norm_of_numbers_is_one_at_the_edges(size: int) -> None:
    x = ops.argument("x", Type("real", (Dim.of(size),)))
    graph = Graph((x,), (("y", ops.norm(x, axis=(0,), keepdims=False, ord=2)),))
    after = Unroll().run(graph)
    for values in itertools.product((-0.0, -2.0, 3.0, np.inf, -np.inf, np.nan), repeat=size):
        same(graph, after, {"x": np.array(values)})
