"""What a model asserts, as nodes: a check, and a value that is there only where checks hold.

    assert sum(p) > 0          c = check(greater(sum(p), 0), sum(p))
    loss L = …                 L' = after(L, c)

A value behind `after` keeps its checks alive and in place, in the model's graph as in the body of a loop; no
cotangent passes a check, so backward has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ir import Array, Node, Op, declare
from ..types import BOOL, Type, TypeProblem
from .shape import DimText


def _check_infer(
    c: Type, *values: Type, text: str, message: str, place: str, labels: tuple[str, ...]
) -> Type:
    if c != BOOL:
        raise TypeProblem("E0204", f"an assertion is one condition, not {c}")
    return BOOL


def _check_eval(c: Array, *values: Array, text: str, message: str, **_: Any) -> Array:
    if not c:
        raise ValueError(message or f"assert {text}")
    return c


def _all_operands(node: Node, d: DimText) -> str:
    return f"({''.join(f'{name}, ' for name in ('c', *(f'v{i}' for i in range(len(node.args) - 1))))})"


check = declare(
    Op(
        "check",
        ("c", "*v"),
        "c, which must be true: else the call is refused, with the values v.\n\n"
        "`text` is the condition as written, if it is the model's, `message` its word on it, `place` where;\n"
        "`labels` are the texts of the values.",
        _check_infer,
        _check_eval,
        lambda g, out, *x: tuple(None for _ in x),
        py=_all_operands,  # it is written as a statement
        work="free",
    )
)

after = declare(
    Op(
        "after",
        ("x", "*checks"),
        "x, where all checks hold.",
        lambda x, *checks: x,
        lambda x, *checks: x,
        lambda g, out, x, *checks: (g, *(None for _ in checks)),
        py="x",
        bounds=lambda x, *_: x,
        keeps="all",
    )
)


def guarded(value: Node, checks: Sequence[Node]) -> Node:
    """The value, which is there only where the checks hold."""
    return after(value, *checks) if checks else value


def unguarded(value: Node) -> Node:
    """The value itself."""
    return value.args[0] if value.op is after else value


def awaited(value: Node) -> tuple[Node, ...]:
    """What a value waits for and is not decided yet."""
    waiting = value.args[1:] if value.op is after else ()
    return tuple(c for c in waiting if c.op.name != "const")


def checks_of(value: Node) -> tuple[Node, ...]:
    """What a value waits for: checks, and branches and loops with checks in them."""
    return tuple(c.args[0] if c.op.name == "item" else c for c in awaited(value))
