"""Graphs as text and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.ir import Graph, Node, const
from autodiffc.compiler.irparse import IrSyntaxError, parse_graph
from autodiffc.compiler.irtext import print_graph
from autodiffc.compiler.types import REAL, Dim, Type

N, K = Dim.symbol("N"), Dim.symbol("K")


def outputs(**nodes: Node) -> Graph:
    graph = Graph((), tuple(nodes.items()))
    return Graph(tuple(n for n in graph.nodes() if n.op.name == "argument"), graph.outputs)


def returns(graph: Graph) -> None:
    """The text comes back as a graph of the same text."""
    text = print_graph(graph)
    assert print_graph(parse_graph(text)) == text


@pytest.mark.parametrize(
    "value", [1.5, -2.0, 1e-300, -1.5e300, math.inf, -math.inf, 0.0, -0.0, 3, -7, True, False]
)
def test_scalars(value: float) -> None:
    (_, node), *_ = parse_graph(print_graph(outputs(f=const(value)))).outputs
    assert (type(node["value"]), repr(node["value"])) == (type(value), repr(value))


def test_nan() -> None:
    (_, node), *_ = parse_graph(print_graph(outputs(f=const(math.nan)))).outputs
    assert math.isnan(node["value"])


@pytest.mark.parametrize(
    "array",
    [
        np.array([1.0, -2.5, math.inf]),
        np.arange(6).reshape(2, 3),
        np.array([[True], [False]]),
        np.zeros((0, 3)),
        np.array([[-0.0]]),
    ],
)
def test_arrays(array: np.ndarray) -> None:
    (_, node), *_ = parse_graph(print_graph(outputs(f=const(array)))).outputs
    found = node["value"].array
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)
    np.testing.assert_array_equal(np.signbit(found * 1.0), np.signbit(array * 1.0))


@pytest.mark.parametrize(
    "dim",
    [
        N,
        2 * N * K - 1,
        N * N + 3 * K - 4,
        (N + 1) // 2,
        ((N - 1) // K) * K + 5,
        N % 4,
        N.maximum(K) - N.minimum(3 * K),
        Dim.of(3),
        Dim.of(0),
        (N // 3) // 2,
        (2 * (N // 3) + 1) % K,
        Dim.symbol("λ") + 1,
    ],
)
def test_dims(dim: Dim) -> None:
    (_, node), *_ = parse_graph(print_graph(outputs(f=ops.dim_value(dim)))).outputs
    assert node["dim"] == dim


def test_attributes_and_names() -> None:
    x = ops.argument("x", Type("real", (N, K)))
    words = ops.argument("words", Type("int", (K,)))
    total = ops.sum(x, axis=(0,), keepdims=True)
    graph = outputs(
        a=ops.getitem(x, index=(("slice", Dim.of(1), N - 1, 1), ("at", K - 1))),
        b=ops.gather(x, words, index=(("slice", Dim.of(0), N, 1), ("array", 0))),
        c=ops.concatenate(total, total, axis=0),
        d=ops.pad(x, widths=((Dim.of(1), Dim.of(0)), (K, K)), mode="constant", value=0.5),
        e=ops.einsum(x, x, spec="ij,kj->ik"),
    )
    graph = Graph(graph.inputs, graph.outputs, {total: "total"})
    returns(graph)
    assert "total" in parse_graph(print_graph(graph)).names.values()


def test_inputs_that_nothing_uses_stay() -> None:
    x, y = ops.argument("x", REAL), ops.argument("y", REAL)
    assert [n["name"] for n in parse_graph(print_graph(Graph((x, y), (("f", y),)))).inputs] == ["x", "y"]


def test_comments_are_not_read() -> None:
    graph = parse_graph("%0 x: real = argument()  # 3:5 x, y = (1, 2)\n# between\nreturn f=%0\n")
    assert print_graph(graph) == "%0 x: real = argument()\nreturn f=%0\n"


@pytest.mark.parametrize(
    "text",
    [
        "%0 x: real = argument(",
        "%0 x: real = argument()\nreturn f",
        "%0: real = const(1)\nreturn f=%0",
        "%0: real = const(one)\nreturn f=%0",
        "%0 x: int = argument()\n%1: int = exp(%0)\nreturn f=%1",
        "%0 x: real = argument()\nreturn f=%0 ?",
    ],
)
def test_what_is_no_graph(text: str) -> None:
    with pytest.raises(IrSyntaxError):
        parse_graph(text)
