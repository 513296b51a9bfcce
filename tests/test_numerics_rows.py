"""Every row of the numerics reference has its tests, and every op and stability rule its row."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import edge_arrays
import edge_cases
import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.passes.rules.stability import STABILITY_RULES
from numerics_rows import ROWS, STRUCTURE, Row
from stability_cases import CASES

TESTS = Path(__file__).parent
TABLES = (
    edge_cases.PRINCIPLES, edge_cases.UNARY, edge_cases.ACTIVATIONS, edge_cases.BINARY, edge_cases.LOSSES,
    edge_arrays.REDUCTIONS, edge_arrays.LOSSES, edge_arrays.LINEAR, edge_arrays.STRUCTURE,
)  # fmt: skip
POINTS = {name for table in TABLES for name in table}
SPELLINGS = {case.name.split()[0] for case in CASES}


@cache
def functions_of(path: str) -> frozenset[str]:
    """The test functions of a file."""
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_tests(name: str) -> None:
    assert name in POINTS | SPELLINGS or ROWS[name].tests


@pytest.mark.parametrize("row", [*ROWS.values(), STRUCTURE], ids=[*ROWS, "structure"])
def test_the_tests_are_there(row: Row) -> None:
    for test in row.tests:
        path, name = test.split("::")
        assert name in functions_of(path), test


def test_points_and_spellings_belong_to_rows() -> None:
    assert ROWS.keys() >= POINTS | SPELLINGS


def test_no_principle_and_no_rule_is_left_out() -> None:
    assert {f"P{i}" for i in range(1, 13)} | {f"R{i}" for i in range(1, 31)} <= ROWS.keys()


def test_every_op_has_a_row() -> None:
    named = {op for row in [*ROWS.values(), STRUCTURE] for op in row.ops}
    assert named == set(ops.OPS)


def test_every_stability_rule_has_a_row() -> None:
    assert {rule for row in ROWS.values() for rule in row.rules} == {rule.name for rule in STABILITY_RULES}
