"""The interpreter: kinds, dims, constants, symbolic evaluation, long chains; and interval analysis."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
import sympy as sp
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate, resolve, values
from autodiffc.compiler.ir import Array, Graph, Node, const
from autodiffc.compiler.ranges import intervals
from autodiffc.compiler.types import BOOL, INT, REAL, Dim, Type

N = Dim.symbol("N")
x = ops.argument("x", Type("real", (N,)))
s = ops.argument("s", REAL)


def value(node: Node, **arguments: object) -> Array:
    arrays = {name: np.asarray(v) for name, v in arguments.items()}
    return evaluate(Graph((), (("out", node),)), arrays, {"N": 3})["out"]


def test_results_have_the_kind_of_their_type() -> None:
    n = ops.argument("n", INT)
    assert value(n + 1, n=2).dtype == np.int64
    assert value(n / 2, n=3).dtype == np.float64
    assert value(n > 1, n=3).dtype == np.bool_
    assert value(s + 1, s=2).dtype == np.float64  # an int argument of a real type


def test_scalars_are_arrays_of_rank_0() -> None:
    result = value(s * s, s=3.0)
    assert isinstance(result, np.ndarray)
    assert result.shape == ()


def test_dims_are_ints_of_the_graph() -> None:
    assert value(ops.dim_value(2 * N + 1)) == 7
    assert value(s / ops.dim_value(N), s=6.0) == 2.0
    assert resolve(("at", N, (N - 1, 2)), {"N": 4}) == ("at", 4, (3, 2))


def test_constants() -> None:
    table = np.array([[1, 2], [3, 4]])
    np.testing.assert_array_equal(value(const(table) * 2), table * 2)
    assert value(const(True)).dtype == np.bool_


def test_edges_raise_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    assert value(ops.log(s) / 0.0, s=0.0) == -inf
    assert not recwarn.list


def test_object_arrays_evaluate_symbolically() -> None:
    symbols = np.array(sp.symbols("a b c", real=True), dtype=object)

    def elementwise(node: Node, args: list[Array]) -> Array:
        formula = node.op.sympy
        assert formula is not None
        return np.asarray(np.frompyfunc(lambda *a: formula(sp, *a), len(args), 1)(*args))

    graph = Graph((x,), (("f", ops.sum(ops.exp(x) * x, axis=(0,), keepdims=False)),))
    result = evaluate(graph, {"x": symbols}, {"N": 3}, elementwise)["f"].item()
    a, b, c = symbols
    assert sp.simplify(result - (a * sp.exp(a) + b * sp.exp(b) + c * sp.exp(c))) == 0


def test_every_value_can_be_seen() -> None:
    y = s * s
    found = values(Graph((s,), (("z", y + 1.0),)), {"s": np.array(3.0)}, {})
    assert found[y] == 9.0


def test_a_chain_deeper_than_any_recursion() -> None:
    node = s
    for _ in range(20_000):
        node = node + 1.0
    assert value(node, s=0.5) == 20_000.5


# --- intervals -----------------------------------------------------------------------------------


def interval(node: Node, **known: tuple[float, float]) -> tuple[float, float]:
    return intervals(Graph((), (("out", node),)), known)[node]


def test_intervals_of_common_forms() -> None:
    assert interval(s) == (-inf, inf)
    assert interval(s, s=(0.0, 1.0)) == (0.0, 1.0)
    assert interval(1.0 + s * s) == (1.0, inf)
    assert interval(s * s * s) == (-inf, inf)
    assert interval(ops.exp(s))[0] == 0.0
    assert interval(1.0 + ops.exp(s))[0] == 1.0
    assert interval(ops.sqrt(ops.dim_value(N)))[0] >= 1.0
    assert interval(ops.dim_value(N - 1)) == (0.0, inf)
    assert interval(ops.dim_value(5 - N)) == (-inf, inf)
    assert interval(s / s) == (-inf, inf)
    assert interval(2.0 - s**2) == (-inf, 2.0)
    assert interval(ops.argument("c", BOOL)) == (0.0, 1.0)
    assert interval(const(np.array([3.0, np.nan, -1.0]))) == (-1.0, 3.0)


def test_intervals_shrink_by_constraints() -> None:
    assert interval(1.0 / s, s=(2.0, 4.0)) == (0.25, 0.5)
    assert interval(ops.clip(s, 0.0, 1.0)) == (0.0, 1.0)
    assert interval(ops.maximum(s, 0.5)) == (0.5, inf)
