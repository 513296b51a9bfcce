"""A loop as `for` or `while`.

    h_T, hs = loop(T, h_0, x; body: (t, h, x) -> (tanh(x[t] + h), the same))

becomes

    hs = np.empty((T, H))
    for t in range(T):
        h = np.tanh(x[t] + h)
        hs[t] = h
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autodiffc.compiler.ir import Graph, Node, const_value
from autodiffc.compiler.ops.control import UNLIMITED, is_local
from autodiffc.compiler.ops.unrolled import packed
from autodiffc.compiler.types import Dim

from .blocks import Block, Slot, Statement
from .context import loop_lengths
from .inplace import NAME
from .pytext import COMPARE, NOT, Expr, tuple_of
from .schedule import Step
from .stacks import is_only_numbers, nesting
from .stepping import Form, chosen, forms_of, range_text, relative, without_floor
from .structure import UPDATES, begun_stacks, condition_of, continued_stacks
from .telling import result_name, told_inside

if TYPE_CHECKING:
    from .control import StructuredBody


def write_loop(outer: StructuredBody, step: Step) -> None:
    """Write the loop, and give its results their names."""
    writer = _LoopWriter(outer, step)
    writer.write()


class _LoopWriter:
    """One loop under way: `lines` are what stands before it."""

    def __init__(self, outer: StructuredBody, step: Step):
        self.outer = outer
        self.loop, self.group = step.node, step.group
        self.graph, self.carried = self.loop["body"], self.loop["carried"]
        self.condition = condition_of(self.loop)
        self.memory = outer.memory.inner[self.loop][0]
        self.items = outer.items_of(self.loop)
        self.lines: list[str] = []
        self.unpacked: set[Node] = set()  # inputs that are lists of numbers
        self.number = self.graph.inputs[0]
        self.reverse = bool(dict(self.loop.attrs).get("reverse"))

    @property
    def last(self) -> int:
        """The position of the number of steps among the results."""
        return len(self.graph.outputs)

    def write(self) -> None:
        outer = self.outer
        self._settle_given()
        slots = {i: self._slot(i) for i in range(self.carried)}
        count = self._count()
        stacked = self._stacks(slots, count)
        outer.has_read(self.loop)
        first = self.carried + 1
        given = {i: Expr(slots[p].name) for p, i in enumerate(self.graph.inputs[1:first])}
        constant = zip(self.graph.inputs[first:], self.loop.args[first:])
        given.update({i: self._given(i, a) for i, a in constant})
        rows = {p: row for p, (_, row) in stacked.items() if row}
        with outer.scope.block():
            blocks = self._blocks(given, slots, rows)
        outer.statements.append(Statement(self.group, tuple(self.lines), self.loop, "", blocks))
        for position, nodes in self.items.items():
            text = self._result(position, slots, stacked)
            for node in nodes:
                outer._give(self.group, node, text)

    def _result(self, position: int, slots: dict[int, Slot], stacked: dict[int, tuple[str, str]]) -> Expr:
        if position < self.carried:
            return Expr(slots[position].name)
        return Expr(stacked[position][0]) if position < self.last else self.steps

    # --- before the loop ---------------------------------------------------------------------------

    def _settle_given(self) -> None:
        initial = self.loop.args[1 : self.carried + 1]
        for arg in dict.fromkeys(self.loop.args[1:]):
            alone = arg in initial and self.loop.args.count(arg) == 1
            if arg in self.outer.pending and not alone:
                self.outer._settle(arg, self.outer.pending[arg].group)

    def _given(self, inside: Node, argument: Node) -> Expr:
        """What the body calls an argument; one whose elements are read one by one is made a list before."""
        outer = self.outer
        if argument not in outer.unpacked and self._is_unpacked(inside, argument):
            name = outer.scope.fresh(f"{outer.text(argument)}_list")
            self.lines.append(f"{name} = {outer.text(argument)}.tolist()")
            outer.unpacked[argument] = name
        if argument in outer.unpacked and is_only_numbers(self.graph, inside):
            self.unpacked.add(inside)
            return Expr(outer.unpacked[argument])
        return outer.text(argument)

    def _is_unpacked(self, inside: Node, argument: Node) -> bool:
        """Whether every step reads a number of an array: a list gives it several times as fast."""
        plain = (
            argument.rank > 0
            and argument not in self.outer.lists
            and self.outer.text(argument).text.isidentifier()
        )
        wanted = self.outer.context.level > 0 and self.condition is None and plain
        return (
            wanted
            and (argument.shape[0] - without_floor(self.loop["length"])).known is not None
            and is_only_numbers(self.graph, inside)
        )

    def _slot(self, position: int) -> Slot:
        """The variable of a carried value, which is given its value before the first step."""
        outer, argument = self.outer, self.loop.args[position + 1]
        nodes = self.items.get(position, [])
        old = self.graph.inputs[position + 1]
        inner = outer.wanted_name(nodes) or self._inner_name(position)
        is_own = any(n in outer.memory.in_place for n in nodes)
        if is_own and argument in outer.values:
            outer.settle_readers(outer.holders(argument))
            return Slot(outer.values[argument].text, old)
        owned = old in self.memory.owned
        may_change = self._is_alone(argument) or not owned
        variable = outer.variable_of(argument, nodes, inner, self.loop)
        if variable is not None and may_change:
            outer._settle_readers({variable})
            return Slot(variable, old)
        name = outer.result_name(nodes, inner)
        self._assign_first(name, argument, copied=not may_change)
        return Slot(name, old)

    def _is_alone(self, argument: Node) -> bool:
        """Whether a value is memory that nothing but this loop will ever see."""
        memory, uses = self.outer.memory, self.outer._uses
        while argument in memory.in_place and argument.op.name in UPDATES and uses[argument] == 1:
            argument = argument.args[0]
        return memory.is_own(argument) and uses[argument] == 1

    def _assign_first(self, name: str, argument: Node, copied: bool) -> None:
        outer = self.outer
        waiting = outer.pending.pop(argument, None)
        text = waiting.expr if waiting else outer._operand(argument, bool(argument.rank))
        self.lines.append(f"{name} = {text.within(NOT + 8)}.copy()" if copied else f"{name} = {text}")
        self.lines.extend(update.replace(NAME, name) for update in (waiting.updates if waiting else ()))

    def _inner_name(self, position: int) -> str:
        return told_inside(self.graph, position) or str(self.graph.inputs[position + 1]["name"])

    def _count(self) -> Expr:
        """The number of steps, under a name where it is needed more than once."""
        outer, node = self.outer, self.loop.args[0]
        symbol = next(iter(self.loop["length"].symbols), "")
        needed = any(p >= self.carried for p in self.items)
        self.steps = Expr("")
        if self.condition is not None:
            self.steps = Expr(outer.scope.fresh("steps"))
            outer.lengths[symbol] = self.steps
            return self.steps
        self.count = outer.ints.of(node, outer.text_of)
        if self.count is None or (needed and node.op.name not in ("dim", "const")):
            text = outer._operand(node, False)
            if not text.text.isidentifier():
                name = outer.scope.fresh("steps")
                self.lines.append(f"{name} = {text}")
                text = Expr(name)
            outer.values[node] = text
            if self.count is None or (
                len(self.count.symbols) == 1 and self.count.symbols <= outer.ints.texts.keys()
            ):
                self.count = outer.ints.symbol(node, text)
        outer.pending.pop(node, None)
        self.steps = outer.values.get(node) or outer.int_text(self.count)
        if self.loop["length"] == Dim.symbol(symbol) and symbol.startswith("_"):
            outer.lengths.setdefault(symbol, self.steps)
        return self.steps

    def _stacks(self, slots: dict[int, Slot], count: Expr) -> dict[int, tuple[str, str]]:
        """The variables of stacked results, and the statements that add a row to them."""
        outer = self.outer
        found: dict[int, tuple[str, str]] = {}
        for before, after in continued_stacks(self.loop):
            pair = [self.items[p] for p in (before, after) if p in self.items]
            if len(pair) == 2 and not self.reverse and not any(nesting(outer, nodes[0]) for nodes in pair):
                names = [outer.result_name(nodes, result_name(nodes[0])) for nodes in pair]
                found[before], found[after] = self._joined(before, after, names, slots, count)
        for before, place in begun_stacks(self.loop) if self._may_begin() else ():
            nodes = self.items.get(before, [])
            if nodes and not nesting(outer, nodes[0]) and nodes[0] not in outer.places:
                name = outer.result_name(nodes, result_name(nodes[0]))
                names = [name, outer.scope.fresh(f"{slots[place].name}_after")]
                found[before], found[place] = self._joined(before, place, names, slots, count)
        for position, nodes in self.items.items():
            if self.carried <= position < self.last and position not in found:
                found[position] = self._stack(position, nodes, count)
        return found

    def _may_begin(self) -> bool:
        """Whether a row for a value before each step may be written at the end of the one before."""
        return self.outer.context.level > 1 and not self.reverse and self.condition is None

    def _joined(
        self, before: int, after: int, names: Sequence[str], slots: dict[int, Slot], count: Expr
    ) -> tuple[tuple[str, str], tuple[str, str]]:
        """One array for a value before the first step and after each; the stacks are its parts."""
        row = self.graph.outputs[after][1]
        slot = slots[self.graph.inputs.index(self.graph.outputs[before][1]) - 1].name
        whole = self.outer.scope.fresh(f"{slot}_all")
        if self.count is not None:
            length = self.loop["length"] if is_local(self.loop["length"]) else self.count
            self.outer.types[whole] = row.type.with_shape((length + 1, *row.shape))
            self.outer.types.update((n, row.type.with_shape((length, *row.shape))) for n in names)
        more = self.outer.int_text(self.count + 1) if self.count is not None else f"{count} + 1"
        self.lines += [
            f"{whole} = {self._array(more, row)}",
            f"{whole}[0] = {slot}",
            f"{names[0]}, {names[1]} = {whole}[:-1], {whole}[1:]",
        ]
        return (names[0], ""), (names[1], f"{names[1]}[{INDEX}] = {NAME}")

    def _array(self, count: Expr | str, row: Node) -> str:
        """A new array for so many rows."""
        outer = self.outer
        lengths = loop_lengths(self.graph)
        # `range(T - 2)` has no steps where T is 1, and no size of an array is -1.
        shape = [d.maximum(0) if d in lengths and not d.is_natural else d for d in row.shape]
        sizes = tuple_of([str(count), *(str(outer.dim(d)) for d in shape)]) if row.rank else count
        return outer.empty(str(sizes), outer.context.numpy_type(row.type))

    def _stack(self, position: int, nodes: list[Node], count: Expr) -> tuple[str, str]:
        """The variable of a stacked result, and the statement that adds a row to it."""
        outer = self.outer
        row = self.graph.outputs[position][1]
        name = outer.result_name(nodes, result_name(nodes[0]))
        depth = nesting(outer, nodes[0])
        if not depth:
            self.lines.append(f"{name} = {self._place(nodes) or self._array(count, row)}")
            return name, f"{name}[{INDEX}] = {NAME}"
        outer.lists.update(dict.fromkeys(nodes, depth))
        if self.reverse:
            self.lines.append(f"{name} = [None] * {count.within(COMPARE + 5)}")
            return name, f"{name}[{INDEX}] = {NAME}"
        self.lines.append(f"{name} = []")
        return name, f"{name}.append({NAME})"

    def _place(self, nodes: list[Node]) -> str:
        """The row of an outer loop's array that a stacked result is written into, if it is nothing else."""
        outer, node = self.outer, nodes[0]
        if (
            len(nodes) > 1
            or outer._uses[node] > 1
            or not outer._is_row_only(node)
            or len(outer._rows[node]) > 1
        ):
            return ""
        place = outer.places.get(node, "")
        if place:
            del outer._rows[node]
        return place

    # --- the loop ----------------------------------------------------------------------------------

    def _blocks(
        self, given: dict[Node, Expr], slots: dict[int, Slot], rows: dict[int, str]
    ) -> tuple[Block, ...]:
        body = self.outer.nested(self.graph, given, self.memory)
        self._pass_on(body)
        if self.condition is not None:
            return self._while(body, given, slots, rows)
        head = self._for(body, any(INDEX in row for row in rows.values()))
        number = str(body.values.get(self.number, ""))
        placed = {p: row.replace(INDEX, number) for p, row in rows.items()}
        body.places = {
            self.graph.outputs[p][1]: row.partition(" = ")[0]
            for p, row in placed.items()
            if row and p >= self.carried and self.items[p][0] not in self.outer.lists
        }
        body.write_nested(self.group, slots, placed)
        return (Block(head, tuple(body.statements)),)

    def _pass_on(self, body: StructuredBody) -> None:
        """What is known outside of what is given to the body."""
        outer = self.outer
        for place, (inside, outside) in enumerate(zip(self.graph.inputs[1:], self.loop.args[1:])):
            if outside in outer.lists or inside in self.unpacked:
                body.lists[inside] = outer.lists.get(outside, inside.rank)
            if place >= self.carried and not inside.rank and inside.type.kind == "int":
                known = outer.ints.of(outside, outer.text_of)
                if known is not None:
                    body.ints.known[inside] = known
        for position, (_, row) in enumerate(self.graph.outputs):
            if row.op is packed and any(outer.lists.get(n) == n.rank for n in self.items.get(position, ())):
                body.tuples.add(row)

    def _for(self, body: StructuredBody, by_number: bool) -> str:
        """`for t in range(…):`; the forms of the step's number get their texts."""
        outer = self.outer
        forms = forms_of(self.graph, self.number, body.ints.known)
        used = _used(self.graph, forms) + [self.number] * by_number
        counted = chosen(forms, used, lambda n: n in self.graph.names) or self.number
        name = outer._claimed(str(self.graph.names.get(counted) or self.number["name"])) if used else "_"
        assert self.count is not None
        steps = range_text(self.count, forms[counted], self.reverse, outer.int_text, outer.context.ref)
        variable = Dim.symbol(f"~{len(outer.ints.texts)}")
        outer.ints.texts[str(variable)] = Expr(name)
        if forms[counted].scale:
            for node, form in forms.items():
                body.values[node] = outer.int_text(relative(form, forms[counted], variable))
        return f"for {name} in {steps}:"

    def _while(
        self, body: StructuredBody, given: dict[Node, Expr], slots: dict[int, Slot], rows: dict[int, str]
    ) -> tuple[Block, ...]:
        condition, outer = self.condition, self.outer
        assert condition is not None
        limit = self.loop.args[0]
        unlimited = const_value(limit) == UNLIMITED
        counts = not unlimited or self.last in self.items or self.number in self.graph.nodes()
        counts = counts or condition.inputs[0] in condition.nodes()
        checks, test = self._test(given)
        head = f"{self.steps} < {outer._operand(limit, False)}"
        body.values[self.number] = self.steps
        body.write_nested(self.group, slots, rows)
        rest = list(body.statements)
        if counts:
            self.lines.append(f"{self.steps} = 0")
            rest.append(
                Statement(rest[-1].group if rest else self.group, (f"{self.steps} += 1",), self.loop, "")
            )
        if checks:
            first = "while True:" if unlimited else f"while {head}:"
            leave = Statement(self.group, (f"if not {test.within(NOT)}:\n    break",), self.loop, "")
            return (Block(first, (*checks, leave, *rest)),)
        both = str(test) if unlimited else f"{head} and {test.within(NOT)}"
        return (Block(f"while {both}:", tuple(rest)),)

    def _test(self, given: dict[Node, Expr]) -> tuple[list[Statement], Expr]:
        """The condition: the statements that it needs, and its text."""
        graph = self.condition
        assert graph is not None
        renamed = {i: given[j] for i, j in zip(graph.inputs[1:], self.graph.inputs[1:])}
        body = self.outer.nested(graph, {**renamed, graph.inputs[0]: self.steps}, type(self.memory)(graph))
        pairs = zip(graph.inputs[1:], self.loop.args[1:])
        body.lists = {i: self.outer.lists[a] for i, a in pairs if a in self.outer.lists}
        body._write_steps()
        return body.statements, body.value(graph.outputs[0][1])


INDEX = "\1"  # stands for the step's number


def _used(graph: Graph, forms: dict[Node, Form]) -> list[Node]:
    """The forms that stand in statements, as often as they do."""
    found = [arg for node in graph.nodes() if node not in forms for arg in node.args if arg in forms]
    return found + [node for _, node in graph.outputs if node in forms]
