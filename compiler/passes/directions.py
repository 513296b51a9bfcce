"""One derivative along many directions: a graph with a tangent as an input, run over a stack of tangents.

    y_dot = f(x, x_dot)     becomes     y_dots = loop(P, x_dots, …; (k, x_dots, …) -> f(x, x_dots[k]))

What does not depend on the direction stays before the loop, and is computed once. Where all directions can
be done at once the loop dissolves later (`hoist.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
    inside = _inside(graph, stacks)
    outside = _border(graph, inside, stacks)
    body = _body(graph, inside, outside, stacks)
    attrs = {"body": body, "carried": 0, "length": count, "directions": True}
    loop = ops.loop(dim_value(count), *outside, *stacks.values(), **attrs)
    inputs = tuple(i for i in graph.inputs if i not in stacks)
    inputs += tuple(s for s in stacks.values() if s.op.name == "argument")
    outputs = tuple((name, item(loop, position=k)) for k, (name, _) in enumerate(graph.outputs))
    live = {node: name for node, name in graph.names.items() if node not in inside}
    live.update((stack, f"{node['name']}s") for node, stack in stacks.items() if stack.op.name != "argument")
    origins = {**graph.origins, loop: _origins(graph)}
    return Dce().run(replace(graph, inputs=inputs, outputs=outputs, names=live, origins=origins))


def _inside(graph: Graph, directions: Iterable[Node]) -> set[Node]:
    """What depends on the direction."""
    inside = set(directions)
    for node in graph.nodes():
        if any(arg in inside for arg in node.args):
            inside.add(node)
    return inside


def _border(graph: Graph, inside: Collection[Node], directions: Collection[Node]) -> list[Node]:
    """What is given to the loop: values that do not depend on the direction, used by what does."""
    order = graph.nodes()
    used = [arg for node in order if node in inside and node not in directions for arg in node.args]
    known = _constants(order).union(inside)
    return list(dict.fromkeys(n for n in (*used, *(o for _, o in graph.outputs)) if n not in known))


def _body(
    graph: Graph, inside: Collection[Node], outside: Sequence[Node], stacks: Mapping[Node, Node]
) -> Graph:
    """The graph for one direction, a row of each stack."""
    step = argument(Fresh(names_in(graph))("k"), INT)
    taken = Fresh([step["name"]])
    given = {node: argument(taken(_name(node, graph)), node.type) for node in outside}
    rows = {node: argument(taken(f"{node['name']}s"), stack.type) for node, stack in stacks.items()}
    images = {**given, **{node: row(stack, step) for node, stack in rows.items()}}
    names = {node: name for node, name in graph.names.items() if node in inside}
    body = replace(graph, inputs=(step, *given.values(), *rows.values()), names=names)
    return Dce().run(_named_apart(body.with_images(images)))


def _constants(order: Sequence[Node]) -> set[Node]:
    found: set[Node] = set()
    for node in order:
        if node.op.name in LEAVES or (node.op.name in SPREAD and all(arg in found for arg in node.args)):
            found.add(node)
    return found


def _origins(graph: Graph) -> tuple[Origin, ...]:
    return next((graph.origins[node] for _, node in graph.outputs if graph.origins.get(node)), ())


def _name(node: Node, graph: Graph) -> str:
    if node.op.name == "argument":
        return str(node["name"])
    return graph.names.get(node) or node.op.name


def _named_apart(body: Graph) -> Graph:
    """A body's outputs have names unlike its inputs'."""
    fresh = Fresh(node["name"] for node in body.inputs)
    return replace(body, outputs=tuple((fresh(name), node) for name, node in body.outputs))
