"""Functions on request as they are to read: compared with the texts beside the models, and run.

`pytest tests/codegen/test_golden_requested.py --update` writes what the compiler gives now.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source
from drawn import drawn_arguments

GOLDEN = Path(__file__).with_name("golden")
EMIT = {
    "classifier": ("jvp", "hvp"),
    "fit": ("jvp", "jacobian"),
    "recurrence": ("jvp", "hvp"),
    "regression": ("jvp", "hvp", "hessian"),
    "sides": ("jvp", "vjp", "jacobian"),
}
SHOWN = ("jvp", "vjp", "hvp", "value_and_jacobian", "jacobian", "hessian")
SIZES = {"N": 4, "D": 3, "H": 5, "T": 5}
STEP = 1e-6

every_level = pytest.mark.parametrize("level", [0, 1, 2])
every_name = pytest.mark.parametrize("name", EMIT)


@cache
def _program(name: str) -> Any:
    text = read_source(str(GOLDEN / f"{name}.dsl")).text
    return program_of(Source(f"{name}.dsl", text))


@cache
def _text(name: str, level: int) -> str:
    return module_text(_program(name), Options(level=level, emit=EMIT[name]))


def _functions(text: str) -> Iterator[str]:
    """The functions on request of a module."""
    for part in text.split("\n\n\n"):
        if part.startswith(tuple(f"def {name}(" for name in SHOWN)):
            yield part.rstrip("\n")


@every_level
@every_name
def test_the_text_is_as_it_was_blessed(name: str, level: int, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{name}.requested.O{level}.py.txt"
    text = "\n\n\n".join(_functions(_text(name, level))) + "\n"
    if request.config.getoption("--update"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


# --- what they compute ---------------------------------------------------------------------------


def _arguments(name: str) -> dict[str, Any]:
    return drawn_arguments(_program(name), SIZES, seed=5, high=1.4)


def _vectors(name: str, arguments: dict[str, Any]) -> list[Any]:
    rng = np.random.default_rng(6)
    return [
        rng.normal(size=np.shape(arguments[w])) if np.ndim(arguments[w]) else 0.7 for w in _program(name).wrt
    ]


def _moved(name: str, arguments: dict[str, Any], vectors: list[Any], step: float) -> list[Any]:
    moved = {w: arguments[w] + step * v for w, v in zip(_program(name).wrt, vectors)}
    return list({**arguments, **moved}.values())


@every_level
@every_name
def test_products_are_those_of_differences(name: str, level: int) -> None:
    module: Any = module_of(_text(name, level), name)
    arguments = _arguments(name)
    vectors = _vectors(name, arguments)
    target = str(_program(name).target)

    def value(at: list[Any]) -> Any:
        return getattr(module.forward(*at)[0], target)

    def gradient(at: list[Any]) -> Any:
        return module.value_and_grad(*at)[1]

    there, back = (_moved(name, arguments, vectors, step) for step in (STEP, -STEP))
    found, tangent = module.jvp(*arguments.values(), *vectors)
    np.testing.assert_array_equal(found, value(list(arguments.values())))
    np.testing.assert_allclose(tangent, (value(there) - value(back)) / (2 * STEP), rtol=1e-6, atol=1e-8)
    if "hvp" in EMIT[name]:
        for product, a, b in zip(module.hvp(*arguments.values(), *vectors), gradient(there), gradient(back)):
            np.testing.assert_allclose(product, (a - b) / (2 * STEP), rtol=1e-6, atol=1e-8)


@every_level
@every_name
def test_matrices_give_the_products(name: str, level: int) -> None:
    module: Any = module_of(_text(name, level), name)
    arguments = _arguments(name)
    vectors = _vectors(name, arguments)
    flat = np.concatenate([np.ravel(v) for v in vectors])
    if "hessian" in EMIT[name]:
        product = np.concatenate([np.ravel(p) for p in module.hvp(*arguments.values(), *vectors)])
        np.testing.assert_allclose(module.hessian(*arguments.values()) @ flat, product, rtol=1e-10)
    if "jacobian" in EMIT[name]:
        _, tangent = module.jvp(*arguments.values(), *vectors)
        columns = [np.reshape(J, (tangent.size, -1)) for J in module.jacobian(*arguments.values())]
        np.testing.assert_allclose(np.hstack(columns) @ flat, tangent.ravel(), rtol=1e-10)
