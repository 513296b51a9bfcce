"""Rows of stacks and parts of arrays that are written where they stay; and when they must not be."""

from __future__ import annotations

import re
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from autodiffc.codegen.blocks import Block, Statement
from autodiffc.codegen.placed import placed
from autodiffc.codegen.schedule import Group
from autodiffc.compiler.ir import const
from autodiffc.compiler.types import Dim, Type

GROUP = Group(False, 1)
T, H = Dim.symbol("T"), Dim.symbol("H")
ROW, STACK = Type("real", (H,)), Type("real", (T, H))
TYPES = {
    **dict.fromkeys(("x", "y", "h", "u", "a", "b"), ROW),
    **dict.fromkeys(("hs", "us", "given"), STACK),
    "h_all": Type("real", (T + 1, H)),
    "d": Type("real", (2 * H,)),
}


def statements(text: str) -> list[Statement]:
    """The statements of a text, of which loops have one line for each statement."""
    found: list[Statement] = []
    for line in text.strip().splitlines():
        if line.startswith("    "):
            block = found[-1].blocks[0]
            inner = Statement(GROUP, (line.strip(),), const(0.0), "")
            found[-1] = Statement(GROUP, (), const(0.0), "", (Block(block.head, (*block.statements, inner)),))
        elif line.endswith(":"):
            found.append(Statement(GROUP, (), const(0.0), "", (Block(line, ()),)))
        else:
            found.append(Statement(GROUP, (line,), const(0.0), ""))
    return found


def written(text: str, last: str = "return hs") -> str:
    """A text with its values in their places."""

    def empty(type: Type) -> str:
        return f"np.empty({', '.join(map(str, type.shape))})"

    found = placed(statements(text), last, TYPES, "np", str, empty)
    lines = [line for s in found for line in s.lines]
    for s in found:
        for block in s.blocks:
            lines += [block.head, *(f"    {line}" for inner in block.statements for line in inner.lines)]
    return "\n".join(lines)


def loop(*steps: str, before: str = "hs = np.empty((T, H))") -> str:
    return "\n".join([*before.splitlines(), "for t in range(T):", *(f"    {step}" for step in steps)])


def test_a_row_is_written_where_it_stays() -> None:
    before = loop("u = np.tanh(x)", "u *= y", "hs[t] = u")
    assert written(before) == loop("u = np.tanh(x, out=hs[t])", "u *= y")


def test_operators_become_calls() -> None:
    assert written(loop("u = x * (y + x)", "hs[t] = u")) == loop("u = np.multiply(x, y + x, out=hs[t])")


@pytest.mark.parametrize(
    "steps",
    [
        ("u = np.tanh(x)", "hs[t] = u", "u *= y", "a = u + x"),  # the value is changed afterwards
        ("u = np.tanh(x)", "a = hs[t] + y", "hs[t] = u"),  # what the row held is read before
        ("u = np.tanh(x)", "t = t + 1", "hs[t] = u"),  # another row by then
        ("u = x[:]", "hs[t] = u"),  # memory of its own it never was
        ("h = np.tanh(h)", "hs[t] = h"),  # what the first step begins with is elsewhere
        ("u = np.tanh(x)", "hs[t] = u", "hs[0] = x", "a = u + x"),  # the row is changed afterwards
    ],
)
def test_what_may_not_be(steps: tuple[str, ...]) -> None:
    assert written(loop(*steps)) == loop(*steps)


def test_what_is_given_out_is_no_row() -> None:
    steps = loop("u = np.tanh(x)", "hs[t] = u")
    assert written(steps, "return hs, u") == steps


def test_a_given_array_may_lie_in_any_order() -> None:
    steps = loop("u = np.tanh(x)", "given[t] = u", before="")
    assert written(steps) == steps


def test_what_is_carried_shows_the_row_of_the_step_before() -> None:
    begin = "h_all = np.empty((T + 1, H))\nh_all[0] = h\n"
    parts = "h_before, hs = h_all[:-1], h_all[1:]"
    after = written(loop("h = np.tanh(h)", "hs[t] = h", before=begin + parts), "return hs.sum()")
    assert after == loop("h = np.tanh(h, out=hs[t])", before=f"{begin}h = h_all[0]\n{parts}")


