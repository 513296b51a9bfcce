"""What a loop keeps for one backward in time, in one list; and when lists must stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import autodiffc
import numpy as np
import pytest
from autodiffc.api import module_of
from autodiffc.codegen.blocks import Block, Statement
from autodiffc.codegen.joined import joined
from autodiffc.codegen.schedule import Group
from autodiffc.compiler.ir import const

GROUP = Group(False, 1)


def statements(text: str) -> list[Statement]:
    """The statements of a text; what stands before a loop, up to an empty line, is the loop's own."""
    found: list[Statement] = []
    lines: list[str] = []
    for line in text.strip().splitlines():
        if line.startswith("    "):
            block = found[-1].blocks[0]
            inner = Statement(GROUP, (line.strip(),), const(0.0), "")
            longer = Block(block.head, (*block.statements, inner))
            found[-1] = Statement(GROUP, found[-1].lines, const(0.0), "", (longer,))
        elif line.endswith(":"):
            found.append(Statement(GROUP, tuple(lines), const(0.0), "", (Block(line, ()),)))
            lines = []
        else:
            lines.append(line)
    return [*found, Statement(GROUP, tuple(lines), const(0.0), "")]


def lines(found: Sequence[Statement], indent: str = "") -> Iterator[str]:
    for statement in found:
        yield from (indent + line for line in statement.lines)
        for block in statement.blocks:
            yield indent + block.head
            yield from lines(block.statements, indent + "    ")


def written(text: str, last: str = "return out") -> str:
    numbers = count(2)

    def fresh(base: str) -> str:
        return base if base not in text else f"{base}_{next(numbers)}"

    return "\n".join(lines(joined(statements(text), last, fresh)))


def ran(text: str) -> Any:
    known: dict[str, Any] = {"x": 0.5, "y": -2.0}
    exec(text, known)
    return known["out"]


PLAIN = """
sines = []
ratios = []
for _ in range(5):
    sine = x * x
    sines.append(sine)
    ratio = sine / (1.0 + y * y)
    ratios.append(ratio)
    x -= ratio
out = 0.0
for i in reversed(range(5)):
    sine_i = sines[i]
    out = out * sine_i + ratios[i] * ratios[i]
"""

CHANGED = """
before = []
after = []
for _ in range(3):
    before.append((x, y))
    x = x * y
    y = y - x
    after.append(x)
out = 0.0
for i in reversed(range(3)):
    u, v = before[i]
    out += u * after[i] - v
"""

NUMBERED = """
xs = []
ys = []
for _ in range(4):
    xs.append(x)
    ys.append(y)
    x = x + y
out = 0.0
for i in reversed(range(4)):
    x_i = xs[i]
    out += i * x_i * ys[i]
"""


def test_two_lists_become_one() -> None:
    assert (
        written(PLAIN)
        == """\
steps = []
for _ in range(5):
    sine = x * x
    ratio = sine / (1.0 + y * y)
    steps.append((sine, ratio))
    x -= ratio
out = 0.0
for sine_i, ratios_i in reversed(steps):
    out = out * sine_i + ratios_i * ratios_i"""
    )


def test_what_changes_afterwards_is_kept_under_another_name() -> None:
    text = written(CHANGED)
    assert "    x_before = x\n    y_before = y\n" in text
    assert "    steps.append((x_before, y_before, x))\n" in text
    assert "for u, v, after_i in reversed(steps):" in text


def test_who_needs_the_number_of_the_step_reads_by_it() -> None:
    assert "for i in reversed(range(4)):\n    x_i, ys_i = steps[i]\n    out += i * x_i * ys_i" in written(
        NUMBERED
    )


@pytest.mark.parametrize("text", [PLAIN, CHANGED, NUMBERED])
def test_the_results_are_the_same(text: str) -> None:
    assert ran(written(text)) == ran(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("reversed(range(5))", "reversed(range(4))"),  # other steps
        ("reversed(range(5))", "range(5)"),
        ("ratios[i] * ratios[i]", "ratios[i - 1]"),
        ("ratios[i] * ratios[i]", "len(ratios)"),
        ("out = out * sine_i + ", "ratios[i] = "),  # changed on the way
        ("sines.append(sine)", "sines.append(-sine)"),  # no variable
        ("x -= ratio", "if x < 0.0:\n        break"),
    ],
)
def test_other_lists_stay(old: str, new: str) -> None:
    assert old in PLAIN
    text = PLAIN.replace(old, new).strip()
    assert "steps" not in written(text)


def test_what_is_returned_stays() -> None:
    assert written(PLAIN, "return out, ratios") == PLAIN.strip()


def test_a_name_that_is_taken_before_its_row_is_read_stays_with_its_line() -> None:
    text = written(PLAIN.replace("    sine_i = sines[i]", "    sine_i = out\n    sine_i = sines[i]"))
    assert "for sines_i, ratios_i in reversed(steps):\n    sine_i = out\n    sine_i = sines_i" in text


MODEL = """
model spring
dim steps = 30
param x0, v0: real[2]
param k: real
x, v = x0, v0
for i in range(steps):
    v = v - 0.1 * k * sin(x) / (1 + dot(v, v))
    x = x + 0.1 * v
loss L = dot(x, x) + dot(v, v)
"""


def test_a_loop_of_numbers_has_one_list_at_O2() -> None:
    text = autodiffc.compile(MODEL, level=2)
    assert "in reversed(steps):" in text or "reversed(steps_" in text
    quick, plain = module_of(text, "quick"), module_of(autodiffc.compile(MODEL, level=1), "plain")
    args = {"x0": np.array([1.0, -0.5]), "v0": np.array([0.2, 0.3]), "k": 2.0}
    value, grads = quick.value_and_grad(**args)
    expected, slopes = plain.value_and_grad(**args)
    assert value == pytest.approx(expected, rel=1e-13)
    for grad, slope in zip(grads, slopes):
        np.testing.assert_allclose(grad, slope, rtol=1e-11)
