"""Numbers that arrays meet become arrays of the module: which, under which names, and to the same values."""

from __future__ import annotations

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from autodiffc.codegen.blocks import Block, Statement
from autodiffc.codegen.constants import as_arrays, name_of, number_of, with_arguments
from autodiffc.codegen.schedule import Group
from autodiffc.compiler.ir import const
from autodiffc.compiler.types import INT, REAL, Dim, Type

ARRAY = Type("real", (Dim.symbol("N"),))
TYPES = {"x": ARRAY, "y": ARRAY, "k": Type("int", (Dim.symbol("N"),)), "s": REAL, "n": INT, "hs": None}


def written(line: str) -> str:
    statement = Statement(Group(False, 0), (line,), const(1.0), "")
    (inside,) = as_arrays([statement], TYPES, "np", lambda name: name)
    block = Statement(Group(False, 0), (), const(1.0), "", (Block("for t in range(n):", (statement,)),))
    (around,) = as_arrays([block], TYPES, "np", lambda name: name)
    assert around.blocks[0].statements[0].lines == inside.lines
    return inside.lines[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x *= 0.5", "x *= _0p5"),
        ("z = -2.0 * x", "z = _m2 * x"),
        ("z = 1.0 - (3.5 - y)", "z = 1.0 - (_3p5 - y)"),
        ("z = np.maximum(x + 1.0, 0.0, out=z)", "z = np.maximum(x + _1, _0, out=z)"),
        ("z = np.multiply(1e-05, y @ y, out=z)", "z = np.multiply(_1em05, y @ y, out=z)"),
        ("z = np.where(x >= 2.0, y, 0.0)", "z = np.where(x >= _2, y, 0.0)"),
        ("z = k * 2.0", "z = k * _2"),
        ('z = f("π", x / 3.0)', 'z = f("π", x / _3)'),
    ],
)
def test_numbers_that_meet_arrays_get_names(before: str, after: str) -> None:
    assert written(before) == after


@pytest.mark.parametrize(
    "line",
    [
        "s *= 0.5",
        "z = 2.0 * s",
        "z = hs + 1.0",
        "x **= 0.5",
        "z = x ** 2.0",
        "x[0] -= 1.0",
        "z = x + 1",
        "z = np.maximum(s, 0.0)",
        "z = np.full(n, 0.5)",
        "z = np.power(x, 0.5, out=z)",
        "z = s < 1.0",
    ],
)
def test_other_numbers_stay(line: str) -> None:
    assert written(line) == line


@pytest.mark.parametrize(
    "number", [0.0, -0.0, 1.0, -2.5, 1e-05, 5e-324, 1.7976931348623157e308, 0.1, 1e16, 123456.75]
)
def test_names_stand_for_their_numbers(number: float) -> None:
    name = name_of(repr(number))
    assert name.isidentifier()
    assert number_of(name) == repr(number)


def test_names_of_other_things_stand_for_nothing() -> None:
    assert not any(map(number_of, ("_new", "_REAL", "_pack_4", "_m", "_e5", "x_2", "_2_", "_0x1")))


MODEL = """
dim N
input x: real[N]
param b: real[N]
param a: real
y = maximum(2.0 * x * a, 0.5) - exp(-0.5 * b)
loss L = sum(y**2 / 4.0)
"""


@pytest.mark.parametrize("size", [0, 1, 7])
def test_a_model_gives_what_it_gives_without_them(size: int) -> None:
    rng = np.random.default_rng(size)
    arguments = rng.normal(size=size), rng.normal(size=size), 0.75
    plain, quick = (module_of(autodiffc.compile(MODEL, level=level), f"m{level}") for level in (1, 2))
    value, grads = quick.value_and_grad(*arguments)
    expected, slopes = plain.value_and_grad(*arguments)
    assert value == pytest.approx(expected, rel=1e-14)
    for got, want in zip(grads, slopes):
        np.testing.assert_allclose(got, want, rtol=1e-13)


def test_single_precision_has_none() -> None:
    text = autodiffc.compile(MODEL, level=2, dtype="float32")
    assert "np.array(" not in text.split("class Params")[0]


def held(*lines: str) -> tuple[list[str], dict[str, str]]:
    statements = [Statement(Group(False, 0), (line,), const(1.0), "") for line in lines]
    block = Statement(Group(False, 0), (), const(1.0), "", (Block("for t in range(n):", tuple(statements)),))
    (inside,), found = with_arguments([block], TYPES, ["s", "d_L"], "np", lambda name: name)
    return [line for statement in inside.blocks[0].statements for line in statement.lines], found


def test_arguments_that_meet_arrays_are_arrays() -> None:
    lines = ["z = np.multiply(s, x, out=z)", "z *= d_L", "w = s * s", "v = f(s, x)", "u = hs * s"]
    found, names = held(*lines, "x += s")
    assert found[:2] == ["z = np.multiply(s_array, x, out=z)", "z *= d_L"]
    assert found[2:] == [*lines[2:], "x += s_array"]
    assert names == {"s": "s_array"}


@pytest.mark.parametrize("line", ["s = 2.0 * s", "s += d_L", "s, z = z, s"])
def test_a_variable_that_changes_is_none_of_them(line: str) -> None:
    assert held("x *= s", line) == (["x *= s", line], {})


def test_each_call_has_its_own_numbers() -> None:
    text = "dim N\ninput x: real[N]\nparam a, b: real\nloss L = sum(tanh(a * x + b)**2)"
    for emit in ([], ["workspace"]):
        module = module_of(autodiffc.compile(text, level=2, emit=emit), "numbers")
        plain = module_of(autodiffc.compile(text, level=1), "plain")
        lent = {"workspace": module.Workspace()} if emit else {}
        x = np.linspace(-1.0, 2.0, 40)
        for a, b in ((0.5, 2), (np.float64(-1.5), 0.25), (0.5, np.inf), (0.0, -0.0)):
            value, grads = module.value_and_grad(x, a, b, **lent)
            wanted, slopes = plain.value_and_grad(x, a, b)
            np.testing.assert_allclose([value, *grads], [wanted, *slopes], rtol=1e-12)
        assert "b_array[()] = b" in autodiffc.compile(text, level=2)
        assert "_array[()]" not in autodiffc.compile(text, level=2, dtype="float32")


def test_a_name_of_several_types_would_keep_its_numbers() -> None:
    """`product` is no array in the loop and then a number: it would have no memory, nor 0.3 an array."""
    text = autodiffc.compile(
        "dim N, S\ninput steps: int[S]\nparam x: real[N]\nparam k: real\nh = x\nfor s in range(S):\n"
        "    h = h + 0.02 * (k * h - 0.3 * h**3)\nloss L = sum(h**2)\n",
        level=2,
    )
    assert "product *= _0p3" in text
    assert "product *= 0.3" not in text
