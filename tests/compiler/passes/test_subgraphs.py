"""An op may hold a graph: passes, the verifier, the text and the interpreter work on it too.

The op here is a small loop, `iterate(x, count=3, body=…)`: x goes through the body `count` times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import OPS, Array, Graph, Node, NonDiff, Op
from autodiffc.compiler.irparse import parse_graph
from autodiffc.compiler.irtext import print_graph
from autodiffc.compiler.passes.base import Pass, run_passes
from autodiffc.compiler.passes.cse import Cse
from autodiffc.compiler.passes.dce import Dce
from autodiffc.compiler.passes.expand import Expand
from autodiffc.compiler.passes.fold import Fold
from autodiffc.compiler.types import Dim, Type
from autodiffc.compiler.verify import InternalError, verify, verifying

VECTOR = Type("real", (Dim.symbol("N"),))


def _iterate(x: Array, *, count: int, body: Callable[..., tuple[Array, ...]]) -> Any:
    for _ in range(count):
        (x,) = body(x)
    return x


ITERATE = Op(
    "iterate",
    ("x",),
    "x after `count` rounds of the body.",
    lambda x, count, body: x,
    _iterate,
    NonDiff("only a test"),
    py="x",
)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPS, "iterate", ITERATE)


def body_of(build: Callable[[Node], Node], names: bool = False) -> Graph:
    carried = ops.argument("carried", VECTOR)
    result = build(carried)
    return Graph((carried,), (("next", result),), {ops.exp(carried): "dead"} if names else {})


def loop(body: Graph) -> Graph:
    x = ops.argument("x", VECTOR)
    return Graph((x,), (("f", ITERATE(x, count=3, body=body) + ops.exp(x)),))


def inner(graph: Graph) -> Graph:
    (node,) = (n for n in graph.nodes() if n.op is ITERATE)
    (body,) = node.subgraphs()
    return body


def twice(x: Node) -> Node:
    return ops.exp(-x) * ops.exp(-x)


PASSES: list[tuple[Pass, Callable[[Node], Node], list[str]]] = [
    (Cse(), twice, ["argument", "neg", "exp", "mul"]),
    (Fold(), lambda x: x * ops.exp(ops.as_node(0.0)), ["argument", "const", "mul"]),
]


def test_the_interpreter_runs_the_body() -> None:
    x = np.array([0.5, 2.0])
    step = [x]
    for _ in range(3):
        step.append(np.exp(-step[-1]) ** 2)
    found = evaluate(loop(body_of(twice)), {"x": x}, {"N": 2})["f"]
    np.testing.assert_allclose(found, step[-1] + np.exp(x), rtol=1e-15)


def test_the_text_reads_back() -> None:
    graph = loop(body_of(twice))
    text = print_graph(graph)
    assert "body={" in text
    again = parse_graph(text)
    assert print_graph(again) == text
    verify(again, "parse")


@pytest.mark.parametrize(("pass_", "build", "left"), PASSES, ids=["cse", "fold"])
def test_passes_rewrite_bodies(pass_: Pass, build: Callable[[Node], Node], left: list[str]) -> None:
    before = loop(body_of(build))
    after = run_passes((pass_,), before, verifying)
    assert [n.op.name for n in inner(after).nodes()] == left
    x = {"x": np.array([0.5, 2.0])}
    np.testing.assert_array_equal(evaluate(after, x, {"N": 2})["f"], evaluate(before, x, {"N": 2})["f"])


def test_fused_ops_in_a_body_are_expanded() -> None:
    after = run_passes((Expand(),), loop(body_of(lambda x: ops.softmax(x, axis=0))), verifying)
    assert not any(n.op.expand for n in inner(after).nodes())


def test_a_pass_with_nothing_to_do_gives_the_graph_itself() -> None:
    graph = loop(body_of(lambda x: -x))
    for pass_ in (Cse(), Fold(), Expand(), Dce()):
        assert pass_.run(graph) is graph


def test_dead_names_in_a_body_are_forgotten() -> None:
    graph = loop(body_of(twice, names=True))
    with pytest.raises(InternalError, match="dead names"):
        verify(graph, "lower")
    assert inner(Dce().run(graph)).names == {}


def test_the_verifier_looks_into_bodies() -> None:
    stray = ops.argument("stray", VECTOR)
    with pytest.raises(InternalError, match=r"a sub-graph of iterate: .* stray is an argument"):
        verify(loop(body_of(lambda x: x + stray)), "cse")


def test_a_chain_within_a_body_needs_no_recursion() -> None:
    def chain(x: Node) -> Node:
        for _ in range(5000):
            x = ops.sin(x)
        return x

    after = run_passes((Cse(), Fold(), Dce()), loop(body_of(chain)), verifying)
    assert len(inner(after).nodes()) == 5001
