"""What the adjoint makes has the memory of what it has used up, in a function as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from autodiffc.api import Options, derivative_of, module_text, program_of
from autodiffc.codegen.room import making_room
from autodiffc.codegen.schedule import LEAVES, Step, schedule
from autodiffc.compiler.ir import Graph
from autodiffc.grammar.reading import read_source

ROOT = Path(__file__).parents[2]
MODELS = sorted(
    path for folder in ("examples", "benchmarks/models") for path in (ROOT / folder).rglob("*.dsl")
)


def ordered(graph: Graph) -> tuple[list[Step], list[Step]]:
    steps = schedule(graph)
    return steps, making_room(steps, [node for _, node in graph.outputs])[0]


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_every_step_once_and_after_its_arguments(path: Path) -> None:
    graph = derivative_of(program_of(read_source(str(path))), Options(level=2)).value_and_grad
    if graph is None:
        return
    steps, other = ordered(graph)
    done = set()
    for step in other:
        assert all(a in done or a.op.name in LEAVES for a in step.node.args)
        assert step.node not in done
        done.add(step.node)
    assert done == {step.node for step in steps}
    forward = [step for step in steps if not step.group.adjoint]
    assert [step for step in other if not step.group.adjoint] == forward


def test_an_adjoint_has_the_memory_of_a_hidden_layer() -> None:
    text = module_text(program_of(read_source(str(ROOT / "benchmarks/models/mlp3.dsl"))), Options(level=2))
    function = text[text.index("def value_and_grad(") : text.index("def grad(")]
    assert ".dot(W3.T, h2)" in function
    assert function.index("np_greater(h2") < function.index(".dot(W3.T, h2)")


def test_what_a_cache_holds_is_not_written_over() -> None:
    text = module_text(program_of(read_source(str(ROOT / "benchmarks/models/mlp3.dsl"))), Options(level=2))
    backward = text[text.index("def backward(") : text.index("def init_params(")]
    assert ".dot(W3.T, d_h2)" in backward
