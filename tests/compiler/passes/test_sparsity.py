"""Patterns cover every derivative there is: of each op, of models, of random models; and are not larger than need be."""

from __future__ import annotations

import os
from random import Random
from typing import Any

import autodiffc
import numpy as np
import pytest
from array_cases import CASES, SIZES, Case, draw, parsed
from autodiffc.api import program_of
from autodiffc.compiler import ops
from autodiffc.compiler.ir import OPS, Array, Graph, NonDiff, Op
from autodiffc.compiler.ops.control import is_local
from autodiffc.compiler.passes.modes import trained
from autodiffc.compiler.passes.pipeline import prepare
from autodiffc.compiler.passes.sparsity import Extent, hessian_pattern, jacobian_pattern
from autodiffc.compiler.types import Dim, Type
from autodiffc.grammar.source import Source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pattern_checks import hessian, hessian_matrix, jacobian_patterns, jacobians, reals, weighted
from whole_checks import case_of
from whole_models import whole_model

# Ops whose patterns may hold more than a point shows: what is chosen by values, what is added up at places that only
# values tell, matrices whose elements aren't all used, and results that are constant where sizes are 1.
LARGER = {
    "max", "min", "scatter_add", "add_at", "put_flat", "take_flat", "fold", "fold_pad", "cholesky",
    "cofactors_adjoint", "cofactors", "linear_scan", "linspace", "softmax", "var", "std", "centred_squares",
    "put", "set_at", "window_max",
}  # fmt: skip


def of_case(case: Case) -> Graph:
    arguments = [ops.argument(f"x{i}", parsed(text)) for i, text in enumerate(case.arguments)]
    return Graph(tuple(arguments), (("y", OPS[case.op](*arguments, **case.attrs)),))


def values_of(case: Case, seed: int) -> dict[str, Array]:
    """Other reals for each seed, and the same ints."""
    rng, ints = np.random.default_rng(seed), np.random.default_rng(5)
    return {
        f"x{i}": draw(text, ints if text.startswith("int") else rng) for i, text in enumerate(case.arguments)
    }


DIFFERENTIABLE = [
    case
    for case in CASES
    if of_case(case).output("y").type.kind == "real"
    and reals(of_case(case))
    and not isinstance(OPS[case.op].vjp, NonDiff)
]


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
def test_ops_on_arrays(case: Case) -> None:
    graph, seen = of_case(case), dict[str, Any]()
    for seed in range(3):
        values = values_of(case, seed)
        for name, jacobian in jacobians(graph, "y", values, SIZES).items():
            seen[name] = seen.get(name, False) | (jacobian != 0.0)
    for name, pattern in jacobian_patterns(graph, "y", values, SIZES).items():
        assert not (seen[name] & ~pattern).any()
        if case.op not in LARGER:
            assert np.array_equal(pattern, seen[name])


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
def test_second_derivatives_of_ops_on_arrays(case: Case) -> None:
    graph = weighted(of_case(case), "y")
    wrt, rng = [name for name in reals(graph) if name != "u"], np.random.default_rng(3)
    shape = tuple(dim.evaluate(SIZES) for dim in of_case(case).output("y").shape)
    values = {**values_of(case, 0), "u": rng.normal(size=shape)}
    if sum(np.size(values[name]) for name in wrt) > 60:
        return
    found = hessian(graph, "L", wrt, values, SIZES)
    pattern = hessian_matrix(graph, "L", wrt, values, SIZES)
    assert not ((np.abs(found) > 1e-3) & ~pattern).any()
    if case.linear:
        assert not pattern.any()


ELEMENTWISE = [
    op
    for op in OPS.values()
    if op.elementwise and op.domain and not isinstance(op.vjp, NonDiff) and not op.name.startswith("logical_")
]


def elementwise_graph(op: Op) -> tuple[Graph, dict[str, Array]]:
    rng = np.random.default_rng(1)
    count, kinds = Dim.symbol("N"), ["real"] * len(op.params)
    if op.name in ("where", "gate", "gate_finite"):
        kinds[0 if op.name == "where" else 1] = "bool"
    values = {
        name: rng.uniform(max(low, -3.0), min(high, 3.0), SIZES["N"])
        for name, (low, high) in zip(op.params, op.domain)
    }
    values = {name: v < 0.5 if kind == "bool" else v for (name, v), kind in zip(values.items(), kinds)}
    types = [Type(kind, (count,)) for kind in kinds]  # type: ignore[arg-type]
    arguments = [ops.argument(name, type_) for name, type_ in zip(op.params, types)]
    return Graph(
        tuple(arguments), (("y", op(*arguments, **({"n": 1} if op is ops.polygamma else {}))),)
    ), values


