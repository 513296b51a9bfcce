"""Random models through the whole compiler: values, gradients, levels, ownership.

The gradient along a random direction of each argument is compared with a difference quotient of the naive
graph, which the interpreter evaluates as the model was written, before any rule has seen it.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler.interp import evaluate
from autodiffc.grammar.source import Source
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_models import SIZES, WRT, random_arguments, random_model

Arguments = dict[str, np.ndarray]
STEP = 3e-4
LARGEST = 1e4  # a value beyond it leaves too few digits to a difference


def slope(
    f: Callable[[Arguments], float], at: Arguments, name: str, direction: np.ndarray, step: float
) -> float:
    """The derivative along a direction, to fourth order in the step."""

    def moved(factor: float) -> float:
        return f({**at, name: at[name] + factor * step * direction})

    return (8.0 * (moved(1.0) - moved(-1.0)) - (moved(2.0) - moved(-2.0))) / (12.0 * step)


def results(program: Any, level: int, arguments: Arguments) -> tuple[float, tuple[Any, ...]]:
    """Value and gradient, which forward and backward give as well, and from read-only arguments."""
    module = module_of(module_text(program, Options(level=level)), "model")
    given = [arguments[a.name] for a in program.arguments]
    value, grads = module.value_and_grad(*given)
    outputs, cache = module.forward(*given)
    assert type(value) is float
    assert value == outputs.L
    for _ in range(2):
        for name, gradient, again in zip(WRT, grads, module.backward(cache)):
            assert type(gradient) is (np.ndarray if arguments[name].ndim else float)
            assert np.shape(gradient) == arguments[name].shape
            np.testing.assert_allclose(again, gradient, rtol=1e-10, atol=1e-11 * largest(grads))
            if isinstance(again, np.ndarray):
                again[...] = np.nan  # the caller's own: the cache must not feel it
    return value, grads


def largest(arrays: tuple[Any, ...]) -> float:
    return max(float(np.abs(a).max(initial=0.0)) for a in arrays) + 1e-3


@settings(
    max_examples=80,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(st.integers(0, 2**32), st.integers(1, 7))
def test_random_models(seed: int, steps: int) -> None:
    text = random_model(Random(seed), steps).text
    program = program_of(Source("random.dsl", text))
    arguments = random_arguments(seed)
    for array in arguments.values():
        array.flags.writeable = False

    def f(at: Arguments) -> float:
        return float(evaluate(program.graph, at, SIZES)["L"])

    expected = f(arguments)
    assume(abs(expected) < LARGEST)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, grads = results(program, 0, arguments)
        others = [results(program, level, arguments) for level in (1, 2)]
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-12)
    size = largest(grads)
    assume(size < LARGEST)
    for other_value, other_grads in others:
        np.testing.assert_allclose(other_value, value, rtol=1e-12, atol=1e-13)
        for one, other in zip(grads, other_grads):
            np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-10 * size)
    generator = np.random.default_rng(seed)
    for name, gradient in zip(WRT, grads):
        direction = generator.normal(size=arguments[name].shape)
        coarse, fine = (slope(f, arguments, name, direction, step) for step in (STEP, STEP / 3))
        doubt = abs(coarse - fine)
        assume(doubt < 1e-5 * size)  # else a kink lies within the step
        assert abs(float(np.sum(gradient * direction)) - fine) < 1e-7 * size + 20.0 * doubt, (name, text)
