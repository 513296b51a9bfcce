"""A tape: every value of a model at one point, and every gradient, op by op and step by step.

The compiled adjoint is a graph that has been simplified; a tape shows the differentiation as it is taught.
What a loop does in a step, and what the side of a branch does that was taken, stands on it like anything
else, so backward each record hands its operands upstream × local, and at a fork these add up:

>>> from autodiffc.compiler import ops
>>> from autodiffc.compiler.types import REAL
>>> x = ops.argument("x", REAL)
>>> tape = traced(Graph((x,), (("f", x * x),)), {"x": np.array(3.0)}, {})
>>> gradients = tape.backward("f", ("x",))
>>> [float(part) for _, part in gradients.parts(0)], float(gradients.of(0))
([3.0, 3.0], 6.0)

The method is Wengert's list (R. E. Wengert, "A simple automatic derivative evaluation program", 1964), the
local derivatives are the VJP rules of the ops. A cotangent of 0 counts as "not used" in elementwise ops: it
meets no infinite slope.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import ops
from .interp import apply, evaluate
from .ir import Array, Graph, Node, NonDiff, topological
from .ops.own import govern_rule, governed, own_adjoint
from .types import TUPLE

LONGEST = 200_000  # records
Place = tuple["Where", ...]


class TooLong(ValueError):
    """More happens than a tape holds; the message says so."""


@dataclass(frozen=True)
class Where:
    """A loop's step (from 0 on), or the side of a branch that was taken: 1 for `if`, 0 for `else`."""

    node: Node
    step: int


@dataclass(frozen=True, eq=False)
class Record:
    """A value and what it was made of: `operands` are the numbers of other records, `graph` holds the node.

    An argument has no operands; the rows that a loop stacks are the operands of its `item`.
    """

    number: int
    node: Node
    graph: Graph
    place: Place
    operands: tuple[int, ...]
    value: Array

    @property
    def name(self) -> str:
        """The model's name of the value; empty where it has none."""
        node = self.node
        return str(node["name"]) if node.op.name == "argument" else self.graph.names.get(node, "")


@dataclass(frozen=True)
class Step:
    """A step of a loop: where its records begin and end, the numbers of what it carries, before and after."""

    records: range
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(eq=False)
class Tape:
    """The records in order; `found` gives the record of a node of the whole graph."""

    graph: Graph
    sizes: dict[str, int]
    records: list[Record] = field(default_factory=list)
    found: dict[Node, int] = field(default_factory=dict)
    names: dict[int, list[str]] = field(default_factory=dict)  # further ones: a loop's last value, say
    steps: dict[Place, Step] = field(default_factory=dict)  # of loops, in the order in which they are done

    def values(self) -> dict[Node, Array]:
        """The values of the whole graph's own nodes, without those in loops and branches."""
        return {node: self.records[number].value for node, number in self.found.items()}

    def backward(self, target: str, wrt: Iterable[str], seed: Array | None = None) -> Gradients:
        """The gradients of an output (of its sum, if it is an array and there is no seed)."""
        last = self.found[self.graph.output(target)]
        value = self.records[last].value
        whole = np.ones_like(value) if seed is None else np.broadcast_to(seed, value.shape)
        return self.pulled({last: whole}, range(last + 1), self._active(frozenset(wrt)))

    def pulled(self, seeds: Mapping[int, Array], among: range, active: Container[int]) -> Gradients:
        """What reaches the active ones of these cotangents, through the records of a range."""
        gradients = Gradients(self)
        for number, seed in seeds.items():
            gradients.add(number, None, seed)
        for record in reversed(self.records[among.start : among.stop]):
            total = gradients.of(record.number)
            if total is not None and record.number in active:
                for k, part in enumerate(self._handed_on(record, total)):
                    if part is not None and record.operands[k] in active:
                        gradients.add(record.operands[k], (record.number, k), part)
        return gradients

    def _active(self, wrt: frozenset[str]) -> set[int]:
        """The real values that depend on a wrt argument."""
        found: set[int] = set()
        for record in self.records:
            own = record.node.op.name == "argument" and not record.place and record.node["name"] in wrt
            if own or (record.value.dtype.kind == "f" and not found.isdisjoint(record.operands)):
                found.add(record.number)
        return found

    def _handed_on(self, record: Record, cotangent: Array) -> Sequence[Array | None]:
        """What a record gives each operand: upstream times local."""
        if record.node.op is ops.item:
            values = [self.records[o].value for o in record.operands]
            return [cotangent[_row(step, value)] for step, value in enumerate(values)]
        operands = [self.records[o].value for o in record.operands]
        found = pulled_back(record.node, cotangent, record.value, operands, self.sizes)
        with np.errstate(all="ignore"):
            return [None if part is None else _summed(part, x.shape) for part, x in zip(found, operands)]