@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_elementwise_ops(op: Op) -> None:
    graph, values = elementwise_graph(op)
    if graph.output("y").type.kind != "real" or not reals(graph):
        return
    for name, jacobian in jacobians(graph, "y", values, SIZES).items():
        pattern = jacobian_patterns(graph, "y", values, SIZES)[name]
        assert not ((jacobian != 0.0) & ~pattern).any()
        assert not (pattern & ~np.eye(SIZES["N"], dtype=bool)).any()
    scalar, wrt = weighted(graph, "y"), reals(graph)
    values = {**values, "u": np.ones(SIZES["N"])}
    found = hessian(scalar, "L", wrt, values, SIZES)
    assert not ((np.abs(found) > 1e-3) & ~hessian_matrix(scalar, "L", wrt, values, SIZES)).any()


# --- models --------------------------------------------------------------------------------------


def graph_of(text: str, level: int = 1) -> Graph:
    return prepare(trained(program_of(Source("model.dsl", text)).graph), level)


def elements(text: str, sizes: dict[str, int], level: int = 1, **ints: Any) -> dict[str, Any]:
    """Row by row the columns of the Jacobian of y by each param; a word where there is no list."""
    graph = graph_of(text, level)
    wrt = [a.name for a in program_of(Source("model.dsl", text)).params]
    found = {}
    for name, pattern in jacobian_pattern(graph, "y", wrt).items():
        if isinstance(pattern, Extent):
            found[name] = pattern.value
        else:
            param = next(node for node in graph.inputs if node["name"] == name)
            shapes = [[d.evaluate(sizes) for d in n.shape] for n in (graph.output("y"), param)]
            height, width = (int(np.prod(shape, dtype=int)) for shape in shapes)
            values = {name: np.asarray(value) for name, value in ints.items()}
            found[name] = matrix_rows(pattern, values, sizes, height, width)
    return found


def matrix_rows(
    pattern: Graph, values: dict[str, Array], sizes: dict[str, int], *shape: int
) -> list[list[int]]:
    from pattern_checks import matrix

    return [np.flatnonzero(row).tolist() for row in matrix(pattern, values, sizes, *shape)]


def test_elementwise_is_diagonal() -> None:
    found = elements("dim N\nparam x: real[N]\noutput y = 2 * relu(x) * sin(x)", {"N": 3})
    assert found == {"x": [[0], [1], [2]]}


