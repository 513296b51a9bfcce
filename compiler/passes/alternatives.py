"""Two graphs of the same values in one: run time tells which of them is computed.

    if small:                    a first condition, on sizes say
        largest = …              what the next one is made of
        holds = largest < 32768.0
    else:
        holds = False
    if holds: …              the quick way, at the end of which its last condition is asked
    else: fine = False
    if not fine: …           the plain way

What both need is computed before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node, const, const_value, topological
from ..ops import argument
from .base import Pass, Step, run_passes
from .cse import Cse

Part = tuple[Sequence[Node], Collection[Node]]  # results, and the nodes that are computed for them


@record(frozen=True)
class Condition:
    """What must hold; `name` is that of a variable, and `note` stands above what it decides."""

    name: str
    node: Node
    note: str


@record(frozen=True)
class InSides:
    """Passes on the sides of branches, as on functions of their own."""

    passes: tuple[Step, ...]
    name: str = "in_sides"

    def run(self, graph: Graph) -> Graph:
        if not any(node.op is ops.branch for node in graph.nodes()):
            return graph
        return graph.rewrite(self._step)

    def _step(self, node: Node, args: tuple[Node, ...]) -> Node:
        new = node.with_args(args)
        if node.op is not ops.branch:
            return new
        return new.map_subgraphs(lambda side: run_passes(self.passes, side))


def either(plain: Graph, quick: Graph, notes: Sequence[str], finish: Pass) -> Graph:
    """The plain graph's outputs, by the quick one where its last outputs are true: the conditions.

    `notes` stand above what each of these decides. The last condition is asked when all else is computed, in
    a graph that is finished by a pass of its own.
    """
    both = _together(plain, quick)
    found, count = [node for _, node in both.outputs], len(plain.outputs)
    slow, fast, asked = found[:count], found[count : -len(notes)], found[-len(notes) :]
    told = dict(zip(asked, notes))
    if any(const_value(node) is False for node in asked):
        return plain
    asked = [node for node in asked if const_value(node) is not True]
    last, everything, apart = asked[-1], topological([*fast, *asked]), {*topological(slow)}
    known = {*topological(asked[:1])} | apart.intersection(everything)
    images: dict[Node, Node] = {}
    for condition, following in pairwise(asked):
        wanted = [following, *fast] if following is last else [following]
        made = {*topological(wanted)} - known
        read = {arg for node in everything if node not in made | known for arg in node.args}.union(wanted)
        handed = [node for node in both.nodes() if node in made & read and not _is_leaf(node)]
        without = [const(False) if node is following else _missing(node) for node in handed]
        branch = _branch(both, condition, (handed, made), (without, ()), images, told[condition])
        branch = branch.map_subgraphs(finish.run) if following is last else branch
        images.update({node: ops.item(branch, position=i) for i, node in enumerate(handed)})
        known |= made
    quickly, plainly = (fast, {*topological(fast)} - known), (slow, apart - known)
    branch = _branch(both, last, quickly, plainly, images, told[last])
    names = {image: both.names[node] for node, image in images.items() if node in both.names}
    return replace(
        both,
        outputs=tuple((name, ops.item(branch, position=i)) for i, (name, _) in enumerate(plain.outputs)),
        names={**both.names, **names},
    )


def _together(plain: Graph, quick: Graph) -> Graph:
    """Both graphs in one, in which what they have in common is computed once."""
    outputs = plain.outputs + tuple((f"quick {i}", node) for i, (_, node) in enumerate(quick.outputs))
    both = replace(
        plain,
        outputs=outputs,
        names={**quick.names, **plain.names},
        origins={**quick.origins, **plain.origins},
        notes=tuple(dict.fromkeys((*plain.notes, *quick.notes))),
    )
    return Cse().run(both)


def _is_leaf(node: Node) -> bool:
    return not node.args and node.op.name != "argument"


def _missing(node: Node) -> Node:
    return ops.undefined(kind=node.type.kind, shape=node.shape)


def _branch(
    graph: Graph, condition: Node, then: Part, orelse: Part, images: Mapping[Node, Node], note: str
) -> Node:
    """A branch with the results of its sides, into which their nodes move; `images` are results of others."""
    operands = list(dict.fromkeys([*_operands(graph, *then), *_operands(graph, *orelse)]))
    given = [images.get(node, node) for node in (condition, *operands)]
    sides = {"then": _side(graph, operands, *then), "orelse": _side(graph, operands, *orelse)}
    return ops.branch(*given, **sides, note=note)


def _operands(graph: Graph, results: Sequence[Node], own: Collection[Node]) -> list[Node]:
    read = [arg for node in graph.nodes() if node in own for arg in node.args]
    return [n for n in dict.fromkeys([*read, *results]) if n not in own and not _is_leaf(n)]


def _side(graph: Graph, operands: Sequence[Node], results: Sequence[Node], own: Collection[Node]) -> Graph:
    taken: set[str] = set()
    inputs: dict[Node, Node] = {}
    for i, node in enumerate(operands):
        name = graph.names.get(node) or node.get("name") or f"given_{i}"
        name = f"{name}_{i}" if name in taken else name
        taken.add(name)
        inputs[node] = argument(name, node.type)
    image: dict[Node, Node] = dict(inputs)
    for node in graph.nodes():
        if node in own:
            image[node] = node.with_args([image.get(arg, arg) for arg in node.args])
    outputs = tuple((f"y{i}", image.get(node, node)) for i, node in enumerate(results))
    names = {image[node]: name for node, name in graph.names.items() if node in image}
    origins = {image[node]: places for node, places in graph.origins.items() if node in image}
    return Graph(tuple(inputs.values()), outputs, names, origins)
