"""What a loop counts: the step's number is shifted and scaled so that the model's variable is the loop's.

    body: t = 1 + k, …x[t]…x[k]…        ->      for t in range(1, T): …x[t]…x[t - 1]…

Ints that are sums and multiples of the step's number are forms `scale * k + offset`; an offset is a dim, in
which ints that only run time knows stand as symbols `~1`, `~2`, ….
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from autodiffc.compiler.ir import Graph, Node, const_value
from autodiffc.compiler.types import Dim, Opaque
from autodiffc.grammar.records import record

from .pytext import Expr, call

COMBINED: dict[str, Callable[[Dim, Dim], Dim]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": operator.floordiv,
    "maximum": Dim.maximum,
    "minimum": Dim.minimum,
}
MOST_TERMS = 4
ZERO = Dim.of(0)


@dataclass
class Ints:
    """Scalar ints as dims; `texts` has what the symbols stand for."""

    texts: dict[str, Expr] = field(default_factory=dict)
    known: dict[Node, Dim] = field(default_factory=dict)

    def of(self, node: Node, text: Callable[[Node], Expr | None]) -> Dim | None:
        """The node as a dim; None where it is made of something that has no text (yet)."""
        if node in self.known:
            return self.known[node]
        value = const_value(node)
        if node.op.name == "dim" or isinstance(value, int):
            return Dim.of(node["dim"] if value is None else int(value))
        if node.op.name in COMBINED and text(node) is None:
            parts = [self.of(a, text) for a in node.args]
            return COMBINED[node.op.name](*(p for p in parts if p is not None)) if None not in parts else None
        own = text(node)
        return None if own is None else self.symbol(node, own)

    def symbol(self, node: Node, text: Expr) -> Dim:
        """A symbol for an int that only run time knows."""
        name = f"~{len(self.texts)}"
        self.texts[name] = text
        self.known[node] = Dim.symbol(name)
        return self.known[node]


@record(frozen=True)
class Form:
    """scale * k + offset"""

    scale: int
    offset: Dim


def forms_of(graph: Graph, number: Node, known: Mapping[Node, Dim]) -> dict[Node, Form]:
    """The nodes of a body that are such forms of the step's number; `known` are inputs that stay the same."""
    found: dict[Node, Form] = {number: Form(1, ZERO)}
    for node in graph.nodes():
        if node.rank or node.type.kind != "int" or node.op.name not in ("add", "sub", "mul", "neg"):
            continue
        if any(a in found for a in node.args):
            form = _combined(node, [found.get(a) or _constant(a, known) for a in node.args])
            if form is not None and form.scale and len(form.offset.terms) < MOST_TERMS:
                found[node] = form
    return found


def _constant(node: Node, known: Mapping[Node, Dim]) -> Form | None:
    """What does not depend on the step."""
    if node in known:
        return Form(0, known[node])
    value = const_value(node)
    if node.op.name == "dim" or isinstance(value, int):
        return Form(0, Dim.of(node["dim"] if value is None else int(value)))
    return None


def _combined(node: Node, parts: list[Form | None]) -> Form | None:
    if None in parts:
        return None
    a, *rest = (p for p in parts if p is not None)
    if node.op.name == "neg":
        return Form(-a.scale, -a.offset)
    (b,) = rest
    if node.op.name == "mul":
        factor, form = (a, b) if not a.scale else (b, a)
        if factor.scale or factor.offset.known is None:
            return None
        return Form(form.scale * factor.offset.known, form.offset * factor.offset)
    sign = -1 if node.op.name == "sub" else 1
    return Form(a.scale + sign * b.scale, a.offset + b.offset * sign)


def chosen(forms: Mapping[Node, Form], used: Iterable[Node], named: Callable[[Node], bool]) -> Node | None:
    """The form that the loop counts: the model's variable, the step's number, or what is used most."""
    uses = [node for node in used if node in forms]
    if not uses:
        return None
    first = next(iter(forms))

    def divides(node: Node) -> bool:
        scale = forms[node].scale
        return bool(scale) and all(forms[other].scale % scale == 0 for other in uses)

    candidates = [node for node in dict.fromkeys(uses) if divides(node)]
    return max(candidates, key=lambda n: (named(n), n is first, uses.count(n)), default=first)


def relative(form: Form, to: Form, counted: Dim) -> Dim:
    """A form by another that is counted: `2*k + 1` by `2*k` is counted + 1, `k` is counted // 2."""
    scale, rest = divmod(form.scale, to.scale)
    if not rest:
        return counted * scale + form.offset - to.offset * scale
    return (counted - to.offset) // to.scale * form.scale + form.offset


def range_text(
    count: Dim, form: Form, reverse: bool, dim: Callable[[Dim], Expr], ref: Callable[[str], str]
) -> Expr:
    """`range(start, stop, step)` of the form for k from 0 on; reversed where it runs back."""
    backward = reverse != (form.scale < 0)
    steps = without_floor(count)
    step = abs(form.scale)
    start = form.offset if form.scale > 0 else form.offset - (steps - 1) * step
    stop = _stop(start, steps, step)
    arguments = [dim(stop)] if start == ZERO and step == 1 else [dim(start), dim(stop)]
    text = call(ref("range"), *arguments, *([str(step)] if step > 1 else []))
    return call(ref("reversed"), text) if backward else text


def without_floor(count: Dim) -> Dim:
    """max(0, n) steps are those of range(n)."""
    match count.terms:
        case (((Opaque(op="max", args=(a, b)),), 1),) if ZERO in (a, b):
            return b if a == ZERO else a
    return count


def _stop(start: Dim, count: Dim, step: int) -> Dim:
    """Where the range ends; the bound that the model gave, where the count was made of one."""
    match count.terms:
        case (((Opaque(op="//", args=(a, b)),), 1),) if step > 1 and b.known == step:
            return start + a - (step - 1)
    return start + (count - 1) * step + 1
