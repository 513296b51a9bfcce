"""Loops and branches of a model: each against the Python program that it reads like."""

from __future__ import annotations

import sys
from types import ModuleType

import autodiffc
import numpy as np
import pytest
from autodiffc.compiler.frontend.model import check
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.model import Program
from autodiffc.compiler.verify import verify
from autodiffc.grammar.parser import parse
from autodiffc.grammar.source import Source
from control_cases import HEAD, MODELS, SIZES, VALUES, reference


def program(text: str) -> Program:
    model, diagnostics = parse(Source("model.dsl", text))
    return check(model, diagnostics)


@pytest.mark.parametrize("name", MODELS)
def test_model_means_what_python_means(name: str) -> None:
    graph = program(f"{HEAD}{MODELS[name]}output f\n").graph
    verify(graph, name)
    arguments = {key: np.asarray(value) for key, value in VALUES.items()}
    value = evaluate(graph, arguments, SIZES)["f"]
    np.testing.assert_allclose(value, reference(MODELS[name]), rtol=1e-12)


WRT = ("x", "v", "A", "W", "s")


def differences(body: str, name: str) -> np.ndarray:
    """The gradient of the Python program, by central differences of fourth order."""
    base, step = np.asarray(VALUES[name], float), 1e-4
    gradient = np.zeros_like(base)
    for place in np.ndindex(base.shape):
        values = []
        for shift in (1, -1, 2, -2):
            moved = base.copy()
            moved[place] += shift * step
            values.append(reference(body, {**VALUES, name: moved if moved.ndim else float(moved)}))
        gradient[place] = (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * step)
    return gradient


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_module_gives_the_gradient_of_the_python_program(
    name: str, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"{HEAD}{MODELS[name]}output f\ngrad f wrt {', '.join(WRT)}\n"
    made = ModuleType("control_module")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    exec(compile(autodiffc.compile(text, level=level), "module.py", "exec"), made.__dict__)
    value, grads = made.value_and_grad(*(VALUES[argument] for argument in made.SPEC["inputs"]))
    np.testing.assert_allclose(value, reference(MODELS[name]), rtol=1e-11)
    for argument in WRT:
        expected = differences(MODELS[name], argument)
        np.testing.assert_allclose(getattr(grads, argument), expected, rtol=2e-6, atol=2e-7)
