"""Chains of matrix products: every order gives the same, and the cheap one is taken."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.interp import results
from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.passes.chains import Chains
from autodiffc.compiler.types import Dim, Type
from autodiffc.compiler.verify import verify
from hypothesis import given
from hypothesis import strategies as st


def _factor(name: str, *shape: str | int) -> Node:
    dims = tuple(Dim.symbol(s) if isinstance(s, str) else Dim.of(s) for s in shape)
    return ops.argument(name, Type("real", dims))


def _graph(product: Node, *factors: Node, **names: Node) -> Graph:
    return Graph(tuple(dict.fromkeys(factors)), (("y", product),), {node: n for n, node in names.items()})


A, B, C = _factor("A", "N", "M"), _factor("B", "M", "K"), _factor("C", "K", "P")
x, y = _factor("x", "P"), _factor("y", "N")
SQUARE = _factor("S", "N", "N")


@pytest.mark.parametrize(
    ("product", "factors", "order"),
    [
        (A @ B @ C @ x, (A, B, C, x), "A @ (B @ (C @ x))"),
        (y @ (A @ (B @ C)), (y, A, B, C), "y @ A @ B @ C"),
        (y @ ((A @ B) @ (C @ x)), (y, A, B, C, x), "A @ (B @ …)"),
        (SQUARE @ SQUARE @ y, (SQUARE, y), "S @ (S @ y)"),
        (A @ (B @ (C @ x)), (A, B, C, x), None),
        (A @ B @ C, (A, B, C), None),  # depends on the dims
    ],
)
def test_a_vector_goes_through_a_chain(product: Node, factors: tuple[Node, ...], order: str | None) -> None:
    graph = _graph(product, *factors)
    after = Chains().run(graph)
    assert [note.text for note in after.notes] == ([] if order is None else [order])
    assert (after is graph) is (order is None)


def test_an_order_that_depends_on_the_dims_is_chosen_at_run_time() -> None:
    after = Chains(choose=True).run(_graph(A @ B @ C, A, B, C))
    verify(after, "chains")
    (result,) = (node for _, node in after.outputs)
    assert result.op is ops.item
    assert result.args[0].op is ops.branch
    left, right = "A @ B @ C", "A @ (B @ C)"
    assert {note.text for note in after.notes} & {
        f"by the dims at run time: {left} or {right}",
        f"by the dims at run time: {right} or {left}",
    }


def test_what_has_a_name_or_another_reader_stays_whole() -> None:
    inner = A @ B
    named = _graph(inner @ C @ x, A, B, C, x, inner=inner)
    (product,) = (node for _, node in Chains().run(named).outputs)
    assert inner in product.args
    twice = Graph((A, B, C, x), (("y", inner @ (C @ x)), ("z", inner)))
    assert Chains().run(twice) is twice
    shared = Graph((A, B, C, x), (("y", inner @ C @ x), ("z", inner)))
    assert inner in (n for node in Chains().run(shared).nodes() for n in node.args)


@st.composite
def chains(draw: st.DrawFn) -> tuple[Graph, dict[str, int]]:
    """A random product of three to five factors, some of them the same, with vectors at the ends."""
    count = draw(st.integers(3, 5))
    letters = draw(st.lists(st.sampled_from("NMKPQ"), min_size=count + 1, max_size=count + 1))
    left, right = draw(st.booleans()), draw(st.booleans())
    made: dict[tuple[str, ...], Node] = {}
    factors = []
    for i, pair in enumerate(pairwise(letters)):
        shape = pair[1:] if i == 0 and left else pair[:1] if i == count - 1 and right else pair
        factors.append(made.setdefault(shape, _factor("F" + "".join(shape), *shape)))
    pending = list(factors)
    while len(pending) > 1:
        inside = range(bool(left) and len(pending) > 2, len(pending) - 1 - (bool(right) and len(pending) > 2))
        i = draw(st.sampled_from(list(inside) or [0]))
        if (pending[i].rank == 1 and i) or (pending[i + 1].rank == 1 and i + 2 < len(pending)):
            i = 0
        pending[i : i + 2] = [pending[i] @ pending[i + 1]]
    sizes = {letter: draw(st.integers(1, 6)) for letter in "NMKPQ"}
    return _graph(pending[0], *factors), sizes


@given(chains(), st.booleans(), st.integers(0, 2**32 - 1))
def test_every_order_gives_the_same(drawn: tuple[Graph, dict[str, int]], choose: bool, seed: int) -> None:
    graph, sizes = drawn
    after = Chains(choose).run(graph)
    verify(after, "chains")
    rng = np.random.default_rng(seed)
    values = {
        node["name"]: rng.integers(-3, 4, [d.evaluate(sizes) for d in node.shape]).astype(float)
        for node in graph.inputs
    }
    before, now = (results(g, values, sizes)[0] for g in (graph, after))
    np.testing.assert_array_equal(before, now)  # whole numbers: no order rounds
