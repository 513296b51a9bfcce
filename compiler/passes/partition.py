"""The joint graph of value and gradient in two: a forward and a backward pass, and what goes between.

    forward:  %1 h = tanh(x), %2 f = sum(%1)            saved: h
    backward: %1 = square(h), %2 = sub(1.0, %1), %3 d_x = mul(%2, d_f)

Saved is what the backward pass needs of the forward's values and of the arguments, and nothing else. A
value that is as cheap to make again from what is saved anyway is not saved: a reshape, a transpose, a
broadcast, a cast, a negative, a comparison. From -O1 on `saving.py` finds the cheapest choice. Shapes need no
saving: ops carry them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Graph, Node, topological, users
from ..ops import argument
from ..ops.checks import unguarded
from .dce import Dce
from .saving import CACHED, CHEAP, SHOWN, Prices, cheapest, explained, is_count, is_leaf, is_read

Outputs = tuple[tuple[str, Node], ...]


@record(frozen=True)
class Parts:
    """Both passes; `saved` names the forward's extra outputs, which are the backward's inputs."""

    forward: Graph
    backward: Graph
    saved: tuple[str, ...]


def partition(
    joint: Graph, gradients: int, seed: Node, recompute: bool = False, free: Collection[Node] = ()
) -> Parts:
    """Split a graph whose last `gradients` outputs are derivatives; `seed` is the target's cotangent.

    `recompute`: what is cheaper made again than saved is made again; `free` are values that need no saving.
    """
    values = saved_values(joint, gradients, (seed,), free, prices=CACHED if recompute else None)
    joint = explained(joint, gradients, [v for v in values if v.op.name != "argument"], "in the cache")
    count = len(joint.outputs) - gradients
    primal, derivatives = joint.outputs[:count], joint.outputs[count:]
    known = set(values)
    saved = [i for i in joint.inputs if i in known] + [v for v in values if v.op.name != "argument"]
    names = _names(joint, saved, primal, seed)
    kept = tuple((names[node], node) for node in saved)
    forward = replace(joint, inputs=tuple(i for i in joint.inputs if i is not seed), outputs=primal + kept)
    backward = _backward(joint, derivatives, names, seed)
    return Parts(Dce().run(forward), backward, tuple(names.values()))


def saved_values(
    joint: Graph,
    derivatives: int,
    cotangents: Collection[Node],
    free: Collection[Node] = (),
    moving: Collection[Node] = (),
    prices: Prices | None = None,
) -> list[Node]:
    """The values that the last outputs (so many) need of the others, in the order of computation.

    `cotangents` are the inputs that the derivatives alone have, `free` those that need no saving. Of these,
    what is read of a `moving` one, an array that a loop around changes, is saved all the same: lest the
    loop saves the array in each step. With `prices` it is the cheapest choice, without them the values that
    are used.
    """
    count = len(joint.outputs) - derivatives
    roots = [node for _, node in joint.outputs[count:]]
    own = set(topological(node for _, node in joint.outputs[:count]))
    own.update(i for i in joint.inputs if i not in cotangents)
    if ops.item in joint.ops:
        own.update(n for n in topological(roots) if n.op is ops.item and n.args[0] in own)
    if prices is not None and ops.square in joint.ops:
        own -= _summed_squares(joint.outputs[:count])
    found = _frontier(roots, own)
    chosen = None if prices is None else cheapest(found, free, moving, prices)
    if chosen is None:
        chosen = _used(found, free, moving)
    return [node for node in topological(found) if node in chosen]


def _summed_squares(primal: Outputs) -> set[Node]:
    """Squares that are summed and nothing else: the emitted sum is a product, without an array of them."""
    order = topological(node for _, node in primal)
    given = {node for _, node in primal}
    return {
        node
        for node, used in users(order).items()
        if node.op is ops.square
        and node not in given
        and used
        and all(user.op is ops.sum and not user.rank for user in used)
    }


def _used(found: Sequence[Node], free: Collection[Node], moving: Collection[Node]) -> set[Node]:
    """The values that are used, but for those that are as cheaply made again."""
    frontier, order = set(found), topological(found)
    for node in reversed(order):  # reversed: the argument of a reshape of a reshape comes last
        if node in frontier and node.op.name in SHOWN:
            frontier.remove(node)
            frontier.update(a for a in node.args if not is_leaf(a))
    frontier.difference_update(free)
    available = set(free)
    for node in order:
        at_hand = available.issuperset(node.args)
        read, cheap = is_read(node), node.op.name in CHEAP or is_count(node)
        if node in frontier and at_hand and (cheap or (read and node.args[0] not in moving)):
            frontier.remove(node)
            available.add(node)
        elif node in frontier or is_leaf(node) or ((node.op.name in SHOWN or is_count(node)) and at_hand):
            available.add(node)
    return frontier


def _frontier(roots: Iterable[Node], own: set[Node]) -> list[Node]:
    """The forward's values that the backward pass uses directly."""
    found: list[Node] = []  # no set: nodes are hashed by address, and the order decides the cache's
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node in seen or is_leaf(node):
            continue
        seen.add(node)
        if node in own:
            found.append(node)
        else:
            stack.extend(node.args)
    return found


def _names(joint: Graph, saved: Iterable[Node], primal: Outputs, seed: Node) -> dict[Node, str]:
    """A name for each saved node: the model's where it has one, else after its op; each its own."""
    outputs = {name: unguarded(node) for name, node in primal}
    taken = {i["name"] for i in joint.inputs} | set(joint.names.values()) | set(outputs)
    names: dict[Node, str] = {}
    used: set[str] = set()
    numbers: dict[str, int] = {}
    for node in saved:
        own = node["name"] if node.op.name == "argument" else joint.names.get(node)
        if own is None or own == seed["name"] or outputs.get(own, node) is not node or own in used:
            own = fresh_name(own or node.op.name, taken, numbers)
        taken.add(own)
        used.add(own)
        names[node] = own
    return names


def fresh_name(base: str, taken: set[str], numbers: dict[str, int]) -> str:
    """base_1, base_2, …; `numbers` remembers how far each base has come."""
    while True:
        numbers[base] = numbers.get(base, 0) + 1
        name = f"{base}_{numbers[base]}"
        if name not in taken:
            return name


def _backward(joint: Graph, derivatives: Outputs, names: Mapping[Node, str], seed: Node) -> Graph:
    """The derivatives in terms of the saved values, which become arguments."""
    given = {node: argument(name, node.type) for node, name in names.items()}
    images = dict(given)
    for node in topological([node for _, node in derivatives], beyond=given):
        images[node] = node.with_args([images.get(arg, arg) for arg in node.args])
    return Dce().run(
        Graph(
            (*given.values(), seed),
            tuple([(name, images[node]) for name, node in derivatives]),
            {images[node]: name for node, name in joint.names.items() if node in images},
            {image: joint.origins[node] for node, image in images.items() if node in joint.origins},
            joint.notes,
        )
    )
