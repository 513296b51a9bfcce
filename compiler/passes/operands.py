"""Values of all steps of a loop: a leading axis numbers the steps.

    x[t] of the steps t     Operand(x, stacked=True)
    W in every step         Operand(W, stacked=False)

What `batch.py` hands to its rules, and what they need to bring such values into one form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import mul

from autodiffc.grammar.records import record

from .. import ops
from ..ir import Node
from ..types import Dim


@record(frozen=True)
class Operand:
    """A value, and whether it has the leading axis; of a loop or a branch also what each item is."""

    node: Node
    stacked: bool
    items: tuple[Operand, ...] = ()

    @property
    def rank(self) -> int:
        """The rank in a step."""
        return self.node.rank - self.stacked


Rule = Callable[[Node, Sequence[Operand], Dim], "Node | None"]
ONE = Dim.of(1)


def again(node: Node, *args: Node, **changed: object) -> Node:
    """The node's op on other arguments, some attributes changed."""
    return node.op(*args, **{**dict(node.attrs), **changed})


def ranked(operand: Operand, rank: int) -> Node:
    """The operand with so many axes in a step, for broadcasting."""
    node = operand.node
    if not operand.stacked or operand.rank == rank:
        return node
    ones = (ONE,) * (rank - operand.rank)
    return ops.reshape(node, shape=(node.shape[0], *ones, *node.shape[1:]))


def with_axis(operand: Operand, length: Dim) -> Node:
    """The operand with the leading axis, also where it is the same in each step."""
    node = operand.node
    return node if operand.stacked else ops.broadcast_to(node, shape=(length, *node.shape))


def flat(stack: Node, kept: int) -> Node:
    """All but the last axes (so many) as one."""
    lead = reduce(mul, stack.shape[: stack.rank - kept], ONE)
    return ops.reshape(stack, shape=(lead, *stack.shape[stack.rank - kept :]))


def steps_first(node: Node, axis: int) -> Node:
    """The array with this axis in front of the others."""
    if axis == 0:
        return node
    return ops.transpose(node, axes=(axis, *(a for a in range(node.rank) if a != axis)))


def steps_at(node: Node, axis: int) -> Node:
    """The array whose first axis becomes this one."""
    if axis == 0:
        return node
    return ops.transpose(node, axes=(*range(1, axis + 1), 0, *range(axis + 1, node.rank)))
