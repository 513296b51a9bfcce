"""Where a gradient is checked: sizes, arguments, directions, and the reference derivatives there.

A point is drawn again until all values are finite and no kink is near; what cannot be expanded into scalars
(too large, an op without a symbolic form) gets no reference but the reason.

    point = PointFinder(program, np.random.default_rng(0)).find({"N": 3})
    point.reference.slopes       # one for each of point.directions
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from autodiffc.grammar.records import record

from . import sympy_check
from .differences import EPSILON
from .formulas import NoFormula
from .held import NotLinear
from .interp import evaluate
from .ir import Array
from .model import Program
from .obstacles import failing, misfit, not_finite
from .ops.checks import check
from .samples import BadSizes, Sizes, draw, larger_sizes, size_choices
from .scalars import TooLarge
from .symmetry import mirrored, symmetric_arguments

FULL = 200  # elements up to which every one is checked
RANDOM = 4  # directions for each name beyond that
ATTEMPTS = 40  # draws for a point with finite values
PATIENCE = 8  # draws that are given up because of a kink nearby
MARGIN = 100.0  # steps between a point and the nearest kink

Arguments = Mapping[str, Array]


class NoPoint(Exception):
    """No sizes or no arguments were found at which the model has finite values; the message says which."""

    def __init__(self, message: str, sizes: Sizes):
        super().__init__(message)
        self.sizes = sizes


@record(frozen=True, eq=False)
class Direction:
    """A tangent of one argument: an element or a random direction.

    `step` is that of a central difference, `reach` the first one of an extrapolation.
    """

    name: str
    label: str
    vector: Array
    step: float
    reach: float


@record(frozen=True, eq=False)
class Point:
    """Where the gradient is checked, and the reference there (or why there is none)."""

    sizes: Sizes
    arguments: Arguments
    cotangents: Arguments
    directions: tuple[Direction, ...]
    reference: sympy_check.Reference | None = None
    reason: str = ""

    @property
    def margin(self) -> float:
        return self.reference.margin if self.reference else inf

    @property
    def at_kink(self) -> bool:
        return self.margin < MARGIN

    @property
    def finite(self) -> bool:
        return self.reference is None or bool(np.isfinite(self.reference.slopes).all())


@dataclass(eq=False)
class PointFinder:
    """Draws points of a model; `seconds` bounds each expansion into scalars."""

    program: Program
    generator: np.random.Generator
    seconds: float = 5.0
    single: bool = False  # arguments are float32 numbers
    reason: str = ""  # why the expansion is not tried again

    def find(self, given: Sizes) -> Point:
        """A point with finite values and derivatives, away from kinks where that is possible."""
        refused: list[Point] = []
        tried: Sizes | None = None
        deadline = time.monotonic() + 2.0 * self.seconds
        for sizes in size_choices(self.program, given):
            tried = tried or sizes
            for attempt in range(ATTEMPTS):
                point = self._candidate(sizes, attempt)
                if point is not None and not point.at_kink:
                    return point
                refused += [point] if point is not None else []
                if len(refused) >= PATIENCE or (refused and time.monotonic() > deadline):
                    return max(refused, key=lambda p: p.margin)
        if refused:
            return max(refused, key=lambda p: p.margin)
        if tried is not None:
            raise NoPoint(f"no arguments were found at which {self._wanted}{self._obstacle(tried)}", tried)
        if given:
            raise BadSizes(misfit(self.program, given))
        small = {dim: 2 + k for k, dim in enumerate(self.program.dims)}
        raise NoPoint("no sizes were found that fit all shapes and are small enough", small)

    def larger(self, given: Sizes) -> Point | None:
        """A point of larger sizes, at which a sparse matrix is sparse; without a reference."""
        for sizes in larger_sizes(self.program, given):
            for attempt in range(ATTEMPTS):
                point = self.drawn(sizes, attempt)
                if point is not None:
                    return point
        return None

    @property
    def _wanted(self) -> str:
        asserts = any(node.op is check for node in self.program.graph.nodes())
        return "all values are finite" + (" and all assertions hold" if asserts else "")

    def _obstacle(self, sizes: Sizes) -> str:
        """What is in the way at the plainest arguments, in brackets."""
        arguments = draw(self.program, sizes, np.random.default_rng(0), attempt=0)
        what = failing(self.program, arguments, sizes) or not_finite(self.program, arguments, sizes)
        return f" ({what})" if what else ""

    def _candidate(self, sizes: Sizes, attempt: int) -> Point | None:
        """A draw, unless a value or a derivative is not finite there."""
        point = self.drawn(sizes, attempt)
        point = point and self._with_reference(replace(point, directions=self._directions(point.arguments)))
        return point if point and point.finite else None

    def drawn(self, sizes: Sizes, attempt: int) -> Point | None:
        """A draw, unless a value is not finite there."""
        try:
            arguments = draw(self.program, sizes, self.generator, attempt)
            if self.single:
                arguments = {name: _rounded(array) for name, array in arguments.items()}
            outputs = evaluate(self.program.graph, arguments, sizes)
        except (ValueError, IndexError, ArithmeticError, np.linalg.LinAlgError):
            return None  # an index out of range, a singular matrix: no point of the model
        if not all(np.isfinite(array).all() for array in outputs.values()):
            return None
        return Point(sizes, arguments, self._cotangents(outputs), ())

    def _cotangents(self, outputs: Arguments) -> dict[str, Array]:
        """A random weight for each element of the target, of both signs and no power of 2."""
        if self.program.target is None:
            return {}
        shape = outputs[self.program.target].shape
        weights = self.generator.uniform(0.5, 1.5, shape) * self.generator.choice([-1.0, 1.0], shape)
        return {self.program.target: _rounded(np.asarray(weights))}

    def _directions(self, arguments: Arguments) -> tuple[Direction, ...]:
        wrt = self.program.wrt
        full = sum(arguments[name].size for name in wrt) <= FULL
        each = _elements if full else self._random
        plain = {name: each(name, arguments[name]) for name in wrt}
        symmetric = symmetric_arguments(self.program.graph)
        pairs = {
            name: [replace(d, vector=mirrored(d.vector)) for d in plain[name]]
            for name in wrt
            if name in symmetric
        }
        return tuple(d for found in (plain | pairs).values() for d in found if d.vector.any())

    def _random(self, name: str, array: Array) -> list[Direction]:
        vectors = (self.generator.choice([-1.0, 1.0], array.shape) for _ in range(RANDOM))
        smallest = float(np.abs(array).min(initial=np.inf, where=array != 0.0))
        return [
            _direction(name, f"{name}, direction {k}", v, array, smallest) for k, v in enumerate(vectors, 1)
        ]

    def _with_reference(self, point: Point) -> Point:
        if self.reason:
            return replace(point, reason=self.reason)
        try:
            reference = sympy_check.evaluate(
                self.program.graph, point.arguments, point.sizes, point.cotangents,
                [{d.name: d.vector} for d in point.directions],
                steps=[d.step for d in point.directions], seconds=self.seconds,
            )  # fmt: skip
        except (NoFormula, NotLinear) as problem:
            self.reason = str(problem)
        except TooLarge:
            self.reason = "too large to expand into scalars; try smaller --sizes"
        else:
            return replace(point, reference=reference)
        return replace(point, reason=self.reason)


def _rounded(array: Array) -> Array:
    """Reals as float32 numbers: exact in both precisions."""
    return np.asarray(np.float32(array).astype(np.float64)) if array.dtype.kind == "f" else array


def _elements(name: str, array: Array) -> list[Direction]:
    """One direction for each element."""
    found = []
    for index in np.ndindex(array.shape):
        vector = np.zeros(array.shape)
        vector[index] = 1.0
        label = f"{name}[{', '.join(map(str, index))}]" if index else name
        found.append(_direction(name, label, vector, array, abs(float(array[index]))))
    return found


def _direction(name: str, label: str, vector: Array, array: Array, size: float) -> Direction:
    """A difference steps by e^(1/3) max(|x|, s), s typical of the argument; an extrapolation by |x| / 50."""
    typical = float(np.abs(array).max(initial=0.0)) or 1.0
    return Direction(name, label, vector, EPSILON ** (1 / 3) * typical, 0.02 * min(size or typical, typical))
