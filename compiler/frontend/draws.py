"""The random masks of a model become arguments of its graph, so that every pass takes them as they are.

    random_mask(shape=(<N>, <H>), rate=0.5)   ->   mask: bool[N, H] = argument(), Draw("mask", (N, H), 0.5)

So no mask is drawn twice, none is merged with another, and what was kept forward is kept backward. Of a
loop the masks of all steps are one argument, of which each step takes its own; those of a branch are drawn
whether it is taken or not. A loop that a model also differentiates takes the same masks there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from .. import ops
from ..ir import Graph, Node
from ..model import Draw
from ..ops import argument
from ..ops.indexing import row
from ..types import Dim


def masks_as_arguments(graph: Graph, taken: Collection[str]) -> tuple[Graph, tuple[Draw, ...]]:
    """The graph with its masks as further inputs, named unlike the names that are taken."""
    if ops.random_mask not in graph.ops:
        return graph, ()
    graph = graph.rewrite(_Lifting())
    masks = _masks(graph)
    names = _names(len(masks), taken)
    given = {node: argument(name, node.type) for node, name in zip(masks, names)}
    graph = graph.with_images(given)
    draws = tuple(Draw(name, node.shape, node["rate"]) for node, name in zip(masks, names))
    return replace(graph, inputs=(*graph.inputs, *given.values())), draws


def _masks(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes() if node.op is ops.random_mask]


class _Lifting:
    """A loop or a branch is given the masks that are drawn in it."""

    def __init__(self) -> None:
        self.stacks: dict[Node, Node] = {}  # by the mask of a step: those of all steps

    def __call__(self, node: Node, args: tuple[Node, ...]) -> Node:
        new = node.with_args(args).map_subgraphs(lambda body: body.rewrite(self))
        masks = {name: _masks(body) for name, body in new.attrs if isinstance(body, Graph)}
        if not any(masks.values()):
            return new
        is_loop = new.op is ops.loop
        found = [mask for group in masks.values() for mask in group]
        return _given(new, masks, [self._of_all_steps(m, new["length"]) for m in found] if is_loop else found)

    def _of_all_steps(self, mask: Node, length: Dim) -> Node:
        if mask not in self.stacks:
            attributes = {**dict(mask.attrs), "shape": (length, *mask.shape)}
            self.stacks[mask] = ops.random_mask(**attributes)
        return self.stacks[mask]


def _given(new: Node, masks: Mapping[str, Sequence[Node]], drawn: Sequence[Node]) -> Node:
    """A loop or a branch with further arguments: what is drawn for it."""
    is_loop = new.op is ops.loop
    names = _names(len(drawn), {i["name"] for body in new.subgraphs() for i in body.inputs})
    given = [argument(name, mask.type) for name, mask in zip(names, drawn)]
    images = dict(zip((mask for found in masks.values() for mask in found), given))
    bodies = {}
    for name in masks:
        body = new[name]
        step = body.inputs[0]
        taken = {mask: row(image, step) if is_loop else image for mask, image in images.items()}
        body = body.with_images(taken)
        bodies[name] = replace(body, inputs=(*body.inputs, *given))
    return new.op(*new.args, *drawn, **{**dict(new.attrs), **bodies})


def _names(count: int, taken: Collection[str]) -> list[str]:
    """mask, mask_2, …"""
    found: list[str] = []
    number = 1
    while len(found) < count:
        name = f"mask_{number}" if number > 1 else "mask"
        found += [] if name in taken else [name]
        number += 1
    return found
