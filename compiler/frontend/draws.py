"""The random masks of a model become arguments of its graph, so that every pass takes them as they are.

    random_mask(shape=(<N>, <H>), rate=0.5)     ->     mask: bool[N, H] = argument(), Draw("mask", (N, H), 0.5)

So no mask is drawn twice, none is merged with another, and what was kept forward is kept backward.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ..ir import Graph
from ..model import Draw
from ..ops import argument


def masks_as_arguments(graph: Graph, taken: Collection[str]) -> tuple[Graph, tuple[Draw, ...]]:
    """The graph with its masks as further inputs, named unlike the names that are taken."""
    masks = [node for node in graph.nodes() if node.op.name == "random_mask"]
    if not masks:
        return graph, ()
    names = _names(len(masks), taken)
    given = {node: argument(name, node.type) for node, name in zip(masks, names)}
    graph = graph.rewrite(lambda node, args: given.get(node) or node.with_args(args))
    draws = tuple(Draw(name, node.shape, node["rate"]) for node, name in zip(masks, names))
    return replace(graph, inputs=(*graph.inputs, *given.values())), draws


def _names(count: int, taken: Collection[str]) -> list[str]:
    """mask, mask_2, …"""
    found: list[str] = []
    number = 1
    while len(found) < count:
        name = f"mask_{number}" if number > 1 else "mask"
        found += [] if name in taken else [name]
        number += 1
    return found
