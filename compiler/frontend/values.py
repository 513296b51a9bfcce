"""What an expression of a model can be while it is checked.

A `Node` is a value of the graph. A `Static` is an int that is known as an expression of the dims (`N`,
`2*H`, `3`), so that it can serve as a size, an axis or an index; where it meets a value it becomes a node.
`POISON` stands for what could not be checked, and whatever it touches is POISON without a further message.
"""

from __future__ import annotations

from collections import deque
from typing import Union

import numpy as np
from autodiffc.grammar.records import record

from .. import ir
from ..ir import Node
from ..ops.base import cast, dim_value
from ..passes.fold import is_affordable
from ..types import Dim, Kind, TypeProblem


@record(frozen=True)
class Static:
    """An int of the dims."""

    dim: Dim


@record(frozen=True)
class Text:
    """A string literal, where an option is named."""

    value: str


LARGEST_CONSTANT = 10_000  # elements of a constant that is computed now; a larger one is for run time


class Poison:
    """What follows from an error that has been reported."""


class Elsewhere(Poison):
    """What belongs to the model of another file; its use is an error."""


POISON = Poison()
Value = Union[Node, Static, Text, None, Poison, tuple["Value", ...]]


class ArgumentProblem(TypeProblem):
    """A problem with one argument of a call; shown at that argument."""

    def __init__(self, code: str, message: str, argument: str):
        super().__init__(code, message)
        self.argument = argument


def describe(value: Value) -> str:
    """A value in the model's terms, for messages."""
    if isinstance(value, Node):
        return str(value.type)
    if isinstance(value, Static):
        return f"the int {value.dim}"
    if isinstance(value, Text):
        return "a string"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)} values"
    return "None"


def as_value_node(value: Value) -> Node:
    """The value as a node of the graph; TypeProblem where it is no number."""
    if isinstance(value, Node):
        return value
    if isinstance(value, Static):
        known = value.dim.known
        return dim_value(value.dim) if known is None else ir.const(known)
    raise TypeProblem("E0204", f"{describe(value)} where a number or an array is expected")


def as_real(node: Node) -> Node:
    """The node as real; an int constant becomes a real constant on the spot."""
    return as_kind(node, "real")


def as_kind(node: Node, kind: Kind) -> Node:
    """The node promoted to `kind`."""
    if node.type.kind == kind:
        return node
    if node.op.name == "const" and kind == "real":
        value = node["value"]
        if isinstance(value, ir.Literal):
            return ir.const(np.asarray(value.array, np.float64))
        return ir.const(float(value))
    return cast(node, kind)


def number_of(value: Value) -> float | int | bool | None:
    """The value of a constant scalar expression, or None where it is not one."""
    if isinstance(value, Static):
        return value.dim.known
    if not isinstance(value, Node) or value.rank:
        return None
    array = evaluate_constant(value)
    return None if array is None else array.item()


def evaluate_constant(node: Node) -> ir.Array | None:
    """The array of a node that depends on no argument and no dim; None for others and for large ones."""
    if sources_of(node) != {"const"}:
        return None
    values: dict[Node, ir.Array] = {}
    for step in ir.topological([node]):
        if step.op.name == "const":
            literal = step["value"]
            values[step] = literal.array if isinstance(literal, ir.Literal) else np.asarray(literal)
        elif not is_affordable(step, LARGEST_CONSTANT) or any(isinstance(v, ir.Graph) for _, v in step.attrs):
            return None
        else:
            attrs = {name: _numbers(value) for name, value in step.attrs}
            try:
                with np.errstate(all="ignore"):
                    values[step] = np.asarray(step.op.eval(*(values[a] for a in step.args), **attrs))
            except np.linalg.LinAlgError:  # which is to be raised at run time
                return None
    return values[node]


def sources_of(node: Node) -> set[str]:
    """Out of what a value is made: the ops of its leaves (`argument`, `dim`, `const`), until one varies."""
    found: set[str] = set()
    seen: set[Node] = set()
    waiting = deque([node])  # the nearest first: a leaf that varies is seldom far
    while waiting and not found & {"argument", "dim"}:
        current = waiting.popleft()
        if current not in seen:
            seen.add(current)
            waiting.extend(current.args)
            if not current.args:
                found.add(current.op.name if current.op.name in ("argument", "dim") else "const")
    return found


def first_outside(node: Node, low: Dim, high: Dim) -> int | None:
    """The first element of a constant that is not in range(low, high); None where all may be."""
    known = evaluate_constant(node)
    if known is None or low.known is None or high.known is None:
        return None
    outside = known[(known < low.known) | (known >= high.known)]
    return int(outside[0]) if outside.size else None


def _numbers(value: object) -> object:
    if isinstance(value, Dim):
        return value.known
    return tuple(map(_numbers, value)) if isinstance(value, tuple) else value
