"""Rows that the last step of a result writes itself."""

from __future__ import annotations

import pytest
from autodiffc.codegen.blocks import Statement
from autodiffc.codegen.schedule import Group
from autodiffc.codegen.tile_rows import added_into, written_into
from autodiffc.compiler import ops


def written(text: str, last: str = "") -> str:
    statements = [Statement(Group(False, 1), (line,), ops.const(0.0), "") for line in text.splitlines()]
    found = written_into(statements, ("d_x",), last, "np")
    return "\n".join(line for statement in found for line in statement.lines)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("d_x[...] = a * (b + c)", "np.multiply(a, b + c, out=d_x)"),
        ("d_x[...] = np.exp(a)", "np.exp(a, out=d_x)"),
        ("d_x[...] = a @ b.T", "np.matmul(a, b.T, out=d_x)"),
        ("d_x[...] = np.where(a, b, c)", "_where(a, b, c, out=d_x)"),
        ("p *= a - b\nd_x[...] = p", "np.multiply(p, a - b, out=d_x)"),
        ("p = a\np /= x[:, None]\nd_x[...] = p", "p = a\nnp.divide(p, x[:, None], out=d_x)"),
        ("np.subtract(1.0, p, out=p)\nd_x[...] = p", "np.subtract(1.0, p, out=d_x)"),
    ],
)
def test_the_last_step_writes(before: str, after: str) -> None:
    assert written(before) == after


@pytest.mark.parametrize(
    "text",
    [
        "d_x[...] = a",  # nothing computes it here
        "d_x[...] = a.astype(np.float32)",
        "p *= a\nq = b\nd_x[...] = p",  # q may be what the step reads
        "p[0] *= a\nd_x[...] = p",  # a part alone
        "p *= a\nd_x[...] = p\nq = p + 1.0",  # read later
        "np.exp(q, out=q)\nd_x[...] = p",
    ],
)
def test_else_it_is_copied(text: str) -> None:
    assert written(text) == text


def test_what_the_function_returns_is_read() -> None:
    text = "p *= a\nd_x[...] = p"
    assert written(text, "return float(p.sum())") == text
    assert written(text, "return float(q.sum())") == "np.multiply(p, a, out=d_x)"


def added(text: str, last: str = "") -> str:
    statements = [Statement(Group(False, 1), (line,), ops.const(0.0), "") for line in text.splitlines()]
    return "\n".join(line for statement in added_into(statements, ("d_x",), last) for line in statement.lines)


ROWS = "s = np.zeros((n, 3))\n_add_rows(s, places, rows)\nd_x += s"


def test_rows_are_added_where_they_belong() -> None:
    assert added(ROWS) == "_add_rows(d_x, places, rows)"


@pytest.mark.parametrize(
    "text",
    [
        "s = np.ones((n, 3))\n_add_rows(s, places, rows)\nd_x += s",
        "s = np.zeros((n, 3))\n_add_rows(s, s, rows)\nd_x += s",
        "s = np.zeros((n, 3))\n_add_rows(t, s, rows)\nd_x += s",
        "s = np.zeros((n, 3))\n_add_rows(s, places, rows)\nt = s + 1.0\nd_x += s",
        f"{ROWS}\nt = s + 1.0",
        "_add_rows(s, places, rows)\nd_x += s",
        "d_x += s",
        "d_x += a * b",
    ],
)
def test_else_a_sum_is_added(text: str) -> None:
    assert added(text) == text


def test_a_sum_that_is_returned_is_made() -> None:
    assert added(ROWS, "return s") == ROWS
