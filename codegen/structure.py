"""Facts about loops and branches that the way they are written rests on.

branch(c, h; then: h -> tanh(h), orelse: h -> h)      its result goes on in the variable of h
loop(…; body: … -> h', h)                             a stack of what each step begins with
"""

from __future__ import annotations

from autodiffc.compiler.ir import Graph, Node, fact
from autodiffc.compiler.ops.control import may_be_missing

UPDATES = frozenset({"set_at", "add_at"})


@fact  # nested branches would be looked at over and over again
def passed_through(branch: Node) -> tuple[tuple[int, int], ...]:
    """The results that continue an argument: pairs of the result's and the argument's position.

    A side hands the argument on, or changes elements of it.
    """
    then, orelse = branch["then"], branch["orelse"]
    found: dict[int, int] = {}
    for position in range(len(then.outputs)):
        for side in (orelse, then):
            node = _changed(side.outputs[position][1])
            if node in side.inputs and side.inputs.index(node) + 1 not in found.values():
                found.setdefault(position, side.inputs.index(node) + 1)
    return tuple(found.items())


def _changed(node: Node) -> Node:
    """What a value was before elements of it were changed."""
    while True:
        if node.op.name in UPDATES:
            node = node.args[0]
        elif (
            node.op.name == "item"
            and node.args[0].op.name == "loop"
            and node["position"] < node.args[0]["carried"]
        ):
            if _changed(node.args[0]["body"].outputs[node["position"]][1]) is not _input(node):
                return node
            node = node.args[0].args[node["position"] + 1]
        elif node.op.name == "item" and node.args[0].op.name == "branch":
            target = dict(passed_through(node.args[0])).get(node["position"])
            if target is None:
                return node
            node = node.args[0].args[target]
        else:
            return node


def _input(item: Node) -> Node:
    """The body's input that a carried result of a loop comes back as."""
    found: Node = item.args[0]["body"].inputs[item["position"] + 1]
    return found


@fact
def continued_stacks(loop: Node) -> list[tuple[int, int]]:
    """Stacks of a carried value before each step, with those of the same value after each step.

    Both are shown by one array that is longer by one row.
    """
    body, carried = loop["body"], loop["carried"]
    rows = {node: p for p, (_, node) in enumerate(body.outputs) if p >= carried}
    found = []
    for place in range(carried):
        before, after = rows.get(body.inputs[place + 1]), rows.get(body.outputs[place][1])
        if before is not None and after is not None and before != after:
            found.append((before, after))
    return found


def begun_stacks(loop: Node) -> list[tuple[int, int]]:
    """Stacks of a carried value before each step, of which none is there after each, and its own position."""
    body, carried = loop["body"], loop["carried"]
    rows = {node: p for p, (_, node) in enumerate(body.outputs) if p >= carried}
    places = [(rows.get(body.inputs[place + 1]), place) for place in range(carried)]
    return [(p, place) for p, place in places if p is not None and body.outputs[place][1] not in rows]


def keeps_references(loop: Node, position: int) -> bool:
    """Whether a stacked result is a list of the rows themselves, not an array that they are copied into."""
    row = loop["body"].outputs[position][1]
    return has_loose_rows(loop, position) or not row.rank


def has_loose_rows(loop: Node, position: int) -> bool:
    """Whether rows have no common size that is known before the loop, or may be missing."""
    row = loop["body"].outputs[position][1]
    varying = lengths_in(loop["body"]) & {s for d in row.shape for s in d.symbols}
    return condition_of(loop) is not None or bool(varying or list_depth(row)) or may_be_missing(row)


def list_depth(node: Node) -> int:
    """How many lists there are around the arrays or numbers of a result: lists of rows, lists of these, …"""
    if node.op.name != "item":
        return 0
    whole, position = node.args[0], node["position"]
    if whole.op.name == "branch":
        return max(list_depth(side.outputs[position][1]) for side in whole.subgraphs())
    if whole.op.name != "loop":
        return 0
    body = whole["body"]
    if not whole["carried"] <= position < len(body.outputs):
        return 0
    return int(has_loose_rows(whole, position)) + list_depth(body.outputs[position][1])


def condition_of(loop: Node) -> Graph | None:
    """The condition of a `while`."""
    return next((value for name, value in loop.attrs if name == "condition"), None)


@fact
def lengths_in(graph: Graph) -> set[str]:
    """The numbers of steps of the loops in a graph that only run time knows."""
    found: set[str] = set()
    for node in graph.nodes():
        for inner in node.subgraphs():
            found |= lengths_in(inner)
        if node.op.name == "loop":
            found |= {s for s in node["length"].symbols if s.startswith("_")}
    return found
