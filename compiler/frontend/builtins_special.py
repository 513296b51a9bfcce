"""The special functions that are no plain op: the derivatives of digamma by their order.

polygamma(2, x) is the second derivative of digamma, trigamma(x) the first: that is polygamma(1, x).
"""

from __future__ import annotations

from .. import ops
from .signature import Real, Whole, builtin
from .values import ArgumentProblem, Value

HIGHEST = 20  # orders of polygamma; its values overflow soon after


@builtin()
def trigamma(x: Real) -> Value:
    return ops.polygamma(x, n=1)


@builtin()
def polygamma(n: Whole, x: Real) -> Value:
    """As SciPy's."""
    if not 0 <= n <= HIGHEST:
        raise ArgumentProblem("E0205", f"n is from 0 to {HIGHEST}", "n")
    return ops.polygamma(x, n=n) if n else ops.digamma(x)
