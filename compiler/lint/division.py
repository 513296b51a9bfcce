"""Whole-number division where it surprises.

1 // 2              0: both are numbers of the model, and the rest is lost
-n // 2             rounds down, away from 0: -3 for n = 5
w // 0.5            steps: the derivative by w is 0
k // n              0 where n is 0: ints have no infinity
"""

from __future__ import annotations

from collections.abc import Iterator

from autodiffc.grammar import ast
from autodiffc.grammar.diagnostics import Diagnostic
from autodiffc.grammar.source import Span

from ..ir import Node
from ..ops.bounds import holds
from .dependence import steps_of
from .flow import Flow
from .singular import what_is_given
from .subject import Subject, text_of


def integer_division(subject: Subject) -> Iterator[Diagnostic]:
    """What is surprising about `//` and `%`."""
    for part in subject.expressions:
        if isinstance(part, ast.Binary) and part.op in ("//", "%"):
            yield from _as_written(part)
    yield from _without_slope(subject)
    yield from _by_zero(subject)


def _as_written(part: ast.Binary) -> Iterator[Diagnostic]:
    """What the text shows: a quotient of two numbers, a sign before a quotient."""
    left, right = part.left, part.right
    if isinstance(left, ast.Number) and isinstance(right, ast.Number) and right.value and part.op == "//":
        if left.value % right.value:
            quotient = f"{left.value // right.value:g}"
            help_text = f"`{left.value} / {right.value}` is {left.value / right.value:g}"
            yield _finding(f"the rest of this division is lost: it is {quotient}", part.span, "", help_text)
    elif isinstance(left, ast.Unary) and left.op == "-" and not isinstance(left.operand, ast.Number):
        rest = (
            "a quotient rounds down, away from 0" if part.op == "//" else "a remainder has the divisor's sign"
        )
        inner = " ".join(left.operand.span.text.split())
        other = f"`-({inner} {part.op} {' '.join(right.span.text.split())})`"
        yield _finding(f"`-` binds closer than `{part.op}`: {rest}", part.span, "", f"{other} is symmetric")


def _without_slope(subject: Subject) -> Iterator[Diagnostic]:
    """`//` of reals that depend on what the gradient is taken by."""
    for cut in steps_of(subject):
        if cut.node.op.name == "floordiv":
            span, notes = subject.place(cut.graph.origins.get(cut.node, ()))
            yield Diagnostic(
                "W0303", "`//` of reals has derivative 0: no gradient goes through it", span, "", notes,
                "`/` divides", "warning",
            )  # fmt: skip


def _by_zero(subject: Subject) -> Iterator[Diagnostic]:
    """`//` and `%` of ints by what may be 0."""
    flow = Flow(empty=subject.unwritten)
    for site in flow.sites(subject.graph, what_is_given(subject, flow)):
        node: Node = site.node
        if node.op.name not in ("floordiv", "mod") or node.type.kind != "int":
            continue
        divisor = site.args[1]
        if divisor.leaves and not divisor.leaves & site.guard and holds(divisor.interval, 0.0):
            span, notes = subject.place(site.graph.origins.get(node, ()))
            message = f"`{'//' if node.op.name == 'floordiv' else '%'}` by an int that may be 0"
            label = f"`{text_of(site.graph, node.args[1]) or 'it'}` may be 0; the result is 0 then"
            yield Diagnostic("W0303", message, span, label, notes, "constrain it: `> 0`", "warning")


def _finding(message: str, span: Span, label: str, help: str) -> Diagnostic:
    return Diagnostic("W0303", message, span, label, (), help, "warning")
