"""What the gradient check holds fixed while arguments move: stopped values, and the matrices of own adjoints.

A function with an adjoint of its own counts as the linear map that this adjoint states:

>>> y, x = np.array(9.0), np.array(3.0)
>>> rule = Linear(y, (x,), {0: np.array([[6.0]])})  # of y = x**2
>>> rule.at(y, [np.array(3.0 + 1e-20j)]).imag
6e-20

Numbers that carry derivatives (complex or symbolic ones) go through the matrix at once. Plain differences
evaluate the model anew at other arguments, and find on a `Tape` what the first evaluation has held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np
from autodiffc.grammar.records import record

from .interp import Body, resolve
from .ir import Array


class NotLinear(ValueError):
    """An adjoint that is not linear in the cotangents: no matrix stands for it."""


def moves(x: Array) -> bool:
    """Whether an array carries derivatives: complex numbers, or symbolic ones."""
    return np.asarray(x).dtype.kind in "cO"


def plain(x: Array) -> Array:
    """The values as doubles, without what they carry."""
    array = np.asarray(x)
    if array.dtype != object:
        return np.asarray(array.real)
    return np.array([float(getattr(e, "value", e)) for e in array.ravel()]).reshape(array.shape)


def without_tangents(x: Array) -> Array:
    """The values in their own precision, without derivatives."""
    array = np.asarray(x)
    if array.dtype != object:
        return np.asarray(array.real)
    held = np.empty(array.shape, object)
    for index in np.ndindex(array.shape):
        held[index] = getattr(array[index], "held", array[index])
    return held


@record(frozen=True, eq=False)
class Linear:
    """y near a point: y + the sum over some arguments of matrix (x - point)."""

    y: Array
    points: tuple[Array, ...] = ()
    matrices: Mapping[int, Array] = field(default_factory=dict)

    def at(self, y: Array, x: Sequence[Array]) -> Array:
        """The value at other arguments; `y` is what it is computed to be there."""
        result = without_tangents(y) if moves(y) else self.y
        for k, matrix in self.matrices.items():
            base = without_tangents(x[k]) if moves(x[k]) else self.points[k]
            result = np.add(result, _times(matrix, np.ravel(x[k] - base)).reshape(self.y.shape))
        return result


def _times(matrix: Array, vector: Array) -> Array:
    """The product, without the zeros of the matrix where the vector is symbolic."""
    if vector.dtype != object:
        return np.asarray(matrix @ vector)
    result = np.zeros(len(matrix), object)
    for row, column in zip(*np.nonzero(matrix)):
        result[row] = vector[column] * float(matrix[row, column]) + result[row]
    return result


def linear_map(y: Array, x: Sequence[Array], adjoint: Body, wrt: Sequence[int], position: int) -> Linear:
    """One result of a function at a point, with the matrices that its adjoint states."""
    points, value = tuple(map(plain, x)), plain(y)
    adjoint = resolve(adjoint.graph, adjoint.sizes)  # on doubles, whatever the model is evaluated on
    token = _TAPE.set(None)
    try:
        rows = [pulled(adjoint, points, {position: unit}) for unit in _units(value.shape)]
        weights = np.linspace(-1.37, 0.71, value.size)
        together = pulled(adjoint, points, {position: weights.reshape(value.shape)})
    finally:
        _TAPE.reset(token)
    for n, found in enumerate(together):
        expected = sum((weight * row[n] for weight, row in zip(weights, rows)), np.zeros(found.shape))
        if not np.allclose(found, expected, rtol=1e-6, atol=1e-9, equal_nan=True):
            raise NotLinear("an adjoint of the model's own is not linear in its cotangents")
    shapes = {k: (value.size, points[k].size) for k in wrt}
    matrices = {k: np.array([row[n] for row in rows]).reshape(shapes[k]) for n, k in enumerate(wrt)}
    return Linear(value, points, matrices)


def pulled(adjoint: Body, x: Sequence[Array], cotangents: Mapping[int, Array]) -> tuple[Array, ...]:
    """What an adjoint makes of the cotangents of some results; those of the others are 0."""
    shapes = [resolve(node.shape, adjoint.sizes) for node in adjoint.graph.inputs[len(x) :]]
    given = [cotangents[k] if k in cotangents else np.zeros(shape) for k, shape in enumerate(shapes)]
    return tuple(map(np.asarray, adjoint(*x, *given)))


def _units(shape: tuple[int, ...]) -> Iterator[Array]:
    """Cotangents of one element each."""
    for index in np.ndindex(shape):
        unit = np.zeros(shape)
        unit[index] = 1.0
        yield unit


# --- the tape ------------------------------------------------------------------------------------


@dataclass
class Tape:
    """What is held, in the order of the evaluation."""

    entries: list[Linear] = field(default_factory=list)
    position: int | None = None  # None while it records

    def entry(self, make: Callable[[], Linear]) -> Linear:
        """The next entry: made while the tape records, read afterwards."""
        if self.position is None:
            self.entries.append(make())
            return self.entries[-1]
        self.position += 1
        return self.entries[self.position - 1]


_TAPE: ContextVar[Tape | None] = ContextVar("tape", default=None)


@contextmanager
def on(tape: Tape) -> Iterator[None]:
    """Evaluations inside record on a new tape, and read a tape that has been recorded."""
    tape.position = 0 if tape.entries else None
    token = _TAPE.set(tape)
    try:
        yield
    finally:
        _TAPE.reset(token)


def governed_value(y: Array, x: Sequence[Array], adjoint: Body, wrt: Sequence[int], position: int) -> Array:
    """A result of a function with an adjoint of its own."""
    tape = _TAPE.get()
    if any(map(moves, x)):
        return linear_map(y, x, adjoint, wrt, position).at(y, x)
    return y if tape is None else tape.entry(lambda: linear_map(y, x, adjoint, wrt, position)).at(y, x)


def stopped_value(x: Array) -> Array:
    """A value that nothing is differentiated through."""
    tape = _TAPE.get()
    if tape is None or moves(x):
        return without_tangents(x)
    return tape.entry(lambda: Linear(x)).y
