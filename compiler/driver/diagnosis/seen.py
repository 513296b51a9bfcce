"""What has been seen of a model at some data: layers, params, loops, what enters; without a judgement.

>>> h = Layer("h", 3, "relu", 1, (np.array([[0.0, 2.0], [0.0, 0.0]]),), (np.ones((2, 2)),),
...           (np.array([[0.0, 1.0], [0.0, 0.0]]),), rectifies=True)
>>> h.units, h.samples, h.silent.tolist()
(2, 2, [0])
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

import numpy as np
from autodiffc.compiler.ir import Array
from autodiffc.grammar.records import record

from .thresholds import FLAT

BINS, NARROW, LARGEST = 24, 1e-9, 1e300


def norm_of(arrays: Sequence[Array]) -> float:
    """The length of all these numbers as one vector; safe where squares would overflow."""
    largest = max((float(np.abs(a).max(initial=0.0)) for a in arrays), default=0.0)
    if not largest or not np.isfinite(largest):
        return largest
    return largest * float(np.sqrt(sum(float(np.square(a / largest).sum()) for a in arrays)))


@record(frozen=True, eq=False)
class Layer:
    """A value that the gradient passes: an array, or one for each step of a loop.

    unit       the axis of its units; the others are those of the examples
    slopes     of an activation, relative to where it is steepest
    squashes   it is bounded on both sides; `rectifies`: on one side its slope is 0
    """

    label: str
    line: int
    op: str
    unit: int | None
    values: Sequence[Array]
    gradients: Sequence[Array] = ()
    slopes: Sequence[Array] = ()
    squashes: bool = False
    rectifies: bool = False
    looped: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values[0].shape)

    @property
    def size(self) -> int:
        return sum(value.size for value in self.values)

    @property
    def units(self) -> int:
        return 1 if self.unit is None else self.shape[self.unit]

    @property
    def samples(self) -> int:
        """How many numbers there are of each unit."""
        return self.size // max(1, self.units)

    @cached_property
    def moments(self) -> tuple[float, float, float, float]:
        """Mean, standard deviation, smallest and largest."""
        if not self.size:
            return 0.0, 0.0, 0.0, 0.0
        with np.errstate(all="ignore"):
            mean = sum(float(v.sum()) for v in self.values) / self.size
            spread = norm_of([v - mean for v in self.values]) / np.sqrt(self.size)
        low = min(float(v.min(initial=np.inf)) for v in self.values)
        return mean, float(spread), low, max(float(v.max(initial=-np.inf)) for v in self.values)

    @cached_property
    def histogram(self) -> tuple[Array, float, float]:
        """Counts of the finite values in bins of equal width, and where the first begins, the last ends."""
        finite = [v[np.isfinite(v)] for v in self.values]
        low = min((float(v.min()) for v in finite if v.size), default=0.0)
        high = max((float(v.max()) for v in finite if v.size), default=0.0)
        if high - low <= NARROW * max(abs(low), abs(high)):
            half = 0.5 * max(1.0, abs(low))
            low, high = low - half, high + half
        low, high = max(low, -LARGEST), min(high, LARGEST)
        within = (np.histogram(np.clip(v, low, high), BINS, (low, high))[0] for v in finite)
        counts = sum(within, np.zeros(BINS, np.int64))
        return counts, low, high

    @cached_property
    def fired(self) -> Array:
        """For each unit the share of the examples, over all steps, for which its slope is not 0."""
        counts = sum((self.by_unit(slope != 0.0).sum(axis=1) for slope in self.slopes), np.zeros(self.units))
        return np.asarray(counts / max(1, self.samples))

    @property
    def silent(self) -> Array:
        """The units that never fire."""
        return np.flatnonzero(self.fired == 0.0)

    @property
    def always_on(self) -> int:
        """How many units always fire."""
        return int((self.fired == 1.0).sum())

    @cached_property
    def saturated(self) -> float:
        """The share of the elements where the activation is nearly flat."""
        return sum(int((slope < FLAT).sum()) for slope in self.slopes) / max(1, self.size)

    @cached_property
    def passed(self) -> float:
        """How much of the length of the gradient gets through; all of it where the slope is steepest."""
        with np.errstate(all="ignore"):
            through = norm_of([slope * part for slope, part in zip(self.slopes, self.gradients)])
        return through / self.norm if self.norm else 1.0

    @cached_property
    def norm(self) -> float:
        """The length of the gradient."""
        return norm_of(self.gradients)

    @cached_property
    def by_step(self) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
        """Mean, standard deviation and length of the gradient (empty without one), step by step."""
        with np.errstate(all="ignore"):
            means = tuple(float(v.mean()) if v.size else 0.0 for v in self.values)
            spreads = tuple(norm_of([v - m]) / max(1, v.size) ** 0.5 for v, m in zip(self.values, means))
        return means, spreads, tuple(norm_of([g]) for g in self.gradients)

    def by_unit(self, array: Array) -> Array:
        """A row for each unit."""
        if self.unit is None:
            return array.reshape(1, -1)
        return np.moveaxis(array, self.unit, 0).reshape(self.units, -1)


@record(frozen=True, eq=False)
class Learned:
    """A param at its value; `gradient` is None where the loss doesn't depend on it.

    `cancels`: what adds up to the gradient is much larger than it, here only or always. `factor`: something
    is multiplied by it.
    """

    label: str
    line: int
    value: Array
    gradient: Array | None
    cancels: Literal["", "here", "always"] = ""
    factor: bool = False

    @property
    def norm(self) -> float:
        return norm_of([self.gradient]) if self.gradient is not None else 0.0

    @property
    def size(self) -> float:
        """The length of the value."""
        return norm_of([self.value])


@record(frozen=True, eq=False)
class Fed:
    """Data that a layer with weights takes: a row for each feature."""

    label: str
    line: int
    rows: Array

    @cached_property
    def means(self) -> Array:
        return np.asarray(self.rows.mean(axis=1))

    @cached_property
    def spreads(self) -> Array:
        return np.asarray(self.rows.std(axis=1))

    @cached_property
    def reaches(self) -> Array:
        """How far each feature gets from its mean: also where it seldom does, as a pixel at the border."""
        return np.asarray(np.abs(self.rows - self.means[:, None]).max(axis=1))

    @property
    def rms(self) -> float:
        return norm_of([self.rows]) / float(np.sqrt(max(1, self.rows.size)))


@record(frozen=True)
class Deep:
    """All products with weights that are so deep: so many others lie below them."""

    depth: int
    label: str
    line: int
    norm: float  # of the gradient there


@record(frozen=True)
class Recurrence:
    """A loop that carries real values.

    norms    the length of the loss's gradient by what is carried, before the first step and after each
    reach    how long a cotangent of length 1 after the last step has become, there
    radius   the spectral radius of the product of the steps' Jacobians, to the power 1 / steps
    remembers  the steps have data of their own, or weights: what early ones did should matter
    """

    label: str
    line: int
    norms: tuple[float, ...]
    reach: tuple[float, ...]
    radius: float
    remembers: bool

    @property
    def steps(self) -> int:
        return len(self.reach) - 1

    @property
    def ratio(self) -> float:
        """The length before the first step relative to that after the last."""
        return self.reach[0] / self.reach[-1]


@record(frozen=True)
class Broken:
    """Where a NaN or an infinity first appears."""

    what: str  # value, gradient
    label: str
    line: int
    found: str  # NaN, infinite
    step: int | None = None
    given: bool = False  # an argument, not something computed


@record(frozen=True, eq=False)
class Observation:
    """A model as it was seen at some data; `target` is what is differentiated, `value` its value there."""

    model: str
    source: str
    sizes: Mapping[str, int]
    target: str | None
    value: float | None
    layers: tuple[Layer, ...] = ()
    params: tuple[Learned, ...] = ()
    feds: tuple[Fed, ...] = ()
    depths: tuple[Deep, ...] = ()
    recurrences: tuple[Recurrence, ...] = ()
    broken: tuple[Broken, ...] = ()
    notes: tuple[str, ...] = ()

    def activations(self) -> Iterator[Layer]:
        """The layers that have a slope."""
        return (layer for layer in self.layers if layer.slopes)
