"""A step in a workspace of its own allocates next to nothing: numbers, views, and what NumPy needs inside."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.grammar.reading import read_source
from drawn import drawn_arguments

ROOT = Path(__file__).parents[2]
SMALL = 8_000  # bytes; a matrix of the sizes below has 28,000 and more
NOTHING = (
    "examples/classifier", "examples/kepler", "examples/logistic", "examples/mlp", "examples/pinn_poisson",
    "examples/product_recurrence", "benchmarks/models/chain", "benchmarks/models/decay",
    "benchmarks/models/elementwise15", "benchmarks/models/gru", "benchmarks/models/layer_norm",
    "benchmarks/models/lstm", "benchmarks/models/mlp2", "benchmarks/models/mlp3", "benchmarks/models/poisson",
    "benchmarks/models/rnn",
)  # fmt: skip
LITTLE = {  # and that part of what -O1 allocates, for what is picked by indices, or written in formulas
    "examples/char_lstm": 10, "examples/char_rnn": 5, "examples/kmeans": 10, "examples/hidden_markov": 10,
    "examples/mixture_density": 5, "benchmarks/models/attention": 5, "benchmarks/models/soft_assignment": 10,
}  # fmt: skip


def peak(call: Callable[[], Any]) -> int:
    """The bytes that a call has allocated at most, with small buffers inside NumPy's functions."""
    buffers = np.setbufsize(16)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
        np.setbufsize(buffers)


def steps(name: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A step in a workspace that owns the results too, and one of the readable module."""
    program = program_of(read_source(str(ROOT / f"{name}.dsl")))
    given = drawn_arguments(program, {dim: 60 + i for i, dim in enumerate(program.dims)}, 0, 0.9)
    module = module_of(module_text(program, Options(level=2, emit=("workspace",))), "model")
    plain = module_of(module_text(program, Options(level=1)), "plain")
    own = module.Workspace(outputs=True)
    return partial(module.value_and_grad, **given, workspace=own), partial(plain.value_and_grad, **given)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*NOTHING, *LITTLE])
def test_a_step_allocates_next_to_nothing(name: str) -> None:
    step, plain = steps(name)
    for _ in range(2):
        step()
    assert peak(step) < (peak(plain) / LITTLE[name] if name in LITTLE else SMALL)
