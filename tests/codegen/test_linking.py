"""Which lines of a module the lines of the model became."""

from __future__ import annotations

from pathlib import Path

import pytest
from autodiffc.api import Options, derivative_of, program_of
from autodiffc.codegen.module import Emitted, emitted
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source

EXAMPLES = Path(__file__).parents[2] / "examples"
CALLS = """\
dim N, D
input x: real[N, D]
param w: real[D]
def inner(a):
    return tanh(a)
def outer(a):
    b = inner(2 * a)
    return b * b
h = 0.0
for t in range(D):
    h = sum(outer(h + x[:, t])) * w[t]
loss L = h**2
"""


def made(source: Source, level: int) -> Emitted:
    program = program_of(source)
    return emitted(
        program, derivative_of(program, Options(level=level)), level=level, dtype="float64", version="0"
    )


def lines_of(module: Emitted, line: int) -> list[str]:
    text = module.text.split("\n")
    return [text[number - 1].strip() for number in sorted(module.lines.get(line, ()))]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_calls_lead_to_the_function_and_to_where_it_is_called(level: int) -> None:
    module = made(Source("calls.dsl", CALLS), level)
    tanh = [text for text in lines_of(module, 5) if "tanh(" in text]
    assert tanh
    assert set(tanh) <= set(lines_of(module, 11))
    assert any(text.startswith("for t in") for text in lines_of(module, 10))


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", ["classifier", "char_lstm", "adaptive", "digits_cnn", "trig", "kepler"])
def test_comments_and_statements_below_them_belong_to_their_line(name: str, level: int) -> None:
    module = made(read_source(str(EXAMPLES / f"{name}.dsl")), level)
    text = module.text.split("\n")
    headings = 0
    for number, line in enumerate(text, start=1):
        comment = line.strip()
        first = comment.removeprefix("# adjoint of ").removeprefix("# ").split(":")[0].split(" ")[0]
        if not comment.startswith("# ") or not first.isdigit():
            continue
        headings += 1
        assert number in module.lines[int(first)]
        assert number + 1 in module.lines[int(first)] or text[number].strip() == ""
    assert headings > 3


def test_a_line_that_nothing_became_has_no_lines() -> None:
    module = made(Source("m.dsl", "input x: real\nparam w: real\nunused = exp(x)\nloss L = w * x\n"), 1)
    assert 3 not in module.lines
    assert lines_of(module, 4)


def test_the_text_is_what_emit_gives() -> None:
    from autodiffc.api import module_text

    program = program_of(Source("calls.dsl", CALLS))
    first = module_text(program, Options()).split("\n")
    assert [
        line for line in made(Source("calls.dsl", CALLS), 1).text.split("\n") if "autodiffc 0" not in line
    ] == [line for line in first if "autodiffc 0" not in line]


def test_links_grow_as_the_model_does() -> None:
    """Also where all lines share a constant, which one node is for all of them."""

    def links(steps: int) -> int:
        lines = [f"x{k + 1} = sin(x{k}) * 1.01 + x{k}" for k in range(steps)]
        text = "\n".join(["param x0: real", *lines, f"loss L = x{steps}", ""])
        return sum(map(len, made(Source("chain.dsl", text), 1).lines.values()))

    few, many = links(50), links(200)
    assert few > 50
    assert many < 5 * few
