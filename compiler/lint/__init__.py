"""Lint: what is no error, but likely no intention either.

    program = check(*parse(source))
    for finding in findings(program, chosen([]).lints):    # Diagnostics, warnings or notes
        ...

table      the lints: code, name, what they find
choice     what `-W` asks for
usage      who reads which name; `unused` and `shadowed` are made of it
conditions what holds in the steps of a `while`, and after the last one
flow       intervals and dependences of all values, in bodies too; `singular` is made of it
dependence params without a gradient
division   `//` where it surprises
rewritten  what the stability rules have put in the place of what was written
"""

from __future__ import annotations

from .choice import Choice, UnknownLint, chosen
from .table import LINTS, Lint, findings

__all__ = ["LINTS", "Choice", "Lint", "UnknownLint", "chosen", "findings"]
