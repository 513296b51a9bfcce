"""The order of statements: the model's lines forward, their adjoints backward, arguments before users."""

from __future__ import annotations

from pathlib import Path

import pytest
from autodiffc.api import Options, derivative_of, program_of
from autodiffc.codegen.schedule import LEAVES, dump_schedule, last_uses, schedule
from autodiffc.codegen.sourcelines import LogicalLines, safe
from autodiffc.compiler.ir import Graph
from autodiffc.grammar.reading import read_source
from autodiffc.grammar.source import Source

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").rglob("*.dsl"))
CHAIN = "dim N\nparam x: real[N]\na = tanh(x)\nb = exp(a)\nloss L = sum(a * b)**2\n"


def joint(text: str, level: int = 1) -> Graph:
    graph = derivative_of(program_of(Source("model.dsl", text)), Options(level=level)).value_and_grad
    assert graph is not None
    return graph


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_every_node_once_and_after_its_arguments(path: Path) -> None:
    derivative = derivative_of(program_of(read_source(str(path))), Options())
    for graph in (derivative.forward, derivative.backward, derivative.value_and_grad, derivative.predict):
        if graph is None:
            continue
        steps = schedule(graph)
        done = set()
        for step in steps:
            assert all(a in done or a.op.name in LEAVES for a in step.node.args)
            assert step.node not in done
            done.add(step.node)
        assert done == {n for n in graph.nodes() if n.op.name not in LEAVES}


def test_lines_forward_then_adjoints_backward() -> None:
    groups = list(dict.fromkeys((s.group.adjoint, s.group.line) for s in schedule(joint(CHAIN))))
    assert groups == [(False, 3), (False, 4), (False, 5), (True, 5), (True, 4), (True, 3)]


def test_last_uses() -> None:
    steps = schedule(joint(CHAIN))
    for node, position in last_uses(steps).items():
        assert node in steps[position].node.args
        assert all(node not in step.node.args for step in steps[position + 1 :])


def test_the_dump() -> None:
    lines = dump_schedule(joint(CHAIN), level=1).splitlines()
    assert lines[:5] == [
        "# -O1, " + lines[0].split(", ")[1],
        "line 3",
        "    %0:a: real[N] = tanh(x)",
        "line 4",
        "    %1:b: real[N] = exp(%0:a)",
    ]
    assert "adjoint of line 3" in lines
    assert lines[-1].startswith("return L = %")
    assert any(line.endswith("# ends: %1:b") or "%1:b" in line.partition("# ends:")[2] for line in lines)


def test_a_chain_of_many_nodes() -> None:
    model = (
        "input x0: real\n" + "".join(f"x{i} = sin(x{i - 1})\n" for i in range(1, 5000)) + "output f = x4999\n"
    )
    graph = program_of(Source("model.dsl", model)).graph
    assert [step.group.line for step in schedule(graph)] == list(range(2, 5001))


# --- the source in comments ---------------------------------------------------------------------------


def test_statements_of_several_lines() -> None:
    lines = LogicalLines(
        Source("m", "a = f(x,  # one (\n      y)   # two\n\nb = '(' # (\nc = [\n1,\n2]\nd = 1\n")
    )
    assert [lines.start(n) for n in range(1, 9)] == [1, 1, 3, 4, 5, 5, 5, 8]
    assert lines.text(1) == "a = f(x, y)"
    assert lines.text(4) == "b = '('"
    assert lines.text(5) == "c = [ 1, 2]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\tb", "a b"), ('"""', "'''"), ("\\N{BULLET}", "\\\\N{BULLET}"), ("\u202e\u2028\x00", "<U+202E><U+2028><U+0000>"),
     ("λ ŷ ∂", "λ ŷ ∂")],
)  # fmt: skip
def test_text_cannot_break_out(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_the_dump_of_a_loop() -> None:
    model = "dim N\nparam x: real[N]\nh = 0.0\nfor i in range(N):\n    h = sin(h) * x[i]\nloss L = h\n"
    lines = dump_schedule(joint(model), level=1).splitlines()
    place = next(i for i, line in enumerate(lines) if " = loop(" in line)
    assert lines[place + 1].strip().startswith("body (i, h")
    assert lines[place + 2].strip() == "line 5"
    assert any("= sin(h)" in line for line in lines)
