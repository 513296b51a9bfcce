"""Runs a graph by the texts that its ops would be emitted as, one op a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from autodiffc.codegen.routines import ROUTINES
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Array, Graph, Node
from autodiffc.compiler.passes.expand import Expand


def argument_names(node: Node) -> list[str]:
    """The names by which a text calls its arguments."""
    *plain, final = node.op.params or ("",)
    if not final.startswith("*"):
        return list(node.op.params)
    return [*plain, *(f"{final[1:]}{k}" for k in range(len(node.args) - len(plain)))]


def run_text(node: Node, arguments: list[Any], sizes: Mapping[str, int]) -> Any:
    template = node.op.py
    text = template if isinstance(template, str) else template(node, lambda dim: f"({dim.evaluate(sizes)})")
    scope = {"np": np, "_REAL": np.float64, **ROUTINES, **dict(zip(argument_names(node), arguments))}
    kept = [np.array(a, copy=True) for a in arguments]
    if "\n" in text or text.startswith("out ="):
        exec(text, scope)
        result = scope["out"]
    else:
        result = eval(text, scope)
    for before, after in zip(kept, arguments):
        np.testing.assert_array_equal(before, after, f"{text} writes into an argument")
    return result


def run_texts(graph: Graph, arguments: Mapping[str, Array], sizes: Mapping[str, int]) -> dict[str, Any]:
    """The graph by the emitted texts of its ops, expanded as before emission."""
    graph = Expand().run(graph)
    found: dict[Node, Any] = {}
    for node in graph.nodes():
        if node.op.name == "argument":
            found[node] = arguments[node["name"]]
        elif node.op.name in ("const", "dim"):
            found[node] = evaluate(Graph((), (("c", node),)), {}, sizes)["c"][()]
        else:
            found[node] = run_text(node, [found[a] for a in node.args], sizes)
    return {name: found[node] for name, node in graph.outputs}
