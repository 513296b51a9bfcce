"""A loop that asks to be checkpointed becomes a loop over segments of about the square root of its steps.

    loop(T, h, …; (t, h, …), checkpoint=True)

becomes, with s = floor(sqrt(T)) + 1,

    loop(ceil(T / s), h, …; (j, h, …) -> loop(min(s, T - j*s), h, …; t = j*s + k), recompute=True)

The adjoint of the outer loop keeps the carried values of each segment's begin and runs a segment again
before it goes back through it, so that some 2 sqrt(T) steps are held at a time, for one evaluation more
(Chen et al., "Training deep nets with sublinear memory cost", 2016).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node
from ..ops import argument
from ..ops.control import is_local, items, steps_dim
from ..types import INT, TUPLE
from .bodies import loops_replaced
from .structured import Fresh, names_in


@record(frozen=True)
class Checkpoint:
    name: str = "checkpoint"

    def run(self, graph: Graph) -> Graph:
        if not any(loop.get("checkpoint") for loop in _loops(graph)):
            return graph
        numbers = count(1 + max(map(_number, _loops(graph))))
        return _segmented(graph, numbers)


def _segmented(graph: Graph, numbers: Iterator[int]) -> Graph:
    names: dict[Node, str] = {}

    def values(loop: Node) -> list[Node] | None:
        if not _is_wanted(loop):
            return None
        outer = _in_segments(loop, numbers)
        names.update({outer.args[0]: "segments", outer.args[-2]: "size"})
        return [*items(outer)[:-1], loop.args[0]]  # the last is the number of steps

    graph = loops_replaced(graph, lambda body: _segmented(body, numbers), values)
    return replace(graph, names={**names, **graph.names}) if names else graph


def _is_wanted(loop: Node) -> bool:
    """Rows that a loop stacks would need a place of their own: a model's loop writes into arrays instead."""
    carries_all = len(loop["body"].outputs) == loop["carried"]
    return bool(loop.get("checkpoint")) and loop.get("condition") is None and bool(carries_all)


def _loops(graph: Graph) -> Iterator[Node]:
    """All loops, those in bodies too."""
    pending = [graph]
    while pending:
        for node in pending.pop().nodes():
            if node.type.kind == TUPLE:
                pending.extend(node.subgraphs())
            if node.op is ops.loop:
                yield node


def _number(loop: Node) -> int:
    """The number of a loop's own dim, 0 where it has none."""
    return max(
        (int(s[len("_steps") :]) for s in loop["length"].symbols if is_local(loop["length"])), default=0
    )


def _in_segments(loop: Node, numbers: Iterator[int]) -> Node:
    total, *operands = loop.args
    size = ops.to_int(ops.sqrt(ops.to_real(total))) + 1
    segments = ops.floordiv(total + (size - 1), size)
    body, carried = loop["body"], loop["carried"]
    fresh = Fresh(names_in(body))
    segment, length, end = (argument(fresh(name), INT) for name in ("segment", "size", "count"))
    inputs = [argument(node["name"], node.type) for node in body.inputs[1:]]
    start = segment * length
    steps = ops.minimum(length, end - start)
    inner = ops.loop(
        steps,
        *inputs,
        start,
        body=_at_offset(body, fresh),
        carried=carried,
        length=steps_dim(next(numbers)),
    )
    results = tuple((name, item) for (name, _), item in zip(body.outputs, items(inner)))
    names = {start: "first", steps: "steps"}
    outer = Graph((segment, *inputs, length, end), results, names)
    return ops.loop(
        segments,
        *operands,
        size,
        total,
        body=outer,
        carried=carried,
        length=steps_dim(next(numbers)),
        recompute=True,
    )


def _at_offset(body: Graph, fresh: Fresh) -> Graph:
    """The body of a step that is counted from the segment's first."""
    step, first = argument(fresh("step"), INT), argument(fresh("first"), INT)
    now = first + step
    graph = body.rewrite(lambda node, args: now if node is body.inputs[0] else node.with_args(args))
    names = {**graph.names, now: body.inputs[0]["name"]}
    return replace(graph, inputs=(step, *body.inputs[1:], first), names=names)