def test_parts_are_written_where_they_are_joined() -> None:
    assert written("a = x * y\nb = x + y\nd = np.concatenate((a, b))\nu = x @ d", "return u") == (
        "d = np.empty(2*H)\na = np.multiply(x, y, out=d[:H])\nb = np.add(x, y, out=d[H:])\nu = x @ d"
    )


@pytest.mark.parametrize(
    "text",
    [
        "a = x * y\nb = x + y\nd = np.concatenate((a, b))\nd *= 2.0\nu = d + a.sum()",  # a part is read again
        "a = x * y\nb = x + y\nd = np.concatenate((a, a))\nu = x @ d",
        "d = x @ y\na = x * y\nb = x + d\nd = np.concatenate((a, b))\nu = x @ d",  # the variable is in use
    ],
)
def test_parts_that_stay(text: str) -> None:
    assert written(text, "return u") == text


MODEL = """
dim T, B, D
input x: real[T, B, D]
param U: real[D, D]
var hs: real[T, B, D]
h = zeros(B, D)
for t in range(T):
    h = tanh(x[t] + h @ U) * 0.5
    hs[t] = h
output h
loss L = sum(hs**2) + sum(h)
"""


def module(model: str, level: int) -> Any:
    return module_of(autodiffc.compile(model, level=level), f"placed{level}")


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_results_are_arrays_of_their_own(steps: int) -> None:
    rng = np.random.default_rng(steps)
    x, U = rng.normal(size=(steps, 2, 3)), rng.normal(size=(3, 3))
    fast, plain = module(MODEL, 2), module(MODEL, 0)
    for _ in range(2):
        got, expected = fast.value_and_grad(x, U), plain.value_and_grad(x, U)
        np.testing.assert_allclose(got[0], expected[0], rtol=1e-13)
        np.testing.assert_allclose(got[1].U, expected[1].U, rtol=1e-12, atol=1e-14)
    outputs, _ = fast.forward(x, U)
    assert outputs.h.base is None
    np.testing.assert_allclose(outputs.h, plain.forward(x, U)[0].h, rtol=1e-13)


def test_no_row_is_copied_in_a_network() -> None:
    text = autodiffc.compile(MODEL.replace("output h\n", "").replace(" + sum(h)", ""), level=2)
    assert "out=hs[t])" in text
    assert not re.search(r"^ +\w+\[t\] = \w+$", text, re.MULTILINE)


STATE = """
dim T, B, D
input x: real[T, B, D]
param U: real[D, D]
h = ones(B, D)
k = h
for t in range(T - 1):
    STEP
loss L = sum(h**2) + sum(k)
"""
STEPS = {
    "one": "h = tanh(x[t] + h @ U) * 0.5",
    "grown": "h = h * sum(h) + x[t] @ U",
    "two": "h = tanh(x[t] + h @ U)\n    k = k * h + 0.5 * k",
    "swapped": "h, k = tanh(k @ U) * h, h + x[t]",
}


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("name", STEPS)
def test_what_a_step_begins_with_is_written_at_the_end_of_the_one_before(name: str, steps: int) -> None:
    rng = np.random.default_rng(steps)
    x, U = rng.normal(size=(steps, 2, 3)), rng.normal(size=(3, 3))
    model = STATE.replace("STEP", STEPS[name])
    for text in (model, model.replace("loss", "output h\nloss")):
        fast, plain = module(text, 2), module(text, 0)
        expected = plain.value_and_grad(x, U)
        for _ in range(2):
            got = fast.value_and_grad(x, U)
            np.testing.assert_allclose(got[0], expected[0], rtol=1e-13)
            np.testing.assert_allclose(got[1].U, expected[1].U, rtol=1e-11, atol=1e-13)
        _, cache = fast.forward(x, U)
        np.testing.assert_allclose(fast.backward(cache).U, expected[1].U, rtol=1e-11, atol=1e-13)


def test_a_state_is_not_copied() -> None:
    text = autodiffc.compile(STATE.replace("STEP", STEPS["two"]), level=2)
    assert "h_before, h_after = h_all[:-1], h_all[1:]" in text or "h_before, hs = h_all" in text
    assert "out=k_after[t])" in text
    assert not re.search(r"^ +[hk]_before\[t\] = ", text, re.MULTILINE)
