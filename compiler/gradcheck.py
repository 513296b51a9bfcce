"""Proves a compiled gradient: against SymPy's derivatives in 50 digits and against differences.

    report = check(program, module)          # the checked model and the module that was emitted for it
    report.ok, report.rows[0].verdict

The model is taken at small concrete sizes and random arguments that honour its constraints, away from
kinks. Up to 200 elements the whole gradient is compared, above that its products with random directions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import reduce
from itertools import chain
from math import prod
from typing import Any

import numpy as np
from autodiffc.grammar.records import record

from .case import Case
from .comparison import Comparison, Finding, Precision, Report, Row, compare, merge, not_checked
from .compiled import Compiled, Fault, Gradients
from .derived import Graphs
from .differences import EPSILON, Curve, NotAnalytic, complex_slopes
from .held import NotLinear, Tape, on
from .interp import evaluate
from .ir import Array, Node
from .laws import SPARSE, Trial, findings
from .model import Program
from .ops.own import holds_values
from .own_check import MEANT, compared
from .passes.derivatives import holds_derivatives
from .points import Direction, NoPoint, Point, PointFinder
from .quotients import EXACT, OUT_OF_TIME, Attempt, agreement, attempts
from .samples import Sizes, refuse_unknown

Progress = Callable[[str], None]
ROUNDED = 1e-14  # of a value that is computed in two ways, beside the rounding of its terms


@record(frozen=True, eq=False)
class Outcome:
    """What was found at one point."""

    sizes: Sizes
    rows: tuple[Row, ...]
    values: dict[str, Comparison]
    own: dict[str, Comparison]
    laws: tuple[Finding, ...] = ()
    tested: bool = True


def check(
    program: Program,
    module: Any,
    *,
    sizes: Sizes | None = None,
    seed: int = 0,
    points: int = 3,
    seconds: float = 20.0,
    dtype: str = "float64",
    surrogates: Sequence[str] = (),
    progress: Progress = lambda text: None,
) -> Report:
    """Compare a module's values and gradients with SymPy's and with differences, at random points.

    `surrogates` are functions whose own adjoint is meant to be no derivative. `sizes` fixes dims (the others
    get small sizes), `seconds` bounds the time roughly: what does not fit into it is reported as not checked.
    Raises BadSizes where `sizes` do not fit the model.
    """
    given = dict(sizes or {})
    refuse_unknown(program, given)
    finder = PointFinder(
        program, np.random.default_rng(seed % 2**64), seconds / (2 * points), dtype == "float32"
    )
    precision = Precision(dtype == "float32", _depth(program))
    deadline = time.monotonic() + seconds
    checker = _Checker(program, Compiled(program, module), deadline, precision, seed % 2**64)
    found = list(_outcomes(finder, checker, given, points, progress))
    rows = reduce(_merge_rows, (outcome.rows for outcome in found))
    values = tuple((name, reduce(merge, (o.values[name] for o in found))) for name in program.outputs)
    own = {name: reduce(merge, (o.own[name] for o in found)) for name in found[0].own}
    laws = _by_law(chain(*(outcome.laws for outcome in found), checker.sparse_laws(finder, given, own)))
    laws += _inside(program, values)
    shown = tuple((dim, found[0].sizes[dim]) for dim in program.dims)
    tested = sum(outcome.tested for outcome in found)
    stated = {name for name in own if all(o.own[name].reason == MEANT for o in found)}
    meant = frozenset(stated.union(surrogates))
    return Report(program.name, program.target, shown, seed, tested, rows, values, own, laws, meant)


def _outcomes(
    finder: PointFinder, checker: _Checker, given: Sizes, points: int, progress: Progress
) -> Iterator[Outcome]:
    """The outcome at each point, all of the same sizes; at least one, as many as there is time for."""
    for number in range(1, points + 1):
        if number > 1 and time.monotonic() > checker.deadline:
            return
        progress(f"point {number} of {points}")
        try:
            point = finder.find(given)
        except NoPoint as problem:
            yield _nothing(finder.program, problem)
            return
        yield checker.outcome(point)
        given = {dim: point.sizes[dim] for dim in finder.program.dims}


def _nothing(program: Program, problem: NoPoint) -> Outcome:
    """No point was found: nothing is checked."""
    shapes = {a.name: tuple(dim.evaluate(problem.sizes) for dim in a.type.shape) for a in program.arguments}
    unknown = not_checked(str(problem))
    rows = (Row(name, shapes[name], prod(shapes[name]), unknown, unknown) for name in program.wrt)
    values = dict.fromkeys(program.outputs, unknown)
    return Outcome(problem.sizes, tuple(rows), values, {}, tested=False)


def _merge_rows(first: tuple[Row, ...], second: tuple[Row, ...]) -> tuple[Row, ...]:
    return tuple(
        Row(a.name, a.shape, a.elements, merge(a.symbolic, b.symbolic), merge(a.differences, b.differences))
        for a, b in zip(first, second)
    )


def _inside(program: Program, values: Iterable[tuple[str, Comparison]]) -> tuple[Finding, ...]:
    """Whether derivatives that the model computes with are SymPy's, by the values that are made of them."""
    if not holds_derivatives(program.graph):
        return ()
    outcome = reduce(merge, (value for _, value in values))
    return (Finding("in the model", "grad, jvp: values made of them = SymPy's", outcome),)


