"""Bodies with loops and branches in them.

A loop's or a branch's body is written by the same means as the function around it, under names that are
taken from the same scope; what it is given it knows by the texts that these have outside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import replace

from autodiffc.compiler.ir import Graph, Node
from autodiffc.compiler.ops.checks import checks_of

from .blocks import Slot, Statement, moves
from .body import Body
from .branches import write_branch
from .loops import write_loop
from .memory import Memory
from .pytext import Expr
from .schedule import LEAVES, Group, Step
from .structure import passed_through
from .tiles import write_tiled
from .unrolled import write_elements

WRITERS = {"loop": write_loop, "branch": write_branch, "tiled": write_tiled, "elements": write_elements}


class StructuredBody(Body):
    """A body whose steps may be loops and branches."""

    is_nested = False
    inputs: Set[Node] = frozenset()  # of a body

    def control(self, step: Step) -> bool:
        if step.node.op.name not in WRITERS:
            return False
        WRITERS[step.node.op.name](self, step)
        return True

    def text(self, node: Node) -> Expr:
        """What a value is called here, or its expression."""
        return self._operand(node, bool(node.rank))

    def settle(self, node: Node) -> None:
        """Give a waiting expression its statement now."""
        self._settle(node, self.pending[node].group)

    def settle_readers(self, names: set[str]) -> None:
        self._settle_readers(names)

    def holders(self, node: Node) -> set[str]:
        return self._holders(node)

    def has_read(self, node: Node) -> None:
        """A loop or a branch has taken its arguments."""
        self._left.subtract(node.args)

    @property
    def spare(self) -> str:
        """The name of what nothing reads."""
        self.scope.taken.add("_")
        return "_"

    def append(self, statement: Statement) -> None:
        self.statements.append(statement)

    def give(self, group: Group, node: Node, expr: Expr) -> None:
        self._give(group, node, expr)

    def items_of(self, whole: Node) -> dict[int, list[Node]]:
        """The results of a loop or a branch that are used, by position."""
        found: dict[int, list[Node]] = {}
        for user in dict.fromkeys(self._users.get(whole, ())):
            found.setdefault(user["position"], []).append(user)
        return found

    def _given_by(self, node: Node) -> Iterable[tuple[Node, int]]:
        """What is given to a body is used more than once, as it were: it must have a name."""
        if node.op.name == "item":
            return ()
        if node.op.name == "tiled":
            return dict.fromkeys(node.args, 2).items()
        found = dict.fromkeys(node.args[1:], 2)
        found[node.args[0]] = found.get(node.args[0], 0) + 1
        given = Counter(node.args)
        for place in _continued(node):
            if given[node.args[place]] == 1:
                found[node.args[place]] = 1
        return found.items()

    def nested(self, graph: Graph, given: Mapping[Node, Expr], memory: Memory) -> StructuredBody:
        """An empty body for a loop or a branch in this one."""
        body = type(self)(self.context, graph, self.scope, given, None, memory)
        body.dims, body.derivatives, body.types = self.dims, self.derivatives, self.types
        body.is_nested, body.plain, body.space = True, self.plain, self.space
        body.ints.texts = self.ints.texts  # bodies may share nodes, which are something else in each
        body.lengths = dict(self.lengths)
        body._output_names = dict.fromkeys(body._output_names, "")  # those of a body's outputs tell nothing
        return body

    def write_nested(
        self,
        group: Group,
        slots: Mapping[int, Slot],
        rows: Mapping[int, str],
        read: Collection[int] = (),
    ) -> StructuredBody:
        """Write the statements: results by positions into variables, kept by statements, or read later."""
        outputs = [node for _, node in self.graph.outputs]
        used = [p in slots or p in rows or p in read for p in range(len(outputs))]
        needed = tuple(pair for pair, is_used in zip(self.graph.outputs, used) if is_used)
        unused = (node for node, is_used in zip(outputs, used) if not is_used)
        needed += tuple(("", check) for node in unused for check in checks_of(node))
        self.inputs = set(self.graph.inputs)
        self.graph = replace(self.graph, outputs=needed)
        for position, row in rows.items():
            self._rows.setdefault(outputs[position], []).append(row)
        for position, slot in slots.items():
            self._slots.setdefault(outputs[position], slot)
        for node in self._rows:
            if node.op.name in LEAVES or node in self.values:
                self._keep(group, node, str(self._operand(node, bool(node.rank))))
        self._write_steps()
        self._leave(group, {slot.name: outputs[p] for p, slot in slots.items()})
        return self

    def _leave(self, group: Group, results: Mapping[str, Node]) -> None:
        """Give the variables the results that are not in them yet."""
        for node in results.values():
            if node in self.pending and (
                self.pending[node].updates or list(results.values()).count(node) > 1
            ):
                self._settle(node, self.pending[node].group)
        texts = {name: str(self._operand(node, bool(node.rank))) for name, node in results.items()}
        late = [(name, text) for name, text in texts.items() if text != name]
        for node in results.values():
            self.pending.pop(node, None)
        if late:
            where = self.statements[-1].group if self.statements else group
            first = results[late[0][0]]
            self.statements.append(Statement(where, tuple(moves(late)), first, late[0][0]))

    def is_dead_after(self, node: Node, step: Node) -> bool:
        """Whether a value is read by this step as one argument, and by no later one."""
        return step.args.count(node) == 1 and self.is_dead(node, besides=1)

    def variable_of(self, node: Node, items: list[Node], otherwise: str | None, step: Node) -> str | None:
        """The variable that holds a value, if a result of the step may have the same name."""
        text = self.values[node].text if node in self.values else ""
        if not text.isidentifier() or node.op.name == "dim" or not self.is_dead_after(node, step):
            return None
        if self.is_nested and node in self.inputs and not self._goes_on(node, items):
            return None  # it is read again outside, or in the next step
        wanted = self.wanted_name(items) or otherwise
        grown = any(self._grown.get(item) == text for item in items)
        return text if grown or wanted is None or text == self.context.local(wanted) else None

    def _goes_on(self, node: Node, items: list[Node]) -> bool:
        """Whether the results take the place of an input in its own variable."""
        return any(item in self._slots and self._slots[item].old is node for item in items)

    def wanted_name(self, items: list[Node]) -> str | None:
        """What the graph calls a result."""
        for node in items:
            slot = self._slots.get(node)
            given = slot.name if slot else self.name_of(node)
            if given:
                return given
        return None

    def result_name(self, items: list[Node], otherwise: str) -> str:
        """A variable for a result; `otherwise` where the graph doesn't say."""
        for node in items:
            if node in self._slots or self.name_of(node):
                return self._own_name(node)
        return self._claimed(otherwise)


def _continued(node: Node) -> Sequence[int]:
    """The arguments of which a result takes the place."""
    if node.op.name == "loop":
        return range(1, node["carried"] + 1)
    return [target for _, target in passed_through(node)] if node.op.name == "branch" else ()
