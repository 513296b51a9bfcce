"""Arrays that no argument changes: made when a module is imported, and nobody's but the module's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.grammar.source import Source

MODEL = """
dim n = 5
param x: real[n]
input np: real
t = arange(1, 30) / 29
powers = t[:, None]**arange(n)
p = powers @ x * np
slope = powers[:, :-1] @ (arange(1, n) * x[1:])
output kept = powers
output turned = powers.T
loss f = sum((slope - p**2 - 1)**2) + sum(exp(0.1 * t)) * x[0] + sum(powers[3] * x)
"""
LARGE = "param a: real\nloss f = sum(sin(arange({size}) * a) * cos(0.001 * arange({size})))\n"


def text_of(model: str, **options: Any) -> str:
    return module_text(program_of(Source("m.dsl", model)), Options(**options))


def test_the_arrays_are_made_outside_the_functions() -> None:
    text = text_of(MODEL, level=2)
    assert "\n_POWERS" in text
    body = text.partition("def value_and_grad")[2].partition("\ndef ")[0]
    assert ".arange(" not in body
    assert "_POWERS" in body
    assert "_made_once" not in text_of(MODEL, level=1)


@pytest.mark.parametrize("options", [{}, {"dtype": "float32"}, {"emit": ("workspace",)}], ids=str)
def test_the_values_are_those_of_the_plain_form(options: dict[str, Any]) -> None:
    plain, quick = module_of(text_of(MODEL, level=0), "m"), module_of(text_of(MODEL, level=2, **options), "m")
    x, rtol = np.linspace(-0.4, 0.5, 5), 1e-4 if "dtype" in options else 1e-12
    for module in (plain, quick):
        value, grads = module.value_and_grad(1.5, x)
        expected, slopes = plain.value_and_grad(1.5, x)
        np.testing.assert_allclose(value, expected, rtol=rtol)
        np.testing.assert_allclose(grads.x, slopes.x, rtol=rtol)
        outputs, cache = module.forward(1.5, x)
        np.testing.assert_allclose(outputs.f, expected, rtol=rtol)
        np.testing.assert_allclose(module.backward(cache).x, slopes.x, rtol=rtol)


def test_what_is_returned_is_the_callers() -> None:
    module = module_of(text_of(MODEL, level=2), "m")
    x = np.ones(5)
    outputs, _ = module.forward(1.0, x)
    before = outputs.f
    outputs.kept[:] = 0.0
    outputs.turned[:] = 7.0
    assert module.forward(1.0, x)[0].f == before
    assert module.forward(1.0, x)[0].kept[0, 0] == 1.0


def test_large_ones_are_made_by_each_call() -> None:
    assert "_made_once" in text_of(LARGE.format(size=1000), level=2)
    assert "_made_once" not in text_of(LARGE.format(size=100_000), level=2)


def test_what_is_not_finite_is_made_by_each_call() -> None:
    text = text_of("param a: real\nloss f = sum(a * (1 / arange(40)))\n", level=2)
    body = text.partition("def value_and_grad")[2].partition("\ndef ")[0]
    assert "/" in body
    assert "/" not in text.partition("def _made_once")[2].partition("\ndef ")[0]
