"""Models may use any name: Python's, NumPy's, the emitted module's own."""

from __future__ import annotations

import keyword
import pickle
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.codegen.names import Names
from autodiffc.grammar.source import Source

HOSTILE = [
    "np",
    "math",
    "forward",
    "backward",
    "value_and_grad",
    "Params",
    "Grads",
    "Outputs",
    "Cache",
    "SPEC",
    "float",
    "int",
    "len",
    "cache",
    "d_x",
    "self",
    "cls",
    "type",
    "range",
    "ndarray",
    "params",
    "theta",
    "rng_or_seed",
    "N",
    "object",
    "super",
    "print",
    "lambda_",
    "class_",
    "partial",
    "NamedTuple",
    "Any",
    "x_plus_y",
    "exp",
    "total",
    "ValueError",
    "sum",
    "map",
    "unpack",
    "pack",
    "objective",
    "bounds",
    "grads",
    "value",
    "count",
    "index",
    "λ",
    "match",
]


def module(text: str, **options: Any) -> Any:
    return module_of(module_text(program_of(Source("model.dsl", text)), Options(**options)), "model")


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", HOSTILE)
def test_an_argument_may_have_any_name(name: str, level: int) -> None:
    dim = "M" if name != "M" else "K"
    m = module(
        f"dim {dim}\ninput u: real[{dim}] > -9\nparam {name}: real[{dim}] > -9\n"
        f"e = exp({name} * u)\noutput q = e + 1\nloss L = sum(tanh(e)) / {dim}\n",
        level=level,
    )
    u, w = np.array([0.3, -0.2]), np.array([0.5, 1.5])
    value, grads = m.value_and_grad(u, w)
    e = np.exp(u * w)
    assert value == pytest.approx(np.tanh(e).sum() / 2)
    np.testing.assert_allclose(grads[0], (1 - np.tanh(e) ** 2) * e * u / 2, rtol=1e-12)
    outputs, cache = m.forward(u, w)
    np.testing.assert_array_equal(outputs.q, e + 1)
    np.testing.assert_allclose(m.backward(cache)[0], grads[0], rtol=1e-13)
    np.testing.assert_array_equal(m.predict(u, w).q, outputs.q)
    params = m.unpack(m.pack((w,)), **{dim: 2})
    np.testing.assert_array_equal(params[0], w)
    f, g = m.objective(u)(w)
    assert f == value
    np.testing.assert_array_equal(g, grads[0])
    assert m.bounds(params)[0][0] > -9
    assert getattr(grads, name) is grads[0]
    assert m.value_and_grad(u, **{name: w})[0] == value


@pytest.mark.parametrize("name", HOSTILE)
def test_a_value_and_an_output_may_have_any_name(name: str) -> None:
    m = module(
        f"dim H\ninput x: real[H]\nparam w: real[H]\n{name} = x * w\noutput {name}\nloss L = sum({name}**2)\n"
    )
    x, w = np.array([1.0, 2.0]), np.array([3.0, -1.0])
    value, grads = m.value_and_grad(x, w)
    assert value == 13.0
    np.testing.assert_array_equal(grads.w, 2 * x * x * w)
    np.testing.assert_array_equal(m.forward(x, w)[0][0], x * w)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_dim_may_have_any_name(name: str) -> None:
    m = module(f"dim {name}\nparam w: real[{name}] = ones()\nloss L = sum(w) / {name}\n")
    p = m.init_params(**{name: 4})
    assert m.value_and_grad(*p)[0] == 1.0
    np.testing.assert_array_equal(m.value_and_grad(*p)[1].w, [0.25] * 4)


@pytest.mark.parametrize("name", [k for k in keyword.kwlist if k.islower() and k not in ("and", "or", "not", "if",
                                  "else", "for", "in", "while", "def", "return", "from", "import", "elif")])  # fmt: skip
def test_a_keyword_gets_an_underscore(name: str) -> None:
    m = module(f"param {name}: real\nloss L = {name}**2\n")
    assert m.value_and_grad(**{f"{name}_": 3.0}) == (9.0, (6.0,))
    assert m.Params._fields == (f"{name}_",)


def test_scalars_hide_what_their_check_needs() -> None:
    m = module(
        "input float, type, x, math: real\noutput f = float * type + exp(x) / math\ngrad f wrt float, x\n"
    )
    assert m.value_and_grad(2, 3, 0, 4)[0] == 6.25


def test_what_is_returned_can_be_pickled() -> None:
    m = module("input x: real[3]\nparam Grads: real[3]\nloss L = sum(x * Grads)\n")
    import sys

    sys.modules["model"] = m
    try:
        result = m.value_and_grad(np.ones(3), np.ones(3))
        again = pickle.loads(pickle.dumps(result))
        assert again[0] == result[0]
        np.testing.assert_array_equal(again[1].Grads, result[1].Grads)
        function = pickle.loads(pickle.dumps(m.objective(np.ones(3))))
        assert function(np.ones(3))[0] == 3.0
    finally:
        del sys.modules["model"]


def test_names_that_escape_to_the_same_stay_apart() -> None:
    names = Names(["lambda", "lambda_"])
    assert names.local("lambda_") == "lambda_"
    assert names.local("lambda") == "lambda__"


def test_a_name_of_its_own_is_none_of_those_of_functions() -> None:
    scope = Names(["np", "np_y"]).scope(["np"])
    given = [scope.fresh(name) for name in ("np_exp", "np_log2", "np_y", "np", "np_0")]
    assert given == ["np_exp_2", "np_log2_2", "np_y_2", "np_2", "np_0"]


@pytest.mark.parametrize("name", ["np", "np_", "np_np", "np_exp", "np_2"])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_values_that_begin_as_functions_do(name: str, level: int) -> None:
    text = f"""
input x: real[3]
param w: real
{name} = exp(sin(w) * x)
for t in range(50):
    if {name}[0] > 0:
        {name} = {name} * w
    else:
        {name} = cos({name}) + exp({name})
loss L = sum({name}**2 + exp({name}))
"""
    module = module_of(module_text(program_of(Source("m.dsl", text)), Options(level=level)), "m")
    x, step = np.array([0.5, 1.0, 2.0]), 1e-6
    ahead, behind = (module.forward(x, 0.9 + s)[0].L for s in (step, -step))
    assert module.grad(x, 0.9).w == pytest.approx((ahead - behind) / (2.0 * step), rel=1e-5)
