"""Which values get an equation, and in which order: from a graph to a derivation.

    h = relu(x @ W1 + b1)        z1 = x W1 + b1,  h = relu(z1)        the model
                                 δ_h = …,  δ_z1 = δ_h ⊙ 1[z1 > 0]     its adjoints, from the target back
                                 ∂L/∂W1 = xᵀ δ_z1                     what was asked for

A value has an equation if the model names it (or its adjoint), if it is used more than once, or if its
formula would be too long. A loop is a block of equations with the step as a superscript, a branch has a block
for either side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from .. import ops
from ..ir import Graph, Node, const_value
from ..ops.control import is_local
from ..types import Dim, Opaque
from .algebra import added
from .closed import closed
from .functions import SAME
from .graphs import Derived
from .lines import Branch, Derivation, Line, Loop, interleaved, reads_in
from .naming import POSITIONS, Naming, Room
from .places import size
from .reader import NeedsIndices, NotPlain
from .tree import (
    ONE,
    ZERO,
    Element,
    Equation,
    Formula,
    Index,
    Number,
    Partial,
    Size,
    Symbol,
    Total,
    parts_of,
)
from .walks import dependent, depending, items_of, merged, positions_needed

LONGEST = 14  # parts of a formula that are written in one
LONGEST_SLOPE = 60  # parts of an element of a Jacobian
DEEPEST = 40  # steps from the top of a formula, those that are not written among them
CHEAP = frozenset(
    {"argument", "const", "dim", "arange", "transpose", "reshape", "broadcast_to", "eye", *SAME}
)


def derivation(derived: Derived, known: tuple[Equation, ...] | None = None) -> Derivation:
    """The equations; what has a name of its own only to be read once is written where it is read.

    Of a target that is an array the Jacobian is told, if it has a plain formula, else the adjoints.
    `known` are the derivatives where these are found already.
    """
    if derived.slopes is not None:
        try:
            return derivation(derived.slopes)
        except NotPlain:
            pass
    known = known or closed(derived)
    first = _Planner(derived)
    result = first.result(known)
    once = first.read_once(result)
    return _Planner(derived, once).result(known) if once else result


class _Planner(Naming):
    def __init__(self, derived: Derived, once: Collection[Node] = ()):
        super().__init__(derived)
        self.once = once
        self.weights: dict[Node, int] = {}
        self.depths: dict[Node, int] = {}
        self.units = derived.units or {}
        self.reader.moved = frozenset(depending(derived.graph, set(self.units.values())))
        self.inside: dict[int, tuple[Room, ...]] = {}  # the graphs of the loops and branches, by id
        self.picked = set(positions_needed(derived.graph))

    def result(self, known: tuple[Equation, ...] | None) -> Derivation:
        graph = self.derived.graph
        for node in graph.inputs:
            name = node["name"]
            if node in self.units.values():
                continue
            seed = node is self.derived.seed
            self.used.add(("value", name))
            self.reader.symbols[node] = Symbol(self.derived.target, "adjoint") if seed else Symbol(name)
        room = self._opened(graph, ())
        outputs = dict(graph.outputs[1:])
        target = self.derived.target
        value = graph.outputs[0][1]
        self.reader.symbols.setdefault(value, self.unique(target, "value"))
        for name, node in () if self.derived.units is not None else outputs.items():
            symbol = self._wanted(name)
            other = graph.names.get(node, name) != name
            fixed = node.op.name in ("const", "item", "argument") or node in self.primal
            if node not in self.reader.symbols and not other and not fixed:
                self.reader.symbols[node] = symbol
        self._plan(room)
        for name, node in outputs.items():
            if self.derived.units is not None:
                room.lines.append((1e9, None, self._slope(name.removeprefix("d_"), node, value)))
                self._drain()
                continue
            symbol = self._wanted(name)
            if self.reader.symbols.get(node) != symbol:
                room.lines.append((1e9, None, self._equation(symbol, node)))
            self._drain()
        lines = self._assembled(room)
        model = tuple(line for node, line in lines if node is not None and node in self.primal)
        rest = tuple(line for node, line in lines if node is None or node not in self.primal)
        return Derivation(self.derived, model, known or interleaved(rest))

    def _slope(self, name: str, node: Node, value: Node) -> Equation:
        """∂r[n]/∂x[m], from the tangent of r along an element of x."""
        reader = self.reader
        unit = self.units.get(name)
        with reader.bound(value.shape) as at, reader.bound(unit.shape if unit else ()) as along:
            reader.unit = (unit, along) if unit else None
            formula = reader.element(node, at)
            parts = list(parts_of(formula))
            if len(parts) > LONGEST_SLOPE or sum(isinstance(part, Total) for part in parts) > 1:
                raise NotPlain  # sums in sums are better told from the target back
            by = Element(Symbol(name), along) if along else Symbol(name)
            return Equation(Partial(Element(Symbol(self.derived.target), at), (by,)), formula)

    def read_once(self, result: Derivation) -> set[Node]:
        """The values that the model gives no name and that one place reads."""
        reads = Counter(symbol for line in (*result.model, *result.adjoints) for symbol in reads_in(line))
        made = {symbol.name: node for node, symbol in self.made.items() if reads[symbol] == 1}
        return set(made.values())

    # --- names ---

    def _wanted(self, name: str) -> Symbol:
        """What was asked for: ∂L/∂W, or where the target is an array the adjoint of W."""
        if self.derived.seed is not None:
            return Symbol(name.removeprefix("d_"), "adjoint", of=self.derived.target)
        return Symbol(name.removeprefix("d_"), "derivative", of=self.derived.target)

    # --- graphs ---

    def _opened(self, graph: Graph, steps: tuple[Formula, ...]) -> Room:
        room = Room(graph, {node: k for k, node in enumerate(graph.nodes())}, steps, dependent(graph))
        self.rooms.update(dict.fromkeys(room.position, room))
        return room

    def _plan(self, room: Room) -> None:
        uses = Counter(arg for node in room.position for arg in set(node.args))
        uses.update(node for _, node in room.graph.outputs)
        for node in room.position:
            if node.op is ops.loop:
                self._loop(room, node)
            elif node.op is ops.branch:
                self._branch(room, node)
            elif self._stands_alone(room, node, uses[node]) and (node in room.own or not room.steps):
                self.reader.symbols.setdefault(node, self.reader.symbols.get(node) or self.new_name(node))
            self._write(room, node)
        self._drain()

    def _stands_alone(self, room: Room, node: Node, uses: int) -> bool:
        """Whether a value gets an equation; `weights` are the lengths of what is inlined."""
        reader = self.reader
        weight = sum(1 if a in reader.symbols else self.weights.get(a, 1) for a in node.args)
        self.weights[node] = weight + (node.op.name not in CHEAP)
        inside = (self.depths.get(a, 0) for a in node.args if a not in reader.symbols)
        self.depths[node] = 1 + max(inside, default=0)
        if node in reader.symbols or node in reader.alias or node.op is ops.item:
            return False
        if node in reader.moved:
            return False
        if node.type.kind == "tuple" or node.op.name in ("check", "argument"):
            return False
        if node.op.name in POSITIONS:
            return node.op.name != "window_argmax" or node in self.picked
        name = self.name(room, node)
        if self.depths[node] > DEEPEST and node.op.name != "const":
            self.depths[node] = 0
            return True
        if node.op.name in CHEAP and not (
            name in self.own_names and node.op.name in ("transpose", "reshape")
        ):
            return False
        if name is not None and node not in self.primal:
            short = self.weights[node] <= 3
            if name.startswith("d_"):
                return not (short and reader.is_uniform(node))
            name = None if short else name
        if name is not None:
            return True
        if node.type.kind != "real":
            return self.weights[node] > LONGEST
        return self.weights[node] > (3 if uses > 1 and node not in self.once else LONGEST)

    def _write(self, room: Room, node: Node) -> None:
        symbol = self.reader.symbols.get(node)
        given = node.op.name == "argument" or node in self.reader.alias
        state = node.op is ops.item and node not in self.reader.steps
        if symbol is not None and not given and not state:
            room.lines.append((room.position[node], node, self._equation(symbol, node)))

    def _drain(self) -> None:
        """Equations for what turned out to need a name."""
        while self.reader.wanted:
            node = self.reader.wanted.pop()
            self._write(self.rooms[node], node)

    def _equation(self, symbol: Formula, node: Node) -> Equation:
        """Of the whole array, or of an element of it; the node's own symbol must not be its formula."""
        reader = self.reader
        own = reader.symbols.pop(node, None) if reader.symbols.get(node) == symbol else None
        steps = self.rooms[node].steps if node in self.rooms else ()
        names = [step.name for step in steps if isinstance(step, Index)]
        reader.busy.extend(names)
        try:
            return self._written(symbol, node)
        finally:
            del reader.busy[len(reader.busy) - len(names) :]
            if own is not None:
                reader.symbols[node] = own

    def _written(self, symbol: Formula, node: Node) -> Equation:
        try:
            if node in self.reader.steps or (node.rank and self.reader.is_uniform(node)):
                raise NeedsIndices
            return Equation(symbol, self.reader.whole(node))
        except NeedsIndices:
            splits = [self.reader.splits(node, axis) for axis in range(node.rank)]
            with self.reader.bound([dim for dims in splits for dim in dims]) as indices:
                free = iter(indices)
                at = tuple(merged(tuple(next(free) for _ in dims), dims) for dims in splits)
                at = tuple(ZERO if dim == Dim.of(1) else i for i, dim in zip(at, node.shape))
                return Equation(Element(symbol, at), self.reader.element(node, at))

    # --- loops and branches ---

    def _loop(self, room: Room, node: Node) -> None:
        body: Graph = node["body"]
        count, *operands = node.args
        length = node["length"]
        reverse, carried = bool(node.get("reverse")), node["carried"]
        index = Index(self._step_name(body), length)
        before, after = (added(index, ONE), index) if reverse else (index, added(index, ONE))
        steps = self._steps(count)
        end = size(length) if is_local(length) and node.get("condition") else steps
        inner = self._opened(body, (*room.steps, index))
        reader = self.reader
        reader.symbols[body.inputs[0]] = index
        states: list[Symbol] = []
        for k, (given, operand) in enumerate(zip(body.inputs[1:], operands)):
            if k >= carried:
                reader.alias[given] = operand
                continue
            name = given["name"]
            adjoint = name.startswith("d_") and node not in self.primal
            states.append(
                self.unique(name[2:] if adjoint else name, "adjoint" if adjoint else "value", room.steps)
            )
            reader.symbols[given] = _at(states[-1], before)
            start = self._equation(_at(states[-1], end if reverse else Number(0.0)), operand)
            room.lines.append((room.position[node] - 0.5, node, start))
        later: list[tuple[Symbol, Node]] = []
        for state, (_, value) in zip(states, body.outputs):
            foreign = value in reader.symbols or value in reader.alias or value not in inner.own
            if foreign or value.op is ops.item:
                later.append((state, value))
            else:
                reader.symbols[value] = _at(state, after)
        for k, item in items_of(room.graph, node):
            if k < carried and item in reader.symbols:
                last = _at(states[k], Number(0.0) if reverse else end)
                room.lines.append((room.position[item], item, Equation(reader.symbols[item], last)))
            elif k < carried:
                reader.symbols[item] = _at(states[k], Number(0.0) if reverse else end)
            elif k < len(body.outputs):
                reader.steps[item] = (body.outputs[k][1], index)
                named = room.graph.names.get(item) in self.own_names and item in self.primal
                if named and item not in reader.symbols:
                    reader.symbols[item] = self.new_name(item)
            else:
                reader.symbols[item] = end
        self._plan(inner)
        for state, value in later:
            inner.lines.append((1e9, value, self._equation(_at(state, after), value)))
        condition = None
        if node.get("condition") is not None:
            condition = self._condition(node, body)
        self._drain()
        block = Loop(index, steps, reverse, condition, ())
        room.lines.append((room.position[node], node, block))
        self.inside[id(block)] = (inner,)

    def _steps(self, count: Node) -> Formula:
        """The number of steps; that of `range(T - 1)` is T − 1; the legend says what is below 0."""
        if count.op.name == "maximum" and const_value(count.args[1]) == 0:
            count = count.args[0]
        steps = self.reader.element(count, ())
        match steps:
            case Size(dim=Dim(terms=(((Opaque(op="max", args=args),), 1),))) if Dim.of(0) in args:
                return size(next(arg for arg in args if arg != Dim.of(0)))
        return steps

    def _step_name(self, body: Graph) -> str:
        return str(body.inputs[0]["name"])

    def _condition(self, node: Node, body: Graph) -> Formula:
        """What a `while` asks, in terms of the body's inputs."""
        graph: Graph = node["condition"]
        self._opened(graph, ())
        for own, other in zip(graph.inputs, body.inputs):
            if own is not other:
                self.reader.alias[own] = other
        return self.reader.element(graph.outputs[0][1], ())

    def _branch(self, room: Room, node: Node) -> None:
        reader = self.reader
        results = []
        for k, item in items_of(room.graph, node):
            sides = [body.outputs[k][1] for body in (node["then"], node["orelse"])]
            defined = [value for value in sides if value.op is not ops.undefined]
            if len(defined) == 1:  # what one side keeps for its adjoint
                reader.alias[item] = defined[0]
                continue
            results.append((k, item))
            if item not in reader.symbols:
                reader.symbols[item] = self.new_name(item)
        inner = [self._side(room, node, body, results) for body in (node["then"], node["orelse"])]
        block = Branch(reader.element(node.args[0], ()), (), ())
        self.inside[id(block)] = tuple(inner)
        room.lines.append((room.position[node], node, block))

    def _side(self, room: Room, node: Node, body: Graph, results: list[tuple[int, Node]]) -> Room:
        inner = self._opened(body, room.steps)
        for given, operand in zip(body.inputs, node.args[1:]):
            self.reader.alias[given] = operand
        done = set()
        for k, item in results:
            value = body.outputs[k][1]
            known = value in self.reader.symbols or value in self.reader.alias
            if value in inner.own and not known and value.op is not ops.item and value.op.name != "argument":
                self.reader.symbols[value] = self.reader.symbols[item]
                done.add(k)
        self._plan(inner)
        for k, item in results:
            value = body.outputs[k][1]
            if value.op is not ops.undefined and k not in done:
                inner.lines.append((1e9, value, self._equation(self.reader.symbols[item], value)))
        return inner

    def _assembled(self, room: Room) -> list[tuple[Node | None, Line]]:
        """The lines of a graph in order, blocks with theirs."""
        result: list[tuple[Node | None, Line]] = []
        for _, node, line in sorted(room.lines, key=lambda entry: entry[0]):
            lines = [tuple(e for _, e in self._assembled(inner)) for inner in self.inside.get(id(line), ())]
            if isinstance(line, Loop):
                line = replace(line, lines=lines[0])
            elif isinstance(line, Branch):
                line = replace(line, then=lines[0], otherwise=lines[1])
            result.append((node, line))
        return result


def _at(symbol: Symbol, step: Formula) -> Symbol:
    """The symbol at a step of its loop; it has those of the loops around that."""
    return Symbol(symbol.name, symbol.role, symbol.of, (*symbol.steps, step))
