"""The chain rule beside each adjoint step of the teaching form (-O0).

d_a = d_f * b                             # ∂f/∂a = ∂f/∂f · b
"""

from __future__ import annotations

import re
from collections.abc import Set

from .blocks import Statement

_DERIVATIVE = re.compile(r"\bd_(\w+)")


def formula(statement: Statement, target: str, adjoints: Set[str]) -> str:
    """The step as a formula; '' for one that has no part of the derivative in it.

    `adjoints` are the names that stand for derivatives; what else begins with `d_` is part of one.
    """
    (line,) = statement.lines
    name, _, value = line.partition(" = ")
    shown = _DERIVATIVE.sub(
        lambda m: f"∂{target}/∂{m.group(1)}" if m.group(0) in adjoints else m.group(0), value
    )
    shown = shown.replace(" * ", " · ").replace("np.", "").replace("math.", "")
    if name in adjoints:
        return f"∂{target}/∂{name.removeprefix('d_')} = {shown}"
    return f"a part: {shown}" if "∂" in shown else ""
