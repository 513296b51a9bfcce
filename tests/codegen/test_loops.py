"""Emitted loops and branches compute what the interpreter computes, and their adjoints its differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.model import Program
from autodiffc.grammar.source import Source

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
