"""Sums of many numbers in float32 modules, added up in double precision.

    x.sum(axis=0)     ->     x.sum(axis=0, dtype=np.float64).astype(np.float32)     or     _sum(x, axis=0)

Added one after another in single precision, 10 million numbers keep five digits of their sum. A sum of fewer
than `MANY` stays as it is.
"""

from __future__ import annotations

from autodiffc.compiler.ir import Node
from autodiffc.compiler.types import size_of

MANY = 10_000


def adds_many(node: Node) -> bool:
    """Whether a node adds up more than MANY reals, or how many is known at run time alone."""
    adds = node.op.name in ("sum", "mean") or (node.op.name == "norm" and node["ord"] == 1)
    if not adds or node.args[0].type.kind != "real" or not node["axis"]:
        return False
    count = size_of(tuple(node.args[0].shape[i] for i in node["axis"])).known
    return count is None or count > MANY


def in_double(text: str) -> str:
    """The text of a reduction that accumulates in double precision.

    >>> in_double("x.sum()"), in_double("x.mean(axis=0)")
    ('x.sum(dtype=np.float64)', 'x.mean(axis=0, dtype=np.float64)')
    """
    start = text.removesuffix(")")
    return f"{start}{'' if start.endswith('(') else ', '}dtype=np.float64)"


def by_routine(text: str) -> str:
    """The text of a reduction to an array, by the routine for that, which may be given memory.

    >>> by_routine("np.abs(x).sum(axis=0)"), by_routine("x.mean(axis=(0, 1), keepdims=True)")
    ('_sum(np.abs(x), axis=0)', '_mean(x, axis=(0, 1), keepdims=True)')
    """
    reduced, _, arguments = text.rpartition("(")
    if arguments.count(")") > 1:  # a tuple of axes
        reduced, _, more = reduced.rpartition("(")
        arguments = f"{more}({arguments}"
    array, _, name = reduced.rpartition(".")
    return f"_{name}({array}, {arguments}"