def _by_law(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding for each law, of those at all points."""
    merged: dict[tuple[str, str], Comparison] = {}
    for finding in found:
        key = finding.function, finding.law
        merged[key] = merge(merged[key], finding.outcome) if key in merged else finding.outcome
    return tuple(Finding(function, law, outcome) for (function, law), outcome in merged.items())


class _Checker:
    """The comparisons at a point."""

    def __init__(
        self, program: Program, compiled: Compiled, deadline: float, precision: Precision, seed: int
    ):
        self.program = program
        self.compiled = compiled
        self.deadline = deadline
        self.precision = precision
        self.graphs = Graphs(program)
        self.generator = np.random.default_rng(seed)  # not the finder's: points stay as they are

    def outcome(self, point: Point) -> Outcome:
        own = self.own(point)
        return Outcome(point.sizes, self.rows(point), self.values(point), own, self.laws(point, own))

    def laws(
        self, point: Point, own: Mapping[str, Comparison], functions: Sequence[str] | None = None
    ) -> tuple[Finding, ...]:
        """What holds between the functions on request, or for some of them."""
        if not point.cotangents:
            return ()
        case = Case(self.compiled, point, self.generator, self.precision.single)
        stated = any(found.status == "differs" for found in own.values())
        trial = Trial(case, self.graphs, self.precision, self.deadline, stated)
        return tuple(findings(trial, functions))

    def sparse_laws(
        self, finder: PointFinder, given: Sizes, own: Mapping[str, Comparison]
    ) -> tuple[Finding, ...]:
        """What holds for sparse matrices at larger sizes, where they have more zeros."""
        if not any(map(self.compiled.has, SPARSE)) or time.monotonic() > self.deadline:
            return ()
        point = finder.larger(given)
        return self.laws(point, own, SPARSE) if point else ()

    def values(self, point: Point) -> dict[str, Comparison]:
        """Each output's value against the one in high precision."""
        if point.reference is None:
            return dict.fromkeys(self.program.outputs, not_checked(point.reason))
        try:
            outputs = self.compiled.outputs(point.arguments)
        except Fault as fault:
            return dict.fromkeys(self.program.outputs, _faulty(fault))
        expected = point.reference.values
        found = {name: self._value(name, array, expected[name], point) for name, array in outputs.items()}
        target = self.program.target
        if target is not None and self.program.scalar_target:
            found[target] = merge(found[target], self._beside_gradient(target, outputs[target], point))
        return found

    def _beside_gradient(self, target: str, value: Any, point: Point) -> Comparison:
        """The target's value where `value_and_grad` gives it too: that may be rounded in another way."""
        try:
            other = self.compiled.value(point.arguments)
        except Fault as fault:
            return _faulty(fault)
        found = self._value(target, other, value, point, ROUNDED)
        if found.status == "differs":
            return Comparison("differs", reason=f"value_and_grad gives {other}, forward {value}")
        return found

    def _value(self, name: str, array: Any, expected: Any, point: Point, rtol: float = EXACT) -> Comparison:
        assert point.reference is not None
        noise = point.reference.noise[name]
        if array.shape != expected.shape:
            return Comparison("differs", reason=f"shape {array.shape} where {expected.shape} is expected")
        labels = [f"{name}{list(index) if index else ''}" for index in np.ndindex(expected.shape)]
        floors = [self._floor(e) for e in noise.ravel()]
        return compare(labels, _list(array), _list(expected), floors, self.precision.tolerance(rtol))

    def _floor(self, noise: float) -> float:
        return self.precision.floor(noise / EPSILON)

    def own(self, point: Point) -> dict[str, Comparison]:
        """The adjoints that the model brings against the derivatives of their functions."""
        seconds = max(0.0, self.deadline - time.monotonic())
        return compared(self.program.graph, point.arguments, point.sizes, EXACT, seconds)

    def rows(self, point: Point) -> tuple[Row, ...]:
        """One row for each wrt name."""
        try:
            routes = (
                list(self.compiled.gradients(point.arguments, point.cotangents)) if point.cotangents else []
            )
        except Fault as fault:
            return tuple(self._row(name, point, _faulty(fault), _faulty(fault)) for name in self.program.wrt)
        return tuple(self._compared_row(name, point, routes) for name in self.program.wrt)

    def _row(self, name: str, point: Point, symbolic: Comparison, differences: Comparison) -> Row:
        array = point.arguments[name]
        return Row(name, array.shape, array.size, symbolic, differences)

    def _compared_row(self, name: str, point: Point, routes: list[tuple[str, Gradients]]) -> Row:
        chosen = [(k, d) for k, d in enumerate(point.directions) if d.name == name]
        slopes = [[float(np.sum(grads[name] * d.vector)) for _, d in chosen] for _, grads in routes]
        symbolic = reduce(merge, (self._symbolic(point, chosen, compiled) for compiled in slopes))
        if point.at_kink:
            return self._row(name, point, symbolic, not_checked("every point drawn is at a kink"))
        try:
            differences = self._differences(point, [d for _, d in chosen], slopes)
        except (Fault, NotLinear) as problem:
            differences = not_checked(str(problem))
        return self._row(name, point, symbolic, differences)

    def _symbolic(
        self, point: Point, chosen: Sequence[tuple[int, Direction]], compiled: list[float]
    ) -> Comparison:
        reference = point.reference
        if reference is None:
            return not_checked(point.reason)
        labels = [d.label for _, d in chosen]
        expected = [reference.slopes[k] for k, _ in chosen]
        floors = [self._floor(reference.floors[k]) for k, _ in chosen]
        method = "whole formula" if reference.formula else "chain of formulas"
        return compare(labels, compiled, expected, floors, self.precision.tolerance(EXACT), method)

    def _differences(
        self, point: Point, directions: list[Direction], routes: list[list[float]]
    ) -> Comparison:
        """The route that is farthest from the differences."""
        if time.monotonic() > self.deadline:
            return not_checked(OUT_OF_TIME)
        tape = self._tape(point)
        curves = [self._curve(point, d, tape) for d in directions]
        room = 0.5 * point.margin  # steps that stay on this side of the nearest kink
        tries = attempts(
            self._complex_step(point, directions, tape), curves,
            [d.step for d in directions], [min(d.reach, room * d.step) for d in directions], self.deadline,
        )  # fmt: skip
        labels = [d.label for d in directions]
        found, floors = np.array(routes), np.array(self._floors(point, directions))

        def judge(attempt: Attempt, sure: Array) -> Comparison:
            names = [labels[k] for k in sure]
            slopes, atol = attempt.slopes[sure], attempt.errors[sure] + floors[sure]
            rtol = self.precision.tolerance(attempt.rtol)
            return reduce(
                merge, (compare(names, route[sure], slopes, atol, rtol, attempt.method) for route in found)
            )

        return agreement(tries, judge)

    def _tape(self, point: Point) -> Tape | None:
        """What the model holds at its value at the point; None where it holds nothing."""
        if not holds_values(self.program.graph):
            return None
        tape = Tape()
        with on(tape):
            evaluate(self.program.graph, point.arguments, point.sizes)
        return tape

    def _complex_step(self, point: Point, directions: list[Direction], tape: Tape | None) -> Array | None:
        tangents = [{d.name: d.vector} for d in directions]
        graph = self.program.graph
        try:
            slopes, value = complex_slopes(graph, point.arguments, point.sizes, point.cotangents, tangents)
        except NotAnalytic:
            return None
        plain = self._curve(point, directions[0], tape)(0.0)
        agrees = abs(value - plain) <= EXACT * max(abs(value), abs(plain)) or value == plain
        return np.array(slopes) if agrees and np.isfinite(slopes).all() else None

    def _floors(self, point: Point, directions: list[Direction]) -> list[float]:
        """How far rounding may take each compiled slope, where the reference knows it."""
        if point.reference is None:
            return [0.0] * len(directions)
        floors = {d.label: f for d, f in zip(point.directions, point.reference.floors)}
        return [self._floor(floors[d.label]) for d in directions]

    def _curve(self, point: Point, direction: Direction, tape: Tape | None) -> Curve:
        """The target along a direction: the module's own; for float32 the interpreter's, in float64.

        So it is where the model holds values, which only the interpreter can do.
        """

        def curve(t: float) -> float:
            moved = point.arguments[direction.name] + t * direction.vector
            arguments = {**point.arguments, direction.name: moved}
            if not self.precision.single and tape is None:
                return self.compiled.contracted(arguments, point.cotangents)
            with on(tape) if tape else nullcontext():
                outputs = evaluate(self.program.graph, arguments, point.sizes)
            return float(sum(np.sum(c * outputs[name]) for name, c in point.cotangents.items()))

        return curve


def _faulty(fault: Fault) -> Comparison:
    return Comparison("differs", reason=str(fault))


def _list(array: Any) -> list[float]:
    return [float(x) for x in np.ravel(array)]


def _depth(program: Program) -> int:
    """The length of the longest chain of operations."""
    depth: dict[Node, int] = {}
    for node in program.graph.nodes():
        depth[node] = 1 + max((depth[a] for a in node.args), default=0)
    return max(depth.values(), default=1)
