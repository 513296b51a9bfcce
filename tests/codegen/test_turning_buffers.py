"""Buffers by hand-written lines: what takes turns, what begins anew, what is made once and for all."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from autodiffc.codegen.blocks import Block, Statement
from autodiffc.codegen.buffers import Allocation
from autodiffc.codegen.flow import flow_of
from autodiffc.codegen.routines import ROUTINES
from autodiffc.codegen.schedule import Group
from autodiffc.compiler.types import Dim, Type

SIZE = Dim.symbol("n")
VECTOR, MATRIX = Type("real", (SIZE,)), Type("real", (SIZE, SIZE))
TYPES = dict.fromkeys("hgkxy", VECTOR) | {"A": MATRIX}
RECURRENCE = ("h = np.zeros(n)", "for t in range(4):", "    h = A @ h", "    h += x", "y = h * x")


def statements(lines: tuple[str, ...]) -> list[Statement]:
    """Lines as statements; those that are indented belong to the block before."""
    found: list[Statement] = []
    for line in lines:
        own = Statement(Group(False, 0), (line.strip(),), cast(Any, None), "")
        if line.endswith(":"):
            found.append(Statement(Group(False, 0), (), cast(Any, None), "", (Block(line, ()),)))
        elif line.startswith(" "):
            ((block,), last) = found[-1].blocks, found[-1]
            inner = (*block.statements, own)
            found[-1] = Statement(last.group, (), last.node, "", (Block(block.head, inner),))
        else:
            found.append(own)
    return found


def texts(parts: list[Statement], indent: str = "") -> list[str]:
    found = []
    for part in parts:
        found += [indent + line for line in part.lines]
        for block in part.blocks:
            found += [indent + block.head, *texts(list(block.statements), f"{indent}    ")]
    return found


def run(lines: tuple[str, ...], result: str) -> tuple[Any, Any, str]:
    """What lines give as they stand, and with buffers full of rubbish, and the text with these."""
    parts = statements(lines)
    names = iter(f"spare_{i}" for i in range(99))
    last = f"return {result}"
    found = Allocation(
        parts, last, TYPES, {"x", "A"}, lambda base: next(names), "np", sizes={"n": "n"}
    ).result()
    given = {"np": np, "n": 600, "x": np.linspace(0.0, 1.0, 600), "A": np.eye(600, k=1), "k": np.ones(600)}
    own, other = dict(given), {**given, **ROUTINES}
    for buffer in found.buffers:
        shape = tuple(size.evaluate({"n": 600}) for size in buffer.type.shape)
        rubbish = np.full(shape, np.nan, bool if buffer.type.kind == "bool" else float)
        other[buffer.name] = eval(buffer.made, given) if buffer.made else rubbish
    text = "\n".join(texts(found.statements))
    exec("\n".join(lines), own)
    exec(text, other)
    return eval(result, own), eval(result, other), text


@pytest.mark.parametrize(
    ("lines", "result"),
    [
        (RECURRENCE, "float(y.sum())"),
        (("h = x", *RECURRENCE[1:]), "float(y.sum())"),
        (("h = x * x", "g = h", *RECURRENCE[1:4], "y = h * g"), "float(y.sum())"),
        (("h = x", "for t in range(3):", "    k = h", "    h = A @ h", "    h += k", "y = h"), "float(y.sum())"),
        (("h = x * x", "h = h.copy()", "y = h + x"), "float(y.sum())"),
        (("h = x * x", "h = np.where(h > 0.1, h, x)", "y = h + x"), "float(y.sum())"),
        (("h = x", "for t in range(0):", "    h = A @ h", "y = h * x"), "float(y.sum())"),
        (("g = x * x", "y = g + x", "g = A @ y", "h = y + g", "y = h * g"), "float(y.sum())"),
    ],
)  # fmt: skip
def test_the_same_values(lines: tuple[str, ...], result: str) -> None:
    expected, found, _ = run(lines, result)
    assert found == expected


def test_what_is_made_of_itself_takes_turns() -> None:
    _, _, text = run(RECURRENCE, "float(y.sum())")
    assert "h = A.dot(h, spare_1)\n    spare_1, spare_2 = spare_2, spare_1" in text


def test_what_is_given_is_not_written_to() -> None:
    lines = ("h = x", *RECURRENCE[1:3], "y = h * x")
    expected, found, text = run(lines, "[float(y.sum()), x.tolist()]")
    assert "spare_0, spare_1 = spare_1, spare_0" in text
    assert found == expected


def test_a_name_that_begins_anew_is_another_variable() -> None:
    flow = flow_of(
        statements(("h = x", "y = h + h", "for t in range(2):", "    h = A @ y", "    y = h")), "return y"
    )
    assert flow.variable("h", 1) == "h"
    assert flow.variable("h", 3) == "h#1"
    assert flow.variable("y", 4) == "y"  # the loop may have no steps


def test_what_sizes_determine_is_made_once() -> None:
    lines = ("g = np.arange(n)", "h = x * x", "h += g", "y = h[g] + np.ones(n)", "g = 2 * n")
    expected, found, text = run(lines, "float(y.sum())")
    assert found == expected
    assert "arange" not in text
    assert "ones(" not in text


def test_a_size_is_no_array_that_is_made_once() -> None:
    lines = ("g = np.arange(max(n, 2))", "h = x * max(n, 2)", "y = h + g")
    expected, found, text = run(lines, "float(y.sum())")
    assert found == expected
    assert "arange" not in text
    assert text.count("max(n, 2)") == 1


def test_what_is_written_to_is_made_anew() -> None:
    lines = ("g = np.arange(n)", "g[0] = 5", "h = x * x", "y = h + g")
    expected, found, text = run(lines, "float(y.sum())")
    assert found == expected
    assert "np.arange(n)" in text


@pytest.mark.parametrize(
    ("lines", "over"),
    [
        (("h = A @ x", "g = x * h", "y = A @ g"), True),
        (("h = A @ x", "g = h * h", "y = A @ g"), True),
        (("h = A @ x", "g = np.maximum(x, h)", "y = A @ g"), True),
        (("h = A @ x", "k = h[::-1]", "g = k * h", "y = A @ g"), False),  # k has other elements there
        (("h = A @ x", "g = np.cumsum(h)", "y = A @ g"), False),  # reads on after it has written
        (("h = A @ x", "g = x * x + A @ h", "y = A @ g"), False),
        (("h = A @ x", "g = 2.0 * x + x * h", "y = A @ g"), False),
        (("h = A @ x", "g = np.exp(x) * h", "y = A @ g"), False),  # its own operand is written first
        (("h = A @ x", "g = np.exp(h[::-1]) + h", "y = A @ g"), False),
        (("h = A @ x", "g = x * h", "y = A @ g + h"), False),  # needed later
        (("h = A @ x", "g = x * h", "k = h", "y = A @ g + k"), False),
        (("h = A @ x", "for t in range(3):", "    g = x * h", "    x = A @ g", "y = x"), False),
    ],
)  # fmt: skip
def test_what_is_spent_is_written_over(lines: tuple[str, ...], over: bool) -> None:
    """An array that is read for the last time gives its memory to what is made of it element by element."""
    expected, found, text = run(lines, "float(y.sum())")
    assert found == expected
    lines_of = {text_.partition(" =")[0].strip(): text_ for text_ in text.splitlines()}
    memory = lines_of["h"].rpartition(", ")[2]
    assert lines_of["g"].endswith(f"out={memory}") == over, text
