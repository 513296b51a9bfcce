"""The picture as data: boxes, values, their numbers at each step; what the page's script draws.

    {"values": [{"name": "h", "op": "tanh", "operands": [3], "at": {"0": {"value": "0.76", …}}, …}], …}

Texts are ready to be shown. Formulas are MathML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from autodiffc.compiler import ops
from autodiffc.compiler.ir import Array, Literal, Node
from autodiffc.compiler.ops.own import own_adjoint
from autodiffc.grammar.source import Source

from .flow import Flow
from .folds import Fold, Lines, folded
from .numbers import brief, full
from .rules import Rules, slopes
from .scene import LOOP, Scene, Steps, Value

OPEN = 30  # boxes that are drawn at first
MANY, ENDS = 6_000, 8  # values at steps; beyond so many, the first and last steps of each loop alone
PARTS = 12  # of a gradient that are listed
SHORT = 16  # characters of what picks elements
WIDE = 40  # characters of an expression in a box
SIGNS = {
    "add": "+", "sub": "−", "mul": "×", "div": "÷", "matmul": "@", "neg": "−", "power": "**",
    "greater": ">", "less": "<", "greater_equal": "≥", "less_equal": "≤", "equal": "=", "not_equal": "≠",
    "maximum": "max", "minimum": "min", "gather": "[ ]", "getitem": "[ ]", "broadcast_to": "spread",
    "square": "**2", "governed": "own adjoint",
}  # fmt: skip
BEGINNING = "the beginning"
Data = dict[str, Any]


class Picture:
    """A scene with its boxes and its numbers."""

    def __init__(self, scene: Scene, flow: Flow | None, target: str | None, source: Source):
        self.scene, self.flow, self.target = scene, flow, target
        self.lines = Lines(source)
        self.source = source
        self.shown = self._shown()
        self.root = folded(scene, self.shown, self.lines)
        self.loops = self._loops()
        taken = {value.name for value in scene.values}
        natural = frozenset(value.name for value in scene.values if value.kind in ("step", "count"))
        self.rules = Rules(target, taken, natural) if target else None

    def _shown(self) -> set[int]:
        """What outputs are made of, in this step or the next; not what counts steps or joins gradients."""
        found = set(self.scene.outputs.values())
        waiting = list(found)
        while waiting:
            value = self.scene.values[waiting.pop()]
            needed = {*value.operands, *([value.body] if value.kind == "carried" else [])} - found
            found |= needed
            waiting.extend(needed)
        return {number for number in found if self.scene.values[number].node.op is not own_adjoint}

    def _loops(self) -> list[Fold]:
        found, waiting = [], [self.root]
        while waiting:
            fold = waiting.pop()
            found += [fold] if fold.loop else []
            waiting.extend(member for member in fold.members if isinstance(member, Fold))
        return found

    # --- as data ---------------------------------------------------------------------------------------

    def data(self) -> Data:
        boxes, parents = self._boxes()
        numbers = self._numbered()
        shown = [value for value in self.scene.values if value.number in self.shown]
        return {
            "target": self.target or "",
            "boxes": boxes,
            "loops": [self._loop(fold) for fold in self.loops],
            "values": [self._value(value, parents[value.number], numbers) for value in shown],
            "outputs": dict(self.scene.outputs),
        }

    def _numbered(self) -> dict[int, int]:
        """The number of each loop, by the id of its node."""
        return {id(fold.loop[1]): k for k, fold in enumerate(self.loops) if fold.loop}

    def _boxes(self) -> tuple[list[Data], dict[int, int]]:
        """The boxes, outer ones first, and the number of the box of each value."""
        order, parents = [self.root], {}
        boxes: list[Data] = [self._box(self.root, -1)]
        for k, fold in enumerate(order):
            for member in fold.members:
                if isinstance(member, Fold):
                    boxes.append(self._box(member, k))
                    order.append(member)
                else:
                    parents[member] = k
        self._open(boxes, order)
        return boxes, parents

    def _box(self, fold: Fold, parent: int) -> Data:
        loop = next((k for k, other in enumerate(self.loops) if other is fold), -1)
        return {"parent": parent, "kind": fold.kind, "label": fold.label, "line": fold.line, "loop": loop,
                "open": parent < 0}  # fmt: skip

    def _open(self, boxes: list[Data], order: Sequence[Fold]) -> None:
        """Open boxes, outer ones first, while the picture stays small."""
        count = len(self.root.members)
        for box, fold in zip(boxes[1:], order[1:]):
            if boxes[box["parent"]]["open"] and count - 1 + len(fold.members) <= OPEN:
                box["open"] = True
                count += len(fold.members) - 1

    def _loop(self, fold: Fold) -> Data:
        assert fold.loop is not None
        path, node = fold.loop
        around = [node for node, side in path if side == LOOP]
        counts = self._counts(fold)
        numbers = self._numbered()
        return {
            "name": str(node["body"].inputs[0]["name"]),
            "line": fold.line,
            "around": [numbers[id(node)] for node in around],
            "steps": {_key(s): [t for t in range(n) if self._is_kept(t, n)] for s, n in counts.items()},
            "count": {_key(s): n for s, n in counts.items()},
        }

    def _counts(self, fold: Fold) -> dict[Steps, int]:
        if self.flow is None or fold.loop is None:
            return {}
        path, node = fold.loop
        return {s: n for (p, other, s), n in self.flow.counts.items() if other is node and p == path}

    def _is_kept(self, step: int, count: int) -> bool:
        few = self.flow is None or len(self.flow.tape.records) <= MANY
        return few or step < ENDS or step >= count - ENDS

    # --- values ----------------------------------------------------------------------------------------

    def title(self, value: Value) -> str:
        """What a value is called: its name, or what it does."""
        return value.name or self.op(value)

    def op(self, value: Value) -> str:
        told = {"carried": "from the step before", "last": "after the last step", "choice": "if",
                "stack": "of all steps", "step": "step", "count": "steps"}  # fmt: skip
        if value.kind in told:
            return told[value.kind]
        if value.kind == "argument":
            return "argument"
        if value.node.op is ops.OPS["const"]:
            return _constant(value.node)
        if value.node.op.name == "dim":
            return str(value.node["dim"])
        if value.node.op.view and value.origins and len(value.origins[-1].span.text) <= SHORT:
            return " ".join(value.origins[-1].span.text.split())
        return SIGNS.get(value.node.op.name, value.node.op.name)

    def _value(self, value: Value, box: int, loops: Mapping[int, int]) -> Data:
        spans = [origin.span for origin in value.origins]
        span = spans[-1] if spans else None
        own = span is not None and span.source is self.source
        around = [loops[id(node)] for node, side in value.path if side == LOOP]
        return {
            "number": value.number,
            "kind": value.kind,
            "name": value.name,
            "op": self.op(value),
            "type": str(value.node.type).replace("_steps", "steps"),
            "text": _cut(span.text) if span is not None and value.kind == "value" else "",
            "lines": sorted({self.lines.start(span) for span in spans if span.source is self.source}),
            "file": "" if span is None or own else span.source.file,
            "box": box,
            "loops": around,
            "operands": [k if k in self.shown else -1 for k in value.operands],
            "selects": value.node.op.selector and len(value.operands) > 1,
            "rules": self._rules(value),
            "at": dict(self._numbers(value)) if self.flow else {},
        }  # fmt: skip

    def _rules(self, value: Value) -> list[str]:
        if value.kind != "value" or self.rules is None or value.node.type.kind != "real":
            return []
        operands = [self.scene.values[k] for k in value.operands]
        if not any(o.node.type.kind == "real" for o in operands):
            return []
        return self.rules.formulas(value.node, value.name, [o.name or "c" for o in operands])

    def _numbers(self, value: Value) -> Iterator[tuple[str, Data]]:
        flow = self.flow
        assert flow is not None
        for steps in self._steps(value):
            found = flow.record(value.number, steps)
            if found is None:
                continue
            array = flow.tape.records[found].value
            entry: Data = {"value": brief(array), "full": full(array)}
            gradient = flow.gradient(value.number, steps)
            if gradient is not None:
                entry |= {"gradient": brief(gradient), "whole": full(gradient)}
                entry["parts"] = list(self._parts(found))
            entry["hands"] = [self._handed(value, k, steps) for k in range(len(value.operands))]
            entry |= self._chosen(value, steps)
            yield _key(steps), entry
        if value.kind == "stack":
            yield from self._rows(value)

    def _steps(self, value: Value) -> list[Steps]:
        """The steps at which a value is told."""
        found: list[Steps] = [()]
        flow = self.flow
        assert flow is not None
        for k, (node, side) in enumerate(value.path):
            if side == LOOP:
                counts = [(s, flow.counts.get((value.path[:k], node, s), 0)) for s in found]
                found = [(*s, t) for s, n in counts for t in range(n) if self._is_kept(t, n)]
        return found

    def _rows(self, value: Value) -> Iterator[tuple[str, Data]]:
        """What a stack hands to each step."""
        assert self.flow is not None
        (row,) = value.operands
        for steps in self._steps(self.scene.values[row]):
            part = self.flow.handed(value.number, 0, steps)
            if part is not None:
                yield "row " + _key(steps), {"hands": [{"product": brief(part)}]}

    def _parts(self, record: int) -> Iterator[list[str]]:
        """The parts of a gradient: which value hands them on, and how much."""
        assert self.flow is not None
        parts = self.flow.gradients.parts(record)
        own = self.flow.owners.get(record)
        most = PARTS if len(parts) <= PARTS else PARTS - 1
        for source, part in parts[:most]:
            yield [self._giver(source, own[1] if own else ()), brief(part)]
        if len(parts) > most:
            rest = sum((part for _, part in parts[most + 1 :]), parts[most][1])
            yield [f"{len(parts) - most} more, together", brief(np.asarray(rest))]

    def _giver(self, source: tuple[int, int] | None, here: Steps) -> str:
        if source is None:
            return BEGINNING
        assert self.flow is not None
        owner = self.flow.owners.get(source[0])
        if owner is None:
            return "a value that is not shown"
        value = self.scene.values[owner[0]]
        steps = (*owner[1], source[1]) if value.kind == "stack" else owner[1]
        told = f", step {', '.join(map(str, steps))}" if steps and steps != here else ""
        return f"{self.title(value)}{f' = {self.op(value)}' if value.name else ''}{told}"

    def _handed(self, value: Value, position: int, steps: Steps) -> Data:
        """What a value hands to an operand: the local derivative, and upstream × local."""
        assert self.flow is not None
        part = self.flow.handed(value.number, position, steps)
        return {} if part is None else {"product": brief(part), "zero": not part.any()}

    def _chosen(self, value: Value, steps: Steps) -> Data:
        """The local derivatives as numbers; which operand was chosen, by a maximum or by a branch."""
        flow = self.flow
        assert flow is not None
        if value.kind == "choice":
            source = flow.source(value, steps)
            return {"taken": [k == 0 or (source is not None and source[0] == operand)
                              for k, operand in enumerate(value.operands)]}  # fmt: skip
        found = flow.records.get((value.number, steps))
        if value.kind != "value" or found is None:
            return {}
        record = flow.tape.records[found]
        operands = [flow.tape.records[k].value for k in record.operands]
        local = slopes(record.node, record.value, operands, flow.tape.sizes)
        entry: Data = {"local": ["" if x is None else brief(x) for x in local]}
        if record.node.op.selector and len(operands) > 1 and value.node.op.elementwise:
            entry["taken"] = [x is None or bool(np.any(x)) for x in local]
            entry["share"] = ["" if x is None else _share(x) for x in local]
        return entry


def _share(local: Array) -> str:
    """How many elements were taken from an operand; '' for a single number."""
    return f"{int(np.count_nonzero(local))} of {local.size}" if local.size > 1 else ""


def _key(steps: Steps) -> str:
    return ",".join(map(str, steps))


def _cut(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= WIDE else f"{shown[: WIDE - 2]} …"


def _constant(node: Node) -> str:
    value = node["value"]
    return brief(value.array if isinstance(value, Literal) else np.asarray(value))
