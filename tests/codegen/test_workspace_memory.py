"""A step in a workspace of its own allocates next to nothing: numbers, views, and what NumPy needs inside."""

from __future__ import annotations

from collections.abc import Callable
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
MODELS = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix()
    for folder in ("examples", "benchmarks/models")
    for path in (ROOT / folder).rglob("*.dsl")
)
SMALL = 16_000  # bytes; a matrix of the sizes below has 28,000 and more
LITTLE = {  # what allocates more, and that part of what -O1 allocates
    "examples/adbench/hand": 2, "examples/adbench/hand_complicated": 2,  # many matrices of 3 * 3, np.eye
    "examples/dynamic_programming": 50, "benchmarks/models/orbit": 0.3,  # lists of numbers
    "examples/gaussian_process": 10,  # LAPACK's copies
}  # fmt: skip
SIZES = {
    "examples/adbench/gmm": {"n": 200, "d": 10, "K": 5}, "examples/digits_cnn": {"N": 30, "C1": 5, "C2": 6},
    "benchmarks/models/cnn": {"N": 20, "S": 8, "C1": 6, "C2": 8, "K": 10},
}  # fmt: skip
SMALL_BUFFERS = 16  # elements in those inside NumPy's functions


def step_of(name: str, **options: Any) -> Callable[[], Any]:
    """A step of a module, in a workspace that owns the results too where there is one."""
    program = program_of(read_source(str(ROOT / f"{name}.dsl")))
    sizes = SIZES.get(name) or {dim: 60 + i for i, dim in enumerate(program.dims)}
    given = drawn_arguments(program, sizes, 0, 0.9)
    module = module_of(module_text(program, Options(**options)), "model")
    if "rng" in module.SPEC:
        given[module.SPEC["rng"]] = np.random.default_rng(0)
    if hasattr(module, "Workspace"):
        given["workspace"] = module.Workspace(outputs=True)
    return partial(getattr(module, "value_and_grad", None) or module.forward, **given)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_a_step_allocates_next_to_nothing(name: str) -> None:
    step = step_of(name, level=2, emit=("workspace",))
    for _ in range(2):
        step()
    allocated = peak(step, SMALL_BUFFERS)
    if name in LITTLE:
        assert SMALL < allocated < peak(step_of(name, level=1), SMALL_BUFFERS) / LITTLE[name]
    else:
        assert allocated < SMALL
