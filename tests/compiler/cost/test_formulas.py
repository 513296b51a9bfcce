"""What ops say of their work: the whole registry, and formulas against operations that are counted."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autodiffc.api import program_of
from autodiffc.compiler import cost, ops
from autodiffc.compiler.cost.formulas import graph_work, kind, kind_of, work
from autodiffc.compiler.cost.machine import machine_called
from autodiffc.compiler.cost.prediction import estimate
from autodiffc.compiler.ir import OPS, Graph, Node
from autodiffc.compiler.passes.pipeline import derive
from autodiffc.compiler.types import Dim, Type
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source
from op_counts import cost as counted
from op_examples import EXAMPLES

MODELS = Path(__file__).parents[3] / "examples"
N, D, K = (Dim.symbol(n) for n in "NDK")
SIZES = {"N": 5, "D": 3, "K": 4}


def array(name: str, *shape: Dim) -> Node:
    return ops.argument(name, Type("real", shape))


@pytest.mark.parametrize("name", [m.name for m in pkgutil.iter_modules(cost.__path__)])
def test_examples_in_docstrings(name: str) -> None:
    assert doctest.testmod(import_module(f"{cost.__name__}.{name}")).failed == 0


@pytest.mark.parametrize("name", sorted(OPS))
def test_each_op_has_a_kind_of_work_and_a_price(name: str) -> None:
    op = OPS[name]
    assert kind_of(op)
    assert (op.flops is not None) == (kind_of(op) in ("product", "factorisation"))
    if op.elementwise:
        for machine in map(machine_called, ("AVX512", "AVX2")):
            assert name in machine.ops, "benchmarks/calibrate.py measures it"
            assert 0 < machine.element(name) < 1000
            assert machine.call(name) > 0


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_work_of_each_op_is_positive(name: str) -> None:
    graph = Graph((), (("y", EXAMPLES[name]()),))
    for node in graph.nodes():
        done = work(node)
        for formula in (done.flops, done.read, done.written):
            assert formula.evaluate({}) >= 0
        if kind(node) == "free":
            assert done.bytes == Dim.of(0)
        elif kind(node) != "control" and node.op.expand is None:
            assert done.written.evaluate({}) > 0


class Counted:
    """A number that counts the operations on it."""

    operations = 0

    def __init__(self, value: float) -> None:
        self.value = value

    def _with(self, value: float) -> Counted:
        Counted.operations += 1
        return Counted(value)

    def __add__(self, other: Any) -> Counted:
        return self._with(self.value + getattr(other, "value", other))

    def __mul__(self, other: Any) -> Counted:
        return self._with(self.value * getattr(other, "value", other))

    def __sub__(self, other: Any) -> Counted:
        return self._with(self.value - getattr(other, "value", other))

    def __neg__(self) -> Counted:
        return self._with(-self.value)

    __radd__, __rmul__ = __add__, __mul__


A, B, C = array("A", N, D), array("B", D, K), array("C", N, D)
V, W = array("V", D), array("W", N)
T, U = array("T", N, D, K), array("U", K, N, D)
PLAIN = [
    A + V, A * C, A - C, -A, ops.square(A), A @ B, A @ V, W @ A, V @ V, U @ B, ops.outer(V, W),
    ops.tensordot(T, U, axes=((0, 2), (1, 0))), ops.contract(A, C, spec="ij,ij->i"),
    ops.sum(A, axis=(0,), keepdims=False), ops.sum(T, axis=(0, 2), keepdims=True),
    ops.transpose(A, axes=(1, 0)), ops.concatenate(A, C, axis=0),
]  # fmt: skip


@pytest.mark.parametrize("node", PLAIN, ids=repr)
def test_operations_are_those_that_are_done(node: Node) -> None:
    """The first addition of a sum, to nothing, counts too: so there may be one more for each result."""
    shapes = [[d.evaluate(SIZES) for d in arg.shape] for arg in node.args]
    drawn = [np.vectorize(Counted, otypes=[object])(np.ones(shape)) for shape in shapes]
    Counted.operations = 0
    attrs = {k: tuple(v) if isinstance(v, tuple) else v for k, v in node.attrs}
    node.op.eval(*drawn, **attrs)
    claimed = work(node).flops.evaluate(SIZES)
    results = int(np.prod([d.evaluate(SIZES) for d in node.shape], dtype=int))
    assert Counted.operations <= claimed <= Counted.operations + results


@pytest.mark.parametrize("name", ["classifier", "logistic", "char_lstm", "adbench/gmm", "hidden_markov"])
def test_operations_of_whole_models(name: str) -> None:
    """Against the count by elements that the bounds on derivatives are tested with."""
    program = program_of(read_source(str(MODELS / f"{name}.dsl")))
    joint = derive(program, 1).value_and_grad
    assert joint is not None
    sizes = {
        s: 5 + i for i, s in enumerate(sorted({s for a in joint.inputs for d in a.shape for s in d.symbols}))
    }
    for node in joint.nodes():
        if kind(node) in ("elementwise", "reduction", "product"):
            assert work(node).flops.evaluate(sizes) == counted(node, sizes)


def test_a_loop_costs_its_steps_and_a_branch_the_dearer_side() -> None:
    source = (
        "dim T, D\ninput x: real[T, D]\nparam w: real[D]\nh = 0.0\nfor t in range(T):\n"
        "    if h > 1.0:\n        h = h * h\n    else:\n        h = tanh(h * (x[t] @ w) + 1.0)\nloss L = h**2\n"
    )
    program = program_of(Source("m.dsl", source))
    done = graph_work(program.graph)
    assert done.flops == 2 * Dim.symbol("T") * Dim.symbol("D") + 4 * Dim.symbol("T") + 1


def test_tiles_do_together_what_the_whole_would_do() -> None:
    program = program_of(read_source(str(MODELS / "adbench" / "gmm.dsl")))
    plain, tiled = (derive(program, level, dtype="float32").value_and_grad for level in (1, 2))
    assert plain is not None
    assert tiled is not None
    assert any(node.op.name == "tiled" for node in tiled.nodes())
    most = ("K", "d", "d", "n")  # the products: other forms of them cost as much
    assert dict(graph_work(plain).flops.terms)[most] == dict(graph_work(tiled).flops.terms)[most]
    sizes, machine = {"n": 100_000, "d": 10, "K": 25}, machine_called("AVX512")
    large = [estimate(graph, sizes, machine) for graph in (plain, tiled)]
    assert large[1].seconds < large[0].seconds
    assert large[1].peak < 0.2 * large[0].peak


def test_of_two_ways_the_quick_one_counts() -> None:
    program = program_of(read_source(str(MODELS / "adbench" / "gmm.dsl")))
    sizes, machine = {"n": 100_000, "d": 10, "K": 25}, machine_called("AVX512")
    both, alone = (derive(program, 2, dtype=d).value_and_grad for d in ("float64", "float32"))
    assert both is not None
    assert alone is not None
    quick, plain = (estimate(graph, sizes, machine) for graph in (both, alone))
    assert quick.seconds < 0.7 * plain.seconds
    assert quick.flops < plain.flops
    assert ("two ways", 24) in [(note.kind, note.places[0].span.line) for note in both.notes]


def test_formulas_of_many_nodes_are_summed_at_once() -> None:
    x = array("x", N)
    for _ in range(5000):
        x = x * 2.0
    assert graph_work(Graph((x,), (("y", x),))).flops == 5000 * N
