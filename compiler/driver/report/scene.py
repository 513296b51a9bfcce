"""The values of a graph as a reader sees them: those in loops and branches once, for all steps.

    h = tanh(h + x[t] @ w)   in a loop     ->    h (from the step before), x[t], the product, the sum, h

A body's arguments stand for what the loop is given, so that lines of the picture lead straight into it.
Only what changes from step to step gets values of its own: the number of the step, what is carried in,
and outside what the last step leaves. A branch's result is a choice between two.

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import REAL
>>> x = ops.argument("x", REAL)
>>> scene = scene_of(Graph((x,), (("f", ops.exp(x) * x),)))
>>> [(value.kind, value.node.op.name, value.operands) for value in scene.values]
[('argument', 'argument', ()), ('value', 'exp', (0,)), ('value', 'mul', (1, 0))]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Literal

from autodiffc.compiler import ops
from autodiffc.compiler.ir import Graph, Node, Origin
from autodiffc.compiler.tape import Place
from autodiffc.compiler.types import TUPLE
from autodiffc.grammar.records import record

LOOP = -1
Kind = Literal["argument", "constant", "value", "step", "carried", "last", "choice", "stack", "count"]
Path = tuple[tuple[Node, int], ...]  # the loops around, with LOOP, and branches, with the side
Steps = tuple[int, ...]  # one for each loop of a path


@record(frozen=True, eq=False)
class Value:
    """A value: its node, the graph that holds it, and the numbers of the values that it is made of.

    carried  what a step begins with; made of what the loop begins with, `body` is what the step before left
    last     what is carried, after the last step; `body` is what the loop begins with
    stack    what all steps give, one after the other
    choice   of a branch: made of the condition and of the values of both sides
    """

    number: int
    kind: Kind
    node: Node
    graph: Graph
    path: Path
    operands: tuple[int, ...]
    around: tuple[Graph, ...]  # the graphs that hold the loops and branches of the path
    name: str = ""
    body: int = -1

    @property
    def is_alias(self) -> bool:
        """Whether it stands for another value, and is none of its own on a tape."""
        return self.kind in ("carried", "last", "choice")

    @property
    def depth(self) -> int:
        """The number of loops around it."""
        return sum(side == LOOP for _, side in self.path)

    @property
    def origins(self) -> tuple[Origin, ...]:
        return self.graph.origins.get(self.node, ())


@dataclass(eq=False)
class Scene:
    """All values, operands first; `outputs` are the numbers of the graph's outputs.

    `places` finds the value of a record: by its node and path, a loop's own by (loop, position).
    """

    graph: Graph
    values: list[Value] = field(default_factory=list)
    outputs: dict[str, int] = field(default_factory=dict)
    places: dict[tuple[Path, Node, int], int] = field(default_factory=dict)

    def users(self) -> dict[int, list[tuple[int, int]]]:
        """For each value those that are made of it, with the position."""
        found: dict[int, list[tuple[int, int]]] = {v.number: [] for v in self.values}
        for value in self.values:
            for k, operand in enumerate(value.operands):
                found[operand].append((value.number, k))
        return found


def scene_of(graph: Graph) -> Scene:
    """The scene of a graph that a tape can be made of."""
    scene = Scene(graph)
    walk = _Walk(scene)
    given = {node: walk.add("argument", node, graph, (), ()) for node in graph.inputs}
    found = walk.through(graph, given, ())
    scene.outputs.update((name, found[node]) for name, node in graph.outputs)
    _name_all(scene)
    return scene


def _name_all(scene: Scene) -> None:
    """Values that have no name are v1, v2, …"""
    taken = {value.name for value in scene.values}
    fresh = (name for name in (f"v{k}" for k in count(1)) if name not in taken)
    for value in scene.values:
        if not value.name and value.kind != "constant":
            scene.values[value.number] = replace(value, name=next(fresh))


def path_of(place: Place) -> Path:
    """The path of a record."""
    return tuple((where.node, LOOP if where.node.op is ops.loop else where.step) for where in place)


def steps_of(place: Place) -> Steps:
    """The steps of the loops that a record stands in."""
    return tuple(where.step for where in place if where.node.op is ops.loop)


@record(frozen=True)
class _Result:
    """A result of a loop or a branch, which becomes a value where it is used."""

    kind: Kind
    node: Node
    position: int
    operands: tuple[int, ...]
    name: str
    start: int = -1


class _Walk:
    """Goes through a graph as the tape does. Bodies nest as deep as the model's text does, not deeper."""

    def __init__(self, scene: Scene):
        self.scene = scene
        self.around: list[Graph] = []  # the graphs that we are in, but for the innermost

    def add(self, kind: Kind, node: Node, graph: Graph, path: Path, operands: tuple[int, ...],
            name: str = "", position: int = 0, body: int = -1) -> int:  # fmt: skip
        number = len(self.scene.values)
        name = name or (str(node["name"]) if node.op.name == "argument" else graph.names.get(node, ""))
        value = Value(number, kind, node, graph, path, operands, tuple(self.around), name, body)
        self.scene.values.append(value)
        self.scene.places[path, node, position] = number
        return number

    def through(self, graph: Graph, given: Mapping[Node, int], path: Path) -> dict[Node, int]:
        """Add what the outputs need; the value of each node."""
        found = dict(given)
        results: dict[Node, list[_Result]] = {}
        for node in graph.nodes():
            if node in found:
                continue
            if node.op in (ops.loop, ops.branch):
                enter = self._loop if node.op is ops.loop else self._branch
                self.around.append(graph)
                results[node] = enter(node, [found[a] for a in node.args], path)
                self.around.pop()
            elif node.op is ops.item:
                found[node] = self._result(results[node.args[0]][node["position"]], node, graph, path)
            elif node.type.kind != TUPLE:
                kind: Kind = "value" if node.args else "constant"
                found[node] = self.add(kind, node, graph, path, tuple(found[a] for a in node.args))
        return found

    def _result(self, result: _Result, node: Node, graph: Graph, path: Path) -> int:
        name = graph.names.get(node, "") or result.name
        if result.kind in ("stack", "count"):
            where = result.node
            number = self.add(result.kind, node, graph, path, result.operands, name)
            self.scene.places[path, where, result.position] = number
            return number
        return self.add(result.kind, node, graph, path, result.operands, name, body=result.start)

    def _loop(self, node: Node, args: list[int], path: Path) -> list[_Result]:
        body: Graph = node["body"]
        carried: int = node["carried"]
        inside = (*path, (node, LOOP))
        given = {body.inputs[0]: self.add("step", body.inputs[0], body, inside, ())}
        for k, (own, outer) in enumerate(zip(body.inputs[1:], args[1:])):
            given[own] = self.add("carried", own, body, inside, (outer,)) if k < carried else outer
        found = self.through(body, given, inside)
        outs = [found[out] for _, out in body.outputs]
        values = self.scene.values
        for own, out in zip(body.inputs[1 : 1 + carried], outs):
            start = values[given[own]]
            name = start.name or values[out].name
            values[start.number] = replace(start, name=name, body=out)
        last = [
            _Result("last", node, k, (out,), values[given[own]].name, args[1 + k])
            for k, (own, out) in enumerate(zip(body.inputs[1:], outs[:carried]))
        ]
        stacks = [
            _Result("stack", node, k, (out,), "") for k, out in enumerate(outs[carried:], start=carried)
        ]
        return [*last, *stacks, _Result("count", node, len(outs), (), "steps")]

    def _branch(self, node: Node, args: list[int], path: Path) -> list[_Result]:
        outs = []
        for side, name in ((1, "then"), (0, "orelse")):
            body: Graph = node[name]
            given = dict(zip(body.inputs, args[1:]))
            found = self.through(body, given, (*path, (node, side)))
            outs.append([found[out] for _, out in body.outputs])
        return [_Result("choice", node, k, (args[0], yes, no), "") for k, (yes, no) in enumerate(zip(*outs))]
