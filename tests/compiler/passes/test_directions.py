"""Derivatives along all directions at once: the same numbers as along one after the other, and no loop."""

from __future__ import annotations

from functools import cache
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler.passes import matrices
from autodiffc.grammar.source import Source
from direction_models import MODELS, SIZES
from drawn import drawn_arguments

# Their rows are larger than the results: N rows of K means each of all D, N*N differences of all D.
KEPT = {"mixture", "pairs"}


@cache
def _program(name: str) -> Any:
    return program_of(Source(f"{name}.dsl", MODELS[name].text))


@cache
def _text(name: str, level: int) -> str:
    emit = ("jvp", "jacobian") if MODELS[name].kind == "values" else ("hvp", "hessian")
    return module_text(_program(name), Options(level=level, emit=emit))


def _arguments(name: str) -> dict[str, Any]:
    return drawn_arguments(_program(name), SIZES, seed=3, high=1.2)


def _along_each(name: str, function: Any, arguments: dict[str, Any]) -> list[np.ndarray]:
    """What a product gives for each unit vector: a row for each, flat."""
    wrt = _program(name).wrt
    rows = []
    for chosen in wrt:
        for place in np.ndindex(np.shape(arguments[chosen])):
            vectors = {w: np.zeros(np.shape(arguments[w])) for w in wrt}
            vectors[chosen][place] = 1.0
            given = [v if v.ndim else 0.0 + float(v) for v in vectors.values()]
            result = function(*arguments.values(), *given)
            parts = result[1:] if MODELS[name].kind == "values" else result
            rows.append(np.concatenate([np.ravel(part) for part in parts]))
    return rows


def _all_at_once(name: str, module: Any, arguments: dict[str, Any]) -> np.ndarray:
    if MODELS[name].kind == "loss":
        return np.asarray(module.hessian(*arguments.values()))
    value, grads = module.value_and_jacobian(*arguments.values())
    return np.concatenate([np.reshape(J, (value.size, -1)) for J in grads], axis=1).T


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_all_directions_are_as_each_by_itself(name: str, level: int) -> None:
    module: Any = module_of(_text(name, level), name)
    arguments = _arguments(name)
    product = module.jvp if MODELS[name].kind == "values" else module.hvp
    expected = np.array(_along_each(name, product, arguments))
    assert np.abs(expected).max() > 0 or name == "extremes"
    np.testing.assert_allclose(_all_at_once(name, module, arguments), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("name", [name for name in MODELS if name not in KEPT])
def test_no_loop_over_directions_is_left(name: str, level: int) -> None:
    text = _text(name, level)
    function = "value_and_jacobian" if MODELS[name].kind == "values" else "hessian"
    body = text[text.index(f"def {function}(") :].split("\ndef ", 1)[0]
    loops = [line for line in body.splitlines() if line.lstrip().startswith("for ") and "_tiles(" not in line]
    assert not [line for line in loops if line.lstrip().startswith("for k in ")]
    assert bool(loops) == MODELS[name].loops


def test_the_loop_that_is_kept_is_one() -> None:
    for name in KEPT:
        assert "for k in range(" in _text(name, 1)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_value_beside_a_derivative_is_that_of_forward(level: int) -> None:
    text = """
dim N
param x: real[N]
param a, b: real
output y = a * (b * x) + 0.1 * (x - 3 * (b * x))
output s = sum(a * x) + 0.0
grad y wrt x, a, b
"""
    program = program_of(Source("value.dsl", text))
    module: Any = module_of(module_text(program, Options(level=level, emit=("jvp", "jacobian"))), "value")
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, a, b = rng.normal(size=7), float(rng.normal()), float(rng.normal())
        y = module.forward(x, a, b)[0].y
        np.testing.assert_array_equal(module.jvp(x, a, b, x, a, b)[0], y)
        np.testing.assert_array_equal(module.value_and_jacobian(x, a, b)[0], y)


def test_many_scalars_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns that would be too many steps to write out are one stack."""
    text = (
        "dim N\ninput x: real[N]\nparam a, b, c: real\nr = a * sin(b * x) + exp(c * x)\ngrad r wrt a, c, b\n"
    )
    text = text.replace("r =", "output r =")
    x, at = np.linspace(0.0, 1.0, 5), (2.0, 0.5, -1.0)
    written_out = module_of(autodiffc.compile(text, emit=["jacobian"]), "columns")
    monkeypatch.setattr(matrices, "WRITTEN_OUT", 0)
    together = autodiffc.compile(text, emit=["jacobian"])
    assert "eye" in together
    found = module_of(together, "columns").jacobian(x, *at)
    for name, column in written_out.jacobian(x, *at)._asdict().items():
        np.testing.assert_allclose(getattr(found, name), column, rtol=1e-14)
    np.testing.assert_allclose(found.b, 2.0 * x * np.cos(0.5 * x), rtol=1e-14)
