"""A branch as `if … else`.

    h = item(branch(c, h; then: h -> tanh(h), orelse: h -> h), 0)     ->     if c:
                                                                                 h = np.tanh(h)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodiffc.compiler.ir import Node

from .blocks import Block, Slot, Statement
from .memory import passed_through
from .pytext import NOT, Expr
from .schedule import Step
from .telling import result_name

if TYPE_CHECKING:
    from .control import StructuredBody


def write_branch(outer: StructuredBody, step: Step) -> None:
    """Write the branch, and give its results their names."""
    branch, group = step.node, step.group
    items = outer.items_of(branch)
    condition = _condition(outer, step)
    slots, lines = _slots(outer, branch, items)
    outer._left.subtract(set(branch.args))
    blocks = []
    for side, memory, olds in zip((branch["then"], branch["orelse"]), outer.memory.inner[branch], _olds(branch)):
        given = {i: outer._operand(a, bool(a.rank)) for i, a in zip(side.inputs, branch.args[1:])}
        own = {}
        for position, (name, continues) in slots.items():
            old = olds[position] if continues else None
            own[position] = Slot(name, old)
            if old is not None:
                given[old] = Expr(name)
            if side.outputs[position][1].op.name == "undefined" and not _is_kept(outer, items[position]):
                del own[position]
        with outer.scope.block():
            body = outer.nested(memory.graph, given, memory)
            body.lists = {i for i, a in zip(side.inputs, branch.args[1:]) if a in outer.lists}
            body.write_nested(group, own, {})
        blocks.append(tuple(body.statements))
    outer.statements.append(Statement(group, lines, branch, "", _blocks(condition, *blocks)))
    for position, nodes in items.items():
        for node in nodes:
            outer._give(group, node, Expr(slots[position][0]))


def _condition(outer: StructuredBody, step: Step) -> Expr:
    branch = step.node
    for arg in dict.fromkeys(branch.args[1:]):
        if arg in outer.pending:
            outer._settle(arg, outer.pending[arg].group)
    condition = outer._operand(branch.args[0], False)
    outer.pending.pop(branch.args[0], None)
    return condition


def _olds(branch: Node) -> list[dict[int, Node]]:
    """For each side the inputs that results continue."""
    pairs = passed_through(branch)
    return [{p: side.inputs[t - 1] for p, t in pairs} for side in (branch["then"], branch["orelse"])]


def _slots(
    outer: StructuredBody, branch: Node, items: dict[int, list[Node]]
) -> tuple[dict[int, tuple[str, bool]], tuple[str, ...]]:
    """For each result that is used its variable, and whether that holds the argument that it continues."""
    continued = dict(passed_through(branch))
    slots: dict[int, tuple[str, bool]] = {}
    lines: list[str] = []
    for position, nodes in items.items():
        wanted = outer.wanted_name(nodes)
        target = continued.get(position)
        if target is not None:
            found = _continuing(outer, branch, position, target, wanted, nodes, lines)
            if found is not None:
                slots[position] = (found, True)
                continue
        name = wanted or result_name(nodes[0])
        slots[position] = (outer.result_name(nodes, name), False)
    return slots, tuple(lines)


def _continuing(
    outer: StructuredBody, branch: Node, position: int, target: int, wanted: str | None, nodes: list[Node], lines: list[str]
) -> str | None:
    """The variable of an argument that a result continues: its own, or that of a copy."""
    argument = branch.args[target]
    if any(node in outer.memory.in_place for node in nodes):
        return outer.values[argument].text
    sides = zip(outer.memory.inner[branch], _olds(branch))
    if any(olds[position] in memory.owned for memory, olds in sides):
        name = outer.result_name(nodes, wanted or result_name(nodes[0]))
        lines.append(f"{name} = {outer.values[argument]}.copy()")
        return name
    return outer.variable_of(argument, wanted, branch)


def _is_kept(outer: StructuredBody, nodes: list[Node]) -> bool:
    """Whether a result that may be missing is kept somewhere, so that its variable must exist."""
    outputs = {node for _, node in outer.graph.outputs}
    return any(node in outputs for node in nodes)


def _blocks(
    condition: Expr, then: tuple[Statement, ...], orelse: tuple[Statement, ...]
) -> tuple[Block, ...]:
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