@dataclass(eq=False)
class Gradients:
    """The cotangent of each record, and the parts that it is the sum of."""

    tape: Tape
    _totals: dict[int, Array] = field(default_factory=dict)
    _parts: dict[int, list[tuple[tuple[int, int] | None, Array]]] = field(default_factory=dict)

    def of(self, number: int) -> Array | None:
        """The whole gradient of a record; None where the target doesn't depend on it."""
        return self._totals.get(number)

    def parts(self, number: int) -> Sequence[tuple[tuple[int, int] | None, Array]]:
        """What the gradient adds up of: the record that handed it on with the position there, and how much.

        The target's own part, its seed, comes from None.
        """
        return self._parts.get(number, ())

    def add(self, number: int, source: tuple[int, int] | None, part: Array) -> None:
        with np.errstate(all="ignore"):
            self._totals[number] = self._totals[number] + part if number in self._totals else part
        self._parts.setdefault(number, []).append((source, part))


def traced(
    graph: Graph, arguments: Mapping[str, Array], sizes: Mapping[str, int], longest: int = LONGEST
) -> Tape:
    """The tape of a graph at a point; TooLong where it would have more than `longest` records."""
    tape = Tape(graph, dict(sizes))
    run = _Run(tape, longest)
    given = {node: run.record(graph, node, (), (), arguments[node["name"]]) for node in graph.inputs}
    tape.found = run.through(graph, given, ())
    return tape


Numbers = dict[Node, int]


