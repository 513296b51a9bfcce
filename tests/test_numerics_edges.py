"""Every point that the numerics reference names, in modules of Python floats and of arrays, at every level.

What warns is only what plain NumPy warns of in the value: Python floats never do, and no backward pass.
"""

from __future__ import annotations

import functools
import re
import warnings
from types import ModuleType
from typing import Any

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
