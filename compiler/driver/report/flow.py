"""Values and gradients of a scene at each step, from a tape: what flows forward and back along its lines.

    flow = Flow(scene, tape, tape.backward("L", ("w",)), "L")
    flow.value(7, (2,)), flow.gradient(7, (2,))          value 7 in the third step of its loop
    flow.handed(9, 0, (2,))                              what value 9 hands to its first operand there

What only stands for another value (what a step begins with, a branch's result) has that value, and of its
gradient the part that comes this way.
"""

from __future__ import annotations

from collections.abc import Iterator

from autodiffc.compiler import ops
from autodiffc.compiler.ir import Array, Node
from autodiffc.compiler.tape import Gradients, Record, Tape

from .scene import Path, Scene, Steps, Value, path_of, steps_of

At = tuple[int, Steps]  # a value at steps
Line = tuple[int, int, Steps]  # from a value, at steps, to its operand of a position


class Flow:
    """A scene's numbers.

    counts   for each loop, and the steps of the loops around it, how many steps it took
    records  the record of a value at steps
    """

    def __init__(self, scene: Scene, tape: Tape, gradients: Gradients, target: str = ""):
        self.scene, self.tape, self.gradients = scene, tape, gradients
        self.counts: dict[tuple[Path, Node, Steps], int] = {}
        self.records: dict[At, int] = {}
        self.owners: dict[int, At] = {}  # the value at steps of each record
        for place in tape.steps:
            path, steps = path_of(place), steps_of(place)
            key = path[:-1], path[-1][0], steps[:-1]
            self.counts[key] = max(self.counts.get(key, 0), steps[-1] + 1)
        for record in tape.records:
            self._enter(record)
        self._handed: dict[Line, Array] = {}
        self._through: dict[At, Array] = {}  # the gradients of what stands for another value
        self._begin(target)
        self._share()

    def _enter(self, record: Record) -> None:
        path, steps = path_of(record.place), steps_of(record.place)
        where, position = record.node, 0
        if where.op is ops.loop:
            position = len(where["body"].outputs)
        elif where.op is ops.item:
            where, position = where.args[0], where["position"]
        number = self.scene.places.get((path, where, position))
        if number is not None:
            self.records[number, steps] = record.number
            self.owners[record.number] = number, steps

    # --- values ----------------------------------------------------------------------------------------

    def source(self, value: Value, steps: Steps) -> At | None:
        """What an alias stands for at these steps; None where nothing has come to be."""
        if value.kind == "carried":
            return self._before(value, steps)
        if value.kind == "last":
            (out,) = value.operands
            loop, path = value.node.args[0], value.path
            count = self.counts.get((path, loop, steps), 0)
            if count:
                return out, (*steps, 0 if loop.get("reverse") else count - 1)
            return value.body, self._cut(value.body, steps)
        condition, yes, no = value.operands
        taken = self.value(condition, steps)
        return None if taken is None else (yes if bool(taken) else no, self._cut(yes if taken else no, steps))

    def _before(self, value: Value, steps: Steps) -> At | None:
        (loop, _), outer = value.path[-1], value.path[:-1]
        count = self.counts.get((outer, loop, steps[:-1]), 0)
        reverse = bool(loop.get("reverse"))
        first = count - 1 if reverse else 0
        if steps[-1] == first:
            (start,) = value.operands
            return start, self._cut(start, steps)
        return value.body, self._cut(value.body, (*steps[:-1], steps[-1] + (1 if reverse else -1)))

    def _cut(self, number: int, steps: Steps) -> Steps:
        return steps[: self.scene.values[number].depth]

    def record(self, number: int, steps: Steps) -> int | None:
        """The record that a value is at these steps; None for what hasn't been computed."""
        at: At | None = (number, steps)
        while at is not None:
            if not self.scene.values[at[0]].is_alias:
                return self.records.get(at)
            at = self.source(self.scene.values[at[0]], at[1])
        return None

    def value(self, number: int, steps: Steps) -> Array | None:
        found = self.record(number, steps)
        return None if found is None else self.tape.records[found].value

    # --- gradients -------------------------------------------------------------------------------------

    def gradient(self, number: int, steps: Steps) -> Array | None:
        """The gradient of a value; of an alias what comes through it."""
        if self.scene.values[number].is_alias:
            return self._through.get((number, steps))
        found = self.records.get((number, steps))
        return None if found is None else self.gradients.of(found)

    def handed(self, number: int, position: int, steps: Steps) -> Array | None:
        """What a value hands to an operand; of a stack's rows the one of the last of these steps."""
        return self._handed.get((number, position, steps))

    def _begin(self, target: str) -> None:
        """The target's own derivative, if it only stands for another value."""
        number = self.scene.outputs.get(target)
        found = None if number is None else self.record(number, ())
        if number is not None and found is not None and self.scene.values[number].is_alias:
            for source, part in self.gradients.parts(found):
                if source is None:
                    self._through[number, ()] = part

    def _share(self) -> None:
        """Each part of a gradient on its way: from a value to its operand, through what stands for others."""
        for record in self.tape.records:
            for source, part in self.gradients.parts(record.number):
                if source is not None and source[0] in self.owners:
                    self._hand(*self.owners[source[0]], source[1], part)
        waiting = dict.fromkeys(self._chains(), 0)
        for at in list(waiting):
            following = self._next(at)
            if following in waiting:
                waiting[following] += 1
        ready = [at for at, count in waiting.items() if not count]
        while ready:
            at = ready.pop()
            following = self._next(at)
            if following is None:
                continue  # what no step has computed
            total = self._through[at]
            self._line(at, following, total)
            if following in waiting:
                held = self._through.get(following)
                self._through[following] = total if held is None else held + total
                waiting[following] -= 1
                if not waiting[following]:
                    ready.append(following)

    def _hand(self, number: int, steps: Steps, position: int, part: Array) -> None:
        """A part that the tape knows: to a record, or to an alias of it."""
        value = self.scene.values[number]
        at = (*steps, position) if value.kind == "stack" else steps
        place = 0 if value.kind == "stack" else position
        self._handed[number, place, at] = part
        operand = self.scene.values[value.operands[place]]
        if operand.is_alias:
            key = operand.number, at[: operand.depth]
            held = self._through.get(key)
            self._through[key] = part if held is None else held + part

    def _next(self, at: At) -> At | None:
        return self.source(self.scene.values[at[0]], at[1])

    def _chains(self) -> Iterator[At]:
        """All aliases that gradients go through, each once."""
        seen: set[At] = set()
        for start in list(self._through):
            at: At | None = start
            while at is not None and at not in seen and self.scene.values[at[0]].is_alias:
                seen.add(at)
                yield at
                at = self._next(at)

    def _line(self, at: At, following: At, total: Array) -> None:
        value = self.scene.values[at[0]]
        if following[0] in value.operands:
            place = value.operands.index(following[0], 1 if value.kind == "choice" else 0)
            self._handed[at[0], place, at[1]] = total
