"""One derivative along many directions: a graph with a tangent as an input, run over a stack of tangents.

    y_dot = f(x, x_dot)     becomes     y_dots = loop(P, x_dots, …; (k, x_dots, …) -> f(x, x_dots[k]))

What does not depend on the direction stays before the loop, and is computed once. Where all directions can
be done at once the loop dissolves later (`hoist.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .. import ops
from ..ir import Graph, Node, Origin
from ..ops import argument, dim_value
from ..ops.control import item
from ..ops.indexing import row
from ..types import INT, Dim
from .dce import Dce
from .structured import Fresh, names_in

LEAVES = ("const", "dim")
# What is made of these alone is no work, and tells more inside than what stands for it would.
SPREAD = ("broadcast_to", "reshape", "to_real", "to_int")


def over_directions(graph: Graph, stacks: Mapping[Node, Node], count: Dim) -> Graph:
    """The graph whose outputs are stacked over the directions.

    `stacks` gives for an input (a tangent or a cotangent) the array of all directions, whose first axis has
    the length `count`; a stack that is an argument takes the input's place. Outputs that depend on no
    direction are repeated.
    """
    order = graph.nodes()
    inside: set[Node] = set(stacks)
    for node in order:
        if any(arg in inside for arg in node.args):
            inside.add(node)
    results = [node for _, node in graph.outputs]
    border = [arg for node in order if node in inside and node not in stacks for arg in node.args] + results
    known = inside | _constants(order)
    outside = list(dict.fromkeys(node for node in border if node not in known))
    fresh = Fresh(names_in(graph))
    step = argument(fresh("k"), INT)
    taken = Fresh([step["name"]])
    given = {node: argument(taken(_name(node, graph)), node.type) for node in outside}
    rows = {node: argument(taken(f"{node['name']}s"), stack.type) for node, stack in stacks.items()}
    images = {**given, **{node: row(stack, step) for node, stack in rows.items()}}
    plain = {node: name for node, name in graph.names.items() if node in inside}
    body = replace(graph, inputs=(step, *given.values(), *rows.values()), names=plain)
    body = Dce().run(_named_apart(body.with_images(images)))
    loop = ops.loop(
        dim_value(count), *outside, *stacks.values(), body=body, carried=0, length=count
    )  # fmt: skip
    inputs = tuple(i for i in graph.inputs if i not in stacks)
    inputs += tuple(s for s in stacks.values() if s.op.name == "argument")
    outputs = tuple((name, item(loop, position=k)) for k, (name, _) in enumerate(graph.outputs))
    live = {node: name for node, name in graph.names.items() if node not in inside}
    live.update((stack, f"{node['name']}s") for node, stack in stacks.items() if stack.op.name != "argument")
    origins = {**graph.origins, loop: _origins(graph, results)}
    return Dce().run(replace(graph, inputs=inputs, outputs=outputs, names=live, origins=origins))


def _constants(order: Sequence[Node]) -> set[Node]:
    found: set[Node] = set()
    for node in order:
        if node.op.name in LEAVES or (node.op.name in SPREAD and all(arg in found for arg in node.args)):
            found.add(node)
    return found


def _origins(graph: Graph, results: Sequence[Node]) -> tuple[Origin, ...]:
    return next((graph.origins[node] for node in results if graph.origins.get(node)), ())


def _name(node: Node, graph: Graph) -> str:
    if node.op.name == "argument":
        return str(node["name"])
    return graph.names.get(node) or node.op.name


def _named_apart(body: Graph) -> Graph:
    """A body's outputs have names unlike its inputs'."""
    fresh = Fresh(node["name"] for node in body.inputs)
    return replace(body, outputs=tuple((fresh(name), node) for name, node in body.outputs))
