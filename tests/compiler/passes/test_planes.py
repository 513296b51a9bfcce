"""Arrays of short rows become planes: which of them, and that values stay."""

from __future__ import annotations

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from autodiffc.compiler import ops
from autodiffc.compiler.interp import results
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.passes.planes import Planes
from autodiffc.compiler.types import REAL, Dim, Type
from autodiffc.compiler.verify import verify

N, M = Dim.symbol("N"), Dim.symbol("M")
THREE, ONE = Dim.of(3), Dim.of(1)
Y = ops.argument("y", Type("real", (N, THREE)))
C = ops.argument("c", Type("real", (M, THREE)))
W = ops.argument("w", Type("real", (N, M)))
A = ops.argument("a", Type("real", (THREE,)))
S = ops.argument("s", REAL)
WHOLE = ops.argument("z", Type("real", (N, M, THREE)))
PAIRS = ops.reshape(Y, shape=(N, ONE, THREE)) - C
WEIGHTS = ops.reshape(W, shape=(N, M, ONE))


def _sum(x: Node, *axes: int, keepdims: bool = False) -> Node:
    return ops.sum(x, axis=axes, keepdims=keepdims)


def _graph(*outputs: Node) -> Graph:
    return Graph((Y, C, W, A, S, WHOLE), tuple((f"out{k}", node) for k, node in enumerate(outputs)))


def _agree(before: Graph, after: Graph) -> None:
    verify(after, "planes")
    rng = np.random.default_rng(0)
    sizes = {"N": 5, "M": 4}
    values = {
        node["name"]: rng.normal(size=[d.evaluate(sizes) for d in node.shape]) for node in before.inputs
    }
    for old, new in zip(results(before, values, sizes), results(after, values, sizes)):
        np.testing.assert_allclose(new, old, rtol=1e-13)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_sums_over_all_axes(axes: tuple[int, ...], keepdims: bool) -> None:
    z = ops.exp(PAIRS * WEIGHTS) / (A + S)
    before = _graph(_sum(ops.square(z), *axes, keepdims=keepdims))
    after = Planes().run(before)
    assert any(node.shape == (THREE, N, M) for node in after.nodes())
    assert not any(node.shape == (N, M, THREE) for node in after.nodes())
    _agree(before, after)


def test_what_is_scaled_has_no_axis_more() -> None:
    before = _graph(_sum((-2.0 * WEIGHTS) * PAIRS, 0), _sum((S * WEIGHTS) * PAIRS, 1))
    after = Planes().run(before)
    assert not any(node.shape == (N, M, ONE) for node in after.nodes())
    _agree(before, after)


def test_a_copy_serves_all_that_read_it() -> None:
    other = ops.reshape(Y, shape=(N, ONE, THREE)) * C
    after = Planes().run(_graph(_sum(PAIRS, 0), _sum(ops.sin(other), 1)))
    assert sum(node.op is ops.detached for node in after.nodes()) == 4  # of y, of c; two results


ALONE = {
    "an output": (PAIRS, _sum(PAIRS, 0)),
    "read by what is no sum": (ops.max(PAIRS, axis=(2,), keepdims=False),),
    "made of a whole array": (_sum(PAIRS * WHOLE, 2),),
    "all numbers of a row alike": (_sum(ops.exp(WHOLE), 2),),
    "rows of two axes": (_sum(ops.exp(Y * A), 1),),
}


@pytest.mark.parametrize("name", ALONE)
def test_what_stays(name: str) -> None:
    before = _graph(*ALONE[name])
    assert Planes().run(before) is before


MODEL = """
dim N
input P: real[N, N]
param y: real[N, 2]
param s: real[2]
d2 = sum(((y[:, None, :] - y[None, :, :]) * exp(s))**2, axis=2)
q = 1 / (1 + d2)
loss L = -sum(P * log(q)) + log(sum(q))
"""


@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_all_pairs_of_one_set_of_points(count: int) -> None:
    rng = np.random.default_rng(1)
    P, y, s = rng.uniform(size=(count, count)), rng.normal(size=(count, 2)), rng.normal(size=2)
    texts = [autodiffc.compile(MODEL, level=level) for level in (0, 2)]
    assert "np.copyto(detached, y.T)" in texts[1]
    plain, fast = (module_of(text, f"m{k}") for k, text in enumerate(texts))
    with np.errstate(all="ignore"):
        (value, grads), (other, others) = plain.value_and_grad(P, y, s), fast.value_and_grad(P, y, s)
    np.testing.assert_allclose(other, value, rtol=1e-12)
    for grad, found in zip(grads, others):
        np.testing.assert_allclose(found, grad, rtol=1e-10, atol=1e-12)
        assert found.flags.c_contiguous


MOVING = """
dim N
input goal: real[N, 3]
param x0, v0: real[N, 3]
param m: real[N]
x, v = x0, v0
for t in range(STEPS):
    d = x[None] - x[:, None]
    r2 = sum(d**2, axis=2) + 0.05
    v = v + 0.1 * sum(d * (m[None] / (r2 * sqrt(r2)))[:, :, None], axis=1)
    for s in range(INNER):
        e = (x[None] - goal[:, None]) * m[:, None, None]
        v = v - 0.01 * sum(e * sum(e**2, axis=2, keepdims=true), axis=0)
    x = x + v
loss L = mean((x - goal)**2)
"""


@pytest.mark.parametrize(
    ("count", "steps", "inner"), [(0, 9, 2), (1, 9, 9), (2, 11, 1), (6, 12, 10), (30, 9, 9)]
)
def test_in_loops(count: int, steps: int, inner: int) -> None:
    rng = np.random.default_rng(count)
    values = *(0.3 * rng.normal(size=(count, 3)) for _ in range(3)), 0.1 * rng.normal(size=count)
    model = MOVING.replace("STEPS", str(steps)).replace("INNER", str(inner))
    texts = [autodiffc.compile(model, level=level) for level in (0, 2)]
    assert "(3, N, N)" in texts[1].partition("def _value_and_grad_memory(")[2].partition("\ndef ")[0]
    answers = []
    for k, text in enumerate(texts):
        with np.errstate(all="ignore"):
            answers.append(module_of(text, f"m{k}").value_and_grad(*values))
    (value, grads), (other, others) = answers
    np.testing.assert_allclose(other, value, rtol=1e-11)
    for one, two in zip(grads, others):
        np.testing.assert_allclose(two, one, rtol=1e-8, atol=1e-12 * np.abs(one).max(initial=0.0))
