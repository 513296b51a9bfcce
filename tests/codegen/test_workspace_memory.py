"""A step in a workspace of its own allocates next to nothing: numbers, views, and what NumPy needs inside."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.grammar.reading import read_source
from drawn import drawn_arguments
from peaks import peak

ROOT = Path(__file__).parents[2]
SMALL = 8_000  # bytes; a matrix of the sizes below has 28,000 and more
NOTHING = (
    "examples/activations", "examples/classifier", "examples/few_shot", "examples/hidden_markov",
    "examples/kepler", "examples/kmeans", "examples/logistic", "examples/mixture_density", "examples/mlp",
    "examples/pinn_burgers", "examples/pinn_poisson", "examples/posteriordb/arK",
    "examples/posteriordb/wells", "examples/product_recurrence", "examples/scipy_chain",
    "examples/softmax_regression", "benchmarks/models/attention", "benchmarks/models/chain",
    "benchmarks/models/decay", "benchmarks/models/elementwise15", "benchmarks/models/gru",
    "benchmarks/models/layer_norm", "benchmarks/models/logistic01", "benchmarks/models/lstm",
    "benchmarks/models/mixture1d", "benchmarks/models/mlp2", "benchmarks/models/mlp3",
    "benchmarks/models/poisson", "benchmarks/models/rbf", "benchmarks/models/rnn", "benchmarks/models/rows",
    "benchmarks/models/soft_assignment", "benchmarks/models/softmax_regression",
)  # fmt: skip
LITTLE = {  # and that part of what -O1 allocates
    "examples/adaptive": 4,  # the lists of a loop that ends when it likes
    "examples/adbench/ba": 5,  # NumPy's gathers into columns
    "examples/char_lstm": 50, "examples/char_rnn": 25, "benchmarks/models/embedding": 5,  # rows added by index
    "examples/dynamic_programming": 50,  # lists of numbers
    "examples/gaussian_process": 10,  # LAPACK's copies
    "examples/modules": 10,  # a copy of the gradient of what is shared
}  # fmt: skip

SMALL_BUFFERS = 16  # elements in those inside NumPy's functions


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
    assert peak(step, SMALL_BUFFERS) < (
        peak(plain, SMALL_BUFFERS) / LITTLE[name] if name in LITTLE else SMALL
    )
