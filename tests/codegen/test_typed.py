"""What expressions of emitted statements are, as text alone tells it."""

from __future__ import annotations

import ast

import pytest
from autodiffc.codegen.flow import flow_of
from autodiffc.codegen.typed import Typed
from autodiffc.compiler.types import Dim, Type

M, ONE = Dim.symbol("M"), Dim.of(1)
SHAPES = {"x": (M,), "rows": (ONE, M), "columns": (M, ONE), "whole": (M, M)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("_shifted(x, rows)", "real[1, M]"),
        ("_shifted(whole, columns)", "real[M, M]"),
        ("_divide_or_zero(x, columns)", "real[M, M]"),
        ("x - columns", "real[M, M]"),
    ],
)
def test_operands_are_broadcast(text: str, expected: str) -> None:
    types = {name: Type("real", shape) for name, shape in SHAPES.items()}
    found = Typed(flow_of([], "return ()"), types, "np").type_of(ast.parse(text, mode="eval").body)
    assert str(found) == expected
