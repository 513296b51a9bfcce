"""A model for training or for prediction: what `in_training` stands for, once that is known.

    %2 = in_training(%1, %0)      trained:  %1             predicting:  %0

Runs before everything else, so that each graph is simplified as if the other did not exist.
"""

from __future__ import annotations

from .. import ops
from ..ir import Graph, Node


def trained(graph: Graph) -> Graph:
    """The graph of forward() and value_and_grad()."""
    return _in_mode(graph, 0, "training")


def predicting(graph: Graph) -> Graph:
    """The graph of predict()."""
    return _in_mode(graph, 1, "predicting")


def has_modes(graph: Graph) -> bool:
    """Whether training and prediction differ."""
    return ops.in_training in graph.ops


def _in_mode(graph: Graph, mode: int, name: str) -> Graph:
    def step(node: Node, args: tuple[Node, ...]) -> Node:
        return args[mode] if node.op is ops.in_training else node.with_args(args)

    return graph.rewrite(step, deep=name) if has_modes(graph) else graph
