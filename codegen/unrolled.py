"""The elements of a small array as numbers with names: `(W_00, W_01), (W_10, W_11) = W.tolist()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from autodiffc.compiler.ir import Node
from autodiffc.compiler.ops.unrolled import digits, pattern_of

from .blocks import Statement
from .pytext import ATOM, Expr
from .schedule import Step
from .telling import singular

if TYPE_CHECKING:
    from .control import StructuredBody


def _base(outer: StructuredBody, array: Node) -> str:
    """What an array is called, or that of which it is a row."""
    for node in (array, *array.args[:1]):
        name = outer.text(node).text if node in outer.values else ""
        if name.isidentifier():
            return name if node is array else singular(name) or name.removesuffix("_list")
    return "element"


def write_elements(outer: StructuredBody, step: Step) -> None:
    """Give the elements their names; those that nothing reads share one."""
    whole, (array,) = step.node, step.node.args
    items = outer.items_of(whole)
    sizes = tuple(int(dim.known or 0) for dim in array.shape)
    base = _base(outer, array)
    if array in outer.pending and outer.pending[array].updates:
        outer.settle(array)  # statements change it before it is read
    names = [
        outer.result_name(items[position], f"{base}_{digits(place, sizes)}")
        if position in items
        else outer.spare
        for position, place in enumerate(np.ndindex(*sizes))
    ]
    listed = outer.text(array) if array in outer.lists else f"{outer.text(array).within(ATOM)}.tolist()"
    text = f"{pattern_of(names, array.shape)} = {listed}"
    outer.pending.pop(array, None)
    outer.has_read(whole)
    outer.append(Statement(step.group, (text,), whole, ""))
    for position, nodes in items.items():
        for node in nodes:
            outer.give(step.group, node, Expr(names[position]))
