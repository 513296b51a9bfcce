"""Assertions in the emitted functions: a check becomes a statement that raises.

    assert total > 0, "no weight"      ->      if not total > 0.0:
                                                   raise ValueError(f"no weight (line 7: … {total})")

In the graphs that are emitted the checks are outputs without a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.model import Derivative
from autodiffc.compiler.ops.checks import checks_of, unguarded

from .pytext import NOT, Expr

ONE_LINE = 70  # characters of a message
HEAD = "the model's assertion does not hold"


def released(derivative: Derivative) -> Derivative:
    """The same graphs, whose outputs no longer stand behind their checks."""
    return derivative.mapped(released_graph)


def released_graph(graph: Graph) -> Graph:
    """The values, then every check once."""
    checks = dict.fromkeys(c for _, node in graph.outputs for c in checks_of(node))
    if not checks:
        return graph
    values = tuple((name, unguarded(node)) for name, node in graph.outputs)
    return replace(graph, outputs=values + tuple(("", c) for c in checks))


def check_lines(node: Node, condition: Expr, values: Sequence[Expr]) -> str:
    """The statement of a check; the values are names."""
    head = _inside(node["message"] or HEAD)
    found = [f"{_inside(label)} is {{{value}}}" for label, value in zip(node["labels"], values)]
    where = f", where {' and '.join(found)}" if found else ""
    text = f": assert {_inside(node['text'])}{where}" if node["text"] else ""
    tail = f"({_inside(node['place'])}{text})"
    test = f"if not {condition.within(NOT)}:\n    raise ValueError("
    if len(head) + len(tail) < ONE_LINE:
        return f'{test}{_mark(head + tail)}"{head} {tail}")'
    return f'{test}\n        {_mark(head)}"{head} "\n        {_mark(tail)}"{tail}"\n    )'


def _mark(text: str) -> str:
    """`f` where something is filled in, or a brace is written twice."""
    return "f" if "{" in text or "}" in text else ""


def _inside(text: str) -> str:
    """Text as it stands between the quotes of an f-string."""
    shown = "".join(c if c.isprintable() and c not in '"\\' else _escaped(c) for c in text)
    return shown.replace("{", "{{").replace("}", "}}")


def _escaped(char: str) -> str:
    return f"\\{char}" if char in '"\\' else f"\\U{ord(char):08x}"
