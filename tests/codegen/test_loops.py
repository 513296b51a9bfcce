"""Emitted loops and branches compute what the interpreter computes, and their adjoints its differences."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.codegen.module import emit
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.irparse import parse_graph
from autodiffc.compiler.model import Derivative, Program
from autodiffc.grammar.source import Source
from found_models import FOUND

from .loop_models import MODELS

LEVELS = (0, 1, 2)


def case(name: str) -> tuple[Program, dict[str, Any], dict[str, int]]:
    text, given = MODELS[name]
    program = program_of(Source(f"{name}.dsl", text))
    rng = np.random.default_rng(3)
    arguments: dict[str, Any] = {}
    for a in program.arguments:
        value = given[a.name]
        drawn = rng.uniform(0.3, 0.9, value) if isinstance(value, tuple) else value
        arguments[a.name] = float(drawn) if isinstance(value, tuple) and not value else drawn
        arguments[a.name] = np.asarray(drawn) if isinstance(drawn, list) else arguments[a.name]
    sizes = {
        b.dim: (np.shape(arguments[b.argument])[b.axis] - b.offset) // b.factor for b in program.bindings
    }
    return program, arguments, sizes


def difference(program: Program, arguments: dict[str, Any], sizes: dict[str, int], wrt: str) -> Any:
    def f(value: Any) -> float:
        given = {k: np.asarray(v) for k, v in {**arguments, wrt: value}.items()}
        return float(evaluate(program.graph, given, sizes)[str(program.target)])

    at = np.asarray(arguments[wrt], float)
    slopes = np.zeros(at.shape)
    for index in np.ndindex(at.shape):
        step = np.zeros(at.shape)
        step[index] = 1e-6
        slopes[index] = (f(at + step) - f(at - step)) / 2e-6
    return slopes


def read_only(arguments: dict[str, Any]) -> dict[str, Any]:
    copies = {k: np.array(v) if np.ndim(v) else v for k, v in arguments.items()}
    for copy in copies.values():
        if isinstance(copy, np.ndarray):
            copy.flags.writeable = False
    return copies


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", MODELS)
def test_value_and_gradient(name: str, level: int) -> None:
    program, arguments, sizes = case(name)
    module = module_of(module_text(program, Options(level=level)), name)
    expected = evaluate(program.graph, {k: np.asarray(v) for k, v in arguments.items()}, sizes)
    for _ in range(2):  # a second call finds nothing that the first has left
        outputs, cache = module.forward(**read_only(arguments))
        for field in program.outputs:
            np.testing.assert_allclose(getattr(outputs, field), expected[field], rtol=1e-13, atol=1e-15)
        grads = module.backward(cache)
        value, direct = module.value_and_grad(**read_only(arguments))
        assert value == getattr(outputs, str(program.target))
        for wrt, a, b in zip(program.wrt, grads, direct):
            slopes = difference(program, arguments, sizes, wrt)
            np.testing.assert_allclose(a, slopes, rtol=2e-6, atol=1e-8)
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)
    for field in program.outputs:
        np.testing.assert_allclose(getattr(outputs, field), expected[field], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("level", LEVELS[1:])
@pytest.mark.parametrize("name", MODELS)
def test_single_precision(name: str, level: int) -> None:
    program, arguments, sizes = case(name)
    module = module_of(module_text(program, Options(level=level, dtype="float32")), name)
    outputs, cache = module.forward(**arguments)
    expected = evaluate(program.graph, {k: np.asarray(v) for k, v in arguments.items()}, sizes)
    for field in program.outputs:
        found = getattr(outputs, field)
        assert isinstance(found, float) or found.dtype == np.float32
        np.testing.assert_allclose(found, expected[field], rtol=1e-4, atol=1e-4)
    for wrt, grad in zip(program.wrt, module.backward(cache)):
        assert isinstance(grad, float) or grad.dtype == np.float32
        np.testing.assert_allclose(grad, difference(program, arguments, sizes, wrt), rtol=1e-3, atol=1e-3)


# --- graphs that no model gives: what an update in place must not destroy --------------------------------

HEAD = "%0 x: real[N] = argument()\n%1: int = const(1)\n%2: real = const(7.0)\n"
SET = "index=(('array', 0),), once=False"
GRAPHS = {
    "old_value_read_afterwards": f"%3: real[N] = exp(%0)\n%4: real[N] = set_at(%3, %2, %1, {SET})\n"
    "%5: real[N] = mul(%4, %4)\n%6: real[N] = add(%3, %5)\nreturn y=%6\n",
    "view_read_afterwards": f"%3: real[N] = exp(%0)\n%4: real[1, N] = reshape(%3, shape=(<1>, <N>))\n"
    f"%5: real[N] = set_at(%3, %2, %1, {SET})\n%6: real[1, N] = add(%4, %5)\nreturn y=%6, z=%5, v=%4\n",
    "twice_updated": f"%3: real[N] = exp(%0)\n%4: real[N] = set_at(%3, %2, %1, {SET})\n"
    f"%5: real[N] = add_at(%3, %2, %1, index=(('array', 0),))\n%6: real[N] = sub(%4, %5)\nreturn y=%6, z=%4\n",
    "argument_of_the_callers": f"%3: real[N] = set_at(%0, %2, %1, {SET})\nreturn y=%3\n",
    "old_value_returned": f"%3: real[N] = exp(%0)\n%4: real[N] = set_at(%3, %2, %1, {SET})\nreturn y=%4, z=%3\n",
    "carried_twice": "%3: int = const(3)\n%4: real[N] = exp(%0)\n"
    "%5: (real[N], real[N], int) = loop(%3, %4, %4, body={%0 k: int = argument()\n%1 a: real[N] = argument()\n"
    f"%2 b: real[N] = argument()\n%3: real = const(2.0)\n%4: real[N] = set_at(%1, %3, %0, {SET})\n"
    "%5: real[N] = mul(%2, %4)\nreturn a1=%4, b1=%5}, carried=2, length=<3>)\n"
    "%6: real[N] = item(%5, position=0)\n%7: real[N] = item(%5, position=1)\nreturn y=%6, z=%7, v=%4\n",
    "swapped_and_updated": "%3: int = const(3)\n%4: real[N] = exp(%0)\n%5: real[N] = sin(%0)\n"
    "%6: (real[N], real[N], int) = loop(%3, %4, %5, body={%0 k: int = argument()\n%1 a: real[N] = argument()\n"
    f"%2 b: real[N] = argument()\n%3: real = const(2.0)\n%4: real[N] = set_at(%1, %3, %0, {SET})\n"
    "return a1=%2, b1=%4}, carried=2, length=<3>)\n"
    "%7: real[N] = item(%6, position=0)\n%8: real[N] = item(%6, position=1)\nreturn y=%7, z=%8\n",
    "stacked_and_updated": "%3: int = const(3)\n%4: real[N] = exp(%0)\n"
    "%5: (real[N], real[3, N], real[3, N], int) = loop(%3, %4, body={%0 k: int = argument()\n"
    f"%1 a: real[N] = argument()\n%2: real = const(2.0)\n%3: real[N] = set_at(%1, %2, %0, {SET})\n"
    "return a1=%3, before=%1, after=%3}, carried=1, length=<3>)\n"
    "%6: real[N] = item(%5, position=0)\n%7: real[3, N] = item(%5, position=1)\n"
    "%8: real[3, N] = item(%5, position=2)\n%9: real[3, N] = mul(%7, %8)\nreturn y=%6, z=%9, v=%8\n",
    "no_steps_hand_on_the_argument": "%3: int = const(0)\n%5: (real[N], int) = loop(%3, %0, body={"
    "%0 k: int = argument()\n%1 a: real[N] = argument()\n%2: real[N] = sin(%1)\nreturn a1=%2}, carried=1, length=<0>)\n"
    "%6: real[N] = item(%5, position=0)\nreturn y=%6, z=%0\n",
    "view_of_what_is_updated": "%3: int = const(2)\n%4: real[N] = exp(%0)\n%5: real[N] = sin(%0)\n"
    "%6: (real[N], real[N], int) = loop(%3, %4, %5, body={%0 k: int = argument()\n%1 a: real[N] = argument()\n"
    f"%2 b: real[N] = argument()\n%3: real = const(2.0)\n%4: real[N] = set_at(%1, %3, %0, {SET})\n"
    "%5: real[N] = getitem(%4, index=(('slice', <0>, <N>, 1),))\nreturn a1=%4, b1=%5}, carried=2, length=<2>)\n"
    "%7: real[N] = item(%6, position=0)\n%8: real[N] = item(%6, position=1)\nreturn y=%7, z=%8\n",
}  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", GRAPHS)
def test_updates_in_place_destroy_nothing(name: str, level: int) -> None:
    graph = parse_graph(HEAD + GRAPHS[name])
    outputs = "".join(f"output {field} = x\n" for field, _ in graph.outputs)
    program = program_of(Source("m.dsl", f"dim N\ninput x: real[N]\n{outputs}"))
    program = replace(
        program, graph=replace(graph, inputs=tuple(n for n in graph.nodes() if n.op.name == "argument"))
    )
    x = np.linspace(0.1, 0.7, 4)
    expected = evaluate(graph, {"x": x}, {"N": 4})
    derivative = Derivative(None, graph, None, None, ())
    module = module_of(emit(program, derivative, level=level, dtype="float64", version="0"), name)
    found, _ = module.forward(**read_only({"x": x}))
    for field, _ in graph.outputs:
        np.testing.assert_allclose(getattr(found, field), expected[field], rtol=1e-14)
        assert getattr(found, field).flags.writeable
        assert not np.shares_memory(getattr(found, field), x)


def test_what_a_loop_holds_is_called_after_it() -> None:
    program = program_of(
        Source(
            "rows.dsl",
            "dim T, N\ninput x: real[T, N]\nparam w: real[N, N]\nvar A: real[T, N]\n"
            "for t in range(T):\n    if t > 0:\n        z = tanh(A[t-1] @ w) + x[t]\n"
            "    else:\n        z = sin(x[t])\n    A[t] = z\nloss L = sum(cos(A) * A)\n",
        )
    )
    text = module_text(program, Options(level=1))
    assert "d_pre_tanh" in text
    assert "A_row" in text
    assert "gathers" not in text
    assert "errstate" not in text.partition("def grad(")[0]  # sines and tanhs of finite values are finite


@pytest.mark.parametrize("level", LEVELS)
def test_loops_without_steps_read_nothing(level: int) -> None:
    """What stands in a loop that is not entered need not fit: neither its positions nor its sizes."""
    text = FOUND["what a loop without steps would read, in a loop in it"]
    module = module_of(module_text(program_of(Source("none.dsl", text)), Options(level=level)), "none")
    for T in range(3):
        value, grads = module.value_and_grad(np.full(T, 0.3))
        assert value == pytest.approx(0.3 * T)
        np.testing.assert_array_equal(grads.x, np.ones(T))


@pytest.mark.parametrize("level", LEVELS)
def test_no_warnings_of_slopes_between_checkpoints(level: int) -> None:
    text = (
        "dim T, D\nparam a: real[T, D]\nh = zeros(D)\nfor t in range(T) checkpoint:\n"
        "    h = tanh(where(h > 0.1, sqrt(abs(h)), a[t]))\nloss L = sum(h * h)\n"
    )
    m = module_of(autodiffc.compile(text, level=level), "checkpoints")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, grads = m.value_and_grad(np.tile((0.5, -0.3), (9, 1)))
    assert np.isfinite(grads.a).all()
