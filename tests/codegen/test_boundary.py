"""Wrong calls of an emitted module say which argument, what was expected and what came."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, compile, module_of, module_text, program_of
from autodiffc.grammar.source import Source

MODEL = """\
dim N, D, H
dim K = 3
input x: real[N, D]
input y: int[N] in range(K)
input keep: bool[N]
input T: real > 0
param W: real[D, H]
param b: real[4*H] >= -1 < 5
param n: real[N-1]
loss L = sum(where(keep, sum(x @ W, axis=1), 0.0)) / T + sum(b**2) + sum(n) + sum(y)
"""


def compiled(text: str, **options: Any) -> Any:
    return module_of(module_text(program_of(Source("model.dsl", text)), Options(**options)), "model")


@pytest.fixture(scope="module")
def m() -> Any:
    return compiled(MODEL)


def good() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "x": rng.normal(size=(5, 2)), "y": np.array([0, 1, 2, 0, 1]), "keep": np.array([True, False] * 2 + [True]),
        "T": 2.0, "W": rng.normal(size=(2, 3)), "b": np.zeros(12), "n": np.ones(4),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"x": np.ones(5)}, ValueError, "x: expected real[N, D], got shape (5,)"),
        ({"x": "abc"}, TypeError, "x: expected real[N, D], got dtype <U3"),
        ({"x": np.ones((5, 2), complex)}, TypeError, "x: expected real[N, D], got dtype complex128"),
        ({"x": None}, TypeError, "x: expected real[N, D], got dtype object"),
        ({"x": [[1, 2], [3]]}, ValueError, "x: expected real[N, D], got a ragged sequence"),
        ({"x": np.ma.masked_less(np.ones((5, 2)), 3)}, TypeError, "x: expected real[N, D], got a masked array"),
        ({"x": np.ones((6, 2))}, ValueError,
         "x: expected real[N, D], y: expected int[N]; N is 6 in x and 5 in y"),
        ({"W": np.ones((4, 3))}, ValueError,
         "x: expected real[N, D], W: expected real[D, H]; D is 2 in x and 4 in W"),
        ({"b": np.zeros(8)}, ValueError, "b: expected real[4*H] with 4*H = 12, got shape (8,)"),
        ({"n": np.ones(5)}, ValueError, "n: expected real[N-1] with N-1 = 4, got shape (5,)"),
        ({"y": [0, 1, 2, 3, 1]}, ValueError, "y: expected int[N] in range(3), got 3"),
        ({"y": [0, 1, 2, -1, 1]}, ValueError, "y: expected int[N] in range(3), got -1"),
        ({"y": np.zeros(5)}, TypeError, "y: expected int[N], got dtype float64"),
        ({"y": np.zeros(5, bool)}, TypeError, "y: expected int[N], got dtype bool"),
        ({"keep": np.ones(5)}, TypeError, "keep: expected bool[N], got dtype float64"),
        ({"T": 0.0}, ValueError, "T: expected real > 0.0, got 0.0"),
        ({"T": "1"}, TypeError, "T: expected real, got dtype <U1"),
        ({"T": [1.0]}, ValueError, "T: expected real, got shape (1,)"),
        ({"T": 1j}, TypeError, "T: expected real, got dtype complex128"),
        ({"T": None}, TypeError, "T: expected real, got NoneType"),
        ({"b": np.full(12, -2.0)}, ValueError, "b: expected real[4*H] >= -1.0, got -2.0"),
        ({"b": np.full(12, 5.0)}, ValueError, "b: expected real[4*H] < 5.0, got 5.0"),
    ],
)  # fmt: skip
def test_wrong_arguments(m: Any, changes: dict[str, Any], error: type[Exception], message: str) -> None:
    for function in (m.value_and_grad, m.grad, m.forward):
        with pytest.raises(error, match=re.escape(message).replace("0\\.0", "0(\\.0)?").replace("1\\.0", "1(\\.0)?")
                           .replace("5\\.0", "5(\\.0)?")):  # fmt: skip
            function(**{**good(), **changes})


def test_missing_and_surplus_arguments_are_named(m: Any) -> None:
    arguments = good()
    del arguments["W"]
    with pytest.raises(TypeError, match="W"):
        m.value_and_grad(**arguments)
    with pytest.raises(TypeError, match="extra"):
        m.value_and_grad(**good(), extra=1)


def test_what_numpy_takes_is_taken(m: Any) -> None:
    value, grads = m.value_and_grad(**good())
    big = {
        "x": good()["x"].astype(">f8"),
        "b": [0] * 12,
        "T": np.float32(2),
        "y": good()["y"].astype(np.uint8),
    }
    strided = {
        "x": np.asfortranarray(good()["x"]),
        "W": np.repeat(good()["W"], 2, axis=0)[::2],
        "T": np.array(2),
    }
    frozen = good()["x"]
    frozen.flags.writeable = False
    for changes in (
        big,
        strided,
        {"x": frozen},
        {"x": np.matrix(good()["x"])},
        {"keep": good()["keep"].tolist()},
    ):
        again, slopes = m.value_and_grad(**{**good(), **changes})
        assert again == pytest.approx(value, rel=1e-15)
        for a, b in zip(slopes, grads):
            np.testing.assert_allclose(a, b, rtol=1e-14)
            assert a.dtype == np.float64
            assert type(a) is np.ndarray


def test_nan_and_inf_go_through(m: Any) -> None:
    assert np.isnan(m.value_and_grad(**{**good(), "T": np.nan})[0])
    assert m.value_and_grad(**{**good(), "n": np.array([np.inf, 1, 1, 1])})[0] == np.inf
    assert np.isnan(m.value_and_grad(**{**good(), "b": np.full(12, np.nan)})[0])


def test_nothing_of_the_callers_is_written_to(m: Any) -> None:
    arguments = good()
    before = {k: np.array(v) for k, v in arguments.items()}
    m.value_and_grad(**arguments)
    _, cache = m.forward(**arguments)
    m.backward(cache)
    m.objective(**{k: arguments[k] for k in ("x", "y", "keep", "T")}, H=3)(np.zeros(6 + 12 + 4))
    for name, array in before.items():
        np.testing.assert_array_equal(arguments[name], array)


def test_inputs_that_know_a_size_are_checked_without_the_params(m: Any) -> None:
    inputs = {k: good()[k] for k in ("x", "y", "keep", "T")}
    with pytest.raises(ValueError, match="N is 5 in x and 4 in y"):
        m.objective(**{**inputs, "y": [0, 1, 2, 0]}, H=3)
    with pytest.raises(TypeError, match="H"):
        m.objective(**inputs)
    with pytest.raises(TypeError, match="H: expected an int, got float"):
        m.objective(**inputs, H=3.0)
    with pytest.raises(ValueError, match=r"theta: expected 22 numbers, got shape \(3,\)"):
        m.objective(**inputs, H=3)(np.zeros(3))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_cotangent_is_checked(level: int) -> None:
    m = compiled(
        "dim N\ninput a: real[N]\nparam w: real[N]\noutput q = a * w\ngrad q wrt w, a\n", level=level
    )
    a, w = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    outputs, cache = m.forward(a, w)
    np.testing.assert_array_equal(outputs.q, a * w)
    grads = m.backward(cache, np.ones(2))
    np.testing.assert_array_equal(grads.w, a)
    grads.a[:] = 0
    np.testing.assert_array_equal(w, [3.0, 5.0])
    assert not hasattr(m, "value_and_grad")
    with pytest.raises(ValueError, match=re.escape("d_q: expected real[N] with N = 2, got shape (3,)")):
        m.backward(cache, np.ones(3))
    with pytest.raises(TypeError, match=re.escape("d_q: expected real[N], got dtype <U1")):
        m.backward(cache, "a")


def test_a_size_that_does_not_come_out_whole() -> None:
    m = compiled("dim H\nparam b: real[2*H]\nloss L = sum(b) * H\n")
    assert m.value_and_grad(np.ones(4))[0] == 8.0
    with pytest.raises(ValueError, match=re.escape("b: expected real[2*H] with 2*H = 4, got shape (5,)")):
        m.value_and_grad(np.ones(5))
    m = compiled("dim H\nparam b: real[H+3]\nloss L = sum(b) * H\n")
    with pytest.raises(ValueError, match="b: expected an axis of H \\+ 3, got 2"):
        m.value_and_grad(np.ones(2))


def test_a_slice_that_needs_more() -> None:
    m = compiled("dim N\nparam b: real[N]\nloss L = sum(b[2:])\n")
    assert m.value_and_grad(np.ones(5))[0] == 3.0
    with pytest.raises(ValueError, match=r"line 3.*N is 1"):
        m.value_and_grad(np.ones(1))


def test_scalars_of_every_kind() -> None:
    m = compiled(
        "input n: int in range(2, 5)\ninput c: bool\nparam s: real >= 0\nloss L = s * n if c else -s\n"
    )
    assert m.value_and_grad(3, True, 2) == (6.0, (3.0,))
    assert m.value_and_grad(np.int8(3), np.bool_(True), np.float32(2)) == (6.0, (3.0,))
    for n in (1, 5):
        with pytest.raises(ValueError, match=re.escape(f"n: expected int in range(2, 5), got {n}")):
            m.value_and_grad(n, True, 2.0)
    with pytest.raises(TypeError, match="n: expected int, got dtype float64"):
        m.value_and_grad(3.0, True, 2.0)
    with pytest.raises(TypeError, match="c: expected bool, got dtype int64"):
        m.value_and_grad(3, 1, 2.0)
    with pytest.raises(ValueError, match="s: expected real >= 0"):
        m.value_and_grad(3, True, -1.0)


def test_scalars_are_python_floats() -> None:
    m = compiled(
        "dim N\ninput x: real[N]\nparam s: real\noutput r = s * 2\nloss L = sum(x) * s\n", dtype="float32"
    )
    value, grads = m.value_and_grad(np.ones(3), 2)
    assert type(value) is float
    assert type(grads.s) is float
    outputs, _ = m.forward([1, 2, 3], np.float64(2))
    assert type(outputs.r) is float


FLAT = """dim N, D
input x: real[N, D]
param W: real[D, 2]
param s: real
loss L = sum((x @ W) ** 2) * s
"""


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_flat_view_takes_what_it_should(dtype: str) -> None:
    m = module_of(compile(FLAT, dtype=dtype), "m")
    theta = m.pack((np.ones((3, 2)), 2))
    np.testing.assert_array_equal(theta, [1, 1, 1, 1, 1, 1, 2])
    assert m.unpack(theta.tolist(), D=3).s == 2.0
    for bad in (theta + 0j, theta.astype(str), theta.astype(object)):
        with pytest.raises(TypeError, match="theta: expected real numbers, got dtype"):
            m.unpack(bad, D=3)
        with pytest.raises(TypeError, match="theta"):
            m.objective(np.ones((4, 3)))(bad)
    with pytest.raises(ValueError, match=r"W: expected real\[D, 2\].*got shape \(2, 3\)"):
        m.pack((np.ones((2, 3)), 2.0))
    with pytest.raises(TypeError, match="complex128"):
        m.pack((np.ones((3, 2)), 2.0 + 1j))


def test_a_packed_vector_is_nobody_elses() -> None:
    m = module_of(compile("dim N\nparam w: real[N]\nloss L = sum(w**2)\n"), "m")
    w = np.ones(3)
    m.pack((w,))[:] = 5.0
    theta = m.pack((w,))
    m.unpack(theta, N=3).w[:] = 7.0
    assert (w == 1.0).all()
    assert (theta == 1.0).all()
