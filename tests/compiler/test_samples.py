"""The sizes at which a model is checked."""

from __future__ import annotations

import pytest
from autodiffc.api import program_of
from autodiffc.compiler.samples import larger_sizes
from autodiffc.grammar.source import Source


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ("N", [9, 8, 7, 6, 5, 4]),
        ("N, N", [9, 8, 7, 6, 5, 4]),
        ("N, N, N", [6, 5, 4, 7, 8, 9]),  # 216 columns, not 729
        ("N, N, N, N", [4, 5, 6, 7, 8, 9]),  # 256
        ("N, N, N, N, N", [4, 5, 6, 7, 8, 9]),  # 1,024, and nothing smaller
    ],
)
def test_larger_sizes_of_many_columns_come_last(shape: str, sizes: list[int]) -> None:
    program = program_of(Source("m.dsl", f"dim N\nparam w: real[{shape}]\nloss L = sum(w**2)\n"))
    assert [found["N"] for found in larger_sizes(program, {})] == sizes


def test_given_sizes_stay() -> None:
    text = "dim N, M\nparam w: real[N, M]\nloss L = sum(w**2)\n"
    program = program_of(Source("m.dsl", text))
    assert next(larger_sizes(program, {"N": 2})) == {"N": 2, "M": 9}
    assert next(larger_sizes(program, {"N": 100})) == {"N": 100, "M": 4}
    assert not list(larger_sizes(program, {"N": 2, "M": 3}))
