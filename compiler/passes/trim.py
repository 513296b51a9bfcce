"""Loops and branches without the results that nothing uses, and without operands that they don't read.

    (h, hs, zs) = loop(T, h_0, x, x, c; (t, h, x1, x2, c) -> (h', h', z))        c' = c, zs is not used

becomes a loop that is given x once and c, and stacks h' alone. A carried value stays as long as the results
that are used, or the condition, depend on it. Results that are the same value are one result, and one that
no step changes is the operand itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node, topological
from ..types import TUPLE


@record(frozen=True)
class _Trimmed:
    """What a loop or a branch became, and what stands for each of its results: a position or an operand."""

    node: Node
    results: Mapping[int, int | Node]


def trimmed(graph: Graph, clean: Callable[[Graph], Graph]) -> Graph:
    """The graph with trimmed loops and branches; `clean` is run on their bodies."""
    used: dict[Node, set[int]] = {}
    for node in graph.nodes():
        if node.op is ops.item:
            used.setdefault(node.args[0], set()).add(node["position"])
    made: dict[Node, _Trimmed] = {}
    taken: dict[tuple[Node, int], Node] = {}

    def step(node: Node, args: tuple[Node, ...]) -> Node:
        if node.op is ops.item:
            result = made[node.args[0]].results[node["position"]]
            if isinstance(result, Node):
                return result
            same = args == node.args and result == node["position"]
            return taken.setdefault((args[0], result), node if same else ops.item(args[0], position=result))
        new = node.with_args(args)
        if node.type.kind != TUPLE:
            return new.map_subgraphs(clean)
        made[node] = TRIMS[node.op.name](new, used.get(node, set()), clean)
        return made[node].node

    return graph.rewrite(step)


def _inputs_of(graph: Graph, outputs: Iterable[Node]) -> set[Node]:
    return set(topological(outputs)).intersection(graph.inputs)


def _first_of_each(values: Sequence[object], positions: Iterable[int]) -> dict[int, int]:
    """For each position the first one with the same value."""
    first: dict[object, int] = {}
    return {p: first.setdefault(values[p], p) for p in positions}


def _merged(graph: Graph, same: Mapping[Node, Node]) -> Graph:
    """The graph with inputs in the places of others."""
    return graph.with_images(same) if same else graph


def _with_outputs(body: Graph, kept: Sequence[int]) -> Graph:
    if list(kept) == list(range(len(body.outputs))):
        return body
    return replace(body, outputs=tuple(body.outputs[p] for p in kept))


def _with_inputs(body: Graph, kept: Sequence[int]) -> Graph:
    """A body with some of its inputs, in this order; the others have no name any more."""
    inputs = tuple(body.inputs[p] for p in kept)
    gone = set(body.inputs).difference(inputs)
    names = {node: name for node, name in body.names.items() if node not in gone}
    origins = {node: places for node, places in body.origins.items() if node not in gone}
    return replace(body, inputs=inputs, names=names, origins=origins)


# --- branches ------------------------------------------------------------------------------------


def _trim_branch(node: Node, used: set[int], clean: Callable[[Graph], Graph]) -> _Trimmed:
    condition, *operands = node.args
    sides = [_merged_operands(side, operands) for side in (node["then"], node["orelse"])]
    outputs = list(zip(*([value for _, value in side.outputs] for side in sides)))
    given = dict(zip(zip(*(side.inputs for side in sides)), operands))
    results: dict[int, int | Node] = {p: given[outputs[p]] for p in sorted(used) if outputs[p] in given}
    first = _first_of_each(outputs, [p for p in sorted(used) if p not in results])
    kept = list(dict.fromkeys(first.values()))
    results.update({p: kept.index(first[p]) for p in first})
    sides = [clean(_with_outputs(side, kept)) for side in sides]
    read = [_inputs_of(side, (value for _, value in side.outputs)) for side in sides]
    needed = [i for i in range(len(operands)) if any(side.inputs[i] in r for side, r in zip(sides, read))]
    same = len(needed) == len(operands) and len(kept) == len(outputs)
    if same and sides[0] is node["then"] and sides[1] is node["orelse"]:
        return _Trimmed(node, results)
    then, orelse = (_with_inputs(side, needed) for side in sides)
    told = {name: value for name, value in node.attrs if name == "note"}
    new = ops.branch(condition, *(operands[i] for i in needed), then=then, orelse=orelse, **told)
    return _Trimmed(new, results)


def _merged_operands(body: Graph, operands: Sequence[Node], skipped: int = 0) -> Graph:
    """Where an operand is given twice, the first of its inputs; those before `skipped` stay."""
    positions = range(skipped, len(operands))
    first = _first_of_each(operands, positions)
    offset = len(body.inputs) - len(operands)
    return _merged(
        body, {body.inputs[offset + p]: body.inputs[offset + q] for p, q in first.items() if p != q}
    )


# --- loops ---------------------------------------------------------------------------------------


def _trim_loop(node: Node, used: set[int], clean: Callable[[Graph], Graph]) -> _Trimmed:
    count, *operands = node.args
    carried: int = node["carried"]
    body = _merged_operands(node["body"], operands, carried)
    condition: Graph | None = node.get("condition")
    if condition is not None:
        condition = clean(_merged_operands(condition, operands, carried))
    inputs, outputs = body.inputs[1:], [value for _, value in body.outputs]
    fixed = {p for p in range(carried) if outputs[p] is inputs[p]}
    states = _needed_states(body, condition, carried, used)
    results: dict[int, int | Node] = {p: operands[p] for p in used & fixed}
    stacked = [p for p in sorted(used) if carried <= p < len(outputs)]
    first = _first_of_each(outputs, stacked)
    kept_states = [p for p in states if p not in fixed]
    kept = [*kept_states, *dict.fromkeys(first.values())]
    results.update({p: kept.index(p) for p in kept_states})
    results.update({p: kept.index(first[p]) for p in stacked})
    results[len(outputs)] = len(kept)
    body = clean(_with_outputs(body, kept))
    ends = [value for graph in (body, condition) if graph for _, value in graph.outputs]
    read = set(topological(ends))
    given = [
        p
        for p in (*sorted(fixed), *range(carried, len(operands)))
        if inputs[p] in read or (condition is not None and condition.inputs[1 + p] in read)
    ]
    order = [*kept_states, *given]
    whole = order == list(range(len(operands))) and len(kept) == len(outputs)
    if whole and body is node["body"] and condition is node.get("condition"):
        return _Trimmed(node, results)
    numbers = [0, *(1 + p for p in order)]
    attrs = {**dict(node.attrs), "body": _with_inputs(body, numbers), "carried": len(kept_states)}
    if condition is not None:
        attrs["condition"] = _with_inputs(condition, numbers)
    return _Trimmed(ops.loop(count, *(operands[p] for p in order), **attrs), results)


def _needed_states(body: Graph, condition: Graph | None, carried: int, used: set[int]) -> list[int]:
    """The carried values that the used results, or the condition, depend on."""
    outputs = [value for _, value in body.outputs]
    needed = {p for p in used if p < len(outputs)}
    if condition is not None:
        read = _inputs_of(condition, (value for _, value in condition.outputs))
        needed |= {p for p in range(carried) if condition.inputs[1 + p] in read}
    while True:
        read = _inputs_of(body, (outputs[p] for p in sorted(needed)))
        fresh = {p for p in range(carried) if body.inputs[1 + p] in read} - needed
        if not fresh:
            return [p for p in range(carried) if p in needed]
        needed |= fresh


# --- tiles ---------------------------------------------------------------------------------------


def _trim_tiled(node: Node, used: set[int], clean: Callable[[Graph], Graph]) -> _Trimmed:
    kept = sorted(used)
    body = clean(_with_outputs(node["body"], kept))
    read = _inputs_of(body, (value for _, value in body.outputs))
    needed = [i for i, given in enumerate(body.inputs) if given in read]
    results: dict[int, int | Node] = {p: kept.index(p) for p in kept}
    if body is node["body"] and len(needed) == len(node.args):
        return _Trimmed(node, results)
    new = ops.tiled(
        *(node.args[i] for i in needed),
        body=_with_inputs(body, needed),
        axes=tuple(node["axes"][i] for i in needed),
        rows=tuple(node["rows"][p] for p in kept),
        **{name: value for name, value in node.attrs if name in ("length", "width", "kept")},
    )
    return _Trimmed(new, results)


def _kept(node: Node, used: set[int], clean: Callable[[Graph], Graph]) -> _Trimmed:
    """What has no body has nothing to trim."""
    return _Trimmed(node, {position: position for position in used})


TRIMS = {"loop": _trim_loop, "branch": _trim_branch, "tiled": _trim_tiled, "elements": _kept}
