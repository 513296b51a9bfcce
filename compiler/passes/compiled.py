"""Patterns as the search wants them: flattened as `views` flattens graphs.

>>> from autodiffc.compiler import ops
>>> x = ops.pattern_variable("x")
>>> compiled(ops.log(1.0 - x))
Call(op='log', args=(SumPattern(constant=1.0, terms=((-1.0, Variable(name='x')),)),), attrs=())
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Union

from autodiffc.grammar.records import record

from ..ir import Node
from .views import Views

Bindings = Mapping[str, Any]


@record(frozen=True)
class AttributeVariable:
    name: str


@record(frozen=True)
class Variable:
    name: str
    family: str = field(default="variable", repr=False)


@record(frozen=True)
class Number:
    value: float
    family: str = field(default="number", repr=False)


@record(frozen=True)
class Call:
    op: str
    args: tuple[Pattern, ...]
    attrs: tuple[tuple[str, Any], ...]

    @property
    def family(self) -> str:
        return self.op


@record(frozen=True)
class SumPattern:
    constant: float
    terms: tuple[tuple[float, Pattern], ...]
    family: str = field(default="sum", repr=False)


@record(frozen=True)
class ProductPattern:
    factor: float
    powers: tuple[tuple[Pattern, int], ...]
    family: str = field(default="product", repr=False)


Pattern = Union[Variable, Number, Call, SumPattern, ProductPattern]


def compiled(node: Node, views: Views | None = None) -> Pattern:
    """A pattern of nodes as the search wants it: flattened as graphs are."""
    views = views or Views()
    if node.op.name == "pattern":
        return Variable(node["name"])
    value = views.number(node)
    if value is not None:
        return Number(value)
    total = views.sum(node, deep=False)
    if total.terms != ((1.0, node),) and (len(total.terms) > 1 or total.constant):
        return SumPattern(total.constant, tuple((c, compiled(t, views)) for c, t in total.terms))
    product = views.product(node)
    if product.powers != ((node, 1),):
        return ProductPattern(product.factor, tuple((compiled(b, views), e) for b, e in product.powers))
    return Call(node.op.name, tuple(compiled(a, views) for a in node.args), node.attrs)


def labels_of(pattern: Pattern) -> frozenset[str]:
    """The ops that a node must be made of for the pattern to match its sums and products."""
    if isinstance(pattern, Call):
        return frozenset((pattern.op,))
    if isinstance(pattern, SumPattern):
        return frozenset().union(*(labels_of(t) for _, t in pattern.terms))
    if isinstance(pattern, ProductPattern):
        squares = (frozenset(("square",)) for b, e in pattern.powers if e == 2 and isinstance(b, Variable))
        return frozenset().union(*squares, *(labels_of(b) for b, _ in pattern.powers))
    return frozenset()


def bound_attributes(pattern: Call, node: Node, b: Bindings) -> Bindings | None:
    """The bindings with the attribute variables; None where an attribute differs.

    For reductions `keepdims` is bound to what the first one does, and `aligned` to whether they broadcast
    against their argument.
    """
    bound = dict(b)
    for name, wanted in pattern.attrs:
        if name == "keepdims":
            continue
        value = node[name]
        if not isinstance(wanted, AttributeVariable):
            if wanted != value:
                return None
        elif bound.setdefault(wanted.name, value) != value:
            return None
    return bound
