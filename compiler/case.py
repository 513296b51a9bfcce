"""What a module's derivatives give at a point: each asked once, all as vectors and matrices.

    case = Case(compiled, point, np.random.default_rng(0))
    case.Jv @ case.u, case.v @ case.Jtu          # the same number, if jvp and backward are right

The values that are differentiated by are one vector in the order of Grads, the target's elements another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np
from autodiffc.grammar.records import record

from .compiled import Arguments, Compiled, Fault
from .ir import Array
from .points import Point
from .symmetry import mirrored, symmetric_arguments


@record(frozen=True)
class Layout:
    """Arrays as one vector: their names and shapes."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def starts(self) -> list[int]:
        return [0, *accumulate(map(prod, self.shapes))]

    @property
    def size(self) -> int:
        return self.starts[-1]

    def split(self, vector: Array) -> dict[str, Array]:
        """The arrays of a vector."""
        parts = np.split(vector, self.starts[1:-1])
        return {name: part.reshape(shape) for name, shape, part in zip(self.names, self.shapes, parts)}

    def label(self, k: int) -> str:
        """What the element at a position is called."""
        number = int(np.searchsorted(self.starts, k, side="right")) - 1
        index = np.unravel_index(k - self.starts[number], self.shapes[number])
        return self.names[number] + (f"[{', '.join(map(str, index))}]" if index else "")


@record(frozen=True, eq=False)
class Entries:
    """A sparse matrix as a module gives it."""

    rows: Array
    cols: Array
    values: Array
    shape: tuple[int, int]

    def times(self, vector: Array) -> Array:
        return np.bincount(self.rows, self.values * vector[self.cols], self.shape[0])

    def dense(self) -> Array:
        matrix = np.zeros(self.shape)
        matrix[self.rows, self.cols] = self.values
        return matrix


def flat(arrays: Mapping[str, Array], names: Sequence[str]) -> Array:
    """Arrays as one vector."""
    return np.concatenate([np.zeros(0), *(np.ravel(arrays[name]) for name in names)])


