"""Stacked results as arrays or as lists: which of the two.

hs = np.empty((T, H))      rows of one size that is known before the loop
s_all = []                 scalars that are only read one by one, and rows of which only run time knows
                           how many there are, or how large
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodiffc.compiler.ir import Graph, Node, fact

from .context import Context, once
from .structure import list_depth
from .telling import is_stack

if TYPE_CHECKING:
    from .control import StructuredBody


def is_list(body: StructuredBody, node: Node) -> bool:
    """Whether a stacked result of a loop is kept as a list."""
    if list_depth(node):
        return True
    names = _names_of_outputs(body.graph).get(node, [])
    if names and (body.is_nested or any(name not in listed_fields(body.context) for name in names)):
        return False
    return node.rank == 1 and is_read_by_row(body.graph, node)


@fact
def _names_of_outputs(graph: Graph) -> dict[Node, list[str]]:
    found: dict[Node, list[str]] = {}
    for name, node in graph.outputs:
        found.setdefault(node, []).append(name)
    return found


def is_read_by_row(graph: Graph, node: Node) -> bool:
    """Whether a stack is read a row at a time, and never as a whole."""
    return node not in _read_whole(graph)


def is_only_read(graph: Graph, node: Node) -> bool:
    """Whether a body reads an input a row at a time, and does nothing else with it."""
    return node not in _names_of_outputs(graph) and is_read_by_row(graph, node)


@fact
def _read_whole(graph: Graph) -> frozenset[Node]:
    """What is used otherwise than a row at a time."""
    nodes = graph.nodes()
    return frozenset(a for node in nodes for i, a in enumerate(node.args) if not _reads_a_row(node, i))


def _reads_a_row(user: Node, place: int) -> bool:
    if user.op.name in ("gather", "getitem"):
        (kind, *_), *rest = user["index"]
        node, *positions = user.args
        single = kind == "at" or (kind == "array" and not any(a.rank for a in positions))
        whole = all(
            i[0] == "slice" and i[1].known == 0 and i[2] == d and i[3] == 1
            for i, d in zip(rest, node.shape[1:])
        )
        return single and whole and place == 0
    if user.op.name in ("loop", "branch"):
        first, given = (0, user["carried"] + 1) if user.op.name == "loop" else (1, 1)
        bodies = user.subgraphs()
        return place >= given and all(is_only_read(body, body.inputs[place - first]) for body in bodies)
    return False


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
        alone = _names_of_outputs(forward)[node] == [name]
        numbers = node.rank == 1 and alone and is_stack(node)
        if list_depth(node):
            found[name] = list_depth(node)
        elif numbers and is_read_by_row(forward, node) and is_read_by_row(backward, inputs[name]):
            found[name] = 1
    return found
