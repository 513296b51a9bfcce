"""A model is observed at some data: its tape, forward and backward, put together layer by layer.

    observation = observed(program, arguments, sizes)

A layer is an activation, or a value that the model names, on the way of the gradient. What a loop does is one
layer with a value for each step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import pi, sqrt
from typing import Literal

import numpy as np
from autodiffc.compiler import ops
from autodiffc.compiler.ir import Array, Graph, Node
from autodiffc.compiler.model import Program
from autodiffc.compiler.passes.modes import trained
from autodiffc.compiler.passes.pipeline import prepare
from autodiffc.compiler.tape import Gradients, Record, Tape, traced

from .places import Places
from .recurrence import recurrences
from .seen import Broken, Deep, Fed, Layer, Learned, Observation, norm_of
from .thresholds import ROUNDING

STEEPEST = {"sigmoid": 0.25, "tanh": 1.0, "erf": 2.0 / sqrt(pi), "arctan": 1.0, "clip": 1.0, "softmax": 0.25}
RECTIFIERS = frozenset({"relu", "maximum", "minimum", "where"})
OTHERS = frozenset({"leaky_relu", "elu", "selu", "silu", "gelu", "gelu_tanh", "softplus"})
ACTIVATIONS = RECTIFIERS | OTHERS | STEEPEST.keys()
UNSEEN = frozenset({"argument", "item", "set_at", "add_at"})  # lists that loops fill show what is in them
MOVING = frozenset({"", "free", "move", "pick"})


def observed(program: Program, arguments: Mapping[str, Array], sizes: Mapping[str, int]) -> Observation:
    """What there is to see of a model at these arguments; TooLong where it does too much for a tape."""
    graph = prepare(trained(program.graph), 0, {a.name: a.attained for a in program.arguments})
    with np.errstate(all="ignore"):
        observer = _observer(program, graph, arguments, sizes)
        seen, cancelled = observer.observation(), observer.cancelled()
        if not cancelled:
            return seen
        again = _observer(program, graph, _beside(program, arguments), sizes).cancelled()
        marks: Mapping[str, Literal["here", "always"]] = {
            name: "always" if name in again else "here" for name in cancelled
        }
        return replace(seen, params=tuple(replace(p, cancels=marks.get(p.label, "")) for p in seen.params))


def _observer(
    program: Program, graph: Graph, arguments: Mapping[str, Array], sizes: Mapping[str, int]
) -> _Observer:
    tape = traced(graph, arguments, sizes)
    gradients = tape.backward(program.target, program.wrt) if program.target else Gradients(tape)
    return _Observer(program, tape, gradients)


def _beside(program: Program, arguments: Mapping[str, Array]) -> dict[str, Array]:
    """Arguments near these, of the same signs where they are bounded."""
    generator = np.random.default_rng(0)
    found = dict(arguments)
    for a in program.arguments:
        if a.name in program.wrt:
            shift = 0.1 * generator.uniform(-1.0, 1.0, found[a.name].shape)
            found[a.name] = found[a.name] * (1.0 + shift) + (0.0 if a.bounds else shift)
    return found


@dataclass(eq=False)
class _Observer:
    program: Program
    tape: Tape
    gradients: Gradients

    def __post_init__(self) -> None:
        self.places = Places(self.program)
        self.records = self.tape.records
        self.given = {node["name"]: self.tape.found[node] for node in self.tape.graph.inputs}
        self.learned = self._reached(self.program.wrt)
        self.data = self._reached([a.name for a in self.program.inputs if a.name not in self.program.wrt])
        self.active = self.learned | self.data

    def observation(self) -> Observation:
        program, value = self.program, self._target
        return Observation(
            program.name,
            program.source.name,
            {name: self.tape.sizes[name] for name in program.dims if name in self.tape.sizes},
            program.target,
            float(value) if value is not None and not value.ndim else None,
            layers=tuple(self._layers()),
            params=tuple(self._params()),
            feds=tuple(self._feds()),
            depths=tuple(self._depths()),
            recurrences=tuple(recurrences(self.tape, self.gradients, self.places, self.active)),
            broken=tuple(self._broken()),
        )

    @property
    def _target(self) -> Array | None:
        if self.program.target is None:
            return None
        return self.records[self.tape.found[self.tape.graph.output(self.program.target)]].value

    def _reached(self, names: Sequence[str]) -> frozenset[int]:
        """The records that depend on these arguments."""
        found = {self.given[name] for name in names}
        for record in self.records:
            if not found.isdisjoint(record.operands):
                found.add(record.number)
        return frozenset(found)

    @cached_property
    def _groups(self) -> dict[Node, list[Record]]:
        """The records of each node: one, or one for each step."""
        groups: dict[Node, list[Record]] = {}
        for record in self.records:
            groups.setdefault(record.node, []).append(record)
        return groups

    # --- layers ------------------------------------------------------------------------------------

    def _layers(self) -> Iterator[Layer]:
        for node, records in self._groups.items():
            if self._is_layer(node, records):
                yield self._layer(node, records)

    def _is_layer(self, node: Node, records: Sequence[Record]) -> bool:
        first = records[0]
        if node.op.name in UNSEEN or first.value.dtype.kind != "f" or not self._passed(records):
            return False
        if self._activates(records[-1]):
            return True
        named = bool(self.places.name(first)) and first.number in self.active
        return named and (node.rank > 0 or bool(first.place))

    def _passed(self, records: Sequence[Record]) -> bool:
        """Whether the gradient comes by; where there is none, all values are of interest."""
        return self.program.target is None or any(self.gradients.of(r.number) is not None for r in records)

    def _activates(self, record: Record) -> bool:
        return record.node.op.name in ACTIVATIONS and self._operand(record) is not None

    def _operand(self, record: Record) -> int | None:
        """The operand of an activation: the only real one that is not a constant.

        A choice (`where(z > 0, z, 0)`) is an activation if it depends on what is learned: a mask isn't.
        """
        operands = [self.records[number] for number in record.operands]
        found = [r for r in operands if r.value.dtype.kind == "f" and r.number in self.active]
        if len(found) != 1 or found[0].value.shape != record.value.shape:
            return None
        masked = record.node.op.name == "where" and record.operands[0] not in self.learned
        return None if masked else found[0].number

    def _layer(self, node: Node, records: Sequence[Record]) -> Layer:
        name, slopes = node.op.name, []
        if self._activates(records[-1]):  # in the first steps it may be a constant
            records = [record for record in records if self._activates(record)]
            slopes = [self._slope(record) for record in records]
        return Layer(
            self.places.label(records[0]),
            self.places.line(records[0]),
            name,
            self.places.unit(node),
            [record.value for record in records],
            [self._gradient(record) for record in records] if self.program.target else [],
            slopes,
            squashes=bool(slopes) and name in STEEPEST,
            rectifies=bool(slopes) and name in RECTIFIERS,
            looped=bool(records[0].place),
        )

    def _gradient(self, record: Record) -> Array:
        found = self.gradients.of(record.number)
        return np.zeros_like(record.value) if found is None else found

    def _slope(self, record: Record) -> Array:
        """The activation's slope, relative to the steepest; of a softmax, the steepest in the row."""
        steepest = STEEPEST.get(record.node.op.name, 1.0)
        if record.node.op is ops.softmax:
            own = record.value * (1.0 - record.value) / steepest
            return np.broadcast_to(own.max(axis=record.node["axis"], keepdims=True, initial=0.0), own.shape)
        operand = self._operand(record)
        assert operand is not None
        seeds = {record.number: np.ones_like(record.value)}
        among = range(record.number, record.number + 1)
        found = self.tape.pulled(seeds, among, {record.number, operand}).of(operand)
        return np.zeros_like(record.value) if found is None else np.abs(found) / steepest

    # --- params and data ---------------------------------------------------------------------------

    def _params(self) -> Iterator[Learned]:
        for name in self.program.wrt:
            record = self.records[self.given[name]]
            gradient = self.gradients.of(record.number)
            factor = record.number in self._factors
            yield Learned(name, self.places.line(record), record.value, gradient, factor=factor)

    @cached_property
    def _factors(self) -> frozenset[int]:
        """What something is multiplied by."""
        products = (r for r in self.records if r.node.op.work == "product" or r.node.op is ops.mul)
        return frozenset(number for record in products for number in record.operands)

    def cancelled(self) -> frozenset[str]:
        """The terms whose gradients are what rounding leaves of those of the sums that they are in."""
        return frozenset(name for name in self.program.wrt if self._cancels(self.given[name]))

    def _cancels(self, number: int) -> bool:
        gradient = self.gradients.of(number)
        sums = [self.records[part[0]] for part, _ in self.gradients.parts(number) if part is not None]
        if gradient is None or any(record.node.op not in (ops.add, ops.sub) for record in sums):
            return False
        return norm_of([gradient]) < ROUNDING * norm_of([self._gradient(record) for record in sums])

    def _products(self) -> Iterator[tuple[Record, int]]:
        """The products of weights and something else, with the number of that."""
        for record in self.records:
            if record.node.op.work == "product" and record.value.ndim and self._passed([record]):
                for number, other in _pairs(record.operands):
                    if other in self.learned and other not in self.data:
                        yield record, number
                        break

    def _feds(self) -> Iterator[Fed]:
        found: dict[int, Record] = {}
        for _, number in self._products():
            if number not in self.learned:
                source = self._moved(self.records[number])
                found.setdefault(source.number, source)
        for record in found.values():
            unit, value = self.places.unit(record.node), record.value
            if value.size and value.ndim > (unit is not None):
                rows = value.reshape(1, -1) if unit is None else np.moveaxis(value, unit, 0)
                reals = rows.reshape(len(rows), -1).astype(np.float64)
                yield Fed(self.places.label(record), self.places.line(record), reals)

    def _moved(self, record: Record) -> Record:
        """What has only been moved to become this."""
        while record.operands and not self.places.name(record) and _moves(record.node):
            record = self.records[record.operands[0]]
        return record

    def _depths(self) -> Iterator[Deep]:
        """Products with weights by the number of such below them; a loop is no deeper than what enters it."""
        products = {record.number for record, _ in self._products() if not record.place}
        depth = np.zeros(len(self.records), np.int64)
        layers: dict[int, list[Record]] = {}
        for record in self.records:
            below = max((int(depth[k]) for k in record.operands), default=0)
            depth[record.number] = below + (record.number in products)
            if record.number in products:
                layers.setdefault(below + 1, []).append(record)
        for level, records in sorted(layers.items()):
            norm = norm_of([self._gradient(record) for record in records])
            yield Deep(level, self.places.label(records[0]), self.places.line(records[0]), norm)

    # --- what is not finite ------------------------------------------------------------------------

    def _broken(self) -> Iterator[Broken]:
        """The first value and the first gradient that are not finite, if the loss or a gradient isn't."""
        ends = [self._target, *(self.gradients.of(number) for number in self.given.values())]
        if all(end is None or np.isfinite(end).all() for end in ends):
            return
        for record in self.records:
            if _spoilt(record.value) and all(not _spoilt(self.records[k].value) for k in record.operands):
                yield self._where("value", record, record.value)
                return
        for record in reversed(self.records):
            found = self.gradients.of(record.number)
            if found is not None and _spoilt(found):
                yield self._where("gradient", record, found)
                return

    def _where(self, what: str, record: Record, array: Array) -> Broken:
        kind = "NaN" if np.isnan(array).any() else "infinite"
        step = record.place[-1].step if record.place else None
        given = what == "value" and record.number in self.given.values()
        return Broken(what, self.places.label(record), self.places.line(record), kind, step, given)


def _moves(node: Node) -> bool:
    return node.op is ops.to_real or (node.op.work in MOVING and not node.op.elementwise)


def _spoilt(array: Array) -> bool:
    return array.dtype.kind == "f" and not bool(np.isfinite(array).all())


def _pairs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    for k, number in enumerate(numbers):
        for other in (*numbers[:k], *numbers[k + 1 :]):
            yield number, other
