"""Loops and branches in all steps of a loop at once: each step of the inner loop serves all of the outer.

    for k: (for t: h = tanh(h @ U + x[t] @ W[k]))     ->     for t: h = tanh(h @ U + x[t] @ W)

where h and W have a leading axis for k in the new loop. What doesn't depend on k is computed once in each
step. Such a form there is where all ops of the body have one, and the number of steps and the conditions
are the same for all k.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from .. import ops
from ..ir import Graph, Node, Origin
from ..ops import argument
from ..ops.control import items
from ..types import TUPLE, Dim
from .batch import batched
from .operands import Operand, steps_first, with_axis
from .structured import Fresh, names_in

# Ops whose result, given the same operands, may be another: not to be shared between steps.
RANDOM = frozenset({"random_mask"})


def is_leaf(node: Node) -> bool:
    """Whether a value is made of nothing, and the same each time."""
    return not node.args and node.op.name not in RANDOM | {"argument"}


def inside(node: Node) -> Iterator[Node]:
    """The node, and all in its bodies."""
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        for body in top.subgraphs():
            stack.extend(body.nodes())


def image_of(node: Node, operands: Sequence[Operand], length: Dim) -> Operand | None:
    """The node on such operands; None where it has no such form."""
    if node.op is ops.item:
        return operands[0].items[node["position"]] if operands[0].items else None
    if node.type.kind == TUPLE:
        return _whole(node, operands, length)
    if not any(o.stacked for o in operands):
        return Operand(node.with_args(o.node for o in operands), False)
    image = batched(node, operands, length)
    return None if image is None else Operand(image, True)


def _whole(node: Node, operands: Sequence[Operand], length: Dim) -> Operand | None:
    if operands[0].stacked or node.get("condition") is not None:
        return None
    if not any(o.stacked for o in operands):
        same = node.with_args(o.node for o in operands)
        return Operand(same, False, tuple(Operand(i, False) for i in items(same)))
    if node.op is ops.loop:
        return _loop(node, operands, length)
    return _branch(node, operands, length) if node.op is ops.branch else None


# --- loops -------------------------------------------------------------------------------------------


def _loop(node: Node, operands: Sequence[Operand], length: Dim) -> Operand | None:
    body: Graph = node["body"]
    carried: int = node["carried"]
    count, *given = operands
    stacked = [o.stacked for o in given]
    constant = [(i, o) for i, o in enumerate(given) if i >= carried and is_leaf(o.node)]
    while True:
        step = _Body(body, [False, *stacked], length, {1 + i: o.node for i, o in constant})
        if not step.has_form:
            return None
        news = [p for p in range(carried) if step.results[p].stacked and not stacked[p]]
        if not news:
            break
        for p in news:
            stacked[p] = True
    flags = [*stacked[:carried], *(r.stacked for r in step.results[carried:])]
    args = [with_axis(o, length) if flag else o.node for o, flag in zip(given, stacked)]
    loop = node.op(count.node, *args, **{**dict(node.attrs), "body": step.graph(flags)})
    *results, steps = items(loop)
    rows = (
        Operand(steps_first(r, 1) if flag and p >= carried else r, flag)
        for p, (r, flag) in enumerate(zip(results, flags))
    )
    return Operand(loop, True, (*rows, Operand(steps, False)))


# --- branches ----------------------------------------------------------------------------------------


def _branch(node: Node, operands: Sequence[Operand], length: Dim) -> Operand | None:
    condition, *given = operands
    flags = [o.stacked for o in given]
    then, orelse = (_Body(node[side], flags, length) for side in ("then", "orelse"))
    if not (then.has_form and orelse.has_form):
        return None
    either = [a.stacked or b.stacked for a, b in zip(then.results, orelse.results)]
    sides = {"then": then.graph(either), "orelse": orelse.graph(either)}
    branch = ops.branch(condition.node, *(o.node for o in given), **sides)
    return Operand(branch, True, tuple(Operand(i, flag) for i, flag in zip(items(branch), either)))


# --- bodies ------------------------------------------------------------------------------------------


class _Body:
    """A body on operands of which some have the leading axis; `results` are its outputs.

    `constant` are the operands that are made of nothing, by position: the body makes them itself.
    """

    def __init__(
        self, body: Graph, flags: Sequence[bool], length: Dim, constant: Mapping[int, Node] | None = None
    ):
        self.body = body
        self.length = length
        fresh = Fresh(names_in(body))
        self.inputs = tuple(_input(i, flag, length, fresh) for i, flag in zip(body.inputs, flags))
        places = [(constant or {}).get(i, new) for i, new in enumerate(self.inputs)]
        self.images: dict[Node, Operand] = {
            old: Operand(new, flag) for old, new, flag in zip(body.inputs, places, flags)
        }
        self.has_form = all(map(self._enter, body.nodes()))

    def _enter(self, node: Node) -> bool:
        if node in self.images:
            return True
        image = self._image(node)
        if image is not None:
            self.images[node] = image
        return image is not None

    def _image(self, node: Node) -> Operand | None:
        if not node.args:
            return Operand(node, False) if is_leaf(node) else None
        return image_of(node, [self.images[a] for a in node.args], self.length)

    @property
    def results(self) -> list[Operand]:
        return [self.images[node] for _, node in self.body.outputs]

    def graph(self, flags: Sequence[bool]) -> Graph:
        """The new body, whose results have the leading axis where a flag is set."""
        images = {old: image.node for old, image in self.images.items()}
        outputs = tuple(
            (name, with_axis(result, self.length) if flag else result.node)
            for (name, _), result, flag in zip(self.body.outputs, self.results, flags)
        )
        names = {n: name + "s" * self._is_stacked(n) for n, name in self.body.names.items()}
        body = replace(replace(self.body, names=names).replace(images), inputs=self.inputs, outputs=outputs)
        return replace(body, origins={**origins_of(images.items(), self.body.origins), **body.origins})

    def _is_stacked(self, node: Node) -> bool:
        return node in self.images and self.images[node].stacked


def _input(node: Node, stacked: bool, length: Dim, fresh: Fresh) -> Node:
    if not stacked:
        return node
    return argument(fresh(f"{node['name']}s"), node.type.with_shape((length, *node.shape)))


def origins_of(
    images: Iterable[tuple[Node, Node]],
    origins: Mapping[Node, tuple[Origin, ...]],
    known: Iterable[Node] = (),
) -> dict[Node, tuple[Origin, ...]]:
    """Where images come from, and what was made for them; each after those that it is made of.

    `known` were there before.
    """
    found: dict[Node, tuple[Origin, ...]] = {}
    seen = set(known)
    for old, image in images:
        stack = [image]
        while stack:
            node = stack.pop()
            if node in seen or node.op.name == "argument":
                continue
            seen.add(node)
            found[node] = origins.get(old, ())
            stack.extend(node.args)
    return found
