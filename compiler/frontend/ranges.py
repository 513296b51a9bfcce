"""The steps of a loop: how many there are, and what its variable is in each.

range(T)            T steps, t is the number of the step
range(1, T)         max(T - 1, 0) steps, t = 1 + number
range(N - 1, -1, -1)
range(n)            as many as n says at run time
"""

from __future__ import annotations

from typing import Union

from autodiffc.grammar import ast
from autodiffc.grammar.records import record
from autodiffc.grammar.source import Span

from .. import ops
from ..ir import Node, const_value
from ..ops.control import UNLIMITED, is_local
from ..types import INT, Dim
from .counting import Counter, Range, is_moving, moving
from .expressions import Evaluator
from .values import Poison, Static, as_value_node, describe

Whole = Union[Static, Node]
ZERO = Static(Dim.of(0))


@record(frozen=True, eq=False)
class Steps:
    """The steps of a loop. `name` is that of the body's first input, the step's number."""

    count: Node
    length: Dim
    name: str
    counter: Counter
    variable: ast.Name | None = None
    start: Whole = ZERO
    stop: Whole = ZERO

    @property
    def is_unlimited(self) -> bool:
        return const_value(self.count) == UNLIMITED

    def begin(self, evaluator: Evaluator, number: Node) -> None:
        """In a body: give the variable its value, and take in what is known of it."""
        evaluator.context.bodies[-1].is_counted = not is_local(self.length)
        counting = evaluator.context.counting
        counting.loops += (self.counter,)
        if self.variable is None:
            return
        value = number
        if not self.is_plain:
            value = evaluator.context.made(_value(self.start, self.counter.step, number), self.variable.span)
            evaluator.context.name(value, self.variable.id)
        counting.forms[value] = Dim.symbol(self.counter.symbol)
        self._bound(evaluator)
        evaluator.scope.define(self.variable.id, value, self.variable.span)
        evaluator.scope.fixed[self.variable.id] = "the variable of a loop"

    @property
    def is_plain(self) -> bool:
        """Whether the variable is the step's number."""
        return self.start == ZERO and self.counter.step == Dim.of(1)

    def _bound(self, evaluator: Evaluator) -> None:
        """The variable's range; and that there is a step at all."""
        counting = evaluator.context.counting
        first, end = _form(evaluator, self.start), _form(evaluator, self.stop)
        step = self.counter.step
        rising, width = (True, step) if step.is_natural else (False, -step)
        distance = end - first if rising else first - end
        loose = end - 1 if rising else end + 1
        last = loose if width == Dim.of(1) else first + step * ((distance + (width - 1)) // width - 1)
        low, high, loose_low, loose_high = (
            (first, last, first, loose) if rising else (last, first, loose, first)
        )
        if not is_moving(distance) or any(s in counting.ranges for s in moving(distance)):
            counting.assume([distance - 1])
        counting.ranges[self.counter.symbol] = Range(low, high, loose_low, loose_high)


def _form(evaluator: Evaluator, value: Whole) -> Dim:
    return value.dim if isinstance(value, Static) else evaluator.context.counting.form(value)


def _value(start: Whole, step: Dim, number: Node) -> Node:
    """start + step * number."""
    first = as_value_node(start)
    if step == Dim.of(-1):
        return first - number
    moved = number if step == Dim.of(1) else as_value_node(Static(step)) * number
    return moved if start == ZERO else first + moved


def steps_of(
    evaluator: Evaluator, variable: ast.Name, bounds: tuple[ast.Expr, ...], span: Span
) -> Steps | None:
    """What `for variable in range(bounds)` steps through; None, and a report, where it does not fit."""
    context = evaluator.context
    if len(bounds) > 3:
        context.report("E0205", "arguments that do not fit `range`", span, "it is range(start, stop, step)")
        return None
    values = [_whole(evaluator, bound) for bound in bounds]
    whole = [value for value in values if not isinstance(value, Poison)]
    if len(whole) < len(values):
        return None
    if len(whole) == 1:
        whole.insert(0, ZERO)
    start, stop = whole[:2]
    step = _step(evaluator, whole[2], bounds[2].span) if len(whole) == 3 else Dim.of(1)
    if step is None:
        return None
    for bound in (start, stop):
        # Its symbols are older than the variable's: what is inside is put in terms of them.
        _form(evaluator, bound)
    counter = Counter(context.counting.symbol(variable.id), step)
    count = _count(evaluator, start, stop, step, span)
    length = count["dim"] if count.op.name == "dim" else _known_length(evaluator, count)
    steps = Steps(count, length, variable.id, counter, variable, start, stop)
    return (
        steps
        if steps.is_plain
        else Steps(count, length, f"{variable.id}_step", counter, variable, start, stop)
    )


def _known_length(evaluator: Evaluator, count: Node) -> Dim:
    known = const_value(count)
    return evaluator.context.fresh_length() if known is None else Dim.of(int(known))


def _whole(evaluator: Evaluator, bound: ast.Expr) -> Whole | Poison:
    value = evaluator.value(bound)
    if isinstance(value, (Static, Poison)):
        return value
    if isinstance(value, Node) and value.type == INT:
        return value
    return evaluator.context.report("E0204", "the bound of a range is an int", bound.span, describe(value))


def _step(evaluator: Evaluator, value: Whole, span: Span) -> Dim | None:
    step = value.dim if isinstance(value, Static) else None
    if step is None or step.known == 0 or not (step.is_natural or (-step).is_natural):
        message = "the step of a range is a number other than 0, or a dim"
        evaluator.context.report("E0205", message, span)
        return None
    width = step if step.is_natural else -step
    evaluator.context.require(width - 1, f"the step {step} of a range", span)
    return step


def _count(evaluator: Evaluator, start: Whole, stop: Whole, step: Dim, span: Span) -> Node:
    """The number of steps, which is not negative."""
    context = evaluator.context
    rising, width = (True, step) if step.is_natural else (False, -step)
    near, far = (start, stop) if rising else (stop, start)
    if isinstance(near, Static) and isinstance(far, Static):
        distance = far.dim - near.dim
        steps = distance if width == Dim.of(1) else (distance + (width - 1)) // width
        return as_value_node(Static(steps if context.counting.follows(distance) else steps.maximum(0)))
    gap = as_value_node(far)
    if near != ZERO:
        gap = gap - as_value_node(near)
    count = gap
    if width != Dim.of(1):
        count = ops.floordiv(gap + as_value_node(Static(width - 1)), as_value_node(Static(width)))
    if not context.counting.is_natural(context.counting.form(gap)):
        count = ops.maximum(count, 0)
    return context.made(count, span)
