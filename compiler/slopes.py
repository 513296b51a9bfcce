"""Derivatives that a model computes with, in scalars: forward mode in numbers that have derivatives too.

    g = grad(sum(w * x**2), x)        x[i] gets the slope 1 by a variable (level, i); the sum's slope is g[i]

A `Number` takes its slopes along through every formula, each a number with tangents of its own. A derivative
inside another has variables of a higher level, and its result none of that level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from . import ops
from .interp import resolve
from .ir import Array, Graph, Node
from .scalars import Number, ScalarProgram, Variable

Run = Callable[[Graph, Mapping[str, Array]], "list[Array]"]  # a body on the values of its inputs


def derivative(program: ScalarProgram, node: Node, args: Sequence[Array], run: Run) -> Array:
    """The value of a gradient or of a directional derivative."""
    body, place = node["body"], node["wrt"]
    directions, given = ((), args) if node.op is ops.gradient else (args[:1], args[1:])
    level = 1 + max((k for array in args for k, _ in variables_of(array)), default=0)
    moved = _moved(program, level, given[place], *directions)
    values = [moved if k == place else array for k, array in enumerate(given)]
    result = run(body, {node["name"]: value for node, value in zip(body.inputs, values)})[0]
    if directions:
        return _slopes(program, list(np.ravel(result)), [(level, 0)] * np.size(result), np.shape(result))
    variables = [(level, k) for k in range(moved.size)]
    return _slopes(program, [np.ravel(result)[0]] * moved.size, variables, moved.shape)


def _moved(program: ScalarProgram, level: int, wrt: Array, direction: Array | None = None) -> Array:
    """The elements with a slope by a variable each; with those along a direction, by one variable."""
    numbers = [program.number(element) for element in np.ravel(wrt)]
    moved = np.empty(len(numbers), object)
    for k, number in enumerate(numbers):
        variable = (level, k if direction is None else 0)
        along = program.number(1 if direction is None else np.ravel(direction)[k])
        moved[k] = number.with_slopes({**number.slopes, variable: along})
    return moved.reshape(np.shape(wrt))


def _slopes(
    program: ScalarProgram,
    numbers: Sequence[object],
    variables: Sequence[Variable],
    shape: tuple[int, ...],
) -> Array:
    found = np.empty(len(variables), object)
    for k, (number, variable) in enumerate(zip(numbers, variables)):
        known = number.slopes if isinstance(number, Number) else {}
        found[k] = known[variable] if variable in known else program.number(0)
    return found.reshape(shape)


def variables_of(array: Array) -> set[Variable]:
    """The variables that some elements have slopes by."""
    return {v for element in np.ravel(array) if isinstance(element, Number) for v in element.slopes}


def governed_slopes(
    program: ScalarProgram, node: Node, args: Sequence[Array], y: Array, sizes: Mapping[str, int], run: Run
) -> Array:
    """A result of a function with an adjoint of its own, with the slopes that this adjoint states."""
    adjoint, x = node["adjoint"], args[2:]
    variables = sorted(set().union(*map(variables_of, x)))
    found = np.empty(np.shape(y), object)
    for index in np.ndindex(found.shape):
        unit = np.zeros(found.shape)
        unit[index] = 1.0
        rows = _pulled(adjoint, x, {node["position"]: unit}, sizes, run)
        pairs = [(r, e) for k, row in zip(node["wrt"], rows) for r, e in zip(np.ravel(row), np.ravel(x[k]))]
        slopes = {v: _along(program, pairs, v) for v in variables}
        found[index] = program.number(y[index]).with_slopes(slopes)
    return found


def _pulled(
    adjoint: Graph, x: Sequence[Array], cotangents: Mapping[int, Array], sizes: Mapping[str, int], run: Run
) -> list[Array]:
    """What an adjoint makes of cotangents of some results; those of the others are 0."""
    results = adjoint.inputs[len(x) :]
    given = [cotangents.get(k, np.zeros(resolve(node.shape, sizes))) for k, node in enumerate(results)]
    return run(adjoint, {node["name"]: value for node, value in zip(adjoint.inputs, (*x, *given))})


def _along(program: ScalarProgram, pairs: Sequence[tuple[object, object]], variable: Variable) -> Number:
    """The sum of slopes of a result by some elements times their slopes by a variable."""
    total = program.number(0)
    for row, element in pairs:
        if isinstance(element, Number) and variable in element.slopes:
            total = total + program.number(row).outside(variable[0]) * element.slopes[variable]
    return total
