"""The chain rule beside each adjoint step of the teaching form (-O0).

d_a = d_f * b                             # ∂f/∂a = ∂f/∂f · b
"""

from __future__ import annotations

import re

from .body import Statement
from .context import Context

_DERIVATIVE = re.compile(r"\bd_(\w+)")


def formula(context: Context, statement: Statement) -> str:
    """The step as a formula; '' for a step that computes no adjoint."""
    target = context.program.target
    (line,) = statement.lines
    name, _, value = line.partition(" = ")
    if target is None or not name.startswith("d_"):
        return ""
    shown = _DERIVATIVE.sub(lambda m: f"∂{target}/∂{m.group(1)}", f"{name} = {value}")
    return shown.replace(" * ", " · ").replace("np.", "").replace("math.", "")
