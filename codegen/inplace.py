"""An op written into the memory of one of its operands (-O2).

    x * y, x over     ->     NAME *= y
    np.exp(x)         ->     np.exp(NAME, out=NAME)

NAME stands for the operand, whose name may not be known yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autodiffc.compiler.ir import Node

from .pytext import Expr, Template, unparenthesised

NAME = "\0"
AUGMENTED = {"add": "+", "sub": "-", "mul": "*", "div": "/", "gate_finite": "*"}
COMMUTATIVE = frozenset({"add", "mul"})
REVERSED = {"sub": "subtract", "div": "divide"}
UFUNCS = frozenset({
    "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "arcsin",
    "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "abs", "sign", "floor",
    "ceil", "maximum", "minimum", "relu", "hypot", "logaddexp", "arctan2",
})  # fmt: skip


def in_place(
    node: Node, place: int, parsed: Template, operands: Sequence[Expr], ref: Callable[[str], str]
) -> str | None:
    """The statement that overwrites operand `place` (whose text is NAME) with the result, if there is one."""
    op, np = node.op.name, ref("np")
    if op == "neg":
        return f"{np}.negative({NAME}, out={NAME})"
    if op == "square":
        return f"{NAME} *= {NAME}"
    if op in AUGMENTED and (place == 0 or op in COMMUTATIVE):
        return f"{NAME} {AUGMENTED[op]}= {unparenthesised(operands[1 - place].text)}"
    if op in REVERSED:
        return f"{np}.{REVERSED[op]}({operands[0]}, {NAME}, out={NAME})"
    if op in UFUNCS and parsed.is_expression:
        text = parsed.text(dict(zip(parsed.params, operands)), ref)
        if text.startswith(f"{np}.") and text.endswith(")"):
            return f"{text[:-1]}, out={NAME})"
    return None


def without_copy(lines: Sequence[str], name: str) -> list[str] | None:
    """The statements that change a copy, changing the original instead; None where they make no copy."""
    return list(lines[1:]) if lines[0] == f"{name} = {name}.copy()" else None
