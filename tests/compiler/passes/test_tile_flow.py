"""How an axis runs through each op: in tiles it computes what it computes on whole arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from array_cases import CASES, SIZES, Case, draw, parsed
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import OPS, Graph, Node, topological
from autodiffc.compiler.ops.tiles import TILE
from autodiffc.compiler.passes.tile_flow import ADDED_UP, RULES, Flow, flows, result_axis
from autodiffc.compiler.passes.tile_regions import Member, Plan, plan_for
from autodiffc.compiler.types import Dim, Type, TypeProblem
from autodiffc.compiler.verify import verify

N, D = Dim.symbol("N"), Dim.symbol("D")
PRODUCTS = {"matmul", "outer", "einsum", "contract", "tensordot"}
CHOICES = {"where": 0, "gate": 1, "gate_finite": 1}  # the operands that are conditions


def node_of(case: Case) -> Node:
    return OPS[case.op](
        *(ops.argument(f"a{k}", parsed(text)) for k, text in enumerate(case.arguments)), **case.attrs
    )


def ways(node: Node) -> Iterator[tuple[Dim, Flow, int | None]]:
    """All ways of all axes through a node."""
    for length in {dim for part in (node, *node.args) for dim in part.shape if dim.known != 1}:
        for flow in flows(node, length):
            try:
                yield length, flow, result_axis(node, flow)
            except TypeProblem:
                continue


def agrees(node: Node, values: dict[str, np.ndarray]) -> int:
    """Compare each way with the whole; how many there are."""
    inputs = tuple(n for n in topological([node]) if n.op.name == "argument")
    graph = Graph(inputs, (("y", node),))
    expected = evaluate(graph, values, SIZES)["y"]
    count = 0
    for length, flow, axis in ways(node):
        tiled = Plan(graph, length, {node: Member(flow, axis)}).applied()
        verify(tiled, "tile")
        assert any(n.op is ops.tiled for n in tiled.nodes())
        np.testing.assert_allclose(evaluate(tiled, values, SIZES)["y"], expected, rtol=1e-12, atol=1e-14)
        count += 1
    return count


@pytest.mark.parametrize("case", [c for c in CASES if c.op in RULES], ids=str)
def test_an_op_in_tiles(case: Case) -> None:
    generator = np.random.default_rng(len(str(case)))
    agrees(node_of(case), {f"a{k}": draw(text, generator) for k, text in enumerate(case.arguments)})


def test_each_rule_has_a_way_in_some_case() -> None:
    found = {c.op for c in CASES if c.op in RULES and any(True for _ in ways(node_of(c)))}
    assert found >= RULES.keys() - {"decrement"}  # labels are numbered by rows: below


@pytest.mark.parametrize("name", sorted(name for name, op in OPS.items() if op.elementwise))
def test_an_elementwise_op_is_cut_as_its_operands_are(name: str) -> None:
    op = OPS[name]
    shapes = [(N, D), (D,), (N, Dim.of(1))]
    conditions = set(range(3)) if name.startswith("logical") else {CHOICES.get(name)}
    args = [
        ops.argument(f"x{k}", Type("bool" if k in conditions else "real", shapes[k]))
        for k in range(len(op.params))
    ]
    attrs = {"n": 1} if name == "polygamma" else {}
    found = {length: flow.axes for length, flow, _ in ways(op(*args, **attrs))}
    assert found[N] == tuple(0 if a.shape[0] == N else None for a in args)
    assert found[D] == tuple(a.rank - 1 if a.shape[-1] == D else None for a in args)


def test_rows_that_are_numbered_are_numbered_in_a_tile() -> None:
    x, y = ops.argument("x", Type("real", (N, D))), ops.argument("y", Type("int", (N,)))
    rows = ops.arange(start=Dim.of(0), step=1, count=N)
    index = (("array", 0), ("array", 1))
    values = {"x": np.arange(12.0).reshape(3, 4), "y": np.array([3, 0, 2])}
    for node in (
        ops.gather(x, rows, y, index=index),
        ops.decrement(x, rows, y),
        ops.add_at(x, ops.broadcast_to(2.0, shape=(N,)), rows, y, index=index),
        ops.set_at(x, ops.broadcast_to(2.0, shape=(N,)), rows, y, index=index, once=False),
        ops.gather(
            x, ops.reshape(rows, shape=(N, Dim.of(1))), ops.reshape(y, shape=(N, Dim.of(1))), index=index
        ),
    ):
        assert [flow.numbers for length, flow, _ in ways(node) if length == N and flow.numbers]
        assert agrees(node, values)
    other = ops.gather(x, ops.arange(start=Dim.of(1), step=1, count=N), y, index=index)
    assert not any(flow.numbers for _, flow, _ in ways(other))


def test_only_sums_and_products_are_added_up() -> None:
    added = {c.op for c in CASES for _, flow, _ in ways(node_of(c)) if flow.adds}
    assert added <= ADDED_UP | PRODUCTS


def test_a_value_is_cut_along_one_axis() -> None:
    """The differences of all pairs: rows of one operand, all of the other."""
    x = ops.argument("x", Type("real", (N,)))
    e = ops.exp(x)
    pairs = ops.reshape(e, shape=(N, Dim.of(1))) - x
    plan = plan_for(Graph((x,), (("y", ops.sum(pairs * pairs, axis=(0, 1), keepdims=False)),)), N)
    assert plan.members[pairs].flow.axes == (0, None)
    both = ops.reshape(e, shape=(N, Dim.of(1))) - e
    assert both not in plan_for(Graph((x,), (("y", both),)), N).members


def test_no_size_of_a_tile_is_left_in_a_graph() -> None:
    x = ops.argument("x", Type("real", (N, D)))
    graph = Graph((x,), (("y", ops.tanh(x)), ("s", ops.sum(ops.exp(x), axis=(0,), keepdims=False))))
    for node in plan_for(graph, N).applied().nodes():
        assert TILE not in node.shape
