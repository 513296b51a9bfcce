"""Loops whose matrices are transposed: which ones are, and that values and gradients stay."""

from __future__ import annotations

from random import Random
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of, program_of
from autodiffc.compiler import ops
from autodiffc.compiler.ir import Graph
from autodiffc.compiler.passes.batch_last import BatchLast
from autodiffc.compiler.passes.dce import Dce
from autodiffc.compiler.passes.pipeline import prepare
from autodiffc.compiler.passes.simplify import Simplify
from autodiffc.compiler.verify import verify
from autodiffc.grammar.source import Source

HEAD = """
dim T, B, H
input x: real[T, B, H]
param W: real[H, 2*H]
param U: real[H, 2*H]
param b: real[2*H]
param h0: real[B, H]
var hs: real[T, B, H]
h, c = h0, zeros(B, H)
for t in range(T):
"""
TAIL = """
    hs[t] = h
loss L = sum(hs**2) + sum(h * c)
"""
GATES = """
    z = x[t] @ W + h @ U + b
    c = sigmoid(z[:, H:]) * c + tanh(z[:, :H])
    h = tanh(c)
"""


def model(body: str) -> str:
    return HEAD + body + TAIL


def prepared(text: str) -> Graph:
    return prepare(program_of(Source("model.dsl", text)).graph, 1)


def is_turned(text: str) -> bool:
    """Whether the loop of a model carries [H, B] after the pass."""
    before = prepare(program_of(Source("model.dsl", text)).graph)
    after = Dce().run(BatchLast().run(Simplify().run(before)))
    verify(after, "batch_last")
    (loop,) = [node for node in after.nodes() if node.op is ops.loop]
    return str(loop["body"].inputs[1].shape[0]) == "H"


def arguments(sizes: tuple[int, int, int]) -> dict[str, Any]:
    T, B, H = sizes
    rng = np.random.default_rng(7)
    shapes = {"x": (T, B, H), "W": (H, 2 * H), "U": (H, 2 * H), "b": (2 * H,), "h0": (B, H)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def levels_agree(text: str, sizes: tuple[int, int, int]) -> None:
    given = arguments(sizes)
    modules = [module_of(autodiffc.compile(text, level=k), f"s{k}") for k in (0, 2)]
    (value, grads), (got, others) = (m.value_and_grad(**given) for m in modules)
    np.testing.assert_allclose(got, value, rtol=1e-12, equal_nan=True)
    for name, expected, other in zip(grads._fields, grads, others):
        np.testing.assert_allclose(other, expected, rtol=1e-9, atol=1e-11, err_msg=name)
    outputs, cache = modules[1].forward(**given)
    np.testing.assert_array_equal(outputs.L, got)
    for other, again in zip(others, modules[1].backward(cache)):
        np.testing.assert_allclose(other, again, rtol=1e-9, atol=1e-11)


TURNED = [
    GATES,
    "    z = h @ U\n    h = z[:, :H] * (x[t] @ W[:, H:])\n    c = z[:, H:] * b[:H]\n",
    "    z = softmax(h @ U + b, axis=1)\n    h = z[:, :H] - mean(z[:, H:], axis=1, keepdims=true)\n",
    "    z = (h - mean(h, axis=0)) @ W\n    c, h = where(z[:, :H] > 0, z[:, :H], c), tanh(z[:, H:])\n",
    "    z = concatenate((h, c), axis=1)\n    h, c = c @ W[:, :H] * max(z), tanh(h)\n",
]
LEFT = [
    "    h = tanh(x[t] @ W[:, :H] + h @ U[:, :H])\n",  # nothing of the carried ones is cut
    "    z = h @ U\n    h = z[:, :H] + x[t]\n",  # x would have to be transposed step by step
    "    z = h @ U\n    h = z[:, :H] * sum(z, axis=1)[:, None]\n",
    "    z = h @ U\n    h = (z[:, :H] @ z[:, :H].T) @ z[:, H:]\n",
]


@pytest.mark.parametrize("body", TURNED)
def test_loops_that_cut_rows_are_turned(body: str) -> None:
    assert is_turned(model(body))


@pytest.mark.parametrize("body", LEFT)
def test_what_has_no_transposed_form_stays(body: str) -> None:
    assert not is_turned(model(body))


@pytest.mark.parametrize("sizes", [(0, 2, 3), (1, 1, 1), (4, 2, 5), (3, 1, 4)])
@pytest.mark.parametrize("body", [*TURNED[:2], LEFT[2]])
def test_all_levels_agree(body: str, sizes: tuple[int, int, int]) -> None:
    levels_agree(model(body), sizes)


def test_small_matrices_of_known_sizes_are_left_to_be_numbers() -> None:
    text = model(GATES).replace("dim T, B, H", "dim T, B = 2, H = 3")
    before = prepare(program_of(Source("model.dsl", text)).graph)
    assert BatchLast().run(before) is before


def random_body(random: Random) -> str:
    """A step of random ops on [B, H] and [B, 2*H]."""
    single, double, lines = ["h", "c"], [], []

    def add(text: str, wide: bool) -> None:
        name = f"v{len(lines)}"
        lines.append(f"    {name} = {text}")
        (double if wide else single).append(name)

    add("h @ U", True)
    for _ in range(random.randrange(3, 12)):
        wide = random.random() < 0.5
        a, e = (random.choice(double if wide else single) for _ in "ae")
        d, s = random.choice(double), random.choice(single)
        v = "b" if wide else random.choice(["b[:H]", f"sum({a}, axis=0)", "b[H:]"])
        text, is_wide = random.choice([
            (f"tanh({a})", wide),
            (f"sigmoid({a}) * {e}", wide),
            (f"{a} - {e}", wide),
            (f"{a} + {v}", wide),
            (f"tanh({v}) * {a}", wide),
            (f"{s} @ W", True),
            (f"x[t] @ W + {s} @ U", True),
            (f"tanh({d}[:, :H])", False),
            (f"sigmoid({d}[:, H:])", False),
            (f"concatenate(({s}, {random.choice(single)}), axis=1)", True),
            (f"softmax({a}, axis={random.randrange(2)})", wide),
            (f"{a} - mean({a}, axis={random.randrange(2)}, keepdims=true)", wide),
            (f"{a} * sin(sum({a}))", wide),
            (f"where({a} > {e}, sin({a}), {e})", wide),
            (f"{s} @ U[:, :H]", False),
            (f"{d} @ U.T", False),
        ])  # fmt: skip
        add(text, is_wide)
    h, c, d = random.choice(single), random.choice(single), random.choice(double)
    return "\n".join([*lines, f"    h, c = tanh({h} + {d}[:, :H]), 0.5 * tanh({c})"])


@pytest.mark.parametrize("seed", range(12))
def test_random_steps(seed: int) -> None:
    random = Random(seed)
    text = model(random_body(random))
    levels_agree(text, random.choice([(0, 2, 3), (3, 2, 4), (2, 1, 3), (2, 3, 1)]))


def test_most_random_steps_are_turned() -> None:
    assert sum(is_turned(model(random_body(Random(seed)))) for seed in range(12)) > 6
