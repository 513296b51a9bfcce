"""A branch as `if … else`.

h = item(branch(c, h; then: h -> tanh(h), orelse: h -> h), 0)     ->     if c:
                                                                             h = np.tanh(h)
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from autodiffc.compiler.ir import Graph, Node
from autodiffc.grammar.records import record

from .blocks import Block, Slot, Statement
from .memory import Memory
from .pytext import NOT, Expr
from .schedule import Step
from .structure import list_depth, passed_through
from .telling import result_name

if TYPE_CHECKING:
    from .control import StructuredBody


def write_branch(outer: StructuredBody, step: Step) -> None:
    """Write the branch, and give its results their names."""
    _BranchWriter(outer, step).write()


@record(frozen=True)
class Variable:
    """The variable of a result, and the argument (its place) that it holds before the branch."""

    name: str
    holds: int | None


class _BranchWriter:
    """One branch under way: `lines` are what stands before it."""

    def __init__(self, outer: StructuredBody, step: Step):
        self.outer = outer
        self.branch, self.group = step.node, step.group
        self.items = outer.items_of(self.branch)
        self.continued = dict(passed_through(self.branch))
        self.lines: list[str] = []

    def write(self) -> None:
        outer, branch = self.outer, self.branch
        for arg in dict.fromkeys(branch.args[1:]):
            if arg in outer.pending:
                outer.settle(arg)
        condition = outer.text(branch.args[0])
        outer.pending.pop(branch.args[0], None)
        variables: dict[int, Variable] = {}
        for position in sorted(self.items, key=lambda p: p not in self.continued):
            taken = {v.holds for v in variables.values()}
            variables[position] = self._variable(
                position, [p for p in self._places(position) if p not in taken]
            )
        outer.has_read(branch)
        sides = zip((branch["then"], branch["orelse"]), outer.memory.inner[branch])
        then, orelse = (self._side(side, memory, variables) for side, memory in sides)
        blocks = _blocks(condition, then, orelse)
        if blocks and branch.get("note"):
            self.lines += ["", f"# {branch['note']}"]
        outer.append(Statement(self.group, tuple(self.lines), branch, "", blocks))
        for position, nodes in self.items.items():
            for node in nodes:
                if list_depth(node):
                    outer.lists[node] = list_depth(node)
                outer.give(self.group, node, Expr(variables[position].name))

    def _places(self, position: int) -> list[int]:
        """The arguments in whose variables a result might go on."""
        if position in self.continued:
            return [self.continued[position]]
        named = self.outer.wanted_name(self.items[position]) is not None
        return list(range(1, len(self.branch.args))) if named else []

    def _variable(self, position: int, places: list[int]) -> Variable:
        """A result goes on in the variable of an argument, or of its copy, or gets one of its own."""
        nodes = self.items[position]
        place = self.continued.get(position)
        if place is not None and any(node in self.outer.memory.in_place for node in nodes):
            self.outer.settle_readers(self.outer.holders(self.branch.args[place]))
            return Variable(self.outer.text(self.branch.args[place]).text, place)
        if place is not None and self._is_changed(position, place):
            name = self.outer.result_name(nodes, result_name(nodes[0]))
            self.lines.append(f"{name} = {self.outer.text(self.branch.args[place])}.copy()")
            return Variable(name, place)
        for candidate in places:
            found = self.outer.variable_of(self.branch.args[candidate], nodes, None, self.branch)
            if found is not None:
                self.outer.settle_readers({found})
                return Variable(found, candidate)
        return Variable(self.outer.result_name(nodes, result_name(nodes[0])), None)

    def _is_changed(self, position: int, place: int) -> bool:
        """Whether a side writes into the argument's memory."""
        sides = zip((self.branch["then"], self.branch["orelse"]), self.outer.memory.inner[self.branch])
        return any(side.inputs[place - 1] in memory.owned for side, memory in sides)

    def _side(self, side: Graph, memory: Memory, variables: dict[int, Variable]) -> tuple[Statement, ...]:
        outer = self.outer
        pairs = list(zip(side.inputs, self.branch.args[1:]))
        given = {i: outer.text(a) for i, a in pairs}
        slots = {}
        for position, variable in variables.items():
            old = side.inputs[variable.holds - 1] if variable.holds is not None else None
            if old is not None:
                given[old] = Expr(variable.name)
            absent = side.outputs[position][1].op.name == "undefined"
            if not absent or self._is_kept(self.items[position]):
                slots[position] = Slot(variable.name, old)
        with self._names(side):
            body = outer.nested(side, given, memory)
            body.lists = {i: outer.lists[a] for i, a in pairs if a in outer.lists}
            body.write_nested(self.group, slots, {})
        return tuple(s for s in body.statements if s.lines or s.blocks)  # a branch inside may do nothing

    def _names(self, side: Graph) -> AbstractContextManager[None]:
        """Names of numbers may be used again; those of arrays tell what memory there is for them."""
        arrays = self.outer.context.level > 1 and any(node.rank for node in side.nodes())
        return nullcontext() if arrays else self.outer.scope.block()

    def _is_kept(self, nodes: list[Node]) -> bool:
        """Whether a result that may be missing is kept somewhere, so that its variable must exist."""
        return any(output in nodes for _, output in self.outer.graph.outputs)


def _blocks(condition: Expr, then: tuple[Statement, ...], orelse: tuple[Statement, ...]) -> tuple[Block, ...]:
    """`if`, `elif` and `else`, those that have anything in them."""
    if not then and not orelse:
        return ()
    if not then:
        return (Block(f"if not {condition.within(NOT)}:", orelse),)
    first = Block(f"if {condition}:", then)
    if not orelse:
        return (first,)
    only = orelse[0]
    if len(orelse) == 1 and not only.lines and only.blocks and only.blocks[0].head.startswith("if "):
        chain = only.blocks
        return (first, Block(f"el{chain[0].head}", chain[0].statements), *chain[1:])
    return (first, Block("else:", orelse))