BROYDEN = [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_broyden_by_slices(level: int) -> None:
    text = "dim N\nparam x: real[N]\noutput y = (3 - 2*x[1:-1])*x[1:-1] - x[:-2] - 2*x[2:] + 1"
    assert elements(text, {"N": 6}, level) == {"x": BROYDEN}


LOOP = """
dim N
param x: real[N]
var v: real[N]
for i in range(1, N - 1):
    v[i] = (3 - 2*x[i])*x[i] - x[i - 1] - 2*x[i + 1] + 1
output y = 2 * v
"""
EDGES = """
dim N
param x: real[N]
var v: real[N]
for i in range(N):
    r = (3 - 2*x[i])*x[i] + 1
    if i > 0:
        r = r - x[i - 1]
    if i < N - 1:
        r = r - 2*x[i + 1]
    v[i] = r
output y = v
"""


@pytest.mark.parametrize("level", [0, 1, 2])
def test_broyden_by_a_loop(level: int) -> None:
    assert elements(LOOP, {"N": 6}, level) == {"x": [[], *BROYDEN, []]}
    assert elements(EDGES, {"N": 6}, level) == {"x": [[0, 1], *BROYDEN, [4, 5]]}


BUNDLE = """
dim C, P, M
input obs: int[M, 2]
param cams: real[C, 11]
param points: real[P, 3]
param w: real[M]
c = cams[obs[:, 0]]
p = points[obs[:, 1]]
angle = sqrt(sum(c[:, :3]**2, axis=1))
turned = p - c[:, 3:6] + sin(angle)[:, None] * c[:, :3]
flat = turned[:, :2] / turned[:, 2:]
bent = flat * (1 + c[:, 9:10] * sum(flat**2, axis=1)[:, None] + c[:, 10:] * sum(flat**2, axis=1)[:, None]**2)
output y = w[:, None] * (bent * c[:, 6:7] + c[:, 7:9])
"""


def test_gathers() -> None:
    """As in bundle adjustment: each residual by one camera and one point."""
    obs = [[0, 2], [1, 0], [1, 3]]
    found = elements(BUNDLE, {"C": 2, "P": 4, "M": 3}, obs=obs)
    for row in range(6):
        camera, point = obs[row // 2]
        assert found["points"][row] == [3 * point + k for k in range(3)]
        shift = 8 - row % 2  # of the centre only the own coordinate
        assert found["cams"][row] == [11 * camera + k for k in range(11) if k != shift]
        assert found["w"][row] == [row // 2]


def test_gathers_list_each_index_once() -> None:
    pattern = jacobian_pattern(graph_of(BUNDLE), "y", ["cams", "points"])
    widths = {name: p.outputs[0][1].shape[-1].known for name, p in pattern.items() if isinstance(p, Graph)}
    assert widths == {"cams": 10, "points": 3}


def test_a_range_of_the_model_is_no_list_of_positions() -> None:
    """1, 2, … N is as an array what the positions of x are counted from 1, and stays what it is."""
    text = "dim N\nparam x: real[N]\noutput y = concatenate((x, x))[arange(1, N + 1)]"
    for level in (0, 1):
        assert elements(text, {"N": 3}, level) == {"x": [[1], [2], [0]]}


def test_dense_layers() -> None:
    text = (
        "dim N, D, H\ninput x: real[N, D]\nparam W: real[D, H]\nparam b: real[H]\noutput y = tanh(x @ W + b)"
    )
    found = elements(text, {"N": 2, "D": 2, "H": 3})
    assert found == {"W": [[0, 3], [1, 4], [2, 5]] * 2, "b": [[0], [1], [2]] * 2}


def test_a_chain_of_layers_depends_on_all_of_the_first() -> None:
    text = """
dim N, D
input x: real[N, D]
param U, V, W: real[D, D]
output y = softmax(tanh(tanh(x @ U) @ V) @ W)
"""
    assert elements(text, {"N": 3, "D": 2}) == {"U": "full", "V": "full", "W": "full"}


def test_batch() -> None:
    """Each example by itself."""
    text = "dim N, D\nparam x: real[N, D]\ninput A: real[D, D]\noutput y = softmax(x @ A)[:, 0]"
    assert elements(text, {"N": 3, "D": 2}) == {"x": [[0, 1], [2, 3], [4, 5]]}


def test_convolution() -> None:
    text = "param x: real[1, 1, 4, 4]\ninput k: real[2, 1, 2, 2]\noutput y = conv2d(x, k)[0, :, :2, 1]"
    windows = [[4 * i + j + 1 for i in (r, r + 1) for j in (0, 1)] for r in (0, 1)]
    assert elements(text, {}) == {"x": windows * 2}


def test_max_pool() -> None:
    text = "param x: real[1, 1, 4, 4]\noutput y = max_pool2d(x, 2)[0, 0, 0]"
    assert elements(text, {}) == {"x": [[0, 1, 4, 5], [2, 3, 6, 7]]}


def test_nothing_and_everything() -> None:
    text = "dim N\nparam a, b, c: real[N]\noutput y = floor(a) + sum(b) + stop_gradient(c)"
    assert elements(text, {"N": 2}) == {"a": "none", "b": "full", "c": "none"}


def test_adjoints_of_their_own_tell() -> None:
    """The value is a step function: what is differentiated is what the adjoint says."""
    text = """
dim N
param w: real[N]
def f(v):
    return round(v)
adjoint f(v, d_out):
    return {}
output y = f(w) * 2
"""
    assert elements(text.format("d_out * (abs(v) < 3)"), {"N": 3}) == {"w": [[0], [1], [2]]}
    assert elements(text.format("0 * v + sum(d_out)"), {"N": 3}) == {"w": "full"}
    assert elements(text.format("d_out[::-1]"), {"N": 3}) == {"w": "full"}


def test_recurrences_depend_on_all_that_went_in() -> None:
    text = """
dim T
param x: real[T]
param unused: real
var v: real[T]
h = 0.0
for t in range(T):
    h = tanh(h + x[t])
    v[t] = h
output y = v
"""
    assert elements(text, {"T": 3}) == {"x": "full", "unused": "none"}


def test_values_that_a_loop_carries_but_does_not_gather() -> None:
    """What is carried and read a step later is as exact as the rest."""
    text = """
dim T
param x: real[T]
var v: real[T]
last = 0.0
for t in range(T):
    v[t] = x[t] * last
    last = x[t]
output y = v
"""
    assert elements(text, {"T": 4}, 0) == {"x": [[0], [0, 1], [1, 2], [2, 3]]}


def test_branches_on_values_are_unions() -> None:
    text = """
dim N
param a, b: real[N]
if sum(a) > 0:
    v = a * b
else:
    v = b[::-1] * 1
output y = v
"""
    assert elements(text, {"N": 3}) == {"a": [[0], [1], [2]], "b": [[0, 2], [1], [0, 2]]}


# --- Hessians ------------------------------------------------------------------------------------


def met(text: str, sizes: dict[str, int], level: int = 1, **ints: Any) -> Any:
    """Row by row the columns of the Hessian."""
    graph, program = graph_of(text, level), program_of(Source("model.dsl", text))
    assert program.target is not None
    pattern = hessian_pattern(graph, program.target, program.wrt)
    if isinstance(pattern, Extent):
        return pattern.value
    shapes = [a.type.shape for a in program.params]
    count = sum(int(np.prod([d.evaluate(sizes) for d in shape], dtype=int)) for shape in shapes)
    values = {name: np.asarray(value) for name, value in ints.items()}
    return matrix_rows(pattern, values, sizes, count, count)


TRIDIAGONAL = [[0, 1], [0, 1, 2], [1, 2, 3], [2, 3]]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_rosenbrock(level: int) -> None:
    chain = "dim N\nparam x: real[N]\nloss L = sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"
    loop = """
dim N
param x: real[N]
total = 0.0
for i in range(N - 1):
    total = total + 100*(x[i + 1] - x[i]**2)**2 + (1 - x[i])**2
loss L = total
"""
    pairs = """
dim N
param x: real[2*N]
p = reshape(x, (N, 2))
loss L = sum(100*(p[:, 1] - p[:, 0]**2)**2 + (1 - p[:, 0])**2)
"""
    assert met(chain, {"N": 4}, level) == met(loop, {"N": 4}, level) == TRIDIAGONAL
    assert met(pairs, {"N": 2}, level) == [[0, 1], [0, 1], [2, 3], [2, 3]]


def test_arrow() -> None:
    text = "dim N\nparam x: real[N]\nloss L = sum(x**2) + x[0] * sum(x)"
    assert met(text, {"N": 4}) == [[0, 1, 2, 3], [0, 1], [0, 2], [0, 3]]


def test_products_couple_their_factors() -> None:
    text = "dim N\nparam x, y: real[N]\nloss L = x @ y + sum(exp(y))"
    assert met(text, {"N": 2}) == [[2], [3], [0, 2], [1, 3]]


def test_linear_and_piecewise_linear_is_nothing() -> None:
    text = (
        "dim N\nparam x, y: real[N]\nloss L = sum(maximum(x, 2*y)) + max(abs(x)) + sum(relu(y[1:] - x[:-1]))"
    )
    assert met(text, {"N": 3}) == "none"


def test_what_the_target_is_not_differentiated_through_meets_nothing() -> None:
    text = "dim N\nparam x: real[N]\nloss L = sum(x**2) + floor(exp(sum(x)))"
    assert met(text, {"N": 3}) == [[0], [1], [2]]


def test_least_squares_meet_within_rows() -> None:
    text = """
dim N, D
input X: real[N, D]
input y: real[N]
param w: real[D]
param b: real
loss L = sum((X @ w + b - y)**2)
"""
    assert met(text, {"N": 2, "D": 2}) in ("full", [[0, 1, 2]] * 3)


def test_graph_potentials() -> None:
    """Elements that ints pair."""
    text = "dim N, M\ninput i, j: int[M]\nparam x: real[N]\nloss L = sum(cos(x[i] - x[j]))"
    assert met(text, {"N": 4, "M": 2}, i=[0, 2], j=[1, 1]) == [[0, 1], [0, 1, 2], [1, 2], []]


# --- whatever ------------------------------------------------------------------------------------


def test_chains_stay_small() -> None:
    """What is picked of what is picked is one index, and nothing is listed twice for it."""
    steps = "".join(f"x{i + 1} = x{i} + sin(roll(x{i}, 1))\n" for i in range(12))
    pattern = jacobian_pattern(graph_of(f"dim N\nparam x0: real[N]\n{steps}output y = x12"), "y", ["x0"])[
        "x0"
    ]
    assert isinstance(pattern, Graph)
    assert pattern.outputs[0][1].shape[-1] == Dim.of(13)


@pytest.mark.parametrize(
    "step", ["pad(x{}, 1)[:-2] * sin(pad(x{}, 1)[2:])", "cumsum(x{}) * cumsum(x{}[::-1])"]
)
def test_chains_that_do_not_join_end_as_everything(step: str) -> None:
    steps = "".join(f"x{i + 1} = {step.format(i, i)}\n" for i in range(24))
    patterns = jacobian_pattern(graph_of(f"dim N\nparam x0: real[N]\n{steps}output y = x24"), "y", ["x0"])
    assert patterns["x0"] is Extent.FULL


def test_what_is_picked_with_gaps_is_not_joined() -> None:
    text = "dim N\nparam x: real[N, 3]\noutput y = stack((x[:, 0] * x[:, 2], x[:, 1]), axis=1)"
    assert elements(text, {"N": 2}) == {"x": [[0, 2], [1], [3, 5], [4]]}


def test_far_more_pairs_than_there_can_be_are_everything() -> None:
    """Newton's steps in a loop over time: each squares lists that fill up."""
    from derivative_peers import MODELS

    assert met(MODELS["stiff oscillator"].scalar, {}) == "full"


@settings(
    max_examples=12,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.integers(0, 2**32), st.integers(1, 2), st.sampled_from([0, 1]))
def test_random_models(seed: int, statements: int, level: int) -> None:
    """Values within random models by their params, and the Hessian of the loss."""
    model = whole_model(Random(seed), statements)
    case = case_of(model, seed, model.sizes)
    graph = prepare(trained(case.program.graph), level)
    values = {node["name"]: np.asarray(case.arguments[node["name"]]) for node in graph.inputs}
    inside = [
        n for n in graph.nodes() if n.type.kind == "real" and n.args and not any(map(is_local, n.shape))
    ]
    chosen = Random(seed).sample(inside, min(3, len(inside)))
    for node in chosen:
        single = Graph(graph.inputs, (("y", node),))
        patterns = jacobian_patterns(single, "y", values, case.sizes)
        for name, jacobian in jacobians(single, "y", values, case.sizes).items():
            assert not ((jacobian != 0.0) & ~patterns[name]).any()
    wrt = list(case.program.wrt)
    if sum(np.size(values[name]) for name in wrt) <= 40:
        found = hessian(graph, "L", wrt, values, case.sizes)
        pattern = hessian_matrix(graph, "L", wrt, values, case.sizes)
        large = np.abs(found) > 1e-4 * (1.0 + np.abs(found).max(initial=0.0))
        assert not (large & np.isfinite(found) & ~pattern).any()


def test_the_sizes_of_patterns_are_written_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a table that is filled from its neighbours are maxima of maxima, and are sorted by their texts."""
    calls, text = list[int](), Dim.__str__

    def counted(dim: Dim) -> str:
        calls.append(1)
        return text(dim)

    monkeypatch.setattr(Dim, "__str__", counted)
    lines = "dim N, M\nparam x: real[N]\nparam y: real[M]\nvar S: real[N+1, M+1]\n"
    lines += "for i in range(N):\n    for j in range(M):\n"
    lines += "        S[i+1, j+1] = logaddexp(logaddexp(S[i, j], S[i, j+1]), S[i+1, j]) + (x[i] - y[j])**2\n"
    autodiffc.compile(lines + "loss L = S[N, M]\n", emit=["hessian"])
    assert len(calls) < 10_000
