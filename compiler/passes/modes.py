"""A model for training or for prediction: what `in_training` stands for, once that is known.

    %2 = in_training(%1, %0)      trained:  %1             predicting:  %0

Runs before everything else, so that each graph is simplified as if the other did not exist.
"""

from __future__ import annotations

from ..ir import Graph, Node


def trained(graph: Graph) -> Graph:
    """The graph of forward() and value_and_grad()."""
    return graph.rewrite(lambda node, args: _chosen(node, args, 0), deep="training")


def predicting(graph: Graph) -> Graph:
    """The graph of predict()."""
    return graph.rewrite(lambda node, args: _chosen(node, args, 1), deep="predicting")


def has_modes(graph: Graph) -> bool:
    """Whether training and prediction differ."""
    return predicting(graph) is not graph


def _chosen(node: Node, args: tuple[Node, ...], mode: int) -> Node:
    return args[mode] if node.op.name == "in_training" else node.with_args(args)
