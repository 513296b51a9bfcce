"""What a compilation does, and what it writes, grows as the model does: work is counted, not timed."""

from __future__ import annotations

import pytest
from autodiffc import compile
from long_models import MODELS
from work import calls_of

LENGTHS = {  # of others 24
    "layers": 8, "loops": 6, "states": 8, "tangle": 48, "choices": 12, "fan": 12, "long_product": 12,
}  # fmt: skip


def measured(name: str, length: int, level: int, emit: str) -> tuple[int, int]:
    """The calls that compiling a model takes, and the characters of its module."""
    model, written = MODELS[name](length), []
    calls = calls_of(lambda: written.append(compile(model, level=level, emit=emit)))
    return calls, len(written[0])


@pytest.mark.parametrize(
    ("name", "level", "emit"),
    [
        *((name, level, "") for name in MODELS for level in (1, 2)),
        *((name, 0, "") for name in ("chain", "arrays", "loop_body")),
        *((name, 1, "hvp") for name in ("chain", "arrays", "loop_body")),
    ],
)
def test_work_and_module_grow_as_the_model(name: str, level: int, emit: str) -> None:
    """The second doubling adds twice as much as the first; it would be four times as much of a square."""
    compile(MODELS[name](3), level=level, emit=emit)  # what is done but once for all models
    length = LENGTHS.get(name, 24)
    first, second, third = (measured(name, length * factor, level, emit) for factor in (1, 2, 4))
    for a, b, c in zip(first, second, third):
        assert c - b < 2.5 * (b - a)


@pytest.mark.parametrize("name", ["fan", "long_sum", "calls"])
def test_python_compiles_a_long_module(name: str) -> None:
    module: dict[str, object] = {"__name__": name}
    exec(compile(MODELS[name](600)), module)
    assert "value_and_grad" in module
