"""Runs a graph by the texts that its ops would be emitted as, one op a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from autodiffc.codegen.routines import ROUTINES
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Array, Graph, Node
from autodiffc.compiler.ops import argument
from autodiffc.compiler.passes.autodiff import differentiate
from autodiffc.compiler.passes.expand import Expand
from autodiffc.compiler.types import Dim, Kind, Type

KINDS: dict[str, Kind] = {"f": "real", "i": "int", "b": "bool"}


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


def value_and_gradients(
    build: Callable[..., Node], *arrays: Any, cotangent: Any = 1.0
) -> tuple[Array, list[Array]]:
    """A function's value and its adjoint, by the interpreter and by the texts, which must agree.

    The arguments are constants of their shapes; ints are labels and get no gradient.
    """
    values = [np.asarray(a) for a in arrays]
    types = [Type(KINDS[v.dtype.kind], tuple(map(Dim.of, v.shape))) for v in values]
    inputs = [argument(f"a{k}", type_) for k, type_ in enumerate(types)]
    node = build(*inputs)
    seed = argument("g", node.type)
    graph = Graph((*inputs, seed), (("y", node),))
    wrt = [n["name"] for n in inputs if n.type.kind == "real"]
    graph = differentiate(graph, "y", wrt, seed)
    given = {f"a{k}": v for k, v in enumerate(values)}
    given["g"] = np.broadcast_to(cotangent, tuple(d.known or 0 for d in node.shape)).astype(float)
    expected = evaluate(graph, given, {})
    with np.errstate(all="ignore"):
        found = run_texts(graph, given, {})
    for name, value in expected.items():
        np.testing.assert_allclose(np.asarray(found[name], float), value, rtol=1e-12, err_msg=name)
    return expected["y"], [expected[f"d_{name}"] for name in wrt]
