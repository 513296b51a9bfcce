"""Stacked results as arrays or as lists: which of the two.

hs = np.empty((T, H))      rows of one size that is known before the loop
s_all = []                 scalars that are only read one by one, and rows of which only run time knows
                           how many there are, or how large
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodiffc.compiler.ir import Graph, Node, users

from .context import Context, once
from .structure import list_depth
from .telling import is_stack

if TYPE_CHECKING:
    from .control import StructuredBody


def is_list(body: StructuredBody, node: Node) -> bool:
    """Whether a stacked result of a loop is kept as a list."""
    if list_depth(node):
        return True
    names = [name for name, output in body.graph.outputs if output is node]
    if names and (body.is_nested or any(name not in listed_fields(body.context) for name in names)):
        return False
    return node.rank == 1 and is_read_by_row(body.graph, node)


def is_read_by_row(graph: Graph, node: Node) -> bool:
    """Whether a stack is read a row at a time, and never as a whole."""
    return all(_reads_a_row(user, node) for user in users(graph.nodes()).get(node, ()))


def _reads_a_row(user: Node, node: Node) -> bool:
    if user.op.name in ("gather", "getitem"):
        index = user["index"]
        first, *rest = index
        single = first[0] == "at" or (first[0] == "array" and not any(a.rank for a in user.args[1:]))
        whole = all(
            i[0] == "slice" and i[1].known == 0 and i[2] == d and i[3] == 1
            for i, d in zip(rest, node.shape[1:])
        )
        return single and whole and user.args.count(node) == 1 and user.args[0] is node
    if user.op.name in ("loop", "branch"):
        places = [i for i, a in enumerate(user.args) if a is node]
        if user.op.name == "loop" and any(i <= user["carried"] for i in places):
            return False
        first_input = 0 if user.op.name == "loop" else 1
        bodies = list(user.subgraphs())
        return all(is_only_read(b, b.inputs[i - first_input]) for b in bodies for i in places)
    return False


def is_only_read(graph: Graph, node: Node) -> bool:
    """Whether a body reads an input a row at a time, and does nothing else with it."""
    return all(output is not node for _, output in graph.outputs) and is_read_by_row(graph, node)


@once
def listed_fields(context: Context) -> dict[str, int]:
    """The fields of Cache that are lists, and how many lists there are in one another."""
    forward, backward = context.derivative.forward, context.derivative.backward
    if backward is None:
        return {}
    outputs, inputs = dict(forward.outputs), {n["name"]: n for n in backward.inputs}
    found = {}
    for name in context.derivative.saved:
        node = outputs[name]
        alone = [n for n, output in forward.outputs if output is node] == [name]
        numbers = node.rank == 1 and alone and is_stack(node)
        if list_depth(node):
            found[name] = list_depth(node)
        elif numbers and is_read_by_row(forward, node) and is_read_by_row(backward, inputs[name]):
            found[name] = 1
    return found
