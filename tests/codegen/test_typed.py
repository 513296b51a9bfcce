"""What expressions of emitted statements are, as text alone tells it."""

from __future__ import annotations

import ast
from typing import Any, cast

import pytest
from autodiffc.codegen.blocks import Block, Statement
from autodiffc.codegen.flow import flow_of
from autodiffc.codegen.schedule import Group
from autodiffc.codegen.sites import Sites
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("np.concatenate((whole, columns), axis=1)", "real[M, M + 1]"),
        ("np.concatenate((x, x))[M:]", "real[M]"),
        ("np.concatenate((whole, rows), axis=-1)", "None"),
        ("np.concatenate((whole, x), axis=0)", "None"),
        ("np.broadcast_to(rows, (3, M, M))", "real[3, M, M]"),
        ("np.broadcast_to(rows, (number, M))", "None"),
        ("np.zeros((max(M // 2, 0), M))", "real[max(M//2, 0), M]"),
        ("np.zeros(max(M - 1, 0))", "real[max(M - 1, 0)]"),
        ("np.zeros(M - 1)", "None"),
        ("np.zeros(M // number)", "None"),
    ],
)
def test_sizes_tell_types(text: str, expected: str) -> None:
    types = {name: Type("real", shape) for name, shape in SHAPES.items()}
    typed = Typed(flow_of([], "return ()"), types, "np", {"M": "M"})
    assert str(typed.type_of(ast.parse(text, mode="eval").body)) == expected


def test_an_array_of_a_variable_that_is_a_number_elsewhere() -> None:
    lines = ("total = np.zeros((M, M))", "total += whole", "if x[0] > 0.0:", "total = 1.0")
    statements = [Statement(Group(False, 0), lines[:2], cast(Any, None), "")]
    inner = Statement(Group(False, 0), lines[3:], cast(Any, None), "")
    statements.append(Statement(Group(False, 0), (), cast(Any, None), "", (Block(lines[2], (inner,)),)))
    types = {"whole": Type("real", (M, M)), "x": Type("real", (M,))}
    found = Sites(flow_of(statements, "return total"), types, "np", {"M": "M"}).found()
    assert [(site.target, str(site.type)) for site in found] == [("total", "real[M, M]")]
