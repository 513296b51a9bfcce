"""Arrays that no argument changes: made when the module is imported, and not by each call (-O2).

t = arange(1, 30) / 29
powers = t[:, None]**arange(6)        ->        _POWERS = _made_once()

Such an array is a constant of the graph like one whose elements the model lists; but its text is that of the
statements that make it. Read it may be, by whatever function of the module; none writes to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from autodiffc.compiler.interp import evaluate
from autodiffc.compiler.ir import Graph, Literal, Node, const
from autodiffc.compiler.passes.constant_arrays import outermost

from .context import Context, Recipes
from .docstrings import write_docstring
from .pytext import tuple_of
from .reuse import body_of
from .statements import write_statements
from .writer import Writer

KEPT = frozenset({"broadcast_to", "transpose"})  # memory for something else; what products read as it is


def with_constants_apart(graph: Graph, recipes: Recipes) -> Graph:
    """The graph with constants for what no argument changes; `recipes` takes how they are made."""
    if graph.bodies:
        graph = graph.rewrite(
            lambda node, args: node.with_args(args).map_subgraphs(
                lambda body: with_constants_apart(body, recipes)
            )
        )
    values = _values(list(outermost(graph, KEPT)))
    for node, literal in values.items():
        recipes.setdefault(literal, (node, graph))
    images = {node: const(literal.array) for node, literal in values.items()}
    return graph.with_images(images) if images else graph


def _values(nodes: Sequence[Node]) -> dict[Node, Literal]:
    """What nodes come to, where that is finite; nothing where one is to raise at run time."""
    graph = Graph((), tuple((str(place), node) for place, node in enumerate(nodes)))
    try:
        with np.errstate(all="ignore"):
            arrays = map(np.asarray, evaluate(graph, {}, {}).values())
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return {}
    return {node: Literal.of(array) for node, array in zip(nodes, arrays) if np.isfinite(array).all()}


def write_made_once(context: Context, writer: Writer) -> None:
    """The function that makes them."""
    found = list(made_once(context))
    graphs = {id(graph): graph for _, (_, graph) in found}.values()
    names = {node: name for graph in graphs for node, name in graph.names.items()}
    origins = {node: told for graph in graphs for node, told in graph.origins.items()}
    outputs = tuple((name.lstrip("_").lower(), node) for name, (node, _) in found)
    graph = Graph((), outputs, names, origins)
    array, one = context.ref("ndarray"), len(outputs) == 1
    with writer.block(f"def _made_once() -> {array if one else f'tuple[{array}, ...]'}:"):
        write_docstring(writer, f"Return the {'array' if one else 'arrays'} that no argument changes.")
        body = body_of(context, graph, context.names.scope(), {})
        texts = [str(body.value(node)) for _, node in outputs]
        write_statements(context, writer, body, f"return {texts[0] if one else tuple_of(texts)}")


def made_once(context: Context) -> Iterator[tuple[str, tuple[Node, Graph]]]:
    """The names of those that the module reads, and how they are made."""
    for literal, name in context.tables.items():
        if literal in context.recipes:
            yield name, context.recipes[literal]
