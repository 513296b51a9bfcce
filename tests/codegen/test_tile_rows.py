"""Rows that the last step of a result writes itself."""

from __future__ import annotations

import pytest
from autodiffc.codegen.blocks import Statement
from autodiffc.codegen.schedule import Group
from autodiffc.codegen.tile_rows import written_into
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
        "d_x[...] = np.where(a, b, c)",  # two copies are no better than one
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
