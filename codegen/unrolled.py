"""The elements of a small array as numbers with names: `(W_00, W_01), (W_10, W_11) = W.tolist()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodiffc.compiler.ops.unrolled import pattern_of

from .blocks import Statement
from .pytext import ATOM, Expr
from .schedule import Step

if TYPE_CHECKING:
    from .control import StructuredBody


def write_elements(outer: StructuredBody, step: Step) -> None:
    """Give the elements their names; those that nothing reads share one."""
    whole, (array,) = step.node, step.node.args
    items = outer.items_of(whole)
    names = [
        outer.result_name(items[position], "element") if position in items else outer.spare
        for position in range(len(whole.type.items))
    ]
    text = f"{pattern_of(names, array.shape)} = {outer.text(array).within(ATOM)}.tolist()"
    outer.has_read(whole)
    outer.append(Statement(step.group, (text,), whole, ""))
    for position, nodes in items.items():
        for node in nodes:
            outer.give(step.group, node, Expr(names[position]))
