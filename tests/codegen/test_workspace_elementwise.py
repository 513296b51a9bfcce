"""What a step allocates in a workspace doesn't grow with the arrays, whatever is computed element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text
from autodiffc.codegen.routines_blocks import _by_element
from autodiffc.compiler import ops
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import OPS, Graph, Node, Op
from autodiffc.compiler.model import Argument, Initialiser, Program
from autodiffc.compiler.passes.autodiff import differentiate
from autodiffc.compiler.types import Dim, Kind, Type
from autodiffc.grammar.source import Source, Span
from peaks import peak

N, K = Dim.symbol("N"), Dim.symbol("K")
ROWS, COLUMNS = 256, 64  # two blocks
MORE = 4_000  # bytes that may be added; a mask of as many rows again takes 16,384, an array 131,072
SOURCE = Source("hand.dsl", "\n")
OPERANDS: dict[str, tuple[Kind, ...]] = {
    "logical_and": ("bool", "bool"), "logical_or": ("bool", "bool"), "logical_not": ("bool",),
    "where": ("bool", "real", "real"), "gate": ("real", "bool"), "gate_finite": ("real", "bool"),
}  # fmt: skip
SHAPES = {"shifted": ((N, K), (N, Dim.of(1)))}  # elsewhere all operands are matrices
ATTRS: dict[str, dict[str, Any]] = {"polygamma": {"n": 2}}  # of ops that want some
CASTS = {"to_real", "to_int", "to_bool"}
ELEMENTWISE = [op for op in OPS.values() if op.elementwise and op.name not in CASTS]


def arguments(op: Op) -> list[Node]:
    """The operands, and factors for the results."""
    kinds = OPERANDS.get(op.name, ("real",) * len(op.params))
    shapes = SHAPES.get(op.name, ((N, K),) * len(op.params))
    own = [ops.argument(name, Type(kind, shape)) for name, kind, shape in zip(op.params, kinds, shapes)]
    return [*own, ops.argument("factor", Type("real", (N, K)))]


def loss_graph(op: Op) -> tuple[Graph, tuple[str, ...]]:
    """The sum of the op's results times factors, and what it is differentiated by."""
    *own, factor = arguments(op)
    value = op(*own, **ATTRS.get(op.name, {}))
    value = ops.where(value, factor, -1.0) if value.type.kind == "bool" else ops.cast(value, "real")
    loss = ops.sum(value * factor, axis=(0, 1), keepdims=False)
    graph = Graph((*own, factor), (("L", loss),), {loss: "L"})
    return graph, tuple(node["name"] for node in graph.inputs if node.type.kind == "real")


def module(graph: Graph, wrt: tuple[str, ...]) -> Any:
    declared = tuple(
        Argument(
            node["name"], "param" if node["name"] in wrt else "input", node.type, Span(SOURCE, 0, 0), (), None,
            Initialiser("zeros"),
        )
        for node in graph.inputs
    )  # fmt: skip
    program = Program("hand", SOURCE, "", ("N", "K"), {}, declared, graph, (), "L", "L", wrt, ())
    return module_of(module_text(program, Options(level=2, emit=("workspace",))), "hand")


def drawn(op: Op) -> dict[str, Any]:
    rng = np.random.default_rng(sum(map(ord, op.name)))
    found: dict[str, Any] = {}
    for node, (low, high) in zip(arguments(op), (*op.domain, (-1.0, 1.0)), strict=True):
        shape = tuple(size.evaluate({"N": ROWS, "K": COLUMNS}) for size in node.shape)
        real = node.type.kind == "real"
        found[node["name"]] = rng.uniform(low, high, shape) if real else rng.random(shape) < 0.5
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_more_rows_need_no_more_memory(op: Op) -> None:
    graph, wrt = loss_graph(op)
    few, step = drawn(op), module(graph, wrt).value_and_grad
    lent = step.__globals__["Workspace"](outputs=True)
    allocated = {}
    for times in (1, 3):
        given = {name: np.tile(value, (times, 1)) for name, value in few.items()}
        loss, grads = step(**given, workspace=lent)  # which makes the buffers
        allocated[times] = peak(lambda given=given: step(**given, workspace=lent))  # type: ignore[misc]
    assert allocated[3] - allocated[1] < MORE
    expected = evaluate(
        differentiate(graph, "L", list(wrt)), {**given, "d_L": 1.0}, {"N": 3 * ROWS, "K": COLUMNS}
    )
    np.testing.assert_allclose(loss, expected["L"], rtol=1e-11)
    for name in wrt:
        np.testing.assert_allclose(getattr(grads, name), expected[f"d_{name}"], rtol=1e-9, atol=1e-12)


# --- blocks --------------------------------------------------------------------------------------------


def soft(x: Any, y: Any, out: Any = None, room: Any = (None,)) -> Any:
    """Some function that needs memory besides its result's."""
    value = np.negative(np.abs(x, out), out)
    value = np.log1p(np.exp(value, out), out)
    value = np.multiply(value, y, out)
    return np.add(value, np.maximum(x, 0.0, out=room[0]), out)


def softly(*operands: Any, out: Any) -> Any:
    return _by_element(soft, *operands, out=out, scratch={}, rows=2)


def turned(x: Any) -> Any:
    return x.T.copy().T


LAYOUTS: dict[str, Callable[[Any, Any], tuple[Any, ...]]] = {
    "alike": lambda x, y: (x, y),
    "rows": lambda x, y: (x, y[:1]),
    "columns": lambda x, y: (x, y[:, :1]),
    "outer": lambda x, y: (x[:1], y[:, :1]),
    "a number": lambda x, y: (x, 0.25),
    "numbers first": lambda x, y: (np.float64(0.5), y),
    "an array of rank 0": lambda x, y: (x, np.array(0.25, x.dtype)),
    "turned": lambda x, y: (turned(x), y),
    "a part": lambda x, y: (np.repeat(x, 2, axis=1)[:, ::2], y[::-1]),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(0, 7), (1, 1), (3, 5), (512, 1), (1, 513), (300, 60), (40_000, 2)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_function_by_blocks_is_that_of_the_whole(layout: str, shape: tuple[int, int], dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=shape).astype(dtype) for _ in range(2))
    operands = LAYOUTS[layout](x, y)
    expected = np.broadcast_to(soft(*operands), shape)
    for memory in (np.full(shape, np.nan, dtype), turned(np.full(shape, np.nan, dtype))):
        assert softly(*operands, out=memory) is memory
        rounding = 1e-14 if dtype == np.float64 else 1e-6  # of sums that may cancel
        np.testing.assert_allclose(memory, expected, rtol=rounding, atol=rounding)


@pytest.mark.parametrize("turn", [np.array, turned])
def test_blocks_may_lie_where_the_operand_did(turn: Callable[[Any], Any]) -> None:
    x = np.random.default_rng(0).normal(size=(1500, 60))
    memory, row = turn(x), np.linspace(1.0, 2.0, 60)
    softly(memory, row, out=memory)
    np.testing.assert_allclose(memory, soft(x, row), rtol=1e-14)


def test_infinities_and_nans_go_through_blocks() -> None:
    x = np.resize([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e308], 70_000)
    np.testing.assert_array_equal(softly(x, 1.0, out=np.empty(70_000)), soft(x, 1.0))
