"""A graph becomes the statements of a function.

    h = relu(x @ W + b)     ->     h = np.maximum(x @ W + b, 0.0)

A value that is used once, and that the model gives no name, is written inside the expression that uses it
as long as the line stays readable; -O0 gives every op a line of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from autodiffc.compiler.ir import Graph, Literal, Node
from autodiffc.compiler.ops.checks import check
from autodiffc.compiler.ops.unrolled import packed
from autodiffc.compiler.types import Type

from .assertions import check_lines
from .blocks import Slot, Statement, mentions
from .buffers import Buffer
from .context import Context
from .inplace import NAME, without_copy
from .memory import Memory
from .names import Scope
from .naming import Naming
from .pytext import ATOM, Expr, unparenthesised
from .rendering import Pending
from .room import making_room
from .schedule import LEAVES, Group, Step, regrouped, schedule
from .sparing import ending, sparing
from .structure import UPDATES

READABLE = 84  # columns of a statement that has expressions written into it
MOST_INLINED = 7  # ops in one expression
LONGEST_QUICK, MOST_QUICK = 240, 30  # the same at -O2 for numbers: what has no name is gone the soonest
SHORT = 30  # columns of a result that is written where it is returned
SIGNS = {"add": "+", "sub": "-"}


class Body(Naming):
    """The statements of a graph, the expressions of its outputs, and the dims that they mention."""

    is_sparing = False  # whether the order of its steps may be another than that of the model's lines
    is_tile = False

    def __init__(
        self,
        context: Context,
        graph: Graph,
        scope: Scope,
        given: Mapping[Node, Expr],
        output_names: Mapping[str, str] | None = None,
        memory: Memory | None = None,
    ):
        super().__init__(context, graph, scope, given, output_names, memory)
        self.statements: list[Statement] = []
        self.shows_formulas = True  # in the teaching form
        self.result_names: dict[str, str] = {}  # outputs that have variables beside those of their values
        self._left: Counter[Node] = Counter()  # how often steps are still to read a value
        self._shown: dict[Node, list[Node]] = {}  # values that are written by their argument's text
        self._visiting: Node | None = None
        self._rows: dict[Node, list[str]] = {}  # statements that keep a value, NAME, as soon as it is there
        self.places: dict[Node, str] = {}  # the rows of arrays that values are kept in
        self.given = dict(given)
        self.types: dict[str, Type | None] = {}  # of variables; None where they have several, or are lists
        self.buffers: list[Buffer] = []
        self.drawn: list[str] = []  # the statements that draw into buffers
        self.in_buffers: frozenset[str] = frozenset()  # the variables that may show a buffer
        self.until_written: tuple[str, ...] = ()  # arguments that are written to: buffers until then
        self.memory_name = ""  # what holds the buffers
        self.workspace = ""  # the argument that may lend them
        self.space = ""  # the variable that holds a workspace, or what stands for one
        self._prompt: set[Node] = set()  # what doesn't wait for its reader

    def build(self) -> Body:
        """Write all statements."""
        self._write_steps()
        for _, node in self.graph.outputs:
            if node in self.pending and node.rank:
                self._settle(node, self.pending[node].group)
        return self

    def _write_steps(self) -> None:
        for node, text in self.values.items():
            self.note_type(text.text, node)
        steps = schedule(self.graph, self.memory.before)
        if self.is_sparing and not self._on_numbers:
            steps = self._in_little_memory(steps)
        self._steps = steps
        self._count_uses()
        if self._slots or not self._on_numbers:  # else nobody asks
            self._left.update(chain.from_iterable([step.node.args for step in steps]))
            self._left.update(node for _, node in self.graph.outputs if not self._is_row_only(node))
        self._find_updated()
        self._find_sums()
        for step in regrouped(steps, self.context.lines.start):
            self._visit(step)

    def _in_little_memory(self, steps: Sequence[Step]) -> list[Step]:
        """The steps in another order, and some that don't wait for their readers, if that needs less."""
        results = [node for _, node in self.graph.outputs]
        if not self.is_tile:
            steps, self._prompt = making_room(steps, results, self.memory.before)
            return steps
        other = sparing(steps, results, self.memory.before)
        self._prompt = ending(other, results) if other != steps else set()
        return other

    def reuses(self, step: Step) -> bool:
        """Hook: whether the step was written into an operand's memory."""
        return False

    def control(self, step: Step) -> bool:
        """Hook: whether the step is a loop or a branch, or a result of one, and was written as that."""
        return False

    def _is_row_only(self, node: Node) -> bool:
        """Whether an output is kept as soon as it is there, and not needed at the end."""
        return node in self._rows and node not in self._slots

    # --- statements --------------------------------------------------------------------------------

    def _visit(self, step: Step) -> None:
        node = step.node
        if node in self.values or self.control(step):
            return
        if node.op is check:
            self._check(step)
            return
        self._visiting = node
        if node.op.view and node.rank and self.lists.get(node.args[0], 0) > 1:
            self.lists[node] = self.lists[node.args[0]] - 1
        self._write(step)
        left = self._left
        for arg in node.args if left else ():
            left[arg] -= 1

    def _write(self, step: Step) -> None:
        node = step.node
        if self._is_transparent(node):
            self._stand_for(node, node.args[0])
            return
        alias = self._as_operand(node)
        if alias is not None:
            self._give(step.group, node, alias)
            self._shown.setdefault(node.args[0], []).append(node) if node.args else None
            return
        if self._updates_in_place(step) or self.reuses(step):
            return
        waiting = self._make_room(node, step.group)
        before, expr = self._render(node)
        if before:
            before = self._without_needless_copy(node, before)
        for arg in waiting:
            self.pending.pop(arg, None)
        if before:
            self._add(step.group, tuple(before), node, expr.text)
        elif self._may_wait(node, len(expr.text)):
            ops = 1
            for held in waiting.values():
                ops += held.ops
            self.pending[node] = Pending(expr, ops, step.group, self._is_stable(node, waiting))
        else:
            self._assign(step.group, node, expr)

    def _is_stable(self, node: Node, waiting: Mapping[Node, Pending]) -> bool:
        """Whether it is made of arguments and constants alone."""
        for arg in node.args:  # noqa: SIM110  (asked of all nodes: `all` takes twice as long)
            if not (waiting[arg].stable if arg in waiting else arg.op.name in LEAVES):
                return False
        return True

    def _without_needless_copy(self, node: Node, lines: list[str]) -> list[str]:
        """The statements that change a copy; an expression that is written here alone needs none."""
        waiting = self.pending.get(node.args[0]) if lines and node.args else None
        if waiting is None or waiting.updates or not self._is_fresh(node.args[0]):
            return lines
        copied = f"{waiting.expr.within(ATOM)}.copy()"
        name = lines[0][: -len(copied)]
        return [f"{name}{waiting.expr}", *lines[1:]] if lines[0] == f"{name}{copied}" else lines

    def _updates_in_place(self, step: Step) -> bool:
        """Write an update into the memory of its first argument, if nothing else needs that."""
        node = step.node
        if node.op.name not in UPDATES or node not in self.memory.in_place:
            return False
        target = node.args[0]
        if target in self.pending:
            self._settle(target, self.pending[target].group)
        self._make_room(node, step.group)
        name = self.values[target]
        parsed, held = self._template(node)
        names = {p: self._operand(a, True) for p, a in zip(parsed.params, node.args)}
        lines = parsed.text({**names, **held, "out": name}, self._global).split("\n")
        for arg in node.args:
            self.pending.pop(arg, None)
        self._settle_readers(self._holders(target))
        changes = without_copy(lines, name.text)
        assert changes is not None
        self._add(step.group, tuple(changes), node, name.text)
        return True

    def _holders(self, target: Node) -> set[str]:
        """The names by which a memory can be read."""
        shared = self.memory.of(target)
        return {
            e.text for n, e in self.values.items() if e.text.isidentifier() and self.memory.of(n) & shared
        }

    def _settle_readers(self, names: Iterable[str]) -> None:
        """Give waiting expressions that read what is about to change their statements."""
        for node, held in list(self.pending.items()):
            texts = (held.expr.text, *held.updates)
            if node in self.pending and any(mentions(t, name) for t in texts for name in names):
                self._settle(node, held.group)

    def is_dead(self, node: Node, besides: int = 0) -> bool:
        """Whether steps read a value no more often than so, itself or by a text that stands for another."""
        waiting = [node]
        while waiting:
            current = waiting.pop()
            if self._left[current] > (besides if current is node else 0):
                return False
            waiting.extend(self._shown.get(current, ()))
        return True

    def _check(self, step: Step) -> None:
        """An assertion: a statement that raises, with the values that it tells of under names."""
        condition, *told = step.node.args
        self._make_room(step.node, step.group)
        for arg in told:
            if arg in self.pending:
                self._settle(arg, step.group)
        text = check_lines(
            step.node, self._operand(condition, False), [self._operand(a, False) for a in told]
        )
        self.pending.pop(condition, None)
        self._add(step.group, (text,), step.node, "True")

    def _as_operand(self, node: Node) -> Expr | None:
        """What is written wherever the node is used, without a statement: `W.T`, an int among reals."""
        if node.op.name == "undefined":
            return Expr("None")
        if len(node.args) != 1 or node in self.graph.names:
            return None
        (argument,) = node.args
        if node.op.name == "to_real" and argument.op.name == "const" and not node.rank:
            return self._number(float(argument["value"]), False)
        if not node.op.view or argument not in self.values:
            return None
        parsed = self._parsed(node)
        short = parsed.fixed_length <= 2 and parsed.is_expression
        return parsed.expression({parsed.params[0]: self.values[argument]}) if short else None

    def _stand_for(self, node: Node, argument: Node) -> None:
        """Use the argument's text as the node's."""
        self._shown.setdefault(argument, []).append(node)
        if argument in self.pending and self._uses[node] != 1:
            self._settle(argument, self.pending[argument].group)
        if argument in self.pending:
            self.pending[node] = self.pending.pop(argument)
        else:
            self.values[node] = self._operand(argument, False)

    def _is_quick(self, node: Node) -> bool:
        """Whether it is a step on numbers that is written for speed: inside the next wherever it can be."""
        if self.context.level < 2:
            return False
        return self.on_numbers(node) or (node.op is packed and not any(a.rank for a in node.args))

    def _may_wait(self, node: Node, length: int = 0) -> bool:
        if self._uses[node] != 1 or node in self._rows or node in self._prompt:
            return False
        if node in self._slots:
            return not self._is_free(node) or self._is_awaited(self._slots[node].name)
        if self._is_quick(node):
            return node not in self._output_names or (not node.rank and length <= SHORT)
        return node not in self.graph.names and not (node in self._output_names and node.rank)

    def _make_room(self, node: Node, group: Group) -> dict[Node, Pending]:
        """Give statements of their own to waiting operands, until those left, the result, fit on a line."""
        waiting = {arg: self.pending[arg] for arg in node.args if arg in self.pending}
        if not waiting:
            return waiting
        for arg, held in list(waiting.items()):
            if held.updates or not (held.group == group or held.stable or self._is_quick(node)):
                self._settle(arg, group)
                del waiting[arg]
        while waiting and self._crowded(node, waiting):
            longest = max(waiting, key=lambda a: len(waiting[a].expr.text))
            self._settle(longest, group)
            del waiting[longest]
        return waiting

    def _crowded(self, node: Node, waiting: Mapping[Node, Pending]) -> bool:
        if node.op is packed:
            return any(len(held.expr.text) > SHORT for held in waiting.values())
        parsed = self._parsed(node)
        array = bool(node.rank)
        length, ops = parsed.fixed_length, 0
        for arg, count in zip(node.args, parsed.counts):
            length += len(self._operand(arg, array).text) * count
        for held in waiting.values():
            ops += held.ops
        target = len(self.graph.names.get(node, "")) + 7
        if self._is_quick(node):
            return length > LONGEST_QUICK or ops >= MOST_QUICK
        return length + target > READABLE or ops >= MOST_INLINED

    def _settle(self, node: Node, group: Group) -> None:
        """Give a waiting expression its statement now."""
        waiting = self.pending.pop(node)
        self._assign(group, node, waiting.expr, waiting.updates)

    def _assign(self, group: Group, node: Node, expr: Expr, updates: tuple[str, ...] = ()) -> None:
        if self._is_row_only(node) and self._uses[node] == 1 and not updates:
            self._keep(group, node, expr.text)
            return
        name = self._own_name(node, updates)
        grown = "" if updates else self._grown_line(node, name, expr.text)
        first = grown or f"{name} = {expr}"
        self._add(group, (first, *(u.replace(NAME, name) for u in updates)), node, name)

    def _grown_line(self, node: Node, name: str, text: str) -> str:
        """`name += rest`, where a part of the sum stands under its name already."""
        if node.op.name not in SIGNS or not (node in self._slots or name in self._grown_names):
            return ""
        sign = SIGNS[node.op.name]
        left, right = (self._holds_part(a, name, node) for a in node.args)
        if left and text.startswith(f"{name} {sign} "):
            return f"{name} {sign}= {unparenthesised(text[len(name) + 3 :])}"
        if right and sign == "+" and text.endswith(f" + {name}"):
            return f"{name} += {unparenthesised(text[: -len(name) - 3])}"
        return ""

    def _holds_part(self, part: Node, name: str, total: Node) -> bool:
        """Whether the name stands for a part of a sum, and may be changed."""
        slot = self._slots.get(total)
        if slot is not None and slot.old is part:
            return slot.name == name and (not total.rank or total in self.memory.in_place)
        return (
            total.op.name == "add"
            and part in self._sums
            and part in self.values
            and name in self._grown_names
        )

    def _add(self, group: Group, lines: tuple[str, ...], node: Node, name: str) -> None:
        self.statements.append(Statement(group, lines, node, name))
        self._give(group, node, Expr(name))

    def _give(self, group: Group, node: Node, expr: Expr) -> None:
        """The text by which a value is known from now on."""
        self.values[node] = expr
        self.note_type(expr.text, node)
        self._keep(group, node, expr.text)

    def _suits(self, name: str, node: Node) -> bool:
        """For speed a variable has one type in all of a function: what has several gets no memory."""
        return self.context.level < 2 or name not in self.types or self.types[name] == node.type

    def note_type(self, name: str, node: Node) -> None:
        """Remember what a variable holds."""
        if name.isidentifier():
            found = None if node in self.lists else node.type
            self.types[name] = found if self.types.get(name, found) == found else None

    def _table(self, node: Node, value: Literal) -> Expr:
        name = super()._table(node, value)
        self.note_type(name.text, node)
        return name

    def _keep(self, group: Group, node: Node, text: str) -> None:
        """Write the statements that keep a value: `hs[t] = h`."""
        if node in self._rows:
            rows = tuple(row.replace(NAME, text) for row in self._rows[node])
            self.statements.append(Statement(group, rows, node, text))

    def _is_free(self, node: Node) -> bool:
        """Whether a result may be put into its variable now."""
        name = self._slots[node].name
        reads = node.args if node is self._visiting else ()
        holders = [held for held, text in self.values.items() if text.text == name]
        return all(self.is_dead(held, besides=reads.count(held)) for held in holders)

    def _is_awaited(self, name: str) -> bool:
        """Whether another result that waits is made of what a variable holds."""
        return any(n in self._slots and mentions(p.expr.text, name) for n, p in self.pending.items())

    def _slot_name(self, node: Node, slot: Slot, texts: Iterable[str]) -> str:
        """The name of a result's variable; of another one while the old value is still read."""
        if not self._is_free(node) or any(mentions(text, slot.name) for text in texts):
            return self.scope.fresh(f"next_{slot.name}")
        old = {slot.name} if slot.old is None or node not in self.memory.in_place else self._holders(slot.old)
        self._settle_readers(old | {slot.name})
        return slot.name

    def _own_name(self, node: Node, texts: Iterable[str] = ()) -> str:
        if node in self._slots:
            return self._slot_name(node, self._slots[node], texts)
        return super()._own_name(node, texts)
