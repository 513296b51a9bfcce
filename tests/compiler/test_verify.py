"""The verifier finds what no pass may do."""

from __future__ import annotations

import pytest
from autodiffc.compiler import ops
from autodiffc.compiler.ir import OPS, Graph, Node, const
from autodiffc.compiler.passes.base import run_passes
from autodiffc.compiler.types import BOOL, REAL, Dim, Type
from autodiffc.compiler.verify import InternalError, verify, verifying

N = Dim.symbol("N")
X = ops.argument("x", Type("real", (N,)))


FAULTS = [
    (Node(OPS["exp"], (X,), (), REAL), "has type real, its op gives real[N]"),
    (Node(OPS["exp"], (X, X), (), X.type), "has 2 arguments, exp takes 1"),
    (Node(OPS["concatenate"], (), (("axis", 0),), X.type), "has 0 arguments"),
    (Node(OPS["logical_not"], (X,), (), BOOL), "does not type: logical_not takes bools"),
    (Node(OPS["const"], (), (("value", 1),), REAL), "has type real, its op gives int"),
    (ops.argument("y", REAL), "is an argument, but not an input of the graph"),
    (ops.pattern_variable("p"), "is a pattern variable"),
]


@pytest.mark.parametrize(("node", "message"), FAULTS)
def test_faults(node: Node, message: str) -> None:
    graph = Graph((X,), (("f", node),))
    with pytest.raises(InternalError, match="after lower: ") as caught:
        verify(graph, "lower")
    assert message in str(caught.value)
    assert ">> %" in str(caught.value)


def test_the_ir_around_the_fault_is_shown() -> None:
    bad = Node(OPS["exp"], (ops.log(X),), (), REAL)
    with pytest.raises(InternalError) as caught:
        verify(Graph((X,), (("f", ops.sqrt(bad)),)), "cse")
    assert str(caught.value).splitlines()[1:] == [
        "     %0 x: real[N] = argument()",
        "     %1: real[N] = log(%0)",
        "  >> %2: real = exp(%1)",
        "     %3: real = sqrt(%2)",
    ]


def test_a_name_of_nothing() -> None:
    with pytest.raises(InternalError, match="h names"):
        verify(Graph((X,), (("f", X),), {ops.exp(X): "h"}), "dce")


def test_a_well_formed_graph() -> None:
    verify(Graph((X,), (("f", ops.exp(X) * const(2.0)),), {X: "x"}), "lower")


class Breaks:
    """A pass with a fault."""

    name = "breaks"

    def run(self, graph: Graph) -> Graph:
        return Graph(graph.inputs, (("f", Node(OPS["exp"], (X,), (), REAL)),))


def test_as_an_observer_it_names_the_pass() -> None:
    with pytest.raises(InternalError, match="after breaks: "):
        run_passes([Breaks()], Graph((X,), (("f", X),)), verifying)
