"""Passes on small graphs: `cases/PASS.test` has the IR that goes in and the IR that comes out.

pytest tests/compiler/passes/test_cases.py --update     writes what comes out into the files
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from autodiffc.compiler.ir import Graph
from autodiffc.compiler.irparse import parse_graph
from autodiffc.compiler.irtext import print_graph
from autodiffc.compiler.passes.base import Repeat, run_passes
from autodiffc.compiler.passes.cse import Cse
from autodiffc.compiler.passes.expand import Expand
from autodiffc.compiler.passes.fold import Fold
from autodiffc.compiler.passes.partition import partition
from autodiffc.compiler.passes.simplify import Simplify
from autodiffc.compiler.passes.stabilise import Stabilise
from autodiffc.compiler.verify import verify

FOLDER = Path(__file__).parent / "cases"
CASE = re.compile(
    r"\[case (?P<name>[^\]]*)\]\n\[in\]\n(?P<before>.*?)\[out\]\n(?P<after>.*?)(?=\n*\[case|\Z)", re.DOTALL
)


def _simplified(graph: Graph) -> Graph:
    gradients = sum(name.startswith("d_") for name, _ in graph.outputs)
    return run_passes([Repeat((Simplify(gradients),))], graph)


RUN: dict[str, Callable[[Graph], Graph]] = {
    "cse": Cse().run,
    "fold": Fold().run,
    "simplify": _simplified,
    "stabilise": Stabilise().run,
    "expand": Expand().run,
}


def _result(name: str, graph: Graph) -> str:
    if name != "partition":
        after = RUN[name](graph)
        verify(after, name)
        return print_graph(after)
    seed = next(node for node in graph.inputs if node["name"] == "d_f")
    parts = partition(graph, sum(n.startswith("d_") for n, _ in graph.outputs), seed)
    verify(parts.forward, name)
    verify(parts.backward, name)
    return f"{print_graph(parts.forward)}# saved: {', '.join(parts.saved)}\n{print_graph(parts.backward)}"


CASES = [
    pytest.param(path, match["name"], id=f"{path.stem}: {match['name']}")
    for path in sorted(FOLDER.glob("*.test"))
    for match in CASE.finditer(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("path", "name"), CASES)
def test_case(path: Path, name: str, request: pytest.FixtureRequest) -> None:
    text = path.read_text(encoding="utf-8")
    match = next(m for m in CASE.finditer(text) if m["name"] == name)
    found = _result(path.stem, parse_graph(match["before"]))
    if request.config.getoption("--update"):
        start, end = match.span("after")
        path.write_text(text[:start] + found + text[end:], encoding="utf-8")
    else:
        assert found == match["after"].strip("\n") + "\n"


def test_every_file_has_cases() -> None:
    assert {path.stem for path in FOLDER.glob("*.test")} == {*RUN, "partition"}
