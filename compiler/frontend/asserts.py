"""`assert sum(p) > 0, "no weight at all"`: checked whenever the model is run, or now where all is known."""

from __future__ import annotations

from collections.abc import Iterator

from autodiffc.grammar import ast
from autodiffc.grammar.source import Span

from ..ir import Node, topological
from ..ops.checks import check, guarded
from .expressions import COMPARISONS, Evaluator
from .values import Poison, number_of

Named = tuple[tuple[str, Node], ...]


def assertion(evaluator: Evaluator, statement: ast.Assert) -> None:
    """Take in an assertion: report what cannot hold, keep what depends on arguments or dims."""
    context, condition = evaluator.context, statement.condition
    node = evaluator.node(condition)
    if isinstance(node, Poison) or not _is_one_condition(evaluator, node, condition):
        return
    message = statement.message.value if statement.message else ""
    known = number_of(node)
    if known is None:
        shown = dict(_values(node, condition))
        text, place = _written(condition.span), context.place(condition.span)
        made = check(node, *shown.values(), text=text, message=message, place=place, labels=tuple(shown))
        context.checks.append(context.made(made, condition.span))
    elif not known:
        context.report("E0313", "the assertion does not hold", condition.span, message)


def _is_one_condition(evaluator: Evaluator, node: Node, condition: ast.Expr) -> bool:
    if node.type.kind == "bool" and not node.rank:
        return True
    message, help_text = "a condition is a bool, not a number", "compare it, as in `x != 0`"
    if node.rank:
        message, help_text = "an assertion is one condition, not an array", "say `all(…)` or `any(…)`"
    evaluator.context.report("E0204", message, condition.span, str(node.type), help=help_text)
    return False


def _values(node: Node, condition: ast.Expr) -> Iterator[tuple[str, Node]]:
    """The scalars that a comparison compares, with their texts."""
    if not isinstance(condition, ast.Compare) or node.op.name not in COMPARISONS.values():
        return
    for operand, value in zip(condition.operands, node.args):
        while value.op.name in ("to_real", "to_int"):
            value = value.args[0]
        if value.op.name != "const" and not value.rank:
            yield _written(operand.span), value


def _written(span: Span) -> str:
    return " ".join(span.text.split())


def guard_outputs(outputs: Named, loss: str | None, checks: list[Node], params: set[Node]) -> Named:
    """The outputs behind the model's assertions.

    The loss waits for all of them. The other outputs, which `predict` gives without the inputs that only the
    loss needs, wait for those that it can check.
    """
    if not checks:
        return outputs
    others = [node for name, node in outputs if name != loss]
    given = _arguments(others) | params
    possible = checks if loss is None else [c for c in checks if _arguments([c]) <= given]
    return tuple((name, guarded(node, checks if name == loss else possible)) for name, node in outputs)


def _arguments(nodes: list[Node]) -> set[Node]:
    return {node for node in topological(nodes) if node.op.name == "argument"}
