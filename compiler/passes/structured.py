"""What the adjoints of loops and branches have in common.

Reverse mode on a body gives the adjoint of the body; `optimise` simplifies the two together, a partition
decides what the body saves; a loop or a branch (`loop_adjoint.py`, `branch_adjoint.py`) is put around each.

What is given to a body (weights, data) has a sum of cotangents that the adjoint carries. The sum goes on from
what is known of the cotangent already, so that an array of which each step reads an element costs an element
a step, in nested loops and in branches too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from .. import ops
from ..ir import Graph, Node, topological
from .adjoints import Adjoints
from .dce import Dce
from .partition import fresh_name

Activity = Callable[[Iterable[Node], frozenset[Node]], set[Node]]


def active_results(node: Node, active: tuple[bool, ...], activity: Activity) -> frozenset[int]:
    """The positions of the results that depend on active operands."""
    if node.op is ops.branch:
        return frozenset().union(*(_active_outputs(side, active[1:], activity) for side in node.subgraphs()))
    return active_inside(node, active[1:], activity)[1]


@lru_cache(maxsize=256)  # nested bodies would be gone through again and again at each level
def _active_outputs(body: Graph, active: tuple[bool, ...], activity: Activity) -> frozenset[int]:
    wrt = frozenset(i for i, flag in zip(body.inputs, active) if flag)
    outputs = [output for _, output in body.outputs]
    found = activity(topological(outputs), wrt)
    return frozenset(i for i, output in enumerate(outputs) if output in found)


def active_inside(
    node: Node, active: tuple[bool, ...], activity: Activity
) -> tuple[tuple[bool, ...], frozenset[int]]:
    """Which of a loop's operands are active in some step, and which results."""
    flags, carried = list(active), range(node["carried"])
    while True:
        results = _active_outputs(node["body"], (False, *flags), activity)
        fresh = [i for i in carried if i in results and not flags[i]]
        if not fresh:
            break
        for i in fresh:
            flags[i] = True
    return tuple(flags), results | {i for i in carried if flags[i]}


def substitute(graph: Graph, replaced: Mapping[Node, Node]) -> Graph:
    """The graph with loops and branches in the place of others that have fewer results."""
    if not replaced:
        return graph
    stand_ins: dict[Node, Node] = {}

    def stand_in(node: Node) -> Node:
        if node.op is not ops.item or node.args[0] not in replaced:
            return node
        if node not in stand_ins:
            target = replaced[node.args[0]]
            stand_ins[node] = ops.item(target, position=_moved(node, target))
        return stand_ins[node]

    images: dict[Node, Node] = {}
    stack = [(stand_in(node), False) for _, node in graph.outputs]
    while stack:
        node, ready = stack.pop()
        if node in images:
            continue
        args = [stand_in(arg) for arg in node.args]
        if ready:
            images[node] = node.with_args(images[arg] for arg in args)
        else:
            stack.append((node, True))
            stack.extend((arg, False) for arg in reversed(args))
    images.update({old: images[new] for old, new in (*stand_ins.items(), *replaced.items()) if new in images})
    return graph.replace(images)


def _moved(item: Node, target: Node) -> int:
    """Where a result is now: new carried values follow the old ones, the number of steps stays the last."""
    position: int = item["position"]
    old = item.args[0]
    if target.op is not ops.loop or position < old["carried"]:
        return position
    if position == len(old.type.items) - 1:
        return len(target.type.items) - 1
    shift: int = target["carried"] - old["carried"]
    return position + shift


class Fresh:
    """Names that differ from each other."""

    def __init__(self, taken: Iterable[str]):
        self.taken = set(taken)
        self.numbers: dict[str, int] = {}

    def __call__(self, base: str) -> str:
        name = base if base not in self.taken else fresh_name(base, self.taken, self.numbers)
        self.taken.add(name)
        return name


def names_in(body: Graph) -> set[str]:
    inputs = {node["name"] for node in body.inputs}
    return inputs | set(body.names.values()) | {name for name, _ in body.outputs}


def name_of(node: Node, graph: Graph) -> str:
    """What is known of a value: its name, that of what it is a copy or a row of, its op."""
    copied = node.op is ops.detached and node not in graph.names
    own = node.args[0] if copied else node
    if own.op.name == "argument":
        return str(own["name"])
    return graph.names.get(own) or _row_name(own) or own.op.name


def _row_name(node: Node) -> str:
    """A_row for A[t]; '' for what is no row of an input."""
    if node.op is not ops.gather or node.args[0].op.name != "argument":
        return ""
    is_row = 0 < node.rank == node.args[0].rank - 1 and node["index"][0][0] == "array"
    return f"{node.args[0]['name']}_row" if is_row else ""


def with_adjoint(
    body: Graph, derivatives: tuple[tuple[str, Node], ...], given: tuple[Node, ...], adjoints: Adjoints
) -> Graph:
    """A body with its adjoint; what it is given besides are cotangents."""
    joint = replace(
        body,
        inputs=(*body.inputs, *given),
        outputs=(*body.outputs, *derivatives),
        names={**body.names, **adjoints.names},
        origins={**adjoints.origins, **body.origins},
    )
    return substitute(joint, adjoints.replaced)


def mapped(graph: Graph, images: Mapping[Node, Node]) -> Graph:
    """The graph with these nodes in the places of others."""
    return Dce().run(graph.with_images(images))
