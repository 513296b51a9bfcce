"""Emitted modules as they are to read: compared with the texts beside the models, and run.

`pytest tests/codegen/test_golden.py --update` writes what the compiler gives now.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler.interp import evaluate
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source
from drawn import drawn_arguments

GOLDEN = Path(__file__).with_name("golden")
CASES = [
    ("max", 0), ("max", 1), ("classifier", 0), ("classifier", 1), ("classifier", 2), ("growth", 1), ("window", 1),
    ("recurrence", 0), ("recurrence", 1), ("recurrence", 2), ("steps", 0), ("steps", 1),
    ("mixture", 2),
    ("max", 2), ("option", 2), ("sigmoid", 2),
]  # fmt: skip
SIZES = {"N": 4, "D": 3, "H": 5, "V": 6, "T": 5, "K": 2}


def golden_text(name: str, level: int) -> str:
    text = read_source(str(GOLDEN / f"{name}.dsl")).text
    program = program_of(Source(f"{name}.dsl", text))
    shown = module_text(program, Options(level=level))
    # The version stands in two places; a release is no reason to bless anew.
    return shown.replace(f"autodiffc {_version()}", "autodiffc VERSION")


def _version() -> str:
    from autodiffc import __version__

    return __version__


@pytest.mark.parametrize(("name", "level"), CASES)
def test_the_text_is_as_it_was_blessed(name: str, level: int, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{name}.O{level}.py.txt"
    text = golden_text(name, level)
    if request.config.getoption("--update"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


@pytest.mark.parametrize(("name", "level"), CASES)
def test_the_blessed_text_runs(name: str, level: int) -> None:
    program = program_of(read_source(str(GOLDEN / f"{name}.dsl")))
    module = module_of((GOLDEN / f"{name}.O{level}.py.txt").read_text("utf-8"), name)
    arguments = _arguments(program)
    outputs, cache = module.forward(**arguments)
    expected = evaluate(program.graph, {k: np.asarray(v) for k, v in arguments.items()}, SIZES)
    for field in program.outputs:
        np.testing.assert_allclose(getattr(outputs, field), expected[field], rtol=1e-13)
    seed = np.random.default_rng(1).normal(size=np.shape(expected[str(program.target)]))
    grads = module.backward(cache, seed)
    for wrt in program.wrt:
        np.testing.assert_allclose(
            getattr(grads, wrt), _difference(program, arguments, wrt, seed), rtol=1e-6, atol=1e-8
        )
    if program.scalar_target:
        value, direct = module.value_and_grad(**arguments)
        assert value == getattr(outputs, str(program.target))
        for a, b in zip(module.backward(cache), direct):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)


def _arguments(program: Any) -> dict[str, Any]:
    return drawn_arguments(program, SIZES, seed=0, high=1.5)


def _difference(program: Any, arguments: dict[str, Any], wrt: str, seed: Any) -> Any:
    """Central differences of the target weighted with the seed, by the interpreter."""

    def f(value: Any) -> float:
        given = {k: np.asarray(v) for k, v in {**arguments, wrt: value}.items()}
        return float((evaluate(program.graph, given, SIZES)[program.target] * seed).sum())

    at = np.asarray(arguments[wrt], float)
    slopes = np.zeros(at.shape)
    for index in np.ndindex(at.shape):
        step = np.zeros(at.shape)
        step[index] = 1e-6
        slopes[index] = (f(at + step) - f(at - step)) / 2e-6
    return slopes