class _Run:
    """Evaluates graphs and bodies onto a tape. Bodies nest as deep as the model's text does, not deeper."""

    def __init__(self, tape: Tape, longest: int):
        self.tape = tape
        self.longest = longest
        self.whole: dict[int, Sequence[int]] = {}

    def record(self, graph: Graph, node: Node, place: Place, operands: Sequence[int], value: object) -> int:
        records = self.tape.records
        if len(records) >= self.longest:
            raise TooLong(f"the model takes more than {self.longest:,} operations at these sizes")
        array = np.asarray(value)
        records.append(Record(len(records), node, graph, place, tuple(operands), array))
        return len(records) - 1

    def through(self, graph: Graph, given: Mapping[Node, int], place: Place) -> Numbers:
        """Record what the outputs need; the record of each node, of each result of a loop or a branch."""
        found: Numbers = dict(given)
        results: dict[Node, Sequence[int]] = {}
        for node in graph.nodes():
            if node in found:
                self._name(found[node], graph, node)
            elif node.op in (ops.loop, ops.branch):
                enter = self._loop if node.op is ops.loop else self._branch
                results[node] = enter(graph, node, [found[a] for a in node.args], place)
            elif node.op is ops.item:
                found[node] = results[node.args[0]][node["position"]]
                self._name(found[node], graph, node)
            elif node.type.kind != TUPLE:
                numbers = [found[a] for a in node.args]
                value = apply(node, [self._value(n) for n in numbers], self.tape.sizes)
                found[node] = self.record(graph, node, place, numbers, value)
        return found

    def _loop(self, graph: Graph, node: Node, args: Sequence[int], place: Place) -> Sequence[int]:
        body: Graph = node["body"]
        carried: int = node["carried"]
        count = int(self._value(args[0]))
        state, given = list(args[1 : 1 + carried]), list(args[1 + carried :])
        rows: list[Sequence[int]] = []
        while len(rows) < count:
            step = count - 1 - len(rows) if node.get("reverse") else len(rows)
            inside = (*place, Where(node, step))
            number = self.record(body, body.inputs[0], inside, (), step)
            inputs = [number, *state, *given]
            if not self._goes_on(node.get("condition"), inputs):
                break
            found = self.through(body, dict(zip(body.inputs, inputs)), inside)
            results = [found[output] for _, output in body.outputs]
            among = range(number, len(self.tape.records))
            self.tape.steps[inside] = Step(among, tuple(state), tuple(results[:carried]))
            state = results[:carried]
            rows.append(results[carried:])
        rows = rows[::-1] if node.get("reverse") else rows
        steps = self.record(graph, node, place, (), len(rows))
        self._learn(node["length"], len(rows))
        stacks = [self._stacked(graph, node, carried + k, [row[k] for row in rows], place)
                  for k in range(len(body.outputs) - carried)]  # fmt: skip
        return [*state, *stacks, steps]

    def _goes_on(self, condition: Graph | None, inputs: Sequence[int]) -> bool:
        if condition is None:
            return True
        given = {node["name"]: self._value(n) for node, n in zip(condition.inputs, inputs)}
        (result,) = evaluate(condition, given, self.tape.sizes).values()
        return bool(result)

    def _learn(self, length: object, steps: int) -> None:
        """A dim that only the loop knows has a size now."""
        for name in getattr(length, "symbols", ()):
            if name not in self.tape.sizes or name.startswith("_"):
                self.tape.sizes[name] = steps

    def _stacked(self, graph: Graph, node: Node, position: int, rows: Sequence[int], place: Place) -> int:
        values = [self._value(row) for row in rows]
        type_ = node.type.items[position]
        shape = tuple(map(max, zip(*(v.shape for v in values)))) if values else ()
        if not values:
            shape = tuple(d.evaluate(self.tape.sizes) for d in type_.shape[1:])
        dtype = {"real": np.float64, "int": np.int64, "bool": np.bool_}[type_.kind]
        stack = np.zeros((len(values), *shape), dtype)
        for step, value in enumerate(values):
            stack[_row(step, value)] = value
        return self.record(graph, ops.item(node, position=position), place, rows, stack)

    def _branch(self, graph: Graph, node: Node, args: Sequence[int], place: Place) -> Sequence[int]:
        taken = bool(self._value(args[0]))
        side: Graph = node["then" if taken else "orelse"]
        found = self.through(side, dict(zip(side.inputs, args[1:])), (*place, Where(node, int(taken))))
        return [found[output] for _, output in side.outputs]

    def _value(self, number: int) -> Array:
        return self.tape.records[number].value

    def _name(self, number: int, graph: Graph, node: Node) -> None:
        name = graph.names.get(node, "")
        names = self.tape.names.setdefault(number, [])
        if name and name not in names and name != self.tape.records[number].name:
            names.append(name)


def _row(step: int, value: Array) -> tuple[Any, ...]:
    """Where the value of a step stands in a stack, whose rows may be longer than this one."""
    return (step, *map(slice, value.shape))


def pulled_back(
    node: Node, cotangent: Array, value: Array, operands: Sequence[Array], sizes: Mapping[str, int]
) -> Sequence[Array | None]:
    """A node's VJP at its values, by its op's rule; in the shape of the result where it broadcasts."""
    if isinstance(node.op.vjp, NonDiff) or node.op is own_adjoint:
        return [None] * len(operands)
    g = ops.argument("cotangent", node.type)
    rule = govern_rule(node, g) if node.op is governed else node.op.vjp(g, node, *node.args)
    leaves = {node: value, **dict(zip(node.args, operands)), g: cotangent}
    roots = [part for part in rule if part is not None]
    for made in topological(roots, beyond=leaves.keys()):
        leaves[made] = apply(made, [leaves[a] for a in made.args], sizes)
    parts = [None if part is None else leaves[part] for part in rule]
    return [_unused(node, cotangent, part) for part in parts]


def _unused(node: Node, cotangent: Array, part: Array | None) -> Array | None:
    if part is None or not node.op.elementwise or np.isfinite(part).all():
        return part
    return np.where(np.broadcast_to(cotangent == 0.0, part.shape), 0.0, part)


def _summed(part: Array, shape: tuple[int, ...]) -> Array:
    """Summed back to the shape of what was broadcast."""
    if part.shape == shape:
        return part
    leading = tuple(range(part.ndim - len(shape)))
    summed = part.sum(axis=leading) if leading else part
    stretched = tuple(i for i, (a, b) in enumerate(zip(summed.shape, shape)) if b == 1 and a != 1)
    summed = summed.sum(axis=stretched, keepdims=True) if stretched else summed
    return np.broadcast_to(summed, shape)
