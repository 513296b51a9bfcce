"""Forward mode: ⟨J v, u⟩ = ⟨v, Jᵀ u⟩ for every op, and the same of gradients for the second order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from array_cases import CASES, SIZES, Case, draw, parsed
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import OPS, Array, Graph, Node, NonDiff, Op
from autodiffc.compiler.passes.adjoints import Options
from autodiffc.compiler.passes.autodiff import differentiate
from autodiffc.compiler.passes.dce import Dce
from autodiffc.compiler.passes.forward import pushed_forward
from autodiffc.compiler.types import REAL, Dim, Kind, Shape, Type
from autodiffc.compiler.verify import verify

EDGES = [-np.inf, -1.0, -0.0, 0.0, 0.5, 1.0, 2.0, np.inf]
CASTS = {"to_real", "to_int", "to_bool"}
BOOLS = {("where", "c"), ("gate", "c"), ("gate_finite", "c")}


def total(x: Node) -> Node:
    return ops.sum(x, axis=tuple(range(x.rank)), keepdims=False) if x.rank else x


def reals(graph: Graph) -> list[Node]:
    return [i for i in graph.inputs if i.type.kind == "real"]


def along(graph: Graph, output: str, names: list[str]) -> Graph:
    """The graph with the tangent of an output for tangents of these inputs."""
    types = {i["name"]: i.type for i in graph.inputs}
    seeds = {name: ops.argument(f"{name}_dot", types[name]) for name in names}
    joint = pushed_forward(graph, [output], seeds, Options())
    verify(joint, "forward mode")
    return joint


def agrees(graph: Graph, output: str, values: dict[str, Array], rng: np.random.Generator) -> None:
    """⟨J v, u⟩ = ⟨v, Jᵀ u⟩ for the Jacobian of an output by all real inputs."""
    names = [i["name"] for i in reals(graph)]
    y = graph.output(output)
    u = ops.argument("u", y.type)
    weighted = replace(graph, inputs=(*graph.inputs, u), outputs=(("L", total(u * y)),))
    shape = np.shape(evaluate(graph, values, SIZES)[output])
    values = {**values, "u": rng.normal(size=shape)}
    values.update({f"{n}_dot": rng.normal(size=np.shape(values[n])) for n in names})
    slopes = evaluate(differentiate(weighted, "L", names), values, SIZES)
    tangent = evaluate(along(graph, output, names), values, SIZES)[f"{output}_dot"]
    assert np.shape(tangent) == shape
    forward = float(np.sum(values["u"] * tangent))
    backward = float(sum(np.sum(values[f"{n}_dot"] * slopes[f"d_{n}"]) for n in names))
    scale = 1.0 + float(sum(np.sum(np.abs(values[f"{n}_dot"] * slopes[f"d_{n}"])) for n in names))
    scale += float(np.sum(np.abs(values["u"] * tangent)))
    assert forward == pytest.approx(backward, rel=1e-11, abs=1e-13 * scale)


class Setup:
    """The op of a case on arguments."""

    def __init__(self, c: Case):
        rng = self.rng = np.random.default_rng(len(str(c)))
        inputs = tuple(ops.argument(f"a{k}", parsed(text)) for k, text in enumerate(c.arguments))
        self.node = ops.OPS[c.op](*inputs, **c.attrs)
        self.graph = Graph(inputs, (("y", self.node),))
        self.values = {f"a{k}": draw(text, rng) for k, text in enumerate(c.arguments)}


def is_differentiable(c: Case) -> bool:
    """Whether an op has a derivative by some argument; `max_shift` is a constant to its user."""
    op = OPS[c.op]
    real = any(text.startswith("real") for text in c.arguments)
    return real and not isinstance(op.vjp, NonDiff) and op is not ops.max_shift


every_case = pytest.mark.parametrize("c", [c for c in CASES if is_differentiable(c)], ids=str)


@every_case
def test_forward_is_the_transpose_of_reverse(c: Case) -> None:
    setup = Setup(c)
    if setup.node.type.kind == "real":
        agrees(setup.graph, "y", setup.values, setup.rng)


@every_case
def test_forward_over_reverse(c: Case) -> None:
    """The Hessian of sum(u * sin(y)) is symmetric: its products with vectors agree both ways."""
    setup = Setup(c)
    if setup.node.type.kind != "real" or c.op == "digamma":
        return
    names = [i["name"] for i in reals(setup.graph)]
    loss = replace(setup.graph, outputs=(("L", total(ops.sin(setup.node))),))
    first = differentiate(loss, "L", names)
    for name in names:
        agrees(
            Dce().run(replace(first, outputs=(("y", first.output(f"d_{name}")),))),
            "y",
            setup.values,
            setup.rng,
        )


ELEMENTWISE = [op for op in OPS.values() if op.elementwise and op.name not in CASTS]
every_op = pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
ATTRS: dict[str, dict[str, Any]] = {"polygamma": {"n": 2}}


def elementwise_graph(op: Op, shapes: Sequence[Shape]) -> Graph:
    kinds: list[Kind] = [
        "bool" if (op.name, p) in BOOLS or op.name.startswith("logical") else "real" for p in op.params
    ]
    inputs = tuple(ops.argument(p, Type(kind, shape)) for p, kind, shape in zip(op.params, kinds, shapes))
    return Graph(inputs, (("y", op(*inputs, **ATTRS.get(op.name, {}))),))


@every_op
def test_elementwise_with_broadcasting(op: Op) -> None:
    N, D = Dim.symbol("N"), Dim.symbol("D")
    rng = np.random.default_rng(3)
    rows: list[list[Shape]] = [[(N, D), (N, D), (N, D)], [(D,), (N, D), (N, Dim.of(1))], [(), (N,), ()]]
    for shapes in rows:
        graph = elementwise_graph(op, shapes[: len(op.params)])
        if graph.output("y").type.kind != "real" or not reals(graph):
            continue
        values = {}
        for node, (low, high) in zip(graph.inputs, op.domain):
            size = tuple(d.evaluate(SIZES) for d in node.shape)
            drawn = rng.uniform(low, high, size)
            values[node["name"]] = drawn if node.type.kind == "real" else drawn > 0.5
        agrees(graph, "y", values, rng)


@every_op
def test_a_zero_tangent_makes_no_nan(op: Op) -> None:
    """Along a zero direction nothing changes, whatever the slope is."""
    graph = elementwise_graph(op, [()] * len(op.params))
    names = [i["name"] for i in reals(graph)]
    if graph.output("y").type.kind != "real" or not names:
        return
    joint = along(graph, "y", names)
    for x in EDGES:
        for y in EDGES:
            point: dict[str, Array] = {}
            for i, node in enumerate(graph.inputs):
                value = y if i else x
                point[node["name"]] = np.array(value if node.type.kind == "real" else value > 0.0)
            zeros = {f"{n}_dot": np.array(0.0) for n in names}
            with np.errstate(all="ignore"):
                tangent = evaluate(joint, {**point, **zeros}, {})["y_dot"]
                value = evaluate(graph, point, {})["y"]
            if np.isfinite(value) and all(np.isfinite(v) for v in point.values()):
                assert tangent == 0.0, (x, y)


def masks(build: Callable[[Node], Node]) -> int:
    x = ops.argument("x", REAL)
    joint = along(Graph((x,), (("y", build(x)),)), "y", ["x"])
    return sum(node.op is ops.masked for node in joint.nodes())


def test_masks_are_left_out_where_no_slope_is_infinite() -> None:
    assert masks(lambda x: ops.log(1.0 + x * x)) == 0
    assert masks(ops.sqrt) == 1


def test_masks_are_left_out_where_the_value_is_infinite_too() -> None:
    assert masks(lambda x: 3.0 * ops.log(x) - 1.0 / x) == 0
    assert masks(lambda x: ops.tanh(ops.log(x))) > 0
    assert masks(lambda x: 1.0 / ops.log(x)) > 0
    assert masks(lambda x: ops.where(x > 0.0, ops.log(x), 0.0)) == 0


KEEPING = [op for op in OPS.values() if op.elementwise and op.keeps]


@pytest.mark.parametrize("op", KEEPING, ids=lambda op: op.name)
@pytest.mark.parametrize("value", [-np.inf, np.inf, np.nan])
def test_what_an_op_keeps_is_not_finite_or_not_chosen(op: Op, value: float) -> None:
    for place in range(len(op.params) if op.keeps == "all" else 1):
        for other in (-2.0, 0.0, 0.5):
            inputs = tuple(ops.argument(name, REAL) for name in op.params)
            graph = differentiate(Graph(inputs, (("y", op(*inputs)),)), "y", op.params)
            given = {name: np.float64(value if k == place else other) for k, name in enumerate(op.params)}
            with np.errstate(all="ignore"):
                found = evaluate(graph, given, {})
            left_away = op.selector and found[f"d_{op.params[place]}"] == 0.0
            assert left_away or not np.isfinite(found["y"])
