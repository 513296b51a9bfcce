"""Difference quotients of all outputs of a graph along one direction, for derivatives that are vectors.

    Ray(graph, ("d_w", "d_b"), own).attempts(case, case.v, deadline)

The complex step goes through the graph, plain differences through `own`, the module's function for the same;
where the model holds values, and for a float32 module, through the interpreter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext

import numpy as np
from autodiffc.grammar.records import record

from .case import Case, flat
from .compiled import Arguments
from .differences import EPSILON, TINY, NotAnalytic, complex_values, elements
from .held import Tape, on
from .interp import evaluate
from .ir import Array, Graph
from .ops.own import holds_values
from .quotients import EXACT, Attempt, attempts

STEP, REACH = EPSILON ** (1 / 3), 0.02  # along a direction that moves each element by its own size

Function = Callable[[Arguments], Array]


@record(frozen=True, eq=False)
class Ray:
    """What is differenced: outputs of a graph."""

    graph: Graph
    names: tuple[str, ...]
    own: Function | None = None

    def attempts(self, case: Case, direction: Array, deadline: float) -> Iterator[Attempt | None]:
        """The slopes of all elements, in better and better ways."""
        curve = self._curve(case, direction)
        start = curve(0.0)
        reach = min(REACH, 0.5 * case.point.margin * STEP)  # on this side of the nearest kink
        exact = self._complex_step(case, direction, start)
        count = start.size
        return attempts(exact, elements(curve, count), [STEP] * count, [reach] * count, deadline)

    def _curve(self, case: Case, direction: Array) -> Callable[[float], Array]:
        tape = self._tape(case)

        def curve(t: float) -> Array:
            arguments = case.moved(direction, t)
            if self.own and tape is None and not case.single:
                return self.own(arguments)
            with on(tape) if tape else nullcontext():
                return flat(evaluate(self.graph, arguments, case.point.sizes), self.names)

        return curve

    def _tape(self, case: Case) -> Tape | None:
        """What the graph holds at the point; None where it holds nothing."""
        if not holds_values(self.graph):
            return None
        tape = Tape()
        with on(tape):
            evaluate(self.graph, case.point.arguments, case.point.sizes)
        return tape

    def _complex_step(self, case: Case, direction: Array, start: Array) -> Array | None:
        arguments, sizes = case.point.arguments, case.point.sizes
        directions = [case.wrt.split(direction)]
        try:
            (found,) = complex_values(self.graph, arguments, sizes, self.names, directions)
        except NotAnalytic:
            return None
        values = flat(found, self.names)
        agrees = np.all(np.abs(values.real - start) <= EXACT * np.max(np.abs(start), initial=0.0))
        slopes = values.imag / TINY
        return slopes if agrees and np.isfinite(slopes).all() else None
