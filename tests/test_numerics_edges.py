"""Every point that the numerics reference names, in modules of Python floats and of arrays, at every level.

What warns is only what plain NumPy warns of in the value: Python floats never do, and no backward pass.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import edge_arrays
import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.grammar.source import Source
from edge_cases import ACTIVATIONS, BINARY, LOSSES, PRINCIPLES, UNARY, Edge, Numbers

SCALARS = [
    pytest.param(edge, id=f"{row}: {edge[0]} at {edge[1]}")
    for table in (UNARY, ACTIVATIONS, BINARY, LOSSES, PRINCIPLES)
    for row, edges in table.items()
    for edge in edges
]


@functools.lru_cache
def module_for(expression: str, kind: str, level: int) -> ModuleType:
    total = "sum(g)" if kind != "real" else "g"
    names = "x, y" if re.search(r"\by\b", expression) else "x"
    text = f"input {names}: {kind}\ng = {expression}\noutput f = {total}\ngrad f wrt {names}\n"
    return module_of(module_text(program_of(Source("m.dsl", text)), Options(level=level)), "m")


def each(numbers: Numbers) -> tuple[float | None, ...]:
    return numbers if isinstance(numbers, tuple) else (numbers,)


def assert_equal(found: Any, expected: float | None, what: str) -> None:
    if expected is not None:
        np.testing.assert_allclose(np.ravel(found)[0], expected, rtol=1e-9, atol=0.0, err_msg=what)


@pytest.mark.parametrize("kind", ["real", "real[1]"])
@pytest.mark.parametrize("edge", SCALARS)
def test_at_the_edge(edge: Edge, kind: str) -> None:
    expression, point, value, slopes = edge
    arguments: list[Any] = [float(p) for p in each(point) if p is not None]
    if kind != "real":
        arguments = [np.array([p]) for p in arguments]
    for level in (0, 1, 2):
        module = module_for(expression, kind, level)
        with warnings.catch_warnings():
            warnings.simplefilter("error" if kind == "real" else "ignore")
            outputs, cache = module.forward(*arguments)
            total, grads = module.value_and_grad(*arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            again = module.backward(cache)
        for found in (outputs.f, total, module.predict(*arguments).f):
            assert_equal(found, value, f"value at level {level}")
        for result in (grads, again):
            for found, slope in zip(result, each(slopes)):
                assert_equal(found, slope, f"slope at level {level}")


# --- arrays --------------------------------------------------------------------------------------

ARRAYS = [
    pytest.param(edge, id=f"{row}: {edge[0]} at {edge[1]}")
    for table in (edge_arrays.REDUCTIONS, edge_arrays.LOSSES, edge_arrays.LINEAR, edge_arrays.STRUCTURE)
    for row, edges in table.items()
    for edge in edges
]


@functools.lru_cache
def array_module(expression: str, shape: tuple[int, ...], level: int) -> ModuleType:
    head = "from losses import kl_log\n" if "kl_log" in expression else ""
    text = f"{head}input x: real[{', '.join(map(str, shape))}]\noutput f = {expression}\ngrad f wrt x\n"
    return module_of(module_text(program_of(Source("m.dsl", text)), Options(level=level)), "m")


def outcome(run: Callable[[], Any]) -> Any:
    """What a call gives, or the name of the exception that it raises."""
    try:
        return run()
    except np.linalg.LinAlgError as error:
        return type(error).__name__


def assert_outcome(found: Any, expected: Any, what: str) -> None:
    if isinstance(expected, str) or isinstance(found, str):
        assert found == expected or expected is None, what
    elif expected is not None:
        np.testing.assert_allclose(found, np.asarray(expected, float), rtol=1e-12, atol=0.0, err_msg=what)


@pytest.mark.parametrize("edge", ARRAYS)
def test_arrays_at_the_edge(edge: edge_arrays.Edge) -> None:
    expression, point, value, slopes = edge
    x = np.array(point, float)
    for level in (0, 1, 2):
        module = array_module(expression, x.shape, level)
        kept = x.copy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            forward = outcome(lambda: module.forward(x))  # noqa: B023
        if isinstance(forward, str):
            assert_outcome(forward, value, f"level {level}")
            continue
        outputs, cache = forward
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cotangent = np.ones_like(outputs.f) if np.ndim(outputs.f) else 1.0
            grads = outcome(lambda: module.backward(cache, cotangent).x)  # noqa: B023
        assert_outcome(outputs.f, value, f"value at level {level}")
        assert_outcome(grads, slopes, f"slope at level {level}")
        np.testing.assert_array_equal(x, kept)
