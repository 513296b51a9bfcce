"""The choice of what is saved: minimum cuts against all choices, and gradients that any choice leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler import ops
from autodiffc.compiler.ir import Node, topological
from autodiffc.compiler.passes import branch_adjoint, loop_adjoint, partition
from autodiffc.compiler.passes.mincut import Network
from autodiffc.compiler.passes.saving import CACHED, STACKED, Prices, cheapest, is_leaf
from autodiffc.compiler.types import Dim, Type
from autodiffc.grammar.source import Source
from hypothesis import given, settings
from hypothesis import strategies as st

EDGES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 9)), max_size=14)


@given(EDGES)
def test_a_cut_is_the_cheapest_and_smallest(edges: list[tuple[int, int, int]]) -> None:
    network: Network[int] = Network()
    for tail, head, capacity in edges:
        network.add(tail, head, capacity)
    side = network.source_side(0, 5)

    def cost(chosen: set[int]) -> int:
        return sum(c for tail, head, c in edges if tail in chosen and head not in chosen)

    others = [
        {0, *(k for k, taken in zip(range(1, 5), taken) if taken)} for taken in product((0, 1), repeat=4)
    ]
    best = min(map(cost, others))
    assert cost(side) == best
    assert all(side <= other for other in others if cost(other) == best)


def test_long_paths_are_gone_without_recursion() -> None:
    network: Network[int] = Network()
    for k in range(30_000):
        network.add(k, k + 1, 3 + (k != 7))
    assert network.source_side(0, 30_000) == set(range(8))


# --- which values are saved ----------------------------------------------------------------------------

N = Dim.symbol("N")
BUILD = st.lists(st.tuples(st.sampled_from(["mul", "exp", "neg", "sub", "tanh", "sum"]), st.integers(), st.integers()),
                 min_size=1, max_size=7)  # fmt: skip


def built(steps: Sequence[tuple[str, int, int]]) -> list[Node]:
    values = [ops.argument("x", Type("real", (N,))), ops.argument("y", Type("real", (N, N)))]
    for name, first, second in steps:
        a, b = values[first % len(values)], values[second % len(values)]
        if name in ("mul", "sub"):
            values.append(getattr(ops, name)(a, b))
        elif name == "sum":
            values.append(ops.sum(a, axis=(0,), keepdims=True) if a.rank else a)
        else:
            values.append(getattr(ops, name)(a))
    return values


def price(kept: set[Node], roots: Sequence[Node], prices: Prices) -> int | None:
    """What a choice costs; None where a value can't be had."""
    costs, total, done = prices.costs, 0, set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node in done or is_leaf(node):
            continue
        done.add(node)
        again = prices.again(costs, node, (), ())
        if node in kept:
            total += prices.keep(costs, node)
        elif again is None:
            return None
        else:
            total += again
            waiting.extend(node.args)
    return total


@pytest.mark.parametrize(
    "prices", [CACHED, STACKED, Prices(3.0, 3.0, 1.0, 1.0, 50, False)], ids=["cached", "stacked", "other"]
)
@given(steps=BUILD, picked=st.lists(st.integers(0, 8), min_size=1, max_size=3))
@settings(max_examples=60)
def test_no_choice_is_cheaper(prices: Prices, steps: Any, picked: list[int]) -> None:
    values = built(steps)
    roots = list(dict.fromkeys(values[k % len(values)] for k in picked))
    chosen = cheapest(roots, (), (), prices)
    assert chosen is not None
    needed = [node for node in topological(roots) if not is_leaf(node)]
    every = [{n for n, taken in zip(needed, flags) if taken} for flags in product((0, 1), repeat=len(needed))]
    found = [cost for kept in every if (cost := price(kept, roots, prices)) is not None]
    assert price(chosen, roots, prices) == min(found)


def test_what_is_read_of_an_array_that_a_loop_changes_is_saved() -> None:
    a, i = ops.argument("a", Type("real", (N, N))), ops.argument("i", Type("int"))
    read = ops.gather(a, i, index=(("array", 0), ("slice", Dim.of(0), N, 1)))
    root = read * 2.0
    assert cheapest([root, read], [a, i], [], STACKED) == set()
    assert cheapest([root, read], [a, i], [a], STACKED) == {read}


def test_too_many_values_are_not_thought_about(monkeypatch: pytest.MonkeyPatch) -> None:
    from autodiffc.compiler.passes import saving

    monkeypatch.setattr(saving, "LARGEST", 3)
    x = ops.argument("x", Type("real", (N,)))
    assert cheapest([-(x * x)], (), (), CACHED) is not None
    assert cheapest([ops.neg(ops.neg(-(x * x)))], (), (), CACHED) is None


# --- the same gradients ----------------------------------------------------------------------------------

RECURRENCES = {
    "spikes": """dim T, N
input x: real[T, N]
param w, tau: real[N]
v = 0.0 * x[0]
s = 0.0 * x[0]
for t in range(T):
    v = v * tau + w * x[t] * (1 - s)
    d = v - 1
    s = maximum(d, 0) / (1 + abs(d))
loss L = mean(v**2) + mean(s)
""",
    "growth": """dim T, N
input x: real[T, N]
param w, tau: real[N]
y = w
for t in range(T):
    k = tau * y * (1 - y) - 0.1 * y * y
    m = y + 0.05 * k
    y = y + 0.1 * (tau * m * (1 - m) - 0.1 * m * m) + 0.01 * x[t]
loss L = mean(y**2)
""",
    "scalars": """dim T, N
input x: real[T, N]
param w, tau: real[N]
y, v = w[0], tau[0]
for t in range(T):
    e = 1 - tau[0] * y * y
    if e > 0:
        v = v + 0.1 * (e * v - w[0] * y)
    y = y + 0.1 * v * x[t, 0]
loss L = y**2 + v * v
""",
    "no loop": """dim T, N
input x: real[T, N]
param w, tau: real[N]
d = (x - w) / tau
q = where(d > 0, d * d, -d)
loss L = sum(log(1 + q) * abs(d))
""",
}  # fmt: skip
FREELY = Prices(1e6, 1e6, 2.0, 1.0, 1000, False)  # whatever can be made again is


def gradients(text: str, prices: Prices | None, level: int, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    for module in (partition, loop_adjoint, branch_adjoint):
        for name in ("CACHED", "STACKED"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, prices)
    program = program_of(Source("m.dsl", text))
    module = module_of(module_text(program, Options(level=level)), "m")
    rng = np.random.default_rng(3)
    arguments = rng.uniform(0.2, 1.4, (6, 4)), rng.uniform(0.5, 1.5, 4), rng.uniform(0.3, 0.9, 4)
    outputs, cache = module.forward(*arguments)
    return [*module.value_and_grad(*arguments)[1], *module.backward(cache), outputs.L]


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("name", RECURRENCES)
def test_gradients_are_the_same_whatever_is_saved(
    name: str, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = RECURRENCES[name]
    used = gradients(text, None, level, monkeypatch)
    for prices in (FREELY, CACHED, STACKED):
        for one, other in zip(used, gradients(text, prices, level, monkeypatch)):
            np.testing.assert_allclose(one, other, rtol=1e-14)


def test_a_step_stacks_less() -> None:
    """1 - y and tau * y are made again of y, which is kept for the sums after the loop anyway."""
    text = module_text(program_of(Source("m.dsl", RECURRENCES["growth"])), Options())
    forward, _, backward = text.partition("def value_and_grad")[2].partition("backward in time")
    assert forward.count("np.empty((T, N))") == 2
    assert "1.0 - y" in backward.partition("\ndef ")[0]
