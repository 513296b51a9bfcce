"""How far the gradients that are shown are from those of the emitted module, and whether that is rounding.

A deep network or a long recurrence may amplify the rounding of one operation a millionfold. How much a model
does is seen by moving its arguments by their last digits: what that changes, another order of operations may
change. And where large gradients of values on the way cancel, what is left of them is known to their last
digits only.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

import numpy as np
from autodiffc.compiler.compiled import Compiled
from autodiffc.compiler.ir import Array
from autodiffc.compiler.model import Program
from autodiffc.compiler.samples import SEED
from autodiffc.compiler.tape import Gradients, traced
from autodiffc.grammar.records import record

from .given import Given
from .numbers import number

PLENTY = 1_000.0  # roundings that a well-conditioned model may add up
UNDERFLOW = 1e-290  # where numbers lose digits, one order of operations gives 0 and another not
NOISY = 100.0  # times what the last digits change
DOUBLE = 2.0**-52  # the precision of the tape


@record(frozen=True)
class Difference:
    """The largest difference of a gradient, relative to its largest element; whether all are rounding."""

    size: float
    is_rounding: bool

    def __str__(self) -> str:
        return f"{number(self.size, 2)}, relative to the largest element"


def difference(
    program: Program, module: ModuleType, given: Given, gradients: Gradients, epsilon: float = DOUBLE
) -> Difference:
    """The difference from every way to a gradient that the module has, which computes with this precision."""
    own, tape, target = _named(program, gradients), gradients.tape, str(program.target)
    ones = np.ones_like(tape.records[tape.found[tape.graph.output(target)]].value)
    ways = [found for _, found in Compiled(program, module).gradients(given.arguments, {target: ones})]
    sizes = {name: max(_relative(np.asarray(way[name]), own[name]) for way in ways) for name in own}
    largest = max(sizes.values(), default=0.0)
    if largest <= PLENTY * epsilon:
        return Difference(largest, True)
    moved = traced(tape.graph, _moved(given.arguments), given.sizes).backward(target, program.wrt)
    steep = _largest(gradients)
    for name, other in _named(program, moved).items():
        noise = max(_relative(other, own[name]), DOUBLE * steep / _scale(own[name]))
        if sizes[name] > epsilon * max(PLENTY, NOISY * noise / DOUBLE):
            return Difference(sizes[name], False)
    return Difference(largest, True)


def _largest(gradients: Gradients) -> float:
    """The largest gradient of any value on the way."""
    found = (gradients.of(record.number) for record in gradients.tape.records)
    return max((_scale(array) for array in found if array is not None), default=0.0)


def _named(program: Program, gradients: Gradients) -> dict[str, Array]:
    tape = gradients.tape
    inputs = {node["name"]: tape.records[tape.found[node]] for node in tape.graph.inputs}
    found = {name: gradients.of(inputs[name].number) for name in program.wrt}
    return {name: np.zeros_like(inputs[name].value) if g is None else g for name, g in found.items()}


def _moved(arguments: Mapping[str, Array]) -> dict[str, Array]:
    """Reals moved by a unit in the last place, away from zero or toward it."""
    generator = np.random.default_rng(0)
    return {
        name: np.nextafter(array, array + generator.choice([-1.0, 1.0], array.shape))
        if array.dtype.kind == "f" and name != SEED
        else array
        for name, array in arguments.items()
    }


def _relative(a: Array, b: Array) -> float:
    """0 where both are the same, NaN and infinities among them."""
    with np.errstate(all="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) < UNDERFLOW)
        if same.all():
            return 0.0
        error = float(np.max(np.where(same, 0.0, np.abs(a - b))) / _scale(b))
    return error if error == error else float("inf")


def _scale(array: Array) -> float:
    """The largest finite element."""
    return max(float(np.abs(array).max(initial=0.0, where=np.isfinite(array))), UNDERFLOW)