class Case:
    """A point, with random directions v and w there and the cotangent u."""

    def __init__(self, compiled: Compiled, point: Point, generator: np.random.Generator, single: bool):
        self.compiled = compiled
        self.program = compiled.program
        self.point = point
        self.single = single
        self.target = str(self.program.target)
        wrt = self.program.wrt
        self.wrt = Layout(wrt, tuple(point.arguments[name].shape for name in wrt))
        self.u = np.ravel(point.cotangents[self.target])
        self.out = Layout((self.target,), (point.cotangents[self.target].shape,))
        self.symmetric = symmetric_arguments(self.program.graph)
        self.v = self._direction(generator)
        self.w = self._direction(generator)

    def _direction(self, generator: np.random.Generator) -> Array:
        """A direction in which each element moves in proportion to its size."""
        found = {}
        for name, shape in zip(self.wrt.names, self.wrt.shapes):
            sizes = np.abs(self.point.arguments[name])
            typical = np.max(sizes, initial=0.0) or 1.0
            weights = generator.uniform(0.5, 1.5, shape) * generator.choice([-1.0, 1.0], shape)
            vector = np.asarray(np.float32(weights * np.where(sizes == 0.0, typical, sizes)), float)
            found[name] = mirrored(vector) if name in self.symmetric else vector
        return flat(found, self.wrt.names)

    def nearby(self, generator: np.random.Generator, unit: float) -> Case:
        """The same directions at arguments that are a few units of rounding away."""
        other = copy(self)
        for name in [name for name, fact in vars(Case).items() if isinstance(fact, cached_property)]:
            vars(other).pop(name, None)
        noise = 4.0 * unit * generator.uniform(-1.0, 1.0, self.wrt.size)
        sizes = flat(self.point.arguments, self.wrt.names)
        other.point = replace(self.point, arguments=self.moved(sizes * noise, 1.0))
        return other

    def moved(self, direction: Array, t: float) -> Arguments:
        """The arguments a step further."""
        steps = self.wrt.split(t * direction)
        return {**self.point.arguments, **{n: self.point.arguments[n] + step for n, step in steps.items()}}

    def folded(self, x: Array) -> Array:
        """The last axis by what moves together: of a symmetric matrix both elements of a pair."""
        if not self.symmetric:
            return x
        parts = []
        for name, shape, part in zip(
            self.wrt.names, self.wrt.shapes, np.split(x, self.wrt.starts[1:-1], axis=-1)
        ):
            if name in self.symmetric:
                square = part.reshape(*x.shape[:-1], *shape)
                part = (np.tril(square) + np.tril(square.swapaxes(-1, -2), -1)).reshape(part.shape)
            parts.append(part)
        return np.concatenate(parts, axis=-1)

    # --- what the functions give -----------------------------------------------------------------

    @cached_property
    def value(self) -> Array:
        return np.ravel(self.compiled.outputs(self.point.arguments)[self.target])

    @cached_property
    def Jtu(self) -> Array:
        """Jᵀ u by backward."""
        *_, (_, grads) = self.compiled.gradients(self.point.arguments, self.point.cotangents)
        return flat(grads, self.wrt.names)

    @cached_property
    def jvp(self) -> tuple[Array, Array]:
        value, tangent = self._pair("jvp", self.v)
        return self._output("jvp", value), self._output("jvp", tangent)

    @cached_property
    def vjp(self) -> tuple[Array, Array]:
        value, pull = self._pair("vjp")
        cotangent = self.point.cotangents[self.target]
        grads = pull(float(cotangent) if cotangent.ndim == 0 else cotangent)
        return self._output("vjp", value), self.flat("vjp", grads)

    @cached_property
    def Hv(self) -> Array:
        return self.product("hvp", self.v)

    @cached_property
    def Hw(self) -> Array:
        return self.product("hvp", self.w)

    @cached_property
    def Gv(self) -> Array:
        return self.product("gauss_newton", self.v)

    @cached_property
    def Gw(self) -> Array:
        return self.product("gauss_newton", self.w)

    @cached_property
    def jacobian(self) -> tuple[Array, Array]:
        """The value and the matrix, by both functions that give it."""
        value, columns = self._pair("value_and_jacobian")
        alone = self._call("jacobian")
        matrix = self._matrix(columns)
        if not np.array_equal(matrix, self._matrix(alone), equal_nan=True):
            raise Fault("jacobian and value_and_jacobian do not agree")
        return self._output("value_and_jacobian", value), matrix

    @property
    def J(self) -> Array:
        return self.jacobian[1]

    @cached_property
    def H(self) -> Array:
        hess = np.asarray(self._call("hessian"), float)
        return self._of_shape("hessian", hess, (self.wrt.size, self.wrt.size))

    @cached_property
    def sparse_jacobian(self) -> tuple[Array, Entries]:
        """The value and the matrix."""
        value, sparse = self._pair("value_and_sparse_jacobian")
        entries = self._entries("jacobian", sparse, (self.out.size, self.wrt.size))
        return self._output("value_and_sparse_jacobian", value), entries

    @cached_property
    def sparse_hessian(self) -> Entries:
        return self._entries("hessian", self._call("sparse_hessian"), (self.wrt.size, self.wrt.size))

    def _entries(self, name: str, sparse: Any, shape: tuple[int, int]) -> Entries:
        """The matrix, found to be in its pattern, and to be the same with the colouring handed in."""
        rows, cols, values = map(np.asarray, sparse)
        arguments, sizes = self.point.arguments, self.point.sizes
        pattern = self.compiled.pattern(f"{name}_sparsity", arguments, sizes)
        colouring = self.compiled.pattern(f"{name}_colouring", arguments, sizes)
        again = self.compiled.call(f"sparse_{name}", arguments, colouring=colouring)
        for found, other in zip((rows, cols, rows, cols, values), (*pattern, *again)):
            if not np.array_equal(found, other, equal_nan=True):
                raise Fault(f"sparse_{name}, {name}_sparsity and {name}_colouring do not agree")
        places = rows * shape[1] + cols
        if rows.size and (len(set(places.tolist())) < rows.size or rows.max() >= shape[0]):
            raise Fault(f"sparse_{name} gives an element twice, or one outside of the matrix")
        return Entries(rows, cols, values.astype(float), shape)

    def product(self, function: str, vector: Array) -> Array:
        return self.flat(function, self._call(function, vector))

    def _call(self, function: str, *vectors: Array) -> Any:
        given = [x for v in vectors for x in self.wrt.split(v).values()]
        return self.compiled.call(function, self.point.arguments, *given)

    def _pair(self, function: str, *vectors: Array) -> tuple[Any, Any]:
        found = self._call(function, *vectors)
        if len(found) != 2:
            raise Fault(f"{function} gave {len(found)} results, not 2")
        return found[0], found[1]

    def flat(self, function: str, grads: Any) -> Array:
        """The fields of Grads as one vector."""
        return flat(self.compiled.named(function, grads, self.point.arguments), self.wrt.names)

    def _output(self, function: str, value: Any) -> Array:
        return np.ravel(self._of_shape(function, np.asarray(value, float), self.out.shapes[0]))

    def _matrix(self, columns: Any) -> Array:
        """The parts of a Jacobian beside each other."""
        parts = []
        for name, shape, part in zip(self.wrt.names, self.wrt.shapes, columns):
            wanted = (*self.out.shapes[0], *shape)
            part = self._of_shape(f"the jacobian by {name}", np.asarray(part, float), wanted)
            parts.append(part.reshape(self.out.size, prod(shape)))
        return np.concatenate(parts, axis=1)

    def _of_shape(self, what: str, array: Array, shape: tuple[int, ...]) -> Array:
        if array.shape != shape:
            raise Fault(f"{what} gave shape {array.shape} where {shape} is expected")
        return array
