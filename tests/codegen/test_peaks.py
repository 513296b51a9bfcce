"""The peak of a call beyond its arguments, at -O2: results and what is computed on the way."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.grammar.reading import read_source
from drawn import drawn_arguments
from peaks import peak

ROOT = Path(__file__).parents[2]
MODELS: dict[str, tuple[dict[str, int], float]] = {  # sizes, and MB
    "benchmarks/models/elementwise15": ({"N": 1_000_000}, 8.55),  # the gradient has 8
    "benchmarks/models/mlp3": ({"N": 512, "D": 784, "H1": 256, "H2": 128, "K": 10}, 3.85),  # gradients: 1.9
    "examples/adbench/gmm": ({"n": 1000, "d": 10, "K": 25}, 1.1),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_peak_of_a_first_call(name: str) -> None:
    sizes, most = MODELS[name]
    program = program_of(read_source(str(ROOT / f"{name}.dsl")))
    module: Any = module_of(module_text(program, Options(level=2)), "model")
    given = drawn_arguments(program, sizes, 0, 0.9)
    module.value_and_grad(**given)
    module.release()
    assert peak(partial(module.value_and_grad, **given)) <= most * 1e6


def test_results_are_not_memory_of_a_later_call() -> None:
    program = program_of(read_source(str(ROOT / "benchmarks/models/elementwise15.dsl")))
    module: Any = module_of(module_text(program, Options(level=2)), "model")
    x = np.linspace(-2.0, 2.0, 100_000)
    _, (first,) = module.value_and_grad(x)
    before = first.copy()
    module.value_and_grad(x[::-1].copy())
    np.testing.assert_array_equal(first, before)
