"""Stacked results as arrays or as lists: which of the two.

hs = np.empty((T, H))      rows of one size that is known before the loop
s_all = []                 scalars that are only read one by one, and rows of which only run time knows
                           how many there are, or how large
xs.append((x_0, x_1))      rows of numbers that are only read as numbers
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from autodiffc.compiler.ir import Graph, Node, fact
from autodiffc.compiler.ops.unrolled import elements, packed

from .context import Context, once
from .structure import list_depth
from .telling import is_stack

if TYPE_CHECKING:
    from .control import StructuredBody


def nesting(body: StructuredBody, node: Node) -> int:
    """How many lists and tuples there are around arrays or numbers of a stacked result: 0 for an array."""
    names = _names_of_outputs(body.graph).get(node, [])
    if not names:
        return node.rank if _is_of_numbers(node, body.graph, node) else list_depth(node)
    fields = listed_fields(body.context)
    return list_depth(node) if body.is_nested else min(fields.get(name, 0) for name in names)


def _is_of_numbers(stack: Node, graph: Graph, node: Node) -> bool:
    """Whether all that a graph reads of a stack, which it knows as `node`, are single numbers."""
    single = stack.rank == 1 and not list_depth(stack)
    return (single or has_rows_of_numbers(stack)) and is_read_as_numbers(graph, node)


def has_rows_of_numbers(node: Node) -> bool:
    """Whether each row of a stacked result is made of numbers, and of nothing else's use."""
    if not is_stack(node):
        return False
    body = node.args[0]["body"]
    row = body.outputs[node["position"]][1]
    outputs = [result for _, result in body.outputs]
    return row.op is packed and outputs.count(row) == 1 and not any(row in n.args for n in body.nodes())


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


def is_read_as_numbers(graph: Graph, node: Node) -> bool:
    """Whether a stack is read a row at a time, and of its rows only the numbers."""
    return node not in _read_as_arrays(graph)


def is_only_numbers(graph: Graph, node: Node) -> bool:
    """Whether a body reads the numbers of an input's rows, and does nothing else with it."""
    return node not in _names_of_outputs(graph) and is_read_as_numbers(graph, node)


@fact
def _read_whole(graph: Graph) -> frozenset[Node]:
    """What is used otherwise than a row at a time."""
    nodes = graph.nodes()
    return frozenset(
        a for node in nodes for i, a in enumerate(node.args) if not _reads_a_row(node, i, is_only_read)
    )


@fact
def _read_as_arrays(graph: Graph) -> frozenset[Node]:
    """What is used otherwise than for the numbers of single rows."""
    nodes, outputs = graph.nodes(), _names_of_outputs(graph)
    arrays = {a for node in nodes if node.op is not elements for a in node.args if a.rank}
    arrays |= {node for node in outputs if node.rank}
    return frozenset(
        a
        for node in nodes
        for i, a in enumerate(node.args)
        if node in arrays or not _reads_a_row(node, i, is_only_numbers)
    )


def _reads_a_row(user: Node, place: int, only: Callable[[Graph, Node], bool]) -> bool:
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
        return place >= given and all(only(body, body.inputs[place - first]) for body in bodies)
    return False


@once
def listed_fields(context: Context) -> dict[str, int]:
    """The fields of Cache that are lists, and how many lists and tuples there are in one another."""
    forward, backward = context.derivative.forward, context.derivative.backward
    if backward is None:
        return {}
    outputs, inputs = dict(forward.outputs), {n["name"]: n for n in backward.inputs}
    found = {}
    for name in context.derivative.saved:
        node = outputs[name]
        alone = _names_of_outputs(forward)[node] == [name] and is_stack(node)
        pairs = ((forward, node), (backward, inputs[name]))
        if alone and all(_is_of_numbers(node, graph, known) for graph, known in pairs):
            found[name] = node.rank
        elif list_depth(node):
            found[name] = list_depth(node)
    return found
